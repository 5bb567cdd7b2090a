//! The private keys of bridge tokens: rows of `signing_secret` beside the secrets, one name an algorithm, each a JWK.
//!
//! They are keys of their own, not those of the jwt plugin: that one signs what users say of themselves, a `role` among
//! it, and whoever is given its public keys to verify bridge tokens by would take its tokens for them.

use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;
use zeroize::Zeroizing;

use crate::crypto::jwk;
use crate::crypto::jws::{Algorithm, Signer, Verifier};
use crate::crypto::private_key::{Kind, PrivateKey};
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::settings::JwtAlgorithm;
use crate::store::catalog::{self, Table};
use crate::store::secret;
use crate::store::server::{Timestamp, is_writable, random_source};
use crate::store::slot::with_slot;

/// How many bits the modulus of a new RSA key has.
const MODULUS: usize = 2048;

/// The longest key, in bytes, as of any secret.
const LONGEST: usize = 4_096;

/// A key's name in `signing_secret`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Name(Algorithm, &'static str);

const NAMES: [Name; 3] = [
    Name(Algorithm::EdDsa, "jwt_eddsa"),
    Name(Algorithm::Es256, "jwt_es256"),
    Name(Algorithm::Rs256, "jwt_rs256"),
];

impl Name {
    /// The key of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NAMES.into_iter().find(|known| known.1 == name)
    }

    /// The key that the setting has sign; `None` for the secret.
    pub(crate) fn of(setting: JwtAlgorithm) -> Option<Self> {
        match setting {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::EdDsa => Some(NAMES[0]),
            JwtAlgorithm::Es256 => Some(NAMES[1]),
            JwtAlgorithm::Rs256 => Some(NAMES[2]),
        }
    }
}

/// A key, as what it is used for.
struct Kept {
    name: Name,
    kid: String,
    signer: Rc<Signer>,
    verifier: Rc<Verifier>,
    /// The public key as a JWK.
    shown: Value,
    /// `None` for the current one.
    until: Option<Timestamp>,
}

