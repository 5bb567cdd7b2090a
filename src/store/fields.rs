//! Additional fields: columns of `user` and `session` that a plugin which is on adds, and those that a team added and a
//! setting lists. Better Auth's `schema` of plugins, `user.additionalFields` and `session.additionalFields`.

use serde_json::{Map, Value};

use crate::error::AuthError;
use crate::names::plain;
use crate::plugin;
use crate::settings::{self, AdditionalField};
use crate::store::catalog::{Column, Kind, Table, column, relation, type_name};

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

/// The additional fields of `user` or `session`: the plugins' in their order, then the setting's.
///
/// # Errors
/// The table lacks the column of a plugin's, or one that the setting names.
pub(crate) fn list(table: Table) -> Result<Vec<Field>, AuthError> {
    let (setting, core, listed): (_, &[&str], Vec<AdditionalField>) = match table {
        Table::User => (
            "user_additional_fields",
            &["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"],
            settings::user_additional_fields(),
        ),
        Table::Session => (
            "session_additional_fields",
            &["id", "expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId"],
            settings::session_additional_fields(),
        ),
        _ => return Ok(Vec::new()),
    };
    let mut fields = Vec::new();
    for declared in plugin::on().iter().flat_map(|plugin| plugin.columns()) {
        if declared.model == table.model() && (declared.is_on)() {
            let column = column(table, declared.name)?;
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
            .filter(|_| core.iter().all(|field| table.column(field) != name))
            .ok_or_else(|| {
                AuthError::Setup(format!(
                    "better_auth.{setting} names \"{name}\", which is not an additional column of {}",
                    table.sql()
                ))
            })?;
        let is_writable = !is_readonly && !NEVER_WRITABLE.contains(&plain(&name).as_str());
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

/// All additional fields of a row as one column: a JSON object as text, or NULL where there are none.
///
/// # Errors
/// As [`list`].
pub(super) fn select(table: Table, row: &str) -> Result<String, AuthError> {
    let fields = list(table)?;
    if fields.is_empty() {
        return Ok("NULL::pg_catalog.text".into());
    }
    let member = |field: &Field| {
        let name = &field.name;
        let column = format!("{row}.{}", pgrx::spi::quote_identifier(&field.column.name));
        // As JavaScript writes dates.
        let date = |time: &str| format!("pg_catalog.to_char({time}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
        let value = match field.column.kind {
            Kind::Timestamp => date(&column),
            Kind::TimestampTz => date(&format!("({column} AT TIME ZONE 'UTC')")),
            _ => column,
        };
        format!("{}, {value}", pgrx::spi::quote_literal(name))
    };
    let members: Vec<String> = fields.iter().map(member).collect();
    Ok(format!("pg_catalog.json_build_object({})::pg_catalog.text", members.join(", ")))
}

/// One member of the additional fields of a row.
pub(super) fn member(additional: Option<&str>, name: &str) -> Option<Value> {
    serde_json::from_str::<Map<String, Value>>(additional?).ok()?.remove(name)
}

impl Field {
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
}
