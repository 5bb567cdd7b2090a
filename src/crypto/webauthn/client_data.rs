//! What a browser says: what was asked of it, by which challenge, and on whose page.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Expected, Refusal, base64url, malformed};

/// What is asked of an authenticator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

/// Checks the client data; their hash, which is signed.
///
/// # Errors
/// They are for something else.
pub(super) fn check(part: &str, ceremony: Ceremony, expected: &Expected<'_>) -> Result<[u8; 32], Refusal> {
    let bytes = base64url::decode(part);
    let text = String::from_utf8_lossy(&bytes);
    let json = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let Ok(data) = serde_json::from_str::<Value>(json) else {
        return malformed("the client data is no JSON");
    };
    let is =
        |name: &str, is_it: &dyn Fn(&str) -> bool| data.get(name).and_then(Value::as_str).is_some_and(is_it);
    let (kind, unsupported) = match ceremony {
        Ceremony::Create => ("webauthn.create", "not-supported"),
        Ceremony::Get => ("webauthn.get", "notSupported"),
    };
    if !is("type", &|value| value == kind) {
        return malformed("the message is of another type");
    }
    if !is("challenge", &|value| value == expected.challenge) {
        return malformed("the message is for another challenge");
    }
    if !is("origin", &|value| expected.origins.iter().any(|origin| origin == value)) {
        return malformed("the message is from another origin");
    }
    match data.get("tokenBinding") {
        // What JavaScript takes for nothing is nothing.
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::String(text)) if text.is_empty() => {}
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => {}
        Some(binding) => {
            let status = binding.get("status").and_then(Value::as_str);
            if !status.is_some_and(|status| ["present", "supported", unsupported].contains(&status)) {
                return malformed("the token binding has no status that is known");
            }
        }
    }
    Ok(Sha256::digest(&bytes).into())
}
