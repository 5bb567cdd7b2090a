//! Table `verification`: single-use values, such as the token of a password reset.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::columns::{As, at, insert, is, select, set};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value};

/// A value, and until when it counts.
pub(crate) struct Verification {
    pub(crate) value: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) created_at: Timestamp,
}

impl Verification {
    fn select(row: &str) -> Result<String, AuthError> {
        select(
            Table::Verification,
            row,
            &[("value", As::Text), ("expiresAt", As::Time), ("createdAt", As::Time)],
        )
    }

    fn from_row(row: &Row) -> Self {
        Self { value: row.text(1), expires_at: row.time(2), created_at: row.time(3) }
    }
}

/// `WHERE` on the identifier, as parameter 1.
fn by_identifier() -> Result<String, AuthError> {
    is(Table::Verification, "v", "identifier", 1)
}

thread_local! {
    static FIND: Statement = const { Statement::new(Table::Verification, || {
        Ok(format!(
            "SELECT {} FROM {} v WHERE {} ORDER BY {} DESC LIMIT 1",
            Verification::select("v")?,
            Table::Verification.sql(),
            by_identifier()?,
            at(Table::Verification, "v", "createdAt"),
        ))
    }) };
    static INSERT: Statement = const { Statement::new(Table::Verification, || {
        let fields = ["id", "identifier", "value", "expiresAt", "createdAt", "updatedAt"];
        insert(Table::Verification, "v", &fields, &[])
    }) };
    static CONSUME: Statement = const { Statement::new(Table::Verification, || {
        Ok(format!(
            "DELETE FROM {} v WHERE {} RETURNING {}",
            Table::Verification.sql(),
            by_identifier()?,
            Verification::select("v")?,
        ))
    }) };
    static PROLONG: Statement = const { Statement::new(Table::Verification, || {
        Ok(format!(
            "UPDATE {} v SET {}, {} WHERE {}",
            Table::Verification.sql(),
            set(Table::Verification, "expiresAt", 2)?,
            set(Table::Verification, "updatedAt", 3)?,
            by_identifier()?,
        ))
    }) };
    static DELETE_OF_KIND: Statement = const { Statement::new(Table::Verification, || {
        let identifier = at(Table::Verification, "v", "identifier");
        Ok(format!(
            "DELETE FROM {} v WHERE {} AND pg_catalog.starts_with({identifier}::pg_catalog.text, $1)",
            Table::Verification.sql(),
            is(Table::Verification, "v", "value", 2)?,
        ))
    }) };
}

/// Keeps a value under an identifier.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(crate) fn create(
    identifier: &str,
    value: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), AuthError> {
    let id = random_id(Table::Verification)?;
    let values = [
        Value::Text(&id),
        Value::Text(identifier),
        Value::Text(value),
        Value::Time(expires_at),
        Value::Time(now),
        Value::Time(now),
    ];
    INSERT.with(|statement| statement.execute(&values))
}

/// The newest value under an identifier, expired or not.
///
/// # Errors
/// No table.
pub(crate) fn find(identifier: &str) -> Result<Option<Verification>, AuthError> {
    FIND.with(|statement| Ok(statement.query(&[Value::Text(identifier)], Verification::from_row)?.pop()))
}

/// Takes the newest value under an identifier away, and older ones with it: of all who try at once one
/// gets it. `None` when there is none, or it has expired at `now`.
///
/// # Errors
/// No table.
pub(crate) fn consume(identifier: &str, now: Timestamp) -> Result<Option<Verification>, AuthError> {
    Ok(take(identifier)?.filter(|found| found.expires_at >= now))
}

/// The same of one that may have expired.
///
/// # Errors
/// No table.
pub(crate) fn take(identifier: &str) -> Result<Option<Verification>, AuthError> {
    let taken =
        CONSUME.with(|statement| statement.query(&[Value::Text(identifier)], Verification::from_row))?;
    Ok(taken.into_iter().max_by_key(|found| found.created_at))
}

/// Keeps what was taken away after all, with another value. It is as old as it was: one that somebody has put there
/// meanwhile, in the same millisecond even, stays the newest.
///
/// # Errors
/// As [`create`].
pub(crate) fn put_back(identifier: &str, taken: &Verification, value: &str) -> Result<(), AuthError> {
    create(identifier, value, taken.expires_at, taken.created_at)
}

/// Deletes all values under an identifier.
///
/// # Errors
/// No table.
pub(crate) fn delete(identifier: &str) -> Result<(), AuthError> {
    CONSUME.with(|statement| statement.query(&[Value::Text(identifier)], |_| ()))?;
    Ok(())
}

/// Has all values under an identifier count until `expires_at`.
///
/// # Errors
/// No table.
pub(crate) fn prolong(identifier: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), AuthError> {
    let values = [Value::Text(identifier), Value::Time(expires_at), Value::Time(now)];
    PROLONG.with(|statement| statement.execute(&values))
}

/// Deletes all that have this value under an identifier that begins with `prefix`.
///
/// # Errors
/// No table.
pub(crate) fn delete_of_kind(prefix: &str, value: &str) -> Result<(), AuthError> {
    DELETE_OF_KIND.with(|statement| statement.execute(&[Value::Text(prefix), Value::Text(value)]))
}
