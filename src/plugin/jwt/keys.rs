//! The keys as this backend keeps them, decrypted and parsed, and new ones.
//!
//! A new key is made before anything is locked, in one of the slots of those who hash passwords: one of RSA takes a
//! second or several. Of all who miss a key at once one adds theirs, and the others take that one.

use pgrx::check_for_interrupts;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;
use zeroize::Zeroizing;

use super::options::Keys as Options;
use super::settings;
use super::store::{self, Key, New, TABLE};
use crate::crypto::jwk;
use crate::crypto::jws::{Algorithm, Signer, Verifier};
use crate::error::AuthError;
use crate::flow::bridge_keys::new_private_key;
use crate::flow::json::Object;
use crate::flow::secrets;
use crate::store::catalog::{self, PerRows, Table};
use crate::store::server::{Timestamp, config_loaded_at, is_writable, lock_value};
use crate::store::slot::with_slot;

/// A key, and what has been made of it.
pub(super) struct Kept {
    pub(super) row: Key,
    signer: RefCell<Option<(Algorithm, Rc<Signer>)>>,
    verifier: RefCell<Option<(Algorithm, Rc<Verifier>)>>,
}

impl Kept {
    fn new(row: Key) -> Rc<Self> {
        Rc::new(Self { row, signer: RefCell::new(None), verifier: RefCell::new(None) })
    }

    /// Whether it may sign.
    fn is_live(&self, now: Timestamp) -> bool {
        self.row.expires_at.is_none_or(|expires_at| expires_at > now)
    }

    /// The algorithm of the row, or `default`, which is that of rows that don't say theirs; `None` for one that isn't
    /// supported.
    pub(super) fn algorithm(&self, default: Algorithm) -> Option<Algorithm> {
        self.row.alg.as_deref().map_or(Some(default), Algorithm::parse)
    }

    /// The key for signing.
    ///
    /// # Errors
    /// It can't be decrypted, or is no key for its algorithm.
    pub(super) fn signer(&self, default: Algorithm) -> Result<Rc<Signer>, AuthError> {
        let unusable = |why: &str| {
            AuthError::Setup(format!("the private key of {} with id {} {why}", TABLE.sql(), self.row.id))
        };
        let algorithm =
            self.algorithm(default).ok_or_else(|| unusable("has an alg that is not supported"))?;
        if let Some((of, signer)) = &*self.signer.borrow()
            && *of == algorithm
        {
            return Ok(Rc::clone(signer));
        }
        let stored = &self.row.private_key;
        // What it is its form says, whatever the setting says now.
        let text = match serde_json::from_str::<String>(stored) {
            Ok(sealed) => secrets::unseal(&sealed, Timestamp::now())?.ok_or_else(|| {
                unusable("can't be decrypted: the cookie secret is another one than when it was made; set that one again, or delete the row")
            })?,
            Err(_) => stored.clone(),
        };
        let jwk = jwk::parse(&text);
        let key = jwk.as_ref().and_then(jwk::private);
        if let Some(jwk) = jwk {
            jwk::forget(jwk);
        }
        let header = Object::new().text("alg", algorithm.as_str()).text("kid", &self.row.id).finish();
        let signer = key
            .and_then(|key| Signer::new(algorithm, key, &header))
            .ok_or_else(|| unusable("is no key for its alg"))?;
        let signer = Rc::new(signer);
        self.signer.replace(Some((algorithm, Rc::clone(&signer))));
        Ok(signer)
    }

    /// The key for verifying; `None` where it is no key for its algorithm.
    pub(super) fn verifier(&self, default: Algorithm) -> Option<Rc<Verifier>> {
        let algorithm = self.algorithm(default)?;
        if let Some((of, verifier)) = &*self.verifier.borrow()
            && *of == algorithm
        {
            return Some(Rc::clone(verifier));
        }
        let key = jwk::public(&jwk::parse(&self.row.public_key)?)?;
        let verifier = Rc::new(Verifier::new(algorithm, key)?);
        self.verifier.replace(Some((algorithm, Rc::clone(&verifier))));
        Some(verifier)
    }

