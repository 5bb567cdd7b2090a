//! Table `organization`.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::plugin::organization::store::{MOST, Member, invitation, member};
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, at, insert, is, select, set};
use crate::store::definition::{Definition, KEY, TEXT, TEXT_REQUIRED, TEXT_REQUIRED_UNIQUE, TIME_REQUIRED};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once};
use crate::store::subtransaction::attempt;

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
    const WIDTH: i32 = 6;
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
        Ok(Self::core(row)? + &fields::select(TABLE, row)?)
    }

    /// The same without the additional fields, which [`fields::select`] adds at the end.
    fn core(row: &str) -> Result<String, AuthError> {
        select(TABLE, row, &Self::FIELDS)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self::from_parts(row, first, first + Self::WIDTH)
    }

    /// Reads what [`Organization::core`] selected, and the additional fields, which are elsewhere.
    fn from_parts(row: &Row, first: i32, additional: i32) -> Self {
        Self {
            id: row.text(first),
            name: row.text(first + 1),
            slug: row.text(first + 2),
            logo: row.optional_text(first + 3),
            created_at: row.time(first + 4),
            metadata: row.optional_text(first + 5),
            additional: fields::read(TABLE, row, additional),
        }
    }
}

fn find_by(field: &str, lock: &str) -> Result<String, AuthError> {
    let (select, found) = (Organization::select("o")?, is(TABLE, "o", field, 1)?);
    Ok(format!("SELECT {select} FROM {} o WHERE {found} {lock}", TABLE.sql()))
}

/// The organization and the membership of a user, who is parameter 2.
fn find_with_member_by(field: &str) -> Result<String, AuthError> {
    Ok(format!(
        "SELECT {}, {}{}{} FROM {} o LEFT JOIN {} m ON {} OPERATOR(pg_catalog.=) o.id AND {} WHERE {} LIMIT 1",
        Organization::core("o")?,
        Member::core("m")?,
        fields::select(TABLE, "o")?,
        fields::select(member::TABLE, "m")?,
        TABLE.sql(),
        member::TABLE.sql(),
        at(member::TABLE, "m", "organizationId"),
        is(member::TABLE, "m", "userId", 2)?,
        is(TABLE, "o", field, 1)?,
    ))
}

thread_local! {
    static WITH_MEMBER_BY_ID: Statement = const {
        Statement::joining(TABLE, member::TABLE, || find_with_member_by("id"))
    };
    static WITH_MEMBER_BY_SLUG: Statement = const {
        Statement::joining(TABLE, member::TABLE, || find_with_member_by("slug"))
    };
    static OF_USER: Statement = const { Statement::joining(TABLE, member::TABLE, || {
        // One after the other, so that they are in the order of the memberships.
        Ok(format!(
            "SELECT {} FROM (SELECT m.* FROM {} m WHERE {} LIMIT {MOST}) m CROSS JOIN LATERAL
                 (SELECT o.* FROM {} o WHERE o.id OPERATOR(pg_catalog.=) {} OFFSET 0) o",
            Organization::select("o")?,
            member::TABLE.sql(),
            is(member::TABLE, "m", "userId", 1)?,
            TABLE.sql(),
            at(member::TABLE, "m", "organizationId"),
        ))
    }) };
    static COUNT_OF_USER: Statement = const { Statement::new(member::TABLE, || {
        Ok(format!(
            "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM {} m WHERE {} LIMIT $2) m",
            member::TABLE.sql(),
            is(member::TABLE, "m", "userId", 1)?,
        ))
    }) };
    static DELETE: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} o WHERE {}", TABLE.sql(), is(TABLE, "o", "id", 1)?))
    }) };
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

/// An organization, and the membership of a user in it.
type WithMember = (Organization, Option<Member>);

fn with_member(statement: &Statement, key: &str, user_id: &str) -> Result<Option<WithMember>, AuthError> {
    let read = |row: &Row| {
        let (first, additional) = (1 + Organization::WIDTH, 1 + Organization::WIDTH + Member::WIDTH);
        let of_member = additional + fields::width(TABLE);
        let member = row.optional_text(first).map(|_| Member::from_parts(row, first, of_member));
        (Organization::from_parts(row, 1, additional), member)
    };
    Ok(statement.query(&[Value::Text(key), Value::Text(user_id)], read)?.pop())
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find_with_member(
    id: &str,
    user_id: &str,
) -> Result<Option<WithMember>, AuthError> {
    WITH_MEMBER_BY_ID.with(|statement| with_member(statement, id, user_id))
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find_by_slug_with_member(
    slug: &str,
    user_id: &str,
) -> Result<Option<WithMember>, AuthError> {
    WITH_MEMBER_BY_SLUG.with(|statement| with_member(statement, slug, user_id))
}

/// The organizations that a user is in, as many as a list has.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list_of_user(user_id: &str) -> Result<Vec<Organization>, AuthError> {
    let read = |row: &Row| Organization::from_row(row, 1);
    OF_USER.with(|statement| statement.query(&[Value::Text(user_id)], read))
}

/// In how many organizations a user is; no more than `most` are counted.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn count_of_user(user_id: &str, most: i64) -> Result<i64, AuthError> {
    let values = [Value::Text(user_id), Value::Integer(most)];
    let counted = COUNT_OF_USER.with(|statement| statement.query(&values, |row| row.integer(1)))?;
    Ok(counted.into_iter().next().unwrap_or_default())
}

