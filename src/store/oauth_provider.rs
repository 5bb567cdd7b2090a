//! Table `oauth_provider`: the providers that users sign in with, secrets included. Its owner's alone.

use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

/// How many there may be.
pub(crate) const MOST: usize = 1_000;

/// A row.
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Zeroizing<String>>,
    /// A JSON object.
    pub(crate) options: String,
    /// The document of its `discoveryUrl`: a JSON object.
    pub(crate) discovery: Option<String>,
    pub(crate) discovered_at: Option<Timestamp>,
}

impl Stored {
    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            client_id: row.text(2),
            client_secret: row.optional_text(3).map(Zeroizing::new),
            options: row.text(4),
            discovery: row.optional_text(5),
            discovered_at: row.optional_time(6),
        }
    }
}

thread_local! {
    static LOAD: Statement = const { Statement::new(Table::OauthProvider, || {
        Ok(format!(
            "SELECT p.id, p.client_id, p.client_secret, p.options::pg_catalog.text, p.discovery::pg_catalog.text,
                 p.discovered_at
             FROM {} p ORDER BY p.id LIMIT {MOST}",
            Table::OauthProvider.sql(),
        ))
    }) };
    static REPLACE: Statement = const { Statement::new(Table::OauthProvider, || {
        Ok(format!(
            "INSERT INTO {} AS p (id, client_id, client_secret, options, created_at, updated_at)
             VALUES ($1, $2, $3, $4::pg_catalog.jsonb, $5, $5)
             ON CONFLICT (id) DO UPDATE SET client_id = EXCLUDED.client_id, client_secret = EXCLUDED.client_secret,
                 options = EXCLUDED.options, discovery = NULL, discovered_at = NULL, updated_at = EXCLUDED.updated_at",
            Table::OauthProvider.sql(),
        ))
    }) };
    static DELETE: Statement = const { Statement::new(Table::OauthProvider, || {
        Ok(format!(
            "DELETE FROM {} p WHERE p.id OPERATOR(pg_catalog.=) $1 RETURNING 1",
            Table::OauthProvider.sql(),
        ))
    }) };
    static DISCOVERED: Statement = const { Statement::new(Table::OauthProvider, || {
        Ok(format!(
            "UPDATE {} p SET discovery = $2::pg_catalog.jsonb, discovered_at = $3
             WHERE p.id OPERATOR(pg_catalog.=) $1",
            Table::OauthProvider.sql(),
        ))
    }) };
}

/// All, as committed now: what is remembered of them outlives the transaction.
///
/// # Errors
/// No table.
pub(crate) fn load() -> Result<Vec<Stored>, AuthError> {
    LOAD.with(|statement| statement.query_latest(&[], Stored::from_row))
}

/// Sets a provider up, in place of what there was.
///
/// # Errors
/// No table.
pub(crate) fn replace(
    id: &str,
    client_id: &str,
    client_secret: Option<&str>,
    options: &str,
    now: Timestamp,
) -> Result<(), AuthError> {
    let values = [
        Value::Text(id),
        Value::Text(client_id),
        Value::OptionalText(client_secret),
        Value::Text(options),
        Value::Time(now),
    ];
    REPLACE.with(|statement| statement.execute(&values))
}

/// Removes a provider; whether it was there.
///
/// # Errors
/// No table.
pub(crate) fn delete(id: &str) -> Result<bool, AuthError> {
    DELETE.with(|statement| Ok(!statement.query(&[Value::Text(id)], |_| ())?.is_empty()))
}

/// Keeps the document of a provider's `discoveryUrl`.
///
/// # Errors
/// No table.
pub(crate) fn set_discovery(id: &str, document: &str, now: Timestamp) -> Result<(), AuthError> {
    let values = [Value::Text(id), Value::Text(document), Value::Time(now)];
    DISCOVERED.with(|statement| statement.execute(&values))
}
