//! The server that a sign-in begins at.

use serde_json::{Map, Value, json};
use url::Url;

use super::{seal, settings};
use crate::api::http::location::{form_pairs, parse, with_parameters};
use crate::api::http::{Context, Response};
use crate::error::AuthError;
use crate::flow::input::{is_truthy, js_string};
use crate::flow::oauth::state;
use crate::flow::secrets::Purpose;
use crate::flow::url::encode;

fn origin(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url.origin().ascii_serialization())
}

/// The URL that a request was made to; none of a call in SQL.
fn request_url<'c>(context: &'c Context<'_>) -> Option<&'c Url> {
    Some(&context.request.url).filter(|_| !context.is_direct)
}

/// Better Auth's `checkSkipProxy`: whether a sign-in goes the usual way, as on the server that providers know.
fn is_skipped(context: &Context<'_>) -> bool {
    let asked = context.request.header("x-skip-oauth-proxy").is_some_and(|value| !value.is_empty());
    if asked && !context.is_direct {
        return true;
    }
    let current = settings::current_url().or_else(|| request_url(context).map(Url::to_string));
    let production = settings::production_url().unwrap_or_else(|| context.site.base_url.clone());
    current.is_some_and(|current| origin(&current) == origin(&production))
}

/// Better Auth's `resolveCurrentURL`: the origin that the browser comes back to.
///
/// # Errors
/// `better_auth.base_url` isn't set, and neither is where this server is.
fn current_origin(context: &Context<'_>) -> Result<String, AuthError> {
    if let Some(origin) = settings::current_url().as_deref().and_then(origin) {
        return Ok(origin);
    }
    // Whoever comes back there is signed in: no host counts that a request names by itself.
    context.site.link_base()?;
    let asked = request_url(context).map(|url| url.origin().ascii_serialization());
    let trusted = asked.filter(|origin| context.site.is_trusted(origin, false));
    Ok(trusted.unwrap_or_else(|| context.site.origin().to_owned()))
}

/// A sign-in begins: the provider sends the browser to the other server, and that one back here.
///
/// # Errors
/// As [`current_origin`].
pub(super) fn begin(context: &mut Context<'_>, fields: &mut Map<String, Value>) -> Result<(), AuthError> {
    let given = |name: &str| fields.get(name).filter(|value| is_truthy(value)).and_then(js_string);
    let Some(provider) = given("provider").filter(|_| !is_skipped(context)) else { return Ok(()) };
    let to = given("callbackURL").unwrap_or_else(|| context.site.base_url.clone());
    let base = format!("{}{}", current_origin(context)?, context.site.base_path());
    let url = format!("{base}/callback/{provider}/oauth-proxy?callbackURL={}", encode(&to));
    fields.insert("callbackURL".into(), url.into());
    if let Some(production) = settings::production_url() {
        let returns_to = format!("{}{}", production.trim_end_matches('/'), context.site.base_path());
        context.returns_to = Some(returns_to);
    }
    Ok(())
}

/// It has begun: the state takes along what is kept of it, for the other server.
///
/// # Errors
/// There is no usable secret; those of the store.
pub(super) fn pack(context: &Context<'_>, response: &mut Response) -> Result<(), AuthError> {
    let Ok(mut answer) = serde_json::from_str::<Map<String, Value>>(&response.body) else { return Ok(()) };
    let url = answer.get("url").and_then(Value::as_str).filter(|url| !url.is_empty());
    let Some(url) = url.filter(|_| !is_skipped(context)).and_then(|url| parse(url, None)) else {
        return Ok(());
    };
    let pairs = form_pairs(url.query().unwrap_or_default());
    let state = pairs.iter().find(|(name, _)| name == "state").map(|(_, state)| state.as_str());
    let Some(state) = state.filter(|state| !state.is_empty()) else { return Ok(()) };
    let Some(kept) = state::kept(state)? else { return Ok(()) };
    let kept = seal(Purpose::ProxyState, &kept)?;
    let package = json!({"state": state, "stateCookie": kept, "isOAuthProxy": true});
    let package = seal(Purpose::ProxyPackage, &package.to_string())?;
    if let Some(url) = with_parameters(url.as_str(), url.as_str(), &[("state", &package)]) {
        answer.insert("url".into(), url.into());
        response.body = Value::Object(answer).to_string();
    }
    Ok(())
}
