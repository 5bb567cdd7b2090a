//! Table `apikey`: keys, by their hashes, and what each may still be used for.

use crate::error::AuthError;
use crate::plugin::listing::{Page, found};
use crate::store::catalog::{Table, has_relation};
use crate::store::columns::{As, Field, at, compare, insert, is, select, set, write};
use crate::store::definition::{BOOLEAN, Definition, INTEGER, KEY, TEXT, TEXT_REQUIRED, TIME, TIME_REQUIRED};
use crate::store::purge;
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once};

const TABLE: Table = Table::Plugin(7);

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const KEYS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("configId", TEXT_REQUIRED),
        ("name", TEXT),
        ("start", TEXT),
        ("referenceId", TEXT_REQUIRED),
        ("prefix", TEXT),
        ("key", TEXT_REQUIRED),
        ("refillInterval", INTEGER),
        ("refillAmount", INTEGER),
        ("lastRefillAt", TIME),
        ("enabled", BOOLEAN),
        ("rateLimitEnabled", BOOLEAN),
        ("rateLimitTimeWindow", INTEGER),
        ("rateLimitMax", INTEGER),
        ("requestCount", INTEGER),
        ("remaining", INTEGER),
        ("lastRequest", TIME),
        ("expiresAt", TIME),
        ("createdAt", TIME_REQUIRED),
        ("updatedAt", TIME_REQUIRED),
        ("permissions", TEXT),
        ("metadata", TEXT),
    ],
    indexed: &["configId", "referenceId", "key"],
    searched: &[("expiresAt", "btree")],
    is_purged: true,
    ..Definition::of(TABLE, "apikey")
};

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) config_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) start: Option<String>,
    /// The user or the organization that owns it.
    pub(super) reference_id: String,
    pub(super) prefix: Option<String>,
    /// In milliseconds.
    pub(super) refill_interval: Option<i64>,
    pub(super) refill_amount: Option<i64>,
    pub(super) last_refill_at: Option<Timestamp>,
    pub(super) enabled: Option<bool>,
    pub(super) rate_limit_enabled: Option<bool>,
    /// In milliseconds.
    pub(super) rate_limit_time_window: Option<i64>,
    pub(super) rate_limit_max: Option<i64>,
    pub(super) request_count: Option<i64>,
    pub(super) remaining: Option<i64>,
    pub(super) last_request: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// JSON.
    pub(super) permissions: Option<String>,
    /// JSON.
    pub(super) metadata: Option<String>,
}

impl Key {
    /// All but the hash, which nobody needs.
    const FIELDS: [Field; 21] = [
        ("id", As::Text),
        ("configId", As::Text),
        ("name", As::Text),
        ("start", As::Text),
        ("referenceId", As::Text),
        ("prefix", As::Text),
        ("refillInterval", As::Text),
        ("refillAmount", As::Text),
        ("lastRefillAt", As::Time),
        ("enabled", As::Text),
        ("rateLimitEnabled", As::Text),
        ("rateLimitTimeWindow", As::Text),
        ("rateLimitMax", As::Text),
        ("requestCount", As::Text),
        ("remaining", As::Text),
        ("lastRequest", As::Time),
        ("expiresAt", As::Time),
        ("createdAt", As::Time),
        ("updatedAt", As::Time),
        ("permissions", As::Text),
        ("metadata", As::Text),
    ];

    fn select(row: &str) -> Result<String, AuthError> {
        select(TABLE, row, &Self::FIELDS)
    }

    fn from_row(row: &Row) -> Self {
        let number = |position| row.optional_text(position).and_then(|number| number.parse().ok());
        let flag = |position| row.optional_text(position).map(|flag| flag == "true");
        Self {
            id: row.text(1),
            config_id: row.optional_text(2),
            name: row.optional_text(3),
            start: row.optional_text(4),
            reference_id: row.text(5),
            prefix: row.optional_text(6),
            refill_interval: number(7),
            refill_amount: number(8),
            last_refill_at: row.optional_time(9),
            enabled: flag(10),
            rate_limit_enabled: flag(11),
            rate_limit_time_window: number(12),
            rate_limit_max: number(13),
            request_count: number(14),
            remaining: number(15),
            last_request: row.optional_time(16),
            expires_at: row.optional_time(17),
            created_at: row.time(18),
            updated_at: row.time(19),
            permissions: row.optional_text(20),
            metadata: row.optional_text(21),
        }
    }
}

