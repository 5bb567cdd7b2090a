//! Id tokens (OpenID Connect Core 1.0, section 2), verified with the keys that a provider publishes (RFC 7517): what
//! `jose` 6 does for Better Auth's `verifyIdToken`, and as strict or stricter. Token and keys are somebody else's, so
//! both are bounded, and whatever is wrong with either is a refusal.

use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::cell::OnceCell;

use super::digest::sha256_hex;
use super::jwk;
use super::jws::{self, Algorithm, Compact, Header};
use super::jwt::{Refusal, parse_object};
use super::public_key::PublicKey;

/// The longest key set that is looked at, in bytes: as long as what a fetch brings.
pub(crate) const MAX_KEY_SET: usize = 64 * 1024;
/// The most keys of a set. Large providers have about ten.
pub(crate) const MOST_KEYS: usize = 100;

/// How far the provider's clock may differ, in seconds: Better Auth's `ID_TOKEN_CLOCK_TOLERANCE_SECONDS`.
const LEEWAY: f64 = 30.0;
/// Better Auth's `ID_TOKEN_REQUIRED_CLAIMS`.
const REQUIRED: [&str; 5] = ["iss", "sub", "aud", "exp", "iat"];

/// Why something is no key set that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoKeySet {
    TooLong,
    TooMany,
    /// No JSON object with a list of objects under `keys`, or one that jsonb can't hold.
    Malformed,
}

/// A JSON Web Key Set of public keys.
pub(crate) struct KeySet {
    keys: Vec<Key>,
    has_secrets: bool,
}

struct Key {
    jwk: Map<String, Value>,
    /// Made of it when a token asks for it first; `None` where it is no key.
    public: OnceCell<Option<PublicKey>>,
}

impl KeySet {
    /// Reads a key set. Keys of which more is there than the public part are left out: nobody is to have them.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read(text: &str) -> Result<Self, NoKeySet> {
        if text.len() > MAX_KEY_SET {
            return Err(NoKeySet::TooLong);
        }
        let mut set = parse_object(text).ok_or(NoKeySet::Malformed)?;
        let Some(Value::Array(list)) = set.swap_remove("keys") else { return Err(NoKeySet::Malformed) };
        if list.len() > MOST_KEYS {
            return Err(NoKeySet::TooMany);
        }
        let (mut keys, mut has_secrets) = (Vec::with_capacity(list.len()), false);
        for key in list {
            let Value::Object(jwk) = key else { return Err(NoKeySet::Malformed) };
            if jwk.keys().any(|member| jwk::SECRET.contains(&member.as_str()) || member == "priv") {
                has_secrets = true;
                jwk::forget(jwk);
            } else {
                keys.push(Key { jwk, public: OnceCell::new() });
            }
        }
        Ok(Self { keys, has_secrets })
    }

    /// Whether keys were left out because they were private or secret ones.
    pub(crate) fn has_secrets(&self) -> bool {
        self.has_secrets
    }

    /// Whether there is a key that may verify a signature.
    pub(crate) fn is_of_use(&self) -> bool {
        let verifies = |key: &Key| {
            let algorithms = Algorithm::ALL.iter().filter(|algorithm| key.is_for(**algorithm));
            key.public().is_some_and(|public| algorithms.into_iter().any(|algorithm| algorithm.fits(public)))
        };
        self.keys.iter().any(verifies)
    }

    /// The set as JSON, without what was left out.
    pub(crate) fn to_json(&self) -> String {
        let keys: Vec<&Map<String, Value>> = self.keys.iter().map(|key| &key.jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// The one key that a token may be of.
    ///
    /// # Errors
    /// There is none, or there are several.
    fn find(&self, token: &IdToken<'_>) -> Result<&Key, Refusal> {
        let mut found = self.keys.iter().filter(|key| key.may_have_signed(token));
        match (found.next(), found.next()) {
            (None, _) => Err(Refusal::UnknownKey),
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Refusal::SeveralKeys),
        }
    }
}

impl Key {
    /// Whether it says that it verifies signatures by that algorithm, or nothing to the contrary.
    fn is_for(&self, algorithm: Algorithm) -> bool {
        let member = |name| self.jwk.get(name);
        // A public key can do nothing else, and WebCrypto takes none that says it can.
        let is_verify =
            |operations: &Value| matches!(operations.as_array(), Some(list) if *list == ["verify"]);
        jwk::is_of(&self.jwk, algorithm.kind(0))
            && member("use").is_none_or(|used| used == "sig")
            && member("alg").is_none_or(|alg| alg == algorithm.as_str())
            && member("ext").is_none_or(Value::is_boolean)
            && member("key_ops").is_none_or(is_verify)
    }

    /// The same of a token's, whose `kid` has to be the key's where it has one.
    fn may_have_signed(&self, token: &IdToken<'_>) -> bool {
        let is_it = |kid: &Value| kid.is_string() && self.jwk.get("kid") == Some(kid);
        self.is_for(token.algorithm) && token.header.get("kid").is_none_or(is_it)
    }

