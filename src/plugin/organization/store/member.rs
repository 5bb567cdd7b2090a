//! Table `member`: who is in an organization, with which roles.

use crate::error::AuthError;
use crate::plugin::listing::{Condition, Page, found};
use crate::plugin::organization::options;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, at, insert, is, select, set};
use crate::store::definition::{Definition, KEY, TEXT_REQUIRED, TIME_REQUIRED, USER_KEY};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once, query_once_joining};
use crate::store::user::User;

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
    /// How many columns [`Member::core`] gives.
    pub(super) const WIDTH: i32 = 5;
    const FIELDS: [Field; 5] = [
        ("id", As::Text),
        ("organizationId", As::Text),
        ("userId", As::Text),
        ("role", As::Text),
        ("createdAt", As::Time),
    ];

    /// The select list that [`Member::from_row`] reads; it comes last.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        Ok(Self::core(row)? + &fields::select(TABLE, row)?)
    }

    /// The same without the additional fields, which [`fields::select`] adds at the end.
    pub(super) fn core(row: &str) -> Result<String, AuthError> {
        select(TABLE, row, &Self::FIELDS)
    }

    /// Reads it, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self::from_parts(row, first, first + Self::WIDTH)
    }

    /// Reads what [`Member::core`] selected, and the additional fields, which are elsewhere.
    pub(super) fn from_parts(row: &Row, first: i32, additional: i32) -> Self {
        Self {
            id: row.text(first),
            organization_id: row.text(first + 1),
            user_id: row.text(first + 2),
            role: row.text(first + 3),
            created_at: row.time(first + 4),
            additional: fields::read(TABLE, row, additional),
        }
    }
}

/// A member and its user, whose additional fields [`read_with_user`] leaves out.
pub(in crate::plugin::organization) type WithUser = (Member, User);

/// Members that `members` gives as rows `m`, each with its user, in their order: one after the other is looked for.
fn with_users(members: &str) -> Result<String, AuthError> {
    Ok(format!(
        "SELECT {}, {} FROM ({members}) m CROSS JOIN LATERAL
             (SELECT u.* FROM {} u WHERE u.id OPERATOR(pg_catalog.=) {} OFFSET 0) u",
        User::core("u")?,
        Member::select("m")?,
        Table::User.sql(),
        at(TABLE, "m", "userId"),
    ))
}

/// Reads what [`with_users`] selects.
fn read_with_user(row: &Row) -> WithUser {
    (Member::from_row(row, 1 + User::WIDTH), User::from_core(row, 1))
}

/// `WHERE` on the organization, as parameter 1.
fn of_organization() -> Result<String, AuthError> {
    is(TABLE, "m", "organizationId", 1)
}

