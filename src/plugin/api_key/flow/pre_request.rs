//! A request of PostgREST's with a key alone: it becomes one in the name of the key's owner.

use serde_json::Map;

use super::verify::{Question, verify};
use crate::error::AuthError;
use crate::flow::hooks::bridge_claims;
use crate::flow::json::Object;
use crate::identity::{claims, verified};
use crate::plugin::api_key::json;
use crate::plugin::api_key::options::{Configurations, References, may_be_for_pre_request};
use crate::plugin::api_key::session::stand_in;
use crate::settings;
use crate::store::server::{Timestamp, act_as, request_headers};
use crate::store::user;

/// Claims that say what the key is, and which nobody else sets.
const OURS: [&str; 3] = ["role", "apiKey", "apiKeyPermissions"];

/// Puts the owner of the request's key, if it has one, into the claims of the transaction, and the role of bridge
/// tokens into its role. False where the key is refused, whatever the reason, and where the request has a token of
/// somebody's too: it is one in one name.
///
/// # Errors
/// The server is at fault.
pub(in crate::plugin::api_key) fn identify() -> Result<bool, AuthError> {
    if !may_be_for_pre_request() {
        return Ok(true);
    }
    let configurations = Configurations::now()?;
    let headers = request_headers();
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let Some((configuration, brought)) = configurations.brought(|one| one.is_for_pre_request, header) else {
        return Ok(true);
    };
    if claims::name_somebody() {
        return Ok(false);
    }
    let question = Question {
        key: &brought,
        permissions: None,
        lookup: configuration,
        expected: None,
        suits: |own| own.is_for_pre_request && own.references == References::User,
        is_for_request: true,
    };
    let key = match verify(&configurations, &question) {
        Ok(key) => key,
        Err(error) if error.status().is_some() => return Ok(false),
        Err(error) => return Err(error),
    };
    // As in a bridge token, the DBA has the last word: on the role too. Nobody else needs the user's row.
    let added = match settings::bridge_claims_function() {
        None => Map::new(),
        Some(_) => {
            let Some(user) = user::find(&key.reference_id)? else { return Ok(false) };
            bridge_claims(&stand_in(&key, brought, user))?
        }
    };
    let role = added.get("role").map(|role| role.as_str().unwrap_or_default().to_owned());
    // The role that stands for none gives up a role, and with it what keeps the authenticator from everything.
    let role = role
        .or_else(settings::jwt_role)
        .filter(|role| !role.is_empty())
        .filter(|role| role != "none")
        .ok_or_else(|| AuthError::Setup("better_auth.jwt_role, or the role of better_auth.bridge_claims_function, has to name a database role".into()))?;
    let mut claims = Object::new().text("sub", &key.reference_id).text("role", &role);
    if !added.contains_key("aud")
        && let Some(audience) = settings::with_jwt_audience(|audience| audience.map(str::to_owned))
    {
        claims = claims.text("aud", &audience);
    }
    claims = claims.text("apiKey", &key.id);
    if let Some(permissions) = json::permissions(&key) {
        claims = claims.json("apiKeyPermissions", &permissions.to_string());
    }
    for (name, value) in added.iter().filter(|(name, _)| !OURS.contains(&name.as_str())) {
        claims = claims.json(name, &value.to_string());
    }
    let claims = claims.finish();
    act_as(&claims, &role)?;
    if settings::believes_verified() {
        // As authenticate() has it of a token: the key was verified in this transaction.
        let end = Timestamp::now().plus(settings::jwt_expires_in());
        verified::set(&claims, key.expires_at.map_or(end, |expires_at| end.min(expires_at)));
    }
    Ok(true)
}
