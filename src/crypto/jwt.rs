//! JSON Web Tokens (RFC 7519): signed with HMAC-SHA256 by a secret, or by a key that has an algorithm of its own. What is
//! tried follows from the keys that there are, so no header can choose another algorithm for one.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

use crate::crypto::jws::{self, Compact, Header, Verifier};
use crate::crypto::mac::Key;

/// `{"alg":"HS256","typ":"JWT"}` in base64url: the header of bridge tokens. It has no `kid`, because
/// PostgREST refuses a token with `kid` when its own key has none.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// `{"alg":"HS256"}`: the header of the tokens that Better Auth signs with its own secret, in mails and in
/// the cookie cache.
const INTERNAL_HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";

/// The fewest bytes a secret may have: RFC 7518 section 3.2 asks for a key of at least the hash's
/// 256 bits, and PostgREST refuses to start with less.
pub(crate) const MIN_SECRET: usize = 32;

/// How far a token's `iat` and `nbf` may lie in the future, for clocks that differ: PostgREST's value.
const LEEWAY: i64 = 30;

/// The longest token that is looked at. PostgREST's own limit on a header is far below it.
pub(crate) const MAX_TOKEN: usize = 64 * 1024;

/// Signs a payload, which has to be a JSON object.
///
/// # Errors
/// [`Refusal::Oversized`] when the token would be longer than [`verify`] takes.
pub(crate) fn sign(key: &Key, payload: &[u8]) -> Result<String, Refusal> {
    sign_with(HEADER, key, payload)
}

/// Signs a payload as Better Auth's `signJWT` does.
///
/// # Errors
/// As [`sign`].
pub(crate) fn sign_internal(key: &Key, payload: &[u8]) -> Result<String, Refusal> {
    sign_with(INTERNAL_HEADER, key, payload)
}

fn sign_with(header: &str, key: &Key, payload: &[u8]) -> Result<String, Refusal> {
    jws::compact(header, payload, 32, |signed| Ok(key.sign(signed)))
}

