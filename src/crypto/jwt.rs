//! JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, and nothing else: the algorithm is part of the
//! type, so no header can choose another one.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

/// `{"alg":"HS256","typ":"JWT"}` in base64url: the only header that this extension writes. It has no
/// `kid`, because PostgREST refuses a token with `kid` when its own key has none.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// The fewest bytes a secret may have: RFC 7518 section 3.2 asks for a key of at least the hash's
/// 256 bits, and PostgREST refuses to start with less.
pub(crate) const MIN_SECRET: usize = 32;

/// How far a token's `iat` and `nbf` may lie in the future, for clocks that differ: PostgREST's value.
const LEEWAY: i64 = 30;

/// The longest token that is looked at. PostgREST's own limit on a header is far below it.
const MAX_TOKEN: usize = 64 * 1024;

/// A secret as a keyed HMAC state: signing with it hashes the message alone, not the key again.
#[derive(Clone)]
pub(crate) struct Key(Hmac<Sha256>);

impl Key {
    /// The state for a secret. HMAC takes a key of any length; see [`MIN_SECRET`].
    pub(crate) fn new(secret: &[u8]) -> Self {
        match Hmac::new_from_slice(secret) {
            Ok(state) => Self(state),
            Err(error) => unreachable!("HMAC takes a key of any length: {error}"),
        }
    }

    fn mac(&self, message: &str) -> Hmac<Sha256> {
        let mut state = self.0.clone();
        state.update(message.as_bytes());
        state
    }
}

/// Signs a payload, which has to be a JSON object.
pub(crate) fn sign(key: &Key, payload: &str) -> String {
    let mut token = String::with_capacity(HEADER.len() + payload.len() * 4 / 3 + 49);
    token.push_str(HEADER);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.mac(&token).finalize().into_bytes();
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// Why a token, or claims to be signed, are refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    Oversized,
    NotThreeSegments,
    NotBase64Url(&'static str),
    NotJson(&'static str),
    Algorithm,
    Critical,
    Signature,
    Missing(&'static str),
    NotWhole(&'static str),
    Expired,
    InFuture(&'static str),
    Audience,
}

impl Refusal {
    /// What is wrong, in words. Nothing of the token is in it.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Oversized => format!("JWT is longer than {MAX_TOKEN} bytes"),
            Self::NotThreeSegments => "JWT does not have three segments".into(),
            Self::NotBase64Url(part) => format!("JWT {part} is not valid base64url"),
            Self::NotJson(part) => format!("JWT {part} is not a valid JSON object"),
            Self::Algorithm => "JWT algorithm is not HS256".into(),
            Self::Critical => "JWT header has critical extensions that are not supported".into(),
            Self::Signature => "JWT signature is invalid".into(),
            Self::Missing(claim) => format!("JWT claim \"{claim}\" is missing"),
            Self::NotWhole(claim) => format!("JWT claim \"{claim}\" is not a whole number of seconds"),
            Self::Expired => "JWT is expired".into(),
            Self::InFuture(claim) => format!("JWT claim \"{claim}\" is in the future"),
            Self::Audience => "JWT claim \"aud\" does not name the expected audience".into(),
        }
    }
}

/// Claims whose signature, times and audience were checked. Only [`verify`] makes them.
#[derive(Debug)]
pub(crate) struct VerifiedClaims {
    json: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "the flows of e-mail tokens read single claims"))]
    claims: Map<String, Value>,
}

