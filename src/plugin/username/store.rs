//! Who has a username: column `username` of `user`.

use super::flow::USERNAME;
use crate::error::AuthError;
use crate::store::account::{self, Found};
use crate::store::catalog::Table;
use crate::store::columns::{As, is, select};
use crate::store::server::lock_value;
use crate::store::sql::{Statement, Value};

thread_local! {
    static OWNER: Statement = const { Statement::new(Table::User, || {
        Ok(format!(
            "SELECT {} FROM {} u WHERE {} LIMIT 1",
            select(Table::User, "u", &[("id", As::Text)])?,
            Table::User.sql(),
            is(Table::User, "u", USERNAME, 1)?,
        ))
    }) };
    static CREDENTIAL: Statement = const { Statement::joining(Table::User, Table::Account, || {
        account::found(&is(Table::User, "u", USERNAME, 1)?, 1)
    }) };
}

/// The id of the user who has this normalised name.
///
/// # Errors
/// No table, or no column: migrate() makes it.
pub(super) fn owner(username: &str) -> Result<Option<String>, AuthError> {
    OWNER.with(|statement| Ok(statement.query(&[Value::Text(username)], |row| row.text(1))?.pop()))
}

/// Holds a normalised name, whether somebody has it or not, until the transaction ends.
///
/// # Errors
/// No table.
pub(super) fn lock(username: &str) -> Result<(), AuthError> {
    lock_value(Table::User, &format!("{USERNAME}\0{username}"))
}

/// What a sign-in finds under this normalised name.
///
/// # Errors
/// As [`owner`].
pub(super) fn find_credential(username: &str) -> Result<Option<Found>, AuthError> {
    CREDENTIAL.with(|statement| account::find_by(statement, username))
}
