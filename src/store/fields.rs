//! Additional fields: columns that a plugin which is on adds to a table, and those that a team added and a setting
//! lists. Better Auth's `schema` of plugins, and `additionalFields` of `user`, `session` and the plugins' models.

use pgrx::pg_sys;
use serde_json::{Map, Value};
use std::rc::Rc;

use crate::crypto::jwt::write_json;
use crate::error::AuthError;
use crate::names::plain;
use crate::plugin;
use crate::settings::{self, AdditionalField};
use crate::store::catalog::{Column, Kind, PerShape, Table, column, relation, type_name};
use crate::store::definition;
use crate::store::sql::Row;

/// Columns that give power or tell of proofs, in lower case and without underscores: no request may set
/// them, whatever the setting says. Better Auth's plugins declare theirs `input: false`.
const NEVER_WRITABLE: [&str; 21] = [
    "activeorganizationid",
    "activeteamid",
    "admin",
    "banexpires",
    "banned",
    "banreason",
    "emailverified",
    "impersonatedby",
    "isadmin",
    "isanonymous",
    "issuperuser",
    "lastloginmethod",
    "permission",
    "permissions",
    "phonenumber",
    "phonenumberverified",
    "role",
    "roles",
    "stripecustomerid",
    "superuser",
    "twofactorenabled",
];

/// One additional field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// What a request may give; `None` where none may.
    pub(crate) input: Option<Kind>,
    /// A new row needs a value for it: the column is NOT NULL and has no default.
    pub(crate) is_required: bool,
    /// What a new row gets where nothing is given: a plugin's `defaultValue`.
    pub(crate) default: Option<&'static str>,
    column: Column,
}

/// A value for a column, as a request gave it: text that PostgreSQL casts to the column's type.
pub(crate) struct Given {
    pub(crate) field: Field,
    pub(crate) value: Option<String>,
}

/// The additional fields of a table: the plugins' in their order, then the setting's.
///
/// # Errors
/// The table lacks the column of a plugin's, or one that the setting names.
pub(crate) fn list(table: Table) -> Result<Vec<Field>, AuthError> {
    let (setting, listed): (_, Vec<AdditionalField>) = match table {
        Table::User => ("user_additional_fields", settings::user_additional_fields()),
        Table::Session => ("session_additional_fields", settings::session_additional_fields()),
        Table::Plugin(place) => {
            match plugin::TABLES.get(usize::from(place)).and_then(|it| it.additional_fields) {
                Some((setting, listed)) => (setting, listed()),
                None => return Ok(Vec::new()),
            }
        }
        _ => return Ok(Vec::new()),
    };
    let mut fields = Vec::new();
    // A table of its own a plugin reads itself.
    let is_shared = !matches!(table, Table::Plugin(_));
    for declared in plugin::on().iter().flat_map(|plugin| plugin.columns()) {
        if is_shared && declared.model == table.model() && (declared.is_on)() {
            let column = column(table, declared.name)?;
            let is_taken = core(table).iter().any(|field| table.column(field) == column.name)
                || fields.iter().any(|known: &Field| known.column.name == column.name);
            if is_taken {
                return Err(AuthError::Setup(format!(
                    "two fields of {} are called \"{}\", one of which a plugin adds; name that in better_auth.field_names",
                    table.sql(),
                    column.name
                )));
            }
            fields.push(Field {
                name: declared.name.to_owned(),
                input: declared.is_input.then_some(column.kind),
                is_required: false,
                default: declared.default,
                column,
            });
        }
    }
    let relation = relation(table)?;
    for AdditionalField { name, is_readonly } in listed {
        let column = relation
            .column(&name)
            .filter(|_| core(table).iter().all(|field| table.column(field) != name))
            .ok_or_else(|| {
                AuthError::Setup(format!(
                    "better_auth.{setting} names \"{name}\", which is not an additional column of {}",
                    table.sql()
                ))
            })?;
        // Nor what is a plugin's under another name here, whether that is on or not.
        let is_of_plugin = plugin::all().flat_map(|plugin| plugin.columns()).any(|declared| {
            declared.model == table.model() && !declared.is_input && table.column(declared.name) == name
        });
        let is_writable = !is_readonly && !is_of_plugin && !NEVER_WRITABLE.contains(&plain(&name).as_str());
        // A plugin that has it says what may be done with it.
        if fields.iter().all(|field| field.column.name != name && field.name != name) {
            fields.push(Field {
                input: is_writable.then_some(column.kind),
                is_required: column.required,
                default: None,
                column: column.clone(),
                name,
            });
        }
    }
    Ok(fields)
}

