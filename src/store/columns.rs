//! Columns in SQL text: how each is called, read, compared, written and filled, given the name and the type that it
//! has in this database.

use pgrx::pg_sys;

use crate::error::AuthError;
use crate::store::catalog::{Column, Kind, Table, column, has_column, is_citext, relation, type_name};
use crate::store::fields::Given;

/// What a column is read as, whatever type it has in this database.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum As {
    Text,
    Time,
    Boolean,
}

/// A field's name in Better Auth, and what it is read as.
pub(crate) type Field = (&'static str, As);

/// The fields as a select list; `row` is the table's alias.
///
/// # Errors
/// No such table or column.
pub(crate) fn select(table: Table, row: &str, fields: &[Field]) -> Result<String, AuthError> {
    let read = |&(field, kind): &Field| {
        let column = column(table, field)?;
        let name = at(table, row, field);
        Ok(match (kind, column.base) {
            (As::Time, pg_sys::TIMESTAMPOID) => format!("({name} AT TIME ZONE 'UTC')"),
            (As::Time, _) => format!("{name}::pg_catalog.timestamptz"),
            (As::Boolean, _) => format!("{name}::pg_catalog.bool"),
            // Its cast to text would add the length of the network.
            (As::Text, pg_sys::INETOID) => format!("pg_catalog.abbrev({name}::pg_catalog.inet)"),
            (As::Text, _) => format!("{name}::pg_catalog.text"),
        })
    };
    Ok(fields.iter().map(read).collect::<Result<Vec<String>, AuthError>>()?.join(", "))
}

/// A field's column of the row `row`.
pub(crate) fn at(table: Table, row: &str, field: &str) -> String {
    format!("{row}.{}", table.quoted(field))
}

/// Whether a column is parameter `position`, which is text from a caller. What can't be a value of the column's type
/// is found nowhere. The parameter is cast, not the column, so that an index is used.
///
/// # Errors
/// No such table or column.
pub(crate) fn is(table: Table, row: &str, field: &str, position: usize) -> Result<String, AuthError> {
    let column = column(table, field)?;
    let name = at(table, row, field);
    let cast_if = |pattern: &str, to: &str| {
        format!(
            "{name} OPERATOR(pg_catalog.=) CASE WHEN ${position} OPERATOR(pg_catalog.~) '{pattern}' THEN ${position}::pg_catalog.{to} END"
        )
    };
    Ok(match column.base {
        pg_sys::UUIDOID => {
            cast_if("^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$", "uuid")
        }
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => cast_if("^(0|[1-9][0-9]{0,17})$", "int8"),
        pg_sys::TEXTOID | pg_sys::VARCHAROID => format!("{name} OPERATOR(pg_catalog.=) ${position}"),
        pg_sys::BPCHAROID => {
            format!("{name} OPERATOR(pg_catalog.=) ${position}::pg_catalog.bpchar")
        }
        other if is_citext(other) => {
            // Both sides are exactly of the type, so that no operator of somebody else's is the better match.
            let kind = type_name(other);
            let schema = kind.rsplit_once('.').map_or("pg_catalog", |(schema, _)| schema);
            format!("{name}::{kind} OPERATOR({schema}.=) ${position}::{kind}")
        }
        _ => format!("{name}::pg_catalog.text OPERATOR(pg_catalog.=) ${position}"),
    })
}

/// Compares a column with parameter `position`, which is a time or a number.
///
/// # Errors
/// No such table or column.
pub(crate) fn compare(
    table: Table,
    row: &str,
    field: &str,
    operator: &str,
    position: usize,
) -> Result<String, AuthError> {
    let (name, value) = (at(table, row, field), write(table, field, position)?);
    Ok(format!("{name} OPERATOR(pg_catalog.{operator}) {value}"))
}

/// Whether a boolean that not every database has is true; `None` where there is none.
///
/// # Errors
/// No such table.
pub(crate) fn is_true(table: Table, row: &str, field: &str) -> Result<Option<String>, AuthError> {
    Ok(has_column(table, field)?.then(|| format!("({} IS TRUE)", at(table, row, field))))
}

/// Parameter `position` in the type that the column has.
///
/// # Errors
/// No such table or column.
pub(crate) fn write(table: Table, field: &str, position: usize) -> Result<String, AuthError> {
    Ok(cast(&column(table, field)?, position))
}

fn cast(column: &Column, position: usize) -> String {
    match column.base {
        pg_sys::TIMESTAMPOID => format!("(${position} AT TIME ZONE 'UTC')"),
        pg_sys::TIMESTAMPTZOID
        | pg_sys::BOOLOID
        | pg_sys::TEXTOID
        | pg_sys::VARCHAROID
        | pg_sys::BPCHAROID => format!("${position}"),
        // Narrowed when it is assigned.
        pg_sys::INT2OID | pg_sys::INT4OID => format!("${position}::pg_catalog.int8"),
        other => format!("${position}::{}", type_name(other)),
    }
}

/// The same to be stored: nothing is the empty text where the column has no room for NULL.
fn stored(column: &Column, position: usize) -> String {
    let value = cast(column, position);
    match column.kind {
        Kind::Text if column.not_null => format!("COALESCE({value}, '')"),
        _ => value,
    }
}

/// `column = parameter`, for UPDATE.
///
/// # Errors
/// No such table or column.
pub(crate) fn set(table: Table, field: &str, position: usize) -> Result<String, AuthError> {
    Ok(format!("{} = {}", table.quoted(field), stored(&column(table, field)?, position)))
}

/// What the column takes of a text that only describes, such as a browser's name: as much as there is room for; an
/// address where it is for addresses.
///
/// # Errors
/// No such table or column.
pub(crate) fn fitting<'a>(table: Table, field: &str, text: &'a str) -> Result<Option<&'a str>, AuthError> {
    let column = column(table, field)?;
    if column.base == pg_sys::INETOID {
        return Ok(Some(text).filter(|text| text.parse::<std::net::IpAddr>().is_ok()));
    }
    let length = column.length.and_then(|length| usize::try_from(length).ok());
    let end = length.and_then(|length| text.char_indices().nth(length)).map_or(text.len(), |(end, _)| end);
    Ok(text.get(..end))
}