/// `WHERE` on the id, as parameter 1.
fn by_id() -> Result<String, AuthError> {
    is(TABLE, "m", "id", 1)
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
    static BY_ID: Statement = const { Statement::joining(TABLE, Table::User, || {
        with_users(&format!("SELECT m.* FROM {} m WHERE {}", TABLE.sql(), by_id()?))
    }) };
    static LIST: Statement = const { Statement::joining(TABLE, Table::User, || {
        with_users(&format!("SELECT m.* FROM {} m WHERE {} LIMIT $2 OFFSET $3", TABLE.sql(), of_organization()?))
    }) };
    static COUNT: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM {} m WHERE {} LIMIT $2) m",
            TABLE.sql(),
            of_organization()?,
        ))
    }) };
    static WITH_ROLE: Statement = const { Statement::new(TABLE, || {
        let role = format!("{}::pg_catalog.text", at(TABLE, "m", "role"));
        Ok(format!(
            "SELECT 1 FROM {} m WHERE {} AND pg_catalog.strpos({role}, $2) OPERATOR(pg_catalog.>) 0 AND EXISTS (
                 SELECT FROM pg_catalog.unnest(pg_catalog.string_to_array({role}, ',')) r
                 WHERE pg_catalog.btrim(r, $4) OPERATOR(pg_catalog.=) $2) LIMIT $3",
            TABLE.sql(),
            of_organization()?,
        ))
    }) };
    static SET_ROLE: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "UPDATE {} m SET {} WHERE {} RETURNING {}",
            TABLE.sql(),
            set(TABLE, "role", 2)?,
            by_id()?,
            Member::select("m")?,
        ))
    }) };
    static DELETE: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} m WHERE {}", TABLE.sql(), by_id()?))
    }) };
    static DELETE_ALL: Statement = const { Statement::new(TABLE, || {
        Ok(format!("DELETE FROM {} m WHERE {}", TABLE.sql(), of_organization()?))
    }) };
    static ORGANIZATIONS_OF: Statement = const { Statement::new(TABLE, || {
        Ok(format!(
            "SELECT {organization} FROM {} m WHERE {} ORDER BY 1",
            TABLE.sql(),
            is(TABLE, "m", "userId", 1)?,
            organization = select(TABLE, "m", &[("organizationId", As::Text)])?,
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

/// A member of whatever organization.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find_by_id(id: &str) -> Result<Option<WithUser>, AuthError> {
    BY_ID.with(|statement| Ok(statement.query(&[Value::Text(id)], read_with_user)?.pop()))
}

/// Up to so many members of an organization, from one on.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list(
    organization_id: &str,
    most: i64,
    offset: i64,
) -> Result<Vec<WithUser>, AuthError> {
    let values = [Value::Text(organization_id), Value::Integer(most), Value::Integer(offset)];
    LIST.with(|statement| statement.query(&values, read_with_user))
}

/// Members of an organization, filtered, sorted and a page at a time, and how many there are in all; `None` where the
/// fields, or the value for one, are such that nothing can be found by them.
///
/// # Errors
/// No table. What PostgreSQL raises otherwise is its own exception.
pub(in crate::plugin::organization) fn page(
    organization_id: &str,
    condition: Option<&Condition<'_>>,
    page: &Page<'_>,
) -> Result<Option<(Vec<WithUser>, i64)>, AuthError> {
    // What most ask for needs no statement of its own.
    if condition.is_none() && page.sort_by.is_none() {
        let members = list(organization_id, page.limit, page.offset)?;
        return Ok(Some((members, count(organization_id, None)?)));
    }
    let mut values = vec![organization_id.to_owned()];
    let mut filter = format!("WHERE {}", of_organization()?);
    if let Some(condition) = condition {
        let Some(text) = condition.sql(TABLE, "m", &mut values)? else { return Ok(None) };
        filter = format!("{filter} AND {text}");
    }
    let Some(order) = page.order(TABLE, "m")? else { return Ok(None) };
    let table = TABLE.sql();
    let count = format!("SELECT pg_catalog.count(*) FROM {table} m {filter}");
    let (limit, offset) = (values.len() + 1, values.len() + 2);
    let rows =
        with_users(&format!("SELECT m.* FROM {table} m {filter} {order} LIMIT ${limit} OFFSET ${offset}"))?;
    let rows = format!("{rows} {order}");
    let mut parameters: Vec<Value<'_>> = values.iter().map(|value| Value::Text(value)).collect();
    found(|| {
        let total = query_once(TABLE, &count, &parameters, |row: &Row| row.integer(1))?.pop();
        parameters.extend([Value::Integer(page.limit), Value::Integer(page.offset)]);
        let members = query_once_joining(TABLE, Some(Table::User), &rows, &parameters, read_with_user)?;
        Ok((members, total.unwrap_or_default()))
    })
}

/// How many members an organization has; no more than `most` are counted.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn count(
    organization_id: &str,
    most: Option<i64>,
) -> Result<i64, AuthError> {
    let values = [Value::Text(organization_id), Value::OptionalInteger(most)];
    COUNT.with(|statement| Ok(statement.query(&values, |row| row.integer(1))?.pop().unwrap_or_default()))
}

/// Whether several members of an organization have a role.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn are_several(
    organization_id: &str,
    role: &str,
) -> Result<bool, AuthError> {
    Ok(with_role(organization_id, role, 2)? > 1)
}

/// Whether a member of an organization has a role.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn is_held(organization_id: &str, role: &str) -> Result<bool, AuthError> {
    Ok(with_role(organization_id, role, 1)? > 0)
}

/// How many members of an organization have a role, up to a number.
fn with_role(organization_id: &str, role: &str, most: i64) -> Result<usize, AuthError> {
    /// What JavaScript trims.
    const SPACES: &str = "\t\n\u{b}\u{c}\r \u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\
        \u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";
    let values = [Value::Text(organization_id), Value::Text(role), Value::Integer(most), Value::Text(SPACES)];
    WITH_ROLE.with(|statement| Ok(statement.query(&values, |_| ())?.len()))
}

/// The ids of all organizations that a user is in, in order: two who lock the same ones do so in the same order.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn organizations_of(user_id: &str) -> Result<Vec<String>, AuthError> {
    ORGANIZATIONS_OF.with(|statement| statement.query(&[Value::Text(user_id)], |row| row.text(1)))
}

/// Makes a user a member; both ids as they are stored. The organization has to be locked, unless it is new, and the user
/// not be in it.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(in crate::plugin::organization) fn create(
    organization_id: &str,
    user_id: &str,
    role: &str,
    additional: &[Given],
) -> Result<Member, AuthError> {
    let insert = insert(TABLE, "m", &Member::FIELDS.map(|(name, _)| name), additional)?;
    let id = random_id(TABLE)?;
    let mut values = vec![
        Value::Text(&id),
        Value::Text(organization_id),
        Value::Text(user_id),
        Value::Text(role),
        Value::Time(Timestamp::now()),
    ];
    values.extend(additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
    let text = format!("{insert} RETURNING {}", Member::select("m")?);
    let made = query_once(TABLE, &text, &values, |row| Member::from_row(row, 1))?.pop();
    made.ok_or_else(|| super::refused(TABLE))
}

/// Gives a member other roles; `None` where it is gone.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn set_role(id: &str, role: &str) -> Result<Option<Member>, AuthError> {
    let values = [Value::Text(id), Value::Text(role)];
    SET_ROLE.with(|statement| Ok(statement.query(&values, |row| Member::from_row(row, 1))?.pop()))
}

/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete(id: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(id)]))
}

/// Deletes all members of an organization.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete_all(organization_id: &str) -> Result<(), AuthError> {
    DELETE_ALL.with(|statement| statement.execute(&[Value::Text(organization_id)]))
}
