//! Better Auth's routes: what each takes from a request, which flow it is, and what it answers.

use serde_json::Value;
use std::borrow::Cow;

use super::context::Context;
use super::location::{append_query, with_parameters};
use super::oauth;
use super::request::Body;
use super::response::Response;
use crate::api::json as json_bounds;
use crate::error::{AuthError, Code};
use crate::flow::email_verification::{self, Verified};
use crate::flow::input::{Input, Issues};
use crate::flow::json::{self, Object};
use crate::flow::password::{self, RESET_REQUESTED};
use crate::flow::session::{self, Caller, Live};
use crate::flow::sign_in::{Outcome, SignedIn};
use crate::flow::user::{self, Deletion};
use crate::flow::{account, sign_in, sign_up, token};
use crate::plugin;
use crate::settings;

/// What a route answers.
pub(crate) type Answer = Result<Response, AuthError>;

/// One of Better Auth's endpoints.
pub(crate) struct Route {
    /// Its name in Better Auth's `auth.api`.
    pub(crate) endpoint: &'static str,
    pub(crate) method: &'static str,
    /// Below the base path; a part of `*` is any one part. Empty for one that HTTP doesn't reach.
    pub(crate) path: &'static str,
    /// Where a setting says that it is instead.
    pub(crate) at: Option<fn() -> Option<String>>,
    /// Has its origin checked without cookies too.
    pub(crate) is_sign_in: bool,
    /// Takes form bodies besides JSON.
    pub(crate) takes_forms: bool,
    /// And names them last among what it takes.
    pub(crate) forms_last: bool,
    /// How many values its body may have.
    pub(crate) max_values: usize,
    /// Reads its body.
    pub(crate) has_body: bool,
    /// Writes more than a session's times, so what it does is undone where it fails.
    pub(crate) writes: bool,
    /// The answer where the database doesn't take a value; without one it is a fault.
    pub(crate) not_taken: Option<fn() -> AuthError>,
    /// Whether a plugin that is on has it under its settings as they are.
    pub(crate) is_on: fn() -> bool,
    pub(crate) run: fn(&mut Context<'_>, &Body) -> Answer,
}

/// A route of GET, which writes nothing.
pub(crate) const fn get(
    endpoint: &'static str,
    path: &'static str,
    run: fn(&mut Context<'_>, &Body) -> Answer,
) -> Route {
    Route {
        endpoint,
        method: "GET",
        path,
        is_sign_in: false,
        at: None,
        takes_forms: false,
        forms_last: false,
        max_values: json_bounds::FEW,
        has_body: false,
        writes: false,
        not_taken: None,
        is_on: || true,
        run,
    }
}

/// A route of POST, which reads a body and writes.
pub(crate) const fn post(
    endpoint: &'static str,
    path: &'static str,
    run: fn(&mut Context<'_>, &Body) -> Answer,
) -> Route {
    Route { method: "POST", has_body: true, writes: true, ..get(endpoint, path, run) }
}

pub(crate) const ROUTES: &[Route] = &[
    get("getSession", "/get-session", get_session),
    Route { has_body: false, ..post("getSession", "/get-session", get_session) },
    Route { is_sign_in: true, takes_forms: true, ..post("signInEmail", "/sign-in/email", sign_in_email) },
    Route {
        is_sign_in: true,
        takes_forms: true,
        max_values: json_bounds::MANY,
        not_taken: Some(no_user),
        ..post("signUpEmail", "/sign-up/email", sign_up_email)
    },
    post("signOut", "/sign-out", sign_out),
    post("signInSocial", "/sign-in/social", oauth::sign_in_social),
    Route { writes: true, ..get("callbackOAuth", "/callback/*", oauth::callback) },
    Route { takes_forms: true, writes: false, ..post("callbackOAuth", "/callback/*", oauth::callback) },
    get("listSessions", "/list-sessions", list_sessions),
    post("revokeSession", "/revoke-session", revoke_session),
    post("revokeSessions", "/revoke-sessions", revoke_sessions),
    post("revokeOtherSessions", "/revoke-other-sessions", revoke_other_sessions),
    Route {
        not_taken: Some(invalid),
        max_values: json_bounds::MANY,
        ..post("updateSession", "/update-session", update_session)
    },
    Route {
        not_taken: Some(invalid),
        max_values: json_bounds::MANY,
        ..post("updateUser", "/update-user", update_user)
    },
    post("deleteUser", "/delete-user", delete_user),
    Route { writes: true, ..get("deleteUserCallback", "/delete-user/callback", delete_user_callback) },
    Route { not_taken: Some(invalid), ..post("changeEmail", "/change-email", change_email) },
    post("changePassword", "/change-password", change_password),
    post("verifyPassword", "/verify-password", verify_password),
    post("requestPasswordReset", "/request-password-reset", request_password_reset),
    get("requestPasswordResetCallback", "/reset-password/*", reset_password_callback),
    post("resetPassword", "/reset-password", reset_password),
    post("sendVerificationEmail", "/send-verification-email", send_verification_email),
    Route { writes: true, ..get("verifyEmail", "/verify-email", verify_email) },
    get("listUserAccounts", "/list-accounts", list_accounts),
    post("unlinkAccount", "/unlink-account", unlink_account),
    post("linkSocialAccount", "/link-social", oauth::link_social),
    post("getAccessToken", "/get-access-token", oauth::access_token),
    post("refreshToken", "/refresh-token", oauth::refresh_token),
    Route { writes: true, ..get("accountInfo", "/account-info", oauth::account_info) },
    get("ok", "/ok", ok),
    get("error", "/error", error_page),
    post("setPassword", "", set_password),
];

/// Better Auth's word for a row that the database didn't take.
fn no_user() -> AuthError {
    Code::FAILED_TO_CREATE_USER.into()
}

/// The value of an additional field that breaks a constraint, or is none of the column's type.
fn invalid() -> AuthError {
    AuthError::Validation(vec!["[body] Invalid input".into()])
}

impl Route {
    fn is_at(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return false;
        }
        if let Some(at) = self.at.and_then(|at| at()) {
            return at == path;
        }
        match self.path.split_once('*') {
            Some((before, after)) => {
                let part = path.strip_prefix(before).and_then(|path| path.strip_suffix(after));
                part.is_some_and(|part| !part.is_empty() && !part.contains('/'))
            }
            None => self.path == path,
        }
    }
}

/// The first endpoint of the core, and then of the plugins that are on, that is what is looked for.
fn first(is_it: impl Fn(&&'static Route) -> bool) -> Option<&'static Route> {
    let core = ROUTES.iter().find(&is_it);
    let of_plugin = |route: &&'static Route| is_it(route) && (route.is_on)();
    core.or_else(|| plugin::on().iter().find_map(|plugin| plugin.routes().iter().find(of_plugin)))
}

/// The route of a method and a path.
pub(crate) fn find(method: &str, path: &str) -> Option<&'static Route> {
    first(|route| route.method == method && route.is_at(path))
}

/// The endpoint of a name.
pub(crate) fn named(endpoint: &str) -> Option<&'static Route> {
    first(|route| route.endpoint == endpoint)
}

/// The pattern that a path belongs to, whatever the method: `/*` for one that leads nowhere.
pub(crate) fn pattern(path: &str) -> &'static str {
    first(|route| route.is_at(path)).map_or("/*", |route| route.path)
}

/// 200 with an object.
pub(crate) fn object(object: Object) -> Answer {
    Ok(Response::json(object.finish()))
}

/// `{"status":true}`.
pub(crate) fn status() -> Answer {
    object(Object::new().boolean("status", true))
}

/// `token` and `callbackURL` of a link in a mail; the second is checked.
pub(crate) fn link<'v>(
    context: &Context<'_>,
    token: Option<&'v Value>,
    callback_url: Option<&'v Value>,
) -> Result<(&'v str, Option<Cow<'v, str>>), AuthError> {
    let mut issues = Issues::of_query();
    let token = issues.required("token", token.into());
    let callback_url = issues.optional("callbackURL", callback_url.into()).filter(|url| !url.is_empty());
    issues.finish()?;
    let check = |url| context.site.check_redirect(url, Code::INVALID_CALLBACK_URL);
    Ok((token, callback_url.map(check).transpose()?))
}