/// What a new organization is to be.
pub(in crate::plugin::organization) struct New<'a> {
    /// One that a hook gave.
    pub(in crate::plugin::organization) id: Option<&'a str>,
    pub(in crate::plugin::organization) name: &'a str,
    pub(in crate::plugin::organization) slug: &'a str,
    pub(in crate::plugin::organization) logo: Option<&'a str>,
    /// JSON text.
    pub(in crate::plugin::organization) metadata: Option<&'a str>,
    pub(in crate::plugin::organization) additional: &'a [Given],
}

/// Makes an organization; `None` where another one has the slug, even one that was made just now.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(in crate::plugin::organization) fn create(new: &New<'_>) -> Result<Option<Organization>, AuthError> {
    let insert = insert(TABLE, "o", &Organization::FIELDS.map(|(name, _)| name), new.additional)?;
    let id = new.id.map_or_else(|| random_id(TABLE), |id| Ok(id.to_owned()))?;
    let mut values = vec![
        Value::Text(&id),
        Value::Text(new.name),
        Value::Text(new.slug),
        Value::OptionalText(new.logo),
        Value::Time(Timestamp::now()),
        Value::OptionalText(new.metadata),
    ];
    values.extend(new.additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
    let text = format!("{insert} ON CONFLICT DO NOTHING RETURNING {}", Organization::select("o")?);
    Ok(query_once(TABLE, &text, &values, |row| Organization::from_row(row, 1))?.pop())
}

/// What is to be changed in an organization; `None` stays as it is.
pub(in crate::plugin::organization) struct Changes<'a> {
    pub(in crate::plugin::organization) name: Option<&'a str>,
    pub(in crate::plugin::organization) slug: Option<&'a str>,
    pub(in crate::plugin::organization) logo: Option<Option<&'a str>>,
    /// JSON text.
    pub(in crate::plugin::organization) metadata: Option<&'a str>,
    pub(in crate::plugin::organization) additional: &'a [Given],
}

/// What became of changes.
pub(in crate::plugin::organization) enum Changed {
    Done(Organization),
    Gone,
    /// Another one has the slug, even one that got it just now.
    Taken,
}

/// Changes an organization.
///
/// # Errors
/// No table, or text that isn't of a column's type.
pub(in crate::plugin::organization) fn update(id: &str, changes: &Changes<'_>) -> Result<Changed, AuthError> {
    let (mut values, mut columns) = (vec![Value::Text(id)], Vec::new());
    let changed = [
        ("name", changes.name.map(Value::Text)),
        ("slug", changes.slug.map(Value::Text)),
        ("logo", changes.logo.map(Value::OptionalText)),
        ("metadata", changes.metadata.map(Value::Text)),
    ];
    for (field, value) in changed {
        if let Some(value) = value {
            values.push(value);
            columns.push(set(TABLE, field, values.len())?);
        }
    }
    for given in changes.additional {
        values.push(Value::OptionalText(given.value.as_deref()));
        columns.push(given.set(values.len()));
    }
    if columns.is_empty() {
        return Ok(find(id)?.map_or(Changed::Gone, Changed::Done));
    }
    let text = format!(
        "UPDATE {} o SET {} WHERE {} RETURNING {}",
        TABLE.sql(),
        columns.join(", "),
        is(TABLE, "o", "id", 1)?,
        Organization::select("o")?
    );
    let run = || query_once(TABLE, &text, &values, |row| Organization::from_row(row, 1));
    match attempt(run, Result::is_ok) {
        Ok(rows) => Ok(rows?.pop().map_or(Changed::Gone, Changed::Done)),
        Err(exception) if changes.slug.is_some() && exception.is_conflict() => Ok(Changed::Taken),
        Err(exception) => exception.raise(),
    }
}

/// Deletes an organization, with all that belongs to it: one statement for each table, which can be cancelled.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete(id: &str) -> Result<(), AuthError> {
    // As Better Auth does, since the tables may be from elsewhere; the rest goes by their foreign keys.
    member::delete_all(id)?;
    invitation::delete_all(id)?;
    DELETE.with(|statement| statement.execute(&[Value::Text(id)]))
}
