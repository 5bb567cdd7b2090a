//! Table `provider_key`: the key sets by which providers' id tokens are verified, and when somebody was sent for each.
//!
//! What a superuser has set goes by the issuer, what is fetched by its address. The one is told from the other by `tried_at`: it is `infinity`, so nobody is ever sent for it.

use crate::error::AuthError;
use crate::store::catalog::{Table, is_told_of_rows};
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

/// A row.
pub(crate) struct ProviderKey {
    /// A JSON Web Key Set; `None` until it has come.
    pub(crate) jwks: Option<String>,
    pub(crate) fetched_at: Option<Timestamp>,
    /// When somebody was sent for it last.
    pub(crate) tried_at: Option<Timestamp>,
    /// A superuser has set it: what comes by fetches isn't to take its place.
    pub(crate) is_set: bool,
}

impl ProviderKey {
    fn from_row(row: &Row) -> Self {
        Self {
            jwks: row.optional_text(1),
            fetched_at: row.optional_time(2),
            tried_at: row.optional_time(3),
            is_set: row.boolean(4),
        }
    }
}

/// `WHERE` on the name, as parameter 1.
const BY_NAME: &str = "k.id OPERATOR(pg_catalog.=) $1";

thread_local! {
    static FIND: Statement = const { Statement::new(Table::ProviderKey, || {
        Ok(format!(
            "SELECT k.jwks::pg_catalog.text, k.fetched_at, k.tried_at,
                 k.tried_at OPERATOR(pg_catalog.=) 'infinity'::pg_catalog.timestamptz
             FROM {} k WHERE {BY_NAME}",
            Table::ProviderKey.sql(),
        ))
    }) };
    static CLAIM: Statement = const { Statement::new(Table::ProviderKey, || {
        // Whom somebody is just sent for need not be waited for.
        Ok(format!(
            "UPDATE {0} r SET tried_at = $2 WHERE r.id OPERATOR(pg_catalog.=) ANY (ARRAY(
                 SELECT k.id FROM {0} k WHERE {BY_NAME} AND (k.tried_at IS NULL OR k.tried_at OPERATOR(pg_catalog.<=) $3
                     OR k.tried_at OPERATOR(pg_catalog.>) $4 AND pg_catalog.isfinite(k.tried_at))
                 FOR UPDATE SKIP LOCKED))
             RETURNING 1",
            Table::ProviderKey.sql(),
        ))
    }) };
    static CLAIM_FIRST: Statement = const { Statement::new(Table::ProviderKey, || {
        Ok(format!(
            "INSERT INTO {} (id, tried_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1",
            Table::ProviderKey.sql(),
        ))
    }) };
    static RENEW: Statement = const { Statement::new(Table::ProviderKey, || {
        Ok(format!(
            "UPDATE {} k SET jwks = $2::pg_catalog.jsonb, fetched_at = $3
             WHERE {BY_NAME} AND k.tried_at OPERATOR(pg_catalog.<) 'infinity'::pg_catalog.timestamptz
             RETURNING 1",
            Table::ProviderKey.sql(),
        ))
    }) };
    static SET: Statement = const { Statement::new(Table::ProviderKey, || {
        Ok(format!(
            "INSERT INTO {} AS k (id, jwks, fetched_at, tried_at)
             VALUES ($1, $2::pg_catalog.jsonb, $3, 'infinity'::pg_catalog.timestamptz)
             ON CONFLICT (id) DO UPDATE
             SET jwks = EXCLUDED.jwks, fetched_at = EXCLUDED.fetched_at, tried_at = EXCLUDED.tried_at",
            Table::ProviderKey.sql(),
        ))
    }) };
    static DELETE: Statement = const { Statement::new(Table::ProviderKey, || {
        Ok(format!("DELETE FROM {} k WHERE {BY_NAME}", Table::ProviderKey.sql()))
    }) };
}

/// The row of a key set, as committed now: what is remembered of it outlives the transaction.
///
/// # Errors
/// No table.
pub(crate) fn find(name: &str) -> Result<Option<ProviderKey>, AuthError> {
    FIND.with(|statement| Ok(statement.query_latest(&[Value::Text(name)], ProviderKey::from_row)?.pop()))
}

/// Whether this backend is told when the rows change: by the triggers that `migrate()` makes.
///
/// # Errors
/// No table.
pub(crate) fn is_watched() -> Result<bool, AuthError> {
    is_told_of_rows(Table::ProviderKey)
}

/// Takes it on to send for a key set at `now`, unless somebody was sent for it within so many seconds. Of all who try at
/// once one does. What was in the future, by a clock that was wrong, doesn't count.
///
/// # Errors
/// No table.
pub(crate) fn claim(name: &str, now: Timestamp, pause: i64) -> Result<bool, AuthError> {
    let (before, after) = (now.plus(-pause), now.plus(pause));
    let values = [Value::Text(name), Value::Time(now), Value::Time(before), Value::Time(after)];
    let claimed = CLAIM.with(|statement| statement.query(&values, |_| ()))?;
    if !claimed.is_empty() {
        return Ok(true);
    }
    let made = CLAIM_FIRST.with(|statement| statement.query(&values[..2], |_| ()))?;
    Ok(!made.is_empty())
}

/// Keeps what was fetched. Whether it did: not in place of what a superuser has set meanwhile.
///
/// # Errors
/// No table.
pub(crate) fn renew(name: &str, jwks: &str, now: Timestamp) -> Result<bool, AuthError> {
    let values = [Value::Text(name), Value::Text(jwks), Value::Time(now)];
    let kept = RENEW.with(|statement| statement.query(&values, |_| ()))?;
    Ok(!kept.is_empty())
}

/// Keeps what a superuser sets.
///
/// # Errors
/// No table.
pub(crate) fn set(name: &str, jwks: &str, now: Timestamp) -> Result<(), AuthError> {
    let values = [Value::Text(name), Value::Text(jwks), Value::Time(now)];
    SET.with(|statement| statement.execute(&values))
}

/// Forgets a key set.
///
/// # Errors
/// No table.
pub(crate) fn delete(name: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(name)]))
}