fn ok(_: &mut Context<'_>, _: &Body) -> Answer {
    object(Object::new().boolean("ok", true))
}

/// Where an error leads that a redirect can't report: to the application's start page, as in production.
fn error_page(context: &mut Context<'_>, _: &Body) -> Answer {
    let first = |name| {
        context.request.query.iter().find(|(parameter, _)| parameter == name).map(|(_, value)| value.as_str())
    };
    let code = first("error").filter(|code| !code.is_empty()).unwrap_or("UNKNOWN");
    let is_plain =
        code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | b'_' | b'-'));
    let mut parameters = vec![("error", if is_plain { code } else { "UNKNOWN" })];
    if let Some(description) = first("error_description").filter(|text| !text.is_empty()) {
        parameters.push(("error_description", description));
    }
    let location = append_query("/", &parameters).unwrap_or_else(|| "/".into());
    Ok(Response::empty(302).with("location", location))
}

fn get_session(context: &mut Context<'_>, _: &Body) -> Answer {
    let uncached = |response: Response| {
        response.with("cache-control", "no-store".into()).with("pragma", "no-cache".into())
    };
    if context.request.method == "POST" && !settings::defer_session_refresh() {
        return Ok(uncached(Response::refusal(&Code::METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED.into())));
    }
    let current = match context.get_session(false, context.request.method == "POST", true) {
        Err(error) if context.is_direct => return Err(error),
        Err(error) => return Ok(uncached(Response::refusal(&error))),
        Ok(current) => current,
    };
    let Some(current) = current else { return Ok(uncached(Response::json("null".into()))) };
    let body = match current.needs_refresh {
        Some(needs_refresh) => Object::new()
            .json("session", &json::session(&current.live.session))
            .json("user", &json::user(&current.live.user))
            .boolean("needsRefresh", needs_refresh)
            .finish(),
        None if current.is_cached => json::cached_live(&current.live),
        None => json::live(&current.live),
    };
    let body = plugin::session_answer(&current.live, body)?;
    context.shown = Some(current);
    Ok(uncached(Response::json(body)))
}

