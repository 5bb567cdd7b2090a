//! Lists that callers filter, sort and page by fields of a table: Better Auth's `where`, `sortBy`, `limit` and `offset`,
//! as several plugins take them.

use serde_json::Value;

use crate::error::AuthError;
use crate::flow::input::{Issues, js_number, js_number_text, js_string};
use crate::store::catalog::{Column, Kind, Table, is_citext, type_name};
use crate::store::fields;
use crate::store::subtransaction::{attempt, sqlstate};

/// Better Auth's `whereOperators`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
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
    pub(crate) const ALL: [(&'static str, Self); 11] = [
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
    pub(crate) fn parse(name: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Self::Compares("="), |(_, operator)| *operator)
    }
}

/// What every list is asked for: parameters of the request's query.
pub(crate) struct Asked {
    limit: Option<Value>,
    offset: Option<Value>,
    sort_by: Option<Value>,
    sort_direction: Option<Value>,
    filter_field: Option<Value>,
    filter_value: Option<Value>,
    filter_operator: Option<Value>,
}

/// The same once it was looked at.
pub(crate) struct Wish<'a> {
    pub(crate) limit: Option<f64>,
    pub(crate) offset: Option<f64>,
    sort_by: Option<&'a str>,
    is_descending: bool,
    /// One with a name.
    pub(crate) filter_field: Option<&'a str>,
    pub(crate) filter_values: Option<Values>,
    pub(crate) filter_operator: Operator,
}

impl Asked {
    /// What the parameters of these names are.
    pub(crate) fn of(parameter: impl Fn(&'static str) -> Option<Value>) -> Self {
        Self {
            limit: parameter("limit"),
            offset: parameter("offset"),
            sort_by: parameter("sortBy"),
            sort_direction: parameter("sortDirection"),
            filter_field: parameter("filterField"),
            filter_value: parameter("filterValue"),
            filter_operator: parameter("filterOperator"),
        }
    }

    /// Looks at it, with the issues that are with it.
    pub(crate) fn read(&self, issues: &mut Issues) -> Wish<'_> {
        let is_named = |name: &&str| !name.is_empty();
        let limit = number(issues, "limit", self.limit.as_ref());
        let offset = number(issues, "offset", self.offset.as_ref());
        let sort_by = issues.optional("sortBy", self.sort_by.as_ref().into()).filter(is_named);
        let direction = issues.one_of("sortDirection", self.sort_direction.as_ref(), &["asc", "desc"]);
        let filter_field = issues.optional("filterField", self.filter_field.as_ref().into()).filter(is_named);
        let filter_values = self.filter_value.as_ref().map(|value| {
            values(value).unwrap_or_else(|| {
                issues.add("filterValue", "Invalid input");
                Values::Many(Vec::new())
            })
        });
        let operators = Operator::ALL.map(|(name, _)| name);
        let operator = issues.one_of("filterOperator", self.filter_operator.as_ref(), &operators);
        Wish {
            limit,
            offset,
            sort_by,
            is_descending: direction == Some("desc"),
            filter_field,
            filter_values,
            filter_operator: Operator::parse(operator.unwrap_or("eq")),
        }
    }
}

impl<'a> Wish<'a> {
    /// The page of so many rows from one on.
    pub(crate) fn page(&self, limit: i64, offset: i64) -> Page<'a> {
        Page { sort_by: self.sort_by, is_descending: self.is_descending, limit, offset }
    }
}

/// Better Auth's `Number(...) || undefined` of a text or a number.
fn number(issues: &mut Issues, field: &str, value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::String(text) => js_number(text),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => {
            issues.add(field, "Invalid input");
            f64::NAN
        }
    };
    Some(number).filter(|number| !number.is_nan() && *number != 0.0)
}

/// A number of rows as PostgreSQL takes it: whole, not negative, and one that fits; `None` for others.
pub(crate) fn rows(number: Option<f64>, otherwise: i64) -> Option<i64> {
    /// The first that bigint doesn't hold.
    const END: f64 = 9_223_372_036_854_775_808.0;
    match number {
        None => Some(otherwise),
        Some(number) if (0.0..END).contains(&number) && number.fract() == 0.0 => Some(number as i64),
        Some(_) => None,
    }
}

/// A value to filter by: a text, a number, a boolean, or an array of texts or of numbers.
fn values(value: &Value) -> Option<Values> {
    match value {
        Value::String(text) => Some(Values::One(text.clone())),
        Value::Number(_) | Value::Bool(_) => js_string(value).map(Values::One),
        Value::Array(items) if items.iter().all(Value::is_string) || items.iter().all(Value::is_number) => {
            Some(Values::Many(items.iter().filter_map(js_string).collect()))
        }
        _ => None,
    }
}

/// The same as it stands in a URL: of a list each, under one name.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().filter_map(js_string).collect(),
        Some(one) => js_string(one).into_iter().collect(),
    }
}

/// What a field is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Values {
    One(String),
    Many(Vec<String>),
}

/// What a row has to be to be listed.
pub(crate) struct Condition<'a> {
    /// As the caller named it.
    pub(crate) field: &'a str,
    pub(crate) operator: Operator,
    pub(crate) values: Values,
}

/// Which part of the list.
pub(crate) struct Page<'a> {
    /// A field as the caller named it; the order is PostgreSQL's without one.
    pub(crate) sort_by: Option<&'a str>,
    pub(crate) is_descending: bool,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

impl Page<'_> {
    /// `ORDER BY` of the rows `row`, empty without one; `None` for a field that the table doesn't have.
    ///
    /// # Errors
    /// Those of [`fields::find`].
    pub(crate) fn order(&self, table: Table, row: &str) -> Result<Option<String>, AuthError> {
        let Some(field) = self.sort_by else { return Ok(Some(String::new())) };
        let Some(column) = fields::find(table, field)? else { return Ok(None) };
        let direction = if self.is_descending { "DESC" } else { "ASC" };
        Ok(Some(format!("ORDER BY {row}.{} {direction}", pgrx::spi::quote_identifier(&column.name))))
    }
}

/// What `run` finds by values of callers'; `None` where one is none of its column's type, or an operator isn't for it.
///
/// # Errors
/// Those of `run`. What PostgreSQL raises otherwise is its own exception.
pub(crate) fn found<T>(run: impl FnOnce() -> Result<T, AuthError>) -> Result<Option<T>, AuthError> {
    match attempt(run, |_| true) {
        Ok(Ok(found)) => Ok(Some(found)),
        Ok(Err(AuthError::Nul)) => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(exception) if exception.is_about_data() => Ok(None),
        Err(exception) if matches!(&sqlstate(exception.code as i32), b"42883" | b"42804" | b"0A000") => {
            Ok(None)
        }
        Err(exception) => exception.raise(),
    }
}

impl Condition<'_> {
    /// The condition on row `row` of a table, with its values among the parameters; `None` where Better Auth's statement
    /// would fail.
    ///
    /// # Errors
    /// Those of [`fields::find`].
    pub(crate) fn sql(
        &self,
        table: Table,
        row: &str,
        parameters: &mut Vec<String>,
    ) -> Result<Option<String>, AuthError> {
        let Some(column) = fields::find(table, self.field)? else { return Ok(None) };
        let side = Side::of(row, &column);
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
    fn of(row: &str, column: &Column) -> Self {
        let name = format!("{row}.{}", pgrx::spi::quote_identifier(&column.name));
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
