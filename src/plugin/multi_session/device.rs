//! The cookies of a device's sessions: `<name of the session's cookie>_multi-<token in small letters>`, each with the
//! same signed value as the session's own.

use super::settings;
use crate::api::http::Context;
use crate::api::http::cookies::{is_name, parse_strict};
use crate::error::AuthError;
use crate::flow::session::{self, Live};
use crate::settings::session_expires_in;
use crate::store::server::is_writable;

/// What is in the name of each, whatever stands before it.
const MARK: &str = "_multi-";
/// How many of them are looked at: a request can bring thousands.
const MAX_LOOKED_AT: usize = 100;

/// A cookie of a session on the device.
pub(super) struct Held {
    name: String,
    /// The session's token, if the signature is right.
    token: Option<String>,
}

/// The name of the cookie of the session with this token.
pub(super) fn name_of(context: &Context<'_>, token: &str) -> String {
    format!("{}{MARK}{}", context.session_cookie_name(), token.to_lowercase())
}

/// The names of the cookies that the request brought, and how many more of them it brought than are looked at.
fn names(context: &Context<'_>) -> (Vec<String>, usize) {
    let Some(header) = context.request.header("cookie").filter(|header| header.contains(MARK)) else {
        return (Vec::new(), 0);
    };
    let mut names: Vec<String> =
        parse_strict(&header).into_iter().map(|(name, _)| name).filter(|name| name.contains(MARK)).collect();
    let brought = names.len();
    names.truncate(MAX_LOOKED_AT);
    let more = brought - names.len();
    (names, more)
}

/// Whether the request brought a cookie of this name that says something.
fn brings(context: &Context<'_>, name: &str) -> bool {
    let header = context.request.header("cookie").filter(|header| header.contains(name));
    header.is_some_and(|header| {
        parse_strict(&header).iter().any(|(cookie, value)| cookie == name && !value.is_empty())
    })
}

fn held(context: &Context<'_>, names: Vec<String>) -> Result<Vec<Held>, AuthError> {
    let token = |name: &String| context.signed_cookie(name);
    names.into_iter().map(|name| Ok(Held { token: token(&name)?, name })).collect()
}

/// The session tokens on the device, each once, in the order of their cookies.
///
/// # Errors
/// There is no usable secret.
pub(super) fn tokens(context: &Context<'_>) -> Result<Vec<String>, AuthError> {
    let mut tokens: Vec<String> = Vec::new();
    for token in held(context, names(context).0)?.into_iter().filter_map(|held| held.token) {
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

/// The live sessions on the device, in the order of their cookies.
///
/// # Errors
/// Those of the store.
pub(super) fn living(context: &Context<'_>) -> Result<Vec<Live>, AuthError> {
    session::living(&tokens(context)?)
}

/// Gives the session that the answer opens a cookie of its own. Others of the same user end: one account, one session
/// on a device.
///
/// # Errors
/// Those of the store.
pub(super) fn remember(context: &mut Context<'_>) -> Result<(), AuthError> {
    let Some(opened) = context.new_session.clone().filter(|_| is_writable()) else { return Ok(()) };
    let session_name = context.session_cookie_name();
    let sets_session = context.set_cookie_headers().any(|header| header.contains(&session_name));
    let last = format!("session_token{MARK}{}", opened.session.token.to_lowercase());
    let own = context.name(&last);
    let is_set = context.set_cookie_headers().any(|header| header.split('=').next() == Some(&own));
    // A token of an import may be of letters that no cookie's name has.
    if context.set_cookie_headers().next().is_none() || is_set || !is_name(&own) || brings(context, &own) {
        return Ok(());
    }
    let (names, more) = names(context);
    let mut count = names.len() + more + usize::from(sets_session);
    for Held { name, token } in held(context, names)? {
        let Some(token) = token else { continue };
        if session::owner(&token)?.is_some_and(|owner| owner == opened.user.id) {
            session::sign_out(Some(&token))?;
            context.set(name, "", Some(0));
            count -= 1;
        }
    }
    let most = usize::try_from(settings::maximum_sessions()).unwrap_or(usize::MAX);
    if count <= most {
        context.set_signed(&last, &opened.session.token, Some(session_expires_in()))?;
    }
    Ok(())
}

/// Ends all sessions on the device.
///
/// # Errors
/// Those of the store.
pub(super) fn forget_all(context: &mut Context<'_>) -> Result<(), AuthError> {
    const SECURE: &str = "__secure-";
    for Held { name, token } in held(context, names(context).0)? {
        let Some(token) = token else { continue };
        let name = name.to_lowercase();
        context.expire_named(match name.strip_prefix(SECURE) {
            Some(rest) => format!("__Secure-{rest}"),
            None => name,
        });
        session::sign_out(Some(&token))?;
    }
    Ok(())
}