/// Why a token, or claims to be signed, are refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    Oversized,
    NotThreeSegments,
    NotBase64Url(&'static str),
    NotJson(&'static str),
    Algorithm,
    OtherAlgorithm,
    Critical,
    Signature,
    /// There was no randomness to sign with.
    Unsigned,
    /// No key that is here has signed it.
    UnknownKey,
    Missing(&'static str),
    NotWhole(&'static str),
    Expired,
    InFuture(&'static str),
    Audience,
    /// Several keys might have signed it, and it doesn't say which one.
    SeveralKeys,
    NotNumber(&'static str),
    TooOld,
    Issuer,
    Nonce,
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
            Self::OtherAlgorithm => "JWT algorithm is not that of its key".into(),
            Self::Unsigned => "JWT could not be signed for lack of randomness".into(),
            Self::UnknownKey => "JWT is of a key that is not known here".into(),
            Self::Critical => "JWT header has critical extensions that are not supported".into(),
            Self::Signature => "JWT signature is invalid".into(),
            Self::Missing(claim) => format!("JWT claim \"{claim}\" is missing"),
            Self::NotWhole(claim) => format!("JWT claim \"{claim}\" is not a whole number of seconds"),
            Self::Expired => "JWT is expired".into(),
            Self::InFuture(claim) => format!("JWT claim \"{claim}\" is in the future"),
            Self::Audience => "JWT claim \"aud\" does not name the expected audience".into(),
            Self::SeveralKeys => "JWT does not say which of several keys it is of".into(),
            Self::NotNumber(claim) => format!("JWT claim \"{claim}\" is not a number"),
            Self::TooOld => "JWT was issued too long ago".into(),
            Self::Issuer => "JWT claim \"iss\" does not name the expected issuer".into(),
            Self::Nonce => "JWT claim \"nonce\" is not the expected one".into(),
        }
    }
}

/// Claims whose signature, times and audience were checked. Only [`verify`] makes them.
#[derive(Debug)]
pub(crate) struct VerifiedClaims(String);

impl VerifiedClaims {
    /// The payload as it was signed: a JSON object that jsonb can hold.
    pub(crate) fn into_json(self) -> String {
        self.0
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
    let json = open(keys, token, |header| if header == HEADER { Ok(()) } else { check_header(header) })?;
    check_claims(json, now, audience)
}

/// Verifies a token that is said to be signed by a public key: the one of its `kid`, if there is one.
///
/// # Errors
/// As [`verify`]; there is no such key, or the header names another algorithm than the key's.
pub(crate) fn verify_public(
    key: Option<&Verifier>,
    token: &str,
    now: i64,
    audience: Option<&str>,
) -> Result<VerifiedClaims, Refusal> {
    let (header, token) = jws::read(token)?;
    key.ok_or(Refusal::UnknownKey)?.verify(&header, &token)?;
    check_claims(text(token.payload)?, now, audience)
}

/// The `kid` of a token's header.
///
/// # Errors
/// The token is too long, or its header none.
pub(crate) fn kid(token: &str) -> Result<Option<String>, Refusal> {
    if token.len() > MAX_TOKEN {
        return Err(Refusal::Oversized);
    }
    let header = Header::read(token.split('.').next().unwrap_or_default())?;
    Ok(header.text("kid").map(str::to_owned))
}

/// Whether a token says that it is signed with a secret. It is taken at its word in this alone: which keys are tried.
pub(crate) fn is_symmetric(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    header == HEADER || token.len() <= MAX_TOKEN && check_header(header) == Ok(())
}

/// Claims whose signature is right.
fn check_claims(json: String, now: i64, audience: Option<&str>) -> Result<VerifiedClaims, Refusal> {
    let claims = Registered::read(&json).ok_or(Refusal::NotJson("payload"))?;
    check_times(|claim| claims.get(claim), now)?;
    if let Some(audience) = audience
        && !names_audience(claims.get("aud"), audience)
    {
        return Err(Refusal::Audience);
    }
    Ok(VerifiedClaims(json))
}

/// Verifies a token that Better Auth's `signJWT` made, or [`sign_internal`]. Nothing else has that header,
/// so a token that was made for something else is never taken for one.
///
/// # Errors
/// As [`verify`].
pub(crate) fn verify_internal<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    token: &str,
    now: i64,
) -> Result<Map<String, Value>, Refusal> {
    let ours = |header: &str| if header == INTERNAL_HEADER { Ok(()) } else { Err(Refusal::Algorithm) };
    let claims = parse_object(&open(keys, token, ours)?).ok_or(Refusal::NotJson("payload"))?;
    check_times(|claim| claims.get(claim), now)?;
    Ok(claims)
}

/// The payload of a token whose header and signature are right.
fn open<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    token: &str,
    check_header: impl FnOnce(&str) -> Result<(), Refusal>,
) -> Result<String, Refusal> {
    let token = Compact::parse(token, check_header)?;
    if !keys.into_iter().any(|key| key.verify(token.signed, &token.signature)) {
        return Err(Refusal::Signature);
    }
    text(token.payload)
}

fn text(payload: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(payload).map_err(|_| Refusal::NotJson("payload"))
}

fn check_times<'a>(claim: impl Fn(&'static str) -> Option<&'a Value>, now: i64) -> Result<(), Refusal> {
    let whole_seconds = |name| match claim(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Refusal::NotWhole(name)),
    };
    let expiry = whole_seconds("exp")?.ok_or(Refusal::Missing("exp"))?;
    let not_before = whole_seconds("nbf")?;
    let issued = whole_seconds("iat")?;
    if expiry <= now {
        return Err(Refusal::Expired);
    }
    for (claim, time) in [("nbf", not_before), ("iat", issued)] {
        if time.is_some_and(|time| time > now.saturating_add(LEEWAY)) {
            return Err(Refusal::InFuture(claim));
        }
    }
    Ok(())
}

/// A header that isn't ours to the byte: other libraries order or space it differently.
fn check_header(header: &str) -> Result<(), Refusal> {
    match Header::read(header)?.text("alg") {
        Some("HS256") => Ok(()),
        _ => Err(Refusal::Algorithm),
    }
}

/// A JSON object that jsonb can hold too: PostgreSQL's text has no NUL character, and its numbers have
/// fewer digits after the point than JSON allows.
pub(crate) fn parse_object(json: &str) -> Option<Map<String, Value>> {
    fn has_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(has_nul),
            Value::Object(object) => object_has_nul(object),
            _ => false,
        }
    }
    fn object_has_nul(object: &Map<String, Value>) -> bool {
        object.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
    }
    let object: Map<String, Value> = serde_json::from_str(json).ok()?;
    (!object_has_nul(&object) && !has_extreme_number(json)).then_some(object)
}

