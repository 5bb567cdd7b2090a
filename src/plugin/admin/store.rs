//! Statements of the admin plugin, all on table `user`.

use crate::error::AuthError;
use crate::plugin::listing::{Condition, Page, found};
use crate::store::catalog::{Table, has_column};
use crate::store::columns::{As, is, is_true, select, set};
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value, query_once};
use crate::store::user::User;

// ── Bans ─────────────────────────────────────────────────────────────────────────────────────────

/// `WHERE` on the id, as parameter 1.
fn by_id() -> Result<String, AuthError> {
    is(Table::User, "u", "id", 1)
}

thread_local! {
    static BAN: Statement = const { Statement::new(Table::User, || {
        Ok(format!(
            "SELECT {}, {} FROM {} u WHERE {} FOR KEY SHARE",
            is_true(Table::User, "u", "banned")?.unwrap_or_else(|| "false".into()),
            super::is_banned("u")?.unwrap_or_else(|| "false".into()),
            Table::User.sql(),
            by_id()?,
        ))
    }) };
    static END_BAN: Statement = const { Statement::new(Table::User, || {
        let clear = |field: &str| Table::User.quoted(field) + " = NULL";
        Ok(format!(
            "UPDATE {} u SET {} = false, {}, {}, {} WHERE {}",
            Table::User.sql(),
            Table::User.quoted("banned"),
            clear("banReason"),
            clear("banExpires"),
            set(Table::User, "updatedAt", 2)?,
            by_id()?,
        ))
    }) };
    static ROLE: Statement = const { Statement::new(Table::User, || {
        // Without the column nobody has a role.
        let (role, has_role) = match has_column(Table::User, "role")? {
            true => (select(Table::User, "u", &[("role", As::Text)])?, "true"),
            false => ("NULL::pg_catalog.text".into(), "false"),
        };
        let banned = super::is_banned("u")?.unwrap_or_else(|| "false".into());
        Ok(format!(
            "SELECT {role} FROM {} u WHERE {} AND ({banned}) IS NOT TRUE AND {has_role}",
            Table::User.sql(),
            by_id()?
        ))
    }) };
}

/// Whether the ban of a user who is banned is in force; `None` for who isn't. Whoever bans the user from here on waits
/// for the end of the transaction.
///
/// # Errors
/// No table.
pub(super) fn ban(user_id: &str) -> Result<Option<bool>, AuthError> {
    let read = |row: &Row| row.boolean(1).then(|| row.boolean(2));
    BAN.with(|statement| Ok(statement.query(&[Value::Text(user_id)], read)?.pop().flatten()))
}

/// Takes back a ban that has run out.
///
/// # Errors
/// No table.
pub(super) fn end_ban(user_id: &str) -> Result<(), AuthError> {
    END_BAN.with(|statement| statement.execute(&[Value::Text(user_id), Value::Time(Timestamp::now())]))
}

/// The role of a user who isn't banned: `None` where there is none such, and `Some(None)` where there is no role. Sees
/// what the query sees that is running, and works in parallel workers too.
///
/// # Errors
/// No table.
pub(super) fn role(user_id: &str) -> Result<Option<Option<String>>, AuthError> {
    ROLE.with(|statement| {
        Ok(statement.query_in_step(&[Value::Text(user_id)], |row| row.optional_text(1))?.pop())
    })
}

// ── The list ─────────────────────────────────────────────────────────────────────────────────────

/// Users, and how many there are in all; `None` where the fields, or the values for them, are such that nothing can be
/// found by them.
///
/// # Errors
/// No table. What PostgreSQL raises otherwise is its own exception.
pub(super) fn list(
    conditions: &[Condition<'_>],
    page: &Page<'_>,
) -> Result<Option<(Vec<User>, i64)>, AuthError> {
    let (mut texts, mut values) = (Vec::new(), Vec::new());
    for condition in conditions {
        match condition.sql(Table::User, "u", &mut values)? {
            Some(text) => texts.push(text),
            None => return Ok(None),
        }
    }
    let filter = if texts.is_empty() { String::new() } else { format!("WHERE {}", texts.join(" AND ")) };
    let Some(order) = page.order(Table::User, "u")? else { return Ok(None) };
    let table = Table::User.sql();
    let count = format!("SELECT pg_catalog.count(*) FROM {table} u {filter}");
    // What is made of a row is made of those of the page alone.
    let rows = format!(
        "SELECT {} FROM (SELECT u.* FROM {table} u {filter} {order} LIMIT ${} OFFSET ${}) u {order}",
        User::select("u")?,
        values.len() + 1,
        values.len() + 2,
    );
    let mut parameters: Vec<Value<'_>> = values.iter().map(|value| Value::Text(value)).collect();
    found(|| {
        let total = query_once(Table::User, &count, &parameters, |row: &Row| row.integer(1))?.pop();
        parameters.extend([Value::Integer(page.limit), Value::Integer(page.offset)]);
        let users = query_once(Table::User, &rows, &parameters, |row: &Row| User::from_row(row, 1))?;
        Ok((users, total.unwrap_or_default()))
    })
}
