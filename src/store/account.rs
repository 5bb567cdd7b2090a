//! Table `account`: how a user signs in. A credential account holds the password hash.

use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::plugin::{self, Bar, Proof};
use crate::store::catalog::Table;
use crate::store::columns::{As, at, insert, is, select, set, write};
use crate::store::fields;
use crate::store::server::{Timestamp, lock_value, random_id};
use crate::store::sql::{Row, Statement, Value};
use crate::store::user::{self, User};

/// Better Auth's providerId of an account with a password.
pub(crate) const CREDENTIAL: &str = "credential";

/// The credential account of a user.
pub(crate) struct Credential {
    pub(crate) id: String,
    /// The stored hash; an account without one can't sign in by password.
    pub(crate) password: Option<Zeroizing<String>>,
}

/// What stands between a right password and a session.
pub(crate) struct Standing {
    pub(crate) email_verified: bool,
    /// Those of `plugin::bars()` that are down for the user.
    bars: Vec<bool>,
}

impl Standing {
    /// The select list that [`Standing::from_row`] reads, of `user u`. Whether a plugin is on or not: whoever put its
    /// columns there relies on them.
    fn select() -> Result<String, AuthError> {
        let mut columns = select(Table::User, "u", &[("emailVerified", As::Boolean)])?;
        for bar in plugin::bars() {
            columns.push_str(", ");
            columns.push_str((bar.is_down)("u")?.as_deref().unwrap_or("false"));
        }
        Ok(columns)
    }

    /// How many columns [`Standing::select`] gives.
    fn width() -> i32 {
        1 + i32::try_from(plugin::bars().count()).unwrap_or(i32::MAX - 1)
    }

    fn from_row(row: &Row, first: i32) -> Self {
        let bars = (first + 1..).zip(plugin::bars()).map(|(position, _)| row.boolean(position)).collect();
        Self { email_verified: row.boolean(first), bars }
    }

    /// # Errors
    /// The refusal of the first plugin whose columns forbid the user to sign in.
    pub(crate) fn check(&self, proof: Proof) -> Result<(), AuthError> {
        let mut bars = self.bars.iter().zip(plugin::bars());
        let is_closed = |(is_down, bar): &(&bool, &Bar)| {
            **is_down && (bar.of).is_none_or(|of| of == proof && !(bar.is_asked)())
        };
        bars.find(is_closed).map_or(Ok(()), |(_, bar)| Err((bar.refusal)()))
    }
}

impl Standing {
    /// Whether a plugin that is on asks for more than a password: [`plugin::second_factor`].
    pub(crate) fn needs_second_factor(&self) -> bool {
        let mut bars = self.bars.iter().zip(plugin::bars());
        bars.any(|(is_down, bar)| *is_down && bar.of == Some(Proof::Password) && (bar.is_asked)())
    }
}

/// The SQL that says of `user u` whether no plugin's columns forbid all that the user does.
///
/// # Errors
/// No table.
pub(crate) fn is_free() -> Result<String, AuthError> {
    let mut free = "true".to_owned();
    for bar in plugin::bars().filter(|bar| bar.of.is_none()) {
        if let Some(is_down) = (bar.is_down)("u")? {
            free.push_str(&format!(" AND ({is_down}) IS NOT TRUE"));
        }
    }
    Ok(free)
}

/// An account as `list-accounts` shows it.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) account_id: String,
    pub(crate) provider_id: String,
    pub(crate) user_id: String,
    pub(crate) scope: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Account {
    fn select(row: &str) -> Result<String, AuthError> {
        let fields = [
            ("id", As::Text),
            ("accountId", As::Text),
            ("providerId", As::Text),
            ("userId", As::Text),
            ("scope", As::Text),
            ("createdAt", As::Time),
            ("updatedAt", As::Time),
        ];
        select(Table::Account, row, &fields)
    }

    fn from_row(row: &Row) -> Self {
        Self {
            id: row.text(1),
            account_id: row.text(2),
            provider_id: row.text(3),
            user_id: row.text(4),
            scope: row.optional_text(5),
            created_at: row.time(6),
            updated_at: row.time(7),
        }
    }
}

/// What a provider gave in an OAuth exchange.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tokens<'a> {
    pub(crate) access_token: Option<&'a str>,
    pub(crate) refresh_token: Option<&'a str>,
    pub(crate) id_token: Option<&'a str>,
    pub(crate) access_token_expires_at: Option<Timestamp>,
    pub(crate) refresh_token_expires_at: Option<Timestamp>,
    pub(crate) scope: Option<&'a str>,
}

