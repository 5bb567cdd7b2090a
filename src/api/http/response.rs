//! A response as `handler()` answers it.

use crate::crypto::jwt::write_json;
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::store::server::warn;

/// Status, headers and body.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Response {
    /// Without headers and without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    /// 200 with JSON text.
    pub(crate) fn json(body: String) -> Self {
        Self { body, ..Self::empty_json(200) }
    }

    /// Better Auth says of empty bodies too that they are JSON, except where there is no route.
    fn empty_json(status: u16) -> Self {
        Self::empty(status).with("content-type", "application/json".into())
    }

    /// 302.
    pub(crate) fn redirect(location: String) -> Self {
        Self::empty_json(302).with("location", location)
    }

    /// The answer to what was refused. Where the server is at fault, what happened goes into its log, and
    /// nobody else is told.
    pub(crate) fn refusal(error: &AuthError) -> Self {
        let Some(status) = error.status() else {
            warn(error.sqlstate(), &error.message());
            return Self::empty(500);
        };
        if matches!(error, AuthError::Bare(..)) {
            return Self::empty_json(status);
        }
        if let AuthError::Flow(_, code, description) = error {
            let body = Object::new().text("error", code).text("error_description", description);
            return Self { body: body.finish(), ..Self::empty_json(status) };
        }
        if let AuthError::CodeFirst(code, message) = error {
            let body = Object::new().text("code", code.code).text("message", message);
            return Self { body: body.finish(), ..Self::empty_json(status) };
        }
        let mut body = Object::new().text("message", &error.message());
        if let Some(code) = error.code() {
            body = body.text("code", code);
        }
        if let AuthError::Listing(_, name, list) = error {
            body = body.json(name, &serde_json::json!(list).to_string());
        }
        if let AuthError::Later(_, milliseconds) = error {
            body = body.json("details", &Object::new().number("tryAgainIn", *milliseconds).finish());
        }
        Self { body: body.finish(), ..Self::empty_json(status) }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The headers as they may go out: nothing that a request brought may end one.
    pub(crate) fn plain_headers(&self) -> Vec<(&'static str, String)> {
        let is_plain = |character: &char| !character.is_control();
        let plain =
            |(name, value): &(&'static str, String)| (*name, value.chars().filter(is_plain).collect());
        self.headers.iter().map(plain).collect()
    }

    /// `{status, headers, body}`.
    pub(crate) fn into_json(self) -> String {
        let mut json = Vec::with_capacity(256 + self.body.len() + self.body.len() / 4);
        json.extend_from_slice(b"{\"status\":");
        write_json(&mut json, &self.status);
        json.extend_from_slice(b",\"headers\":");
        write_json(&mut json, &self.plain_headers());
        json.extend_from_slice(b",\"body\":");
        write_json(&mut json, &self.body);
        json.push(b'}');
        String::from_utf8(json).unwrap_or_default()
    }
}
