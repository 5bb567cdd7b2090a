//! A request as `handler()` is given it.

use serde_json::{Map, Value, json};
use std::borrow::Cow;
use url::Url;

use super::Door;
use super::location::{form_pairs, trim};
use crate::api::json as bounds;
use crate::api::jsonb::{Jsonb, Member};
use crate::error::{AuthError, Code};
use crate::flow::url::configured_base;
use crate::plugin;
use crate::settings;

/// Method, URL, headers and body.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: Url,
    /// Names in lower case, in the order that they came in.
    headers: Vec<(String, String)>,
    /// What there is of a body; an empty one is none.
    body: Option<String>,
    /// The parameters of the URL.
    pub(crate) query: Vec<(String, String)>,
    /// Takes the place of the cookie, where the door has one of its own.
    pub(crate) session_token: Option<String>,
    /// Whoever calls says that it fetches.
    pub(super) offers_fetch: bool,
    /// What is JSON here may have been a form: pages of other sites send these as they like.
    pub(super) may_be_form: bool,
}

/// What a request holds that could not be read as one.
pub(super) enum Unreadable {
    /// It isn't `{method, url, headers, body}`.
    Shape(&'static str),
    /// It has to be answered with this status, and nothing else is known of it: the URL is none, or more came
    /// than any request of ours has.
    Refused(u16),
}

/// The largest body, in bytes.
const MAX_BODY: usize = 1 << 20;
/// The most that all headers may have together.
const MAX_HEADERS: usize = 64 * 1024;
/// How many headers and parameters of the URL there may be.
const MAX_PAIRS: usize = 1_000;
/// The longest URL.
pub(crate) const MAX_URL: usize = 16 * 1024;

impl Request {
    /// Reads `{method, url, headers, body}`.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub(super) fn read(request: &Jsonb<'_>) -> Result<Self, Unreadable> {
        const SHAPE: &str = "request must be an object {method, url, headers, body}";
        let (mut method, mut url, mut headers, mut body) = (None, None, Vec::new(), None);
        let mut offers_fetch = false;
        for (name, value) in request.entries().ok_or(Unreadable::Shape(SHAPE))? {
            match name {
                "method" => method = value.as_str(),
                "url" => url = value.as_str(),
                "headers" => headers = read_headers(value)?,
                "body" if value.is_null() => {}
                "body" => {
                    body = Some(value.as_str().ok_or(Unreadable::Shape("body must be a string or null"))?)
                }
                "fetch" => offers_fetch = value.is_true(),
                // What an HTTP layer adds for itself.
                _ => {}
            }
        }
        let method = method.ok_or(Unreadable::Shape("method must be a string"))?;
        let url = url.ok_or(Unreadable::Shape("url must be a string"))?;
        Ok(Self { offers_fetch, ..Self::new(method, url, headers, body)? })
    }

    /// As it is kept while somebody fetches.
    pub(super) fn to_kept(&self) -> Value {
        json!([self.method, self.url.as_str(), self.headers, self.body])
    }

    /// What [`Request::to_kept`] has written.
    pub(super) fn from_kept(kept: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let pair = |pair: &Value| Some((text(pair.get(0)?)?, text(pair.get(1)?)?));
        let headers = kept.get(2)?.as_array()?.iter().map(pair).collect::<Option<_>>()?;
        Self::new(kept.get(0)?.as_str()?, kept.get(1)?.as_str()?, headers, kept.get(3)?.as_str()).ok()
    }

    /// A request whose URL is absolute, or a path on the host that its Host header names.
    ///
    /// # Errors
    /// See [`Unreadable`]; never the shape.
    pub(super) fn new(
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: Option<&str>,
    ) -> Result<Self, Unreadable> {
        check_size(url, &headers, body)?;
        let url = match url.starts_with('/') {
            true => {
                let host = headers.iter().find(|(name, _)| name == "host");
                parse_url(host.map_or("localhost", |(_, host)| host), url)?
            }
            false => web_url(Url::parse(url).ok())?,
        };
        let query = url.query().map(|query| form_pairs(&format!("?{query}"))).unwrap_or_default();
        if query.len() > MAX_PAIRS {
            return Err(Unreadable::Refused(400));
        }
        let body = body.filter(|body| !body.is_empty()).map(str::to_owned);
        let method = method.to_ascii_uppercase();
        Ok(Self {
            method,
            url,
            headers,
            body,
            query,
            session_token: None,
            offers_fetch: false,
            may_be_form: false,
        })
    }