/// The tokens of an account, as they are stored.
#[derive(Clone)]
pub(crate) struct StoredTokens {
    pub(crate) access_token: Option<Zeroizing<String>>,
    pub(crate) refresh_token: Option<Zeroizing<String>>,
    pub(crate) id_token: Option<String>,
    pub(crate) access_token_expires_at: Option<Timestamp>,
    pub(crate) refresh_token_expires_at: Option<Timestamp>,
}

/// An account with its tokens.
pub(crate) struct Whole {
    pub(crate) account: Account,
    pub(crate) tokens: StoredTokens,
}

/// What a sign-in finds under an email.
pub(crate) struct Found {
    pub(crate) user: User,
    pub(crate) credential: Option<Credential>,
    pub(crate) standing: Standing,
}

/// What a sign-in finds after it has hashed.
pub(crate) struct Locked {
    pub(crate) password: Zeroizing<String>,
    pub(crate) standing: Standing,
}

/// The user first, then the account: the order in which a user is deleted, so that the two don't wait for
/// each other; the session's foreign key asks for the user anyway. And at once as strong as it has to be,
/// so that two who both want to replace the hash don't either; and where a plugin may change the user's row for the
/// session, that is held too.
fn lock(user: &str, strength: &str) -> Result<String, AuthError> {
    Ok(format!(
        "SELECT {}, {} FROM {} u JOIN {} a ON {} OPERATOR(pg_catalog.=) u.id
         WHERE {} FOR {user} OF u FOR {strength} OF a",
        select(Table::Account, "a", &[("password", As::Text)])?,
        Standing::select()?,
        Table::User.sql(),
        Table::Account.sql(),
        at(Table::Account, "a", "userId"),
        by_id()?,
    ))
}

/// `WHERE` on the id, as parameter 1.
fn by_id() -> Result<String, AuthError> {
    is(Table::Account, "a", "id", 1)
}

/// `WHERE` on the user, as parameter 1.
fn by_user() -> Result<String, AuthError> {
    is(Table::Account, "a", "userId", 1)
}

/// That an account is one with a password; `of` is the user's id as text.
fn is_credential(of: &str) -> String {
    let (provider, account) = (at(Table::Account, "a", "providerId"), at(Table::Account, "a", "accountId"));
    format!(
        "{provider}::pg_catalog.text OPERATOR(pg_catalog.=) '{CREDENTIAL}'
         AND {account}::pg_catalog.text OPERATOR(pg_catalog.=) {of}"
    )
}

/// What a sign-in finds of `user u`, under a condition on it: for [`find_by`].
///
/// # Errors
/// No such table or column.
pub(crate) fn found(condition: &str, limit: u8) -> Result<String, AuthError> {
    Ok(format!(
        "SELECT {}, {}, {}{} FROM {} u LEFT JOIN {} a ON {} OPERATOR(pg_catalog.=) u.id AND {}
         WHERE {condition} LIMIT {limit}",
        User::core("u")?,
        select(Table::Account, "a", &[("id", As::Text), ("password", As::Text)])?,
        Standing::select()?,
        fields::select(Table::User, "u")?,
        Table::User.sql(),
        Table::Account.sql(),
        at(Table::Account, "a", "userId"),
        is_credential("u.id::pg_catalog.text"),
    ))
}

