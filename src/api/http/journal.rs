//! What a request that is played again after a fetch knows of what has been done, and how it is kept until then.

use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;

use super::request::Request;
use super::response::Response;
use crate::api::jsonb::Jsonb;
use crate::error::AuthError;
use crate::flow::fetch::{Fetch, Fetched, MAX_BODY, MAX_FETCHES, TIMEOUT};
use crate::flow::secrets::{self, Purpose};
use crate::store::server::{Timestamp, random_token};
use crate::store::verification;

/// How long whoever fetches has, in seconds.
const LIFETIME: i64 = 60;
/// What the identifiers of requests that are suspended begin with, in `verification`.
const PREFIX: &str = "better-auth-resume:";

/// What has been done of a request.
#[derive(Default)]
pub(super) struct Journal {
    /// Whoever called fetches for us.
    pub(super) can_fetch: bool,
    /// The request goes on.
    pub(super) is_resumed: bool,
    /// What came of each fetch, `{fetch, fetched}`, and of what was to be done once, `{once, value}`, in order.
    done: Vec<Value>,
    /// Which of these the request has come by again. It may pass some over: what they have brought about is there.
    used: Vec<bool>,
    wanted: Option<Fetch>,
    /// Something was done once in this run, which stays though the request is suspended.
    pub(super) keeps: Rc<Cell<bool>>,
}

impl Journal {
    /// Of a request that begins.
    pub(super) fn of_new(can_fetch: bool) -> Self {
        Self { can_fetch, ..Self::default() }
    }

    /// What came of a fetch, once somebody has fetched.
    ///
    /// # Errors
    /// [`AuthError::Suspended`].
    pub(super) fn fetch(&mut self, fetch: Fetch) -> Result<Fetched, AuthError> {
        if !self.can_fetch {
            return Ok(Fetched::Failed);
        }
        if let Some(done) = self.find("fetch", &fetch.url) {
            return Ok(Fetched::from_kept(&done["fetched"]));
        }
        if self.done.iter().filter(|done| done.get("fetch").is_some()).count() >= MAX_FETCHES {
            return Ok(Fetched::Failed);
        }
        self.wanted = Some(fetch);
        Err(AuthError::Suspended)
    }

    /// What `work` is, or was the first time.
    ///
    /// # Errors
    /// Those of `work`.
    pub(super) fn once(
        &mut self,
        name: &'static str,
        work: &mut dyn FnMut() -> Result<Value, AuthError>,
    ) -> Result<Value, AuthError> {
        if let Some(done) = self.find("once", name) {
            return Ok(done["value"].clone());
        }
        let value = work()?;
        self.keeps.set(true);
        self.done.push(json!({"once": name, "value": value}));
        self.used.push(true);
        Ok(value)
    }

    /// Whether this was done once.
    pub(super) fn has_done(&self, name: &str) -> bool {
        self.done.iter().any(|done| done.get("once").and_then(Value::as_str) == Some(name))
    }

    /// The next one of a kind and a name that the request comes by again.
    fn find(&mut self, kind: &str, name: &str) -> Option<&Value> {
        self.used.resize(self.done.len(), false);
        let is_it = |done: &Value| done.get(kind).and_then(Value::as_str) == Some(name);
        let place = (0..self.done.len()).find(|place| !self.used[*place] && is_it(&self.done[*place]))?;
        self.used[place] = true;
        self.done.get(place)
    }
}

/// What a request has come to.
pub(super) enum Played {
    Answered(Response),
    /// `{fetch, resume}`, as JSON.
    Suspended(String),
}

impl Played {
    pub(super) fn into_json(self) -> String {
        match self {
            Self::Answered(response) => response.into_json(),
            Self::Suspended(json) => json,
        }
    }
}

/// Keeps a request until somebody has fetched: it is sealed, and counts once.
///
/// # Errors
/// No randomness, no table, no secret.
pub(super) fn suspend(request: &Request, journal: Journal) -> Result<Played, AuthError> {
    let Some(fetch) = journal.wanted else { return Ok(Played::Answered(Response::empty(500))) };
    let id = random_token(32)?;
    let now = Timestamp::now();
    verification::create(&format!("{PREFIX}{id}"), "", now.plus(LIFETIME), now)?;
    let kept = json!({
        "id": id,
        "request": request.to_kept(),
        "done": journal.done,
        "fetch": fetch.url,
        "max_body": fetch.max_body,
    });
    let resume = secrets::seal_for(Purpose::Resume, &kept.to_string())?;
    let headers: serde_json::Map<String, Value> =
        fetch.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let fetch = json!({
        "method": fetch.method,
        "url": fetch.url,
        "headers": headers,
        "body": fetch.body.as_deref(),
        "timeout_ms": TIMEOUT,
        "max_bytes": fetch.max_body,
    });
    Ok(Played::Suspended(json!({"fetch": fetch, "resume": resume}).to_string()))
}

/// Takes up a request that was suspended, with what came of its fetch.
///
/// # Errors
/// 22023 for what isn't one, was taken up already, or too late; and for an answer of another shape.
pub(super) fn take_up(resume: &str, answer: &Jsonb<'_>) -> Result<(Request, Journal), AuthError> {
    let refused = || {
        AuthError::Argument("resume is none of handler()'s, has been used, or is older than a minute".into())
    };
    let mut fetched = read_answer(answer)?;
    let now = Timestamp::now();
    let kept = secrets::unseal_for(Purpose::Resume, resume, now)?.ok_or_else(refused)?;
    let mut kept: Value = serde_json::from_str(&kept).map_err(|_| refused())?;
    let id = kept["id"].as_str().ok_or_else(refused)?;
    // Of all that come with it, one goes on.
    verification::consume(&format!("{PREFIX}{id}"), now)?.ok_or_else(refused)?;
    let request = Request::from_kept(&kept["request"]).ok_or_else(refused)?;
    let max_body = kept["max_body"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
    if fetched.length() > max_body.unwrap_or(MAX_BODY) {
        fetched = Fetched::Failed;
    }
    let Value::Array(mut done) = kept["done"].take() else { return Err(refused()) };
    done.push(json!({"fetch": kept["fetch"], "fetched": fetched.to_kept()}));
    Ok((request, Journal { can_fetch: true, is_resumed: true, done, ..Journal::default() }))
}

/// `{status, headers, body}`, or `{error}`.
fn read_answer(answer: &Jsonb<'_>) -> Result<Fetched, AuthError> {
    let shape = || AuthError::Argument("response must be {status, headers, body} or {error}".into());
    let (mut status, mut body, mut has_error) = (None, None, false);
    for (name, value) in answer.entries().ok_or_else(shape)? {
        match name {
            "status" => status = Some(value.as_u16().ok_or_else(shape)?),
            "body" if value.is_null() => {}
            "body" => body = Some(value.as_str().ok_or_else(shape)?),
            "error" => has_error = !value.is_null(),
            _ => {}
        }
    }
    if has_error {
        return Ok(Fetched::Failed);
    }
    let (status, body) = (status.ok_or_else(shape)?, body.unwrap_or_default());
    Ok(Fetched::Answer { status, body: body.to_owned() })
}
