//! What a request needs of the outside world. A database asks nobody itself: the request is suspended, whoever called
//! `handler()` fetches, and `resume()` plays the request again with what came back, as far as the next fetch or its end.
//! So what a flow does before a fetch is done again, unless [`Caller::once`](super::session::Caller::once) keeps it.

use serde_json::{Value, json};
use zeroize::Zeroizing;

/// How long whoever fetches is to wait for an answer, in milliseconds.
pub(crate) const TIMEOUT: u32 = 10_000;
/// The longest body of an answer that is looked at, in bytes, where a fetch doesn't ask for more.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// The most fetches of one request.
pub(crate) const MAX_FETCHES: usize = 4;

/// A request to somebody else's server. Its URL comes out of what a superuser wrote, or of a provider's discovery
/// document.
pub(crate) struct Fetch {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Zeroizing<String>>,
    /// The longest body of an answer that is looked at, in bytes.
    pub(crate) max_body: usize,
}

impl Fetch {
    /// A GET.
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), headers: Vec::new(), body: None, max_body: MAX_BODY }
    }

    /// A POST of a body of some type.
    pub(crate) fn post(url: impl Into<String>, content_type: &str, body: String) -> Self {
        let post = Self { method: "POST", body: Some(Zeroizing::new(body)), ..Self::get(url) };
        post.with("content-type", content_type.into())
    }

    /// The same with one more header, which takes the place of one of that name.
    pub(crate) fn with(mut self, name: &str, value: String) -> Self {
        let name = name.to_ascii_lowercase();
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fetched {
    Answer {
        status: u16,
        body: String,
    },
    /// There was no answer: the server can't be reached, is too slow, or sends too much.
    Failed,
}

impl Fetched {
    /// The body, where the answer is one of success: no redirect is followed.
    pub(crate) fn ok(&self) -> Option<&str> {
        match self {
            Self::Answer { status: 200..300, body } => Some(body),
            _ => None,
        }
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.ok()?).ok()
    }

    /// How long the body is, in bytes.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Answer { body, .. } => body.len(),
            Self::Failed => 0,
        }
    }

    /// As it is kept until the request ends.
    pub(crate) fn to_kept(&self) -> Value {
        match self {
            Self::Answer { status, body } => json!([status, body]),
            Self::Failed => Value::Null,
        }
    }

    /// What [`Fetched::to_kept`] has written.
    pub(crate) fn from_kept(kept: &Value) -> Self {
        let read = || {
            let status = u16::try_from(kept.get(0)?.as_u64()?).ok()?;
            Some(Self::Answer { status, body: kept.get(1)?.as_str()?.to_owned() })
        };
        read().unwrap_or(Self::Failed)
    }
}
