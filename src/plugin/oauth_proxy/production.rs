//! The server that providers know.

use serde_json::{Map, Value};

use super::{seal, settings, unseal};
use crate::api::http::location::{form_pairs, parse, with_parameters};
use crate::api::http::oauth::{failed, redirect_uri};
use crate::api::http::{Body, Context, Response};
use crate::error::AuthError;
use crate::flow::input::is_truthy;
use crate::flow::oauth::callback::Callback;
use crate::flow::oauth::proxied::{self, Other};
use crate::flow::secrets::Purpose;

/// What a provider may send, besides the state.
const GIVEN: [&str; 5] = ["code", "error", "user", "iss", "device_id"];

fn opened(purpose: Purpose, sealed: &str) -> Result<Option<Map<String, Value>>, AuthError> {
    let json = unseal(purpose, sealed)?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

fn text<'v>(of: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    of.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A provider has sent a browser back that another server has sent there: the provider is asked, and the browser goes on
/// to that server, with what was told. `None` where it was no other server's.
///
/// # Errors
/// There is no usable secret; those of the store; [`AuthError::Suspended`].
pub(super) fn callback(context: &mut Context<'_>, body: &Body) -> Result<Option<Response>, AuthError> {
    let brought = |name: &str| {
        let in_body = || body.get(name).filter(|value| !value.is_null()).cloned();
        context.request.query_value(name).or_else(in_body)
    };
    let Some(Value::String(sealed)) = brought("state") else { return Ok(None) };
    let Some(package) = opened(Purpose::ProxyPackage, &sealed)? else { return Ok(None) };
    let is_ours = package.get("isOAuthProxy").is_some_and(is_truthy);
    let (Some(state), Some(kept)) = (text(&package, "state"), text(&package, "stateCookie")) else {
        return Ok(None);
    };
    let values = GIVEN.map(brought);
    if !is_ours || values.iter().flatten().any(|value| !value.is_string()) {
        return Ok(None);
    }
    let Some(kept) = opened(Purpose::ProxyState, kept)? else { return Ok(None) };
    let error_url = text(&kept, "errorURL").map(str::to_owned);
    let refused =
        |context: &Context<'_>, word: &str| failed(context, error_url.as_deref(), word, None).map(Some);
    if kept.get("oauthState").is_some_and(|own| own.as_str() != Some(state)) {
        return refused(context, "state_mismatch");
    }
    let [code, error, user, iss, device_id] = values.each_ref().map(|value| value.as_ref()?.as_str());
    let provider_id = context.request.last_segment();
    let redirect_uri = redirect_uri(context, provider_id)?;
    let callback = Callback {
        provider_id,
        code,
        error,
        error_description: None,
        state,
        device_id,
        user,
        iss,
        redirect_uri: &redirect_uri,
    };
    let way_back = text(&kept, "callbackURL").unwrap_or_default();
    let in_query = || {
        let pairs = form_pairs(parse(way_back, None)?.query()?);
        pairs.into_iter().find(|(name, _)| name == "callbackURL").map(|(_, url)| url)
    };
    let callback_url = in_query().filter(|url| !url.is_empty());
    let other = Other { state, kept: &kept, callback_url: callback_url.as_deref().unwrap_or(way_back) };
    let payload = match proxied::ask(context, &callback, &other)? {
        Ok(payload) => payload,
        Err(word) => return refused(context, &word),
    };
    let sealed = seal(Purpose::ProxyProfile, &payload)?;
    match parse(way_back, None).and_then(|_| with_parameters(way_back, way_back, &[("profile", &sealed)])) {
        Some(location) => Ok(Some(Response::redirect(location))),
        None => refused(context, "no_callback_url"),
    }
}

/// Where a browser goes that would go on to the other server, but that is this one: it has been signed in already.
pub(super) fn without_proxy(context: &Context<'_>, response: &Response) -> Option<String> {
    let location = response.header("location").filter(|location| location.starts_with("http"))?;
    if !["/oauth-proxy?callbackURL", "/oauth-proxy-callback?callbackURL"]
        .iter()
        .any(|at| location.contains(at))
    {
        return None;
    }
    let production = settings::production_url().unwrap_or_else(|| context.site.base_url.clone());
    let (location, production) = (parse(location, None)?, parse(&production, None)?);
    if location.origin() != production.origin() {
        return None;
    }
    let mut pairs = form_pairs(location.query()?).into_iter();
    pairs.find(|(name, _)| name == "callbackURL").map(|(_, url)| url).filter(|url| !url.is_empty())
}