thread_local! {
    static BY_EMAIL: Statement = const { Statement::joining(Table::User, Table::Account, || {
        found(&user::by_email("u")?, 1)
    }) };
    static BY_ID: Statement = const { Statement::joining(Table::User, Table::Account, || {
        found(&is(Table::User, "u", "id", 1)?, 1)
    }) };
    static SOME_PASSWORDS: Statement = const { Statement::new(Table::Account, || {
        let table = Table::Account.sql();
        Ok(format!(
            "SELECT {password} FROM (
                 SELECT s.* FROM {table} s TABLESAMPLE SYSTEM (LEAST(100::pg_catalog.float4, 70000::pg_catalog.float4
                     OPERATOR(pg_catalog./) GREATEST((SELECT c.reltuples FROM pg_catalog.pg_class c
                         WHERE c.oid OPERATOR(pg_catalog.=) {name}::pg_catalog.regclass), 1::pg_catalog.float4))) REPEATABLE (1)
                 LIMIT 1000) a
             WHERE {column} IS NOT NULL",
            password = select(Table::Account, "a", &[("password", As::Text)])?,
            name = pgrx::spi::quote_literal(&table),
            column = at(Table::Account, "a", "password"),
        ))
    }) };
    static STANDING: Statement = const { Statement::new(Table::User, || {
        Ok(format!(
            "SELECT {} FROM {} u WHERE {}",
            Standing::select()?,
            Table::User.sql(),
            is(Table::User, "u", "id", 1)?,
        ))
    }) };
    static LOCK_TO_READ: Statement = const { Statement::joining(Table::Account, Table::User, || lock("KEY SHARE", "SHARE")) };
    static LOCK_TO_REPLACE: Statement = const { Statement::joining(Table::Account, Table::User, || lock("KEY SHARE", "NO KEY UPDATE")) };
    static HOLD_TO_READ: Statement = const { Statement::joining(Table::Account, Table::User, || lock("NO KEY UPDATE", "SHARE")) };
    static HOLD_TO_REPLACE: Statement = const { Statement::joining(Table::Account, Table::User, || lock("NO KEY UPDATE", "NO KEY UPDATE")) };
    static REPLACE_PASSWORD: Statement = const { Statement::new(Table::Account, || {
        Ok(format!(
            "UPDATE {} a SET {}, {} WHERE {} AND {}",
            Table::Account.sql(),
            set(Table::Account, "password", 3)?,
            set(Table::Account, "updatedAt", 4)?,
            by_id()?,
            is(Table::Account, "a", "password", 2)?,
        ))
    }) };
    static SET_PASSWORD: Statement = const { Statement::new(Table::Account, || {
        Ok(format!(
            "UPDATE {} a SET {}, {} WHERE {}",
            Table::Account.sql(),
            set(Table::Account, "password", 2)?,
            set(Table::Account, "updatedAt", 3)?,
            by_id()?,
        ))
    }) };
    static INSERT: Statement = const { Statement::new(Table::Account, || {
        insert(
            Table::Account,
            "a",
            &["id", "accountId", "providerId", "userId", "password", "createdAt", "updatedAt"],
            &[],
        )
    }) };
    static CREDENTIAL_OF: Statement = const { Statement::new(Table::Account, || {
        Ok(format!(
            "SELECT {} FROM {} a WHERE {} AND {} LIMIT 1",
            select(Table::Account, "a", &[("id", As::Text), ("password", As::Text)])?,
            Table::Account.sql(),
            by_user()?,
            is_credential("$1"),
        ))
    }) };
    static LIST: Statement = const { Statement::new(Table::Account, || {
        Ok(format!(
            "SELECT {} FROM {} a WHERE {} ORDER BY {}, a.id",
            Account::select("a")?,
            Table::Account.sql(),
            by_user()?,
            at(Table::Account, "a", "createdAt"),
        ))
    }) };
    static BY_KEY: Statement = const { Statement::new(Table::Account, || {
        Ok(format!(
            "SELECT {} FROM {} a WHERE {} AND {} ORDER BY {} LIMIT 1",
            Account::select("a")?,
            Table::Account.sql(),
            is(Table::Account, "a", "accountId", 2)?,
            is(Table::Account, "a", "providerId", 1)?,
            at(Table::Account, "a", "createdAt"),
        ))
    }) };
    static WHOLE: Statement = const { Statement::new(Table::Account, || {
        let fields = [
            ("accessToken", As::Text),
            ("refreshToken", As::Text),
            ("idToken", As::Text),
            ("accessTokenExpiresAt", As::Time),
            ("refreshTokenExpiresAt", As::Time),
        ];
        let (account, tokens) = (Account::select("a")?, select(Table::Account, "a", &fields)?);
        Ok(format!("SELECT {account}, {tokens} FROM {} a WHERE {}", Table::Account.sql(), by_id()?))
    }) };
    static LINK: Statement = const { Statement::new(Table::Account, || {
        insert(
            Table::Account,
            "a",
            &[
                "id", "accountId", "providerId", "userId", "accessToken", "refreshToken", "idToken",
                "accessTokenExpiresAt", "refreshTokenExpiresAt", "scope", "createdAt", "updatedAt",
            ],
            &[],
        )
    }) };
    static UPDATE_TOKENS: Statement = const { Statement::new(Table::Account, || {
        let mut columns = Vec::new();
        let fields = [
            "accessToken", "refreshToken", "idToken", "accessTokenExpiresAt", "refreshTokenExpiresAt", "scope",
        ];
        for (index, field) in fields.iter().enumerate() {
            let value = write(Table::Account, field, index + 2)?;
            let (name, old) = (Table::Account.quoted(field), at(Table::Account, "a", field));
            columns.push(format!("{name} = COALESCE({value}, {old})"));
        }
        Ok(format!(
            "UPDATE {} a SET {}, {} WHERE {}",
            Table::Account.sql(),
            columns.join(", "),
            set(Table::Account, "updatedAt", 8)?,
            by_id()?,
        ))
    }) };
    static DELETE: Statement = const { Statement::new(Table::Account, || {
        Ok(format!("DELETE FROM {} a WHERE {}", Table::Account.sql(), by_id()?))
    }) };
    static DELETE_OF_USER: Statement = const { Statement::new(Table::Account, || {
        Ok(format!("DELETE FROM {} a WHERE {}", Table::Account.sql(), by_user()?))
    }) };
}

