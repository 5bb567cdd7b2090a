//! Who has a phone number: column `phoneNumber` of `user`.

use super::flow::NUMBER;
use crate::error::AuthError;
use crate::store::account::{self, Found};
use crate::store::catalog::Table;
use crate::store::columns::is;
use crate::store::server::lock_value;
use crate::store::sql::{Statement, Value};
use crate::store::user::User;

thread_local! {
    static FIND: Statement = const { Statement::new(Table::User, || {
        Ok(format!(
            "SELECT {} FROM {} u WHERE {} LIMIT 1",
            User::select("u")?,
            Table::User.sql(),
            is(Table::User, "u", NUMBER, 1)?,
        ))
    }) };
    static CREDENTIAL: Statement = const { Statement::joining(Table::User, Table::Account, || {
        account::found(&is(Table::User, "u", NUMBER, 1)?, 1)
    }) };
}

/// The user who has this number.
///
/// # Errors
/// No table, or no column: migrate() makes it.
pub(super) fn find(number: &str) -> Result<Option<User>, AuthError> {
    FIND.with(|statement| Ok(statement.query(&[Value::Text(number)], |row| User::from_row(row, 1))?.pop()))
}

/// Holds a number, whether somebody has it or not, until the transaction ends.
///
/// # Errors
/// No table.
pub(super) fn lock(number: &str) -> Result<(), AuthError> {
    lock_value(Table::User, &format!("{NUMBER}\0{number}"))
}

/// What a sign-in finds under this number.
///
/// # Errors
/// As [`find`].
pub(super) fn find_credential(number: &str) -> Result<Option<Found>, AuthError> {
    CREDENTIAL.with(|statement| account::find_by(statement, number))
}
