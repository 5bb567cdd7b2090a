//! Table `mail_outbox`: mails that wait for a worker. A mail holds a token that is as good as a password,
//! so its row is deleted as soon as it was sent.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::outbox;
use crate::store::server::{Timestamp, random_token};
use crate::store::sql::{Row, Statement, Value};

/// A mail on its way.
pub(crate) struct Mail {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) recipient: String,
    pub(crate) url: String,
    pub(crate) token: String,
    /// `{user?, ...}` as JSON.
    pub(crate) data: String,
    pub(crate) attempts: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Mail {
    const COLUMNS: &'static str = "m.id, m.kind, m.recipient, m.url, m.token, m.data::pg_catalog.text, m.attempts::pg_catalog.int8, m.created_at, m.expires_at";

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            kind: row.text(2),
            recipient: row.text(3),
            url: row.text(4),
            token: row.text(5),
            data: row.text(6),
            attempts: row.integer(7),
            created_at: row.time(8),
            expires_at: row.time(9),
        }
    }
}

thread_local! {
    static INSERT: Statement = const { Statement::new(Table::MailOutbox, || {
        Ok(format!(
            "INSERT INTO {} AS m (id, kind, recipient, url, token, data, created_at, expires_at, available_at, channel)
             VALUES ($1, $2, $3, $4, $5, $6::pg_catalog.jsonb, $7, $8, $7, $9)
             RETURNING pg_catalog.pg_notify('better_auth_' OPERATOR(pg_catalog.||) m.channel, m.id)",
            Table::MailOutbox.sql(),
        ))
    }) };
    static DELETE_EXPIRED: Statement =
        const { Statement::new(Table::MailOutbox, || Ok(outbox::delete_expired(Table::MailOutbox))) };
    static CLAIM: Statement = const { Statement::new(Table::MailOutbox, || {
        Ok(outbox::claim(Table::MailOutbox, "AND d.channel OPERATOR(pg_catalog.=) $5", Mail::COLUMNS))
    }) };
    static COMPLETE: Statement =
        const { Statement::new(Table::MailOutbox, || Ok(outbox::complete(Table::MailOutbox))) };
    static FAIL: Statement = const { Statement::new(Table::MailOutbox, || Ok(outbox::fail(Table::MailOutbox))) };
}

/// Puts a mail into the outbox, and wakes the workers when the transaction commits. Its id.
///
/// # Errors
/// No randomness, or no table.
pub(crate) fn create(
    (channel, kind, recipient): (&str, &str, &str),
    (url, token): (&str, &str),
    data: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<String, AuthError> {
    let id = random_token(32)?;
    let values = [
        Value::Text(&id),
        Value::Text(kind),
        Value::Text(recipient),
        Value::Text(url),
        Value::Text(token),
        Value::Text(data),
        Value::Time(now),
        Value::Time(expires_at),
        Value::Text(channel),
    ];
    INSERT.with(|statement| statement.execute(&values))?;
    Ok(id)
}

/// Takes up to `batch` mails of a channel that are due, each of which nobody else gets before `until`. Those whose token
/// has expired are deleted.
///
/// # Errors
/// No table.
pub(crate) fn claim(
    (channel, batch): (&str, i64),
    now: Timestamp,
    until: Timestamp,
    max_attempts: i64,
) -> Result<Vec<Mail>, AuthError> {
    DELETE_EXPIRED.with(|statement| statement.execute(&[Value::Time(now)]))?;
    let values = [
        Value::Time(now),
        Value::Time(until),
        Value::Integer(batch),
        Value::Integer(max_attempts),
        Value::Text(channel),
    ];
    CLAIM.with(|statement| statement.query(&values, Mail::from_row))
}

/// Deletes a mail that was sent; whether it was there.
///
/// # Errors
/// No table.
pub(crate) fn complete(id: &str) -> Result<bool, AuthError> {
    outbox::completed(&COMPLETE, id)
}

/// Notes why a mail could not be sent; when it is given out again, unless that is never.
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