/// The SQL of what is true of row `k` at `$2`.
struct State {
    /// A refill is due.
    is_due: String,
    /// What `remaining` is after one more use.
    remaining: String,
    /// There is something left, or no end to it.
    has_some: String,
    /// One more use starts a window.
    is_new: String,
    window: String,
    max: String,
    /// How many requests are counted.
    count: String,
}

impl State {
    fn new() -> Result<Self, AuthError> {
        let column = |field| at(TABLE, "k", field);
        let time = |field| select(TABLE, "k", &[(field, As::Time)]);
        let later = |time: String, milliseconds: &str| {
            format!(
                "({time} OPERATOR(pg_catalog.+) ({milliseconds}::pg_catalog.float8 OPERATOR(pg_catalog.*) '1 millisecond'::pg_catalog.interval)) OPERATOR(pg_catalog.<) $2"
            )
        };
        let (remaining, interval, amount) =
            (column("remaining"), column("refillInterval"), column("refillAmount"));
        let refilled = format!("COALESCE({}, {})", time("lastRefillAt")?, time("createdAt")?);
        let is_due = format!(
            "COALESCE({interval} OPERATOR(pg_catalog.<>) 0 AND {amount} OPERATOR(pg_catalog.>) 0 AND {}, false)",
            later(refilled, &interval)
        );
        let (window, last) = (column("rateLimitTimeWindow"), time("lastRequest")?);
        Ok(Self {
            remaining: format!(
                "CASE WHEN {remaining} IS NULL THEN NULL WHEN {is_due} THEN {amount} OPERATOR(pg_catalog.-) 1 ELSE {remaining} OPERATOR(pg_catalog.-) 1 END"
            ),
            has_some: format!("({remaining} IS NULL OR {remaining} OPERATOR(pg_catalog.>) 0 OR {is_due})"),
            is_new: format!("({last} IS NULL OR {})", later(last.clone(), &window)),
            count: format!("COALESCE({}, 0)", column("requestCount")),
            max: column("rateLimitMax"),
            is_due,
            window,
        })
    }

    /// `remaining` and `lastRefillAt` after one more use.
    fn spend(&self) -> Result<String, AuthError> {
        Ok(format!(
            "{} = {}, {} = CASE WHEN {} IS NOT NULL AND {} THEN {} ELSE {} END",
            TABLE.quoted("remaining"),
            self.remaining,
            TABLE.quoted("lastRefillAt"),
            at(TABLE, "k", "remaining"),
            self.is_due,
            write(TABLE, "lastRefillAt", 2)?,
            at(TABLE, "k", "lastRefillAt"),
        ))
    }
}

fn by_id() -> Result<String, AuthError> {
    is(TABLE, "k", "id", 1)
}

/// One more use of key `$1` at `$2`, if it may be used; `$3`: its configuration limits nothing. One statement, which
/// looks at the row as whoever was before has left it: so uses at once count exactly.
fn use_one() -> Result<String, AuthError> {
    let state = State::new()?;
    let State { window, max, count, is_new, .. } = &state;
    let column = |field| at(TABLE, "k", field);
    let is_off = format!("($3 OR {} IS FALSE)", column("rateLimitEnabled"));
    let is_unlimited = format!("({window} IS NULL OR {max} IS NULL)");
    Ok(format!(
        "UPDATE {table} k SET {spend}, {request_count} = CASE WHEN {is_off} OR {is_unlimited} THEN {own_count}
             WHEN {is_new} THEN 1 ELSE {count} OPERATOR(pg_catalog.+) 1 END,
             {last_request} = CASE WHEN NOT {is_off} AND {is_unlimited} THEN {own_last} ELSE {now} END, {updated}
         WHERE {by_id} AND {enabled} IS NOT FALSE AND ({expires} IS NULL OR {is_alive}) AND {has_some}
           AND ({is_off} OR {is_unlimited} OR {is_new} OR {count} OPERATOR(pg_catalog.<) {max})
         RETURNING {select}",
        table = TABLE.sql(),
        spend = state.spend()?,
        request_count = TABLE.quoted("requestCount"),
        own_count = column("requestCount"),
        last_request = TABLE.quoted("lastRequest"),
        own_last = column("lastRequest"),
        now = write(TABLE, "lastRequest", 2)?,
        updated = set(TABLE, "updatedAt", 2)?,
        by_id = by_id()?,
        enabled = column("enabled"),
        expires = column("expiresAt"),
        is_alive = compare(TABLE, "k", "expiresAt", ">=", 2)?,
        has_some = state.has_some,
        select = Key::select("k")?,
    ))
}