impl VerifiedClaims {
    /// The payload as it was signed: valid JSON, an object, without NUL characters.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

/// Verifies a token at the time `now` (Unix seconds) against any of `keys`: the current secret and
/// those that were rotated out but are still kept.
///
/// # Errors
/// A [`Refusal`] for the first thing that is wrong. The signature is checked before the payload is
/// looked at, so nobody without the secret reaches the JSON parser with it.
pub(crate) fn verify<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    token: &str,
    now: i64,
    audience: Option<&str>,
) -> Result<VerifiedClaims, Refusal> {
    if token.len() > MAX_TOKEN {
        return Err(Refusal::Oversized);
    }
    let mut segments = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(Refusal::NotThreeSegments);
    };
    if header != HEADER {
        check_header(header)?;
    }
    let signature = decode(signature, "signature")?;
    let payload_bytes = decode(payload, "payload")?;
    let signed = &token[..header.len() + 1 + payload.len()];
    if !keys.into_iter().any(|key| key.mac(signed).verify_slice(&signature).is_ok()) {
        return Err(Refusal::Signature);
    }

    let json = String::from_utf8(payload_bytes).map_err(|_| Refusal::NotJson("payload"))?;
    let claims = parse_object(&json).ok_or(Refusal::NotJson("payload"))?;
    let expiry = whole_seconds(&claims, "exp")?.ok_or(Refusal::Missing("exp"))?;
    let not_before = whole_seconds(&claims, "nbf")?;
    let issued = whole_seconds(&claims, "iat")?;
    if expiry <= now {
        return Err(Refusal::Expired);
    }
    for (claim, time) in [("nbf", not_before), ("iat", issued)] {
        if time.is_some_and(|time| time > now.saturating_add(LEEWAY)) {
            return Err(Refusal::InFuture(claim));
        }
    }
    if let Some(audience) = audience
        && !names_audience(claims.get("aud"), audience)
    {
        return Err(Refusal::Audience);
    }
    Ok(VerifiedClaims { json, claims })
}

fn decode(segment: &str, part: &'static str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(segment).map_err(|_| Refusal::NotBase64Url(part))
}

/// A header that isn't ours to the byte: other libraries order or space it differently.
fn check_header(header: &str) -> Result<(), Refusal> {
    let header = String::from_utf8(decode(header, "header")?).map_err(|_| Refusal::NotJson("header"))?;
    let header = parse_object(&header).ok_or(Refusal::NotJson("header"))?;
    if header.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(Refusal::Algorithm);
    }
    // RFC 7515 section 4.1.11: a recipient that does not understand `crit` must refuse the token.
    if header.contains_key("crit") {
        return Err(Refusal::Critical);
    }
    Ok(())
}

/// A JSON object that jsonb can hold too: PostgreSQL's text has no NUL character.
pub(crate) fn parse_object(json: &str) -> Option<Map<String, Value>> {
    fn has_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(has_nul),
            Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
            _ => false,
        }
    }
    let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(json) else { return None };
    if has_nul(&value) {
        return None;
    }
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn whole_seconds(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, Refusal> {
    match claims.get(claim) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Refusal::NotWhole(claim)),
    }
}

/// RFC 7519 section 4.1.3: a string, or an array of strings of which one has to match.
fn names_audience(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(only)) => only == audience,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// Claims on their way into a token: compact JSON, with what the caller left out filled in.
pub(crate) struct Payload {
    json: String,
    has_expiry: bool,
    has_issued: bool,
    has_audience: bool,
}