    /// The key as others get to see it; `None` where the row's text is no JSON object.
    pub(super) fn shown(&self, default: Algorithm) -> Option<Value> {
        let public = jwk::parse(&self.row.public_key)?;
        let mut shown = Map::new();
        shown.insert("alg".into(), self.row.alg.as_deref().unwrap_or(default.as_str()).into());
        if let Some(crv) = self.row.crv.clone().map(Value::from).or_else(|| public.get("crv").cloned()) {
            shown.insert("crv".into(), crv);
        }
        // Whatever somebody has put into the wrong column.
        shown.extend(public.into_iter().filter(|(name, _)| !jwk::SECRET.contains(&name.as_str())));
        shown.insert("kid".into(), self.row.id.as_str().into());
        Some(shown.into())
    }
}

/// The newest keys, the newest first. Reads no table unless one has changed.
///
/// # Errors
/// No table.
pub(super) fn all() -> Result<Rc<[Rc<Kept>]>, AuthError> {
    thread_local! {
        static KNOWN: PerRows<(u64, u64, i64), [Rc<Kept>]> = const { PerRows::nothing() };
    }
    // The keys, and the cookie secrets that decrypt them, which may come from files.
    let now = || (catalog::rows(TABLE), catalog::rows(Table::SigningSecret), config_loaded_at());
    let load = || Ok(store::load()?.into_iter().map(Kept::new).collect());
    KNOWN.with(|known| known.get(TABLE, now, load))
}

/// The key with this id, however old.
///
/// # Errors
/// No table.
pub(super) fn find(id: &str) -> Result<Option<Rc<Kept>>, AuthError> {
    let all = all()?;
    match all.iter().find(|kept| kept.row.id == id) {
        Some(kept) => Ok(Some(Rc::clone(kept))),
        None if all.len() < store::MOST => Ok(None),
        None => Ok(store::find(id)?.map(Kept::new)),
    }
}

/// The key that signs now: the newest one of the algorithm, or else the newest one.
fn current(algorithm: Algorithm) -> Result<Option<Rc<Kept>>, AuthError> {
    let now = Timestamp::now();
    let all = all()?;
    let of_algorithm = |kept: &&Rc<Kept>| {
        kept.is_live(now) && kept.row.alg.as_deref().is_none_or(|alg| alg == algorithm.as_str())
    };
    let found = all.iter().find(of_algorithm).or_else(|| all.iter().find(|kept| kept.is_live(now)));
    Ok(found.map(Rc::clone))
}

/// The key that signs, a new one where there is none; `None` where nothing can be written either.
///
/// # Errors
/// No table, no randomness.
pub(super) fn signing(options: &Options) -> Result<Option<Rc<Kept>>, AuthError> {
    if let Some(kept) = current(options.algorithm)? {
        return Ok(Some(kept));
    }
    if !is_writable() {
        return Ok(None);
    }
    make(options, || Ok(current(options.algorithm)?.is_some()))?;
    current(options.algorithm)
}

/// Those that are listed, in the order in which they were made, the first one made where there is none.
///
/// # Errors
/// As [`signing`].
pub(super) fn listed(options: &Options) -> Result<Vec<Rc<Kept>>, AuthError> {
    let mut keys = all()?;
    if keys.is_empty() && is_writable() {
        make(options, || Ok(!all()?.is_empty()))?;
        keys = all()?;
    }
    let (now, grace) = (Timestamp::now(), settings::jwks_grace_period());
    let is_listed =
        |kept: &&Rc<Kept>| kept.row.expires_at.is_none_or(|expires_at| expires_at.plus(grace) > now);
    Ok(keys.iter().rev().filter(is_listed).map(Rc::clone).collect())
}

/// Adds a new key, unless there is one by then: `is_there`.
fn make(options: &Options, is_there: impl Fn() -> Result<bool, AuthError>) -> Result<(), AuthError> {
    let kind = options.algorithm.kind(options.modulus);
    let made = with_slot(|| {
        // Whoever was here before may have made it, and is through with it.
        if is_there()? {
            return Ok(None);
        }
        new_private_key(kind).map(Some)
    })?;
    let Some(key) = made else { return Ok(()) };
    check_for_interrupts!();
    let (public, private) = jwk::write(&key);
    let private = match options.encrypts {
        true => Zeroizing::new(Value::String(secrets::seal(&private)?).to_string()),
        false => private,
    };
    lock_value(TABLE, "new")?;
    if is_there()? {
        return Ok(());
    }
    let crv = jwk::parse(&public).and_then(|jwk| jwk.get("crv")?.as_str().map(str::to_owned));
    store::create(&New {
        public_key: &public,
        private_key: &private,
        expires_at: (options.rotation > 0).then(|| Timestamp::now().plus(options.rotation)),
        alg: options.algorithm.as_str(),
        crv: crv.as_deref(),
    })
}
