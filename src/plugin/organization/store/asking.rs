//! The user who is asking, as policies want to know it: in one statement, since they wait for it.

use crate::error::AuthError;
use crate::plugin::organization::store::member;
use crate::plugin::organization::{ACTIVE_ORGANIZATION, ACTIVE_TEAM};
use crate::store::account;
use crate::store::catalog::{Table, has_column};
use crate::store::columns::{As, at, compare, is, select};
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

/// Where a user is, and what a session of the user's is about.
#[derive(Default)]
pub(in crate::plugin::organization) struct Asking {
    /// The organizations, and the roles there.
    pub(in crate::plugin::organization) organizations: Vec<(String, String)>,
    pub(in crate::plugin::organization) organization: Option<String>,
    pub(in crate::plugin::organization) team: Option<String>,
}

/// A column of the session that not every database has.
fn optional(field: &'static str) -> Result<String, AuthError> {
    match has_column(Table::Session, field)? {
        true => select(Table::Session, "s", &[(field, As::Text)]),
        false => Ok("NULL::pg_catalog.text".into()),
    }
}

thread_local! {
    static ASKING: Statement = const { Statement::joining_two(member::TABLE, [Table::User, Table::Session], || {
        Ok(format!(
            "SELECT {}, {}, {} FROM {} u
             LEFT JOIN {} m ON {} OPERATOR(pg_catalog.=) u.id
             LEFT JOIN {} s ON {} AND {} OPERATOR(pg_catalog.=) u.id AND {}
             WHERE {} AND {}",
            select(member::TABLE, "m", &[("organizationId", As::Text), ("role", As::Text)])?,
            optional(ACTIVE_ORGANIZATION)?,
            optional(ACTIVE_TEAM)?,
            Table::User.sql(),
            member::TABLE.sql(),
            at(member::TABLE, "m", "userId"),
            Table::Session.sql(),
            is(Table::Session, "s", "id", 2)?,
            at(Table::Session, "s", "userId"),
            compare(Table::Session, "s", "expiresAt", ">", 3)?,
            is(Table::User, "u", "id", 1)?,
            account::is_free()?,
        ))
    }) };
}

/// A user, and the session with this id if it is the user's and lives; `None` where there is no such user, or one who is
/// banned. Sees what the query sees that is running, and works in parallel workers too.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(
    user_id: &str,
    session_id: Option<&str>,
) -> Result<Option<Asking>, AuthError> {
    let values = [Value::Text(user_id), Value::OptionalText(session_id), Value::Time(Timestamp::now())];
    let read = |row: &Row| {
        let membership = row.optional_text(1).map(|organization| (organization, row.text(2)));
        (membership, row.optional_text(3), row.optional_text(4))
    };
    let rows = ASKING.with(|statement| statement.query_in_step(&values, read))?;
    let Some((_, organization, team)) = rows.first().cloned() else { return Ok(None) };
    let organizations = rows.into_iter().filter_map(|(membership, ..)| membership).collect();
    Ok(Some(Asking { organizations, organization, team }))
}
