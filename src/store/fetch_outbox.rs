//! Table `fetch_outbox`: requests to other servers that the DBA's own SQL has asked for, and that wait for a worker.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::outbox;
use crate::store::server::{Timestamp, random_token};
use crate::store::sql::{Row, Statement, Value};

/// A request on its way.
pub(crate) struct Outgoing {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) url: String,
    /// A JSON object of texts.
    pub(crate) headers: String,
    /// JSON.
    pub(crate) body: Option<String>,
    pub(crate) attempts: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Outgoing {
    const COLUMNS: &'static str = "m.id, m.method, m.url, m.headers::pg_catalog.text, m.body::pg_catalog.text, m.attempts::pg_catalog.int8, m.created_at, m.expires_at";

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            method: row.text(2),
            url: row.text(3),
            headers: row.text(4),
            body: row.optional_text(5),
            attempts: row.integer(6),
            created_at: row.time(7),
            expires_at: row.time(8),
        }
    }
}

thread_local! {
    static INSERT: Statement = const { Statement::new(Table::FetchOutbox, || {
        Ok(format!(
            "INSERT INTO {} AS m (id, method, url, headers, body, created_at, expires_at, available_at)
             VALUES ($1, $2, $3, $4::pg_catalog.jsonb, $5::pg_catalog.jsonb, $6, $7, $6)
             RETURNING pg_catalog.pg_notify('better_auth_fetch', m.id)",
            Table::FetchOutbox.sql(),
        ))
    }) };
    static DELETE_EXPIRED: Statement =
        const { Statement::new(Table::FetchOutbox, || Ok(outbox::delete_expired(Table::FetchOutbox))) };
    static CLAIM: Statement = const { Statement::new(Table::FetchOutbox, || {
        Ok(outbox::claim(Table::FetchOutbox, "", Outgoing::COLUMNS))
    }) };
    static COMPLETE: Statement =
        const { Statement::new(Table::FetchOutbox, || Ok(outbox::complete(Table::FetchOutbox))) };
    static FAIL: Statement = const { Statement::new(Table::FetchOutbox, || Ok(outbox::fail(Table::FetchOutbox))) };
}

/// Puts a request into the outbox, and wakes the workers when the transaction commits. Its id.
///
/// # Errors
/// No randomness, or no table.
pub(crate) fn create(
    (method, url): (&str, &str),
    (headers, body): (&str, Option<&str>),
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<String, AuthError> {
    let id = random_token(32)?;
    let values = [
        Value::Text(&id),
        Value::Text(method),
        Value::Text(url),
        Value::Text(headers),
        Value::OptionalText(body),
        Value::Time(now),
        Value::Time(expires_at),
    ];
    INSERT.with(|statement| statement.execute(&values))?;
    Ok(id)
}

/// Takes up to `batch` requests that are due, each of which nobody else gets before `until`. Those that have expired are
/// deleted.
///
/// # Errors
/// No table.
pub(crate) fn claim(
    batch: i64,
    now: Timestamp,
    until: Timestamp,
    max_attempts: i64,
) -> Result<Vec<Outgoing>, AuthError> {
    DELETE_EXPIRED.with(|statement| statement.execute(&[Value::Time(now)]))?;
    let values = [Value::Time(now), Value::Time(until), Value::Integer(batch), Value::Integer(max_attempts)];
    CLAIM.with(|statement| statement.query(&values, Outgoing::from_row))
}

/// Deletes a request that was made; whether it was there.
///
/// # Errors
/// No table.
pub(crate) fn complete(id: &str) -> Result<bool, AuthError> {
    outbox::completed(&COMPLETE, id)
}

/// Notes why a request failed; when it is given out again, unless that is never.
///
/// # Errors
/// No table.
pub(crate) fn fail(
    id: &str,
    error: &str,
    now: Timestamp,
    max_attempts: i64,
) -> Result<Option<Timestamp>, AuthError> {
    outbox::failed(&FAIL, (id, error), now, max_attempts)
}
