//! The plugin's endpoints: over HTTP, and as functions for PostgREST; and what it does after others.

use pgrx::prelude::*;

use super::flow;
use crate::api::http::{Answer, Body, Context, Response, Route, post};
use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::error::AuthError;
use crate::flow::json::{self, Object};
use crate::flow::session::Live;
use crate::plugin::Rpc;

pub(super) const ROUTES: &[Route] = &[
    post("signInAnonymous", "/sign-in/anonymous", sign_in),
    post("deleteAnonymousUser", "/delete-anonymous-user", delete),
];

pub(super) const RPC: &[Rpc] = &[
    Rpc {
        name: "sign_in_anonymous",
        arguments: "session_token text DEFAULT NULL",
        comment: "Makes an anonymous user and opens a session.",
    },
    Rpc {
        name: "delete_anonymous_user",
        arguments: "session_token text DEFAULT NULL",
        comment: "Deletes the caller, who is an anonymous user.",
    },
];

/// Where an anonymous user may become another one: Better Auth's list.
const LINKING: [&str; 9] = [
    "/sign-in",
    "/sign-up",
    "/callback",
    "/magic-link/verify",
    "/email-otp/verify-email",
    "/one-tap/callback",
    "/passkey/verify-authentication",
    "/phone-number/verify",
    "/verify-email",
];

fn sign_in(context: &mut Context<'_>, _: &Body) -> Answer {
    let current = context.session_as_it_is()?;
    let live = flow::sign_in(context, current.as_ref())?;
    let answer =
        Object::new().text("token", &live.session.token).json("user", &json::user(&live.user)).finish();
    context.set_session(&live, None)?;
    Ok(Response::json(answer))
}

fn delete(context: &mut Context<'_>, _: &Body) -> Answer {
    flow::delete(context)?;
    context.clear_session();
    Ok(Response::json(Object::new().boolean("success", true).finish()))
}

/// Links the anonymous user who has asked to the user whom the answer signs in.
///
/// # Errors
/// As [`flow::link`].
pub(super) fn link(context: &mut Context<'_>) -> Result<(), AuthError> {
    if !LINKING.iter().any(|prefix| context.path.starts_with(prefix)) {
        return Ok(());
    }
    let Some(new) = context.new_session.clone() else { return Ok(()) };
    // Nothing is said of the old session's cookies: the answer sets those of the new one.
    let is_left = |old: &Live| flow::is_anonymous(&old.user) && old.session.token != new.session.token;
    match context.session_as_it_is()?.filter(is_left) {
        Some(old) => flow::link(&old, &new),
        None => Ok(()),
    }
}

#[pg_extern(sql = false)]
fn rpc_sign_in_anonymous(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/sign-in/anonymous")
}

#[pg_extern(sql = false)]
fn rpc_delete_anonymous_user(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/delete-anonymous-user")
}
