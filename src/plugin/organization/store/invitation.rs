//! Table `invitation`. Its id is what the mail has, so whoever knows it may be who was invited.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::plugin::organization::store::MOST;
use crate::store::catalog::{Table, has_column};
use crate::store::columns::{As, Field, is, select};
use crate::store::definition::{Definition, KEY, TEXT, TEXT_REQUIRED, TIME_NOW, TIME_REQUIRED, USER_KEY};
use crate::store::fields;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

pub(in crate::plugin::organization) const TABLE: Table = Table::Plugin(6);

/// The table as Better Auth's own `migrate` makes it; `teamId` is there where there are teams.
pub(in crate::plugin) const INVITATIONS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("organizationId", "@organization"),
        ("email", TEXT_REQUIRED),
        ("role", TEXT),
        ("status", TEXT_REQUIRED),
        ("expiresAt", TIME_REQUIRED),
        ("createdAt", TIME_NOW),
        ("inviterId", USER_KEY),
    ],
    indexed: &["organizationId", "email"],
    additional_fields: Some((
        "organization_invitation_additional_fields",
        options::invitation_additional_fields,
    )),
    ..Definition::of(TABLE, "invitation")
};

/// A row.
#[derive(Clone, Debug)]
pub(in crate::plugin::organization) struct Invitation {
    pub(in crate::plugin::organization) id: String,
    pub(in crate::plugin::organization) organization_id: String,
    pub(in crate::plugin::organization) email: String,
    pub(in crate::plugin::organization) role: Option<String>,
    /// `pending`, `accepted`, `rejected` or `canceled`.
    pub(in crate::plugin::organization) status: String,
    pub(in crate::plugin::organization) expires_at: Timestamp,
    pub(in crate::plugin::organization) created_at: Timestamp,
    pub(in crate::plugin::organization) inviter_id: String,
    /// Ids, joined by commas.
    pub(in crate::plugin::organization) team_id: Option<String>,
    /// The additional fields, as a JSON object.
    pub(in crate::plugin::organization) additional: Option<String>,
}

impl Invitation {
    const FIELDS: [Field; 8] = [
        ("id", As::Text),
        ("organizationId", As::Text),
        ("email", As::Text),
        ("role", As::Text),
        ("status", As::Text),
        ("expiresAt", As::Time),
        ("createdAt", As::Time),
        ("inviterId", As::Text),
    ];

    /// The select list that [`Invitation::from_row`] reads; it comes last.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        let team = match has_column(TABLE, "teamId")? {
            true => select(TABLE, row, &[("teamId", As::Text)])?,
            false => "NULL::pg_catalog.text".into(),
        };
        let core = select(TABLE, row, &Self::FIELDS)?;
        Ok(format!("{core}, {team}{}", fields::select(TABLE, row)?))
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            organization_id: row.text(first + 1),
            email: row.text(first + 2),
            role: row.optional_text(first + 3),
            status: row.text(first + 4),
            expires_at: row.time(first + 5),
            created_at: row.time(first + 6),
            inviter_id: row.text(first + 7),
            team_id: row.optional_text(first + 8),
            additional: fields::read(TABLE, row, first + 9),
        }
    }
}

thread_local! {
    static BY_ID: Statement = const { Statement::new(TABLE, || {
        Ok(format!("SELECT {} FROM {} i WHERE {}", Invitation::select("i")?, TABLE.sql(), is(TABLE, "i", "id", 1)?))
    }) };
    static DELETE_ALL: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} i WHERE {}", TABLE.sql(), is(TABLE, "i", "organizationId", 1)?))
    }) };
    static LIST: Statement = const { Statement::new(TABLE, || {
        let of = is(TABLE, "i", "organizationId", 1)?;
        Ok(format!("SELECT {} FROM {} i WHERE {of} LIMIT {MOST}", Invitation::select("i")?, TABLE.sql()))
    }) };
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(id: &str) -> Result<Option<Invitation>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], |row| Invitation::from_row(row, 1))?.pop()))
}

/// The invitations of an organization, whatever became of them: as many as a list has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list(organization_id: &str) -> Result<Vec<Invitation>, AuthError> {
    LIST.with(|statement| {
        statement.query(&[Value::Text(organization_id)], |row| Invitation::from_row(row, 1))
    })
}

/// Deletes all invitations of an organization.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete_all(organization_id: &str) -> Result<(), AuthError> {
    DELETE_ALL.with(|statement| statement.execute(&[Value::Text(organization_id)]))
}
