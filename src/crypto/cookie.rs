//! Values that a browser keeps for us: signed cookies, and Better Auth's `compact` form of the cookie cache.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value};

use crate::crypto::mac::Key;

/// Length of 32 bytes in base64 with padding.
const SIGNATURE: usize = 44;

/// `value.signature`, before it is percent-encoded: better-call's `signCookieValue`.
pub(crate) fn sign(key: &Key, value: &str) -> String {
    let mut signed = String::with_capacity(value.len() + 1 + SIGNATURE);
    signed.push_str(value);
    signed.push('.');
    BASE64_STANDARD.encode_string(key.sign(value.as_bytes()), &mut signed);
    signed
}

/// The value of a signed cookie; `None` when it wasn't signed with any of `keys`. better-call's
/// `getSignedCookie`.
pub(crate) fn verify<'k, 'v>(keys: impl IntoIterator<Item = &'k Key>, signed: &'v str) -> Option<&'v str> {
    let (value, signature) = signed.rsplit_once('.')?;
    if value.is_empty() || signature.len() != SIGNATURE {
        return None;
    }
    let signature = BASE64_STANDARD.decode(signature).ok()?;
    keys.into_iter().any(|key| key.verify(value.as_bytes(), &signature)).then_some(value)
}

/// Whether the first two parts of a text with dots are a value and its signature, in either alphabet of base64 and with
/// or without padding: how Better Auth's bearer plugin tells its tokens from others.
pub(crate) fn begins_signed<'k>(keys: impl IntoIterator<Item = &'k Key>, text: &str) -> bool {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let mut parts = text.split('.');
    let (Some(value), Some(signature)) = (parts.next(), parts.next()) else { return false };
    let alphabet = if signature.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let signature = signature.split('=').next().unwrap_or_default();
    let Ok(signature) = GeneralPurpose::new(alphabet, LENIENT).decode(signature) else { return false };
    keys.into_iter().any(|key| key.verify(value.as_bytes(), &signature))
}

/// Better Auth's compact cookie cache: `session` is the JSON object `{session,user,updatedAt,version}`,
/// and `expires_at` in milliseconds since 1970.
pub(crate) fn seal(key: &Key, session: &str, expires_at: i64) -> String {
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(with_expiry(session, expires_at).as_bytes()));
    let json = format!(r#"{{"session":{session},"expiresAt":{expires_at},"signature":"{signature}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

/// Better Auth signs the session with its expiry as the last member.
fn with_expiry(session: &str, expires_at: i64) -> String {
    let open = session.strip_suffix('}').unwrap_or(session);
    format!(r#"{open},"expiresAt":{expires_at}}}"#)
}

/// What [`seal`] or Better Auth sealed, and when it expires; `None` when it wasn't signed with any of
/// `keys`.
pub(crate) fn unseal<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    sealed: &str,
) -> Option<(Map<String, Value>, i64)> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(sealed.trim_end_matches('=')).ok()?;
    let mut parts: Map<String, Value> = serde_json::from_slice(&json).ok()?;
    let expires_at = parts.get("expiresAt")?.as_i64()?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(parts.get("signature")?.as_str()?).ok()?;
    let Value::Object(session) = parts.remove("session")? else { return None };
    // Written anew from what was parsed, as Better Auth does: the order of the members is kept.
    let signed = with_expiry(&serde_json::to_string(&session).ok()?, expires_at);
    keys.into_iter().any(|key| key.verify(signed.as_bytes(), &signature)).then_some((session, expires_at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &[u8] = b"better-auth-secret-123456789012345678901234";
    /// Recorded from Better Auth.
    const SIGNED: &str = "mwETDhZgI9iGppmorI7Q0UYHbAg3DVLH.rRYi/UX2zt31pswBDeQTVm/4yap2Y0a2CqJoZZQ05hM=";

    #[test]
    fn signed_cookies_are_better_auths() {
        let key = Key::new(SECRET);
        assert_eq!(sign(&key, "mwETDhZgI9iGppmorI7Q0UYHbAg3DVLH"), SIGNED);
        assert_eq!(sign(&key, "true"), "true.TE5WQErBhtpH1kBBPOGlkQRYn7foRg85WGHw7Wn+jdY=");
        assert_eq!(verify([&key], SIGNED), Some("mwETDhZgI9iGppmorI7Q0UYHbAg3DVLH"));
        assert_eq!(verify([&Key::new(b"old"), &key], SIGNED), Some("mwETDhZgI9iGppmorI7Q0UYHbAg3DVLH"));
        assert_eq!(verify([&Key::new(b"other")], SIGNED), None);
        assert_eq!(verify([], SIGNED), None);
    }

    #[test]
    fn anything_else_is_no_signed_cookie() {
        let key = Key::new(SECRET);
        let other = |from: &str, to: &str| SIGNED.replacen(from, to, 1);
        for tampered in [
            other("m", "n"),
            other("rRYi", "rRYj"),
            other("hM=", "hM"),
            other("hM=", "hN="),
            other(".", ""),
            sign(&key, ""),
            format!(".{SIGNED}").replacen("mwETDhZgI9iGppmorI7Q0UYHbAg3DVLH", "", 1),
            String::new(),
            ".".into(),
        ] {
            assert_eq!(verify([&key], &tampered), None, "{tampered}");
        }
    }

    #[test]
    fn a_token_of_the_bearer_plugin_is_told_from_others() {
        let key = Key::new(SECRET);
        let (value, signature) = SIGNED.split_once('.').unwrap();
        let url_safe = signature.replace('+', "-").replace('/', "_");
        for signed in [
            SIGNED.to_owned(),
            SIGNED.trim_end_matches('=').to_owned(),
            format!("{value}.{url_safe}"),
            format!("{SIGNED}.more"),
            format!("{SIGNED}="),
            sign(&key, ""),
        ] {
            assert!(begins_signed([&key], &signed), "{signed}");
            assert!(!begins_signed([&Key::new(b"other")], &signed), "{signed}");
        }
        for other in [
            "",
            "x",
            ".",
            "..",
            "a.b",
            "a.!",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.x",
            &format!("x{SIGNED}"),
        ] {
            assert!(!begins_signed([&key], other), "{other}");
        }
        assert!(!begins_signed([&key], &format!("{value}.-{}", &signature[1..])));
    }

    #[test]
    fn what_was_sealed_is_unsealed_and_nothing_else() {
        let key = Key::new(SECRET);
        let session =
            r#"{"session":{"token":"t","b":1,"a":"é\"/"},"user":{"id":"u"},"updatedAt":1,"version":"1"}"#;
        let sealed = seal(&key, session, 1_795_424_337_000);
        let (unsealed, expires_at) = unseal([&key], &sealed).unwrap();
        assert_eq!(expires_at, 1_795_424_337_000);
        assert_eq!(unsealed["session"]["token"], "t");
        assert!(unseal([&Key::new(b"other")], &sealed).is_none());
        let json = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(&sealed).unwrap()).unwrap();
        for (from, to) in [("\"t\"", "\"x\""), ("1795424337000", "1795424337001"), ("\"b\":1", "\"b\":2")] {
            let tampered = BASE64_URL_SAFE_NO_PAD.encode(json.replacen(from, to, 9));
            assert_ne!(tampered, sealed);
            assert!(unseal([&key], &tampered).is_none(), "{from}");
        }
        for junk in ["", "x", "e30", "W10", "bnVsbA"] {
            assert!(unseal([&key], junk).is_none(), "{junk}");
        }
    }
}
