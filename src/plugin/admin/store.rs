//! Statements of the admin plugin, all on table `user`.

use crate::error::AuthError;
use crate::store::catalog::{Column, Kind, Table, has_column, is_citext, type_name};
use crate::store::columns::{As, is, is_true, select, set};
use crate::store::fields;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value, query_once};
use crate::store::subtransaction::{attempt, sqlstate};
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

/// Better Auth's `whereOperators`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    /// PostgreSQL's operator.
    Compares(&'static str),
    In,
    NotIn,
    /// What stands before and behind the value in a pattern. Better Auth escapes nothing in the value: `%`, `_` and
    /// the backslash mean there what they mean in a pattern.
    Like(&'static str, &'static str),
}

impl Operator {
    /// By Better Auth's names.
    pub(super) const ALL: [(&'static str, Self); 11] = [
        ("eq", Self::Compares("=")),
        ("ne", Self::Compares("<>")),
        ("lt", Self::Compares("<")),
        ("lte", Self::Compares("<=")),
        ("gt", Self::Compares(">")),
        ("gte", Self::Compares(">=")),
        ("in", Self::In),
        ("not_in", Self::NotIn),
        ("contains", Self::Like("%", "%")),
        ("starts_with", Self::Like("", "%")),
        ("ends_with", Self::Like("%", "")),
    ];

    /// The one of a name, which was looked at before.
    pub(super) fn parse(name: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Self::Compares("="), |(_, operator)| *operator)
    }
}

/// What a field is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Values {
    One(String),
    Many(Vec<String>),
}

/// What a user has to be to be listed.
pub(super) struct Condition<'a> {
    /// As the caller named it.
    pub(super) field: &'a str,
    pub(super) operator: Operator,
    pub(super) values: Values,
}

/// Which part of the list.
pub(super) struct Page<'a> {
    /// A field as the caller named it; the order is PostgreSQL's without one.
    pub(super) sort_by: Option<&'a str>,
    pub(super) is_descending: bool,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

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
        match condition.sql(&mut values)? {
            Some(text) => texts.push(text),
            None => return Ok(None),
        }
    }
    let filter = if texts.is_empty() { String::new() } else { format!("WHERE {}", texts.join(" AND ")) };
    let order = match page.sort_by.map(|field| fields::find(Table::User, field)).transpose()? {
        None => String::new(),
        Some(None) => return Ok(None),
        Some(Some(column)) => {
            let direction = if page.is_descending { "DESC" } else { "ASC" };
            format!("ORDER BY u.{} {direction}", pgrx::spi::quote_identifier(&column.name))
        }
    };
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
    let run = || {
        let total = query_once(Table::User, &count, &parameters, |row: &Row| row.integer(1))?.pop();
        parameters.extend([Value::Integer(page.limit), Value::Integer(page.offset)]);
        let users = query_once(Table::User, &rows, &parameters, |row: &Row| User::from_row(row, 1))?;
        Ok((users, total.unwrap_or_default()))
    };
    match attempt(run, |_| true) {
        Ok(Ok(listed)) => Ok(Some(listed)),
        Ok(Err(AuthError::Nul)) => Ok(None),
        Ok(Err(error)) => Err(error),
        // A value that is none of the column's type, or an operator that the type doesn't have.
        Err(exception) if exception.is_about_data() => Ok(None),
        Err(exception) if matches!(&sqlstate(exception.code as i32), b"42883" | b"42804" | b"0A000") => {
            Ok(None)
        }
        Err(exception) => exception.raise(),
    }
}

impl Condition<'_> {
    /// The condition on row `u`, with its values among the parameters; `None` where Better Auth's statement would fail.
    fn sql(&self, parameters: &mut Vec<String>) -> Result<Option<String>, AuthError> {
        let Some(column) = fields::find(Table::User, self.field)? else { return Ok(None) };
        let side = Side::of(&column);
        let mut parameter = |value: String| {
            parameters.push(value);
            side.value(parameters.len())
        };
        let values = match (self.operator, settled(&self.values, column.kind)) {
            // Nothing is no list.
            (_, Values::Many(values)) if values.is_empty() => return Ok(None),
            // PostgreSQL takes a row of one for the one.
            (Operator::Compares(_), Values::Many(mut values)) if values.len() == 1 => {
                Values::One(values.pop().unwrap_or_default())
            }
            (_, values) => values,
        };
        Ok(match (self.operator, values) {
            (Operator::Compares(operator), Values::One(value)) => {
                Some(format!("{} {} {}", side.column, side.operator(operator), parameter(value)))
            }
            (Operator::Compares(_), Values::Many(_)) => None,
            // Better Auth takes an array alone for the one, and a value for the other too.
            (Operator::In, Values::One(_)) => None,
            (Operator::In, Values::Many(values)) => {
                Some(side.any("=", "ANY", values.into_iter().map(parameter)))
            }
            (Operator::NotIn, Values::One(value)) => {
                Some(side.any("<>", "ALL", std::iter::once(value).map(parameter)))
            }
            (Operator::NotIn, Values::Many(values)) => {
                Some(side.any("<>", "ALL", values.into_iter().map(parameter)))
            }
            (Operator::Like(..), _) if column.kind != Kind::Text => None,
            (Operator::Like(before, behind), values) => {
                let value = match values {
                    Values::One(value) => value,
                    Values::Many(values) => values.join(","),
                };
                let pattern = parameter(format!("{before}{value}{behind}"));
                Some(format!("{} {} {pattern}", side.column, side.operator("~~")))
            }
        })
    }
}

