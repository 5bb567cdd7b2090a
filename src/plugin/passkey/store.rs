//! Table `passkey`: public keys that sign users in.

use crate::error::AuthError;
use crate::store::catalog::{Table, has_relation};
use crate::store::columns::{As, Field, at, insert, is, select, set};
use crate::store::definition::{
    BOOLEAN_REQUIRED, Definition, INTEGER_REQUIRED, KEY, TEXT, TEXT_REQUIRED, TIME, USER_KEY,
};
use crate::store::server::{Timestamp, lock_value, random_id};
use crate::store::sql::{Row, Statement, Value};

const TABLE: Table = Table::Plugin(9);

/// How many of a user's are looked at: what Better Auth's `findMany` gives.
const MOST: usize = 100;

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const PASSKEYS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("name", TEXT),
        ("publicKey", TEXT_REQUIRED),
        ("userId", USER_KEY),
        ("credentialID", TEXT_REQUIRED),
        ("counter", INTEGER_REQUIRED),
        ("deviceType", TEXT_REQUIRED),
        ("backedUp", BOOLEAN_REQUIRED),
        ("transports", TEXT),
        ("createdAt", TIME),
        ("aaguid", TEXT),
    ],
    indexed: &["userId", "credentialID"],
    ..Definition::of(TABLE, "passkey")
};

/// A row.
pub(super) struct Passkey {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// The COSE key, in base64.
    pub(super) public_key: String,
    pub(super) user_id: String,
    /// In base64url.
    pub(super) credential_id: String,
    pub(super) counter: i64,
    pub(super) device_type: String,
    pub(super) backed_up: bool,
    /// Separated by commas.
    pub(super) transports: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) aaguid: Option<String>,
}

impl Passkey {
    const FIELDS: [Field; 11] = [
        ("id", As::Text),
        ("name", As::Text),
        ("publicKey", As::Text),
        ("userId", As::Text),
        ("credentialID", As::Text),
        ("counter", As::Text),
        ("deviceType", As::Text),
        ("backedUp", As::Boolean),
        ("transports", As::Text),
        ("createdAt", As::Time),
        ("aaguid", As::Text),
    ];

    fn select(row: &str) -> Result<String, AuthError> {
        select(TABLE, row, &Self::FIELDS)
    }

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            name: row.optional_text(2),
            public_key: row.text(3),
            user_id: row.text(4),
            credential_id: row.text(5),
            counter: row.text(6).parse().unwrap_or_default(),
            device_type: row.text(7),
            backed_up: row.boolean(8),
            transports: row.optional_text(9),
            created_at: row.optional_time(10),
            aaguid: row.optional_text(11),
        }
    }
}

thread_local! {
    static BY_ID: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} p WHERE {}",
            Passkey::select("p")?,
            TABLE.sql(),
            is(TABLE, "p", "id", 1)?,
        ))
    }) };
    // Where another server has let somebody register what somebody else had, the first one counts.
    static BY_CREDENTIAL: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} p WHERE {} ORDER BY {} LIMIT 1",
            Passkey::select("p")?,
            TABLE.sql(),
            is(TABLE, "p", "credentialID", 1)?,
            at(TABLE, "p", "createdAt"),
        ))
    }) };
    static LIST: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} p WHERE {} LIMIT {MOST}",
            Passkey::select("p")?,
            TABLE.sql(),
            is(TABLE, "p", "userId", 1)?,
        ))
    }) };
    static INSERT: Statement = const { Statement::new(TABLE, || {
        let fields = [
            "id", "name", "publicKey", "userId", "credentialID", "counter", "deviceType", "backedUp", "transports",
            "createdAt", "aaguid",
        ];
        Ok(format!("{} RETURNING {}", insert(TABLE, "p", &fields, &[])?, Passkey::select("p")?))
    }) };
    // The counter of an authenticator that has none stays at zero.
    static COUNT: Statement = const { Statement::new(TABLE, || {
        let counter = at(TABLE, "p", "counter");
        Ok(format!(
            "UPDATE {} p SET {} WHERE {} AND ({counter} OPERATOR(pg_catalog.<) $2 OR $2 OPERATOR(pg_catalog.=) 0 AND {counter} OPERATOR(pg_catalog.=) 0) RETURNING 1",
            TABLE.sql(),
            set(TABLE, "counter", 2)?,
            is(TABLE, "p", "id", 1)?,
        ))
    }) };
    static RENAME: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} p SET {} WHERE {} AND {} RETURNING {}",
            TABLE.sql(),
            set(TABLE, "name", 3)?,
            is(TABLE, "p", "id", 1)?,
            is(TABLE, "p", "userId", 2)?,
            Passkey::select("p")?,
        ))
    }) };
    static DELETE: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "DELETE FROM {} p WHERE {} AND {}",
            TABLE.sql(),
            is(TABLE, "p", "id", 1)?,
            is(TABLE, "p", "userId", 2)?,
        ))
    }) };
    static DELETE_OF_USER: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} p WHERE {}", TABLE.sql(), is(TABLE, "p", "userId", 1)?))
    }) };
}

