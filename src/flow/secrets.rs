//! The two secrets: set, rotated, and kept in memory as keyed HMAC states.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

use crate::crypto::jwt::MIN_SECRET;
use crate::crypto::mac::Key;
use crate::crypto::{jwe, random, seal};
use crate::error::AuthError;
use crate::plugin::{self, Sealed};
use crate::settings;
use crate::store::catalog::{self, Table};
use crate::store::server::{Timestamp, config_loaded_at, fill_random};
use crate::store::{sealed, secret};

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

/// Secrets that plugins share with a service or another server, each by the name that `set_secret()` knows it by. Nobody
/// but who sets up the other one can make one.
const TOLD: [&str; 2] = ["captcha", "oauth_proxy"];

impl Name {
    /// Reads the name that a caller wrote.
    ///
    /// # Errors
    /// Another name.
    pub(crate) fn parse(name: &str) -> Result<Self, AuthError> {
        match name {
            "cookie" => Ok(Self::Cookie),
            "jwt" => Ok(Self::Jwt),
            // Of its own making a secret would be of no use.
            _ if TOLD.contains(&name) => Err(AuthError::Argument(format!(
                "the {name} secret is somebody else's too; set it by set_secret()"
            ))),
            _ => Err(AuthError::Argument(
                "there is no secret of that name; the names are cookie, jwt, jwt_eddsa, jwt_es256, jwt_rs256, captcha and oauth_proxy"
                    .into(),
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

    /// The bytes that sign, of a secret as it is written. For `jwt` that is a text, whose bytes they are, or what
    /// PostgREST takes besides: `base64:` and the bytes in base64, or a JWK. After `literal:` a text is what it is.
    ///
    /// # Errors
    /// The secret can't be read, or is too short for what it signs.
    fn key(self, value: &str) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        if value.is_empty() {
            return Err(AuthError::Argument("the secret is empty".into()));
        }
        if value.len() as u64 > MAX_SECRET {
            return Err(AuthError::Argument(format!("the secret is longer than {MAX_SECRET} bytes")));
        }
        let bytes = match self {
            Self::Cookie => Zeroizing::new(value.as_bytes().to_vec()),
            Self::Jwt => jwt_key(value)?,
        };
        let length = bytes.len();
        if self == Self::Jwt && length < MIN_SECRET {
            return Err(AuthError::Argument(format!(
                "the jwt secret needs at least {MIN_SECRET} bytes, as RFC 7518 section 3.2 and PostgREST demand of HS256; this one has {length}"
            )));
        }
        Ok(bytes)
    }
}

fn jwt_key(value: &str) -> Result<Zeroizing<Vec<u8>>, AuthError> {
    if let Some(text) = value.strip_prefix("literal:") {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    if let Some(encoded) = value.strip_prefix("base64:") {
        return base64_key(encoded.trim()).ok_or_else(|| {
            AuthError::Argument("what follows base64: in the jwt secret is not base64".into())
        });
    }
    let mut jwk = match serde_json::from_str(value) {
        Ok(Json::Object(object)) if object.contains_key("kty") || object.contains_key("keys") => object,
        _ => return Ok(Zeroizing::new(value.as_bytes().to_vec())),
    };
    let refused =
        |why: &str| Err(AuthError::Argument(format!("the jwt secret is a JSON Web Key that {why}")));
    if let Some(keys) = jwk.remove("keys") {
        let Json::Array(mut keys) = keys else { return refused("has no list of keys") };
        let Some(Json::Object(only)) = keys.pop() else { return refused("has no keys") };
        if !keys.is_empty() {
            return refused("has more than one key; name the one that signs");
        }
        jwk = only;
    }
    if jwk.get("kty").and_then(Json::as_str) != Some("oct") {
        return refused("is none of HS256: its kty is not oct");
    }
    if jwk.get("alg").is_some_and(|alg| alg.as_str() != Some("HS256")) {
        return refused("is none of HS256: its alg is another one");
    }
    let Some(Json::String(encoded)) = jwk.remove("k") else { return refused("has no k") };
    let encoded = Zeroizing::new(encoded);
    match base64_key(&encoded) {
        Some(bytes) => Ok(bytes),
        None => refused("has a k that is not base64url"),
    }
}

/// Bytes in base64 of either alphabet, padded or not, as PostgREST reads them.
fn base64_key(encoded: &str) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = Zeroizing::new(encoded.trim_end_matches(['=', '.']).replace('+', "-").replace('/', "_"));
    BASE64_URL_SAFE_NO_PAD.decode(encoded.as_bytes()).ok().map(Zeroizing::new)
}

/// The keys of a secret as this backend knows them.
struct Keys {
    /// When they were read: the count of changes to the table, and the configuration's last reload,
    /// after which a file is read again.
    read_at: (u64, i64),
    /// The one that signs and encrypts, then those that still verify and decrypt.
    keys: Vec<Kept>,
}

/// What is encrypted under a key of its own, derived from the cookie secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// The session that a provider's account is to be linked to: Better Auth's `oauth-link-session-token`.
    LinkSession,
    /// A request that waits for a fetch.
    Resume,
    /// The state of a sign-in, on its way to another server and back: Better Auth's `oauth-proxy-package`.
    ProxyPackage,
    /// What is kept of that sign-in, within it: `oauth-proxy-state`.
    ProxyState,
    /// Who a provider has said that it is, on its way back: `oauth-proxy-profile`.
    ProxyProfile,
}

impl Purpose {
    const ALL: [Self; 5] =
        [Self::LinkSession, Self::Resume, Self::ProxyPackage, Self::ProxyState, Self::ProxyProfile];

    const fn as_str(self) -> &'static str {
        match self {
            Self::LinkSession => "oauth-link-session-token",
            Self::Resume => "postgresql-resume",
            Self::ProxyPackage => "oauth-proxy-package",
            Self::ProxyState => "oauth-proxy-state",
            Self::ProxyProfile => "oauth-proxy-profile",
        }
    }
}

/// What Better Auth calls its key for an account in a cookie.
const ACCOUNT_SALT: &str = "better-auth-account";

/// One secret, as what it is used for.
struct Kept {
    signing: Key,
    sealing: seal::Key,
    /// For an account in a cookie.
    account: jwe::Key,
    /// In the order of [`Purpose::ALL`].
    purposes: [seal::Key; Purpose::ALL.len()],
    /// `None` for the current one.
    until: Option<Timestamp>,
}

impl Kept {
    fn new(secret: &[u8], until: Option<Timestamp>) -> Self {
        let purposes = Purpose::ALL.map(|purpose| seal::Key::for_purpose(secret, purpose.as_str()));
        let account = jwe::Key::new(secret, ACCOUNT_SALT);
        Self { signing: Key::new(secret), sealing: seal::Key::new(secret), account, purposes, until }
    }

