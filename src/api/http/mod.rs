//! `handler()`: Better Auth's whole endpoint tree as one SQL function, and the bridge route.
//!
//! The way of a request is better-call's and Better Auth's: path, rate limit, route, body, origin, and then
//! the route, which validates, finds the session and does its work.

mod account;
mod address;
mod context;
pub(crate) mod cookies;
mod jar;
mod journal;
pub(crate) mod location;
pub(crate) mod oauth;
mod origin;
pub(super) mod rate_limit;
mod request;
mod response;
pub(crate) mod routes;
pub(crate) mod site;

use pgrx::prelude::*;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::ffi::CStr;
use std::rc::Rc;
use url::Url;

pub(crate) use self::context::Context;
use self::context::client_address;
pub(super) use self::jar::challenge_in_words;
use self::journal::{Journal, Played};
pub(crate) use self::origin::glob;
use self::request::Unreadable;
pub(crate) use self::request::{Body, Request};
pub(crate) use self::response::Response;
pub(crate) use self::routes::{Answer, Route, get, post};
use self::site::Site;
use crate::api::any_json::AnyJson;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::{OrRaise, not_null};
use crate::error::{AuthError, Code};
use crate::flow::input::{excerpt, is_truthy};
use crate::flow::json::Object;
use crate::flow::session;
use crate::flow::url::{configured_base, encode};
use crate::plugin;
use crate::settings;
use crate::store::function;
use crate::store::server::{is_writable, warn};
use crate::store::subtransaction::{Exception, attempt, sqlstate};

/// Answers an HTTP request to one of Better Auth's routes, or to the bridge route.
///
/// `request` is `{method, url, headers, body}`: `url` absolute or a path, `headers` an object or an array of
/// pairs, `body` a string or null; of type jsonb, json or text. The answer is
/// `{status, headers: [[name, value], ...], body}`, `body` a string. What is refused is answered, and what was
/// counted stays; an exception leaves it only for a `request` that is not of this shape, and where the transaction
/// can't go on.
#[pg_extern]
fn handler(request: Option<AnyJson<'_>>) -> JsonText {
    let request = not_null("request", request).read();
    let played = match Request::read(&request) {
        Ok(request) => {
            let can_fetch = request.offers_fetch && function::may_execute(RESUME);
            play(&request, Journal::of_new(can_fetch))
        }
        Err(Unreadable::Shape(text)) => Err(AuthError::Argument(text.into())).or_raise(),
        Err(Unreadable::Refused(status)) => Played::Answered(Response::empty(status)),
    };
    JsonText::from_json(played.into_json())
}

/// [`resume`], for who is asked whether somebody may call it.
const RESUME: &CStr = c"better_auth.resume(pg_catalog.text, pg_catalog.jsonb)";

/// Goes on with a request for which `handler()` has answered `{fetch, resume}`, to who may execute this function and
/// said `"fetch": true` in its request. `response` is what came of the fetch: `{status, headers, body}`, or `{error}`
/// where there was no answer. The answer is as that of `handler()`: a response, or another fetch.
///
/// Errors: 22023 for a `resume` that isn't handler()'s, was used before, or is older than a minute, and for a `response`
/// of another shape.
#[pg_extern]
fn resume(resume: Option<&str>, response: Option<Jsonb<'_>>) -> JsonText {
    let (resume, response) = (not_null("resume", resume), not_null("response", response));
    let (request, journal) = journal::take_up(resume, &response).or_raise();
    JsonText::from_json(play(&request, journal).into_json())
}

/// Answers a request, or suspends it.
fn play(request: &Request, journal: Journal) -> Played {
    let journal = match answer(request, journal) {
        Ok(response) => return Played::Answered(response),
        Err(journal) => *journal,
    };
    if !is_writable() {
        return Played::Answered(Response::empty(503));
    }
    match attempt(|| journal::suspend(request, journal), Result::is_ok) {
        Ok(Ok(played)) => played,
        Ok(Err(error)) => Played::Answered(Response::refusal(&error)),
        Err(exception) => Played::Answered(undone(None, &exception)),
    }
}

/// The cookies of a session, as values of Set-Cookie headers: for an HTTP layer that has opened one with
/// link_account(). Whoever has them has the session, as whoever has the token.
///
/// Errors: UNAUTHORIZED.
#[pg_extern]
fn session_cookies(session_token: Option<&str>, remember_me: default!(Option<bool>, "true")) -> Vec<String> {
    let cookies = || {
        let live = session::current(session_token, true, false)?.ok_or(Code::UNAUTHORIZED)?;
        let url = configured_base().and_then(|url| Url::parse(&url).ok());
        let url = url.ok_or_else(|| AuthError::Setup("better_auth.base_url is not set".into()))?;
        let request = Request::get(url);
        let site = Site::of(&request);
        let mut context = Context::new(&request, &site, None);
        context.set_session(&live, Some(remember_me != Some(false)))?;
        Ok::<_, AuthError>(context.into_cookies().collect())
    };
    cookies().or_raise()
}