impl Payload {
    /// Takes claims as jsonb prints them (one object, unique keys, `, ` and `: ` between the parts)
    /// and writes them without the spaces. One pass over the bytes: a token is minted on every
    /// request, and a general parser costs more than the signature.
    ///
    /// # Errors
    /// Claims that are no object, and `exp`, `nbf` or `iat` that are no whole numbers: PostgREST counts
    /// a token with a fractional `exp` as expired, so it is better not to sign it.
    pub(crate) fn from_jsonb_text(text: &str) -> Result<Self, Refusal> {
        let bytes = text.as_bytes();
        if bytes.first() != Some(&b'{') {
            return Err(Refusal::NotJson("payload"));
        }
        let mut payload = Self {
            json: String::with_capacity(text.len() + 80),
            has_expiry: false,
            has_issued: false,
            has_audience: false,
        };
        let (mut depth, mut in_string, mut at) = (0usize, false, 0usize);
        // Where the top level's current key, and what follows its colon, start in `json`.
        let (mut key, mut value) = (0usize, 0usize);
        while at < bytes.len() {
            // Copy up to the next byte that means something.
            let run = bytes[at..]
                .iter()
                .position(|byte| match byte {
                    b'"' | b'\\' => true,
                    b' ' | b'{' | b'}' | b'[' | b']' | b',' | b':' => !in_string,
                    _ => false,
                })
                .unwrap_or(bytes.len() - at);
            payload.json.push_str(&text[at..at + run]);
            at += run;
            let Some(&byte) = bytes.get(at) else { break };
            at += 1;
            match byte {
                // Only inside strings: the escaped character, whatever it is, comes along.
                b'\\' => {
                    payload.json.push('\\');
                    if let Some(escaped) = text[at..].chars().next() {
                        payload.json.push(escaped);
                        at += escaped.len_utf8();
                    }
                    continue;
                }
                b'"' => in_string = !in_string,
                b' ' => continue,
                b'}' | b']' => depth -= usize::from(depth > 0),
                _ => {}
            }
            let closes_value = depth == 1 && byte == b',' || depth == 0 && byte == b'}';
            if closes_value && !in_string {
                payload.note(key, value)?;
            }
            payload.json.push(char::from(byte));
            if !in_string {
                match byte {
                    b'{' | b'[' => depth += 1,
                    b':' if depth == 1 => value = payload.json.len(),
                    _ => {}
                }
                if depth == 1 && matches!(byte, b'{' | b',') {
                    key = payload.json.len();
                }
            }
        }
        Ok(payload)
    }

