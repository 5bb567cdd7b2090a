//! The two secrets: set, rotated, and kept in memory as keyed HMAC states.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

use crate::crypto::jwt::MIN_SECRET;
use crate::crypto::mac::Key;
use crate::error::AuthError;
use crate::settings;
use crate::store::server::{Timestamp, config_loaded_at};
use crate::store::{catalog, secret};

/// The longest secret, and the most that is read of a secret's file, in bytes.
const MAX_SECRET: u64 = 4_096;

/// Which secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    /// Better Auth's own `secret`: signs session cookies and email tokens.
    Cookie,
    /// PostgREST's `jwt-secret`: signs bridge tokens.
    Jwt,
}

impl Name {
    /// Reads the name that a caller wrote.
    ///
    /// # Errors
    /// Another name.
    pub(crate) fn parse(name: &str) -> Result<Self, AuthError> {
        match name {
            "cookie" => Ok(Self::Cookie),
            "jwt" => Ok(Self::Jwt),
            _ => Err(AuthError::Argument(
                "there is no secret of that name; the names are cookie and jwt".into(),
            )),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Jwt => "jwt",
        }
    }

    fn file(self) -> Option<PathBuf> {
        match self {
            Self::Cookie => settings::cookie_secret_file().map(PathBuf::from),
            Self::Jwt => settings::jwt_secret_file().map(PathBuf::from),
        }
    }

    /// # Errors
    /// The secret is too short for what it signs.
    fn check(self, value: &str) -> Result<(), AuthError> {
        let length = value.len();
        if self == Self::Jwt && length < MIN_SECRET {
            return Err(AuthError::Argument(format!(
                "the jwt secret needs at least {MIN_SECRET} bytes, as RFC 7518 section 3.2 and PostgREST demand of HS256; this one has {length}"
            )));
        }
        if value.is_empty() {
            return Err(AuthError::Argument("the secret is empty".into()));
        }
        if length as u64 > MAX_SECRET {
            return Err(AuthError::Argument(format!("the secret is longer than {MAX_SECRET} bytes")));
        }
        Ok(())
    }
}

/// The keys of a secret as this backend knows them.
struct Keys {
    /// When they were read: the count of changes to the table, and the configuration's last reload,
    /// after which a file is read again.
    read_at: (u64, i64),
    /// The one that signs, then those that still verify, and until when.
    keys: Vec<(Key, Option<Timestamp>)>,
}

thread_local! {
    static COOKIE: RefCell<Option<Keys>> = const { RefCell::new(None) };
    static JWT: RefCell<Option<Keys>> = const { RefCell::new(None) };
}

/// Runs `work` with the key that signs. Reads no table unless a secret has changed.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn with_signing_key<T>(name: Name, work: impl FnOnce(&Key) -> T) -> Result<T, AuthError> {
    with_keys(name, |keys| keys.first().map(|(key, _)| work(key)))?.ok_or_else(|| {
        let name = name.as_str();
        AuthError::Setup(format!(
            "there is no current {name} secret; run: SELECT * FROM better_auth.migrate();"
        ))
    })
}

/// Runs `work` with all keys that verify at the time `now`.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn with_verifying_keys<T>(
    name: Name,
    now: Timestamp,
    work: impl FnOnce(&mut dyn Iterator<Item = &Key>) -> T,
) -> Result<T, AuthError> {
    with_keys(name, |keys| {
        let valid = |until: Option<Timestamp>| until.is_none_or(|until| until > now);
        work(&mut keys.iter().filter(|(_, until)| valid(*until)).map(|(key, _)| key))
    })
}

fn with_keys<T>(name: Name, work: impl FnOnce(&[(Key, Option<Timestamp>)]) -> T) -> Result<T, AuthError> {
    // Taken before the read: a change meanwhile makes these keys stale at once.
    let now = (catalog::secrets(), config_loaded_at());
    let cache = match name {
        Name::Cookie => &COOKIE,
        Name::Jwt => &JWT,
    };
    cache.with(|cache| {
        if cache.borrow().as_ref().is_none_or(|known| known.read_at != now) {
            // Forgotten first: when the read fails, a stale key must not stay.
            cache.replace(None);
            let keys = load(name)?;
            cache.replace(Some(Keys { read_at: now, keys }));
        }
        Ok(work(cache.borrow().as_ref().map_or(&[], |known| &known.keys)))
    })
}

fn load(name: Name) -> Result<Vec<(Key, Option<Timestamp>)>, AuthError> {
    let mut keys = Vec::new();
    let file = name.file();
    if let Some(file) = &file {
        let value = read_file(name, file)?;
        keys.push((Key::new(value.as_bytes()), None));
    }
    for secret in secret::load()? {
        // A file takes the place of the table's current secret; what was rotated out stays.
        if secret.name != name.as_str() || file.is_some() && secret.valid_until.is_none() {
            continue;
        }
        name.check(&secret.value).map_err(|error| AuthError::Setup(error.message()))?;
        keys.push((Key::new(secret.value.as_bytes()), secret.valid_until));
    }
    Ok(keys)
}

/// Reads a secret's file, without the line break at its end that editors leave.
fn read_file(name: Name, path: &Path) -> Result<Zeroizing<String>, AuthError> {
    let setting = name.as_str();
    let unusable =
        |why: &str| AuthError::Setup(format!("the file of better_auth.{setting}_secret_file {why}"));
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(|error| unusable(&format!("can't be opened: {}", error.kind())))?;
    file.take(MAX_SECRET + 1)
        .read_to_string(&mut text)
        .map_err(|error| unusable(&format!("can't be read: {}", error.kind())))?;
    if text.len() as u64 > MAX_SECRET {
        return Err(unusable("is longer than a secret can be"));
    }
    let value = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    name.check(&value).map_err(|error| unusable(&format!("is not usable: {}", error.message())))?;
    Ok(value)
}

/// Makes `value` the current secret. The one before it goes on verifying for `keep` seconds.
///
/// # Errors
/// A value that is too short, a negative time, or a secret that comes from a file.
pub(crate) fn set(name: Name, value: &str, keep: i64) -> Result<(), AuthError> {
    name.check(value)?;
    if keep < 0 {
        return Err(AuthError::Argument("keep must not be negative".into()));
    }
    if name.file().is_some() {
        let name = name.as_str();
        return Err(AuthError::Argument(format!(
            "the {name} secret comes from the file that better_auth.{name}_secret_file names; change that file and reload the configuration"
        )));
    }
    let now = Timestamp::now();
    secret::replace(name.as_str(), value, now.plus(keep), now)
}

/// Makes a fresh random secret the current one. The one before it goes on verifying for `keep` seconds.
///
/// # Errors
/// As [`set`], and no randomness.
pub(crate) fn rotate(name: Name, keep: i64) -> Result<(), AuthError> {
    set(name, &secret::random_value()?, keep)
}
