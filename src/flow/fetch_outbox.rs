//! Requests to other servers that the DBA's own SQL asks for, such as webhooks: put into the outbox, and its worker's
//! side. They are made after the transaction that asked for them, and at least once.

use serde_json::{Map, Value};
use url::Url;

use crate::error::AuthError;
use crate::settings;
use crate::store::fetch_outbox;
use crate::store::server::Timestamp;

pub(crate) use crate::store::fetch_outbox::Outgoing;

/// The most requests that are given out at once.
const MAX_BATCH: i32 = 1_000;
/// The longest URL, and the most that all headers are together, in bytes.
const MAX_LINE: usize = 16 * 1024;
/// The longest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Asks for a request. Its id.
///
/// # Errors
/// 22023 for what is no such request; those of the store.
pub(crate) fn enqueue(
    method: &str,
    url: &str,
    headers: &Map<String, Value>,
    body: Option<&str>,
) -> Result<String, AuthError> {
    let refused = |text: String| Err(AuthError::Argument(text));
    if !METHODS.contains(&method) {
        return refused(format!("method must be one of: {}", METHODS.join(", ")));
    }
    let Some(url) = read_url(url) else {
        return refused(
            "url must be an absolute URL of https or http, without a user, of up to 16 KiB".into(),
        );
    };
    let Some(headers) = read_headers(headers) else {
        return refused(
            "headers must be an object of names and texts of HTTP, of up to 16 KiB together".into(),
        );
    };
    if method == "GET" && body.is_some() {
        return refused("a GET has no body".into());
    }
    if body.is_some_and(|body| body.len() > MAX_BODY) {
        return refused("body must be no longer than 1 MiB".into());
    }
    let now = Timestamp::now();
    let expires_at = now.plus(settings::fetch_expires_in());
    let headers = Value::Object(headers).to_string();
    fetch_outbox::create((method, url.as_str()), (&headers, body), now, expires_at)
}

fn read_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.has_host();
    let is_short = url.as_str().len() <= MAX_LINE;
    (matches!(url.scheme(), "https" | "http") && is_plain && is_short).then_some(url)
}

/// Names in lower case.
fn read_headers(headers: &Map<String, Value>) -> Option<Map<String, Value>> {
    // RFC 9110, section 5.6.2.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_text = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    let mut read = Map::new();
    let mut length = 0;
    for (name, value) in headers {
        let value = value.as_str()?;
        length += name.len() + value.len();
        if name.is_empty() || !name.bytes().all(is_token) || !value.bytes().all(is_text) || length > MAX_LINE
        {
            return None;
        }
        read.insert(name.to_ascii_lowercase(), value.into());
    }
    Some(read)
}

/// Takes up to `batch` requests that are due. Nobody else gets them for `better_auth.fetch_visibility_timeout`.
///
/// # Errors
/// A batch that is not between 1 and 1,000.
pub(crate) fn claim(batch: i32) -> Result<Vec<Outgoing>, AuthError> {
    if !(1..=MAX_BATCH).contains(&batch) {
        return Err(AuthError::Argument(format!("batch must be between 1 and {MAX_BATCH}")));
    }
    let now = Timestamp::now();
    let until = now.plus(settings::fetch_visibility_timeout());
    fetch_outbox::claim(batch.into(), now, until, settings::fetch_max_attempts().into())
}

/// Deletes a request that was made; whether it was there.
///
/// # Errors
/// Those of the store.
pub(crate) fn complete(id: &str) -> Result<bool, AuthError> {
    fetch_outbox::complete(id)
}

/// Notes why a request failed; when it is tried again, unless that is never.
///
/// # Errors
/// Those of the store.
pub(crate) fn fail(id: &str, error: &str) -> Result<Option<Timestamp>, AuthError> {
    fetch_outbox::fail(id, error, Timestamp::now(), settings::fetch_max_attempts().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_absolute_and_of_the_web() {
        for good in ["https://hooks.example/x?y=z", "http://127.0.0.1:4000", "HTTPS://Hooks.Example"] {
            assert!(read_url(good).is_some(), "{good}");
        }
        let long = format!("https://hooks.example/{}", "x".repeat(MAX_LINE));
        for bad in [
            "",
            "/x",
            "hooks.example",
            "ftp://hooks.example",
            "file:///etc/passwd",
            "javascript:1",
            "https://user@hooks.example",
            "https://user:password@hooks.example",
            "https://",
            &long,
        ] {
            assert!(read_url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn headers_are_names_and_texts() {
        let read = |json: &str| serde_json::from_str(json).ok().and_then(|headers| read_headers(&headers));
        let good = read(r#"{"X-Key": "a b", "content-type": "text/plain"}"#);
        assert_eq!(
            good.map(|good| Value::Object(good).to_string()).as_deref(),
            Some(r#"{"x-key":"a b","content-type":"text/plain"}"#)
        );
        assert!(read("{}").is_some());
        for bad in [
            r#"{"": "x"}"#,
            r#"{"a b": "x"}"#,
            r#"{"a:": "x"}"#,
            r#"{"a": 1}"#,
            r#"{"a": null}"#,
            r#"{"a": "x\r\ny: z"}"#,
            r#"{"a": "\u00e9"}"#,
            "{\"\u{e9}\": \"x\"}",
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
        assert!(read(&format!(r#"{{"a": "{}"}}"#, "x".repeat(MAX_LINE))).is_none());
    }
}
