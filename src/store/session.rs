//! Table `session`. The token is the key that callers hold; the id names the session to others.

use serde_json::Value as Json;
use std::rc::Rc;

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::columns::{As, Field, at, compare, fitting, insert, is, select, set};
use crate::store::fields::{self, Given};
use crate::store::server::{Timestamp, random_id, random_token};
use crate::store::sql::{Row, Statement, Value, query_once};
use crate::store::user::User;
use crate::store::whole::{Layout, Whole, layout};

/// A row of `session`: the columns that Better Auth declares.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) token: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) user_id: String,
    /// The additional fields, as a JSON object.
    pub(crate) additional: Option<String>,
}

/// The most sessions that a list has: it is built in memory, and anybody may sign in again and again.
pub(crate) const MOST: usize = 1_000;

/// How much of a user agent is stored, in bytes. It only describes.
const MAX_USER_AGENT: usize = 1_024;

impl Session {
    const FIELDS: [Field; 8] = [
        ("id", As::Text),
        ("expiresAt", As::Time),
        ("token", As::Text),
        ("createdAt", As::Time),
        ("updatedAt", As::Time),
        ("ipAddress", As::Text),
        ("userAgent", As::Text),
        ("userId", As::Text),
    ];
    const WIDTH: i32 = 8;

    /// What a plugin's column has; `None` where the plugin is off.
    pub(crate) fn field(&self, name: &str) -> Option<Json> {
        fields::member(self.additional.as_deref(), name)
    }

    /// The text of a plugin's column.
    pub(crate) fn text_field(&self, name: &str) -> Option<String> {
        self.field(name).and_then(|value| value.as_str().map(str::to_owned))
    }

    fn select(row: &str) -> Result<String, AuthError> {
        Ok(Self::core(row)? + &fields::select(Table::Session, row)?)
    }

    /// The same without the additional fields.
    fn core(row: &str) -> Result<String, AuthError> {
        select(Table::Session, row, &Self::FIELDS)
    }

    fn layout() -> Result<Option<Rc<Layout>>, AuthError> {
        layout(Table::Session, &Self::FIELDS)
    }

    fn from_whole(row: &Whole<'_>) -> Self {
        Self {
            id: row.text(0),
            expires_at: row.time(1),
            token: row.text(2),
            created_at: row.time(3),
            updated_at: row.time(4),
            ip_address: row.optional_text(5),
            user_agent: row.optional_text(6),
            user_id: row.text(7),
            additional: row.additional(),
        }
    }

    fn from_row(row: &Row) -> Self {
        Self::from_parts(row, Self::WIDTH + 1)
    }

    /// Where the additional fields begin elsewhere.
    fn from_parts(row: &Row, additional: i32) -> Self {
        Self {
            id: row.text(1),
            expires_at: row.time(2),
            token: row.text(3),
            created_at: row.time(4),
            updated_at: row.time(5),
            ip_address: row.optional_text(6),
            user_agent: row.optional_text(7),
            user_id: row.text(8),
            additional: fields::read(Table::Session, row, additional),
        }
    }
}

/// `WHERE` on the token, as parameter 1.
fn by_token() -> Result<String, AuthError> {
    is(Table::Session, "s", "token", 1)
}

/// `WHERE` on the user, as parameter 1.
fn by_user() -> Result<String, AuthError> {
    is(Table::Session, "s", "userId", 1)
}

