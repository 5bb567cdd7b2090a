//! A new key: Better Auth's `createApiKey`.

use serde_json::Value;

use super::{Door, Terms, after, check_name, check_organization, expiry, hold_session, length, maker, sweep};
use crate::crypto::digest::key_hash;
use crate::crypto::random::Alphabet;
use crate::error::AuthError;
use crate::flow::input::is_truthy;
use crate::flow::json::stringify;
use crate::flow::session::Caller;
use crate::plugin::api_key::codes;
use crate::plugin::api_key::options::{Configuration, Configurations, References};
use crate::plugin::api_key::store::{self, Key};
use crate::store::server::{Timestamp, random_text};

/// What is asked for.
pub(in crate::plugin::api_key) struct Wish<'a> {
    pub(in crate::plugin::api_key) config_id: Option<&'a str>,
    pub(in crate::plugin::api_key) name: Option<&'a str>,
    /// In seconds.
    pub(in crate::plugin::api_key) expires_in: Option<f64>,
    pub(in crate::plugin::api_key) prefix: Option<&'a str>,
    pub(in crate::plugin::api_key) metadata: Option<&'a Value>,
    pub(in crate::plugin::api_key) user_id: Option<&'a str>,
    pub(in crate::plugin::api_key) organization_id: Option<&'a str>,
    pub(in crate::plugin::api_key) terms: Terms<'a>,
}

/// Makes a key; the row, and the key itself.
///
/// # Errors
/// What Better Auth refuses, in its order.
pub(in crate::plugin::api_key) fn create(
    caller: &mut dyn Caller,
    door: Door,
    wish: &Wish<'_>,
) -> Result<(Key, String), AuthError> {
    let configurations = Configurations::now()?;
    let configuration = configurations.resolve(wish.config_id);
    let terms = wish.terms;
    terms.check(door)?;
    if door.is_request && wish.user_id.is_some() {
        return Err(codes::UNAUTHORIZED_SESSION.into());
    }
    let owner = owner(caller, door, configuration, wish)?;
    let metadata = wish.metadata.filter(|metadata| is_truthy(metadata));
    if let Some(metadata) = metadata {
        if !configuration.has_metadata {
            return Err(codes::METADATA_DISABLED.into());
        }
        if !metadata.is_object() && !metadata.is_array() {
            return Err(codes::INVALID_METADATA_TYPE.into());
        }
    }
    match (terms.refill_amount.unwrap_or(0) != 0, terms.refill_interval.unwrap_or(0) != 0) {
        (true, false) => return Err(codes::REFILL_AMOUNT_AND_INTERVAL_REQUIRED.into()),
        (false, true) => return Err(codes::REFILL_INTERVAL_AND_AMOUNT_REQUIRED.into()),
        _ => {}
    }
    let expires_at = match wish.expires_in.filter(|seconds| *seconds != 0.0) {
        Some(_) if configuration.has_fixed_expiry => return Err(codes::KEY_DISABLED_EXPIRATION.into()),
        Some(seconds) => Some(expiry(configuration, seconds)?),
        None => configuration.default_expires_in.map(after),
    };
    if let Some(prefix) = wish.prefix.filter(|prefix| !prefix.is_empty()) {
        let (least, most) = configuration.prefix_length;
        if !(least..=most).contains(&length(prefix)) {
            return Err(codes::INVALID_PREFIX_LENGTH.into());
        }
    }
    match wish.name.filter(|name| !name.is_empty()) {
        Some(name) => check_name(configuration, name)?,
        None if configuration.requires_name => return Err(codes::NAME_REQUIRED.into()),
        None => {}
    }
    sweep()?;
    let prefix = wish.prefix.or(configuration.default_prefix.as_deref());
    let letters = random_text(Alphabet::Letters, configuration.key_length)?;
    let key = format!("{}{letters}", prefix.unwrap_or_default());
    let hashed = if configuration.is_plain { key.clone() } else { key_hash(&key) };
    let now = Timestamp::now();
    let draft = Key {
        id: String::new(),
        config_id: Some(configuration.name().to_owned()),
        name: wish.name.map(str::to_owned),
        start: configuration.start.map(|length| key.chars().take(length).collect()),
        reference_id: owner,
        prefix: prefix.map(str::to_owned),
        refill_interval: terms.refill_interval,
        refill_amount: terms.refill_amount,
        last_refill_at: None,
        enabled: Some(true),
        rate_limit_enabled: Some(terms.rate_limit_enabled.unwrap_or(configuration.is_limited)),
        rate_limit_time_window: terms.rate_limit_time_window.or(configuration.window),
        rate_limit_max: terms.rate_limit_max.or(configuration.max),
        request_count: Some(0),
        remaining: terms.remaining,
        last_request: None,
        expires_at,
        created_at: now,
        updated_at: now,
        permissions: terms.permissions.map(stringify).or_else(|| configuration.default_permissions.clone()),
        metadata: Some(metadata.map_or_else(|| "null".into(), stringify)),
    };
    let row = store::create(&draft, &hashed)?;
    let missing = || AuthError::Setup("a new API key is gone: a trigger on its table took it".into());
    Ok((row.ok_or_else(missing)?, key))
}

/// Whose the key is to be.
fn owner(
    caller: &mut dyn Caller,
    door: Door,
    configuration: &Configuration,
    wish: &Wish<'_>,
) -> Result<String, AuthError> {
    match configuration.references {
        References::User => maker(caller, door, wish.user_id),
        References::Organization => {
            let organization = wish.organization_id.filter(|id| !id.is_empty());
            let organization = organization.ok_or(codes::ORGANIZATION_ID_REQUIRED)?;
            let session = caller.session(true)?.map(|live| live.user.id);
            let user = session.or_else(|| wish.user_id.filter(|id| !id.is_empty()).map(str::to_owned));
            let user = user.ok_or(codes::UNAUTHORIZED_SESSION)?;
            check_organization(&user, organization, "create")?;
            hold_session(caller)?;
            Ok(organization.to_owned())
        }
    }
}
