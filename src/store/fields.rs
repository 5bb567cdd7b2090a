//! Additional fields: columns of `user` and `session` that a team or a plugin added, and that a setting
//! lists. Better Auth's `user.additionalFields` and `session.additionalFields`.

use crate::error::AuthError;
use crate::names::plain;
use crate::settings::{self, AdditionalField};
use crate::store::catalog::{Column, Kind, Table, relation, type_name};

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
    column: Column,
}

/// A value for a column, as a request gave it: text that PostgreSQL casts to the column's type.
pub(crate) struct Given {
    pub(crate) field: Field,
    pub(crate) value: Option<String>,
}

/// The additional fields of `user` or `session`, in the setting's order.
///
/// # Errors
/// The setting names a column that the table doesn't have.
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
    let field = |AdditionalField { name, is_readonly }: AdditionalField| {
        let relation = relation(table)?;
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
        Ok(Field {
            input: is_writable.then_some(column.kind),
            is_required: column.required,
            column: column.clone(),
            name,
        })
    };
    listed.into_iter().map(field).collect()
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
        let column = format!("{row}.{}", pgrx::spi::quote_identifier(name));
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

impl Given {
    /// The column's name, quoted.
    pub(super) fn column(&self) -> String {
        pgrx::spi::quote_identifier(&self.field.name)
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