thread_local! {
    static FIND: Statement = const { Statement::joining(Table::Session, Table::User, || {
        let columns = match Session::layout()?.is_some() && User::layout()?.is_some() {
            true => "s, u".into(),
            false => format!(
                "{}, {}{}{}",
                Session::core("s")?,
                User::core("u")?,
                fields::select(Table::User, "u")?,
                fields::select(Table::Session, "s")?,
            ),
        };
        Ok(format!(
            "SELECT {columns} FROM {} s JOIN {} u ON u.id OPERATOR(pg_catalog.=) {} WHERE {}",
            Table::Session.sql(),
            Table::User.sql(),
            at(Table::Session, "s", "userId"),
            by_token()?,
        ))
    }) };
    static IS_LIVE: Statement = const { Statement::new(Table::Session, || {
        Ok(format!(
            "SELECT 1 FROM {} s WHERE {} AND {} AND {}",
            Table::Session.sql(),
            is(Table::Session, "s", "id", 1)?,
            is(Table::Session, "s", "userId", 2)?,
            compare(Table::Session, "s", "expiresAt", ">", 3)?,
        ))
    }) };
    static INSERT: Statement = const { Statement::new(Table::Session, || insert_text(&[])) };
    static REFRESH: Statement = const { Statement::new(Table::Session, || {
        Ok(format!(
            "UPDATE {} s SET {}, {} WHERE {} RETURNING {}",
            Table::Session.sql(),
            set(Table::Session, "expiresAt", 2)?,
            set(Table::Session, "updatedAt", 3)?,
            by_token()?,
            Session::select("s")?,
        ))
    }) };
    static LIST: Statement = const { Statement::new(Table::Session, || {
        Ok(format!(
            "SELECT {} FROM {} s WHERE {} AND {} ORDER BY {} DESC, s.id DESC LIMIT {MOST}",
            Session::select("s")?,
            Table::Session.sql(),
            by_user()?,
            compare(Table::Session, "s", "expiresAt", ">", 2)?,
            at(Table::Session, "s", "createdAt"),
        ))
    }) };
    static DELETE: Statement = const { Statement::new(Table::Session, || {
        Ok(format!("DELETE FROM {} s WHERE {}", Table::Session.sql(), by_token()?))
    }) };
    static DELETE_EXPIRED: Statement = const { Statement::new(Table::Session, || {
        let expired = compare(Table::Session, "s", "expiresAt", "<", 2)?;
        Ok(format!("DELETE FROM {} s WHERE {} AND {expired}", Table::Session.sql(), by_token()?))
    }) };
    static DELETE_OF_USER: Statement = const { Statement::new(Table::Session, || {
        Ok(format!("DELETE FROM {} s WHERE {}", Table::Session.sql(), by_user()?))
    }) };
    static DELETE_ONE: Statement = const { Statement::new(Table::Session, || {
        let token = is(Table::Session, "s", "token", 2)?;
        Ok(format!("DELETE FROM {} s WHERE {} AND {token}", Table::Session.sql(), by_user()?))
    }) };
    static DELETE_OTHERS: Statement = const { Statement::new(Table::Session, || {
        let token = is(Table::Session, "s", "token", 2)?;
        Ok(format!("DELETE FROM {} s WHERE {} AND NOT ({token})", Table::Session.sql(), by_user()?))
    }) };
}

/// The session with this token, expired or not, and its user.
///
/// # Errors
/// No table.
pub(crate) fn find(token: &str) -> Result<Option<(Session, User)>, AuthError> {
    let read = |row: &Row| {
        // The rows themselves.
        if row.width() == 2 {
            let (session, user) = (Session::layout().ok()??, User::layout().ok()??);
            let session = Session::from_whole(&Whole::of(&session, row, 1)?);
            return Some((session, User::from_whole(&Whole::of(&user, row, 2)?)));
        }
        let (user, additional) = (Session::WIDTH + 1, Session::WIDTH + User::WIDTH + 1);
        let session = Session::from_parts(row, additional + fields::width(Table::User));
        Some((session, User::from_parts(row, user, additional)))
    };
    let found = FIND.with(|statement| statement.query(&[Value::Text(token)], read))?.pop();
    found.map(|found| found.ok_or(AuthError::Busy("better_auth's tables keep changing"))).transpose()
}

/// Whether the session with this id is this user's and has not expired at `now`.
///
/// # Errors
/// No table.
pub(crate) fn is_live(id: &str, user_id: &str, now: Timestamp) -> Result<bool, AuthError> {
    let values = [Value::Text(id), Value::Text(user_id), Value::Time(now)];
    IS_LIVE.with(|statement| Ok(!statement.query(&values, |_| ())?.is_empty()))
}

/// Opens a session. Better Auth stores what it doesn't know of the client as the empty string.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(crate) fn create(
    user_id: &str,
    expires_at: Timestamp,
    now: Timestamp,
    (ip_address, user_agent): (&str, &str),
    additional: &[Given],
) -> Result<Session, AuthError> {
    let (id, token) = (random_id(Table::Session)?, random_token(32)?);
    let ip_address = fitting(Table::Session, "ipAddress", ip_address)?;
    let user_agent = user_agent.get(..user_agent.floor_char_boundary(MAX_USER_AGENT)).unwrap_or_default();
    let user_agent = fitting(Table::Session, "userAgent", user_agent)?;
    let mut values = vec![
        Value::Text(&id),
        Value::Time(expires_at),
        Value::Text(&token),
        Value::Time(now),
        Value::Time(now),
        Value::OptionalText(ip_address),
        Value::OptionalText(user_agent),
        Value::Text(user_id),
    ];
    let rows = match additional {
        [] => INSERT.with(|statement| statement.query(&values, Session::from_row))?,
        _ => {
            values.extend(additional.iter().map(|given| Value::OptionalText(given.value.as_deref())));
            query_once(Table::Session, &insert_text(additional)?, &values, Session::from_row)?
        }
    };
    rows.into_iter().next().ok_or_else(|| {
        AuthError::Setup(format!("a trigger or rule on {} refused the row", Table::Session.sql()))
    })
}

