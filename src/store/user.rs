//! Table `user`.

use serde_json::Value as Json;
use std::rc::Rc;

use crate::error::AuthError;
use crate::store::catalog::{Table, has_relation};
use crate::store::columns::{As, Field, at, insert, is, select, set};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value, query_once};
use crate::store::whole::{Layout, Whole, layout};

/// A row of `user`: the columns that Better Auth declares, and the additional fields.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) image: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// The additional fields, as a JSON object.
    pub(crate) additional: Option<String>,
}

impl User {
    const FIELDS: [Field; 7] = [
        ("id", As::Text),
        ("name", As::Text),
        ("email", As::Text),
        ("emailVerified", As::Boolean),
        ("image", As::Text),
        ("createdAt", As::Time),
        ("updatedAt", As::Time),
    ];
    const NAMES: [&str; 7] = ["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"];
    /// How many columns [`User::core`] gives.
    pub(crate) const WIDTH: i32 = 7;

    /// The select list that [`User::from_row`] reads; `row` is the table's alias. It comes last.
    pub(crate) fn select(row: &str) -> Result<String, AuthError> {
        Ok(Self::core(row)? + &fields::select(Table::User, row)?)
    }

    /// The same without the additional fields, which [`fields::select`] adds at the end.
    pub(crate) fn core(row: &str) -> Result<String, AuthError> {
        select(Table::User, row, &Self::FIELDS)
    }

    /// Where the values of a row that is read as a whole are; `None` where it can't be.
    ///
    /// # Errors
    /// No such table or column.
    pub(super) fn layout() -> Result<Option<Rc<Layout>>, AuthError> {
        layout(Table::User, &Self::FIELDS)
    }

    pub(super) fn from_whole(row: &Whole<'_>) -> Self {
        Self {
            id: row.text(0),
            name: row.text(1),
            email: row.text(2),
            email_verified: row.boolean(3),
            image: row.optional_text(4),
            created_at: row.time(5),
            updated_at: row.time(6),
            additional: row.additional(),
        }
    }

    /// Reads what [`User::select`] selected, from column `first` on.
    pub(crate) fn from_row(row: &Row, first: i32) -> Self {
        Self::from_parts(row, first, first + Self::WIDTH)
    }

    /// Reads what [`User::core`] selected, and the additional fields, which are elsewhere.
    pub(crate) fn from_parts(row: &Row, first: i32, additional: i32) -> Self {
        Self { additional: fields::read(Table::User, row, additional), ..Self::from_core(row, first) }
    }

    /// Reads what [`User::core`] selected, for who needs no more.
    pub(crate) fn from_core(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            name: row.text(first + 1),
            email: row.text(first + 2),
            email_verified: row.boolean(first + 3),
            image: row.optional_text(first + 4),
            created_at: row.time(first + 5),
            updated_at: row.time(first + 6),
            additional: None,
        }
    }

    /// What a plugin's column has; `None` where the plugin is off.
    pub(crate) fn field(&self, name: &str) -> Option<Json> {
        fields::member(self.additional.as_deref(), name)
    }

    /// The text of a plugin's column.
    pub(crate) fn text_field(&self, name: &str) -> Option<String> {
        self.field(name).and_then(|value| value.as_str().map(str::to_owned))
    }

    /// Whether a plugin's column is true.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.field(name) == Some(Json::Bool(true))
    }

    /// A user as sign-up makes it, with an id of its own and both times `now`. Not in the table yet.
    ///
    /// # Errors
    /// No randomness, or no table.
    pub(crate) fn draft(
        name: &str,
        email: &str,
        image: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, AuthError> {
        Ok(Self {
            id: random_id(Table::User)?,
            name: name.to_owned(),
            email: email.to_owned(),
            email_verified: false,
            image: image.map(str::to_owned),
            created_at: now,
            updated_at: now,
            additional: None,
        })
    }
}

/// What is to be changed in a row of `user`; `None` stays as it is.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) image: Option<Option<&'a str>>,
    pub(crate) email: Option<&'a str>,
    pub(crate) email_verified: Option<bool>,
    pub(crate) additional: &'a [Given],
}

