//! Tables `team` and `teamMember`.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, is, select};
use crate::store::definition::{
    Definition, INTEGER_REQUIRED, KEY, TEXT_REQUIRED, TEXT_UNIQUE, TIME, TIME_REQUIRED, USER_KEY,
};
use crate::store::fields;
use crate::store::server::Timestamp;
use crate::store::sql::{Row, Statement, Value};

pub(in crate::plugin::organization) const TABLE: Table = Table::Plugin(3);
pub(in crate::plugin::organization) const MEMBER_TABLE: Table = Table::Plugin(4);

/// The teams as Better Auth's own `migrate` makes them.
pub(in crate::plugin) const TEAMS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("name", TEXT_REQUIRED),
        ("memberCount", INTEGER_REQUIRED),
        ("organizationId", "@organization"),
        ("createdAt", TIME_REQUIRED),
        ("updatedAt", TIME),
    ],
    indexed: &["organizationId"],
    additional_fields: Some(("organization_team_additional_fields", options::team_additional_fields)),
    is_on: options::teams,
    ..Definition::of(TABLE, "team")
};

/// And who is in them.
pub(in crate::plugin) const TEAM_MEMBERS: Definition = Definition {
    columns: &[
        ("id", KEY),
        ("teamId", "@team"),
        ("userId", USER_KEY),
        ("membershipKey", TEXT_UNIQUE),
        ("createdAt", TIME),
    ],
    unique: &["id", "membershipKey"],
    indexed: &["teamId", "userId"],
    is_on: options::teams,
    ..Definition::of(MEMBER_TABLE, "teamMember")
};

/// A team.
#[derive(Clone, Debug)]
pub(in crate::plugin::organization) struct Team {
    pub(in crate::plugin::organization) id: String,
    pub(in crate::plugin::organization) name: String,
    pub(in crate::plugin::organization) member_count: i64,
    pub(in crate::plugin::organization) organization_id: String,
    pub(in crate::plugin::organization) created_at: Timestamp,
    pub(in crate::plugin::organization) updated_at: Option<Timestamp>,
    /// The additional fields, as a JSON object.
    pub(in crate::plugin::organization) additional: Option<String>,
}

impl Team {
    const FIELDS: [Field; 6] = [
        ("id", As::Text),
        ("name", As::Text),
        ("memberCount", As::Text),
        ("organizationId", As::Text),
        ("createdAt", As::Time),
        ("updatedAt", As::Time),
    ];

    /// The select list that [`Team::from_row`] reads; it comes last.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        Ok(select(TABLE, row, &Self::FIELDS)? + &fields::select(TABLE, row)?)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            name: row.text(first + 1),
            member_count: row.text(first + 2).parse().unwrap_or_default(),
            organization_id: row.text(first + 3),
            created_at: row.time(first + 4),
            updated_at: row.optional_time(first + 5),
            additional: fields::read(TABLE, row, first + 6),
        }
    }
}

/// Somebody in a team.
#[derive(Clone, Debug)]
pub(in crate::plugin::organization) struct TeamMember {
    pub(in crate::plugin::organization) id: String,
    pub(in crate::plugin::organization) team_id: String,
    pub(in crate::plugin::organization) user_id: String,
    pub(in crate::plugin::organization) created_at: Option<Timestamp>,
}

impl TeamMember {
    const FIELDS: [Field; 4] =
        [("id", As::Text), ("teamId", As::Text), ("userId", As::Text), ("createdAt", As::Time)];

    /// The select list that [`TeamMember::from_row`] reads.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        select(MEMBER_TABLE, row, &Self::FIELDS)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            team_id: row.text(first + 1),
            user_id: row.text(first + 2),
            created_at: row.optional_time(first + 3),
        }
    }
}

thread_local! {
    static BY_ID: Statement = const { Statement::new(TABLE, || {
        Ok(format!("SELECT {} FROM {} t WHERE {}", Team::select("t")?, TABLE.sql(), is(TABLE, "t", "id", 1)?))
    }) };
    static MEMBER: Statement = const { Statement::new(MEMBER_TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} m WHERE {} AND {} LIMIT 1",
            TeamMember::select("m")?,
            MEMBER_TABLE.sql(),
            is(MEMBER_TABLE, "m", "userId", 1)?,
            is(MEMBER_TABLE, "m", "teamId", 2)?,
        ))
    }) };
}

/// A team, whatever its organization.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(id: &str) -> Result<Option<Team>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], |row| Team::from_row(row, 1))?.pop()))
}

/// A user's place in a team.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find_member(
    team_id: &str,
    user_id: &str,
) -> Result<Option<TeamMember>, AuthError> {
    let values = [Value::Text(user_id), Value::Text(team_id)];
    MEMBER.with(|statement| Ok(statement.query(&values, |row| TeamMember::from_row(row, 1))?.pop()))
}
