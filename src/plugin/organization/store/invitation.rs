//! Table `invitation`. Its id is what the mail has, so whoever knows it may be who was invited.

use super::organization;
use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::plugin::organization::store::MOST;
use crate::store::catalog::{Kind, Table, column, has_column};
use crate::store::columns::{As, Field, at, compare, insert, is, select, set};
use crate::store::definition::{Definition, KEY, TEXT, TEXT_REQUIRED, TIME_NOW, TIME_REQUIRED, USER_KEY};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once};

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

/// The status of one that waits to be accepted.
pub(in crate::plugin::organization) const PENDING: &str = "pending";
pub(in crate::plugin::organization) const ACCEPTED: &str = "accepted";
pub(in crate::plugin::organization) const REJECTED: &str = "rejected";
pub(in crate::plugin::organization) const CANCELED: &str = "canceled";

/// `WHERE` it waits; the status is a word of ours, so it needs no parameter.
fn is_pending() -> String {
    format!("{}::pg_catalog.text OPERATOR(pg_catalog.=) '{PENDING}'", at(TABLE, "i", "status"))
}

/// The same, and it has not expired at a time, which is a parameter.
fn is_open(now: usize) -> Result<String, AuthError> {
    Ok(format!("{} AND {}", is_pending(), compare(TABLE, "i", "expiresAt", ">", now)?))
}

/// The newest, as many as a list has.
fn newest() -> String {
    format!("ORDER BY {} DESC, i.id DESC LIMIT {MOST}", at(TABLE, "i", "createdAt"))
}

/// `SELECT` and `FROM`.
fn select_all() -> Result<String, AuthError> {
    Ok(format!("SELECT {} FROM {} i", Invitation::select("i")?, TABLE.sql()))
}

thread_local! {
    static BY_ID: Statement = const { Statement::new(TABLE, || {
        Ok(format!("{} WHERE {}", select_all()?, is(TABLE, "i", "id", 1)?))
    }) };
    static DELETE_ALL: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} i WHERE {}", TABLE.sql(), is(TABLE, "i", "organizationId", 1)?))
    }) };
    static OPEN: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "{} WHERE {} AND {} AND {} ORDER BY {}, i.id LIMIT {MOST}",
            select_all()?,
            is(TABLE, "i", "email", 1)?,
            is(TABLE, "i", "organizationId", 2)?,
            is_open(3)?,
            at(TABLE, "i", "createdAt"),
        ))
    }) };
    static COUNT_OPEN: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM {} i WHERE {} AND {} LIMIT $3) i",
            TABLE.sql(),
            is(TABLE, "i", "organizationId", 1)?,
            is_open(2)?,
        ))
    }) };
    static LIST: Statement = const { Statement::new(TABLE, || {
        Ok(format!("{} WHERE {} {}", select_all()?, is(TABLE, "i", "organizationId", 1)?, newest()))
    }) };
    static LIST_OF_EMAIL: Statement = const { Statement::joining(TABLE, organization::TABLE, || {
        Ok(format!(
            "SELECT {}, {} FROM {} i JOIN {} o ON o.id OPERATOR(pg_catalog.=) {} WHERE {} AND {} {}",
            select(organization::TABLE, "o", &[("name", As::Text)])?,
            Invitation::select("i")?,
            TABLE.sql(),
            organization::TABLE.sql(),
            at(TABLE, "i", "organizationId"),
            is(TABLE, "i", "email", 1)?,
            is_pending(),
            newest(),
        ))
    }) };
    static SET_STATUS: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} i SET {} WHERE {} AND ($3 IS NULL OR {}) RETURNING {}",
            TABLE.sql(),
            set(TABLE, "status", 2)?,
            is(TABLE, "i", "id", 1)?,
            is(TABLE, "i", "status", 3)?,
            Invitation::select("i")?,
        ))
    }) };
    static PROLONG: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} i SET {}, {} WHERE {} AND {} RETURNING {}",
            TABLE.sql(),
            set(TABLE, "expiresAt", 2)?,
            set(TABLE, "inviterId", 3)?,
            is(TABLE, "i", "id", 1)?,
            is_pending(),
            Invitation::select("i")?,
        ))
    }) };
    static FORGET_TEAM: Statement = const { Statement::new(TABLE, || {
        let ids = format!("pg_catalog.string_to_array({}::pg_catalog.text, ',')", at(TABLE, "i", "teamId"));
        Ok(format!(
            "UPDATE {} i SET {} = NULLIF(pg_catalog.array_to_string(pg_catalog.array_remove({ids}, $2), ','), '')
             WHERE {} AND {} AND $2 OPERATOR(pg_catalog.=) ANY ({ids})",
            TABLE.sql(),
            TABLE.quoted("teamId"),
            is(TABLE, "i", "organizationId", 1)?,
            is_open(3)?,
        ))
    }) };
}

fn read(row: &Row) -> Invitation {
    Invitation::from_row(row, 1)
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(id: &str) -> Result<Option<Invitation>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], read)?.pop()))
}