/// Whether valid JSON has a number of more than 400 characters, or with an exponent below -400; those
/// above are no numbers to serde_json, for f64 can't hold them.
fn has_extreme_number(json: &str) -> bool {
    const LIMIT: usize = 400;
    let mut in_string = false;
    let mut bytes = json.bytes().enumerate();
    while let Some((start, byte)) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => drop(bytes.next()),
            b'-' | b'0'..=b'9' if !in_string => {
                let rest = &json[start..];
                let end = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
                let exponent = rest[..end].split(['e', 'E']).nth(1);
                let is_moderate =
                    |exponent: &str| exponent.parse::<i64>().is_ok_and(|exponent| exponent > -(LIMIT as i64));
                if end > LIMIT || exponent.is_some_and(|exponent| !is_moderate(exponent)) {
                    return true;
                }
                if end > 1 {
                    // To the number's last character.
                    bytes.nth(end - 2);
                }
            }
            _ => {}
        }
    }
    false
}
/// The claims that verification looks at. A token of ours has others too, which needn't be built to be checked.
#[derive(Default)]
struct Registered([Option<Value>; Self::NAMES.len()]);

impl Registered {
    const NAMES: [&str; 4] = ["exp", "iat", "nbf", "aud"];
    /// Up to this size, in bytes, no number can be too large for f64 or too long for jsonb, unless by an exponent.
    const PLAIN: usize = 300;

    /// Of a payload that [`parse_object`] takes.
    fn read(json: &str) -> Option<Self> {
        let bytes = json.as_bytes();
        let has_exponent = || bytes.windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1] | 32 == b'e');
        // What isn't built isn't checked for escapes and numbers either.
        if bytes.len() <= Self::PLAIN && !bytes.contains(&b'\\') && !has_exponent() {
            return serde_json::from_str(json).ok();
        }
        let mut claims = parse_object(json)?;
        Some(Self(Self::NAMES.map(|name| claims.swap_remove(name))))
    }

    fn get(&self, claim: &str) -> Option<&Value> {
        let place = Self::NAMES.iter().position(|name| *name == claim)?;
        self.0.get(place)?.as_ref()
    }
}

