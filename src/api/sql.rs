//! The SQL functions of Better Auth's capabilities, and the signer. `sql/finish.sql` takes EXECUTE on
//! them from PUBLIC and gives each its COMMENT.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::prelude::*;
use serde_json::{Map, Value};
use std::borrow::Cow;

use crate::api::http::challenge_in_words;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::{OrRaise, not_null};
use crate::crypto::jwt::Refusal;
use crate::error::AuthError;
use crate::flow::account::{self, Profile, Terms};
use crate::flow::email_verification::{self, Verified};
use crate::flow::json::{self, Object};
use crate::flow::password::{self, RESET_REQUESTED};
use crate::flow::session::{self, Caller, Client, Live};
use crate::flow::sign_in::Outcome;
use crate::flow::url::configured_base;
use crate::flow::user::{self, Deletion};
use crate::flow::{sign_in, sign_up, token};
use crate::identity;
use crate::plugin::{self, Challenge};
use crate::settings;
use crate::store::account::Tokens;
use crate::store::server::Timestamp;

/// Who calls a SQL function: the one whose session token is an argument of it.
struct Direct<'a> {
    endpoint: Cow<'static, str>,
    token: Option<&'a str>,
    client: Client<'a>,
}

impl<'a> Direct<'a> {
    /// Who has this session token.
    fn with(endpoint: &'static str, token: Option<&'a str>) -> Self {
        Self { endpoint: endpoint.into(), token, client: Client::default() }
    }

    /// Who comes from there.
    fn from(endpoint: &'static str, ip_address: Option<&'a str>, user_agent: Option<&'a str>) -> Self {
        Self { endpoint: endpoint.into(), token: None, client: Client { ip_address, user_agent } }
    }
}

impl Caller for Direct<'_> {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn session(&mut self, is_authoritative: bool) -> Result<Option<Live>, AuthError> {
        session::current(self.token, true, is_authoritative)
    }

    fn client(&self) -> Client<'_> {
        self.client
    }

    fn base_url(&self) -> Result<String, AuthError> {
        configured_base().ok_or_else(|| {
            AuthError::Setup("better_auth.base_url is not set, and the links in mails begin with it".into())
        })
    }
}

/// The longest interval, in seconds: about a thousand years. `infinity`, which PostgreSQL has from 17 on, is longer.
const LONGEST: i64 = 1_000 * 366 * 86_400;

/// Whole seconds of an interval: a month is 30 days, as in `EXTRACT(EPOCH ...)`'s months.
pub(super) fn seconds(interval: Interval) -> Result<i64, AuthError> {
    let seconds = i64::try_from(interval.as_micros().div_euclid(1_000_000)).unwrap_or(i64::MAX);
    if !(-LONGEST..=LONGEST).contains(&seconds) {
        return Err(AuthError::Argument("the interval is too long".into()));
    }
    Ok(seconds)
}

/// The object of an argument; an empty one where it is NULL.
fn object(argument: &str, value: Option<Jsonb<'_>>) -> Result<Map<String, Value>, AuthError> {
    value.map_or_else(|| Ok(Map::new()), |json| json.object(argument))
}

fn status() -> JsonText {
    Object::new().boolean("status", true).into()
}

/// Signs up a user: Better Auth's `POST /sign-up/email`. `{token, user}`; the token is null where the
/// settings open no session. `remember_me => false` opens one that ends after a day. `callback_url` is where
/// the verification mail's link leads in the end.
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
    additional_fields: default!(Option<Jsonb<'_>>, "NULL"),
) -> JsonText {
    let mut caller = Direct::from("/sign-up/email", ip_address, user_agent);
    let mut additional = object("additional_fields", additional_fields).or_raise();
    plugin::before(&mut caller, &mut additional).or_raise();
    let request = sign_up::Request {
        name: name.into(),
        email: email.into(),
        password: password.into(),
        image: image.into(),
        callback_url: callback_url.into(),
        remember_me: remember_me.into(),
        additional: &additional,
    };
    let done = sign_up::email(&mut caller, &request).or_raise();
    Object::new()
        .optional("token", done.session.as_ref().map(|session| session.token.as_str()))
        .json("user", &json::user(&done.user))
        .into()
}

