//! Table `jwks`: the keys that sign tokens, and those that are kept for who verifies them.

use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, at, insert, is, select};
use crate::store::definition::{Definition, KEY, TEXT, TEXT_REQUIRED, TIME, TIME_REQUIRED};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value};

pub(super) const TABLE: Table = Table::Plugin(PLACE);
/// In `plugin::TABLES`.
const PLACE: u8 = 10;

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const KEYS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("publicKey", TEXT_REQUIRED),
        ("privateKey", TEXT_REQUIRED),
        ("createdAt", TIME_REQUIRED),
        ("expiresAt", TIME),
        ("alg", TEXT),
        ("crv", TEXT),
    ],
    is_watched: true,
    ..Definition::of(TABLE, "jwks")
};

/// How many keys are looked at, the newest ones: as many as Better Auth lists.
pub(super) const MOST: usize = 100;

/// A row.
pub(super) struct Key {
    pub(super) id: String,
    /// A JWK.
    pub(super) public_key: String,
    /// A JWK, or the JSON of a text, which is one encrypted under the cookie secret.
    pub(super) private_key: Zeroizing<String>,
    /// When it ceases to sign.
    pub(super) expires_at: Option<Timestamp>,
    /// None in rows of older releases of Better Auth.
    pub(super) alg: Option<String>,
    pub(super) crv: Option<String>,
}

impl Key {
    const FIELDS: [Field; 6] = [
        ("id", As::Text),
        ("publicKey", As::Text),
        ("privateKey", As::Text),
        ("expiresAt", As::Time),
        ("alg", As::Text),
        ("crv", As::Text),
    ];

    fn select(row: &str) -> Result<String, AuthError> {
        select(TABLE, row, &Self::FIELDS)
    }

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            public_key: row.text(2),
            private_key: Zeroizing::new(row.text(3)),
            expires_at: row.optional_time(4),
            alg: row.optional_text(5),
            crv: row.optional_text(6),
        }
    }
}

thread_local! {
    static LOAD: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} k ORDER BY {} DESC LIMIT {MOST}",
            Key::select("k")?,
            TABLE.sql(),
            at(TABLE, "k", "createdAt"),
        ))
    }) };
    static BY_ID: Statement = const { Statement::new(TABLE, || {
        let (select, found) = (Key::select("k")?, is(TABLE, "k", "id", 1)?);
        Ok(format!("SELECT {select} FROM {} k WHERE {found}", TABLE.sql()))
    }) };
    static INSERT: Statement = const { Statement::new(TABLE, || {
        insert(TABLE, "k", &["id", "publicKey", "privateKey", "createdAt", "expiresAt", "alg", "crv"], &[])
    }) };
}

/// The keys as committed now, which are remembered beyond the transaction: the newest first.
///
/// # Errors
/// No table.
pub(super) fn load() -> Result<Vec<Key>, AuthError> {
    LOAD.with(|statement| statement.query_latest(&[], Key::from_row))
}

/// One key, however old.
///
/// # Errors
/// No table.
pub(super) fn find(id: &str) -> Result<Option<Key>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query_latest(&[Value::Text(id)], Key::from_row)?.pop()))
}

/// What a new key is.
pub(super) struct New<'a> {
    pub(super) public_key: &'a str,
    pub(super) private_key: &'a str,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) alg: &'a str,
    pub(super) crv: Option<&'a str>,
}

/// Adds a key.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(super) fn create(new: &New<'_>) -> Result<(), AuthError> {
    let id = random_id(TABLE)?;
    let values = [
        Value::Text(&id),
        Value::Text(new.public_key),
        Value::Text(new.private_key),
        Value::Time(Timestamp::now()),
        Value::OptionalTime(new.expires_at),
        Value::Text(new.alg),
        Value::OptionalText(new.crv),
    ];
    INSERT.with(|statement| statement.execute(&values))
}