/// A request that comes through another door than `handler()`.
pub(super) struct Door<'a> {
    pub(super) method: &'static str,
    /// Below the base path; empty for the bridge route.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: Vec<(String, String)>,
    /// JSON.
    pub(super) body: Option<String>,
    /// The session, for callers without cookies. Then no cookie counts, and none is set.
    pub(super) session_token: Option<&'a str>,
}

/// Answers a request to a route, as `handler()` would, of a caller whose body PostgREST has read.
pub(super) fn call_route(door: &Door<'_>) -> Response {
    answer_readable(Request::through(door).map(|mut request| {
        request.may_be_form = true;
        request
    }))
}

/// Answers a request that a proxy handed on in parts. `path` is the URL without scheme and host.
///
/// # Errors
/// `path` isn't one.
pub(super) fn answer_forwarded(
    method: &str,
    path: &str,
    headers: Vec<(String, String)>,
    body: &[u8],
) -> Result<Response, AuthError> {
    if !path.starts_with('/') {
        return Err(AuthError::Argument("the URL must begin with a slash".into()));
    }
    // As a browser's Request decodes it.
    let body = String::from_utf8_lossy(body);
    Ok(answer_readable(Request::new(method, path, headers, Some(&body))))
}

/// Answers a request that is of the right shape by the way it was made.
fn answer_readable(request: Result<Request, Unreadable>) -> Response {
    match request {
        // Whoever came this way doesn't fetch, so nothing is suspended.
        Ok(request) => answer(&request, Journal::default()).unwrap_or_else(|_| Response::empty(500)),
        Err(Unreadable::Shape(_)) => Response::empty(400),
        Err(Unreadable::Refused(status)) => Response::empty(status),
    }
}

/// The answer to a request.
///
/// # Errors
/// A fetch comes first: what has been done so far.
fn answer(request: &Request, journal: Journal) -> Result<Response, Box<Journal>> {
    // An earlier request's, in the same backend.
    function::forget_sqlstate();
    let site = Site::of(request);
    let address = client_address(request);
    if settings::bridge_path().is_some_and(|path| path == site::without_slash(request.url.path())) {
        return Ok(match request.method.as_str() {
            "GET" | "HEAD" => bridge(request, &site, address),
            _ => Response::empty(405).with("allow", "GET, HEAD".into()),
        });
    }
    if let Some(response) = turned_away(request, &site, address.as_deref(), journal.is_resumed) {
        return Ok(response);
    }
    let mut context = Context::new(request, &site, address);
    context.journal = journal;
    let response = match plugin::on_request(&mut context).transpose() {
        Some(Err(AuthError::Suspended)) => return Err(Box::new(context.journal)),
        Some(Err(error)) => return Ok(Response::refusal(&error)),
        Some(Ok(response)) => return Ok(response),
        None => match routed(request, &site) {
            Err(response) => return Ok(response),
            Ok((route, path)) => {
                context.is_sign_in = route.is_sign_in;
                context.path = path;
                match run(route, &mut context) {
                    Err(AuthError::Suspended) => return Err(Box::new(context.journal)),
                    answer => answer.unwrap_or_else(|error| Response::refusal(&error)),
                }
            }
        },
    };
    Ok(with_cookies(response, context))
}

/// The answer to a request that gets no further, wherever it leads: its route is switched off, or it is one too many.
/// One that goes on was counted when it began.
fn turned_away(request: &Request, site: &Site, address: Option<&str>, is_resumed: bool) -> Option<Response> {
    let route = site.route(request);
    let disabled = settings::disabled_paths().unwrap_or_default();
    if settings::parts(&disabled).any(|path| path == route) {
        let not_found = Response { body: "Not Found".into(), ..Response::empty(404) };
        return Some(not_found.with("content-type", "text/plain;charset=UTF-8".into()));
    }
    let limit = || rate_limit::check(address, route, routes::pattern(route));
    match (!is_resumed && settings::rate_limit()).then(limit)? {
        Ok(Ok(too_many)) => too_many,
        Ok(Err(error)) => Some(Response::refusal(&error)),
        Err(exception) => Some(undone(None, &exception)),
    }
}