/// Signs in: Better Auth's `POST /sign-in/email`. `{redirect, token, user}`, and `url` where a
/// `callback_url` was given. Who has a second factor gets `{twoFactorRedirect, twoFactorMethods, twoFactorToken}`; the
/// token is for `api('verifyTOTP', ...)` and its like.
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
        email: email.into(),
        password: password.into(),
        callback_url: callback_url.into(),
        remember_me: remember_me.into(),
    };
    let mut caller = Direct::from("/sign-in/email", ip_address, user_agent);
    JsonText::from_json(match sign_in::email(&mut caller, &request).or_raise() {
        Outcome::SignedIn(done, _) => json::signed_in(&done.session, &done.user, done.callback_url),
        Outcome::Challenged { challenge: Challenge { answer, member, cookie, .. }, .. } => {
            challenge_in_words(answer, member, &cookie).or_raise()
        }
    })
}

/// Ends a session: Better Auth's `POST /sign-out`. `{success: true}`, whether there was one or not.
#[pg_extern]
fn sign_out(session_token: Option<&str>) -> JsonText {
    session::sign_out(session_token).or_raise();
    Object::new().boolean("success", true).into()
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
    let live = session::current(session_token, may_refresh, false).or_raise();
    live.map(|live| JsonText::from_json(plugin::session_answer(&live, json::live(&live)).or_raise()))
}

/// The user's live sessions: Better Auth's `GET /list-sessions`, without its limit of 100.
///
/// Errors: UNAUTHORIZED, SESSION_NOT_FRESH.
#[pg_extern]
fn list_sessions(session_token: Option<&str>) -> JsonText {
    let sessions = session::list(&mut Direct::with("/list-sessions", session_token)).or_raise();
    JsonText::from_json(json::array(sessions.iter().map(json::session)))
}

/// Ends the session with the token `token`, if it is one of the same user: Better Auth's
/// `POST /revoke-session`. `{status: true}` either way.
///
/// Errors: UNAUTHORIZED, VALIDATION_ERROR.
#[pg_extern]
fn revoke_session(session_token: Option<&str>, token: Option<&str>) -> JsonText {
    session::revoke(&mut Direct::with("/revoke-session", session_token), token.into()).or_raise();
    status()
}

/// Ends all sessions of the user, this one too: Better Auth's `POST /revoke-sessions`.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn revoke_sessions(session_token: Option<&str>) -> JsonText {
    session::revoke_all(&mut Direct::with("/revoke-sessions", session_token)).or_raise();
    status()
}

/// Ends all sessions of the user but this one: Better Auth's `POST /revoke-other-sessions`, without its
/// limit of 100.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn revoke_other_sessions(session_token: Option<&str>) -> JsonText {
    session::revoke_others(&mut Direct::with("/revoke-other-sessions", session_token)).or_raise();
    status()
}

/// Sets additional fields of the session: Better Auth's `POST /update-session`. `{session}`.
///
/// Errors: see [`session::update`].
#[pg_extern]
fn update_session(session_token: Option<&str>, additional_fields: Option<Jsonb<'_>>) -> JsonText {
    let fields = object("additional_fields", additional_fields).or_raise();
    let live = session::update(&mut Direct::with("/update-session", session_token), &fields).or_raise();
    Object::new().json("session", &json::session(&live.session)).into()
}