fn sign_in_email(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let request = sign_in::Request {
        email: body.get("email").into(),
        password: body.get("password").into(),
        callback_url: body.get("callbackURL").into(),
        remember_me: body.get("rememberMe").into(),
    };
    let outcome = sign_in::email(context, &request)?;
    signed_in(context, outcome, |done| json::signed_in(&done.session, &done.user, done.callback_url))
}

/// Answers a sign-in by a password: with what `answer` says of the session, or the challenge to prove something else.
pub(crate) fn signed_in(
    context: &mut Context<'_>,
    outcome: Outcome<'_>,
    answer: impl FnOnce(&SignedIn<'_>) -> String,
) -> Answer {
    let (answer, callback_url) = match outcome {
        Outcome::SignedIn(done, cookies) => {
            let answer = answer(&done);
            let live = Live { session: done.session, user: done.user };
            context.set_session(&live, Some(done.is_remembered))?;
            context.set_given(cookies)?;
            (answer, done.callback_url)
        }
        Outcome::Challenged { challenge, is_remembered, callback_url } => {
            (context.challenge(challenge, is_remembered)?, callback_url)
        }
    };
    let answer = Response::json(answer);
    Ok(match callback_url.filter(|url| !url.is_empty()) {
        Some(url) => answer.with("location", url.to_owned()),
        None => answer,
    })
}

fn sign_up_email(context: &mut Context<'_>, body: &Body) -> Answer {
    let fields = body.object_and_record()?;
    let remember_me = Input::from(body.get("rememberMe"));
    let request = sign_up::Request {
        name: body.get("name").into(),
        email: body.get("email").into(),
        password: body.get("password").into(),
        image: body.get("image").into(),
        callback_url: body.get("callbackURL").into(),
        remember_me,
        additional: fields,
    };
    let done = sign_up::email(context, &request)?;
    let token = done.session.as_ref().map(|session| session.token.as_str());
    let answer = Object::new().optional("token", token).json("user", &json::user(&done.user));
    if let Some(session) = done.session {
        let live = Live { session, user: done.user };
        context.set_session(&live, Some(remember_me != Input::Boolean(false)))?;
    }
    object(answer)
}

fn sign_out(context: &mut Context<'_>, body: &Body) -> Answer {
    if !body.is_missing() {
        body.object("object")?;
    }
    let mut issues = Issues::of_body();
    issues.optional("callbackURL", body.get("callbackURL").into());
    issues.optional_boolean("disableRedirect", body.get("disableRedirect").into());
    issues.optional("state", body.get("state").into());
    issues.finish()?;
    for token in context.session_tokens()? {
        session::sign_out(Some(&token))?;
    }
    context.clear_session();
    object(Object::new().boolean("success", true))
}

fn list_sessions(context: &mut Context<'_>, _: &Body) -> Answer {
    let sessions = session::list(context)?;
    Ok(Response::json(json::array(sessions.iter().map(json::session))))
}

fn revoke_session(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let revoked = Input::from(body.get("token"));
    let own = session::revoke(context, revoked)?;
    if revoked == Input::Text(&own.token) {
        context.clear_session();
    }
    status()
}

fn revoke_sessions(context: &mut Context<'_>, _: &Body) -> Answer {
    session::revoke_all(context)?;
    context.clear_session();
    status()
}

fn revoke_other_sessions(context: &mut Context<'_>, _: &Body) -> Answer {
    session::revoke_others(context)?;
    status()
}

fn update_session(context: &mut Context<'_>, body: &Body) -> Answer {
    let live = session::update(context, body.object("record")?).inspect_err(|error| {
        if *error == AuthError::Api(Code::FAILED_TO_GET_SESSION) {
            context.clear_session();
        }
    })?;
    context.set_session(&live, None)?;
    object(Object::new().json("session", &json::session(&live.session)))
}

fn update_user(context: &mut Context<'_>, body: &Body) -> Answer {
    let live = user::update(context, body.object("record")?)?;
    context.set_session(&live, None)?;
    status()
}

fn delete_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let field = |name| body.get(name).into();
    let done = user::delete(context, field("password"), field("token"), field("callbackURL"))?;
    if done == Deletion::Done {
        context.clear_session();
    }
    Ok(Response::json(json::deleted(done == Deletion::Mailed)))
}

