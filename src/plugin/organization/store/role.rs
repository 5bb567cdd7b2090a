//! Table `organizationRole`: the roles that an organization has of its own.

use crate::error::AuthError;
use crate::plugin::organization::options;
use crate::plugin::organization::store::MOST;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, at, insert, is, select, set};
use crate::store::definition::{Definition, KEY, TEXT_REQUIRED, TIME, TIME_NOW};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once};

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

/// Which role of an organization.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugin::organization) enum By<'a> {
    Name(&'a str),
    Id(&'a str),
}

impl By<'_> {
    /// The field, and what it is.
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Name(name) => ("role", name),
            Self::Id(id) => ("id", id),
        }
    }
}

/// A role that is made.
pub(in crate::plugin::organization) struct New<'a> {
    pub(in crate::plugin::organization) organization_id: &'a str,
    pub(in crate::plugin::organization) name: &'a str,
    /// JSON text.
    pub(in crate::plugin::organization) permission: &'a str,
    pub(in crate::plugin::organization) created_at: Timestamp,
    pub(in crate::plugin::organization) additional: &'a [Given],
}

/// What changes of a role.
pub(in crate::plugin::organization) struct Changes<'a> {
    pub(in crate::plugin::organization) name: Option<&'a str>,
    /// JSON text.
    pub(in crate::plugin::organization) permission: Option<&'a str>,
    pub(in crate::plugin::organization) additional: &'a [Given],
}

/// `WHERE` on the organization, as parameter 1.
fn of_organization() -> Result<String, AuthError> {
    is(TABLE, "r", "organizationId", 1)
}

/// The same, and on one of its roles, as parameter 2.
fn by(field: &str) -> Result<String, AuthError> {
    Ok(format!("{} AND {}", of_organization()?, is(TABLE, "r", field, 2)?))
}

fn select_where(condition: &str) -> Result<String, AuthError> {
    Ok(format!("SELECT {} FROM {} r WHERE {condition}", OrganizationRole::select("r")?, TABLE.sql()))
}

thread_local! {
    static LIST: Statement = const { Statement::new(TABLE, || {
        let order = format!("ORDER BY {}, r.id LIMIT {MOST}", at(TABLE, "r", "createdAt"));
        Ok(format!("{} {order}", select_where(&of_organization()?)?))
    }) };
    static NAMED: Statement = const { Statement::new(TABLE, || {
        let role = at(TABLE, "r", "role");
        let names = "pg_catalog.string_to_array($2, ',')";
        select_where(&format!(
            "{} AND {role}::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({names})",
            of_organization()?
        ))
    }) };
    static BY_NAME: Statement = const { Statement::new(TABLE, || select_where(&(by("role")? + " LIMIT 1"))) };
    static BY_ID: Statement = const { Statement::new(TABLE, || select_where(&by("id")?)) };
    static COUNT: Statement = const { Statement::new(TABLE, || {
        Ok(format!("SELECT pg_catalog.count(*) FROM {} r WHERE {}", TABLE.sql(), of_organization()?))
    }) };
    static INSERT: Statement = const { Statement::new(TABLE, || insert_text(&[])) };
    static DELETE_BY_NAME: Statement = const { Statement::new(TABLE, || delete_by("role")) };
    static DELETE_BY_ID: Statement = const { Statement::new(TABLE, || delete_by("id")) };
}

fn insert_text(given: &[Given]) -> Result<String, AuthError> {
    let fields = ["id", "organizationId", "role", "permission", "createdAt"];
    Ok(format!("{} RETURNING {}", insert(TABLE, "r", &fields, given)?, OrganizationRole::select("r")?))
}

fn delete_by(field: &str) -> Result<String, AuthError> {
    Ok(format!("DELETE FROM {} r WHERE {}", TABLE.sql(), by(field)?))
}

fn read(row: &Row) -> OrganizationRole {
    OrganizationRole::from_row(row, 1)
}