/// Sets name, image and additional fields of the user: Better Auth's `POST /update-user`. What is NULL stays
/// as it is; `additional_fields => '{"image": null}'` removes the image.
///
/// Errors: see [`user::update`].
#[pg_extern]
fn update_user(
    session_token: Option<&str>,
    name: default!(Option<&str>, "NULL"),
    image: default!(Option<&str>, "NULL"),
    additional_fields: default!(Option<Jsonb<'_>>, "NULL"),
) -> JsonText {
    let mut fields = object("additional_fields", additional_fields).or_raise();
    for (field, value) in [("name", name), ("image", image)] {
        if let Some(value) = value {
            fields.insert(field.into(), value.into());
        }
    }
    let mut caller = Direct::with("/update-user", session_token);
    plugin::before(&mut caller, &mut fields).or_raise();
    user::update(&mut caller, &fields).or_raise();
    status()
}

/// Deletes the user, or sends the mail that does: Better Auth's `POST /delete-user`. `{success, message}`.
///
/// Errors: see [`user::delete`].
#[pg_extern]
fn delete_user(
    session_token: Option<&str>,
    password: default!(Option<&str>, "NULL"),
    token: default!(Option<&str>, "NULL"),
    callback_url: default!(Option<&str>, "NULL"),
) -> JsonText {
    let mut caller = Direct::with("/delete-user", session_token);
    let done = user::delete(&mut caller, password.into(), token.into(), callback_url.into()).or_raise();
    JsonText::from_json(json::deleted(done == Deletion::Mailed))
}

/// Replaces the user's password: Better Auth's `POST /change-password`. `{token, user}`; with
/// `revoke_other_sessions` all sessions end, and the token is that of a new one.
///
/// Errors: see [`password::change`].
#[pg_extern]
fn change_password(
    session_token: Option<&str>,
    current_password: Option<&str>,
    new_password: Option<&str>,
    revoke_other_sessions: default!(Option<bool>, "false"),
    ip_address: default!(Option<&str>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> JsonText {
    let mut caller =
        Direct { token: session_token, ..Direct::from("/change-password", ip_address, user_agent) };
    let revokes = revoke_other_sessions.into();
    let (live, session) =
        password::change(&mut caller, current_password.into(), new_password.into(), revokes).or_raise();
    JsonText::from_json(json::changed_password(session.as_ref(), &live.user))
}

/// Gives a user a password who has none: Better Auth's `setPassword`.
///
/// Errors: see [`password::set`].
#[pg_extern]
fn set_password(session_token: Option<&str>, new_password: Option<&str>) -> JsonText {
    password::set(&mut Direct::with("", session_token), new_password.into()).or_raise();
    status()
}

/// Checks the user's password: Better Auth's `POST /verify-password`.
///
/// Errors: see [`password::verify`].
#[pg_extern]
fn verify_password(session_token: Option<&str>, password: Option<&str>) -> JsonText {
    password::verify(&mut Direct::with("/verify-password", session_token), password.into()).or_raise();
    status()
}

/// Sends the mail with which a user sets a new password: Better Auth's `POST /request-password-reset`.
/// `{status, message}`, whether the email is known or not.
///
/// Errors: see [`password::request_reset`].
#[pg_extern]
fn request_password_reset(email: Option<&str>, redirect_to: default!(Option<&str>, "NULL")) -> JsonText {
    password::request_reset(
        &mut Direct::with("/request-password-reset", None),
        email.into(),
        redirect_to.into(),
    )
    .or_raise();
    Object::new().boolean("status", true).text("message", RESET_REQUESTED).into()
}

/// Sets a new password with the token of a reset mail: Better Auth's `POST /reset-password`.
///
/// Errors: see [`password::reset`].
#[pg_extern]
fn reset_password(token: Option<&str>, new_password: Option<&str>) -> JsonText {
    let mut caller = Direct::with("/reset-password", None);
    password::reset(&mut caller, token.into(), None, new_password.into()).or_raise();
    status()
}

/// Sends the mail that proves an email address: Better Auth's `POST /send-verification-email`.
///
/// Errors: see [`email_verification::resend`].
#[pg_extern]
fn send_verification_email(
    email: Option<&str>,
    callback_url: default!(Option<&str>, "NULL"),
    session_token: default!(Option<&str>, "NULL"),
) -> JsonText {
    let mut caller = Direct::with("/send-verification-email", session_token);
    email_verification::resend(&mut caller, email.into(), callback_url.into()).or_raise();
    status()
}

/// Takes the token of a verification mail: Better Auth's `GET /verify-email`. `{status, user}`, and `token`
/// where a session was opened.
///
/// Errors: see [`email_verification::verify`].
#[pg_extern]
fn verify_email(
    token: Option<&str>,
    session_token: default!(Option<&str>, "NULL"),
    ip_address: default!(Option<&str>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> JsonText {
    let mut caller = Direct { token: session_token, ..Direct::from("/verify-email", ip_address, user_agent) };
    let done = email_verification::verify(&mut caller, not_null("token", token), None).or_raise();
    let answer = json::verified(&done);
    match done {
        Verified::Email(Some(live)) if session_token != Some(&live.session.token) => {
            JsonText::from_json(answer).with_text("token", &live.session.token)
        }
        _ => JsonText::from_json(answer),
    }
}

/// Starts the change of the user's email: Better Auth's `POST /change-email`. `{status: true}`, whether the
/// email is taken or not.
///
/// Errors: see [`email_verification::change`].
#[pg_extern]
fn change_email(
    session_token: Option<&str>,
    new_email: Option<&str>,
    callback_url: default!(Option<&str>, "NULL"),
) -> JsonText {
    let mut caller = Direct::with("/change-email", session_token);
    email_verification::change(&mut caller, new_email.into(), callback_url.into()).or_raise();
    status()
}

/// All accounts of the user: Better Auth's `GET /list-accounts`.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn list_accounts(session_token: Option<&str>) -> JsonText {
    let accounts = account::list(&mut Direct::with("/list-accounts", session_token)).or_raise();
    JsonText::from_json(json::array(accounts.iter().map(json::account)))
}

/// Removes one of the user's accounts, by the `id` that list_accounts shows: Better Auth's
/// `POST /unlink-account`.
///
/// Errors: see [`account::unlink`].
#[pg_extern]
fn unlink_account(session_token: Option<&str>, account_id: Option<&str>) -> JsonText {
    account::unlink(&mut Direct::with("/unlink-account", session_token), account_id.into()).or_raise();
    status()
}

/// What an HTTP layer calls after an OAuth exchange. Without a `session_token`: signs the user in whose
/// account it is, links it to the one who has the email, or creates one: `{token, user, isRegister}`, Better
/// Auth's `handleOAuthUserInfo`. With one: links it to that session's user: `{status}`, its `link-social`.
///
/// `email_verified` says that the provider vouches for the email: who can pass it can become anybody.
///
/// Errors: see [`account::link`] and [`account::link_to_session`].
#[pg_extern]
#[allow(clippy::too_many_arguments, reason = "SQL passes them by name")]
fn link_account(
    provider_id: Option<&str>,
    account_id: Option<&str>,
    email: Option<&str>,
    name: Option<&str>,
    image: default!(Option<&str>, "NULL"),
    email_verified: default!(Option<bool>, "false"),
    session_token: default!(Option<&str>, "NULL"),
    access_token: default!(Option<&str>, "NULL"),
    refresh_token: default!(Option<&str>, "NULL"),
    id_token: default!(Option<&str>, "NULL"),
    access_token_expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    refresh_token_expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    disable_sign_up: default!(Option<bool>, "false"),
    callback_url: default!(Option<&str>, "NULL"),
    ip_address: default!(Option<&str>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> JsonText {
    let time = |time: Option<TimestampWithTimeZone>| time.map(|time| Timestamp(time.into_inner()));
    let profile = Profile {
        provider_id: not_null("provider_id", provider_id),
        account_id: not_null("account_id", account_id),
        email: not_null("email", email),
        name: not_null("name", name),
        image,
        email_verified: email_verified.unwrap_or(false),
        tokens: Tokens {
            access_token,
            refresh_token,
            id_token,
            access_token_expires_at: time(access_token_expires_at),
            refresh_token_expires_at: time(refresh_token_expires_at),
            scope,
        },
        additional: &Map::new(),
    };
    let mut caller = Direct {
        endpoint: format!("/callback/{}", profile.provider_id).into(),
        token: session_token,
        ..Direct::from("", ip_address, user_agent)
    };
    if session_token.is_some() {
        account::link_to_session(&mut caller, &profile).or_raise();
        return status();
    }
    let terms = Terms {
        disable_sign_up: disable_sign_up.unwrap_or(false) || settings::disable_sign_up(),
        sends_verification: settings::require_email_verification(),
        ..Terms::default()
    };
    let done = account::link(&mut caller, &profile, terms, callback_url).or_raise();
    Object::new()
        .text("token", &done.session.token)
        .json("user", &json::user(&done.user))
        .boolean("isRegister", done.is_register)
        .into()
}

/// Mints the bridge token of a live session: `{sub, role, aud, iat, exp, sid}`, HS256, for PostgREST.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn bridge_token(session_token: Option<&str>) -> String {
    token::bridge(&mut Direct::with("", session_token)).or_raise()
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

/// Verifies a token and has `requesting_user_id()` and its relatives believe it until it expires, or the transaction
/// ends, where `better_auth.identity = verified`; returns its claims. Like SET LOCAL, it ends with a savepoint that is
/// rolled back, and with a function that has settings of its own.
///
/// Errors: INVALID_TOKEN and TOKEN_EXPIRED, each reason with its own message; UNAUTHORIZED for a bridge token whose session
/// has ended.
#[pg_extern]
fn authenticate(token: Option<&str>) -> JsonText {
    let (claims, end) = token::authenticate(not_null("token", token)).or_raise();
    identity::verified::set(&claims, end);
    JsonText::from_json(claims)
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