    fn public(&self) -> Option<&PublicKey> {
        self.public.get_or_init(|| jwk::public(&self.jwk)).as_ref()
    }
}

/// What a token has to say to be good.
pub(crate) struct Expected<'e> {
    /// What `iss` has to be one of; whatever it likes, where there is none.
    pub(crate) issuers: &'e [Cow<'e, str>],
    /// What `aud` has to have one of.
    pub(crate) audiences: &'e [&'e str],
    /// How long ago it may have been issued, in seconds.
    pub(crate) max_age: Option<i64>,
    /// What `nonce` has to be.
    pub(crate) nonce: Option<&'e str>,
    /// It may also be the SHA-256 of that, in lower-case hexadecimal.
    pub(crate) nonce_may_be_hashed: bool,
    /// Unix seconds.
    pub(crate) now: i64,
}

/// An id token whose signature has not been looked at yet.
pub(crate) struct IdToken<'t> {
    header: Header,
    algorithm: Algorithm,
    compact: Compact<'t>,
}

impl<'t> IdToken<'t> {
    /// Takes a token apart. `algorithms` are those that it may be signed by, by JOSE's names; any of public keys, where
    /// there is none.
    ///
    /// # Errors
    /// It is no token, or one by another algorithm.
    pub(crate) fn read(token: &'t str, algorithms: &[&str]) -> Result<Self, Refusal> {
        let (header, compact) = jws::read(token)?;
        let name = header.text("alg").ok_or(Refusal::OtherAlgorithm)?;
        if !algorithms.is_empty() && !algorithms.contains(&name) {
            return Err(Refusal::OtherAlgorithm);
        }
        let algorithm = Algorithm::parse(name).ok_or(Refusal::OtherAlgorithm)?;
        Ok(Self { header, algorithm, compact })
    }

    /// Whether a set has a key, or several, that it may be of: where it hasn't, there may be a newer set.
    pub(crate) fn is_known(&self, keys: &KeySet) -> bool {
        !matches!(keys.find(self), Err(Refusal::UnknownKey))
    }

    /// The claims of a good token.
    ///
    /// # Errors
    /// The first thing that is wrong. The signature comes before the claims.
    pub(crate) fn verify(
        &self,
        keys: &KeySet,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, Refusal> {
        let key = keys.find(self)?.public().ok_or(Refusal::UnknownKey)?;
        jws::verify(self.algorithm, key, &self.compact)?;
        let claims = std::str::from_utf8(&self.compact.payload).ok().and_then(parse_object);
        let claims = claims.ok_or(Refusal::NotJson("payload"))?;
        expected.check(&claims)?;
        Ok(claims)
    }
}

impl Expected<'_> {
    fn check(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        if let Some(missing) = REQUIRED.iter().find(|name| !claims.contains_key(**name)) {
            return Err(Refusal::Missing(missing));
        }
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_issuer = |text: &str| self.issuers.iter().any(|issuer| issuer == text);
        if !self.issuers.is_empty() && !text("iss").is_some_and(is_issuer) {
            return Err(Refusal::Issuer);
        }
        // One that isn't set up is nobody's, whatever the token says.
        let is_audience = |text: &str| !text.is_empty() && self.audiences.contains(&text);
        let is_meant = match claims.get("aud") {
            Some(Value::String(only)) => is_audience(only),
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).any(is_audience),
            _ => false,
        };
        if !is_meant {
            return Err(Refusal::Audience);
        }
        self.check_times(claims)?;
        // An empty one is none to Better Auth.
        let Some(nonce) = self.nonce.filter(|nonce| !nonce.is_empty()) else { return Ok(()) };
        let is_nonce = |claim: &str| claim == nonce || self.nonce_may_be_hashed && claim == sha256_hex(nonce);
        text("nonce").is_some_and(is_nonce).then_some(()).ok_or(Refusal::Nonce)
    }

    fn check_times(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        // Times needn't be whole.
        let time = |name: &'static str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(Refusal::NotNumber(name)),
        };
        #[allow(clippy::cast_precision_loss, reason = "as JavaScript counts")]
        let (now, max_age) = (self.now as f64, self.max_age.map(|age| age as f64));
        let expiry = time("exp")?.ok_or(Refusal::Missing("exp"))?;
        let issued = time("iat")?.ok_or(Refusal::Missing("iat"))?;
        if expiry <= now - LEEWAY {
            return Err(Refusal::Expired);
        }
        if time("nbf")?.is_some_and(|time| time > now + LEEWAY) {
            return Err(Refusal::InFuture("nbf"));
        }
        // jose looks at this where there is a greatest age; a token of tomorrow is nobody's today.
        if issued > now + LEEWAY {
            return Err(Refusal::InFuture("iat"));
        }
        if max_age.is_some_and(|max_age| now - issued - LEEWAY > max_age) {
            return Err(Refusal::TooOld);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
