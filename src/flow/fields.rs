//! Additional fields as requests give them: Better Auth's `parseUserInput` and `parseSessionInput`.

use serde_json::{Map, Value};

use crate::error::AuthError;
use crate::flow::input::{Input, Issues, is_truthy};
use crate::store::catalog::{Kind, Table};
use crate::store::fields::{self, Given};

/// How many digits beyond those that were written the numbers of one value may have.
const MAX_DIGITS: usize = 10_000;

/// What a request is about to do.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Action {
    Create,
    Update,
}

/// The additional fields among what a request brought. What no setting lists is passed over.
///
/// # Errors
/// FIELD_NOT_ALLOWED for one that requests may not set, MISSING_FIELD for one that a new row needs, and
/// VALIDATION_ERROR for a value of another type than the column's.
pub(crate) fn parse(
    table: Table,
    body: &Map<String, Value>,
    action: Action,
) -> Result<Vec<Given>, AuthError> {
    let mut given = Vec::new();
    let mut issues = Issues::of_body();
    for field in fields::list(table)? {
        let name = &field.name;
        let preset = field.default.filter(|_| action == Action::Create);
        match (body.get(name), field.input) {
            // What a request gives for it is passed over.
            (_, None) | (None, _) if preset.is_some() => {
                given.push(Given { value: preset.map(str::to_owned), field });
            }
            (Some(value), Some(kind)) => {
                if let Some(value) = checked(&mut issues, name, value, kind)? {
                    given.push(Given { value, field });
                }
            }
            (Some(value), None) if is_truthy(value) => {
                return Err(AuthError::Field(
                    "FIELD_NOT_ALLOWED",
                    format!("{name} is not allowed to be set"),
                ));
            }
            (None, Some(_)) if field.is_required && action == Action::Create => {
                return Err(AuthError::Field("MISSING_FIELD", format!("{name} is required")));
            }
            _ => {}
        }
    }
    issues.finish()?;
    Ok(given)
}

/// The additional fields of what a provider's profile was made into: those that requests may not set are passed over.
///
/// # Errors
/// MISSING_FIELD and VALIDATION_ERROR, as [`parse`].
pub(crate) fn of_profile(
    table: Table,
    profile: &Map<String, Value>,
    action: Action,
) -> Result<Vec<Given>, AuthError> {
    let mut settable = Map::new();
    for field in fields::list(table)?.into_iter().filter(|field| field.input.is_some()) {
        if let Some(value) = profile.get(&field.name) {
            settable.insert(field.name, value.clone());
        }
    }
    parse(table, &settable, action)
}

/// What is given for columns of plugins and additional fields by somebody who may set those too that requests may not.
/// What is none of them is passed over.
///
/// # Errors
/// VALIDATION_ERROR for a value of another type than the column's.
pub(crate) fn given(table: Table, body: &Map<String, Value>) -> Result<Vec<Given>, AuthError> {
    let mut given = Vec::new();
    let mut issues = Issues::of_body();
    for field in fields::list(table)? {
        if let Some(value) = body.get(&field.name)
            && let Some(value) = checked(&mut issues, &field.name, value, field.kind())?
        {
            given.push(Given { value, field });
        }
    }
    issues.finish()?;
    Ok(given)
}

/// The additional fields of a plugin's table among what a request brought, as Better Auth's plugins put them into their
/// schemas: those that requests may not set are passed over, as are unknown ones. `path` is what stands before their
/// names.
///
/// # Errors
/// A text with NUL, and those of [`fields::list`].
pub(crate) fn of_schema(
    table: Table,
    body: &Map<String, Value>,
    action: Action,
    issues: &mut Issues,
    path: &str,
) -> Result<Vec<Given>, AuthError> {
    let mut given = Vec::new();
    for field in fields::list(table)? {
        let Some(kind) = field.input else { continue };
        let value = body.get(&field.name);
        let place = format!("{path}{}", field.name);
        let is_missing = match value {
            None => field.is_required && action == Action::Create,
            Some(value) => value.is_null() && !field.takes_null(),
        };
        if is_missing {
            let received = Input::from(value).kind();
            issues.add(&place, &format!("Invalid input: expected {}, received {received}", name_of(kind)));
        } else if let Some(value) = value
            && let Some(value) = checked(issues, &place, value, kind)?
        {
            given.push(Given { value, field });
        }
    }
    Ok(given)
}

/// What a DBA's function says of additional fields, in place of what was given.
///
/// # Errors
/// As [`given`].
pub(crate) fn set_over(
    table: Table,
    given: &mut Vec<Given>,
    data: &Map<String, Value>,
) -> Result<(), AuthError> {
    for more in self::given(table, data)? {
        given.retain(|known| known.field.name != more.field.name);
        given.push(more);
    }
    Ok(())
}