    fn of(&self, purpose: Purpose) -> &seal::Key {
        &self.purposes[purpose as usize]
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
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
    with_keys(name, |keys| keys.first().map(|kept| work(&kept.signing)))?.ok_or_else(|| missing(name))
}

fn missing(name: Name) -> AuthError {
    let name = name.as_str();
    AuthError::Setup(format!("there is no current {name} secret; run: SELECT * FROM better_auth.migrate();"))
}

/// Encrypts a text under the cookie secret: Better Auth's `symmetricEncrypt`.
///
/// # Errors
/// There is no usable secret, or no randomness.
pub(crate) fn seal(text: &str) -> Result<String, AuthError> {
    let mut nonce = [0; seal::NONCE];
    fill_random(&mut nonce)?;
    with_keys(Name::Cookie, |keys| keys.first().map(|kept| kept.sealing.seal(text, nonce)))?
        .ok_or_else(|| missing(Name::Cookie))
}

/// Decrypts what was encrypted under a cookie secret that is good at the time `now`: Better Auth's
/// `symmetricDecrypt`. `None` where it is none of these.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn unseal(sealed: &str, now: Timestamp) -> Result<Option<Zeroizing<String>>, AuthError> {
    with_keys(Name::Cookie, |keys| {
        keys.iter().filter(|kept| kept.is_valid(now)).find_map(|kept| kept.sealing.open(sealed))
    })
}

/// Encrypts a text for one purpose. That of Better Auth's own is in hexadecimal, as it writes it.
///
/// # Errors
/// There is no usable secret, or no randomness.
pub(crate) fn seal_for(purpose: Purpose, text: &str) -> Result<String, AuthError> {
    let mut nonce = [0; seal::NONCE];
    fill_random(&mut nonce)?;
    let seal = |kept: &Kept| match purpose {
        Purpose::Resume => kept.of(purpose).seal_short(text, nonce),
        _ => kept.of(purpose).seal(text, nonce),
    };
    with_keys(Name::Cookie, |keys| keys.first().map(seal))?.ok_or_else(|| missing(Name::Cookie))
}

/// Decrypts what [`seal_for`], or Better Auth, has encrypted under a cookie secret that is good at the time `now`.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn unseal_for(
    purpose: Purpose,
    sealed: &str,
    now: Timestamp,
) -> Result<Option<Zeroizing<String>>, AuthError> {
    let open = |kept: &Kept| match purpose {
        Purpose::Resume => kept.of(purpose).open_short(sealed),
        _ => kept.of(purpose).open(sealed),
    };
    with_keys(Name::Cookie, |keys| keys.iter().filter(|kept| kept.is_valid(now)).find_map(open))
}

