//! Keys as Better Auth answers with them, and what it stores of JSON.

use serde_json::Value;

use super::store::Key;
use crate::error::AuthError;
use crate::flow::json::{Object, stringify};

/// A new key, with the key itself, which nobody sees again, and the metadata that it was given.
pub(super) fn created(row: &Key, key: &str, metadata: Option<&Value>) -> Object {
    members(row, Some(key), &metadata.map_or_else(|| "null".into(), stringify))
}

/// A key as everybody sees it who may.
pub(super) fn key(row: &Key) -> Object {
    members(row, None, &metadata(row))
}

fn members(row: &Key, key: Option<&str>, metadata: &str) -> Object {
    let number = |object: Object, name: &str, value: Option<i64>| match value {
        Some(value) => object.number(name, value),
        None => object.json(name, "null"),
    };
    let flag = |object: Object, name: &str, value: Option<bool>| match value {
        Some(value) => object.boolean(name, value),
        None => object.json(name, "null"),
    };
    let mut object = Object::new()
        .optional("configId", row.config_id.as_deref())
        .optional("name", row.name.as_deref())
        .optional("start", row.start.as_deref())
        .text("referenceId", &row.reference_id)
        .optional("prefix", row.prefix.as_deref());
    if let Some(key) = key {
        object = object.text("key", key);
    }
    object = number(object, "refillInterval", row.refill_interval);
    object = number(object, "refillAmount", row.refill_amount);
    object = object.optional_date("lastRefillAt", row.last_refill_at);
    object = flag(object, "enabled", row.enabled);
    object = flag(object, "rateLimitEnabled", row.rate_limit_enabled);
    object = number(object, "rateLimitTimeWindow", row.rate_limit_time_window);
    object = number(object, "rateLimitMax", row.rate_limit_max);
    object = number(object, "requestCount", row.request_count);
    object = number(object, "remaining", row.remaining);
    object
        .optional_date("lastRequest", row.last_request)
        .optional_date("expiresAt", row.expires_at)
        .date("createdAt", row.created_at)
        .date("updatedAt", row.updated_at)
        .json("permissions", &permissions(row).map_or_else(|| "null".into(), |value| stringify(&value)))
        .json("metadata", metadata)
        .text("id", &row.id)
}

/// What a key may do; `None` where it doesn't say.
pub(super) fn permissions(row: &Key) -> Option<Value> {
    let text = row.permissions.as_deref().filter(|text| !text.is_empty())?;
    serde_json::from_str(text).ok().filter(|value: &Value| !value.is_null())
}

/// The metadata of a key. Older releases stored JSON in JSON.
fn metadata(row: &Key) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut value = row.metadata.as_deref().filter(|text| !text.is_empty()).map(read).unwrap_or_default();
    if let Value::String(text) = value {
        value = read(&text);
    }
    revive(&mut value);
    stringify(&value)
}

/// Dates as Better Auth writes those that it has read: in milliseconds.
fn revive(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(date) = date(text) {
                *text = date;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(revive),
        Value::Object(members) => members.values_mut().for_each(revive),
        _ => {}
    }
}

fn date(text: &str) -> Option<String> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let fraction = match rest.strip_suffix('Z')? {
        "" => "",
        fraction => fraction.strip_prefix('.').filter(|digits| (1..=3).contains(&digits.len()))?,
    };
    let date = format!("{seconds}.{fraction:0<3}Z");
    crate::store::server::Timestamp::parse(&date)?.to_iso_string()
}

/// What `verify` answers of a key that is good.
pub(super) fn valid(row: &Key) -> Object {
    Object::new().boolean("valid", true).json("error", "null").json("key", &key(row).finish())
}

/// What it answers of one that isn't.
pub(super) fn invalid(error: &AuthError) -> Object {
    let mut told = Object::new().text("message", &error.message());
    if let Some(code) = error.code() {
        told = told.text("code", code);
    }
    if let AuthError::Later(_, milliseconds) = error {
        told = told.json("details", &Object::new().number("tryAgainIn", *milliseconds).finish());
    }
    Object::new().boolean("valid", false).json("error", &told.finish()).json("key", "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_in_milliseconds() {
        for (text, expected) in [
            ("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05.000Z")),
            ("2026-01-02T03:04:05.1Z", Some("2026-01-02T03:04:05.100Z")),
            ("2026-01-02T03:04:05.123Z", Some("2026-01-02T03:04:05.123Z")),
            ("2026-01-02", None),
            ("2026-01-02T03:04:05", None),
            ("2026-13-02T03:04:05Z", None),
            ("éééééééééééééééééééééééZ", None),
        ] {
            assert_eq!(date(text).as_deref(), expected, "{text}");
        }
    }
}