/// zod's name of a kind.
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        _ => "string",
    }
}

/// A value for a column, as text; `None` where it is an issue.
fn checked(
    issues: &mut Issues,
    name: &str,
    value: &Value,
    kind: Kind,
) -> Result<Option<Option<String>>, AuthError> {
    // PostgreSQL's json would take it, and be unreadable from then on.
    if has_nul(value) {
        return Err(AuthError::Nul);
    }
    // PostgreSQL's jsonb writes every digit of 1e300.
    if kind == Kind::Json && digits(value) > MAX_DIGITS {
        issues.add(name, "Too big: expected numbers of fewer digits");
        return Ok(None);
    }
    match text(value, kind) {
        Ok(value) => Ok(Some(value)),
        Err(expected) => {
            let received = Input::from(Some(value)).kind();
            issues.add(name, &format!("Invalid input: expected {expected}, received {received}"));
            Ok(None)
        }
    }
}

/// What a request gave for these fields, as it gave it.
pub(crate) fn as_given(given: &[Given], body: &Map<String, Value>) -> Map<String, Value> {
    let value = |Given { field, .. }: &Given| Some((field.name.clone(), body.get(&field.name)?.clone()));
    given.iter().filter_map(value).collect()
}

/// Adds what a new row of a table gets where nothing is given.
///
/// # Errors
/// As [`fields::list`].
pub(crate) fn complete(table: Table, given: &mut Vec<Given>) -> Result<(), AuthError> {
    for field in fields::list(table)? {
        if let Some(default) = field.default
            && given.iter().all(|given| given.field.name != field.name)
        {
            given.push(Given { value: Some(default.to_owned()), field });
        }
    }
    Ok(())
}

/// The value as text that PostgreSQL casts to the column's type; the type that was expected where it is of
/// another one.
fn text(value: &Value, kind: Kind) -> Result<Option<String>, &'static str> {
    match (value, kind) {
        (Value::Null, _) => Ok(None),
        (value, Kind::Json) => Ok(Some(value.to_string())),
        (Value::Bool(value), Kind::Boolean) => Ok(Some(value.to_string())),
        (Value::Number(number), Kind::Number) => Ok(Some(number.to_string())),
        (
            Value::String(text),
            Kind::Text | Kind::Uuid | Kind::TimestampTz | Kind::Timestamp | Kind::Other,
        ) => Ok(Some(text.clone())),
        // An array column: PostgreSQL's own notation.
        (Value::Array(items), Kind::Other) => Ok(Some(array(items))),
        _ => Err(name_of(kind)),
    }
}

/// How many digits its numbers have beyond those that JSON writes.
fn digits(value: &Value) -> usize {
    match value {
        Value::Number(number) => {
            let exponent =
                number.as_f64().filter(|float| *float != 0.0).map_or(0.0, |float| float.abs().log10());
            // Every number has as many.
            (exponent.abs() as usize).saturating_sub(20)
        }
        Value::Array(items) => items.iter().map(digits).sum(),
        Value::Object(members) => members.values().map(digits).sum(),
        _ => 0,
    }
}

/// Whether a text in it has a NUL, which PostgreSQL stores in none of its types.
pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// An array as PostgreSQL writes it.
fn array(items: &[Value]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let element = |item: &Value| match item {
        Value::Null => "NULL".to_owned(),
        Value::Array(items) => array(items),
        Value::String(text) => quoted(text),
        Value::Object(_) => quoted(&item.to_string()),
        other => other.to_string(),
    };
    format!("{{{}}}", items.iter().map(element).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        for (value, expected) in [
            (serde_json::json!("back\\u0000slash"), false),
            (serde_json::json!("a\0"), true),
            (serde_json::json!([{"a": ["\0"]}]), true),
            (serde_json::json!({"\0": 1}), true),
        ] {
            assert_eq!(has_nul(&value), expected, "{value}");
        }
    }

    #[test]
    fn digits_are_those_that_nobody_wrote() {
        for (value, expected) in [
            (serde_json::json!([1, 0, -5, 1e20, 0.001, "1e300", true, null]), 0),
            (serde_json::json!(1e300), 280),
            (serde_json::json!([1e300, {"a": [-1e-300]}]), 560),
        ] {
            assert_eq!(digits(&value), expected, "{value}");
        }
    }

    #[test]
    fn arrays_are_written_as_postgresql_reads_them() {
        let items = serde_json::json!(["a", "b,c", "d\"e\\f", "", "NULL", null, 1, true, ["x"], {"a": "b"}]);
        let written = r#"{"a","b,c","d\"e\\f","","NULL",NULL,1,true,{"x"},"{\"a\":\"b\"}"}"#;
        assert_eq!(items.as_array().map(|items| array(items)).as_deref(), Some(written));
    }
}