const COLUMNS: [&str; 22] = [
    "id",
    "configId",
    "name",
    "start",
    "referenceId",
    "prefix",
    "key",
    "refillInterval",
    "refillAmount",
    "enabled",
    "rateLimitEnabled",
    "rateLimitTimeWindow",
    "rateLimitMax",
    "requestCount",
    "remaining",
    "expiresAt",
    "createdAt",
    "updatedAt",
    "permissions",
    "metadata",
    "lastRefillAt",
    "lastRequest",
];

thread_local! {
    static BY_KEY: Statement = const { Statement::new(TABLE, || {
        let (select, is_it) = (Key::select("k")?, is(TABLE, "k", "key", 1)?);
        Ok(format!("SELECT {select} FROM {} k WHERE {is_it} LIMIT 1", TABLE.sql()))
    }) };
    static BY_ID: Statement = const { Statement::new(TABLE, || {
        Ok(format!("SELECT {} FROM {} k WHERE {}", Key::select("k")?, TABLE.sql(), by_id()?))
    }) };
    static INSERT: Statement = const { Statement::new(TABLE, || {
        Ok(format!("{} RETURNING {}", insert(TABLE, "k", &COLUMNS, &[])?, Key::select("k")?))
    }) };
    static USE: Statement = const { Statement::new(TABLE, use_one) };
    static SPEND: Statement = const { Statement::new(TABLE, || {
        let state = State::new()?;
        let (spend, by_id, has_some) = (state.spend()?, by_id()?, &state.has_some);
        let is_counted = format!("{} IS NOT NULL", at(TABLE, "k", "remaining"));
        Ok(format!("UPDATE {} k SET {spend} WHERE {by_id} AND {is_counted} AND {has_some}", TABLE.sql()))
    }) };
    static DELETE: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} k WHERE {}", TABLE.sql(), by_id()?))
    }) };
    static DELETE_SOME_EXPIRED: Statement = const { Statement::new(TABLE, || purge::delete(TABLE)) };
    static DELETE_EXPIRED: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} k WHERE {}", TABLE.sql(), compare(TABLE, "k", "expiresAt", "<", 1)?))
    }) };
    static DELETE_OF: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "DELETE FROM {} k WHERE {} AND NOT (COALESCE({}::pg_catalog.text, '') OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array($2, E'\\x1f')))",
            TABLE.sql(),
            is(TABLE, "k", "referenceId", 1)?,
            at(TABLE, "k", "configId"),
        ))
    }) };
}

/// The key with this hash.
///
/// # Errors
/// No table.
pub(super) fn find_by_key(hashed: &str) -> Result<Option<Key>, AuthError> {
    BY_KEY.with(|statement| Ok(statement.query(&[Value::Text(hashed)], Key::from_row)?.pop()))
}

/// # Errors
/// No table.
pub(super) fn find(id: &str) -> Result<Option<Key>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], Key::from_row)?.pop()))
}

/// The most keys that a list has, before they are told apart: Better Auth's.
const MOST: i64 = 100;

/// Keys of an owner; `None` where there is no such field to sort them by.
///
/// # Errors
/// No table.
pub(super) fn list(
    reference_id: &str,
    sort_by: Option<&str>,
    is_descending: bool,
) -> Result<Option<Vec<Key>>, AuthError> {
    let page = Page { sort_by, is_descending, limit: MOST, offset: 0 };
    let Some(order) = page.order(TABLE, "k")? else { return Ok(None) };
    let (select, is_it) = (Key::select("k")?, is(TABLE, "k", "referenceId", 1)?);
    let text = format!("SELECT {select} FROM {} k WHERE {is_it} {order} LIMIT {MOST}", TABLE.sql());
    found(|| query_once(TABLE, &text, &[Value::Text(reference_id)], Key::from_row))
}