/// Values as Better Auth's adapter makes them for a field of that type.
fn settled(values: &Values, kind: Kind) -> Values {
    use crate::flow::input::{js_number, js_number_text};
    let number = |value: &String| {
        let number = js_number(value);
        (!value.trim().is_empty() && !number.is_nan()).then(|| js_number_text(number))
    };
    match (kind, values) {
        (Kind::Boolean, Values::One(value)) => Values::One((value == "true").to_string()),
        (Kind::Number, Values::One(value)) => Values::One(number(value).unwrap_or_else(|| value.clone())),
        (Kind::Number, Values::Many(values)) => {
            let numbers: Option<Vec<String>> = values.iter().map(number).collect();
            Values::Many(numbers.unwrap_or_else(|| values.clone()))
        }
        (_, values) => values.clone(),
    }
}

/// How a column is compared.
struct Side {
    column: String,
    /// Of the operators.
    schema: String,
    /// Of the values.
    kind: String,
    /// The column holds UTC without saying so.
    is_bare_utc: bool,
}

impl Side {
    fn of(column: &Column) -> Self {
        let name = format!("u.{}", pgrx::spi::quote_identifier(&column.name));
        let side = |column: String, kind: String| Self {
            column,
            schema: "pg_catalog".into(),
            kind,
            is_bare_utc: false,
        };
        if is_citext(column.base) {
            // Both sides are exactly of the type, so that no operator of somebody else's is the better match.
            let kind = type_name(column.base);
            let schema = kind.rsplit_once('.').map_or("pg_catalog", |(schema, _)| schema).to_owned();
            return Self { schema, ..side(format!("{name}::{kind}"), kind) };
        }
        match column.kind {
            Kind::Text => side(format!("{name}::pg_catalog.text"), "pg_catalog.text".into()),
            Kind::Timestamp => Self { is_bare_utc: true, ..side(name, "pg_catalog.timestamptz".into()) },
            _ => side(name, type_name(column.type_oid)),
        }
    }

    fn operator(&self, operator: &str) -> String {
        format!("OPERATOR({}.{operator})", self.schema)
    }

    fn value(&self, position: usize) -> String {
        let value = format!("${position}::{}", self.kind);
        if self.is_bare_utc { format!("({value} AT TIME ZONE 'UTC')") } else { value }
    }

    fn any(&self, operator: &str, quantifier: &str, values: impl Iterator<Item = String>) -> String {
        let values: Vec<String> = values.collect();
        format!("{} {} {quantifier} (ARRAY[{}])", self.column, self.operator(operator), values.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_better_auths_adapter() {
        let one = |value: &str| Values::One(value.into());
        let many = |values: &[&str]| Values::Many(values.iter().map(|value| (*value).into()).collect());
        for (kind, given, expected) in [
            (Kind::Boolean, one("true"), one("true")),
            (Kind::Boolean, one("TRUE"), one("false")),
            (Kind::Boolean, one("1"), one("false")),
            (Kind::Boolean, many(&["true", "x"]), many(&["true", "x"])),
            (Kind::Number, one(" 0x10 "), one("16")),
            (Kind::Number, one("x"), one("x")),
            (Kind::Number, one(" "), one(" ")),
            (Kind::Number, many(&["1e3", "2"]), many(&["1000", "2"])),
            (Kind::Number, many(&["1e3", "x"]), many(&["1e3", "x"])),
            (Kind::Text, one("1e3"), one("1e3")),
        ] {
            assert_eq!(settled(&given, kind), expected, "{kind:?} {given:?}");
        }
    }
}