fn delete_user_callback(context: &mut Context<'_>, _: &Body) -> Answer {
    let (token, callback_url) =
        (context.request.query_value("token"), context.request.query_value("callbackURL"));
    let (token, callback_url) = link(context, token.as_ref(), callback_url.as_ref())?;
    user::delete_by_link(context, token)?;
    context.clear_session();
    Ok(match callback_url {
        Some(url) => Response::redirect(url.into_owned()),
        None => Response::json(json::deleted(false)),
    })
}

fn change_email(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    if let Some(live) =
        email_verification::change(context, body.get("newEmail").into(), body.get("callbackURL").into())?
    {
        context.set_session(&live, None)?;
    }
    status()
}

fn change_password(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let field = |name| body.get(name).into();
    let (live, opened) = password::change(
        context,
        field("currentPassword"),
        field("newPassword"),
        field("revokeOtherSessions"),
    )?;
    let answer = json::changed_password(opened.as_ref(), &live.user);
    if let Some(session) = opened {
        context.set_session(&Live { session, user: live.user }, None)?;
    }
    Ok(Response::json(answer))
}

/// Better Auth's `setPassword`, which HTTP doesn't reach.
fn set_password(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    password::set(context, body.get("newPassword").into())?;
    status()
}

fn verify_password(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    password::verify(context, body.get("password").into())?;
    status()
}

