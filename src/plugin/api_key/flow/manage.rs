//! Keys that there are: Better Auth's `getApiKey`, `listApiKeys`, `updateApiKey` and `deleteApiKey`.

use serde_json::Value;

use super::{Door, Terms, check_name, check_organization, expiry, maker, own};
use crate::error::AuthError;
use crate::flow::json::stringify;
use crate::flow::session::{Caller, Need, require};
use crate::plugin::api_key::codes;
use crate::plugin::api_key::options::{Configurations, References, matches};
use crate::plugin::api_key::store::{self, Change, Key};

/// A key of the caller's, or of an organization whose keys they may read.
///
/// # Errors
/// UNAUTHORIZED, KEY_NOT_FOUND, and those of organizations.
pub(in crate::plugin::api_key) fn get(
    caller: &mut dyn Caller,
    id: &str,
    config_id: Option<&str>,
) -> Result<Key, AuthError> {
    let live = require(caller, Need::Cached)?;
    own(&Configurations::now()?, &live.user.id, id, config_id, "read").map(|(key, _)| key)
}

/// Deletes one.
///
/// # Errors
/// As [`get`], and USER_BANNED.
pub(in crate::plugin::api_key) fn delete(
    caller: &mut dyn Caller,
    id: &str,
    config_id: Option<&str>,
) -> Result<(), AuthError> {
    let live = require(caller, Need::Cached)?;
    if live.user.is("banned") {
        return Err(codes::USER_BANNED.into());
    }
    let (key, _) = own(&Configurations::now()?, &live.user.id, id, config_id, "delete")?;
    store::delete(&key.id)
}

/// Which keys are to be listed.
pub(in crate::plugin::api_key) struct Listing<'a> {
    pub(in crate::plugin::api_key) config_id: Option<&'a str>,
    pub(in crate::plugin::api_key) organization_id: Option<&'a str>,
    pub(in crate::plugin::api_key) limit: Option<usize>,
    pub(in crate::plugin::api_key) offset: Option<usize>,
    pub(in crate::plugin::api_key) sort_by: Option<&'a str>,
    pub(in crate::plugin::api_key) is_descending: bool,
}

/// The keys, and how many there are on all pages.
///
/// # Errors
/// UNAUTHORIZED, and those of organizations; a field to sort by that there isn't.
pub(in crate::plugin::api_key) fn list(
    caller: &mut dyn Caller,
    listing: &Listing<'_>,
) -> Result<(Vec<Key>, usize), AuthError> {
    let live = require(caller, Need::Cached)?;
    let configurations = Configurations::now()?;
    let organization = listing.organization_id.filter(|id| !id.is_empty());
    if let Some(organization) = organization {
        check_organization(&live.user.id, organization, "read")?;
    }
    let references = if organization.is_some() { References::Organization } else { References::User };
    let owner = listing.organization_id.unwrap_or(&live.user.id);
    let no_field = || AuthError::Validation(vec!["[query.sortBy] Invalid input".into()]);
    let keys = store::list(owner, listing.sort_by.filter(|field| !field.is_empty()), listing.is_descending)?;
    let mut keys = keys.ok_or_else(no_field)?;
    let config_id = listing.config_id.filter(|id| !id.is_empty());
    keys.retain(|key| {
        let id = key.config_id.as_deref();
        configurations.references(id) == references
            && config_id.is_none_or(|wanted| matches(id, Some(wanted)))
    });
    let total = keys.len();
    let from = listing.offset.unwrap_or(0);
    let page = keys.into_iter().skip(from).take(listing.limit.unwrap_or(usize::MAX)).collect();
    Ok((page, total))
}

/// What an update sets; `None` stays as it is.
pub(in crate::plugin::api_key) struct Wish<'a> {
    pub(in crate::plugin::api_key) config_id: Option<&'a str>,
    pub(in crate::plugin::api_key) id: &'a str,
    pub(in crate::plugin::api_key) user_id: Option<&'a str>,
    pub(in crate::plugin::api_key) name: Option<&'a str>,
    pub(in crate::plugin::api_key) enabled: Option<bool>,
    pub(in crate::plugin::api_key) metadata: Option<&'a Value>,
    /// In seconds; for ever, if it is null.
    pub(in crate::plugin::api_key) expires_in: Option<Option<f64>>,
    pub(in crate::plugin::api_key) terms: Terms<'a>,
}

/// Changes a key.
///
/// # Errors
/// What Better Auth refuses, in its order.
pub(in crate::plugin::api_key) fn update(
    caller: &mut dyn Caller,
    door: Door,
    wish: &Wish<'_>,
) -> Result<Key, AuthError> {
    let user = maker(caller, door, wish.user_id)?;
    let terms = wish.terms;
    terms.check(door)?;
    let (key, configuration) = own(&Configurations::now()?, &user, wish.id, wish.config_id, "update")?;
    let mut changes = Vec::new();
    if let Some(name) = wish.name {
        check_name(&configuration, name)?;
        changes.push(("name", Change::Text(Some(name))));
    }
    if let Some(enabled) = wish.enabled {
        changes.push(("enabled", Change::Boolean(enabled)));
    }
    if let Some(expires_in) = wish.expires_in {
        if configuration.has_fixed_expiry {
            return Err(codes::KEY_DISABLED_EXPIRATION.into());
        }
        let expires_at = expires_in.map(|seconds| expiry(&configuration, seconds)).transpose()?;
        changes.push(("expiresAt", Change::Time(expires_at)));
    }
    let metadata = wish.metadata.filter(|_| configuration.has_metadata);
    let text = metadata.map(stringify);
    if let Some(metadata) = metadata {
        if !matches!(metadata, Value::Null | Value::Object(_) | Value::Array(_)) {
            return Err(codes::INVALID_METADATA_TYPE.into());
        }
        changes.push(("metadata", Change::Text(text.as_deref())));
    }
    if let Some(remaining) = terms.remaining {
        changes.push(("remaining", Change::Integer(Some(remaining))));
    }
    match (terms.refill_amount, terms.refill_interval) {
        (None, None) => {}
        (Some(_), None) => return Err(codes::REFILL_AMOUNT_AND_INTERVAL_REQUIRED.into()),
        (None, Some(_)) => return Err(codes::REFILL_INTERVAL_AND_AMOUNT_REQUIRED.into()),
        (amount, interval) => {
            changes.push(("refillAmount", Change::Integer(amount)));
            changes.push(("refillInterval", Change::Integer(interval)));
        }
    }
    if let Some(enabled) = terms.rate_limit_enabled {
        changes.push(("rateLimitEnabled", Change::Boolean(enabled)));
    }
    for (field, number) in
        [("rateLimitTimeWindow", terms.rate_limit_time_window), ("rateLimitMax", terms.rate_limit_max)]
    {
        changes.extend(number.map(|number| (field, Change::Integer(Some(number)))));
    }
    let permissions = terms.permissions.map(stringify);
    if let Some(permissions) = &permissions {
        changes.push(("permissions", Change::Text(Some(permissions))));
    }
    if changes.is_empty() {
        return Err(codes::NO_VALUES_TO_UPDATE.into());
    }
    Ok(store::update(&key.id, &changes)?.unwrap_or(key))
}