/// The roles of an organization's own, oldest first.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn list(
    organization_id: &str,
) -> Result<Vec<OrganizationRole>, AuthError> {
    LIST.with(|statement| statement.query(&[Value::Text(organization_id)], read))
}

/// Those of them that have one of these names, which have no commas.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn named(
    organization_id: &str,
    names: &[&str],
) -> Result<Vec<OrganizationRole>, AuthError> {
    let names = names.join(",");
    NAMED.with(|statement| statement.query(&[Value::Text(organization_id), Value::Text(&names)], read))
}

/// The permissions of those, for policies: sees what the query sees that is running, and works in parallel workers too.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn named_in_step(
    organization_id: &str,
    names: &[&str],
) -> Result<Vec<OrganizationRole>, AuthError> {
    let names = names.join(",");
    NAMED
        .with(|statement| statement.query_in_step(&[Value::Text(organization_id), Value::Text(&names)], read))
}

/// One of them.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn find(
    organization_id: &str,
    by: By<'_>,
) -> Result<Option<OrganizationRole>, AuthError> {
    let values = [Value::Text(organization_id), Value::Text(by.parts().1)];
    let run = |statement: &Statement| Ok(statement.query(&values, read)?.pop());
    match by {
        By::Name(_) => BY_NAME.with(run),
        By::Id(_) => BY_ID.with(run),
    }
}

/// How many there are.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn count(organization_id: &str) -> Result<i64, AuthError> {
    COUNT.with(|statement| {
        let counted = statement.query(&[Value::Text(organization_id)], |row| row.integer(1))?;
        Ok(counted.into_iter().next().unwrap_or_default())
    })
}

/// Makes a role.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(in crate::plugin::organization) fn create(new: &New<'_>) -> Result<OrganizationRole, AuthError> {
    let id = random_id(TABLE)?;
    let mut values = vec![
        Value::Text(&id),
        Value::Text(new.organization_id),
        Value::Text(new.name),
        Value::Text(new.permission),
        Value::Time(new.created_at),
    ];
    let rows = match new.additional {
        [] => INSERT.with(|statement| statement.query(&values, read))?,
        additional => {
            values.extend(additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
            query_once(TABLE, &insert_text(additional)?, &values, read)?
        }
    };
    rows.into_iter().next().ok_or_else(|| super::refused(TABLE))
}

/// Changes a role. `None` when it is gone.
///
/// # Errors
/// No table, or text that isn't of a column's type.
pub(in crate::plugin::organization) fn update(
    organization_id: &str,
    by: By<'_>,
    changes: &Changes<'_>,
    now: Timestamp,
) -> Result<Option<OrganizationRole>, AuthError> {
    let (field, is_what) = by.parts();
    let mut values = vec![Value::Text(organization_id), Value::Text(is_what), Value::Time(now)];
    let mut columns = vec![set(TABLE, "updatedAt", 3)?];
    for (field, value) in [("role", changes.name), ("permission", changes.permission)] {
        if let Some(value) = value {
            values.push(Value::Text(value));
            columns.push(set(TABLE, field, values.len())?);
        }
    }
    for given in changes.additional {
        values.push(Value::OptionalText(given.value.as_deref()));
        columns.push(given.set(values.len()));
    }
    let text = format!(
        "UPDATE {} r SET {} WHERE {} RETURNING {}",
        TABLE.sql(),
        columns.join(", "),
        self::by(field)?,
        OrganizationRole::select("r")?
    );
    Ok(query_once(TABLE, &text, &values, read)?.pop())
}

/// Deletes a role.
///
/// # Errors
/// No table.
pub(in crate::plugin::organization) fn delete(organization_id: &str, by: By<'_>) -> Result<(), AuthError> {
    let values = [Value::Text(organization_id), Value::Text(by.parts().1)];
    let run = |statement: &Statement| statement.execute(&values);
    match by {
        By::Name(_) => DELETE_BY_NAME.with(run),
        By::Id(_) => DELETE_BY_ID.with(run),
    }
}
