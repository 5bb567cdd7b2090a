//! `GET /expo-authorization-proxy`: an app's browser gets the cookie of the OAuth state from the server that will want
//! it back, and goes on to the provider.

use super::{INVALID_AUTHORIZATION_URL, UNEXPECTED_ERROR};
use crate::api::http::location::{form_pairs, parse};
use crate::api::http::{Answer, Body, Context, Response, Route, get};
use crate::error::AuthError;
use crate::flow::input::Issues;
use crate::flow::session;
use crate::flow::url::encode;

pub(super) const ROUTES: &[Route] = &[get("expoAuthorizationProxy", "/expo-authorization-proxy", proxy)];

/// Lifetimes in seconds of the two cookies: Better Auth's, fixed.
const STATE: i64 = 300;
const SEALED_STATE: i64 = 600;

fn proxy(context: &mut Context<'_>, _: &Body) -> Answer {
    let (url, sealed) =
        (context.request.query_value("authorizationURL"), context.request.query_value("oauthState"));
    let mut issues = Issues::of_query();
    let url = issues.required("authorizationURL", url.as_ref().into());
    let sealed = issues.optional("oauthState", sealed.as_ref().into()).filter(|state| !state.is_empty());
    issues.finish()?;
    let parsed = parse(url, None)
        .filter(|parsed| parsed.scheme() == "https" && !url.contains('#') && !url.contains(char::is_control))
        .filter(|parsed| parsed.origin().ascii_serialization() != context.site.origin())
        .ok_or(INVALID_AUTHORIZATION_URL)?;
    match sealed {
        Some(sealed) => {
            let name = context.name("oauth_state");
            context.set(name, &encode(sealed), Some(SEALED_STATE));
        }
        None => {
            let mut pairs = form_pairs(parsed.query().unwrap_or_default()).into_iter();
            let state = pairs.find(|(name, _)| name == "state").map(|(_, state)| state);
            let state = state.filter(|state| !state.is_empty()).ok_or(UNEXPECTED_ERROR)?;
            if !is_state(&state)? {
                return Err(INVALID_AUTHORIZATION_URL.into());
            }
            context.set_signed("state", &state, Some(STATE))?;
        }
    }
    Ok(Response::redirect(url.to_owned()))
}

/// Whether a text may be signed for whoever asks: 32 characters, as Better Auth's OAuth states are, and no session's
/// token. The secret that signs cookies also signs the tokens of mails and what the cookie cache holds, so who could have
/// any text signed could be anybody.
fn is_state(text: &str) -> Result<bool, AuthError> {
    let is_of_state = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    Ok(text.len() == 32 && text.bytes().all(is_of_state) && session::owner(text)?.is_none())
}