/// Keeps a new key under its hash; its id and its times are made here.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(super) fn create(key: &Key, hashed: &str) -> Result<Option<Key>, AuthError> {
    let id = random_id(TABLE)?;
    let values = [
        Value::Text(&id),
        Value::OptionalText(key.config_id.as_deref()),
        Value::OptionalText(key.name.as_deref()),
        Value::OptionalText(key.start.as_deref()),
        Value::Text(&key.reference_id),
        Value::OptionalText(key.prefix.as_deref()),
        Value::Text(hashed),
        Value::OptionalInteger(key.refill_interval),
        Value::OptionalInteger(key.refill_amount),
        Value::Boolean(key.enabled != Some(false)),
        Value::Boolean(key.rate_limit_enabled != Some(false)),
        Value::OptionalInteger(key.rate_limit_time_window),
        Value::OptionalInteger(key.rate_limit_max),
        Value::OptionalInteger(key.request_count),
        Value::OptionalInteger(key.remaining),
        Value::OptionalTime(key.expires_at),
        Value::Time(key.created_at),
        Value::Time(key.updated_at),
        Value::OptionalText(key.permissions.as_deref()),
        Value::OptionalText(key.metadata.as_deref()),
        Value::OptionalTime(key.last_refill_at),
        Value::OptionalTime(key.last_request),
    ];
    INSERT.with(|statement| Ok(statement.query(&values, Key::from_row)?.pop()))
}

/// Uses a key once, if it may be used; the row as it is then. `is_unlimited` by its configuration.
///
/// # Errors
/// No table.
pub(super) fn use_once(id: &str, now: Timestamp, is_unlimited: bool) -> Result<Option<Key>, AuthError> {
    let values = [Value::Text(id), Value::Time(now), Value::Boolean(is_unlimited)];
    USE.with(|statement| Ok(statement.query(&values, Key::from_row)?.pop()))
}

/// Counts a use of a key whose uses are counted, and nothing else.
///
/// # Errors
/// No table.
pub(super) fn spend(id: &str, now: Timestamp) -> Result<(), AuthError> {
    SPEND.with(|statement| statement.execute(&[Value::Text(id), Value::Time(now)]))
}

/// What an update sets.
pub(super) enum Change<'a> {
    Text(Option<&'a str>),
    Integer(Option<i64>),
    Boolean(bool),
    Time(Option<Timestamp>),
}

/// Sets fields of a key; the row as it is then, `None` where it is gone.
///
/// # Errors
/// No table.
pub(super) fn update(id: &str, changes: &[(&'static str, Change<'_>)]) -> Result<Option<Key>, AuthError> {
    let sets: Result<Vec<String>, AuthError> =
        changes.iter().enumerate().map(|(index, (field, _))| set(TABLE, field, index + 2)).collect();
    let text = format!(
        "UPDATE {} k SET {} WHERE {} RETURNING {}",
        TABLE.sql(),
        sets?.join(", "),
        by_id()?,
        Key::select("k")?
    );
    let mut values = vec![Value::Text(id)];
    values.extend(changes.iter().map(|(_, change)| match change {
        Change::Text(text) => Value::OptionalText(*text),
        Change::Integer(number) => Value::OptionalInteger(*number),
        Change::Boolean(flag) => Value::Boolean(*flag),
        Change::Time(time) => Value::OptionalTime(*time),
    }));
    Ok(query_once(TABLE, &text, &values, Key::from_row)?.pop())
}

/// # Errors
/// No table.
pub(super) fn delete(id: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(id)]))
}

/// Deletes up to so many keys that have expired.
///
/// # Errors
/// No table.
pub(super) fn delete_some_expired(now: Timestamp, most: i64) -> Result<(), AuthError> {
    DELETE_SOME_EXPIRED
        .with(|statement| statement.query(&[Value::Time(now), Value::Integer(most)], |_| ()).map(drop))
}

/// Deletes all keys that have expired.
///
/// # Errors
/// No table.
pub(super) fn delete_expired(now: Timestamp) -> Result<(), AuthError> {
    DELETE_EXPIRED.with(|statement| statement.execute(&[Value::Time(now)]))
}

/// Deletes the keys of an owner but those of some `configId`s. Where there is no table yet there are none.
///
/// # Errors
/// Columns that aren't there.
pub(super) fn delete_of<'c>(owner: &str, but: impl Iterator<Item = &'c str>) -> Result<(), AuthError> {
    if !has_relation(&TABLE.name()) {
        return Ok(());
    }
    let but = but.collect::<Vec<_>>().join("\u{1f}");
    DELETE_OF.with(|statement| statement.execute(&[Value::Text(owner), Value::Text(&but)]))
}
