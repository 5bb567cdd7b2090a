//! Rows that have run out: sessions, and single-use values.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::columns::compare;
use crate::store::server::Timestamp;
use crate::store::sql::{Statement, Value};

/// Up to `$2` rows that expired before `$1`. Those that somebody is just using are left for the next time: nobody
/// waits, and one that is being prolonged stays.
fn delete(table: Table) -> Result<String, AuthError> {
    Ok(format!(
        "DELETE FROM {0} r WHERE r.id OPERATOR(pg_catalog.=) ANY (ARRAY(
             SELECT e.id FROM {0} e WHERE {1} LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING 1",
        table.sql(),
        compare(table, "e", "expiresAt", "<", 1)?,
    ))
}

thread_local! {
    static SESSIONS: Statement = const { Statement::new(Table::Session, || delete(Table::Session)) };
    static VERIFICATIONS: Statement = const { Statement::new(Table::Verification, || delete(Table::Verification)) };
}

/// Deletes up to `batch` sessions and up to `batch` verification values that have expired at `now`; how many.
///
/// # Errors
/// No table.
pub(crate) fn purge(now: Timestamp, batch: i64) -> Result<i64, AuthError> {
    let values = [Value::Time(now), Value::Integer(batch)];
    let gone = |statement: &Statement| statement.query(&values, |_| ()).map(|rows| rows.len());
    let gone = SESSIONS.with(gone)? + VERIFICATIONS.with(gone)?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}
