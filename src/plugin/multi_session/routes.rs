//! The three routes of multi-session.

use std::collections::HashSet;

use super::{INVALID_SESSION_TOKEN, device};
use crate::api::http::{Answer, Body, Context, Response, Route, get, post};
use crate::error::AuthError;
use crate::flow::input::Issues;
use crate::flow::json::{self, Object};
use crate::flow::session::{self, Need};

pub(super) const ROUTES: &[Route] = &[
    get("listDeviceSessions", "/multi-session/list-device-sessions", list),
    Route { writes: false, ..post("setActiveSession", "/multi-session/set-active", set_active) },
    post("revokeDeviceSession", "/multi-session/revoke", revoke),
];

/// The live sessions on the device, one of each user.
fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let mut users = HashSet::new();
    let mut sessions = device::living(context)?;
    sessions.retain(|live| users.insert(live.user.id.clone()));
    Ok(Response::json(json::array(sessions.iter().map(json::live))))
}

/// The name of the cookie that the body's `sessionToken` is of.
fn cookie_name(context: &Context<'_>, body: &Body) -> Result<String, AuthError> {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let token = issues.required("sessionToken", body.get("sessionToken").into());
    issues.finish()?;
    Ok(device::name_of(context, token))
}

/// Makes another session on the device the active one.
fn set_active(context: &mut Context<'_>, body: &Body) -> Answer {
    let name = cookie_name(context, body)?;
    let token = context.signed_cookie(&name)?.ok_or(INVALID_SESSION_TOKEN)?;
    let Some(live) = session::living(&[token])?.pop() else {
        context.expire_named(name);
        return Err(INVALID_SESSION_TOKEN.into());
    };
    context.set_session(&live, None)?;
    Ok(Response::json(json::live(&live)))
}

/// Ends a session on the device. Where that was the active one, the next one is.
fn revoke(context: &mut Context<'_>, body: &Body) -> Answer {
    let name = cookie_name(context, body)?;
    let own = session::require(context, Need::Live)?;
    let token = context.signed_cookie(&name)?.ok_or(INVALID_SESSION_TOKEN)?;
    session::sign_out(Some(&token))?;
    context.expire_named(name);
    if own.session.token == token {
        match device::living(context)?.first() {
            Some(next) => context.set_session(next, None)?,
            None => context.clear_session(),
        }
    }
    Ok(Response::json(Object::new().boolean("status", true).finish()))
}
