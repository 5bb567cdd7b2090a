//! `request.jwt.claims`: PostgREST puts the verified claims of a request there, local to its
//! transaction. Outside a request the setting is missing, or `''` on a reused connection. With
//! `better_auth.identity = verified` others are believed in their place: see [`super::verified`].

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ffi::{CStr, c_char};

use crate::crypto::jwt::parse_object;
use crate::identity::requesting_user::{believed, request};

/// The most that is looked at, in bytes: no token is that long, and the setting, which any role can set,
/// may be of any size.
pub(super) const MAX_CLAIMS: usize = 1 << 20;

/// Its name.
pub(super) const SETTING: &CStr = c"request.jwt.claims";

/// Runs `work` on the bytes of the claims that are believed; `None` when there are none, or of an absurd size.
fn with_believed<T>(work: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // SAFETY: the value of a setting, which nothing changes before `work` is through.
    unsafe { with(believed(), work) }
}

/// The same of `request.jwt.claims`, whichever are believed.
fn with_request<T>(work: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // SAFETY: as above.
    unsafe { with(request(), work) }
}

/// # Safety
/// The pointer is null or to a terminated string that lives until a setting changes, which `work`, being Rust that calls no
/// SQL, doesn't bring about.
unsafe fn with<T>(claims: *const c_char, work: impl FnOnce(&[u8]) -> T) -> Option<T> {
    if claims.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    let claims = unsafe { CStr::from_ptr(claims) }.to_bytes();
    (1..=MAX_CLAIMS).contains(&claims.len()).then(|| work(claims))
}

/// The `sub` of the claims, as `claims::json ->> 'sub'` gives it: a string's text, and anything else as it stands there.
/// `None` for null and `''`.
pub(super) fn subject(claims: &[u8]) -> Option<String> {
    let mut claims: HashMap<String, &RawValue> = serde_json::from_slice(claims).ok()?;
    let subject = match claims.remove("sub")?.get() {
        "null" => return None,
        string if string.starts_with('"') => serde_json::from_str(string).ok()?,
        other => other.to_owned(),
    };
    // PostgreSQL's text has no NUL character.
    (!subject.is_empty() && !subject.contains('\0')).then_some(subject)
}

fn object(claims: &[u8]) -> Option<Map<String, Value>> {
    parse_object(std::str::from_utf8(claims).ok()?)
}

/// Whether a token that PostgREST has verified is somebody's, whichever claims are believed.
pub(crate) fn name_somebody() -> bool {
    with_request(subject).flatten().is_some()
}

/// The claims of the bridge token that PostgREST has verified, whichever are believed; `None` as of [`of_bridge`].
pub(crate) fn of_request() -> Option<Bridge> {
    Bridge::of(with_request(object).flatten()?)
}

/// The claims of a bridge token; `None` for other tokens, and without one.
pub(crate) fn of_bridge() -> Option<Bridge> {
    Bridge::of(with_believed(object).flatten()?)
}

/// The claims of a bridge token, with the user and the session that they name.
pub(crate) struct Bridge {
    pub(crate) user: String,
    pub(crate) session: String,
    pub(crate) claims: Map<String, Value>,
}

impl Bridge {
    /// `None` for the claims of another token.
    pub(crate) fn of(claims: Map<String, Value>) -> Option<Self> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self { user: text("sub")?, session: text("sid")?, claims })
    }
}

/// The claims as JSON text; `None` unless they are an object that jsonb can hold.
pub(crate) fn json() -> Option<String> {
    with_believed(|claims| {
        object(claims)?;
        String::from_utf8(claims.to_vec()).ok()
    })
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn a_subject_is_what_json_says() {
        for (claims, subject_of) in [
            (r#"{"role":"authenticated","sub":"u1"}"#, "u1"),
            (r#"{"sub":"\u00fc\"\\"}"#, "ü\"\\"),
            (r#"{"sub":1}"#, "1"),
            (r#"{"sub": -0 }"#, "-0"),
            (r#"{"sub":1.50e+3}"#, "1.50e+3"),
            (r#"{"sub":12345678901234567890123456789.10}"#, "12345678901234567890123456789.10"),
            (r#"{"sub":1e999}"#, "1e999"),
            (r#"{"sub":true}"#, "true"),
            (r#"{"sub": ["u1" , 2] }"#, r#"["u1" , 2]"#),
            (r#"{"sub":{"sub": "u1"}}"#, r#"{"sub": "u1"}"#),
            (r#"{"sub":"u1","sub":"u2"}"#, "u2"),
            (" {\n\"sub\"\t:\"u1\"} ", "u1"),
        ] {
            assert_eq!(subject(claims.as_bytes()).as_deref(), Some(subject_of), "{claims}");
        }
    }

    #[test]
    fn nothing_else_has_a_subject() {
        for claims in [
            r#"{}"#,
            r#"{"sub":""}"#,
            r#"{"sub":null}"#,
            r#"{"sub":01}"#,
            r#"{"sub":+1}"#,
            r#"{"sub":"u1""#,
            r#"{"sub":"u1"} x"#,
            r#"{"sub":"u\u0000"}"#,
            r#"{"sub":"\ud800"}"#,
            r#""u1""#,
            r#"[{"sub":"u1"}]"#,
            "null",
            "x",
        ] {
            assert_eq!(subject(claims.as_bytes()), None, "{claims}");
        }
        assert_eq!(subject(b"{\"sub\":\"\xff\"}"), None);
    }
}
