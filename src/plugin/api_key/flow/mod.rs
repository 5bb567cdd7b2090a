//! What the plugin does; one file a group of it.

pub(super) mod create;
pub(super) mod manage;
pub(super) mod pre_request;
pub(super) mod verify;

use serde_json::Value;

use super::codes;
use super::options::{Configuration, Configurations, References, matches};
use super::store::{self, Key};
use crate::error::AuthError;
use crate::flow::session::{self, Caller};
use crate::plugin::{is_on, organization};
use crate::store::server::{Timestamp, is_writable};

/// How a call comes: some options are the server's own to set.
#[derive(Clone, Copy)]
pub(super) struct Door {
    /// It is in somebody's name, or a request of somebody's.
    pub(super) is_clients: bool,
    /// It came by HTTP.
    pub(super) is_request: bool,
}

/// What the server alone sets of a key.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(in crate::plugin::api_key) remaining: Option<i64>,
    pub(in crate::plugin::api_key) refill_amount: Option<i64>,
    /// In milliseconds.
    pub(in crate::plugin::api_key) refill_interval: Option<i64>,
    pub(in crate::plugin::api_key) rate_limit_enabled: Option<bool>,
    /// In milliseconds.
    pub(in crate::plugin::api_key) rate_limit_time_window: Option<i64>,
    pub(in crate::plugin::api_key) rate_limit_max: Option<i64>,
    pub(in crate::plugin::api_key) permissions: Option<&'a Value>,
}

impl Terms<'_> {
    fn are_given(&self) -> bool {
        self.remaining.is_some()
            || self.refill_amount.is_some()
            || self.refill_interval.is_some()
            || self.rate_limit_enabled.is_some()
            || self.rate_limit_time_window.is_some()
            || self.rate_limit_max.is_some()
            || self.permissions.is_some()
    }

    /// # Errors
    /// SERVER_ONLY_PROPERTY where a client gives any.
    fn check(&self, door: Door) -> Result<(), AuthError> {
        if door.is_clients && self.are_given() { Err(codes::SERVER_ONLY_PROPERTY.into()) } else { Ok(()) }
    }
}

/// How many keys that have expired go when another one is made.
const SWEPT: i64 = 10;

/// Deletes some keys that have expired: Better Auth deletes all, in the background, every ten seconds at most.
///
/// # Errors
/// Those of the store.
fn sweep() -> Result<(), AuthError> {
    if is_writable() { store::delete_some_expired(Timestamp::now(), SWEPT) } else { Ok(()) }
}

/// Deletes all keys that have expired.
///
/// # Errors
/// Those of the store.
pub(super) fn delete_all_expired() -> Result<(), AuthError> {
    store::delete_expired(Timestamp::now())
}

/// Deletes the keys of a user, which nobody could use any more.
///
/// # Errors
/// Those of the store.
pub(super) fn forget_user(user_id: &str) -> Result<(), AuthError> {
    store::delete_of(user_id, Configurations::now()?.of_organizations())
}

/// The user in whose name a call is: the session's, or for the server's own calls the one that it names.
///
/// # Errors
/// UNAUTHORIZED_SESSION.
fn actor(caller: &mut dyn Caller, door: Door, named: Option<&str>) -> Result<String, AuthError> {
    let live = caller.session(true)?;
    let session_user = live.map(|live| live.user.id);
    let named = named.filter(|id| !id.is_empty());
    let user = match (&session_user, door.is_clients) {
        (Some(id), _) => Some(id.clone()),
        (None, true) => None,
        (None, false) => named.map(str::to_owned),
    };
    let is_another =
        session_user.is_some() && named.is_some_and(|named| session_user.as_deref() != Some(named));
    user.filter(|_| !is_another).ok_or_else(|| codes::UNAUTHORIZED_SESSION.into())
}

