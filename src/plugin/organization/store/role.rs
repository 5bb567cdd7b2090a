//! Table `organizationRole`: the roles that an organization has of its own.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, is, select};
use crate::store::definition::{Definition, KEY, TEXT_REQUIRED, TIME, TIME_NOW};
use crate::store::fields;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

pub(in crate::plugin::organization) const TABLE: Table = Table::Plugin(2);

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const ROLES: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("organizationId", "@organization"),
        ("role", TEXT_REQUIRED),
        ("permission", TEXT_REQUIRED),
        ("createdAt", TIME_NOW),
        ("updatedAt", TIME),
    ],
    indexed: &["organizationId", "role"],
    additional_fields: Some(("organization_role_additional_fields", options::role_additional_fields)),
    is_on: options::dynamic_access_control,
    ..Definition::of(TABLE, "organizationRole")
};

/// A row.
#[derive(Clone, Debug)]
pub(in crate::plugin::organization) struct OrganizationRole {
    pub(in crate::plugin::organization) id: String,
    pub(in crate::plugin::organization) organization_id: String,
    pub(in crate::plugin::organization) role: String,
    /// `{"resource": ["action", ...]}`, as JSON text.
    pub(in crate::plugin::organization) permission: String,
    pub(in crate::plugin::organization) created_at: Timestamp,
    pub(in crate::plugin::organization) updated_at: Option<Timestamp>,
    /// The additional fields, as a JSON object.
    pub(in crate::plugin::organization) additional: Option<String>,
}

impl OrganizationRole {
    const FIELDS: [Field; 6] = [
        ("id", As::Text),
        ("organizationId", As::Text),
        ("role", As::Text),
        ("permission", As::Text),
        ("createdAt", As::Time),
        ("updatedAt", As::Time),
    ];

    /// The select list that [`OrganizationRole::from_row`] reads; it comes last.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        Ok(select(TABLE, row, &Self::FIELDS)? + &fields::select(TABLE, row)?)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            organization_id: row.text(first + 1),
            role: row.text(first + 2),
            permission: row.text(first + 3),
            created_at: row.time(first + 4),
            updated_at: row.optional_time(first + 5),
            additional: fields::read(TABLE, row, first + 6),
        }
    }
}

thread_local! {
    static LIST: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} r WHERE {}",
            OrganizationRole::select("r")?,
            TABLE.sql(),
            is(TABLE, "r", "organizationId", 1)?,
        ))
    }) };
}

/// The roles of an organization's own.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list(
    organization_id: &str,
) -> Result<Vec<OrganizationRole>, AuthError> {
    let read = |row: &Row| OrganizationRole::from_row(row, 1);
    LIST.with(|statement| statement.query(&[Value::Text(organization_id)], read))
}
