//! Table `signing_secret`: the two secrets, the current one of each and those rotated out but kept.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::server::{Timestamp, fill_random, random_token};
use crate::store::sql::{Statement, Value};

/// What the ids of secrets begin with that nobody has set: they are there so that all works before anything is configured.
const INITIAL: &str = "initial_";

/// A row of `signing_secret`.
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) value: Zeroizing<String>,
    /// Until when it verifies. `None` for the current one, which signs.
    pub(crate) valid_until: Option<Timestamp>,
}

thread_local! {
    static LOAD: Statement = const { Statement::new(Table::SigningSecret, || {
        Ok(format!(
            "SELECT s.name, s.value, s.valid_until FROM {} s
             ORDER BY s.valid_until DESC NULLS FIRST",
            Table::SigningSecret.sql(),
        ))
    }) };
    static LOCK: Statement = const { Statement::new(Table::SigningSecret, || {
        // Two rotations at once must not both retire the same secret and both add one.
        Ok(format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", Table::SigningSecret.sql()))
    }) };
    static CURRENT: Statement = const { Statement::new(Table::SigningSecret, || {
        Ok(format!(
            "SELECT 1 FROM {} s WHERE s.name OPERATOR(pg_catalog.=) $1 AND s.valid_until IS NULL",
            Table::SigningSecret.sql(),
        ))
    }) };
    static RETIRE: Statement = const { Statement::new(Table::SigningSecret, || {
        Ok(format!(
            "UPDATE {} s SET valid_until = $2
             WHERE s.name OPERATOR(pg_catalog.=) $1 AND s.valid_until IS NULL",
            Table::SigningSecret.sql(),
        ))
    }) };
    static DELETE_PAST: Statement = const { Statement::new(Table::SigningSecret, || {
        Ok(format!(
            "DELETE FROM {} s WHERE s.name OPERATOR(pg_catalog.=) $1 AND s.valid_until OPERATOR(pg_catalog.<=) $2",
            Table::SigningSecret.sql(),
        ))
    }) };
    static GIVE_WAY: Statement = const { Statement::new(Table::SigningSecret, || {
        Ok(format!(
            "DELETE FROM {} s WHERE s.name OPERATOR(pg_catalog.=) $1 AND s.valid_until IS NULL
             AND pg_catalog.starts_with(s.id, '{INITIAL}')",
            Table::SigningSecret.sql(),
        ))
    }) };
    static INSERT: Statement = const { Statement::new(Table::SigningSecret, || {
        Ok(format!("INSERT INTO {} (id, name, value) VALUES ($1, $2, $3)", Table::SigningSecret.sql()))
    }) };
}

/// All secrets, as committed now: what is remembered of them outlives the transaction. For each name
/// the current one comes first.
///
/// # Errors
/// No table.
pub(crate) fn load() -> Result<Vec<Secret>, AuthError> {
    LOAD.with(|statement| {
        statement.query_latest(&[], |row| Secret {
            name: row.text(1),
            value: Zeroizing::new(row.text(2)),
            valid_until: row.optional_time(3),
        })
    })
}

/// Makes `value` the current secret. The one before it verifies until `keep_until`; what has run out
/// by `now` is deleted.
///
/// # Errors
/// No table.
pub(crate) fn replace(
    name: &str,
    value: &str,
    keep_until: Timestamp,
    now: Timestamp,
) -> Result<(), AuthError> {
    LOCK.with(|statement| statement.execute(&[]))?;
    RETIRE.with(|statement| statement.execute(&[Value::Text(name), Value::Time(keep_until)]))?;
    DELETE_PAST.with(|statement| statement.execute(&[Value::Text(name), Value::Time(now)]))?;
    insert(&random_token(32)?, name, value)
}

/// Deletes the current secret if nobody has set it: another current one comes, out of a dump or from a publisher. The
/// two would collide, and what comes with its users is the one that signed for them.
///
/// # Errors
/// No table.
pub(crate) fn give_way(name: &str) -> Result<(), AuthError> {
    GIVE_WAY.with(|statement| statement.execute(&[Value::Text(name)]))
}

/// Makes a random secret the current one, unless there is a current one. Whether it did.
///
/// # Errors
/// No table, or no randomness.
pub(super) fn ensure(name: &str) -> Result<bool, AuthError> {
    ensure_value(name, &random_value()?)
}

/// The same with a secret that the caller has made.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn ensure_value(name: &str, value: &str) -> Result<bool, AuthError> {
    LOCK.with(|statement| statement.execute(&[]))?;
    // As committed now: who had the lock before may have made one.
    let missing = CURRENT.with(|statement| statement.query_latest(&[Value::Text(name)], |_| ()))?.is_empty();
    if missing {
        insert(&format!("{INITIAL}{}", random_token(32)?), name, value)?;
    }
    Ok(missing)
}

/// A new secret: 32 random bytes, in base64url, because PostgREST and Better Auth take secrets as text.
///
/// # Errors
/// No randomness.
pub(crate) fn random_value() -> Result<Zeroizing<String>, AuthError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    fill_random(bytes.as_mut_slice())?;
    Ok(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

fn insert(id: &str, name: &str, value: &str) -> Result<(), AuthError> {
    INSERT.with(|statement| statement.execute(&[Value::Text(id), Value::Text(name), Value::Text(value)]))
}
