//! Columns in SQL text: how each is read, written and filled, given the type that it has in this database.

use crate::error::AuthError;
use crate::store::catalog::{Column, Kind, Table, column, relation};
use crate::store::fields::Given;

/// What a column is read as, whatever type it has in this database.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum As {
    Text,
    Time,
    Boolean,
}

/// A column's name, and what it is read as.
pub(super) type Field = (&'static str, As);

/// The fields as a select list; `row` is the table's alias.
///
/// # Errors
/// No such table or column.
pub(super) fn select(table: Table, row: &str, fields: &[Field]) -> Result<String, AuthError> {
    let read = |&(name, kind): &Field| {
        Ok(match (kind, column(table, name)?.kind) {
            (As::Time, Kind::Timestamp) => format!(r#"({row}."{name}" AT TIME ZONE 'UTC')"#),
            (As::Time, _) => format!(r#"{row}."{name}"::pg_catalog.timestamptz"#),
            (As::Boolean, _) => format!(r#"{row}."{name}"::pg_catalog.bool"#),
            (As::Text, _) => format!(r#"{row}."{name}"::pg_catalog.text"#),
        })
    };
    Ok(fields.iter().map(read).collect::<Result<Vec<String>, AuthError>>()?.join(", "))
}

/// Parameter `position` in the type that the column has.
///
/// # Errors
/// No such table or column.
pub(super) fn write(table: Table, name: &str, position: usize) -> Result<String, AuthError> {
    Ok(match column(table, name)?.kind {
        Kind::Timestamp => format!("(${position} AT TIME ZONE 'UTC')"),
        Kind::Uuid => format!("${position}::pg_catalog.uuid"),
        _ => format!("${position}"),
    })
}

/// `INSERT INTO table (names, ...) VALUES ($1, ...)`, with the parameters of the names, then those of what
/// was given for additional fields, in order. What else is
/// NOT NULL without a default (a column of another Better Auth version, or of a plugin) gets a neutral
/// value, since nothing would be inserted otherwise.
///
/// # Errors
/// No such table or column, or a column that has no neutral value.
pub(super) fn insert(table: Table, names: &[&str], given: &[Given]) -> Result<String, AuthError> {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for (index, name) in names.iter().enumerate() {
        columns.push(format!(r#""{name}""#));
        values.push(write(table, name, index + 1)?);
    }
    for (index, given) in given.iter().enumerate() {
        columns.push(given.column());
        values.push(given.expression(names.len() + index + 1));
    }
    let is_listed = |column: &Column| {
        names.contains(&column.name.as_str()) || given.iter().any(|given| given.field.name == column.name)
    };
    for column in relation(table)?.columns.iter().filter(|column| !is_listed(column)) {
        if let Some(value) = neutral(table, column)? {
            columns.push(pgrx::spi::quote_identifier(&column.name));
            values.push(value.to_owned());
        }
    }
    Ok(format!("INSERT INTO {} ({}) VALUES ({})", table.sql(), columns.join(", "), values.join(", ")))
}

fn neutral(table: Table, column: &Column) -> Result<Option<&'static str>, AuthError> {
    // Better Auth 1.7.0 to 1.7.2 find a credential account by it, so it is written wherever it exists.
    if table == Table::Account && column.name == "issuer" {
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