/// Encrypts a text for one purpose under a secret that isn't one of the two.
///
/// # Errors
/// No randomness.
pub(crate) fn seal_under(secret: &str, purpose: Purpose, text: &str) -> Result<String, AuthError> {
    let mut nonce = [0; seal::NONCE];
    fill_random(&mut nonce)?;
    Ok(seal::Key::for_purpose(secret.as_bytes(), purpose.as_str()).seal(text, nonce))
}

/// Decrypts what [`seal_under`], or Better Auth, has encrypted under this secret.
pub(crate) fn unseal_under(secret: &str, purpose: Purpose, sealed: &str) -> Option<Zeroizing<String>> {
    seal::Key::for_purpose(secret.as_bytes(), purpose.as_str()).open(sealed)
}

/// Encrypts an account for a cookie that is good for `lifetime` seconds: Better Auth's `symmetricEncodeJWT`.
///
/// # Errors
/// There is no usable secret, or no randomness.
pub(crate) fn encode_account(account: &Map<String, Json>, lifetime: i64) -> Result<String, AuthError> {
    let mut iv = [0; jwe::IV];
    fill_random(&mut iv)?;
    let now = Timestamp::now().unix_seconds();
    let mut claims = account.clone();
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), now.saturating_add(lifetime).into());
    claims.insert("jti".into(), random::uuid(fill_random)?.into());
    let claims = Zeroizing::new(Json::Object(claims).to_string());
    with_keys(Name::Cookie, |keys| keys.first().map(|kept| kept.account.encode(claims.as_bytes(), iv)))?
        .ok_or_else(|| missing(Name::Cookie))
}

/// The account that [`encode_account`], or Better Auth, has encrypted under a cookie secret that is good at the time
/// `now`, and the claims that came with it. `None` where it is none, or has expired.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn decode_account(token: &str, now: Timestamp) -> Result<Option<Map<String, Json>>, AuthError> {
    with_keys(Name::Cookie, |keys| {
        let mut valid = keys.iter().filter(|kept| kept.is_valid(now));
        valid.find_map(|kept| kept.account.decode(token, now.unix_seconds()))
    })
}

/// Tokens of providers, where `encrypt_oauth_tokens` is on.
static ACCOUNT: [Sealed; 2] = [
    Sealed { table: Table::Account, field: "accessToken", is_json: false },
    Sealed { table: Table::Account, field: "refreshToken", is_json: false },
];

/// Encrypts anew, under the current cookie secret, what the core and plugins have encrypted under one that was rotated out: up to
/// `batch` values. How many that were; 0 where none is left that can be read. Others change their values meanwhile.
///
/// # Errors
/// There is no usable secret, or no randomness.
pub(crate) fn reencrypt(batch: i64) -> Result<i64, AuthError> {
    let mut count = 0;
    // Last, and not where nobody asked for it: there may be millions.
    let account = ACCOUNT.iter().filter(|_| settings::encrypt_oauth_tokens());
    for column in plugin::all().flat_map(|plugin| plugin.sealed()).chain(account) {
        if !column.is_there()? {
            continue;
        }
        let mut after = None;
        loop {
            let page = column.page(after.as_deref())?;
            for (id, stored) in &page {
                if count >= batch {
                    return Ok(count);
                }
                if let Some(renewed) = renewed(column, stored)? {
                    count += i64::from(column.replace(id, stored, &renewed)?);
                }
            }
            pgrx::check_for_interrupts!();
            match page.into_iter().nth(sealed::PAGE - 1) {
                Some((id, _)) => after = Some(id),
                None => break,
            }
        }
    }
    Ok(count)
}