fn insert_text(given: &[Given]) -> Result<String, AuthError> {
    let insert = insert(Table::Session, "s", &Session::FIELDS.map(|(name, _)| name), given)?;
    Ok(format!("{insert} RETURNING {}", Session::select("s")?))
}

/// Prolongs a session. `None` when it is gone.
///
/// # Errors
/// No table.
pub(crate) fn refresh(
    token: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Option<Session>, AuthError> {
    let values = [Value::Text(token), Value::Time(expires_at), Value::Time(now)];
    REFRESH.with(|statement| Ok(statement.query(&values, Session::from_row)?.pop()))
}

/// Sets additional fields of a session. `None` when it is gone.
///
/// # Errors
/// No table, or text that isn't of a column's type.
pub(crate) fn update(token: &str, given: &[Given], now: Timestamp) -> Result<Option<Session>, AuthError> {
    let mut values = vec![Value::Text(token), Value::Time(now)];
    let mut columns = vec![set(Table::Session, "updatedAt", 2)?];
    for given in given {
        values.push(Value::OptionalText(given.value.as_deref()));
        columns.push(given.set(values.len()));
    }
    let text = format!(
        "UPDATE {} s SET {} WHERE {} RETURNING {}",
        Table::Session.sql(),
        columns.join(", "),
        by_token()?,
        Session::select("s")?
    );
    Ok(query_once(Table::Session, &text, &values, Session::from_row)?.pop())
}

/// A user's sessions that have not expired at `now`, oldest first: the newest [`MOST`], where Better Auth stops at 100.
///
/// # Errors
/// No table.
pub(crate) fn list(user_id: &str, now: Timestamp) -> Result<Vec<Session>, AuthError> {
    let values = [Value::Text(user_id), Value::Time(now)];
    let mut newest = LIST.with(|statement| statement.query(&values, Session::from_row))?;
    newest.reverse();
    Ok(newest)
}

/// Deletes a session by its token.
///
/// # Errors
/// No table.
pub(crate) fn delete(token: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(token)]))
}

/// Deletes a session that has expired at `now`, but not one that was prolonged meanwhile.
///
/// # Errors
/// No table.
pub(crate) fn delete_expired(token: &str, now: Timestamp) -> Result<(), AuthError> {
    DELETE_EXPIRED.with(|statement| statement.execute(&[Value::Text(token), Value::Time(now)]))
}

/// Deletes the sessions in which a plugin's column has this value.
///
/// # Errors
/// No table, or no such column.
pub(crate) fn delete_where(field: &str, value: &str) -> Result<(), AuthError> {
    let text = format!("DELETE FROM {} s WHERE {}", Table::Session.sql(), is(Table::Session, "s", field, 1)?);
    query_once(Table::Session, &text, &[Value::Text(value)], |_| ()).map(drop)
}

/// Deletes all sessions of a user.
///
/// # Errors
/// No table.
pub(crate) fn delete_of_user(user_id: &str) -> Result<(), AuthError> {
    DELETE_OF_USER.with(|statement| statement.execute(&[Value::Text(user_id)]))
}

/// Deletes the session with this token if it is this user's.
///
/// # Errors
/// No table.
pub(crate) fn delete_one(user_id: &str, token: &str) -> Result<(), AuthError> {
    DELETE_ONE.with(|statement| statement.execute(&[Value::Text(user_id), Value::Text(token)]))
}

/// Deletes a user's sessions but the one with this token.
///
/// # Errors
/// No table.
pub(crate) fn delete_others(user_id: &str, token: &str) -> Result<(), AuthError> {
    DELETE_OTHERS.with(|statement| statement.execute(&[Value::Text(user_id), Value::Text(token)]))
}
