//! What outboxes have in common: rows that wait for a worker, which takes some of them for a while, and then says what
//! became of each. The statements' parameters are named with each.

use std::thread::LocalKey;

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::server::Timestamp;
use crate::store::sql::{Statement, Value};

/// The longest error that is kept, in characters.
const MAX_ERROR: usize = 1_000;

/// Deletes what has expired: now.
pub(super) fn delete_expired(table: Table) -> String {
    format!(
        "DELETE FROM {0} m WHERE m.id OPERATOR(pg_catalog.=) ANY (ARRAY(
             SELECT e.id FROM {0} e
             WHERE e.available_at OPERATOR(pg_catalog.<=) $1 AND e.expires_at OPERATOR(pg_catalog.<=) $1
             ORDER BY e.available_at LIMIT 1000 FOR UPDATE SKIP LOCKED))",
        table.sql(),
    )
}

/// Takes what is due, and for which more holds of a row `d`: now, until when, how many, after how many attempts none.
pub(super) fn claim(table: Table, more: &str, columns: &str) -> String {
    format!(
        "UPDATE {0} m SET attempts = m.attempts OPERATOR(pg_catalog.+) 1, available_at = $2
         WHERE m.id OPERATOR(pg_catalog.=) ANY (ARRAY(
             SELECT d.id FROM {0} d
             WHERE d.available_at OPERATOR(pg_catalog.<=) $1 AND d.expires_at OPERATOR(pg_catalog.>) $1
               AND d.attempts OPERATOR(pg_catalog.<) $4 {more}
             ORDER BY d.available_at LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING {columns}",
        table.sql(),
    )
}

/// Deletes one that is done with: its id.
pub(super) fn complete(table: Table) -> String {
    format!("DELETE FROM {} m WHERE m.id OPERATOR(pg_catalog.=) $1 RETURNING 1", table.sql())
}

/// Notes why one failed, and answers when it is given out again: its id, the error, now, after how many attempts none.
/// Twice as long after each attempt: half a minute, a minute, ... and six hours at most.
pub(super) fn fail(table: Table) -> String {
    format!(
        "UPDATE {} m SET last_error = $2, available_at = $3 OPERATOR(pg_catalog.+)
             LEAST('6 hours'::pg_catalog.interval, '30 seconds'::pg_catalog.interval OPERATOR(pg_catalog.*)
                 pg_catalog.power(2::pg_catalog.float8, LEAST(m.attempts OPERATOR(pg_catalog.-) 1, 20)::pg_catalog.float8))
         WHERE m.id OPERATOR(pg_catalog.=) $1
         RETURNING CASE WHEN m.attempts OPERATOR(pg_catalog.<) $4 AND m.available_at OPERATOR(pg_catalog.<) m.expires_at
                        THEN m.available_at END",
        table.sql(),
    )
}

/// Runs what [`complete`] says; whether the row was there.
///
/// # Errors
/// No table.
pub(super) fn completed(statement: &'static LocalKey<Statement>, id: &str) -> Result<bool, AuthError> {
    statement.with(|statement| Ok(!statement.query(&[Value::Text(id)], |_| ())?.is_empty()))
}

/// Runs what [`fail`] says, with as much of the error as is kept; when it is given out again, unless that is never.
///
/// # Errors
/// No table.
pub(super) fn failed(
    statement: &'static LocalKey<Statement>,
    (id, error): (&str, &str),
    now: Timestamp,
    max_attempts: i64,
) -> Result<Option<Timestamp>, AuthError> {
    let error: String = error.chars().take(MAX_ERROR).collect();
    let values = [Value::Text(id), Value::Text(&error), Value::Time(now), Value::Integer(max_attempts)];
    statement.with(|statement| Ok(statement.query(&values, |row| row.optional_time(1))?.pop().flatten()))
}