impl<'de> Deserialize<'de> for Registered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Claims;

        impl<'de> Visitor<'de> for Claims {
            type Value = Registered;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Self::Value, A::Error> {
                let mut found = Registered::default();
                while let Some(name) = claims.next_key::<&str>()? {
                    match Registered::NAMES.iter().position(|registered| *registered == name) {
                        // Of several with one name the last one counts, as in jsonb.
                        Some(place) => found.0[place] = Some(claims.next_value()?),
                        None => drop(claims.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }

        deserializer.deserialize_map(Claims)
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

/// Claims on their way into a token: compact JSON, with what the caller left out filled in. Written
/// straight into one buffer, because a token is minted on every request.
pub(crate) struct Payload {
    /// `{"a":1`: an object that is not closed yet.
    json: Vec<u8>,
    has_expiry: bool,
    has_issued: bool,
    has_audience: bool,
}

impl Payload {
    /// Room for the claims of a bridge token.
    const CAPACITY: usize = 256;

    /// No claims yet.
    pub(crate) fn new() -> Self {
        let mut json = Vec::with_capacity(Self::CAPACITY);
        json.push(b'{');
        Self { json, has_expiry: false, has_issued: false, has_audience: false }
    }

    /// Adds a claim. `write` appends its value, which has to be JSON, to the buffer; names must not repeat.
    ///
    /// # Errors
    /// `exp`, `nbf` or `iat` that is no whole number: PostgREST counts a token with a fractional `exp` as
    /// expired, so it is better not to sign it. And what `write` refuses.
    pub(crate) fn claim(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.json.len() > 1 {
            self.json.push(b',');
        }
        write_json(&mut self.json, name);
        self.json.push(b':');
        let value = self.json.len();
        write(&mut self.json)?;
        match name {
            "exp" => self.has_expiry = self.is_whole("exp", value)?,
            "iat" => self.has_issued = self.is_whole("iat", value)?,
            "nbf" => drop(self.is_whole("nbf", value)?),
            "aud" => self.has_audience = true,
            _ => {}
        }
        Ok(())
    }

    fn is_whole(&self, claim: &'static str, value: usize) -> Result<bool, Refusal> {
        let text = std::str::from_utf8(&self.json[value..]).unwrap_or_default();
        // JSON knows no leading plus, which Rust would take.
        match text.parse::<i64>() {
            Ok(_) => Ok(true),
            Err(_) => Err(Refusal::NotWhole(claim)),
        }
    }

    fn add<T: ?Sized + serde::Serialize>(&mut self, name: &str, value: &T) {
        // Only a time that isn't whole, or a value that refuses, makes it fail; neither is here.
        let _ = self.claim(name, |json| {
            write_json(json, value);
            Ok(())
        });
    }

    /// Adds a claim that is text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.add(name, value);
    }

    /// Whether the claims have an `exp` already.
    pub(crate) fn has_expiry(&self) -> bool {
        self.has_expiry
    }

    /// Adds the registered claims that are not there yet, and gives the payload for [`sign`].
    pub(crate) fn complete(mut self, issued: i64, expiry: i64, audience: Option<&str>) -> Vec<u8> {
        if let (false, Some(audience)) = (self.has_audience, audience) {
            self.add("aud", audience);
        }
        if !self.has_issued {
            self.add("iat", &issued);
        }
        if !self.has_expiry {
            self.add("exp", &expiry);
        }
        self.json.push(b'}');
        self.json
    }
}

/// Appends a value as JSON.
pub(crate) fn write_json<T: ?Sized + serde::Serialize>(json: &mut Vec<u8>, value: &T) {
    // Into memory, and of text and numbers: neither the writer nor the value can fail.
    let _ = serde_json::to_writer(json, value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

    const SECRET: &[u8] = b"an-hs256-secret-of-32-characters!";
    const NOW: i64 = 1_795_424_400;

    fn key() -> Key {
        Key::new(SECRET)
    }

    fn token(header: &str, payload: &str) -> String {
        let signed =
            format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
        let signature = key().sign(signed.as_bytes());
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
        assert_eq!(parse_object(&claims.into_json()).unwrap()["iss"], "joe");
        assert_eq!(verify([&Key::new(&secret)], token, 1_300_819_380, None).unwrap_err(), Refusal::Expired);
    }

    #[test]
    fn verifies_better_auths_own_email_token() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIiwidXNlcklkIjoiWCIsImlhdCI6MTc5NTQyNDMzNywiZXhwIjoxNzk1NDI3OTM3fQ.fwMp03yqv-5aDqEUfbfORhY7SPe-6lDT7ImC1-yBJYA";
        let key = Key::new(b"better-auth-secret-123456789012345678901234");
        let claims = verify([&key], token, NOW, None).unwrap().into_json();
        assert_eq!(parse_object(&claims).unwrap()["email"], "a@b.c");
    }

    #[test]
    fn round_trips_and_takes_a_rotated_out_key() {
        let token = sign(&key(), br#"{"sub":"u","aud":"insforge-api","exp":1795424401}"#).unwrap();
        let keys = [Key::new(b"the new secret of this deployment"), key()];
        let claims = verify(&keys, &token, NOW, Some("insforge-api")).unwrap();
        assert_eq!(claims.into_json(), r#"{"sub":"u","aud":"insforge-api","exp":1795424401}"#);
        assert_eq!(verify(&keys[..1], &token, NOW, None).unwrap_err(), Refusal::Signature);
    }

    #[test]
    fn refuses_each_malformation_with_its_own_reason() {
        let good = sign(&key(), br#"{"aud":"insforge-api","exp":1795424401}"#).unwrap();
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
    fn what_is_looked_at_is_what_a_whole_payload_says() {
        let long = "1".repeat(310);
        for json in [
            r#"{"sub":"u","exp":1,"iat":2,"nbf":3,"aud":["a","b"],"more":{"exp":9,"x":[1,{"y":null}]}}"#
                .into(),
            r#"{"exp":1,"exp":2}"#.into(),
            r#"{ "exp" : 1.5 , "aud":null,"nbf":true}"#.into(),
            r#"{"\u0065xp":1}"#.into(),
            "{}".into(),
            r#"{"a":"\u0000","exp":1}"#.into(),
            r#"{"a":"\ud800","exp":1}"#.into(),
            r#"{"a":1e999,"exp":1}"#.into(),
            r#"{"a":1E-500,"exp":1}"#.into(),
            format!(r#"{{"a":{long},"exp":1}}"#),
            r#"{"a":01,"exp":1}"#.into(),
            r#"{"a":"x"#.into(),
            r#"{"exp":1}x"#.into(),
            r#"[{"exp":1}]"#.into(),
            "{\"a\":\"\u{1}\",\"exp\":1}".into(),
            format!(r#"{{"a":{}{},"exp":1}}"#, "[".repeat(100), "]".repeat(100)),
        ] {
            let json: String = json;
            let found =
                Registered::read(&json).map(|found| Registered::NAMES.map(|name| found.get(name).cloned()));
            let wanted =
                parse_object(&json).map(|whole| Registered::NAMES.map(|name| whole.get(name).cloned()));
            assert_eq!(found, wanted, "{json}");
        }
    }

    #[test]
    fn numbers_that_jsonb_can_not_hold_are_refused() {
        let digits = "1".repeat(401);
        for json in
            [r#"{"n":1e-20000}"#.into(), format!(r#"{{"n":[0.{digits}]}}"#), r#"{"a":1,"n":1E-401}"#.into()]
        {
            assert_eq!(parse_object(&json), None, "{json}");
        }
        for json in [
            r#"{"n":-1e-300,"s":"1e-20000","t":"\"1e-20000","e":1.5e+10}"#.into(),
            format!(r#"{{"s":"{digits}", "n" : 12 }}"#),
        ] {
            assert!(parse_object(&json).is_some(), "{json}");
        }
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

    /// A payload of claims whose values are given as JSON.
    fn payload(claims: &[(&str, &str)]) -> Result<Payload, Refusal> {
        let mut payload = Payload::new();
        for (name, value) in claims {
            payload.claim(name, |json| {
                json.extend_from_slice(value.as_bytes());
                Ok(())
            })?;
        }
        Ok(payload)
    }

    #[test]
    fn payloads_are_compact_and_complete() {
        let complete = |claims: &[(&str, &str)]| {
            String::from_utf8(payload(claims).unwrap().complete(1, 2, Some("a\"pi"))).unwrap()
        };
        assert_eq!(complete(&[]), r#"{"aud":"a\"pi","iat":1,"exp":2}"#);
        assert_eq!(
            complete(&[("a", "[1]"), ("b \"c", "{}")]),
            r#"{"a":[1],"b \"c":{},"aud":"a\"pi","iat":1,"exp":2}"#
        );
        assert_eq!(
            complete(&[("aud", "null"), ("exp", "9"), ("iat", "8"), ("nbf", "-7")]),
            r#"{"aud":null,"exp":9,"iat":8,"nbf":-7}"#
        );
        assert!(payload(&[("exp", "9")]).unwrap().has_expiry());
        assert!(!payload(&[("e", "9")]).unwrap().has_expiry());
    }

    #[test]
    fn tokens_of_every_length_verify_until_the_limit() {
        for length in (0..200).chain([49_000]) {
            let payload = format!(r#"{{"exp":1795424401,"x":"{}"}}"#, "y".repeat(length));
            let token = sign(&key(), payload.as_bytes()).unwrap();
            assert_eq!(verify([&key()], &token, NOW, None).unwrap().into_json(), payload);
        }
        assert_eq!(sign(&key(), &[b' '; 50_000]), Err(Refusal::Oversized));
    }

    #[test]
    fn payloads_that_would_be_refused_are_not_signed() {
        for value in ["1.5", "1.0", "\"1\"", "null", "{}", "1e3", "99999999999999999999"] {
            for claim in ["exp", "iat", "nbf"] {
                let refused = payload(&[(claim, value)]).err();
                assert!(matches!(refused, Some(Refusal::NotWhole(name)) if name == claim), "{claim} {value}");
            }
        }
    }

    /// Recorded from Better Auth's `createEmailVerificationToken`.
    #[test]
    fn better_auths_own_tokens_are_read_and_written() {
        let key = Key::new(b"better-auth-secret-123456789012345678901234");
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIiwidXNlcklkIjoiWCIsImlhdCI6MTc5NTQyNDMzNywiZXhwIjoxNzk1NDI3OTM3fQ.fwMp03yqv-5aDqEUfbfORhY7SPe-6lDT7ImC1-yBJYA";
        let claims = verify_internal([&key], token, 1_795_424_337).unwrap();
        assert_eq!((claims["email"].as_str(), claims["userId"].as_str()), (Some("a@b.c"), Some("X")));
        let payload = br#"{"email":"a@b.c","userId":"X","iat":1795424337,"exp":1795427937}"#;
        assert_eq!(sign_internal(&key, payload).unwrap(), token);
        assert_eq!(verify_internal([&key], token, 1_795_427_937).unwrap_err(), Refusal::Expired);
        assert_eq!(verify_internal([&Key::new(b"other")], token, 0).unwrap_err(), Refusal::Signature);
        // A bridge token under the same secret is none of these.
        let bridge = sign(&key, payload).unwrap();
        assert_eq!(verify_internal([&key], &bridge, 1_795_424_337).unwrap_err(), Refusal::Algorithm);
    }
}
