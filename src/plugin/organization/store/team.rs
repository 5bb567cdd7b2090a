//! Tables `team` and `teamMember`.

use crate::crypto::digest::key_hash;
use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::plugin::organization::store::MOST;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, at, compare, insert, is, select, set};
use crate::store::definition::{
    Definition, INTEGER_REQUIRED, KEY, TEXT_REQUIRED, TEXT_UNIQUE, TIME, TIME_REQUIRED, USER_KEY,
};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once};

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
    static LIST: Statement = const { Statement::new(TABLE, || {
        let of = is(TABLE, "t", "organizationId", 1)?;
        Ok(format!("SELECT {} FROM {} t WHERE {of} LIMIT {MOST}", Team::select("t")?, TABLE.sql()))
    }) };
    static TEAMS_OF: Statement = const { Statement::joining(MEMBER_TABLE, TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} m JOIN {} t ON t.id OPERATOR(pg_catalog.=) {} WHERE {}",
            select(TABLE, "t", &[("id", As::Text), ("organizationId", As::Text)])?,
            MEMBER_TABLE.sql(),
            TABLE.sql(),
            at(MEMBER_TABLE, "m", "teamId"),
            is(MEMBER_TABLE, "m", "userId", 1)?,
        ))
    }) };
    static MEMBER: Statement = const { Statement::new(MEMBER_TABLE, || {
        Ok(format!("SELECT {} FROM {} m WHERE {} LIMIT 1", TeamMember::select("m")?, MEMBER_TABLE.sql(), of_user()?))
    }) };
    static BY_KEY: Statement = const { Statement::new(MEMBER_TABLE, || {
        let found = is(MEMBER_TABLE, "m", "membershipKey", 1)?;
        Ok(format!("SELECT {} FROM {} m WHERE {found}", TeamMember::select("m")?, MEMBER_TABLE.sql()))
    }) };
    static ADD_MEMBER: Statement = const { Statement::new(MEMBER_TABLE, || {
        let fields = ["id", "teamId", "userId", "membershipKey", "createdAt"];
        let insert = insert(MEMBER_TABLE, "m", &fields, &[])?;
        Ok(format!("{insert} ON CONFLICT DO NOTHING RETURNING {}", TeamMember::select("m")?))
    }) };
    static COUNT_AGAIN: Statement = const { Statement::joining(TABLE, MEMBER_TABLE, || {
        Ok(format!(
            "UPDATE {table} t SET {count} = c.n, {} FROM (SELECT pg_catalog.count(*) AS n FROM {} m WHERE {}) c
             WHERE {} AND t.{count} OPERATOR(pg_catalog.<) c.n",
            set(TABLE, "updatedAt", 2)?,
            MEMBER_TABLE.sql(),
            is(MEMBER_TABLE, "m", "teamId", 1)?,
            is(TABLE, "t", "id", 1)?,
            table = TABLE.sql(),
            count = TABLE.quoted("memberCount"),
        ))
    }) };
    static TAKE_SEAT: Statement = const { Statement::new(TABLE, || {
        let below = compare(TABLE, "t", "memberCount", "<", 2)?;
        change_count("+", "1", &format!("($2 IS NULL OR {below})"))
    }) };
    static FREE_SEATS: Statement = const { Statement::new(TABLE, || {
        change_count("-", "$2", &compare(TABLE, "t", "memberCount", ">=", 2)?)
    }) };
    static COUNT: Statement = const { Statement::new(TABLE, || {
        Ok(format!("SELECT pg_catalog.count(*) FROM {} t WHERE {}", TABLE.sql(), is(TABLE, "t", "organizationId", 1)?))
    }) };
    static COUNT_MEMBERS: Statement = const { Statement::new(MEMBER_TABLE, || {
        let of = is(MEMBER_TABLE, "m", "teamId", 1)?;
        Ok(format!("SELECT pg_catalog.count(*) FROM {} m WHERE {of}", MEMBER_TABLE.sql()))
    }) };
    static LIST_MEMBERS: Statement = const { Statement::new(MEMBER_TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} m WHERE {} LIMIT {MOST}",
            TeamMember::select("m")?,
            MEMBER_TABLE.sql(),
            is(MEMBER_TABLE, "m", "teamId", 1)?,
        ))
    }) };
    static OF_USER: Statement = const { Statement::joining(TABLE, MEMBER_TABLE, || {
        Ok(format!(
            "SELECT {} FROM {} m JOIN {} t ON t.id OPERATOR(pg_catalog.=) {} WHERE {} AND ($2 IS NULL OR {}) LIMIT {MOST}",
            Team::select("t")?,
            MEMBER_TABLE.sql(),
            TABLE.sql(),
            at(MEMBER_TABLE, "m", "teamId"),
            is(MEMBER_TABLE, "m", "userId", 1)?,
            is(TABLE, "t", "organizationId", 2)?,
        ))
    }) };
    static DELETE: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} t WHERE {}", TABLE.sql(), is(TABLE, "t", "id", 1)?))
    }) };
    static DELETE_MEMBERS: Statement = const { Statement::new(MEMBER_TABLE, || {
        Ok(format!("DELETE FROM {} m WHERE {}", MEMBER_TABLE.sql(), is(MEMBER_TABLE, "m", "teamId", 1)?))
    }) };
    static REMOVE_MEMBER: Statement = const { Statement::new(MEMBER_TABLE, || {
        Ok(format!("DELETE FROM {} m WHERE {} RETURNING 1", MEMBER_TABLE.sql(), of_user()?))
    }) };
    static REMOVE_USER: Statement = const { Statement::joining(MEMBER_TABLE, TABLE, || {
        Ok(format!(
            "DELETE FROM {} m USING {} t WHERE t.id OPERATOR(pg_catalog.=) {team} AND {} AND {} RETURNING {team}::pg_catalog.text",
            MEMBER_TABLE.sql(),
            TABLE.sql(),
            is(MEMBER_TABLE, "m", "userId", 1)?,
            is(TABLE, "t", "organizationId", 2)?,
            team = at(MEMBER_TABLE, "m", "teamId"),
        ))
    }) };
}