/// A request's route and the path that leads there.
///
/// # Errors
/// What is answered where there is none.
fn routed<'r>(request: &'r Request, site: &Site) -> Result<(&'static Route, &'r str), Response> {
    let path = site.path(request);
    let Some((path, route)) = path.and_then(|path| Some((path, routes::find(&request.method, path)?))) else {
        return Err(Response::empty(404));
    };
    // On a standby, or where PostgREST runs a GET: nothing that writes gets as far as a password.
    if route.writes && !is_writable() {
        return Err(Response::empty(503));
    }
    Ok((route, path))
}

/// Calls an endpoint by its name in Better Auth's `auth.api`: no rate limit counts, and no origin is asked for. The
/// part that a path leaves open comes from `param`. A call that `is_own` is in nobody's name.
///
/// # Errors
/// There is no such endpoint, or the core and the plugins that are on don't have it; those of the endpoint.
pub(super) fn call_endpoint(
    endpoint: &str,
    door: Door<'_>,
    param: Option<&str>,
    ip_address: Option<&str>,
    is_own: bool,
) -> Result<Response, AuthError> {
    function::forget_sqlstate();
    let Some(route) = routes::named(endpoint) else {
        return Err(AuthError::Argument(format!(
            "there is no endpoint \"{}\" among those of Better Auth and the plugins that are on",
            excerpt(endpoint)
        )));
    };
    let path = match (route.path.split_once('*'), param) {
        (Some((before, after)), Some(param)) => format!("{before}{}{after}", encode(param)),
        (Some(_), None) => return Err(AuthError::Argument(format!("endpoint \"{endpoint}\" needs params"))),
        (None, _) => route.path.to_owned(),
    };
    // What HTTP doesn't reach has no path; it is called as if at the root.
    let at = if path.is_empty() { "/" } else { &path };
    let door = Door { method: route.method, path: at, ..door };
    let request = Request::through(&door).map_err(|_| AuthError::Argument("input is too large".into()))?;
    let site = Site::of(&request);
    let mut context = Context::new(&request, &site, ip_address.map(str::to_owned));
    context.path = &path;
    context.is_direct = true;
    context.is_own = is_own;
    let mut body = match route.has_body {
        true => request.read_body(false, false, route.max_values)?,
        false => request.no_body(),
    };
    dispatch(route, &mut context, &mut body)
}

fn bridge(request: &Request, site: &Site, address: Option<String>) -> Response {
    let mut context = Context::new(request, site, address);
    let response = protect(None, &Cell::new(false), &Cell::new(false), || routes::bridge(&mut context))
        .unwrap_or_else(|error| Response::refusal(&error));
    let response = with_cookies(response, context);
    if request.method == "HEAD" { Response { body: String::new(), ..response } } else { response }
}

fn with_cookies(mut response: Response, mut context: Context<'_>) -> Response {
    // A fault says nothing else.
    if response.status == 500 && response.body.is_empty() {
        return response;
    }
    for (name, value) in context.take_headers() {
        response.headers.retain(|(known, _)| *known != name);
        response.headers.push((name, value));
    }
    context.into_cookies().fold(response, |response, cookie| response.with("set-cookie", cookie))
}

fn run(route: &Route, context: &mut Context<'_>) -> Result<Response, AuthError> {
    let mut body = match route.has_body {
        true => context.request.read_body(route.takes_forms, route.forms_last, route.max_values)?,
        false => context.request.no_body(),
    };
    if context.request.method != "GET" {
        check_origin(context, &mut body)?;
    }
    let is_undone = Cell::new(false);
    let keeps = Rc::clone(&context.journal.keeps);
    let answer = protect(route.not_taken, &is_undone, &keeps, || dispatch(route, context, &mut body));
    if is_undone.get() {
        context.forget_answer();
    }
    answer
}

/// Whether the server is at fault, not who asked.
fn is_fault(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|error| error.status().is_none())
}

/// Better Auth's `dispatchAuthEndpoint`: what plugins have to say before and after an endpoint.
fn dispatch(route: &Route, context: &mut Context<'_>, body: &mut Body) -> Answer {
    let on = plugin::on();
    for plugin in on.iter() {
        if let Some(answer) = plugin.instead(context, body)? {
            return Ok(answer);
        }
        match body.fields_mut() {
            Some(fields) => plugin.before(context, fields)?,
            None => plugin.before(context, &mut Map::new())?,
        }
    }
    let mut answer = (route.run)(context, body);
    for plugin in on.iter() {
        if is_fault(&answer) {
            break;
        }
        if let Err(error) = plugin.after(context, &mut answer) {
            answer = Err(error);
        }
    }
    answer
}

