//! What a provider's answer says, read as JavaScript reads it. Places within it are named as RFC 6901 names them.

use serde_json::{Map, Value};

use crate::crypto::jwt::MAX_TOKEN;
use crate::flow::fetch::Fetched;
use crate::flow::input::{is_email, is_truthy, js_string};

/// What stands at a place; `None` for JavaScript's undefined.
pub(crate) fn at<'v>(object: &'v Map<String, Value>, place: &str) -> Option<&'v Value> {
    let place = place.strip_prefix('/')?;
    let end = place.find('/').unwrap_or(place.len());
    let (name, rest) = place.split_at(end);
    if !name.contains('~') {
        return object.get(name)?.pointer(rest);
    }
    object.get(&name.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
}

/// What stands at a place, where JavaScript takes it for true.
pub(crate) fn truthy<'v>(object: &'v Map<String, Value>, place: &str) -> Option<&'v Value> {
    at(object, place).filter(|value| is_truthy(value))
}

/// What stands at a place, where it isn't null.
pub(crate) fn present<'v>(object: &'v Map<String, Value>, place: &str) -> Option<&'v Value> {
    at(object, place).filter(|value| !value.is_null())
}

/// What a template makes of it. `None` where it throws.
pub(crate) fn shown(value: Option<&Value>) -> Option<String> {
    value.map_or_else(|| Some("undefined".into()), js_string)
}

/// Better Auth's `parseStringBoolean`.
pub(crate) fn string_boolean(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The object that an answer of success is; `None` where it is something else.
pub(crate) fn object(fetched: &Fetched) -> Option<Map<String, Value>> {
    serde_json::from_str(fetched.ok()?).ok()
}

/// The claims of a JSON Web Token, taken apart but not verified: jose's `decodeJwt`. `None` where it is none.
pub(crate) fn claims(token: &str) -> Option<Map<String, Value>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = crate::crypto::jws::decode(payload, "payload").ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Better Auth's `createPlaceholderEmail`. `None` where it throws.
pub(crate) fn placeholder(identifier: Option<&Value>, namespace: &str) -> Option<String> {
    let email = format!("{}@{namespace}.placeholder.invalid", shown(identifier)?);
    is_email(&email).then_some(email)
}
