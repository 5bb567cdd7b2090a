//! Table `member`: who is in an organization, with which roles.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, is, select};
use crate::store::definition::{Definition, KEY, TEXT_REQUIRED, TIME_REQUIRED, USER_KEY};
use crate::store::fields;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

pub(in crate::plugin::organization) const TABLE: Table = Table::Plugin(5);

/// The table as Better Auth's own `migrate` makes it.
pub(in crate::plugin) const MEMBERS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("organizationId", "@organization"),
        ("userId", USER_KEY),
        ("role", TEXT_REQUIRED),
        ("createdAt", TIME_REQUIRED),
    ],
    indexed: &["organizationId", "userId"],
    additional_fields: Some(("organization_member_additional_fields", options::member_additional_fields)),
    ..Definition::of(TABLE, "member")
};

/// A row.
#[derive(Clone, Debug)]
pub(in crate::plugin::organization) struct Member {
    pub(in crate::plugin::organization) id: String,
    pub(in crate::plugin::organization) organization_id: String,
    pub(in crate::plugin::organization) user_id: String,
    /// Names, joined by commas.
    pub(in crate::plugin::organization) role: String,
    pub(in crate::plugin::organization) created_at: Timestamp,
    /// The additional fields, as a JSON object.
    pub(in crate::plugin::organization) additional: Option<String>,
}

impl Member {
    const FIELDS: [Field; 5] = [
        ("id", As::Text),
        ("organizationId", As::Text),
        ("userId", As::Text),
        ("role", As::Text),
        ("createdAt", As::Time),
    ];

    /// The select list that [`Member::from_row`] reads; it comes last.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        Ok(select(TABLE, row, &Self::FIELDS)? + &fields::select(TABLE, row)?)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            organization_id: row.text(first + 1),
            user_id: row.text(first + 2),
            role: row.text(first + 3),
            created_at: row.time(first + 4),
            additional: fields::read(TABLE, row, first + 5),
        }
    }
}

thread_local! {
    static FIND: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} m WHERE {} AND {} LIMIT 1",
            Member::select("m")?,
            TABLE.sql(),
            is(TABLE, "m", "userId", 1)?,
            is(TABLE, "m", "organizationId", 2)?,
        ))
    }) };
}

/// A user's membership.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(
    organization_id: &str,
    user_id: &str,
) -> Result<Option<Member>, AuthError> {
    let values = [Value::Text(user_id), Value::Text(organization_id)];
    FIND.with(|statement| Ok(statement.query(&values, |row| Member::from_row(row, 1))?.pop()))
}