thread_local! {
    static BY_EMAIL: Statement = const { Statement::new(Table::User, || {
        Ok(format!("SELECT {} FROM {} u WHERE {} LIMIT 1", User::select("u")?, Table::User.sql(), by_email("u")?))
    }) };
    static BY_FOLDED_EMAIL: Statement = const { Statement::new(Table::User, || {
        Ok(format!("SELECT {} FROM {} u WHERE {} LIMIT 2", User::select("u")?, Table::User.sql(), by_folded_email("u")))
    }) };
    static BY_ID: Statement = const { Statement::new(Table::User, || {
        Ok(format!("SELECT {} FROM {} u WHERE {}", User::select("u")?, Table::User.sql(), by_id()?))
    }) };
    static INSERT: Statement = const { Statement::new(Table::User, || insert_text(&[])) };
    static LOCK: Statement = const { Statement::new(Table::User, || {
        Ok(format!("SELECT {} FROM {} u WHERE {} FOR NO KEY UPDATE", User::select("u")?, Table::User.sql(), by_id()?))
    }) };
    static LOCK_TO_DELETE: Statement = const { Statement::new(Table::User, || {
        Ok(format!("SELECT 1 FROM {} u WHERE {} FOR UPDATE", Table::User.sql(), by_id()?))
    }) };
    static DELETE: Statement = const { Statement::new(Table::User, || {
        Ok(format!("DELETE FROM {} u WHERE {}", Table::User.sql(), by_id()?))
    }) };
}

/// `WHERE` on the id, as parameter 1.
fn by_id() -> Result<String, AuthError> {
    is(Table::User, "u", "id", 1)
}

/// `WHERE` on the email as it is stored, as parameter 1.
pub(crate) fn by_email(row: &str) -> Result<String, AuthError> {
    is(Table::User, row, "email", 1)
}

/// `WHERE` on the lower-cased email of rows where it is stored with capitals, which an import may have left: it is
/// what the index [`FOLDED`] has, which is empty in most databases.
pub(crate) fn by_folded_email(row: &str) -> String {
    let email = at(Table::User, row, "email");
    format!(
        "pg_catalog.lower({email}::pg_catalog.text) OPERATOR(pg_catalog.=) $1
         AND {email}::pg_catalog.text OPERATOR(pg_catalog.<>) pg_catalog.lower({email}::pg_catalog.text)"
    )
}

/// The name of that index, whatever the table is called.
pub(crate) const FOLDED: &str = "user_email_folded_idx";

/// Whether emails with capitals can be looked for. Without the index each look would read the whole table, and
/// anybody may ask for one.
fn is_folded() -> bool {
    has_relation(FOLDED)
}

fn insert_text(given: &[Given]) -> Result<String, AuthError> {
    let insert = insert(Table::User, "u", &User::NAMES, given)?;
    Ok(format!("{insert} ON CONFLICT DO NOTHING RETURNING {}", User::select("u")?))
}

fn one(statement: &Statement, key: &str) -> Result<Option<User>, AuthError> {
    Ok(statement.query(&[Value::Text(key)], |row| User::from_row(row, 1))?.pop())
}

/// The user with this email, which has to be lower-cased. Better Auth stores it so; where an import has left
/// capitals, it is the one user who has it otherwise, and nobody where that is several.
///
/// # Errors
/// No table.
pub(crate) fn find_by_email(email: &str) -> Result<Option<User>, AuthError> {
    match BY_EMAIL.with(|statement| one(statement, email))? {
        Some(user) => Ok(Some(user)),
        None => find_by_folded_email(email),
    }
}

/// The same where nobody has the email as it is.
///
/// # Errors
/// No table.
pub(crate) fn find_by_folded_email(email: &str) -> Result<Option<User>, AuthError> {
    let mut others = folded(email)?;
    Ok(if others.len() == 1 { others.pop() } else { None })
}