    /// A GET of this URL, without headers.
    pub(crate) fn get(url: Url) -> Self {
        let (headers, query) = (Vec::new(), Vec::new());
        let method = "GET".into();
        Self {
            method,
            url,
            headers,
            body: None,
            query,
            session_token: None,
            offers_fetch: false,
            may_be_form: false,
        }
    }

    /// A request that comes through another door.
    ///
    /// # Errors
    /// The Host header is odd, or more came than any request of ours has.
    pub(super) fn through(door: &Door<'_>) -> Result<Self, Unreadable> {
        let path = match door.path {
            "" => settings::bridge_path().unwrap_or_default(),
            path => {
                let base =
                    configured_base().and_then(|url| Url::parse(&url).ok()).map(|url| url.path().to_owned());
                let base = base.or_else(settings::base_path).unwrap_or_default();
                format!("{}{path}", base.trim_end_matches('/'))
            }
        };
        check_size(&path, &door.headers, door.body.as_deref())?;
        let query_size: usize = door.query.iter().map(|(name, value)| name.len() + value.len()).sum();
        if query_size > MAX_URL || door.query.len() > MAX_PAIRS {
            return Err(Unreadable::Refused(414));
        }
        let host = door.headers.iter().find(|(name, _)| name == "host").map_or("localhost", |(_, host)| host);
        let mut url = parse_url(host, &path)?;
        if !door.query.is_empty() {
            url.query_pairs_mut().extend_pairs(door.query);
        }
        let mut headers = door.headers.clone();
        headers.retain(|(name, _)| name != "content-type");
        if door.session_token.is_some() {
            for (_, cookies) in headers.iter_mut().filter(|(name, _)| name == "cookie") {
                let name = |pair: &str| pair.split('=').next().unwrap_or_default().trim().to_owned();
                let counts = |pair: &&str| plugin::counts_beside_token(&name(pair));
                *cookies = cookies.split(';').filter(counts).collect::<Vec<_>>().join(";");
            }
        }
        headers.push(("content-type".into(), "application/json".into()));
        Ok(Self {
            method: door.method.into(),
            query: door.query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            url,
            headers,
            body: door.body.clone(),
            session_token: door.session_token.map(str::to_owned),
            offers_fetch: false,
            may_be_form: false,
        })
    }

    /// The last part of the path, as it was sent; a slash at the end has been passed over by now.
    pub(crate) fn last_segment(&self) -> &str {
        self.url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// A header; several of one name are joined as the fetch standard does.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value);
        let first = values.next()?;
        let separator = if name == "cookie" { "; " } else { ", " };
        Some(values.fold(Cow::Borrowed(first.as_str()), |joined, value| joined + separator + value.as_str()))
    }

    /// All headers, names in lower case: those of one name in the order that they came in.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// A parameter of the URL: text, or a list where it was given several times.
    pub(crate) fn query_value(&self, name: &str) -> Option<Value> {
        let mut values = self.query.iter().filter(|(parameter, _)| parameter == name).map(|(_, value)| value);
        let first = Value::String(values.next()?.clone());
        let rest: Vec<Value> = values.map(|value| Value::String(value.clone())).collect();
        Some(if rest.is_empty() { first } else { Value::Array([vec![first], rest].concat()) })
    }

