//! Table `deviceCode`: a code that a device polls with, and the one that its user types in.

use crate::error::AuthError;
use crate::store::catalog::{Table, has_relation};
use crate::store::columns::{As, Field, at, compare, insert, is, select, set};
use crate::store::definition::{Definition, INTEGER, KEY, TEXT, TEXT_REQUIRED, TIME, TIME_REQUIRED};
use crate::store::purge;
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value};

const TABLE: Table = Table::Plugin(0);

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const CODES: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("deviceCode", TEXT_REQUIRED),
        ("userCode", TEXT_REQUIRED),
        ("userId", TEXT),
        ("expiresAt", TIME_REQUIRED),
        ("status", TEXT_REQUIRED),
        ("lastPolledAt", TIME),
        ("pollingInterval", INTEGER),
        ("clientId", TEXT),
        ("scope", TEXT),
    ],
    unique: &["id", "deviceCode", "userCode"],
    // What is old goes with purge_expired(); Better Auth keeps what nobody polls for.
    searched: &[("expiresAt", "btree")],
    is_purged: true,
    ..Definition::of(TABLE, "deviceCode")
};

/// A row: the columns that are read.
pub(super) struct DeviceCode {
    pub(super) id: String,
    pub(super) user_code: String,
    /// Who may say yes or no, once somebody has looked at it signed in.
    pub(super) user_id: Option<String>,
    pub(super) expires_at: Timestamp,
    /// `pending`, `approved` or `denied`.
    pub(super) status: String,
    pub(super) last_polled_at: Option<Timestamp>,
    /// In milliseconds.
    pub(super) polling_interval: Option<i64>,
    pub(super) client_id: Option<String>,
    pub(super) scope: Option<String>,
}

impl DeviceCode {
    const FIELDS: [Field; 9] = [
        ("id", As::Text),
        ("userCode", As::Text),
        ("userId", As::Text),
        ("expiresAt", As::Time),
        ("status", As::Text),
        ("lastPolledAt", As::Time),
        ("pollingInterval", As::Text),
        ("clientId", As::Text),
        ("scope", As::Text),
    ];

    fn select(row: &str) -> Result<String, AuthError> {
        select(TABLE, row, &Self::FIELDS)
    }

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            user_code: row.text(2),
            user_id: row.optional_text(3),
            expires_at: row.time(4),
            status: row.text(5),
            last_polled_at: row.optional_time(6),
            polling_interval: row.optional_text(7).and_then(|number| number.parse().ok()),
            client_id: row.optional_text(8),
            scope: row.optional_text(9),
        }
    }

    /// Whose it is.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref().filter(|id| !id.is_empty())
    }

    pub(super) fn is_pending(&self) -> bool {
        self.status == PENDING
    }
}

pub(super) const PENDING: &str = "pending";
pub(super) const APPROVED: &str = "approved";
pub(super) const DENIED: &str = "denied";

fn find_by(field: &str) -> Result<String, AuthError> {
    let (select, found) = (DeviceCode::select("d")?, is(TABLE, "d", field, 1)?);
    Ok(format!("SELECT {select} FROM {} d WHERE {found}", TABLE.sql()))
}

/// `status` is a value of ours, so it needs no parameter.
fn has_status(status: &str) -> String {
    format!("{}::pg_catalog.text OPERATOR(pg_catalog.=) '{status}'", at(TABLE, "d", "status"))
}

thread_local! {
    static BY_ID: Statement = const { Statement::new(TABLE, || find_by("id")) };
    static BY_DEVICE_CODE: Statement = const { Statement::new(TABLE, || find_by("deviceCode")) };
    static BY_USER_CODE: Statement = const { Statement::new(TABLE, || find_by("userCode")) };
    static INSERT: Statement = const { Statement::new(TABLE, || {
        let fields = [
            "id", "deviceCode", "userCode", "userId", "expiresAt", "status", "pollingInterval", "clientId", "scope",
        ];
        let insert = insert(TABLE, "d", &fields, &[])?;
        Ok(format!("{insert} ON CONFLICT DO NOTHING RETURNING 1"))
    }) };
    static CLAIM: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} d SET {} WHERE {} AND {} AND {} IS NULL RETURNING 1",
            TABLE.sql(),
            set(TABLE, "userId", 2)?,
            is(TABLE, "d", "id", 1)?,
            has_status(PENDING),
            at(TABLE, "d", "userId"),
        ))
    }) };
    static POLL: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} d SET {} WHERE {} AND ($3 IS NULL OR {} IS NULL OR {}) RETURNING 1",
            TABLE.sql(),
            set(TABLE, "lastPolledAt", 2)?,
            is(TABLE, "d", "id", 1)?,
            at(TABLE, "d", "lastPolledAt"),
            compare(TABLE, "d", "lastPolledAt", "<=", 3)?,
        ))
    }) };
    static DECIDE: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} d SET {} WHERE {} AND {} AND {} RETURNING 1",
            TABLE.sql(),
            set(TABLE, "status", 3)?,
            is(TABLE, "d", "id", 1)?,
            is(TABLE, "d", "userId", 2)?,
            has_status(PENDING),
        ))
    }) };
    static REDEEM: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "DELETE FROM {} d WHERE {} AND {} AND {} RETURNING {}",
            TABLE.sql(),
            is(TABLE, "d", "id", 1)?,
            is(TABLE, "d", "clientId", 2)?,
            has_status(APPROVED),
            DeviceCode::select("d")?,
        ))
    }) };
    static DELETE_EXPIRED: Statement = const { Statement::new(TABLE, || purge::delete(TABLE)) };
    static DELETE: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} d WHERE {}", TABLE.sql(), is(TABLE, "d", "id", 1)?))
    }) };
    static DELETE_OF_USER: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} d WHERE {}", TABLE.sql(), is(TABLE, "d", "userId", 1)?))
    }) };
}

