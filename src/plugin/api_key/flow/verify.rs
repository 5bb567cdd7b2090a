//! Whether a key is good for something, and one more use of it: Better Auth's `validateApiKey`.

use crate::crypto::digest::key_hash;
use crate::error::AuthError;
use crate::plugin::access::{Roles, Wanted, statements};
use crate::plugin::api_key::options::{Configuration, Configurations, References, matches};
use crate::plugin::api_key::store::{self, Key};
use crate::plugin::api_key::{codes, json};
use crate::plugin::{Proof, is_on, organization};
use crate::store::account::standing_of;
use crate::store::counter::{self, Counted, Limit};
use crate::store::server::{Timestamp, is_writable};

/// How often a use is tried again that others are in the way of.
const ATTEMPTS: usize = 8;

/// What is asked of a key.
pub(in crate::plugin::api_key) struct Question<'a> {
    pub(in crate::plugin::api_key) key: &'a str,
    /// What it has to allow.
    pub(in crate::plugin::api_key) permissions: Option<&'a Wanted<'a>>,
    /// By whose ways it is looked up.
    pub(in crate::plugin::api_key) lookup: &'a Configuration,
    /// Whose it has to be.
    pub(in crate::plugin::api_key) expected: Option<&'a str>,
    /// What its own configuration has to be.
    pub(in crate::plugin::api_key) suits: fn(&Configuration) -> bool,
    /// Uses that others can undo are counted in memory too.
    pub(in crate::plugin::api_key) is_for_request: bool,
}

/// Uses a key once, and says what it is.
///
/// # Errors
/// INVALID_API_KEY, KEY_DISABLED, KEY_EXPIRED, KEY_NOT_FOUND where it doesn't allow what is asked, USAGE_EXCEEDED,
/// RATE_LIMITED; and for keys of owners who are banned or gone, which Better Auth doesn't look at.
pub(in crate::plugin::api_key) fn verify(
    configurations: &Configurations,
    question: &Question<'_>,
) -> Result<Key, AuthError> {
    let invalid = || AuthError::from(codes::INVALID_API_KEY);
    // What PostgreSQL can't store is nobody's key.
    if question.key.contains('\0') {
        return Err(invalid());
    }
    let hashed = if question.lookup.is_plain { question.key.to_owned() } else { key_hash(question.key) };
    let key = store::find_by_key(&hashed)?.ok_or_else(invalid)?;
    if question.expected.is_some() && !matches(key.config_id.as_deref(), question.expected) {
        return Err(invalid());
    }
    let configuration = configurations.resolve(key.config_id.as_deref());
    // Where the configuration that is asked hashes none, the stored hash of a key of another one would be a key.
    let is_hash = question.lookup.is_plain && !configuration.is_plain;
    if is_hash || !(question.suits)(configuration) {
        return Err(invalid());
    }
    let now = Timestamp::now();
    check_alive(&key, now)?;
    if let Some(wanted) = question.permissions {
        let allows = json::permissions(&key).and_then(statements).is_some_and(|statements| {
            let mut roles = Roles::default();
            roles.extend("key", statements);
            roles.allows("key", wanted)
        });
        if !allows {
            return Err(AuthError::ApiWith(codes::KEY_NOT_FOUND, 401));
        }
    }
    check_left(&key)?;
    check_owner(configuration, &key.reference_id)?;
    if !is_writable() {
        return use_unwritten(&key, configuration, now);
    }
    let used = use_once(&key, configuration)?;
    if question.is_for_request {
        count_in_memory(&used, configuration, now)?;
    }
    Ok(used)
}

/// Whether a key is switched on and hasn't expired; one that has goes.
fn check_alive(key: &Key, now: Timestamp) -> Result<(), AuthError> {
    if key.enabled == Some(false) {
        return Err(codes::KEY_DISABLED.into());
    }
    if key.expires_at.is_some_and(|expires_at| now > expires_at) {
        delete(key)?;
        return Err(codes::KEY_EXPIRED.into());
    }
    Ok(())
}

/// Whether uses are left; a key without any that gets no more goes.
fn check_left(key: &Key) -> Result<(), AuthError> {
    if key.remaining == Some(0) && key.refill_amount.is_none() {
        delete(key)?;
        return Err(codes::USAGE_EXCEEDED.into());
    }
    Ok(())
}