    /// Whether a parameter is there and says something: any text does, `false` among them.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.query_value(name).is_some_and(|value| value.as_str() != Some(""))
    }

    /// The body's text, whatever is in it.
    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    /// For a route that takes no body.
    pub(crate) fn no_body(&self) -> Body {
        Body(None)
    }

    /// The body, if it is of a type that the route takes and has no more than `max_values`: better-call's
    /// `getBody`.
    ///
    /// # Errors
    /// UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST, VALIDATION_ERROR.
    pub(crate) fn read_body(
        &self,
        takes_forms: bool,
        forms_last: bool,
        max_values: usize,
    ) -> Result<Body, AuthError> {
        const JSON: &str = "application/json";
        const FORM: &str = "application/x-www-form-urlencoded";
        let Some(body) = &self.body else { return Ok(Body(None)) };
        let content_type = self.header("content-type").unwrap_or_default();
        let media_type = trim(content_type.split(';').next().unwrap_or_default()).to_lowercase();
        if media_type == JSON {
            let (depth, values) = bounds::measure(body);
            if depth > bounds::MAX_DEPTH {
                return Err(Code::BAD_JSON.into());
            }
            check_count(values, max_values)?;
            return parse_json(body).map(|value| Body(Some(value))).ok_or_else(|| Code::BAD_JSON.into());
        }
        if takes_forms && media_type == FORM {
            check_count(1 + body.bytes().filter(|byte| *byte == b'&').count(), max_values)?;
            let fields: Map<String, Value> =
                form_pairs(body).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            return Ok(Body(Some(Value::Object(fields))));
        }
        let allowed = match (takes_forms, forms_last) {
            (true, false) => format!("{FORM}, {JSON}"),
            (true, true) => format!("{JSON}, {FORM}"),
            (false, _) => JSON.to_owned(),
        };
        Err(AuthError::MediaType(match content_type.is_empty() {
            true => format!("Content-Type is required. Allowed types: {allowed}"),
            false => format!("Content-Type \"{content_type}\" is not allowed. Allowed types: {allowed}"),
        }))
    }
}

/// # Errors
/// With the status for what there is too much of.
fn check_size(url: &str, headers: &[(String, String)], body: Option<&str>) -> Result<(), Unreadable> {
    let header_size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let is_too_much = [
        (url.len() > MAX_URL, 414),
        (header_size > MAX_HEADERS || headers.len() > MAX_PAIRS, 431),
        (body.is_some_and(|body| body.len() > MAX_BODY), 413),
    ];
    match is_too_much.into_iter().find(|(is_it, _)| *is_it) {
        Some((_, status)) => Err(Unreadable::Refused(status)),
        None => Ok(()),
    }
}

/// The URL of a path on the host that a header names.
fn parse_url(host: &str, path: &str) -> Result<Url, Unreadable> {
    // What would be read as another part of the URL, or not at all.
    let is_odd =
        |character: char| character.is_control() || character.is_whitespace() || "/\\?#@".contains(character);
    if host.is_empty() || host.contains(is_odd) {
        return Err(Unreadable::Refused(400));
    }
    web_url(Url::parse(&format!("http://{host}{path}")).ok())
}

fn check_count(values: usize, max: usize) -> Result<(), AuthError> {
    if values > max {
        let issue = format!("[body] Too big: expected to have <={max} values");
        return Err(AuthError::Validation(vec![issue]));
    }
    Ok(())
}

fn web_url(url: Option<Url>) -> Result<Url, Unreadable> {
    url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(Unreadable::Refused(400))
}

fn read_headers(headers: Member<'_>) -> Result<Vec<(String, String)>, Unreadable> {
    const SHAPE: Unreadable =
        Unreadable::Shape("headers must be an object of strings, or an array of [name, value] pairs");
    let header = |name: &str, value: &str| (name.to_ascii_lowercase(), trim_header(value).to_owned());
    let mut read = Vec::new();
    if headers.is_null() {
        return Ok(read);
    }
    if let Some(members) = headers.members() {
        for (name, value) in members {
            if read.len() > MAX_PAIRS {
                return Err(Unreadable::Refused(431));
            }
            match value.elements() {
                Some(values) => {
                    for value in values {
                        read.push(header(name, value.as_str().ok_or(SHAPE)?));
                    }
                }
                None if value.is_null() => {}
                None => read.push(header(name, value.as_str().ok_or(SHAPE)?)),
            }
        }
        return Ok(read);
    }
    for pair in headers.elements().ok_or(SHAPE)? {
        if read.len() > MAX_PAIRS {
            return Err(Unreadable::Refused(431));
        }
        match pair.elements().ok_or(SHAPE)?.as_slice() {
            [name, value] => {
                read.push(header(name.as_str().ok_or(SHAPE)?, value.as_str().ok_or(SHAPE)?));
            }
            _ => return Err(SHAPE),
        }
    }
    Ok(read)
}