/// A stored value under the current cookie secret; `None` where it is so already, or can't be read.
fn renewed(column: &Sealed, stored: &str) -> Result<Option<String>, AuthError> {
    let text = match column.is_json {
        true => match serde_json::from_str::<Json>(stored) {
            Ok(Json::String(text)) => Cow::Owned(text),
            _ => return Ok(None),
        },
        false => Cow::Borrowed(stored),
    };
    let opened = with_keys(Name::Cookie, |keys| {
        let (current, others) = keys.split_first()?;
        // What can still be read is saved, be it past the time that it was to be read.
        let readable = || others.iter().find_map(|kept| kept.sealing.open(&text));
        if current.sealing.open(&text).is_some() { None } else { readable() }
    })?;
    let Some(opened) = opened else { return Ok(None) };
    let sealed = seal(&opened)?;
    Ok(Some(if column.is_json { Json::String(sealed).to_string() } else { sealed }))
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
    with_keys(name, |keys| work(&mut keys.iter().filter(|kept| kept.is_valid(now)).map(|kept| &kept.signing)))
}

fn with_keys<T>(name: Name, work: impl FnOnce(&[Kept]) -> T) -> Result<T, AuthError> {
    // Taken before the read: a change meanwhile makes these keys stale at once.
    let now = (catalog::rows(Table::SigningSecret), config_loaded_at());
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

fn load(name: Name) -> Result<Vec<Kept>, AuthError> {
    Ok(read(name)?.iter().map(|(secret, until)| Kept::new(secret, *until)).collect())
}

/// The bytes of a secret, and those of the ones that were rotated out but are kept, each until when.
fn read(name: Name) -> Result<Vec<(Zeroizing<Vec<u8>>, Option<Timestamp>)>, AuthError> {
    let mut keys = Vec::new();
    let file = name.file();
    if let Some(file) = &file {
        keys.push((read_file(name, file)?, None));
    }
    for secret in secret::load()? {
        // A file takes the place of the table's current secret; what was rotated out stays.
        if secret.name != name.as_str() || file.is_some() && secret.valid_until.is_none() {
            continue;
        }
        let key = name.key(&secret.value).map_err(|error| AuthError::Setup(error.message()))?;
        keys.push((key, secret.valid_until));
    }
    Ok(keys)
}

/// The jwt secrets that verify at the time `now`, as they are: for who is to verify tokens too.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn jwt_secrets(now: Timestamp) -> Result<Vec<Zeroizing<Vec<u8>>>, AuthError> {
    let is_valid = |until: Option<Timestamp>| until.is_none_or(|until| until > now);
    Ok(read(Name::Jwt)?.into_iter().filter(|(_, until)| is_valid(*until)).map(|(key, _)| key).collect())
}

/// The key in a secret's file.
fn read_file(name: Name, path: &Path) -> Result<Zeroizing<Vec<u8>>, AuthError> {
    let what = format!("better_auth.{}_secret_file", name.as_str());
    let text = read_secret_file(path, &what)?;
    name.key(&text).map_err(|error| unusable(&what, &format!("is not usable: {}", error.message())))
}