/// # Errors
/// No table.
pub(super) fn find(id: &str) -> Result<Option<Passkey>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], Passkey::from_row)?.pop()))
}

/// The passkey with this id of a credential.
///
/// # Errors
/// No table.
pub(super) fn find_by_credential(credential_id: &str) -> Result<Option<Passkey>, AuthError> {
    BY_CREDENTIAL
        .with(|statement| Ok(statement.query(&[Value::Text(credential_id)], Passkey::from_row)?.pop()))
}

/// Holds the id of a credential until the transaction ends: nobody else registers it meanwhile.
///
/// # Errors
/// No table.
pub(super) fn lock_credential(credential_id: &str) -> Result<(), AuthError> {
    lock_value(TABLE, credential_id)
}

/// A user's passkeys.
///
/// # Errors
/// No table.
pub(super) fn list(user_id: &str) -> Result<Vec<Passkey>, AuthError> {
    LIST.with(|statement| statement.query(&[Value::Text(user_id)], Passkey::from_row))
}

/// A passkey that is to be kept.
pub(super) struct New<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) public_key: &'a str,
    pub(super) user_id: &'a str,
    pub(super) credential_id: &'a str,
    pub(super) counter: i64,
    pub(super) device_type: &'a str,
    pub(super) backed_up: bool,
    pub(super) transports: &'a str,
    pub(super) aaguid: &'a str,
}

/// Keeps a passkey.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(super) fn create(new: &New<'_>) -> Result<Passkey, AuthError> {
    let id = random_id(TABLE)?;
    let values = [
        Value::Text(&id),
        Value::OptionalText(new.name),
        Value::Text(new.public_key),
        Value::Text(new.user_id),
        Value::Text(new.credential_id),
        Value::Integer(new.counter),
        Value::Text(new.device_type),
        Value::Boolean(new.backed_up),
        Value::Text(new.transports),
        Value::Time(Timestamp::now()),
        Value::Text(new.aaguid),
    ];
    let created = INSERT.with(|statement| statement.query(&values, Passkey::from_row))?.pop();
    created.ok_or_else(|| AuthError::Setup("a trigger of \"passkey\" keeps its rows away".into()))
}

/// Notes the counter of a use; false where another use that was later has been noted already.
///
/// # Errors
/// No table.
pub(super) fn count(id: &str, counter: i64) -> Result<bool, AuthError> {
    let values = [Value::Text(id), Value::Integer(counter)];
    COUNT.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// Names a passkey of this user; `None` where it is gone.
///
/// # Errors
/// No table.
pub(super) fn rename(id: &str, user_id: &str, name: &str) -> Result<Option<Passkey>, AuthError> {
    let values = [Value::Text(id), Value::Text(user_id), Value::Text(name)];
    RENAME.with(|statement| Ok(statement.query(&values, Passkey::from_row)?.pop()))
}

/// Deletes a passkey of this user.
///
/// # Errors
/// No table.
pub(super) fn delete(id: &str, user_id: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(id), Value::Text(user_id)]))
}

/// Deletes all passkeys of a user. Where there is no table there are none.
///
/// # Errors
/// Columns that aren't there.
pub(super) fn delete_of_user(user_id: &str) -> Result<(), AuthError> {
    if !has_relation(&TABLE.name()) {
        return Ok(());
    }
    DELETE_OF_USER.with(|statement| statement.execute(&[Value::Text(user_id)]))
}
