//! Table `organization`.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, is, select};
use crate::store::definition::{Definition, KEY, TEXT, TEXT_REQUIRED, TEXT_REQUIRED_UNIQUE, TIME_REQUIRED};
use crate::store::fields;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

pub(in crate::plugin::organization) const TABLE: Table = Table::Plugin(1);

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const ORGANIZATIONS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("name", TEXT_REQUIRED),
        ("slug", TEXT_REQUIRED_UNIQUE),
        ("logo", TEXT),
        ("createdAt", TIME_REQUIRED),
        ("metadata", TEXT),
    ],
    unique: &["id", "slug"],
    additional_fields: Some(("organization_additional_fields", options::additional_fields)),
    ..Definition::of(TABLE, "organization")
};

/// A row.
#[derive(Clone, Debug)]
pub(in crate::plugin::organization) struct Organization {
    pub(in crate::plugin::organization) id: String,
    pub(in crate::plugin::organization) name: String,
    pub(in crate::plugin::organization) slug: String,
    pub(in crate::plugin::organization) logo: Option<String>,
    pub(in crate::plugin::organization) created_at: Timestamp,
    /// JSON text.
    pub(in crate::plugin::organization) metadata: Option<String>,
    /// The additional fields, as a JSON object.
    pub(in crate::plugin::organization) additional: Option<String>,
}

impl Organization {
    const FIELDS: [Field; 6] = [
        ("id", As::Text),
        ("name", As::Text),
        ("slug", As::Text),
        ("logo", As::Text),
        ("createdAt", As::Time),
        ("metadata", As::Text),
    ];

    /// The select list that [`Organization::from_row`] reads; it comes last.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        Ok(select(TABLE, row, &Self::FIELDS)? + &fields::select(TABLE, row)?)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            name: row.text(first + 1),
            slug: row.text(first + 2),
            logo: row.optional_text(first + 3),
            created_at: row.time(first + 4),
            metadata: row.optional_text(first + 5),
            additional: fields::read(TABLE, row, first + 6),
        }
    }
}

fn find_by(field: &str, lock: &str) -> Result<String, AuthError> {
    let (select, found) = (Organization::select("o")?, is(TABLE, "o", field, 1)?);
    Ok(format!("SELECT {select} FROM {} o WHERE {found} {lock}", TABLE.sql()))
}

thread_local! {
    static BY_ID: Statement = const { Statement::new(TABLE, || find_by("id", "")) };
    static BY_SLUG: Statement = const { Statement::new(TABLE, || find_by("slug", "")) };
    static LOCK: Statement = const { Statement::new(TABLE, || find_by("id", "FOR NO KEY UPDATE")) };
}

fn one(statement: &Statement, key: &str) -> Result<Option<Organization>, AuthError> {
    Ok(statement.query(&[Value::Text(key)], |row| Organization::from_row(row, 1))?.pop())
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(id: &str) -> Result<Option<Organization>, AuthError> {
    BY_ID.with(|statement| one(statement, id))
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find_by_slug(slug: &str) -> Result<Option<Organization>, AuthError> {
    BY_SLUG.with(|statement| one(statement, slug))
}

/// Holds an organization until the transaction ends: what is decided by its members, invitations, teams and roles
/// together is decided by one at a time. Whoever holds it holds no row of a user, so nobody waits for two.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn lock(id: &str) -> Result<Option<Organization>, AuthError> {
    LOCK.with(|statement| one(statement, id))
}