fn trim_header(value: &str) -> &str {
    value.trim_matches([' ', '\t', '\r', '\n'])
}

/// The body as JSON; `None` where there was none.
pub(crate) struct Body(Option<Value>);

impl Body {
    /// The fields of an object.
    pub(crate) fn fields_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.0.as_mut()?.as_object_mut()
    }

    /// One field, if the body is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.as_object()?.get(name)
    }

    /// Changes a field that it has.
    pub(crate) fn set(&mut self, name: &str, text: String) {
        if let Some(field) = self.0.as_mut().and_then(|body| body.get_mut(name)) {
            *field = Value::String(text);
        }
    }

    /// The fields of a body that has to be an object.
    ///
    /// # Errors
    /// VALIDATION_ERROR in the words of zod's `kind` of object.
    pub(crate) fn object(&self, kind: &str) -> Result<&Map<String, Value>, AuthError> {
        match &self.0 {
            Some(Value::Object(fields)) => Ok(fields),
            other => {
                let received = crate::flow::input::Input::from(other.as_ref()).kind();
                Err(AuthError::Validation(vec![format!(
                    "[body] Invalid input: expected {kind}, received {received}"
                )]))
            }
        }
    }

    /// The same where Better Auth's schema is two: an object of some fields, and a record of any others.
    ///
    /// # Errors
    /// VALIDATION_ERROR, with an issue of each.
    pub(crate) fn object_and_record(&self) -> Result<&Map<String, Value>, AuthError> {
        self.object("object").map_err(|error| match error {
            AuthError::Validation(issues) => {
                let both = issues
                    .iter()
                    .flat_map(|issue| [issue.clone(), issue.replace("expected object", "expected record")]);
                AuthError::Validation(both.collect())
            }
            error => error,
        })
    }

    /// Whether there is one.
    pub(crate) fn is_missing(&self) -> bool {
        self.0.is_none()
    }
}

/// JSON as JavaScript parses it and PostgreSQL can store it: half of a surrogate pair becomes U+FFFD, which
/// is what JavaScript writes for it in UTF-8.
fn parse_json(text: &str) -> Option<Value> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_lone_surrogates(text)?).ok())
}

/// The text with each escaped half of a surrogate pair replaced; `None` where there is none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let (mut cleaned, mut changed, mut at) = (String::with_capacity(text.len()), false, 0);
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('\\')) {
        cleaned.push_str(&text[at..at + next]);
        at += next;
        let length = match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                cleaned.push_str("\\ufffd");
                changed = true;
                at += 6;
                continue;
            }
            // An escape is two characters, or more that are plain.
            _ => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        cleaned.push_str(&text[at..at + length]);
        at += length;
    }
    cleaned.push_str(text.get(at..)?);
    changed.then_some(cleaned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        for (json, expected) in [
            (r#""a""#, "a"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d""#, "\u{FFFD}"),
            (r#""\ude00x""#, "\u{FFFD}x"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
            (r#""\\ud83d\ud83d\n""#, "\\ud83d\u{FFFD}\n"),
            ("\u{FEFF}\"a\"", "a"),
            (r#""\u0000""#, "\0"),
        ] {
            assert_eq!(parse_json(json), Some(Value::String(expected.into())), "{json}");
        }
        for broken in ["", "{", r#""\u""#, r#""\ud8""#, r#""\"#, "nul", "{}x", r#""é\"#] {
            assert_eq!(parse_json(broken), None, "{broken}");
        }
    }
}
