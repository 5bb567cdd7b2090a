//! Requests to a token endpoint, and what they are answered with: RFC 6749 sections 4.1.3, 5 and 6, as Better Auth's
//! `validateAuthorizationCode` and `refreshAccessToken` ask and read.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::TokenSet;
use super::answer::object;
use super::params::Params;
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::input::{is_truthy, js_number, js_string};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a request to a token endpoint says of a code.
#[derive(Default)]
pub(crate) struct Code<'a> {
    pub(crate) code: &'a str,
    pub(crate) code_verifier: Option<&'a str>,
    pub(crate) client_key: Option<&'a str>,
    pub(crate) device_id: Option<&'a str>,
    pub(crate) redirect_uri: &'a str,
}

/// A request to a token endpoint.
pub(crate) struct TokenRequest<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) params: Params,
    headers: Vec<(String, String)>,
}

impl<'a> TokenRequest<'a> {
    fn new(endpoint: &'a str, params: Params) -> Self {
        Self { endpoint, params, headers: vec![("accept".into(), "application/json".into())] }
    }

    /// For the tokens of a code.
    pub(crate) fn code(endpoint: &'a str, code: &Code<'_>) -> Self {
        let mut params = Params::from([("grant_type", "authorization_code"), ("code", code.code)]);
        params.set_some("code_verifier", code.code_verifier);
        params.set_some("client_key", code.client_key);
        params.set_some("device_id", code.device_id);
        params.set("redirect_uri", code.redirect_uri);
        Self::new(endpoint, params)
    }

    /// For another access token.
    pub(crate) fn refresh(endpoint: &'a str, refresh_token: &str) -> Self {
        let params = Params::from([("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        Self::new(endpoint, params)
    }

    /// A header more, in the place of one of that name.
    pub(crate) fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    /// What it says additionally: nothing that it says already.
    pub(crate) fn add(&mut self, additional: &Map<String, Value>) {
        for (name, value) in additional {
            if !self.params.has(name)
                && let Some(value) = js_string(value)
            {
                self.params.set(name, value);
            }
        }
    }

    /// What it says in place of what it says already, but for the grant itself.
    pub(crate) fn replace(&mut self, additional: &Map<String, Value>) {
        for (name, value) in additional {
            if name != "grant_type"
                && name != "refresh_token"
                && let Some(value) = js_string(value)
            {
                self.params.set(name, value);
            }
        }
    }

    /// As it is fetched.
    pub(crate) fn into_fetch(self) -> Fetch {
        let fetch = Fetch::post(self.endpoint, FORM, self.params.encode());
        self.headers.into_iter().fold(fetch, |fetch, (name, value)| fetch.with(&name, value))
    }
}

/// The tokens of an answer to a code: `getOAuth2Tokens`. `None` where it isn't one of success, or null. One of success
/// that is no object has no tokens, and nobody is told of then.
pub(crate) fn read(answer: &Fetched) -> Option<TokenSet> {
    match serde_json::from_str(answer.ok()?) {
        Ok(Value::Object(raw)) => {
            let tokens = of(&raw);
            Some(TokenSet { raw, ..tokens })
        }
        Ok(Value::Null) => None,
        _ => Some(TokenSet::default()),
    }
}

/// The tokens of an answer to a refresh token; `None` without an access token too.
pub(crate) fn read_refreshed(answer: &Fetched) -> Option<TokenSet> {
    let raw = object(answer)?;
    raw.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    Some(of(&raw))
}

fn of(raw: &Map<String, Value>) -> TokenSet {
    TokenSet {
        access_token: text(raw, "access_token").map(Zeroizing::new),
        refresh_token: text(raw, "refresh_token").map(Zeroizing::new),
        id_token: text(raw, "id_token"),
        access_token_expires_in: seconds(raw, "expires_in"),
        refresh_token_expires_in: seconds(raw, "refresh_token_expires_in"),
        scopes: scopes(raw.get("scope")),
        ..TokenSet::default()
    }
}

/// A member as a text, as which JavaScript would keep it.
pub(crate) fn text(raw: &Map<String, Value>, name: &str) -> Option<String> {
    raw.get(name).filter(|value| !value.is_null()).and_then(js_string)
}

/// A time in seconds, as JavaScript calculates with it: of a text too. `None` for what is no time.
pub(crate) fn seconds(raw: &Map<String, Value>, name: &str) -> Option<f64> {
    let seconds = match raw.get(name).filter(|value| is_truthy(value))? {
        Value::Number(number) => number.as_f64()?,
        Value::Bool(_) => 1.0,
        Value::String(text) => js_number(text),
        _ => return None,
    };
    Some(seconds).filter(|seconds| seconds.is_finite())
}

/// Better Auth's `parseScopeField`.
fn scopes(scope: Option<&Value>) -> Vec<String> {
    match scope {
        Some(Value::Array(list)) => {
            let texts = list.iter().filter_map(Value::as_str).map(str::trim);
            texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
        }
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