/// `INSERT INTO table AS row (columns, ...) VALUES ($1, ...)`, with the parameters of the fields, then those of what
/// was given for additional fields, in order. An id that the database makes is left to it. What else is
/// NOT NULL without a default (a column of another Better Auth version, or of a plugin) gets a neutral
/// value, since nothing would be inserted otherwise.
///
/// # Errors
/// No such table or column, or a column that has no neutral value.
pub(crate) fn insert(table: Table, row: &str, fields: &[&str], given: &[Given]) -> Result<String, AuthError> {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let column = column(table, field)?;
        if *field == "id" && column.filled {
            continue;
        }
        columns.push(table.quoted(field));
        values.push(stored(&column, index + 1));
    }
    for (index, given) in given.iter().enumerate() {
        columns.push(given.column());
        values.push(given.expression(fields.len() + index + 1));
    }
    let is_listed = |column: &Column| {
        fields.iter().any(|field| table.column(field) == column.name)
            || given.iter().any(|given| given.is_for(column))
    };
    for column in relation(table)?.columns.iter().filter(|column| !is_listed(column)) {
        if let Some(value) = neutral(table, column)? {
            columns.push(pgrx::spi::quote_identifier(&column.name));
            values.push(value.to_owned());
        }
    }
    let (columns, values) = (columns.join(", "), values.join(", "));
    Ok(format!("INSERT INTO {} AS {row} ({columns}) VALUES ({values})", table.sql()))
}

/// What a column gets that nobody gave a value for, if it needs one.
///
/// # Errors
/// It needs one, and there is none that means nothing.
pub(crate) fn neutral(table: Table, column: &Column) -> Result<Option<&'static str>, AuthError> {
    // Better Auth 1.7.0 to 1.7.2 find a credential account by it, so it is written wherever it exists.
    if table == Table::Account && column.name == table.column("issuer") {
        return Ok(Some("'local:credential'"));
    }
    if !column.required {
        return Ok(None);
    }
    Ok(Some(match column.kind {
        Kind::Text => "''",
        Kind::Boolean => "false",
        Kind::Number => "0",
        Kind::Json => "'{}'",
        Kind::TimestampTz => "pg_catalog.now()",
        Kind::Timestamp => "(pg_catalog.now() AT TIME ZONE 'UTC')",
        Kind::Uuid | Kind::Other => {
            return Err(AuthError::Setup(format!(
                "column \"{}\" of {} is NOT NULL and has no default; give it one, or make it nullable",
                column.name,
                table.sql()
            )));
        }
    }))
}
