//! Anonymous users: made, deleted, and linked to the user who they become.

use serde_json::Map;

use super::{
    ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY, DELETE_ANONYMOUS_USER_DISABLED, INVALID_EMAIL_FORMAT,
    USER_IS_NOT_ANONYMOUS, settings,
};
use crate::error::{AuthError, Code};
use crate::flow::input::{Issues, is_email};
use crate::flow::json::{self, Object};
use crate::flow::new_user::{self, Draft};
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::flow::user::{delete_rows, delete_user};
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::function::call;
use crate::store::server::{Timestamp, random_token};
use crate::store::user::{self, User};

pub(super) const ANONYMOUS: &str = "isAnonymous";

/// Length of Better Auth's ids, which such an email begins with.
const ID: usize = 32;

pub(super) fn is_anonymous(user: &User) -> bool {
    user.is(ANONYMOUS)
}

/// An email that nobody gets mail at.
fn email() -> Result<String, AuthError> {
    let id = random_token(ID)?;
    let email = match settings::email_domain_name() {
        Some(domain) => format!("temp-{id}@{domain}"),
        None => format!("{id}@anonymous.placeholder.invalid"),
    };
    let email = email.to_lowercase();
    if is_email(&email) { Ok(email) } else { Err(INVALID_EMAIL_FORMAT.into()) }
}

/// Makes an anonymous user, and opens a session: Better Auth's `POST /sign-in/anonymous`.
///
/// # Errors
/// ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY for the `current` session of one, INVALID_EMAIL_FORMAT, what
/// plugins and the DBA's functions refuse, and those of the store.
pub(super) fn sign_in(caller: &mut dyn Caller, current: Option<&Live>) -> Result<Live, AuthError> {
    if current.is_some_and(|current| is_anonymous(&current.user)) {
        return Err(ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY.into());
    }
    let mut issues = Issues::of_body();
    caller.client().check(&mut issues);
    issues.finish()?;
    let name = settings::name().unwrap_or_else(|| "Anonymous".into());
    let draft = Draft {
        user: User::draft(&name, &email()?, None, Timestamp::now())?,
        additional: vec![Given::of(Table::User, ANONYMOUS, Some("true"))?],
    };
    let created = new_user::create(caller, draft, &Map::new(), "anonymous", |_| Ok(()))?;
    let user = created.ok_or(AuthError::ApiWith(Code::FAILED_TO_CREATE_USER, 500))?;
    let session = session::open(caller, &user, true)?;
    Ok(Live { session, user })
}

/// Deletes the caller, who is an anonymous user: Better Auth's `POST /delete-anonymous-user`.
///
/// # Errors
/// UNAUTHORIZED, DELETE_ANONYMOUS_USER_DISABLED, USER_IS_NOT_ANONYMOUS.
pub(super) fn delete(caller: &mut dyn Caller) -> Result<(), AuthError> {
    let live = require(caller, Need::Live)?;
    if settings::disable_delete_anonymous_user() {
        return Err(DELETE_ANONYMOUS_USER_DISABLED.into());
    }
    // Somebody else may have made a user of it just now.
    let locked = user::lock(&live.user.id)?;
    if !locked.is_some_and(|locked| is_anonymous(&locked)) {
        return Err(USER_IS_NOT_ANONYMOUS.into());
    }
    delete_user(&live.user.id)
}

/// Has an anonymous user become the user of a `new` session: the DBA's function moves what it has, and it is deleted,
/// unless the setting keeps it or it is the same user, or another anonymous one. Of two sign-ins at once the first one
/// has it.
///
/// # Errors
/// Those of the store. What the function raises comes through as PostgreSQL's exception, and undoes the sign-in.
pub(super) fn link(old: &Live, new: &Live) -> Result<(), AuthError> {
    let is_same = old.user.id == new.user.id;
    let stays = settings::disable_delete_anonymous_user() || is_same || is_anonymous(&new.user);
    if !stays {
        // From here on nobody adds a row that refers to the user: the function wouldn't see it, and it would go with
        // the user. Whoever was about to waits, and finds that the user is gone.
        user::lock_to_delete(&old.user.id)?;
    }
    let Some(user) = user::lock(&old.user.id)?.filter(is_anonymous) else { return Ok(()) };
    let old = Live { session: old.session.clone(), user };
    if let Some(name) = settings::link_account_function() {
        let argument =
            Object::new().json("anonymousUser", &json::told(&old)).json("newUser", &json::told(new));
        call("anonymous_link_account_function", &name, &argument.finish())?;
    }
    if stays { Ok(()) } else { delete_rows(&old.user.id) }
}
