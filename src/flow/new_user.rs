//! A new user, whatever the way to become one: what plugins and the DBA's functions have to say to it.

use serde_json::{Map, Value};

use crate::error::AuthError;
use crate::flow::session::Caller;
use crate::flow::{fields, hooks};
use crate::plugin;
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::user::{self, User};

/// A user who is about to be created.
pub(crate) struct Draft {
    pub(crate) user: User,
    /// Columns of plugins, and additional fields.
    pub(crate) additional: Vec<Given>,
}

impl Draft {
    /// What is to be stored in a column; `None` where nothing is.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.additional.iter().find(|given| given.field.name == name)?.value.as_deref()
    }

    /// Whether something is to be stored in a column, be it NULL.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.additional.iter().any(|given| given.field.name == name)
    }

    /// Has a plugin's column store a value.
    ///
    /// # Errors
    /// The table lacks the column: migrate() makes it.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), AuthError> {
        self.additional.retain(|given| given.field.name != name);
        self.additional.push(Given::of(Table::User, name, value)?);
        Ok(())
    }

    /// What plugins, and then the DBA's `before_sign_up_function`, say to it. `given` is what a request gave for
    /// additional fields.
    ///
    /// # Errors
    /// The first refusal.
    pub(crate) fn settle(
        &mut self,
        caller: &dyn Caller,
        given: &Map<String, Value>,
        method: &str,
    ) -> Result<(), AuthError> {
        for plugin in plugin::on().iter() {
            plugin.before_user(caller, self)?;
        }
        hooks::before_sign_up(&self.user, given, method)
    }
}

/// What plugins, and then the DBA's `after_sign_up_function`, do with a user who was created just now.
///
/// # Errors
/// Those of the store. What the function raises comes through as PostgreSQL's exception.
pub(crate) fn created(caller: &dyn Caller, user: &User, method: &str) -> Result<(), AuthError> {
    for plugin in plugin::on().iter() {
        plugin.after_user(caller, user)?;
    }
    hooks::after_sign_up(user, method)
}

/// Creates a user who has proven the email, or has none, in Better Auth's `method`. `and_then` makes what belongs to
/// it, before anybody is told. `None` when somebody else has the email.
///
/// # Errors
/// What plugins and the DBA's functions refuse, and those of the store.
pub(crate) fn create(
    caller: &dyn Caller,
    mut draft: Draft,
    given: &Map<String, Value>,
    method: &str,
    and_then: impl FnOnce(&User) -> Result<(), AuthError>,
) -> Result<Option<User>, AuthError> {
    fields::complete(Table::User, &mut draft.additional)?;
    draft.settle(caller, given, method)?;
    let Some(user) = user::create(&draft.user, &draft.additional)? else { return Ok(None) };
    and_then(&user)?;
    created(caller, &user, method)?;
    Ok(Some(user))
}