/// Up to two users whose email has capitals and is this one without them.
fn folded(email: &str) -> Result<Vec<User>, AuthError> {
    if !is_folded() {
        return Ok(Vec::new());
    }
    BY_FOLDED_EMAIL.with(|statement| statement.query(&[Value::Text(email)], |row| User::from_row(row, 1)))
}

/// Whether the (lower-cased) email is somebody's other than `except`'s, in whatever case.
///
/// # Errors
/// No table.
pub(crate) fn is_taken(email: &str, except: Option<&str>) -> Result<bool, AuthError> {
    let exact = BY_EMAIL.with(|statement| one(statement, email))?;
    let is_other = |user: &User| except != Some(user.id.as_str());
    Ok(exact.iter().any(is_other) || folded(email)?.iter().any(is_other))
}

/// The user with this id.
///
/// # Errors
/// No table.
pub(crate) fn find(id: &str) -> Result<Option<User>, AuthError> {
    BY_ID.with(|statement| one(statement, id))
}

/// The same, and nobody else changes the row until the transaction ends.
///
/// # Errors
/// No table.
pub(crate) fn lock(id: &str) -> Result<Option<User>, AuthError> {
    LOCK.with(|statement| one(statement, id))
}

/// Inserts a user. `None` when another one has the email, in whatever case, even one that was committed just now;
/// what a trigger changed in the row is in the answer.
///
/// # Errors
/// No table, or columns that can't be filled.
pub(crate) fn create(user: &User, additional: &[Given]) -> Result<Option<User>, AuthError> {
    if !folded(&user.email)?.is_empty() {
        return Ok(None);
    }
    let mut values = vec![
        Value::Text(&user.id),
        Value::Text(&user.name),
        Value::Text(&user.email),
        Value::Boolean(user.email_verified),
        Value::OptionalText(user.image.as_deref()),
        Value::Time(user.created_at),
        Value::Time(user.updated_at),
    ];
    let read = |row: &Row| User::from_row(row, 1);
    if additional.is_empty() {
        return INSERT.with(|statement| Ok(statement.query(&values, read)?.pop()));
    }
    values.extend(additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
    Ok(query_once(Table::User, &insert_text(additional)?, &values, read)?.pop())
}

/// Changes a user, whose row is returned as it is then; `None` when there is none.
///
/// # Errors
/// No table, or text that isn't of a column's type.
pub(crate) fn update(id: &str, changes: &Changes<'_>, now: Timestamp) -> Result<Option<User>, AuthError> {
    let mut values = vec![Value::Text(id), Value::Time(now)];
    let mut columns = vec![set(Table::User, "updatedAt", 2)?];
    let changed = [
        ("name", changes.name.map(Value::Text)),
        ("image", changes.image.map(Value::OptionalText)),
        ("email", changes.email.map(Value::Text)),
        ("emailVerified", changes.email_verified.map(Value::Boolean)),
    ];
    for (field, value) in changed {
        if let Some(value) = value {
            values.push(value);
            columns.push(set(Table::User, field, values.len())?);
        }
    }
    for given in changes.additional {
        values.push(Value::OptionalText(given.value.as_deref()));
        columns.push(given.set(values.len()));
    }
    let text = format!(
        "UPDATE {} u SET {} WHERE {} RETURNING {}",
        Table::User.sql(),
        columns.join(", "),
        by_id()?,
        User::select("u")?
    );
    Ok(query_once(Table::User, &text, &values, |row| User::from_row(row, 1))?.pop())
}

/// Holds a user's row for its deletion; whether there is one. Before anything of the user is deleted: all
/// who lock several of a user's rows begin with this one.
///
/// # Errors
/// No table.
pub(crate) fn lock_to_delete(id: &str) -> Result<bool, AuthError> {
    LOCK_TO_DELETE.with(|statement| Ok(!statement.query(&[Value::Text(id)], |_| ())?.is_empty()))
}

/// Deletes a user.
///
/// # Errors
/// No table.
pub(crate) fn delete(id: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(id)]))
}