/// Runs a route's work so that a fault leaves nothing of it behind. What is merely refused stays: the mail
/// that goes out with EMAIL_NOT_VERIFIED, say. Where an exception undid it, that `is_undone` says so.
fn protect(
    not_taken: Option<fn() -> AuthError>,
    is_undone: &Cell<bool>,
    keeps: &Cell<bool>,
    work: impl FnOnce() -> Result<Response, AuthError>,
) -> Result<Response, AuthError> {
    function::forget_sqlstate();
    // A request that is suspended will do again what it did, but for what it does once.
    let stays = |answer: &Answer| match answer {
        Err(AuthError::Suspended) => keeps.get(),
        answer => !is_fault(answer),
    };
    match attempt(work, stays) {
        Ok(answer) => answer,
        Err(exception) => {
            is_undone.set(true);
            Ok(undone(not_taken, &exception))
        }
    }
}

/// Better Auth's `originCheckMiddleware`, before every route but those of GET. From here on the body's URLs are as
/// they were judged.
fn check_origin(context: &Context<'_>, body: &mut Body) -> Result<(), AuthError> {
    let (site, request) = (context.site, context.request);
    site.check_origin(request, false)?;
    // A form of another site's brings no cookie, and takes one home: its sign-in would be its own user's. Behind a proxy
    // the browser alone may know that a page is of the same origin.
    let is_own = || request.header("sec-fetch-site").as_deref() == Some("same-origin");
    if request.may_be_form && request.session_token.is_none() && !is_own() {
        site.check_sign_in(request)?;
    }
    for (field, label, code) in [
        ("callbackURL", "callbackURL", Code::INVALID_CALLBACK_URL),
        ("redirectTo", "redirectURL", Code::INVALID_REDIRECT_URL),
        ("errorCallbackURL", "errorCallbackURL", Code::INVALID_ERROR_CALLBACK_URL),
        ("newUserCallbackURL", "newUserCallbackURL", Code::INVALID_NEW_USER_CALLBACK_URL),
    ] {
        let in_body = body.get(field).filter(|url| is_truthy(url)).cloned();
        let is_in_body = in_body.is_some();
        let in_query = || request.query_value(field).filter(|url| field == "callbackURL" && is_truthy(url));
        match in_body.or_else(in_query) {
            None => {}
            Some(Value::String(url)) => {
                let settled = site.check_redirect(&url, code)?;
                // That of the query is judged alone: no POST looks at it.
                if is_in_body {
                    body.set(field, settled.into_owned());
                }
            }
            Some(_) => return Err(AuthError::Field("", format!("Invalid {label}: expected a string"))),
        }
    }
    Ok(())
}

/// The answer to a request whose work an exception undid. One that a function of the DBA's raised on purpose
/// is the answer; others are for the server's log.
fn undone(not_taken: Option<fn() -> AuthError>, exception: &Exception) -> Response {
    let hook = function::last_sqlstate();
    // pgrx doesn't know those of the DBA's own making.
    let is_unknown = exception.code == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR
        || exception.code == PgSqlErrorCode::ERRCODE_RAISE_EXCEPTION;
    let state = sqlstate(hook.filter(|_| is_unknown).unwrap_or(exception.code as i32));
    let state = std::str::from_utf8(&state).unwrap_or_default();
    let status = match state.split_at(2) {
        // PostgREST's way to name a status.
        ("PT", status) => status.parse().ok().filter(|status| (400..600).contains(status)),
        ("P0" | "22" | "23", _) => Some(400),
        _ if state == "42501" => Some(403),
        _ => None,
    };
    if let (Some(_), Some(status)) = (hook, status) {
        let mut body = Object::new().text("message", &exception.message);
        let is_code = |detail: &&str| {
            !detail.is_empty()
                && detail
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if let Some(code) = exception.detail.as_deref().filter(is_code) {
            body = body.text("code", code);
        }
        return Response { status, ..Response::json(body.finish()) };
    }
    // The message of these has what the request brought in it.
    let is_value = matches!(state.get(..2), Some("22"));
    let message = if is_value { "a value was not accepted" } else { &exception.message };
    warn(exception.code, &format!("handler() could not finish a request: {message} ({state})"));
    // Too many hash passwords at this moment, or somebody holds a row for long.
    if exception.code == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE {
        return Response::empty(503).with("retry-after", "1".into());
    }
    match not_taken.filter(|_| exception.is_about_data()) {
        Some(not_taken) => Response::refusal(&not_taken()),
        None => Response::empty(500),
    }
}