/// `WHERE` on the user and the team, as parameters 1 and 2.
fn of_user() -> Result<String, AuthError> {
    Ok(format!("{} AND {}", is(MEMBER_TABLE, "m", "userId", 1)?, is(MEMBER_TABLE, "m", "teamId", 2)?))
}

/// Changes the number of a team's members, which is parameter 1, where that is to be.
fn change_count(operator: &str, by: &str, condition: &str) -> Result<String, AuthError> {
    Ok(format!(
        "UPDATE {} t SET {count} = t.{count} OPERATOR(pg_catalog.{operator}) {by} WHERE {} AND {condition} RETURNING 1",
        TABLE.sql(),
        is(TABLE, "t", "id", 1)?,
        count = TABLE.quoted("memberCount"),
    ))
}

/// What a new team is to be.
pub(in crate::plugin::organization) struct New<'a> {
    /// One that a hook gave.
    pub(in crate::plugin::organization) id: Option<&'a str>,
    pub(in crate::plugin::organization) name: &'a str,
    pub(in crate::plugin::organization) organization_id: &'a str,
    pub(in crate::plugin::organization) created_at: Timestamp,
    pub(in crate::plugin::organization) updated_at: Option<Timestamp>,
    pub(in crate::plugin::organization) additional: &'a [Given],
}

/// Makes a team, with nobody in it.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled. An id that is there already is PostgreSQL's exception.
pub(in crate::plugin::organization) fn create(new: &New<'_>) -> Result<Team, AuthError> {
    let fields = ["id", "name", "memberCount", "organizationId", "createdAt", "updatedAt"];
    let insert = insert(TABLE, "t", &fields, new.additional)?;
    let id = new.id.map_or_else(|| random_id(TABLE), |id| Ok(id.to_owned()))?;
    let mut values = vec![
        Value::Text(&id),
        Value::Text(new.name),
        Value::Integer(0),
        Value::Text(new.organization_id),
        Value::Time(new.created_at),
        Value::OptionalTime(new.updated_at),
    ];
    values.extend(new.additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
    let text = format!("{insert} RETURNING {}", Team::select("t")?);
    query_once(TABLE, &text, &values, |row| Team::from_row(row, 1))?
        .pop()
        .ok_or_else(|| super::refused(TABLE))
}

/// Better Auth's `computeTeamMembershipKey`: what makes a user's place in a team the only one. Both ids as they are
/// stored.
fn membership_key(team_id: &str, user_id: &str) -> String {
    // As JSON.stringify() writes texts.
    key_hash(&serde_json::Value::from(vec![team_id, user_id]).to_string())
}

/// Puts a user in a team where there are fewer than `most` in it, who may be any number; `None` where there are as many
/// already. Who is in it stays. Both ids as they are stored; the organization has to be locked.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(in crate::plugin::organization) fn add_member(
    team_id: &str,
    user_id: &str,
    most: Option<i64>,
) -> Result<Option<TeamMember>, AuthError> {
    let key = membership_key(team_id, user_id);
    let known = || {
        let read = |row: &Row| TeamMember::from_row(row, 1);
        let by_key = BY_KEY.with(|statement| statement.query(&[Value::Text(&key)], read))?.pop();
        if by_key.is_some() { Ok(by_key) } else { find_member(team_id, user_id) }
    };
    if let Some(known) = known()? {
        return Ok(Some(known));
    }
    let now = Timestamp::now();
    COUNT_AGAIN.with(|statement| statement.execute(&[Value::Text(team_id), Value::Time(now)]))?;
    let seat = [Value::Text(team_id), Value::OptionalInteger(most)];
    if TAKE_SEAT.with(|statement| statement.query(&seat, |_| ()))?.is_empty() {
        return Ok(None);
    }
    let id = random_id(MEMBER_TABLE)?;
    let values =
        [Value::Text(&id), Value::Text(team_id), Value::Text(user_id), Value::Text(&key), Value::Time(now)];
    let added = ADD_MEMBER.with(|statement| statement.query(&values, |row| TeamMember::from_row(row, 1)))?;
    match added.into_iter().next() {
        Some(added) => Ok(Some(added)),
        // Somebody wrote it without a look at the organization.
        None => {
            free_seats(team_id, 1)?;
            known()?.map(Some).ok_or_else(|| super::refused(MEMBER_TABLE))
        }
    }
}