/// What a new code is for.
pub(super) struct New<'a> {
    pub(super) device_code: &'a str,
    pub(super) user_code: &'a str,
    pub(super) user_id: Option<&'a str>,
    pub(super) expires_at: Timestamp,
    /// In milliseconds.
    pub(super) polling_interval: i64,
    pub(super) client_id: &'a str,
    pub(super) scope: Option<&'a str>,
}

/// Keeps a code; false where one of its two codes is there already.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(super) fn create(new: &New<'_>) -> Result<bool, AuthError> {
    let id = random_id(TABLE)?;
    let values = [
        Value::Text(&id),
        Value::Text(new.device_code),
        Value::Text(new.user_code),
        Value::OptionalText(new.user_id),
        Value::Time(new.expires_at),
        Value::Text(PENDING),
        Value::Integer(new.polling_interval),
        Value::Text(new.client_id),
        Value::OptionalText(new.scope),
    ];
    INSERT.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// # Errors
/// No table.
pub(super) fn find(id: &str) -> Result<Option<DeviceCode>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], DeviceCode::from_row)?.pop()))
}

/// The code that a device has.
///
/// # Errors
/// No table.
pub(super) fn find_by_device_code(device_code: &str) -> Result<Option<DeviceCode>, AuthError> {
    BY_DEVICE_CODE
        .with(|statement| Ok(statement.query(&[Value::Text(device_code)], DeviceCode::from_row)?.pop()))
}

/// The code that a user has typed in, to the letter, however the column compares.
///
/// # Errors
/// No table.
pub(super) fn find_by_user_code(user_code: &str) -> Result<Option<DeviceCode>, AuthError> {
    let found =
        BY_USER_CODE.with(|statement| statement.query(&[Value::Text(user_code)], DeviceCode::from_row))?;
    Ok(found.into_iter().find(|found| found.user_code == user_code))
}

/// Makes a pending code that is nobody's this user's; whether it was.
///
/// # Errors
/// No table.
pub(super) fn claim(id: &str, user_id: &str) -> Result<bool, AuthError> {
    let values = [Value::Text(id), Value::Text(user_id)];
    CLAIM.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// Notes a poll, unless the last one was after `latest`; whether it was in time. Without a `latest` any is.
///
/// # Errors
/// No table.
pub(super) fn poll(id: &str, now: Timestamp, latest: Option<Timestamp>) -> Result<bool, AuthError> {
    let values = [Value::Text(id), Value::Time(now), Value::OptionalTime(latest)];
    POLL.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// Sets the status of a pending code of this user; whether it was one.
///
/// # Errors
/// No table.
pub(super) fn decide(id: &str, user_id: &str, status: &str) -> Result<bool, AuthError> {
    let values = [Value::Text(id), Value::Text(user_id), Value::Text(status)];
    DECIDE.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// Takes an approved code of this client away: of all who try at once one gets it.
///
/// # Errors
/// No table.
pub(super) fn redeem(id: &str, client_id: &str) -> Result<Option<DeviceCode>, AuthError> {
    let values = [Value::Text(id), Value::Text(client_id)];
    REDEEM.with(|statement| Ok(statement.query(&values, DeviceCode::from_row)?.pop()))
}

/// Deletes up to so many codes that expired before a time.
///
/// # Errors
/// No table.
pub(super) fn delete_expired(before: Timestamp, most: i64) -> Result<(), AuthError> {
    DELETE_EXPIRED
        .with(|statement| statement.query(&[Value::Time(before), Value::Integer(most)], |_| ()).map(drop))
}

/// # Errors
/// No table.
pub(super) fn delete(id: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(id)]))
}

/// Deletes all codes of a user, whatever was said to them. Where there is no table yet there are none.
///
/// # Errors
/// Columns that aren't there.
pub(super) fn delete_of_user(user_id: &str) -> Result<(), AuthError> {
    if !has_relation(&TABLE.name()) {
        return Ok(());
    }
    DELETE_OF_USER.with(|statement| statement.execute(&[Value::Text(user_id)]))
}
