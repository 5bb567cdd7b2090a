//! What a session is about: columns of table `session`.

use crate::error::AuthError;
use crate::plugin::organization::{ACTIVE_ORGANIZATION, ACTIVE_TEAM};
use crate::store::catalog::{Table, has_column};
use crate::store::columns::{As, compare, is, select};
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

/// A column that not every database has.
fn optional(field: &'static str) -> Result<String, AuthError> {
    match has_column(Table::Session, field)? {
        true => select(Table::Session, "s", &[(field, As::Text)]),
        false => Ok("NULL::pg_catalog.text".into()),
    }
}

thread_local! {
    static OF_SESSION: Statement = const { Statement::new(Table::Session, || {
        Ok(format!(
            "SELECT {}, {} FROM {} s WHERE {} AND {} AND {}",
            optional(ACTIVE_ORGANIZATION)?,
            optional(ACTIVE_TEAM)?,
            Table::Session.sql(),
            is(Table::Session, "s", "id", 1)?,
            is(Table::Session, "s", "userId", 2)?,
            compare(Table::Session, "s", "expiresAt", ">", 3)?,
        ))
    }) };
}

/// The organization and the team that a user's session, by its id, is about, if it lives. Sees what the query sees that is
/// running, and works in parallel workers too.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn of_session(
    id: &str,
    user_id: &str,
) -> Result<(Option<String>, Option<String>), AuthError> {
    let values = [Value::Text(id), Value::Text(user_id), Value::Time(Timestamp::now())];
    let read = |row: &Row| (row.optional_text(1), row.optional_text(2));
    OF_SESSION.with(|statement| Ok(statement.query_in_step(&values, read)?.pop().unwrap_or_default()))
}