/// Whether somebody who has seen some ids can guess others: not uuids, nor those that this extension makes, but what the
/// database counts up.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn has_guessable_ids() -> Result<bool, AuthError> {
    let id = column(TABLE, "id")?;
    Ok(id.filled && id.kind != Kind::Uuid)
}

/// An organization's invitations of an email (in lower case) that can be accepted, oldest first: as many as a list has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn open(
    organization_id: &str,
    email: &str,
    now: Timestamp,
) -> Result<Vec<Invitation>, AuthError> {
    let values = [Value::Text(email), Value::Text(organization_id), Value::Time(now)];
    OPEN.with(|statement| statement.query(&values, read))
}

/// How many invitations of an organization can be accepted; no more than `most` are counted.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn count_open(
    organization_id: &str,
    now: Timestamp,
    most: i64,
) -> Result<i64, AuthError> {
    let values = [Value::Text(organization_id), Value::Time(now), Value::Integer(most)];
    COUNT_OPEN.with(|statement| Ok(statement.query(&values, |row| row.integer(1))?.pop().unwrap_or_default()))
}

/// An organization's newest invitations, whatever became of them, oldest first.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list(organization_id: &str) -> Result<Vec<Invitation>, AuthError> {
    let mut newest = LIST.with(|statement| statement.query(&[Value::Text(organization_id)], read))?;
    newest.reverse();
    Ok(newest)
}

/// The newest invitations of an email (in lower case) that wait, expired or not, each with the organization's name,
/// oldest first.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list_of_email(
    email: &str,
) -> Result<Vec<(Invitation, String)>, AuthError> {
    let read = |row: &Row| (Invitation::from_row(row, 2), row.text(1));
    let mut newest = LIST_OF_EMAIL.with(|statement| statement.query(&[Value::Text(email)], read))?;
    newest.reverse();
    Ok(newest)
}

/// What a new invitation is to be.
pub(in crate::plugin::organization) struct New<'a> {
    pub(in crate::plugin::organization) organization_id: &'a str,
    /// In lower case.
    pub(in crate::plugin::organization) email: &'a str,
    pub(in crate::plugin::organization) role: &'a str,
    /// Ids of teams, joined by commas; `Some` only where there are teams.
    pub(in crate::plugin::organization) team_id: Option<Option<&'a str>>,
    pub(in crate::plugin::organization) expires_at: Timestamp,
    pub(in crate::plugin::organization) created_at: Timestamp,
    pub(in crate::plugin::organization) inviter_id: &'a str,
    pub(in crate::plugin::organization) additional: &'a [Given],
}

/// Makes an invitation.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(in crate::plugin::organization) fn create(new: &New<'_>) -> Result<Invitation, AuthError> {
    let id = random_id(TABLE)?;
    let mut fields = Invitation::FIELDS.map(|(name, _)| name).to_vec();
    let mut values = vec![
        Value::Text(&id),
        Value::Text(new.organization_id),
        Value::Text(new.email),
        Value::Text(new.role),
        Value::Text(PENDING),
        Value::Time(new.expires_at),
        Value::Time(new.created_at),
        Value::Text(new.inviter_id),
    ];
    if let Some(team_id) = new.team_id {
        fields.push("teamId");
        values.push(Value::OptionalText(team_id));
    }
    values.extend(new.additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
    let insert = insert(TABLE, "i", &fields, new.additional)?;
    let text = format!("{insert} RETURNING {}", Invitation::select("i")?);
    query_once(TABLE, &text, &values, read)?.pop().ok_or_else(|| super::refused(TABLE))
}

/// Sets the status of an invitation that has another one, if that is said; of all who try at once one does. `None` for
/// the others.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn set_status(
    id: &str,
    status: &str,
    from: Option<&str>,
) -> Result<Option<Invitation>, AuthError> {
    let values = [Value::Text(id), Value::Text(status), Value::OptionalText(from)];
    SET_STATUS.with(|statement| Ok(statement.query(&values, read)?.pop()))
}

/// Has an invitation that waits end at another time, and be somebody's; `None` where it doesn't wait any more.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn prolong(
    id: &str,
    expires_at: Timestamp,
    inviter_id: &str,
) -> Result<Option<Invitation>, AuthError> {
    let values = [Value::Text(id), Value::Time(expires_at), Value::Text(inviter_id)];
    PROLONG.with(|statement| Ok(statement.query(&values, read)?.pop()))
}

/// Takes a team out of the invitations of its organization that can be accepted.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn forget_team(
    organization_id: &str,
    team_id: &str,
    now: Timestamp,
) -> Result<(), AuthError> {
    let values = [Value::Text(organization_id), Value::Text(team_id), Value::Time(now)];
    FORGET_TEAM.with(|statement| statement.execute(&values))
}

/// Deletes all invitations of an organization.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete_all(organization_id: &str) -> Result<(), AuthError> {
    DELETE_ALL.with(|statement| statement.execute(&[Value::Text(organization_id)]))
}