/// The text of a file that `what` names, without the line break at its end that editors leave.
///
/// # Errors
/// It can't be read, or is longer than a secret can be.
pub(crate) fn read_secret_file(path: &Path, what: &str) -> Result<Zeroizing<String>, AuthError> {
    let mut text = Zeroizing::new(String::new());
    let file =
        File::open(path).map_err(|error| unusable(what, &format!("can't be opened: {}", error.kind())))?;
    file.take(MAX_SECRET + 1)
        .read_to_string(&mut text)
        .map_err(|error| unusable(what, &format!("can't be read: {}", error.kind())))?;
    if text.len() as u64 > MAX_SECRET {
        return Err(unusable(what, "is longer than a secret can be"));
    }
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn unusable(what: &str, why: &str) -> AuthError {
    AuthError::Setup(format!("the file of {what} {why}"))
}

/// Makes `value` the current secret. The one before it goes on verifying for `keep` seconds.
///
/// # Errors
/// A value that is too short, a negative time, or a secret that comes from a file.
pub(crate) fn set(name: Name, value: &str, keep: i64) -> Result<(), AuthError> {
    name.key(value)?;
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

/// Makes `value` the secret of that name, where it is one that a plugin shares; whether it is. There is nothing
/// to keep of the one before.
///
/// # Errors
/// An empty or a long value; no table.
pub(crate) fn set_told(name: &str, value: &str) -> Result<bool, AuthError> {
    if !TOLD.contains(&name) {
        return Ok(false);
    }
    if value.is_empty() || value.len() as u64 > MAX_SECRET {
        return Err(AuthError::Argument(format!("the secret must be between 1 and {MAX_SECRET} bytes long")));
    }
    let now = Timestamp::now();
    secret::replace(name, value, now, now)?;
    Ok(true)
}

/// The secret of that name which a plugin shares, if it is set.
///
/// # Errors
/// No table.
pub(crate) fn told(name: &str) -> Result<Option<Zeroizing<String>>, AuthError> {
    let is_current = |secret: &secret::Secret| secret.name == name && secret.valid_until.is_none();
    Ok(secret::load()?.into_iter().find(is_current).map(|secret| secret.value))
}

/// Makes a fresh random secret the current one. The one before it goes on verifying for `keep` seconds.
///
/// # Errors
/// As [`set`], and no randomness.
pub(crate) fn rotate(name: Name, keep: i64) -> Result<(), AuthError> {
    set(name, &secret::random_value()?, keep)
}

#[cfg(test)]
mod tests {
    use super::Name;

    const STANDARD: &str = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
    const URL: &str = "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s";

    fn key(value: &str) -> Option<Vec<u8>> {
        Name::Jwt.key(value).ok().map(|key| key.to_vec())
    }

    #[test]
    fn a_jwt_secret_is_text_or_base64_or_a_jwk() {
        let jwk = format!(r#"{{"kty":"oct","alg":"HS256","kid":"1","use":"sig","k":"{URL}"}}"#);
        for value in [
            format!("base64:{STANDARD}"),
            format!("base64:{URL}"),
            format!("base64:{URL}="),
            format!(
                "base64: {STANDARD}
"
            ),
            jwk.clone(),
            format!(r#" {{ "keys": [{jwk}] }} "#),
        ] {
            assert_eq!(key(&value), Some(vec![0xfb; 32]), "{value}");
        }
        for literal in [
            STANDARD,
            URL,
            r#"{"not":"a key, but a text that is long enough"}"#,
            "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]",
        ] {
            assert_eq!(key(literal), Some(literal.as_bytes().to_vec()));
            assert_eq!(key(&format!("literal:{literal}")), Some(literal.as_bytes().to_vec()));
        }
        let escaped = format!("literal:base64:{STANDARD}");
        assert_eq!(key(&escaped), Some(format!("base64:{STANDARD}").into_bytes()));
        // Better Auth's own secret is a text, whatever it looks like.
        let text = format!("base64:{STANDARD}");
        assert_eq!(Name::Cookie.key(&text).ok().map(|key| key.to_vec()), Some(text.into_bytes()));
    }

    #[test]
    fn what_can_not_sign_is_refused_without_a_word_of_it() {
        for (value, reason) in [
            ("".into(), "is empty"),
            ("short".into(), "at least 32 bytes"),
            ("base64:AAAA".into(), "at least 32 bytes"),
            (format!("base64:{URL}*"), "not base64"),
            (format!("literal:{}", "x".repeat(31)), "at least 32 bytes"),
            (format!(r#"{{"kty":"RSA","n":"{URL}"}}"#), "kty is not oct"),
            (format!(r#"{{"kty":"oct","alg":"HS512","k":"{URL}"}}"#), "alg is another"),
            (format!(r#"{{"kty":"oct","key":"{URL}"}}"#), "has no k"),
            (format!(r#"{{"kty":"oct","k":"{URL}*"}}"#), "not base64url"),
            (r#"{"keys":[]}"#.into(), "has no keys"),
            (
                format!(r#"{{"keys":[{{"kty":"oct","k":"{URL}"}},{{"kty":"oct","k":"{URL}"}}]}}"#),
                "more than one",
            ),
        ] {
            let message =
                Name::Jwt.key(&value).err().map(|error| error.message().to_string()).unwrap_or_default();
            assert!(message.contains(reason), "{value}: {message}");
            assert!(!message.contains(URL), "{message}");
        }
    }
}
