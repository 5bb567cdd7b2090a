//! The SQL functions of Better Auth's capabilities, and the signer. `sql/finish.sql` takes EXECUTE on
//! them from PUBLIC and gives each its COMMENT.

use pgrx::datum::Interval;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::api::json;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::{OrRaise, not_null};
use crate::crypto::jwt::Refusal;
use crate::error::AuthError;
use crate::flow::session::{self, Client};
use crate::flow::{sign_in, sign_up, token};
use crate::identity;

/// Whole seconds of an interval: a month is 30 days, as in `EXTRACT(EPOCH ...)`'s months.
pub(super) fn seconds(interval: Interval) -> Result<i64, AuthError> {
    i64::try_from(interval.as_micros().div_euclid(1_000_000))
        .map_err(|_| AuthError::Argument("the interval is too long".into()))
}

fn status() -> JsonText {
    json!({ "status": true }).into()
}

/// Signs up a user: Better Auth's `POST /sign-up/email`. `{token, user}`; the token is null where the
/// settings open no session. `remember_me => false` opens one that ends after a day. `callback_url` is
/// for the verification mail.
///
/// Errors: see [`sign_up::email`].
#[pg_extern]
#[allow(clippy::too_many_arguments, reason = "SQL passes them by name")]
fn sign_up_email(
    email: Option<&str>,
    password: Option<&str>,
    name: Option<&str>,
    image: default!(Option<&str>, "NULL"),
    callback_url: default!(Option<&str>, "NULL"),
    remember_me: default!(Option<bool>, "true"),
    ip_address: default!(Option<&str>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> JsonText {
    // Only a mail would carry it, and none is sent yet.
    let _ = callback_url;
    let request = sign_up::Request {
        name,
        email,
        password,
        image,
        remember_me: remember_me.unwrap_or(true),
        client: Client { ip_address, user_agent },
    };
    let done = sign_up::email(&request).or_raise();
    json!({
        "token": done.session.map(|session| session.token),
        "user": json::user(&done.user),
    })
    .into()
}

/// Signs in: Better Auth's `POST /sign-in/email`. `{redirect, token, user}`, and `url` where a
/// `callback_url` was given.
///
/// Errors: see [`sign_in::email`].
#[pg_extern]
fn sign_in_email(
    email: Option<&str>,
    password: Option<&str>,
    remember_me: default!(Option<bool>, "true"),
    callback_url: default!(Option<&str>, "NULL"),
    ip_address: default!(Option<&str>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> JsonText {
    let request = sign_in::Request {
        email,
        password,
        remember_me: remember_me.unwrap_or(true),
        client: Client { ip_address, user_agent },
    };
    let (session, user) = sign_in::email(&request).or_raise();
    let url = callback_url.filter(|url| !url.is_empty());
    let mut answer = json!({
        "redirect": url.is_some(),
        "token": session.token,
        "user": json::user(&user),
    });
    if let (Some(url), Some(answer)) = (callback_url, answer.as_object_mut()) {
        answer.insert("url".into(), url.into());
    }
    answer.into()
}

/// Ends a session: Better Auth's `POST /sign-out`. `{success: true}`, whether there was one or not.
#[pg_extern]
fn sign_out(session_token: Option<&str>) -> JsonText {
    session::sign_out(session_token).or_raise();
    json!({ "success": true }).into()
}

/// The session with this token and its user: Better Auth's `GET /get-session`. NULL when there is none
/// or it has expired. Prolongs the session when that is due, unless `disable_refresh`: for sessions that
/// were opened with `remember_me => false`, and for callers that must not write.
#[pg_extern]
fn get_session(
    session_token: Option<&str>,
    disable_refresh: default!(Option<bool>, "false"),
) -> Option<JsonText> {
    let may_refresh = !disable_refresh.unwrap_or(false);
    session::current(session_token, may_refresh).or_raise().map(|live| json::live(&live).into())
}

/// The user's live sessions: Better Auth's `GET /list-sessions`, without its limit of 100.
///
/// Errors: UNAUTHORIZED, SESSION_NOT_FRESH.
#[pg_extern]
fn list_sessions(session_token: Option<&str>) -> JsonText {
    let sessions = session::list(session_token).or_raise();
    Value::Array(sessions.iter().map(json::session).collect()).into()
}

/// Ends the session with the token `token`, if it is one of the same user: Better Auth's
/// `POST /revoke-session`. `{status: true}` either way.
///
/// Errors: UNAUTHORIZED, VALIDATION_ERROR.
#[pg_extern]
fn revoke_session(session_token: Option<&str>, token: Option<&str>) -> JsonText {
    session::revoke(session_token, token).or_raise();
    status()
}

/// Ends all sessions of the user, this one too: Better Auth's `POST /revoke-sessions`.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn revoke_sessions(session_token: Option<&str>) -> JsonText {
    session::revoke_all(session_token).or_raise();
    status()
}

/// Ends all sessions of the user but this one: Better Auth's `POST /revoke-other-sessions`, without its
/// limit of 100.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn revoke_other_sessions(session_token: Option<&str>) -> JsonText {
    session::revoke_others(session_token).or_raise();
    status()
}

/// Mints the bridge token of a live session: `{sub, role, aud, iat, exp, sid}`, HS256, for PostgREST.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn bridge_token(session_token: Option<&str>) -> String {
    token::bridge(session_token).or_raise()
}

/// Signs claims with the jwt secret (RFC 7519, HS256). `iat`, `exp` and `aud` are added where they are
/// missing; `expires_in` counts from now and defaults to `better_auth.jwt_expires_in`.
///
/// Errors: 22023 for claims that are no object, or whose times are no whole numbers.
#[pg_extern]
fn sign_jwt(claims: Option<Jsonb<'_>>, expires_in: default!(Option<Interval>, "NULL")) -> String {
    let refused = |refusal: Refusal| AuthError::Argument(refusal.message());
    let payload = not_null("claims", claims).payload().map_err(refused).or_raise();
    token::sign(payload, expires_in.map(seconds).transpose().or_raise()).or_raise()
}

/// The claims of a token, verified: three segments, HS256, signature, times and audience.
///
/// Errors: INVALID_TOKEN and TOKEN_EXPIRED, each reason with its own message.
#[pg_extern]
fn verify_jwt(token: Option<&str>) -> JsonText {
    JsonText::from_json(token::verify(not_null("token", token)).or_raise().into_json())
}

/// Mints the token of a service without a user, as InsForge's mail endpoint takes it.
///
/// Errors: 22023 for an empty subject, or a lifetime of zero or less.
#[pg_extern]
fn service_token(
    subject: default!(Option<&str>, "'better-auth-service'"),
    expires_in: default!(Option<Interval>, "'5 minutes'"),
) -> String {
    let expires_in = seconds(not_null("expires_in", expires_in)).or_raise();
    token::service(not_null("subject", subject), expires_in).or_raise()
}

/// The verified claims of this request: `request.jwt.claims`, which PostgREST sets from the token that it
/// verified. NULL outside a request, and when the setting is not a JSON object.
#[pg_extern(stable, parallel_safe)]
fn claims() -> Option<JsonText> {
    identity::claims::json().map(JsonText::from_json)
}