    /// Looks at one finished `"key":value` of the top level.
    fn note(&mut self, key: usize, value: usize) -> Result<(), Refusal> {
        let Some((name, value)) = value
            .checked_sub(1)
            .and_then(|colon| Some((self.json.get(key..colon)?, self.json.get(value..)?)))
        else {
            return Ok(());
        };
        let claim = match name {
            "\"exp\"" => "exp",
            "\"iat\"" => "iat",
            "\"nbf\"" => "nbf",
            "\"aud\"" => {
                self.has_audience = true;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let digits = value.strip_prefix('-').unwrap_or(value);
        if digits.is_empty()
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
            || value.parse::<i64>().is_err()
        {
            return Err(Refusal::NotWhole(claim));
        }
        self.has_expiry |= claim == "exp";
        self.has_issued |= claim == "iat";
        Ok(())
    }

    /// Whether the claims came with an `exp` of their own.
    pub(crate) fn has_expiry(&self) -> bool {
        self.has_expiry
    }

    /// Adds the registered claims that are not there yet, and gives the payload for [`sign`].
    pub(crate) fn complete(mut self, issued: i64, expiry: i64, audience: Option<&str>) -> String {
        if let (false, Some(audience)) = (self.has_audience, audience) {
            self.add("aud", &Value::from(audience));
        }
        if !self.has_issued {
            self.add("iat", &Value::from(issued));
        }
        if !self.has_expiry {
            self.add("exp", &Value::from(expiry));
        }
        self.json
    }

    fn add(&mut self, claim: &str, value: &Value) {
        use std::fmt::Write;
        self.json.pop();
        let comma = if self.json.len() > 1 { "," } else { "" };
        // Writing to a String can't fail.
        let _ = write!(self.json, "{comma}\"{claim}\":{value}}}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &[u8] = b"an-hs256-secret-of-32-characters!";
    const NOW: i64 = 1_795_424_400;

    fn key() -> Key {
        Key::new(SECRET)
    }

    fn token(header: &str, payload: &str) -> String {
        let signed =
            format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
        let signature = key().mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn refusal(token: &str) -> Refusal {
        verify([&key()], token, NOW, Some("insforge-api")).unwrap_err()
    }

    fn payload_refusal(payload: &str) -> Refusal {
        refusal(&token(r#"{"alg":"HS256"}"#, payload))
    }

    /// RFC 7515 appendix A.1: the specification's own example, with its key, header and payload.
    #[test]
    fn verifies_the_example_of_rfc_7515() {
        let secret = BASE64_URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let claims = verify([&Key::new(&secret)], token, 1_300_819_379, None).unwrap();
        assert_eq!(claims.claims["iss"], "joe");
        assert_eq!(verify([&Key::new(&secret)], token, 1_300_819_380, None).unwrap_err(), Refusal::Expired);
    }

    #[test]
    fn verifies_better_auths_own_email_token() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIiwidXNlcklkIjoiWCIsImlhdCI6MTc5NTQyNDMzNywiZXhwIjoxNzk1NDI3OTM3fQ.fwMp03yqv-5aDqEUfbfORhY7SPe-6lDT7ImC1-yBJYA";
        let key = Key::new(b"better-auth-secret-123456789012345678901234");
        assert_eq!(verify([&key], token, NOW, None).unwrap().claims["email"], "a@b.c");
    }

    #[test]
    fn round_trips_and_takes_a_rotated_out_key() {
        let token = sign(&key(), r#"{"sub":"u","aud":"insforge-api","exp":1795424401}"#);
        let keys = [Key::new(b"the new secret of this deployment"), key()];
        let claims = verify(&keys, &token, NOW, Some("insforge-api")).unwrap();
        assert_eq!(claims.json(), r#"{"sub":"u","aud":"insforge-api","exp":1795424401}"#);
        assert_eq!(verify(&keys[..1], &token, NOW, None).unwrap_err(), Refusal::Signature);
    }

    #[test]
    fn refuses_each_malformation_with_its_own_reason() {
        let good = sign(&key(), r#"{"aud":"insforge-api","exp":1795424401}"#);
        let parts: Vec<&str> = good.split('.').collect();
        assert_eq!(refusal(""), Refusal::NotThreeSegments);
        assert_eq!(refusal("a.b"), Refusal::NotThreeSegments);
        assert_eq!(refusal(&format!("{good}.x")), Refusal::NotThreeSegments);
        assert_eq!(refusal(&format!("*.{}.{}", parts[1], parts[2])), Refusal::NotBase64Url("header"));
        assert_eq!(
            refusal(&format!("{}.{}=.{}", parts[0], parts[1], parts[2])),
            Refusal::NotBase64Url("payload")
        );
        assert_eq!(
            refusal(&format!("{}.{}.{}=", parts[0], parts[1], parts[2])),
            Refusal::NotBase64Url("signature")
        );
        assert_eq!(refusal(&format!("{}.{}.", parts[0], parts[1])), Refusal::Signature);
        assert_eq!(refusal(&format!("{}.{}.{}", parts[0], parts[1], &parts[2][..40])), Refusal::Signature);
        assert_eq!(refusal(&token("[]", "{}")), Refusal::NotJson("header"));
        assert_eq!(refusal(&token("{", "{}")), Refusal::NotJson("header"));
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":["HS256"]}"#,
            "{}",
        ] {
            assert_eq!(refusal(&token(header, "{}")), Refusal::Algorithm, "{header}");
        }
        assert_eq!(refusal(&token(r#"{"alg":"HS256","crit":["x"]}"#, "{}")), Refusal::Critical);
        assert_eq!(refusal(&"a".repeat(MAX_TOKEN + 1)), Refusal::Oversized);
    }

    #[test]
    fn refuses_each_claim_with_its_own_reason() {
        for payload in ["", "[]", "1", "{", r#"{"a":1}x"#, r#"{"sub":"\u0000","exp":1795424401}"#] {
            assert_eq!(payload_refusal(payload), Refusal::NotJson("payload"), "{payload}");
        }
        assert_eq!(payload_refusal("{}"), Refusal::Missing("exp"));
        for exp in
            ["\"1795424401\"", "1795424401.0", "1795424401.5", "1e10", "null", "true", "99999999999999999999"]
        {
            assert_eq!(payload_refusal(&format!(r#"{{"exp":{exp}}}"#)), Refusal::NotWhole("exp"), "{exp}");
        }
        assert_eq!(payload_refusal(r#"{"exp":1795424400}"#), Refusal::Expired);
        assert_eq!(payload_refusal(r#"{"exp":-1}"#), Refusal::Expired);
        for claim in ["nbf", "iat"] {
            let with = |time: i64| format!(r#"{{"aud":"insforge-api","exp":1795424999,"{claim}":{time}}}"#);
            assert_eq!(
                payload_refusal(&with(NOW + 31)),
                Refusal::InFuture(if claim == "nbf" { "nbf" } else { "iat" })
            );
            assert!(verify([&key()], &token(r#"{"alg":"HS256"}"#, &with(NOW + 30)), NOW, None).is_ok());
            let text = format!(r#"{{"exp":1795424999,"{claim}":"1"}}"#);
            assert!(matches!(payload_refusal(&text), Refusal::NotWhole(_)));
        }
        for aud in
            ["", r#","aud":"other""#, r#","aud":["other"]"#, r#","aud":null"#, r#","aud":[["insforge-api"]]"#]
        {
            assert_eq!(payload_refusal(&format!(r#"{{"exp":1795424999{aud}}}"#)), Refusal::Audience, "{aud}");
        }
        let many = token(r#"{"alg":"HS256"}"#, r#"{"exp":1795424999,"aud":["other","insforge-api"]}"#);
        assert!(verify([&key()], &many, NOW, Some("insforge-api")).is_ok());
    }

    #[test]
    fn payloads_are_compact_and_complete() {
        let complete = |text: &str| Payload::from_jsonb_text(text).unwrap().complete(1, 2, Some("api"));
        assert_eq!(complete("{}"), r#"{"aud":"api","iat":1,"exp":2}"#);
        assert_eq!(
            complete(r#"{"a": [1, {"exp": 1.5}], "b c": "x, y: \"z\\", "é": {}}"#),
            r#"{"a":[1,{"exp":1.5}],"b c":"x, y: \"z\\","é":{},"aud":"api","iat":1,"exp":2}"#
        );
        assert_eq!(
            complete(r#"{"aud": null, "exp": 9, "iat": 8, "nbf": -7}"#),
            r#"{"aud":null,"exp":9,"iat":8,"nbf":-7}"#
        );
        assert_eq!(
            complete(r#"{"sub": "exp\": 1.5, \""}"#),
            r#"{"sub":"exp\": 1.5, \"","aud":"api","iat":1,"exp":2}"#
        );
        assert!(Payload::from_jsonb_text(r#"{"exp": 9}"#).unwrap().has_expiry());
        assert!(!Payload::from_jsonb_text(r#"{"e": {"exp": 9}}"#).unwrap().has_expiry());
    }

    #[test]
    fn payloads_that_would_be_refused_are_not_signed() {
        for text in ["[]", "\"x\"", "1", "null", ""] {
            assert_eq!(Payload::from_jsonb_text(text).err(), Some(Refusal::NotJson("payload")), "{text}");
        }
        for (text, claim) in [
            (r#"{"exp": 1.5}"#, "exp"),
            (r#"{"exp": 1.0, "sub": "x"}"#, "exp"),
            (r#"{"iat": "1"}"#, "iat"),
            (r#"{"nbf": null}"#, "nbf"),
            (r#"{"nbf": {}}"#, "nbf"),
            (r#"{"exp": 99999999999999999999}"#, "exp"),
        ] {
            assert_eq!(Payload::from_jsonb_text(text).err(), Some(Refusal::NotWhole(claim)), "{text}");
        }
    }
}