/// The column of a field of a table, by Better Auth's name of the field or the column's own, as Better Auth
/// takes both; `None` for one that it doesn't have. A field of a plugin that is off isn't one.
///
/// # Errors
/// As [`list`].
pub(crate) fn find(table: Table, name: &str) -> Result<Option<Column>, AuthError> {
    // Better Auth takes MongoDB's name too.
    let name = if name == "_id" { "id" } else { name };
    let relation = relation(table)?;
    let core = core(table).into_iter();
    let mut fields: Vec<(String, Column)> = core
        .filter_map(|field| Some((field.to_owned(), relation.column(&table.column(field))?.clone())))
        .collect();
    fields.extend(list(table)?.into_iter().map(|field| (field.name, field.column)));
    let by_field = fields.iter().position(|(field, _)| field == name);
    let found = by_field.or_else(|| fields.iter().position(|(_, column)| column.name == name));
    Ok(found.map(|at| fields.swap_remove(at).1))
}

/// The fields that every row of a table has.
pub(crate) fn core(table: Table) -> Vec<&'static str> {
    let columns = definition::of(table).map_or(&[][..], |definition| definition.columns);
    columns.iter().map(|(field, _)| *field).collect()
}

/// How the additional fields of a table are read.
struct Shape {
    /// Of each its name as a member of JSON, and its kind.
    fields: Vec<(Member, Kind)>,
    /// The object of a row in which all are NULL.
    nothing: String,
}

/// The name of a member of an object as JSON, with the colon.
pub(super) type Member = Vec<u8>;

/// The name of a field as a member.
pub(super) fn member_name(name: &str) -> Member {
    let mut member = Vec::new();
    write_json(&mut member, name);
    member.push(b':');
    member
}

/// The names and kinds of the additional fields of a table: every row asks for them. `None` where there are none.
fn shape(table: Table) -> Result<Option<Rc<Shape>>, AuthError> {
    thread_local! {
        static SHAPES: PerShape<Option<Rc<Shape>>> = const { PerShape::nothing() };
    }
    let make = || {
        let member = |field: Field| (member_name(&field.name), field.column.kind);
        let fields: Vec<(Member, Kind)> = list(table)?.into_iter().map(member).collect();
        Ok((!fields.is_empty()).then(|| {
            let nothing = object(&fields, |json, _, _| json.extend_from_slice(NULL));
            Rc::new(Shape { fields, nothing })
        }))
    };
    SHAPES.with(|shapes| shapes.get(table, make))
}

/// JSON's null.
pub(super) const NULL: &[u8] = b"null";

/// An object of these members, whose values are written one by one.
pub(super) fn object<T>(fields: &[(Member, T)], mut value: impl FnMut(&mut Vec<u8>, usize, &T)) -> String {
    let mut json = Vec::with_capacity(256);
    for (index, (name, kind)) in fields.iter().enumerate() {
        json.push(if index == 0 { b'{' } else { b',' });
        json.extend_from_slice(name);
        value(&mut json, index, kind);
    }
    json.push(b'}');
    // All that was written is text.
    String::from_utf8(json).unwrap_or_default()
}