impl Kept {
    /// # Errors
    /// It is no private key for that algorithm.
    fn read(name: Name, value: &str, until: Option<Timestamp>) -> Result<Self, AuthError> {
        let Name(algorithm, label) = name;
        let refused = || {
            let algorithm = algorithm.as_str();
            AuthError::Argument(format!(
                "the {label} secret is no JSON Web Key with a private key for {algorithm}"
            ))
        };
        let jwk =
            Some(value).filter(|value| value.len() <= LONGEST).and_then(jwk::parse).ok_or_else(refused)?;
        // A key that says what it is for means it.
        if jwk.get("alg").is_some_and(|alg| alg.as_str() != Some(algorithm.as_str())) {
            return Err(refused());
        }
        let kid = match jwk.get("kid") {
            Some(kid) => kid.as_str().filter(|kid| !kid.is_empty()).map(str::to_owned),
            None => jwk::thumbprint(&jwk),
        };
        let kid = kid.ok_or_else(refused)?;
        let key = jwk::private(&jwk);
        jwk::forget(jwk);
        let key = key.ok_or_else(refused)?;
        let header =
            Object::new().text("alg", algorithm.as_str()).text("typ", "JWT").text("kid", &kid).finish();
        let verifier = Verifier::new(algorithm, key.public()).ok_or_else(refused)?;
        let public = jwk::parse(&jwk::write(&key).0).ok_or_else(refused)?;
        let signer = Signer::new(algorithm, key, &header).ok_or_else(refused)?;
        let mut shown = Map::new();
        shown.extend(public);
        for (member, value) in [("alg", algorithm.as_str()), ("use", "sig"), ("kid", &kid)] {
            shown.insert(member.into(), value.into());
        }
        Ok(Self {
            name,
            kid,
            signer: Rc::new(signer),
            verifier: Rc::new(verifier),
            shown: shown.into(),
            until,
        })
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Runs `work` with all keys, the current ones first. Reads no table unless one has changed.
fn with_keys<T>(work: impl FnOnce(&[Kept]) -> T) -> Result<T, AuthError> {
    thread_local! {
        static KEYS: RefCell<Option<(u64, Rc<[Kept]>)>> = const { RefCell::new(None) };
    }
    // Before the read: a change meanwhile makes these keys stale at once.
    let now = catalog::rows(Table::SigningSecret);
    let known = KEYS
        .with_borrow(|known| known.as_ref().filter(|known| known.0 == now).map(|known| Rc::clone(&known.1)));
    if let Some(keys) = known {
        return Ok(work(&keys));
    }
    KEYS.set(None);
    let mut keys = Vec::new();
    for secret in secret::load()? {
        let Some(name) = Name::parse(&secret.name) else { continue };
        let kept = Kept::read(name, &secret.value, secret.valid_until);
        keys.push(kept.map_err(|error| AuthError::Setup(error.message()))?);
    }
    let keys: Rc<[Kept]> = keys.into();
    KEYS.set(Some((now, Rc::clone(&keys))));
    Ok(work(&keys))
}

/// Signs a payload with the current key of that name, which is made where there is none.
///
/// # Errors
/// There is no key, and none can be made here; a payload that is too large; no randomness.
pub(crate) fn sign(name: Name, payload: &[u8]) -> Result<String, AuthError> {
    let current = || {
        let is_it = |kept: &&Kept| kept.name == name && kept.until.is_none();
        with_keys(|keys| keys.iter().find(is_it).map(|kept| Rc::clone(&kept.signer)))
    };
    let signer = match current()? {
        Some(signer) => signer,
        None => {
            ensure(name)?;
            current()?.ok_or_else(|| missing(name))?
        }
    };
    Ok(signer.sign(payload, &mut random_source())?)
}

fn missing(name: Name) -> AuthError {
    let name = name.1;
    AuthError::Setup(format!(
        "there is no {name} secret yet, and this transaction can't make one; run: SELECT better_auth.rotate_secret('{name}');"
    ))
}

/// Whether there is any key that verifies.
///
/// # Errors
/// No table, or a row that is no key.
pub(crate) fn has_any(now: Timestamp) -> Result<bool, AuthError> {
    with_keys(|keys| keys.iter().any(|kept| kept.is_valid(now)))
}

/// The key of a `kid` that verifies at the time `now`.
///
/// # Errors
/// As [`has_any`].
pub(crate) fn verifier(kid: &str, now: Timestamp) -> Result<Option<Rc<Verifier>>, AuthError> {
    with_keys(|keys| {
        let found = keys.iter().find(|kept| kept.kid == kid && kept.is_valid(now));
        found.map(|kept| Rc::clone(&kept.verifier))
    })
}

/// The public keys, JWKs, of all keys that verify at the time `now`.
///
/// # Errors
/// As [`has_any`].
pub(crate) fn shown(now: Timestamp) -> Result<Vec<Value>, AuthError> {
    with_keys(|keys| keys.iter().filter(|kept| kept.is_valid(now)).map(|kept| kept.shown.clone()).collect())
}

/// Makes a key of that name the current one, unless there is one.
///
/// # Errors
/// None can be made in this transaction; no randomness.
pub(crate) fn ensure(name: Name) -> Result<(), AuthError> {
    let is_there = || with_keys(|keys| keys.iter().any(|kept| kept.name == name && kept.until.is_none()));
    if is_there()? {
        return Ok(());
    }
    if !is_writable() {
        return Err(missing(name));
    }
    // Before the table is locked. Whoever was here before may have made it, and is through with it.
    let value = with_slot(|| if is_there()? { Ok(None) } else { generate(name).map(Some) })?;
    match value {
        Some(value) => secret::ensure_value(name.1, &value).map(drop),
        None => Ok(()),
    }
}

fn generate(name: Name) -> Result<Zeroizing<String>, AuthError> {
    Ok(jwk::write(&new_private_key(name.0.kind(MODULUS))?).1)
}

/// A new private key. One of RSA takes a second or several.
///
/// # Errors
/// No randomness.
pub(crate) fn new_private_key(kind: Kind) -> Result<PrivateKey, AuthError> {
    let key = PrivateKey::generate(kind, &mut random_source());
    key.map_err(|_| AuthError::Resources("could not get random bytes"))
}

/// Makes `value`, a JWK, the current key of that name. The one before it goes on verifying for `keep` seconds.
///
/// # Errors
/// No private key for its algorithm; a negative time.
pub(crate) fn set(name: Name, value: &str, keep: i64) -> Result<(), AuthError> {
    Kept::read(name, value, None)?;
    if keep < 0 {
        return Err(AuthError::Argument("keep must not be negative".into()));
    }
    let now = Timestamp::now();
    secret::replace(name.1, value, now.plus(keep), now)
}

/// Makes a fresh key the current one of that name. The one before it goes on verifying for `keep` seconds.
///
/// # Errors
/// As [`set`], and no randomness.
pub(crate) fn rotate(name: Name, keep: i64) -> Result<(), AuthError> {
    let value = with_slot(|| generate(name))?;
    set(name, &value, keep)
}
