//! Regular expressions of PostgreSQL's, which settings name.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::sql::{Statement, Value};
use crate::store::subtransaction::attempt;

thread_local! {
    static MATCHES: Statement = const { Statement::new(Table::User, || {
        Ok("SELECT $1 OPERATOR(pg_catalog.~) $2".into())
    }) };
}

/// Whether a text, which has no NUL, matches the regular expression that `setting` holds.
///
/// # Errors
/// The setting is no regular expression, or there is no table `user`.
pub(crate) fn matches(text: &str, setting: &str, expression: &str) -> Result<bool, AuthError> {
    let values = [Value::Text(text), Value::Text(expression)];
    let matches = || MATCHES.with(|statement| statement.query(&values, |row| row.boolean(1)));
    match attempt(matches, |_| true) {
        Ok(rows) => Ok(rows?.pop().unwrap_or_default()),
        Err(exception) if exception.is_about_data() => Err(AuthError::Setup(format!(
            "better_auth.{setting} is no regular expression: {}",
            exception.message
        ))),
        Err(exception) => exception.raise(),
    }
}