/// All additional fields of a row, each as text, each with a comma before it: they come last in a list of columns, so
/// that nothing has another place where there are more of them. [`read`] reads them.
/// (PostgreSQL's own json_build_object() looks up the type of each argument, for each row.)
///
/// # Errors
/// As [`list`].
pub(crate) fn select(table: Table, row: &str) -> Result<String, AuthError> {
    let value = |field: &Field| {
        let column = format!("{row}.{}", pgrx::spi::quote_identifier(&field.column.name));
        // As JavaScript writes dates.
        let date = |time: &str| format!("pg_catalog.to_char({time}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
        let text = match field.column.kind {
            Kind::Timestamp => date(&column),
            Kind::TimestampTz => date(&format!("({column} AT TIME ZONE 'UTC')")),
            // Arrays, dates, ranges: as PostgreSQL has them in JSON.
            Kind::Other => format!("pg_catalog.to_json({column})::pg_catalog.text"),
            // Its cast to text would cut the blanks off that char(n) has at its end, in JSON as well.
            _ if field.column.base == pg_sys::BPCHAROID => {
                format!("pg_catalog.textin(pg_catalog.bpcharout({column}::pg_catalog.bpchar))")
            }
            _ => format!("{column}::pg_catalog.text"),
        };
        format!(", {text}")
    };
    Ok(list(table)?.iter().map(value).collect())
}

/// How many columns [`select`] adds; none where that can't be told, and then [`read`] reads none either.
pub(crate) fn width(table: Table) -> i32 {
    let count = shape(table).ok().flatten().map_or(0, |shape| shape.fields.len());
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The additional fields of a row as a JSON object, out of the columns that [`select`] made, from column `first` on.
pub(crate) fn read(table: Table, row: &Row, first: i32) -> Option<String> {
    let shape = shape(table).ok()??;
    let places = || (first..).zip(&shape.fields);
    // Most rows of most tables have none.
    if places().all(|(place, _)| row.is_null_text(place)) {
        return Some(shape.nothing.clone());
    }
    let text = object(&shape.fields, |json, index, kind| {
        let place = first.saturating_add(i32::try_from(index).unwrap_or(i32::MAX));
        row.with_text(place, |value| match (value, kind) {
            (None, _) => json.extend_from_slice(NULL),
            (Some(value), Kind::Boolean) => json.extend_from_slice(value.as_bytes()),
            (Some(value), Kind::Number | Kind::Json | Kind::Other) => {
                // A number that isn't finite is none in JSON.
                match serde_json::from_str::<Value>(value) {
                    Ok(value) => write_json(json, &value),
                    Err(_) => write_json(json, value),
                }
            }
            (Some(value), _) => write_json(json, value),
        });
    });
    Some(text)
}

/// One member of the additional fields of a row.
pub(super) fn member(additional: Option<&str>, name: &str) -> Option<Value> {
    serde_json::from_str::<Map<String, Value>>(additional?).ok()?.remove(name)
}

impl Field {
    /// Its column.
    pub(super) fn column(&self) -> &Column {
        &self.column
    }

    /// Whether its column has room for NULL.
    pub(crate) fn takes_null(&self) -> bool {
        !self.column.not_null
    }

    /// What its column's type means.
    pub(crate) fn kind(&self) -> Kind {
        self.column.kind
    }
}

impl Given {
    /// A value for a plugin's own column, which no request gave.
    ///
    /// # Errors
    /// The table lacks the column: migrate() makes it.
    pub(crate) fn of(table: Table, name: &str, value: Option<&str>) -> Result<Self, AuthError> {
        let column = column(table, name)?;
        let field = Field { name: name.to_owned(), input: None, is_required: false, default: None, column };
        Ok(Self { field, value: value.map(str::to_owned) })
    }

    /// The column's name, quoted.
    pub(super) fn column(&self) -> String {
        pgrx::spi::quote_identifier(&self.field.column.name)
    }

    /// Whether it is for this column.
    pub(super) fn is_for(&self, column: &Column) -> bool {
        self.field.column.name == column.name
    }

    /// Parameter `position`, which is text, in the type that the column has.
    pub(super) fn expression(&self, position: usize) -> String {
        let kind = type_name(self.field.column.type_oid);
        match self.field.column.kind {
            Kind::Timestamp => format!("(${position}::pg_catalog.timestamptz AT TIME ZONE 'UTC')"),
            _ => format!("${position}::{kind}"),
        }
    }

    /// `column = parameter`, for UPDATE.
    pub(crate) fn set(&self, position: usize) -> String {
        format!("{} = {}", self.column(), self.expression(position))
    }
}
