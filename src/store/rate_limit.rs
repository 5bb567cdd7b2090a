//! Table `rateLimit`, shared with a Better Auth server whose `rateLimit.storage` is `database`.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::columns::{at, compare, insert, is};
use crate::store::server::random_id;
use crate::store::sql::{Row, Statement, Value};

/// How often the count is tried anew when others change the row meanwhile.
const ATTEMPTS: usize = 8;

/// The window has passed since the last request that was let through.
fn is_over() -> String {
    let last = at(Table::RateLimit, "r", "lastRequest");
    format!("($2 OPERATOR(pg_catalog.-) {last}) OPERATOR(pg_catalog.>=) $3")
}

thread_local! {
    static COUNT: Statement = const { Statement::new(Table::RateLimit, || {
        let (is_over, count) = (is_over(), at(Table::RateLimit, "r", "count"));
        Ok(format!(
            "UPDATE {} r SET {} = $2,
                 {} = CASE WHEN {is_over} THEN 1 ELSE {count} OPERATOR(pg_catalog.+) 1 END
             WHERE {} AND ({is_over} OR {count} OPERATOR(pg_catalog.<) $4)
             RETURNING {count}::pg_catalog.int8",
            Table::RateLimit.sql(),
            Table::RateLimit.quoted("lastRequest"),
            Table::RateLimit.quoted("count"),
            is(Table::RateLimit, "r", "key", 1)?,
        ))
    }) };
    static LAST: Statement = const { Statement::new(Table::RateLimit, || {
        Ok(format!(
            "SELECT {}::pg_catalog.int8, {}::pg_catalog.int8 FROM {} r WHERE {}",
            at(Table::RateLimit, "r", "lastRequest"),
            at(Table::RateLimit, "r", "count"),
            Table::RateLimit.sql(),
            is(Table::RateLimit, "r", "key", 1)?,
        ))
    }) };
    static INSERT: Statement = const { Statement::new(Table::RateLimit, || {
        let insert = insert(Table::RateLimit, "r", &["id", "key", "count", "lastRequest"], &[])?;
        Ok(format!("{insert} ON CONFLICT DO NOTHING RETURNING 1"))
    }) };
    static PRUNE: Statement = const { Statement::new(Table::RateLimit, || {
        // In order, so that it is the index that is read: a table without an old row in it costs nothing then.
        Ok(format!(
            "DELETE FROM {0} r WHERE r.id OPERATOR(pg_catalog.=) ANY (ARRAY(
                 SELECT e.id FROM {0} e WHERE {1} ORDER BY {2} LIMIT $2 FOR UPDATE SKIP LOCKED))
             RETURNING 1",
            Table::RateLimit.sql(),
            compare(Table::RateLimit, "e", "lastRequest", "<", 1)?,
            at(Table::RateLimit, "e", "lastRequest"),
        ))
    }) };
}

/// Whether a request is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Allowed,
    /// The first one after a pause: the moment to look for rows that nobody needs any more.
    AllowedAnew,
    /// Milliseconds since 1970 of the last request that was let through.
    Denied(i64),
}

/// What a row says, at some moment.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// Milliseconds since 1970.
    last: i64,
    count: i64,
}

impl Seen {
    /// When the last request was let through, where it refuses one more at `now` against a limit of `max` in `window`
    /// milliseconds.
    pub(crate) fn denies(self, now: i64, window: i64, max: i64) -> Option<i64> {
        (now - self.last < window && self.count >= max).then_some(self.last)
    }
}

/// What is counted under this key, without waiting for who is counting.
///
/// # Errors
/// No table.
pub(crate) fn look(key: &str) -> Result<Option<Seen>, AuthError> {
    let seen = |row: &Row| Seen { last: row.integer(1), count: row.integer(2) };
    LAST.with(|statement| statement.query(&[Value::Text(key)], seen).map(|mut rows| rows.pop()))
}

/// Counts a request at `now` (milliseconds since 1970) against a limit of `max` in `window` milliseconds, after it was
/// `seen` that it might be let through.
///
/// # Errors
/// No table, or no randomness.
pub(crate) fn consume(
    key: &str,
    mut seen: Option<Seen>,
    now: i64,
    window: i64,
    max: i64,
) -> Result<Outcome, AuthError> {
    for _ in 0..ATTEMPTS {
        match seen {
            None => {
                let id = random_id(Table::RateLimit)?;
                let values = [Value::Text(&id), Value::Text(key), Value::Integer(1), Value::Integer(now)];
                if !INSERT.with(|statement| statement.query(&values, |_| ()))?.is_empty() {
                    return Ok(Outcome::Allowed);
                }
            }
            Some(seen) => {
                // Without a lock: who is denied need not wait for one who is let through and still at work.
                if let Some(last) = seen.denies(now, window, max) {
                    return Ok(Outcome::Denied(last));
                }
                let values =
                    [Value::Text(key), Value::Integer(now), Value::Integer(window), Value::Integer(max)];
                match COUNT.with(|statement| statement.query(&values, |row| row.integer(1)))?.pop() {
                    Some(1) => return Ok(Outcome::AllowedAnew),
                    Some(_) => return Ok(Outcome::Allowed),
                    None => {}
                }
            }
        }
        seen = look(key)?;
    }
    // Others were let through in its place every time.
    Ok(Outcome::Denied(now))
}

/// Deletes up to `batch` rows whose last request was before `until` (milliseconds since 1970); how many.
///
/// # Errors
/// No table.
pub(crate) fn prune(until: i64, batch: i64) -> Result<usize, AuthError> {
    let values = [Value::Integer(until), Value::Integer(batch)];
    PRUNE.with(|statement| statement.query(&values, |_| ())).map(|rows| rows.len())
}