fn delete(key: &Key) -> Result<(), AuthError> {
    if is_writable() { store::delete(&key.id) } else { Ok(()) }
}

/// A key is as good as its owner.
fn check_owner(configuration: &Configuration, owner: &str) -> Result<(), AuthError> {
    let is_there = match configuration.references {
        References::User => {
            let standing = standing_of(owner)?;
            if standing.as_ref().is_some_and(|standing| standing.check(Proof::Other).is_err()) {
                return Err(codes::USER_BANNED.into());
            }
            standing.is_some()
        }
        References::Organization => !is_on("organization") || organization::is_there(owner)?,
    };
    if is_there { Ok(()) } else { Err(codes::INVALID_REFERENCE_ID_FROM_API_KEY.into()) }
}

/// How far a key's uses are limited: the time in milliseconds, and the number.
fn limit(key: &Key, configuration: &Configuration) -> Option<(i64, i64)> {
    let is_limited = configuration.is_limited && key.rate_limit_enabled != Some(false);
    key.rate_limit_time_window.zip(key.rate_limit_max).filter(|_| is_limited)
}

/// How many milliseconds a key has to rest; `None` where it may be used.
fn rest(key: &Key, configuration: &Configuration, now: Timestamp) -> Option<i64> {
    let (window, max) = limit(key, configuration)?;
    let since = now.unix_milliseconds() - key.last_request?.unix_milliseconds();
    (since <= window && key.request_count.unwrap_or(0) >= max).then_some(window - since)
}

/// Counts one more use.
fn use_once(key: &Key, configuration: &Configuration) -> Result<Key, AuthError> {
    for _ in 0..ATTEMPTS {
        let now = Timestamp::now();
        if let Some(used) = store::use_once(&key.id, now, !configuration.is_limited)? {
            return Ok(used);
        }
        // Why not, as whoever was before has left it.
        let key = store::find(&key.id)?.ok_or(codes::INVALID_API_KEY)?;
        check_alive(&key, now)?;
        check_left(&key)?;
        if !has_some(&key, now) {
            return Err(codes::USAGE_EXCEEDED.into());
        }
        if let Some(rest) = rest(&key, configuration, now) {
            // As Better Auth does: one that comes too soon has been a use.
            store::spend(&key.id, now)?;
            return Err(AuthError::Later(codes::RATE_LIMITED, rest));
        }
    }
    Err(AuthError::Busy("an API key keeps changing"))
}

/// Whether uses are left, or due.
fn has_some(key: &Key, now: Timestamp) -> bool {
    let is_due = key.refill_interval.zip(key.refill_amount).is_some_and(|(interval, amount)| {
        let since =
            now.unix_milliseconds() - key.last_refill_at.unwrap_or(key.created_at).unix_milliseconds();
        interval != 0 && amount > 0 && since > interval
    });
    key.remaining.is_none_or(|remaining| remaining > 0) || is_due
}

/// A use in a transaction that may not write, as PostgREST's GET: counted in memory. Where each has to be counted for
/// good there is none.
fn use_unwritten(key: &Key, configuration: &Configuration, now: Timestamp) -> Result<Key, AuthError> {
    if key.remaining.is_some() {
        return Err(codes::FAILED_TO_UPDATE_API_KEY.into());
    }
    if let Some(rest) = rest(key, configuration, now) {
        return Err(AuthError::Later(codes::RATE_LIMITED, rest));
    }
    count_in_memory(key, configuration, now)?;
    Ok(key.clone())
}

fn count_in_memory(key: &Key, configuration: &Configuration, now: Timestamp) -> Result<(), AuthError> {
    let Some((window, max)) = limit(key, configuration) else { return Ok(()) };
    // Windows are whole seconds there.
    let limit = Limit { window: window.saturating_add(999) / 1_000, max };
    match counter::count(&format!("api-key|{}", key.id), now.unix_milliseconds(), limit) {
        Some(Counted::Denied(last)) => {
            let rest = last.saturating_add(window).saturating_sub(now.unix_milliseconds());
            Err(AuthError::Later(codes::RATE_LIMITED, rest.max(0)))
        }
        _ => Ok(()),
    }
}