/// The same for who makes a key, or changes one. A session has to be one of the table that lives on: who ends all of a
/// user's, or proves an address that somebody else has signed up with, is not to find a key made meanwhile. A key that
/// opens sessions makes none that may do more than it.
///
/// # Errors
/// UNAUTHORIZED_SESSION.
fn maker(caller: &mut dyn Caller, door: Door, named: Option<&str>) -> Result<String, AuthError> {
    let user_id = actor(caller, door, named)?;
    hold_session(caller)?;
    Ok(user_id)
}

/// # Errors
/// UNAUTHORIZED_SESSION.
fn hold_session(caller: &mut dyn Caller) -> Result<(), AuthError> {
    match caller.session(true)? {
        Some(live) if session::hold(&live)?.is_none() => Err(codes::UNAUTHORIZED_SESSION.into()),
        _ => Ok(()),
    }
}

/// Whether a user may do something with the keys of an organization: Better Auth's `checkOrgApiKeyPermission`.
///
/// # Errors
/// ORGANIZATION_PLUGIN_REQUIRED, USER_NOT_MEMBER_OF_ORGANIZATION, INSUFFICIENT_API_KEY_PERMISSIONS.
fn check_organization(user_id: &str, organization_id: &str, action: &str) -> Result<(), AuthError> {
    if !is_on("organization") {
        return Err(codes::ORGANIZATION_PLUGIN_REQUIRED.into());
    }
    match organization::member_may(user_id, organization_id, "apiKey", action)? {
        None => Err(codes::USER_NOT_MEMBER_OF_ORGANIZATION.into()),
        Some(false) => Err(codes::INSUFFICIENT_API_KEY_PERMISSIONS.into()),
        Some(true) => Ok(()),
    }
}

/// A key that a user may do something with, and its configuration.
///
/// # Errors
/// KEY_NOT_FOUND, and those of [`check_organization`].
fn own(
    configurations: &Configurations,
    user_id: &str,
    id: &str,
    config_id: Option<&str>,
    action: &str,
) -> Result<(Key, Configuration), AuthError> {
    let lookup = configurations.resolve(config_id);
    let key = store::find(id)?.ok_or(codes::KEY_NOT_FOUND)?;
    if !matches(key.config_id.as_deref(), Some(lookup.name())) {
        return Err(codes::KEY_NOT_FOUND.into());
    }
    let configuration = configurations.resolve(key.config_id.as_deref());
    match configuration.references {
        References::Organization => check_organization(user_id, &key.reference_id, action)?,
        References::User if key.reference_id != user_id => return Err(codes::KEY_NOT_FOUND.into()),
        References::User => {}
    }
    Ok((key, configuration.clone()))
}

/// The length that JavaScript counts.
fn length(text: &str) -> f64 {
    text.encode_utf16().count() as f64
}

/// # Errors
/// INVALID_NAME_LENGTH.
fn check_name(configuration: &Configuration, name: &str) -> Result<(), AuthError> {
    let (least, most) = configuration.name_length;
    if (least..=most).contains(&length(name)) { Ok(()) } else { Err(codes::INVALID_NAME_LENGTH.into()) }
}

/// A lifetime in seconds that somebody chooses; when it ends.
///
/// # Errors
/// KEY_DISABLED_EXPIRATION, EXPIRES_IN_IS_TOO_SMALL, EXPIRES_IN_IS_TOO_LARGE.
fn expiry(configuration: &Configuration, seconds: f64) -> Result<Timestamp, AuthError> {
    let (least, most) = configuration.expires_in;
    let days = seconds / 86_400.0;
    if days < least {
        return Err(codes::EXPIRES_IN_IS_TOO_SMALL.into());
    }
    if days > most {
        return Err(codes::EXPIRES_IN_IS_TOO_LARGE.into());
    }
    Ok(after(seconds))
}

/// So many seconds from now, the last day that JavaScript knows at the latest.
fn after(seconds: f64) -> Timestamp {
    /// Its dates end 8.64e15 milliseconds after 1970; PostgreSQL's a little later.
    const LONGEST: f64 = 8.0e15;
    Timestamp::now().plus_milliseconds((seconds * 1_000.0).clamp(-LONGEST, LONGEST) as i64)
}
