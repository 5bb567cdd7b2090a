//! Table `twoFactor`: the secret that a user's authenticator app has, the backup codes, and how often somebody has
//! guessed wrong.

use crate::error::AuthError;
use crate::store::catalog::{Table, has_relation};
use crate::store::columns::{As, Field, at, insert, is, select, set, write};
use crate::store::definition::{BOOLEAN, Definition, INTEGER, KEY, TEXT_REQUIRED, TIME, USER_KEY};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value};

pub(super) const TABLE: Table = Table::Plugin(8);

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const TWO_FACTORS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("secret", TEXT_REQUIRED),
        ("backupCodes", TEXT_REQUIRED),
        ("userId", USER_KEY),
        ("verified", BOOLEAN),
        ("failedVerificationCount", INTEGER),
        ("lockedUntil", TIME),
    ],
    indexed: &["secret", "userId"],
    ..Definition::of(TABLE, "twoFactor")
};

/// A row.
pub(super) struct TwoFactor {
    pub(super) id: String,
    /// Encrypted.
    pub(super) secret: String,
    /// As the setting has them stored.
    pub(super) backup_codes: String,
    /// Whether an authenticator app has shown that it has the secret. Rows of older Better Auth versions don't say.
    pub(super) verified: Option<bool>,
    pub(super) locked_until: Option<Timestamp>,
}

impl TwoFactor {
    const FIELDS: [Field; 5] = [
        ("id", As::Text),
        ("secret", As::Text),
        ("backupCodes", As::Text),
        ("verified", As::Text),
        ("lockedUntil", As::Time),
    ];

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            secret: row.text(2),
            backup_codes: row.text(3),
            verified: row.optional_text(4).map(|verified| verified == "true"),
            locked_until: row.optional_time(5),
        }
    }
}

/// `WHERE` on the id, as parameter 1.
fn by_id() -> Result<String, AuthError> {
    is(TABLE, "t", "id", 1)
}

const COUNT: &str = "failedVerificationCount";
const LOCKED_UNTIL: &str = "lockedUntil";

thread_local! {
    static FIND: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} t WHERE {} LIMIT 1",
            select(TABLE, "t", &TwoFactor::FIELDS)?,
            TABLE.sql(),
            is(TABLE, "t", "userId", 1)?,
        ))
    }) };
    static INSERT: Statement = const { Statement::new(TABLE, || {
        insert(TABLE, "t", &["id", "secret", "backupCodes", "userId", "verified", COUNT], &[])
    }) };
    static REPLACE: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} t SET {}, {}, {} WHERE {}",
            TABLE.sql(),
            set(TABLE, "secret", 2)?,
            set(TABLE, "backupCodes", 3)?,
            set(TABLE, "verified", 4)?,
            by_id()?,
        ))
    }) };
    static VERIFY: Statement = const { Statement::new(TABLE, || {
        Ok(format!("UPDATE {} t SET {} WHERE {}", TABLE.sql(), set(TABLE, "verified", 2)?, by_id()?))
    }) };
    static SET_BACKUP_CODES: Statement = const { Statement::new(TABLE, || {
        Ok(format!("UPDATE {} t SET {} WHERE {}", TABLE.sql(), set(TABLE, "backupCodes", 2)?, by_id()?))
    }) };
    static TAKE_BACKUP_CODE: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} t SET {} WHERE {} AND {} RETURNING 1",
            TABLE.sql(),
            set(TABLE, "backupCodes", 2)?,
            by_id()?,
            is(TABLE, "t", "backupCodes", 3)?,
        ))
    }) };
    static FAIL: Statement = const { Statement::new(TABLE, || {
        let count = format!("(COALESCE({}, 0) OPERATOR(pg_catalog.+) 1)", at(TABLE, "t", COUNT));
        Ok(format!(
            "UPDATE {} t SET {} = {count}, {} = CASE WHEN {count} OPERATOR(pg_catalog.>=) $2 THEN {} ELSE {} END WHERE {}",
            TABLE.sql(),
            TABLE.quoted(COUNT),
            TABLE.quoted(LOCKED_UNTIL),
            write(TABLE, LOCKED_UNTIL, 3)?,
            at(TABLE, "t", LOCKED_UNTIL),
            by_id()?,
        ))
    }) };
    static RESET: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} t SET {} = 0, {} = NULL WHERE {}",
            TABLE.sql(),
            TABLE.quoted(COUNT),
            TABLE.quoted(LOCKED_UNTIL),
            by_id()?,
        ))
    }) };
    static DELETE_OF_USER: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} t WHERE {}", TABLE.sql(), is(TABLE, "t", "userId", 1)?))
    }) };
}