fn request_password_reset(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    password::request_reset(context, body.get("email").into(), body.get("redirectTo").into())?;
    object(Object::new().boolean("status", true).text("message", RESET_REQUESTED))
}

/// The link in a reset mail: leads on to the page that asks for the new password, with the token.
fn reset_password_callback(context: &mut Context<'_>, _: &Body) -> Answer {
    let callback_url = context.request.query_value("callbackURL");
    let mut issues = Issues::of_query();
    let callback_url = issues.required("callbackURL", callback_url.as_ref().into());
    issues.finish()?;
    let callback_url = &*context.site.check_redirect(callback_url, Code::INVALID_CALLBACK_URL)?;
    let token = context.request.last_segment();
    let base_url = &context.site.base_url;
    let to = |url: &str, parameter| with_parameters(url, base_url, &[parameter]);
    let location = if callback_url.is_empty() {
        to(&format!("{base_url}/error"), ("error", "INVALID_TOKEN"))
    } else if password::is_reset_token(token)? {
        to(callback_url, ("token", token))
    } else {
        to(callback_url, ("error", "INVALID_TOKEN"))
    };
    context.site.redirect(location, Code::INVALID_CALLBACK_URL)
}

fn reset_password(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let query_token = context.request.query_value("token");
    let mut issues = Issues::of_query();
    let query_token = issues.optional("token", query_token.as_ref().into());
    // Better Auth looks at the body first.
    let in_body = Issues::of_body().required("newPassword", body.get("newPassword").into()).is_empty();
    if !in_body {
        issues.finish()?;
    }
    password::reset(context, body.get("token").into(), query_token, body.get("newPassword").into())?;
    status()
}

fn send_verification_email(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    email_verification::resend(context, body.get("email").into(), body.get("callbackURL").into())?;
    status()
}

fn verify_email(context: &mut Context<'_>, _: &Body) -> Answer {
    let (token, callback_url) =
        (context.request.query_value("token"), context.request.query_value("callbackURL"));
    let (token, callback_url) = link(context, token.as_ref(), callback_url.as_ref())?;
    let done = match email_verification::verify(context, token, callback_url.as_deref()) {
        Ok(done) => done,
        Err(error) => {
            let location =
                callback_url.zip(error.code()).and_then(|(url, code)| append_query(&url, &[("error", code)]));
            let Some(location) = location else { return Err(error) };
            return context.site.redirect(Some(location), Code::INVALID_CALLBACK_URL);
        }
    };
    match &done {
        Verified::Email(Some(live)) => context.set_session(live, None)?,
        Verified::Changed(_, Some(live)) => context.set_session(live, None)?,
        Verified::Email(None) | Verified::Changed(_, None) | Verified::Confirmed => {}
    }
    Ok(match callback_url {
        Some(url) => Response::redirect(url.into_owned()),
        None => Response::json(json::verified(&done)),
    })
}

fn list_accounts(context: &mut Context<'_>, _: &Body) -> Answer {
    let accounts = account::list(context)?;
    Ok(Response::json(json::array(accounts.iter().map(json::account))))
}

fn unlink_account(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    account::unlink(context, body.get("accountId").into())?;
    status()
}

/// `GET /api/insforge-token`, as the InsForge scaffold's bridge answers it.
pub(crate) fn bridge(context: &mut Context<'_>) -> Answer {
    let answer = match context.session(true)? {
        Some(live) => Response::json(Object::new().text("token", &token::of_session(&live)?).finish()),
        None => {
            let body = Object::new().text("error", "not signed in").finish();
            Response { status: 401, ..Response::json(body) }
        }
    };
    Ok(answer.with("cache-control", "no-store".into()))
}
