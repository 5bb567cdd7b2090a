//! What the settings say of a request.

use serde_json::{Map, Value};
use url::Url;

use super::settings;
use crate::error::AuthError;
use crate::settings::parts;

/// The name of the challenge's cookie, without its prefix.
pub(super) fn cookie() -> String {
    settings::web_authn_challenge_cookie().unwrap_or_else(|| "better-auth-passkey".into())
}

/// The domain that passkeys are for.
pub(super) fn rp_id(base_url: &str) -> String {
    let host = || Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    settings::rp_id().or_else(host).unwrap_or_else(|| "localhost".into())
}

/// The name of the site.
pub(super) fn rp_name() -> String {
    settings::rp_name().unwrap_or_else(|| "Better Auth".into())
}

/// Whose pages may use passkeys: the setting's, or else the page that the request names. Empty where neither says.
pub(super) fn origins(header: Option<&str>) -> Vec<String> {
    let listed = settings::origin().unwrap_or_default();
    let listed: Vec<String> = parts(&listed).map(str::to_owned).collect();
    if !listed.is_empty() {
        return listed;
    }
    header.filter(|origin| !origin.is_empty()).map(str::to_owned).into_iter().collect()
}

/// The extensions that a setting names.
///
/// # Errors
/// They are no JSON object.
pub(super) fn extensions(
    setting: &str,
    value: Option<String>,
) -> Result<Option<Map<String, Value>>, AuthError> {
    let Some(value) = value else { return Ok(None) };
    let object = serde_json::from_str(&value);
    object.map(Some).map_err(|_| AuthError::Setup(format!("better_auth.{setting} is no JSON object")))
}
