//! Table `user`.

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, insert, select};
use crate::store::server::{Timestamp, random_id};
use crate::store::sql::{Row, Statement, Value};

/// A row of `user`: the columns that Better Auth declares.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) image: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
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
    /// How many columns [`User::select`] gives.
    pub(super) const WIDTH: i32 = 7;

    /// The select list that [`User::from_row`] reads; `row` is the table's alias.
    pub(super) fn select(row: &str) -> Result<String, AuthError> {
        select(Table::User, row, &Self::FIELDS)
    }

    /// Reads what [`User::select`] selected, from column `first` on.
    pub(super) fn from_row(row: &Row, first: i32) -> Self {
        Self {
            id: row.text(first),
            name: row.text(first + 1),
            email: row.text(first + 2),
            email_verified: row.boolean(first + 3),
            image: row.optional_text(first + 4),
            created_at: row.time(first + 5),
            updated_at: row.time(first + 6),
        }
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
        })
    }
}

thread_local! {
    static EXISTS: Statement = const { Statement::new(Table::User, || {
        Ok(format!(r#"SELECT 1 FROM {} u WHERE u.email OPERATOR(pg_catalog.=) $1"#, Table::User.sql()))
    }) };
    static INSERT: Statement = const { Statement::new(Table::User, || {
        let insert = insert(Table::User, &User::FIELDS.map(|(name, _)| name))?;
        Ok(format!(r#"{insert} ON CONFLICT DO NOTHING RETURNING {}"#, User::select(r#""user""#)?))
    }) };
}

/// Whether a user has this email, which has to be lower-cased as it is stored.
///
/// # Errors
/// No table.
pub(crate) fn email_exists(email: &str) -> Result<bool, AuthError> {
    EXISTS.with(|statement| Ok(!statement.query(&[Value::Text(email)], |_| ())?.is_empty()))
}

/// Inserts a user. `None` when another one has the email, even one that was committed just now; what a
/// trigger changed in the row is in the answer.
///
/// # Errors
/// No table, or columns that can't be filled.
pub(crate) fn create(user: &User) -> Result<Option<User>, AuthError> {
    let values = [
        Value::Text(&user.id),
        Value::Text(&user.name),
        Value::Text(&user.email),
        Value::Boolean(user.email_verified),
        Value::OptionalText(user.image.as_deref()),
        Value::Time(user.created_at),
        Value::Time(user.updated_at),
    ];
    INSERT.with(|statement| Ok(statement.query(&values, |row| User::from_row(row, 1))?.pop()))
}