/// What a statement of [`found`] finds under a key.
///
/// # Errors
/// No table.
pub(crate) fn find_by(statement: &Statement, key: &str) -> Result<Option<Found>, AuthError> {
    let (account, standing) = (User::WIDTH + 1, User::WIDTH + 3);
    let mut rows = statement.query(&[Value::Text(key)], |row| Found {
        user: User::from_parts(row, 1, standing + Standing::width()),
        credential: row
            .optional_text(account)
            .map(|id| Credential { id, password: row.optional_text(account + 1).map(Zeroizing::new) }),
        standing: Standing::from_row(row, standing),
    })?;
    Ok(rows.pop())
}

/// The user with this (lower-cased) email, as [`user::find_by_email`] finds it, and its credential account if it has
/// one.
///
/// # Errors
/// No table.
pub(crate) fn find_credential(email: &str) -> Result<Option<Found>, AuthError> {
    if let Some(found) = BY_EMAIL.with(|statement| find_by(statement, email))? {
        return Ok(Some(found));
    }
    match user::find_by_folded_email(email)? {
        Some(user) => BY_ID.with(|statement| find_by(statement, &user.id)),
        None => Ok(None),
    }
}

/// The stored hashes of some hundred accounts, the same ones for who asks again soon. Of a thousand rows at most, however
/// many accounts have none.
///
/// # Errors
/// No table.
pub(crate) fn some_passwords() -> Result<Vec<Zeroizing<String>>, AuthError> {
    SOME_PASSWORDS.with(|statement| statement.query(&[], |row| Zeroizing::new(row.text(1))))
}

/// The standing of a user.
///
/// # Errors
/// No table.
pub(crate) fn standing_of(user_id: &str) -> Result<Option<Standing>, AuthError> {
    STANDING.with(|statement| {
        Ok(statement.query(&[Value::Text(user_id)], |row| Standing::from_row(row, 1))?.pop())
    })
}

/// The hash that an account has now, held until the transaction ends, so that nobody changes the
/// password, or deletes the user, between this look and the session that is opened for it; and the user's
/// standing. `None` when the account is gone. `to_replace` when [`replace_password`] follows.
///
/// # Errors
/// No table.
pub(crate) fn lock_password(account_id: &str, to_replace: bool) -> Result<Option<Locked>, AuthError> {
    let lock = |statement: &Statement| {
        let mut rows = statement.query(&[Value::Text(account_id)], |row| {
            let password = Zeroizing::new(row.optional_text(1)?);
            Some(Locked { password, standing: Standing::from_row(row, 2) })
        })?;
        Ok(rows.pop().flatten())
    };
    match (plugin::on().iter().any(|plugin| plugin.changes_users_at_sign_in()), to_replace) {
        (false, false) => LOCK_TO_READ.with(lock),
        (false, true) => LOCK_TO_REPLACE.with(lock),
        (true, false) => HOLD_TO_READ.with(lock),
        (true, true) => HOLD_TO_REPLACE.with(lock),
    }
}

/// Stores another hash, unless somebody else did so since `old` was read.
///
/// # Errors
/// No table.
pub(crate) fn replace_password(
    account_id: &str,
    old: &str,
    new: &str,
    now: Timestamp,
) -> Result<(), AuthError> {
    let values = [Value::Text(account_id), Value::Text(old), Value::Text(new), Value::Time(now)];
    REPLACE_PASSWORD.with(|statement| statement.execute(&values))
}

/// Inserts the credential account of a new user.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(crate) fn create_credential(user_id: &str, password: &str, now: Timestamp) -> Result<(), AuthError> {
    let id = random_id(Table::Account)?;
    let values = [
        Value::Text(&id),
        Value::Text(user_id),
        Value::Text(CREDENTIAL),
        Value::Text(user_id),
        Value::Text(password),
        Value::Time(now),
        Value::Time(now),
    ];
    INSERT.with(|statement| statement.execute(&values))
}

