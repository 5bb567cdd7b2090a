//! Rows that have run out: sessions, single-use values, and what plugins have of the kind.

use crate::error::AuthError;
use crate::plugin;
use crate::store::catalog::{self, Table};
use crate::store::columns::compare;
use crate::store::server::Timestamp;
use crate::store::sql::{Statement, Value, query_once};

/// Up to `$2` rows that expired before `$1`. Those that somebody is just using are left for the next time: nobody
/// waits, and one that is being prolonged stays.
///
/// # Errors
/// No such table or column.
pub(crate) fn delete(table: Table) -> Result<String, AuthError> {
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

/// Deletes up to `batch` rows of each table that have expired at `now`; how many.
///
/// # Errors
/// No table.
pub(crate) fn purge(now: Timestamp, batch: i64) -> Result<i64, AuthError> {
    let values = [Value::Time(now), Value::Integer(batch)];
    let gone = |statement: &Statement| statement.query(&values, |_| ()).map(|rows| rows.len());
    let mut gone = SESSIONS.with(gone)? + VERIFICATIONS.with(gone)?;
    for definition in plugin::on().iter().flat_map(|plugin| plugin.tables()) {
        // migrate() may not have been run since the plugin is on.
        if definition.is_purged && (definition.is_on)() && catalog::find(definition.table).is_some() {
            gone += query_once(definition.table, &delete(definition.table)?, &values, |_| ())?.len();
        }
    }
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}