/// Notes that so many have left a team.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn free_seats(team_id: &str, count: i64) -> Result<(), AuthError> {
    FREE_SEATS.with(|statement| statement.execute(&[Value::Text(team_id), Value::Integer(count)]))
}

/// Takes a user out of all teams of an organization, which has to be locked.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn remove_user_from_all(
    organization_id: &str,
    user_id: &str,
) -> Result<(), AuthError> {
    let values = [Value::Text(user_id), Value::Text(organization_id)];
    let mut left = REMOVE_USER.with(|statement| statement.query(&values, |row| row.text(1)))?;
    left.sort();
    left.chunk_by(|one, other| one == other).try_for_each(|rows| match rows {
        [team, ..] => free_seats(team, i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        [] => Ok(()),
    })
}

/// The teams that a user is in, and their organizations. Sees what the query sees that is running, and works in parallel
/// workers too.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn teams_of(user_id: &str) -> Result<Vec<(String, String)>, AuthError> {
    let read = |row: &Row| (row.text(1), row.text(2));
    TEAMS_OF.with(|statement| statement.query_in_step(&[Value::Text(user_id)], read))
}

/// A team, whatever its organization.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(id: &str) -> Result<Option<Team>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], |row| Team::from_row(row, 1))?.pop()))
}

/// The teams of an organization, as many as a list has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list(organization_id: &str) -> Result<Vec<Team>, AuthError> {
    LIST.with(|statement| statement.query(&[Value::Text(organization_id)], |row| Team::from_row(row, 1)))
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

/// How many teams an organization has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn count(organization_id: &str) -> Result<i64, AuthError> {
    COUNT.with(|statement| count_by(statement, organization_id))
}

/// How many members a team has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn count_members(team_id: &str) -> Result<i64, AuthError> {
    COUNT_MEMBERS.with(|statement| count_by(statement, team_id))
}

fn count_by(statement: &Statement, id: &str) -> Result<i64, AuthError> {
    Ok(statement.query(&[Value::Text(id)], |row| row.integer(1))?.pop().unwrap_or_default())
}

/// Who is in a team: as many as a list has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list_members(team_id: &str) -> Result<Vec<TeamMember>, AuthError> {
    LIST_MEMBERS
        .with(|statement| statement.query(&[Value::Text(team_id)], |row| TeamMember::from_row(row, 1)))
}

/// The teams that a user is in, of one organization or of all: as many as a list has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list_of_user(
    user_id: &str,
    organization_id: Option<&str>,
) -> Result<Vec<Team>, AuthError> {
    let values = [Value::Text(user_id), Value::OptionalText(organization_id)];
    OF_USER.with(|statement| statement.query(&values, |row| Team::from_row(row, 1)))
}

/// Changes a team, whose row is returned as it is then; `None` where it is gone.
///
/// # Errors
/// No table, or text that isn't of a column's type.
pub(in crate::plugin::organization) fn update(
    id: &str,
    name: Option<&str>,
    additional: &[Given],
    now: Timestamp,
) -> Result<Option<Team>, AuthError> {
    let mut values = vec![Value::Text(id), Value::Time(now)];
    let mut columns = vec![set(TABLE, "updatedAt", 2)?];
    if let Some(name) = name {
        values.push(Value::Text(name));
        columns.push(set(TABLE, "name", values.len())?);
    }
    for given in additional {
        values.push(Value::OptionalText(given.value.as_deref()));
        columns.push(given.set(values.len()));
    }
    let (columns, found) = (columns.join(", "), is(TABLE, "t", "id", 1)?);
    let text =
        format!("UPDATE {} t SET {columns} WHERE {found} RETURNING {}", TABLE.sql(), Team::select("t")?);
    Ok(query_once(TABLE, &text, &values, |row| Team::from_row(row, 1))?.pop())
}

/// Deletes a team. The places in it go first: tables that Better Auth didn't make may lack the cascade.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete(id: &str) -> Result<(), AuthError> {
    DELETE_MEMBERS.with(|statement| statement.execute(&[Value::Text(id)]))?;
    DELETE.with(|statement| statement.execute(&[Value::Text(id)]))
}

/// Takes a user out of a team. The organization has to be locked.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn remove_member(team_id: &str, user_id: &str) -> Result<(), AuthError> {
    let values = [Value::Text(user_id), Value::Text(team_id)];
    let places = REMOVE_MEMBER.with(|statement| statement.query(&values, |_| ()))?.len();
    free_seats(team_id, i64::try_from(places).unwrap_or(i64::MAX))
}