/// The credential account of a user, if there is one.
///
/// # Errors
/// No table.
pub(crate) fn credential_of(user_id: &str) -> Result<Option<Credential>, AuthError> {
    CREDENTIAL_OF.with(|statement| {
        let read =
            |row: &Row| Credential { id: row.text(1), password: row.optional_text(2).map(Zeroizing::new) };
        Ok(statement.query(&[Value::Text(user_id)], read)?.pop())
    })
}

/// Stores a hash whatever was there before.
///
/// # Errors
/// No table.
pub(crate) fn set_password(account_id: &str, hash: &str, now: Timestamp) -> Result<(), AuthError> {
    let values = [Value::Text(account_id), Value::Text(hash), Value::Time(now)];
    SET_PASSWORD.with(|statement| statement.execute(&values))
}

/// All accounts of a user, oldest first.
///
/// # Errors
/// No table.
pub(crate) fn list(user_id: &str) -> Result<Vec<Account>, AuthError> {
    LIST.with(|statement| statement.query(&[Value::Text(user_id)], Account::from_row))
}

/// The account that a provider knows under `account_id`.
///
/// # Errors
/// No table.
pub(crate) fn find_by_key(provider_id: &str, account_id: &str) -> Result<Option<Account>, AuthError> {
    BY_KEY.with(|statement| {
        Ok(statement.query(&[Value::Text(provider_id), Value::Text(account_id)], Account::from_row)?.pop())
    })
}

/// An account by its id, with its tokens.
///
/// # Errors
/// No table.
pub(crate) fn whole(id: &str) -> Result<Option<Whole>, AuthError> {
    let read = |row: &Row| Whole {
        account: Account::from_row(row),
        tokens: StoredTokens {
            access_token: row.optional_text(8).map(Zeroizing::new),
            refresh_token: row.optional_text(9).map(Zeroizing::new),
            id_token: row.optional_text(10),
            access_token_expires_at: row.optional_time(11),
            refresh_token_expires_at: row.optional_time(12),
        },
    };
    WHOLE.with(|statement| Ok(statement.query(&[Value::Text(id)], read)?.pop()))
}

/// Holds a provider's account until the transaction ends: of two first sign-ins with it at once, the second
/// finds what the first has made. No index says that there is one row for it.
///
/// # Errors
/// No table.
pub(crate) fn lock_key(provider_id: &str, account_id: &str) -> Result<(), AuthError> {
    lock_value(Table::Account, &format!("{provider_id}\0{account_id}"))
}

/// Links a provider's account to a user.
///
/// # Errors
/// No randomness, no table, or columns that can't be filled.
pub(crate) fn link(
    user_id: &str,
    (provider_id, account_id): (&str, &str),
    tokens: &Tokens<'_>,
    now: Timestamp,
) -> Result<(), AuthError> {
    let id = random_id(Table::Account)?;
    let values = [
        Value::Text(&id),
        Value::Text(account_id),
        Value::Text(provider_id),
        Value::Text(user_id),
        Value::OptionalText(tokens.access_token),
        Value::OptionalText(tokens.refresh_token),
        Value::OptionalText(tokens.id_token),
        Value::OptionalTime(tokens.access_token_expires_at),
        Value::OptionalTime(tokens.refresh_token_expires_at),
        Value::OptionalText(tokens.scope),
        Value::Time(now),
        Value::Time(now),
    ];
    LINK.with(|statement| statement.execute(&values))
}

/// Stores a provider's new tokens; what it didn't give stays.
///
/// # Errors
/// No table.
pub(crate) fn update_tokens(account_id: &str, tokens: &Tokens<'_>, now: Timestamp) -> Result<(), AuthError> {
    let values = [
        Value::Text(account_id),
        Value::OptionalText(tokens.access_token),
        Value::OptionalText(tokens.refresh_token),
        Value::OptionalText(tokens.id_token),
        Value::OptionalTime(tokens.access_token_expires_at),
        Value::OptionalTime(tokens.refresh_token_expires_at),
        Value::OptionalText(tokens.scope),
        Value::Time(now),
    ];
    UPDATE_TOKENS.with(|statement| statement.execute(&values))
}

/// Deletes an account.
///
/// # Errors
/// No table.
pub(crate) fn delete(account_id: &str) -> Result<(), AuthError> {
    DELETE.with(|statement| statement.execute(&[Value::Text(account_id)]))
}

/// Deletes all accounts of a user.
///
/// # Errors
/// No table.
pub(crate) fn delete_of_user(user_id: &str) -> Result<(), AuthError> {
    DELETE_OF_USER.with(|statement| statement.execute(&[Value::Text(user_id)]))
}
