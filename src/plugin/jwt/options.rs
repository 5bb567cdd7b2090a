//! The plugin's options as they are for one call: the settings, or what `overrideOptions` has in their place.

use serde_json::{Map, Value};

use super::settings::{self, KeyAlgorithm};
use super::span;
use crate::crypto::jws::{Algorithm, MIN_MODULUS_BITS};
use crate::crypto::public_key::MAX_MODULUS;
use crate::error::AuthError;

/// How keys are made and kept: Better Auth's `jwks`.
pub(super) struct Keys {
    /// Of new keys, and of rows that don't say theirs.
    pub(super) algorithm: Algorithm,
    /// In bits.
    pub(super) modulus: usize,
    pub(super) encrypts: bool,
    /// In seconds; 0 for ever.
    pub(super) rotation: i64,
}

/// What tokens say: Better Auth's `jwt`.
pub(super) struct Tokens {
    /// `None` for the base URL.
    pub(super) issuer: Option<Value>,
    pub(super) audience: Option<Value>,
    pub(super) expiration: Expiration,
}

/// When tokens expire.
pub(super) enum Expiration {
    /// So many seconds after they were issued.
    After(i64),
    /// At a time of its own.
    At(Value),
}

impl From<KeyAlgorithm> for Algorithm {
    fn from(setting: KeyAlgorithm) -> Self {
        match setting {
            KeyAlgorithm::EdDsa => Self::EdDsa,
            KeyAlgorithm::Es256 => Self::Es256,
            KeyAlgorithm::Es512 => Self::Es512,
            KeyAlgorithm::Ps256 => Self::Ps256,
            KeyAlgorithm::Rs256 => Self::Rs256,
        }
    }
}

fn refused(option: &str, why: &str) -> AuthError {
    AuthError::Argument(format!("overrideOptions: {option} {why}"))
}

impl Keys {
    pub(super) fn of_settings() -> Self {
        // The only curve that there is a choice of.
        let settings::KeyCurve::Ed25519 = settings::jwks_key_pair_config_crv();
        Self {
            algorithm: settings::jwks_key_pair_config_alg().into(),
            modulus: settings::jwks_key_pair_config_modulus_length(),
            encrypts: !settings::jwks_disable_private_key_encryption(),
            rotation: settings::jwks_rotation_interval(),
        }
    }

    /// Better Auth's `jwks` of `overrideOptions`, which takes the place of the whole.
    ///
    /// # Errors
    /// An algorithm, a curve or a length that there is no key of.
    fn given(jwks: &Value) -> Result<Self, AuthError> {
        let mut keys = Self { algorithm: Algorithm::EdDsa, modulus: 2048, encrypts: true, rotation: 0 };
        keys.encrypts = !jwks.get("disablePrivateKeyEncryption").is_some_and(crate::flow::input::is_truthy);
        keys.rotation = jwks.get("rotationInterval").and_then(Value::as_i64).unwrap_or_default();
        let Some(config) = jwks.get("keyPairConfig").filter(|config| !config.is_null()) else {
            return Ok(keys);
        };
        let named = config.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
        keys.algorithm = named.ok_or_else(|| refused("jwks.keyPairConfig.alg", "is not supported"))?;
        if config.get("crv").is_some_and(|crv| crv != "Ed25519" || keys.algorithm != Algorithm::EdDsa) {
            return Err(refused("jwks.keyPairConfig.crv", "is not supported"));
        }
        if let Some(modulus) = config.get("modulusLength") {
            let bits = modulus.as_u64().and_then(|bits| usize::try_from(bits).ok());
            let least = usize::try_from(MIN_MODULUS_BITS).unwrap_or(usize::MAX);
            keys.modulus = bits
                .filter(|bits| (least..=MAX_MODULUS * 8).contains(bits))
                .ok_or_else(|| refused("jwks.keyPairConfig.modulusLength", "must be 2048 to 4096"))?;
        }
        Ok(keys)
    }
}

impl Tokens {
    /// # Errors
    /// The expiration time is no span of time.
    pub(super) fn of_settings() -> Result<Self, AuthError> {
        let audience: Vec<String> = settings::jwt_audience()
            .map(|list| crate::settings::parts(&list).map(str::to_owned).collect())
            .unwrap_or_default();
        let audience = match audience.as_slice() {
            [] => None,
            [only] => Some(Value::from(only.as_str())),
            _ => Some(Value::from(audience)),
        };
        let span = settings::jwt_expiration_time();
        let lifetime = span.as_deref().map_or(Some(900), span::seconds).ok_or_else(|| {
            AuthError::Setup("better_auth.jwt_jwt_expiration_time is no span of time such as 15m".into())
        })?;
        let issuer = settings::jwt_issuer().map(Value::from);
        Ok(Self { issuer, audience, expiration: Expiration::After(lifetime) })
    }

    /// Better Auth's `jwt` of `overrideOptions`, which takes the place of the whole.
    ///
    /// # Errors
    /// An expiration time that is none.
    fn given(jwt: &Value) -> Result<Self, AuthError> {
        let given = |name: &str| jwt.get(name).filter(|value| !value.is_null()).cloned();
        let expiration = match given("expirationTime") {
            None => Expiration::After(900),
            Some(time @ Value::Number(_)) => Expiration::At(time),
            Some(time) => {
                let span = time.as_str().and_then(span::seconds);
                Expiration::After(span.ok_or_else(|| refused("jwt.expirationTime", "is no span of time"))?)
            }
        };
        Ok(Self { issuer: given("issuer"), audience: given("audience"), expiration })
    }
}

/// The options of one call of `signJWT`.
///
/// # Errors
/// What `overrideOptions` has can't be, or a setting can't.
pub(super) fn overridden(overrides: Option<&Map<String, Value>>) -> Result<(Keys, Tokens), AuthError> {
    let given = |name: &str| overrides.and_then(|overrides| overrides.get(name));
    let keys = given("jwks").map_or_else(|| Ok(Keys::of_settings()), Keys::given)?;
    let tokens = given("jwt").map_or_else(Tokens::of_settings, Tokens::given)?;
    Ok((keys, tokens))
}