/// The row of a user.
///
/// # Errors
/// No table.
pub(super) fn find(user_id: &str) -> Result<Option<TwoFactor>, AuthError> {
    FIND.with(|statement| Ok(statement.query(&[Value::Text(user_id)], TwoFactor::from_row)?.pop()))
}

/// Makes the row of a user, who has none and is locked.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(super) fn create(
    user_id: &str,
    secret: &str,
    backup_codes: &str,
    verified: bool,
) -> Result<(), AuthError> {
    let id = random_id(TABLE)?;
    let values = [
        Value::Text(&id),
        Value::Text(secret),
        Value::Text(backup_codes),
        Value::Text(user_id),
        Value::Boolean(verified),
        Value::Integer(0),
    ];
    INSERT.with(|statement| statement.execute(&values))
}

/// Gives a row another secret and other backup codes.
///
/// # Errors
/// No table.
pub(super) fn replace(id: &str, secret: &str, backup_codes: &str, verified: bool) -> Result<(), AuthError> {
    let values = [Value::Text(id), Value::Text(secret), Value::Text(backup_codes), Value::Boolean(verified)];
    REPLACE.with(|statement| statement.execute(&values))
}

/// Notes that an authenticator app has the secret.
///
/// # Errors
/// No table.
pub(super) fn set_verified(id: &str) -> Result<(), AuthError> {
    VERIFY.with(|statement| statement.execute(&[Value::Text(id), Value::Boolean(true)]))
}

/// # Errors
/// No table.
pub(super) fn set_backup_codes(id: &str, backup_codes: &str) -> Result<(), AuthError> {
    SET_BACKUP_CODES.with(|statement| statement.execute(&[Value::Text(id), Value::Text(backup_codes)]))
}

/// Leaves fewer backup codes, where they still are what they were: a Better Auth server beside takes them too, and
/// locks no user for that. Whether they were.
///
/// # Errors
/// No table.
pub(super) fn take_backup_code(id: &str, before: &str, after: &str) -> Result<bool, AuthError> {
    let values = [Value::Text(id), Value::Text(after), Value::Text(before)];
    TAKE_BACKUP_CODE.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// Counts a wrong code; the `most`th in a row locks the row.
///
/// # Errors
/// No table.
pub(super) fn fail(id: &str, most: i64, locked_until: Timestamp) -> Result<(), AuthError> {
    let values = [Value::Text(id), Value::Integer(most), Value::Time(locked_until)];
    FAIL.with(|statement| statement.execute(&values))
}

/// Forgets the wrong codes, and opens the row.
///
/// # Errors
/// No table.
pub(super) fn reset(id: &str) -> Result<(), AuthError> {
    RESET.with(|statement| statement.execute(&[Value::Text(id)]))
}

/// Deletes a user's row. Where there is no table yet there is none.
///
/// # Errors
/// Columns that aren't there.
pub(super) fn delete_of_user(user_id: &str) -> Result<(), AuthError> {
    if !has_relation(&TABLE.name()) {
        return Ok(());
    }
    DELETE_OF_USER.with(|statement| statement.execute(&[Value::Text(user_id)]))
}
