//! The cookies that a request brings and its answer sets.

use serde_json::{Map, Value};
use std::collections::HashSet;

use super::context::Context;
use super::cookies::{self, Attributes};
use super::location::decode_uri_component;
use crate::crypto::mac::Key;
use crate::crypto::{cookie, jwt};
use crate::error::AuthError;
use crate::flow::json::{self, Object};
use crate::flow::secrets::{self, Name};
use crate::flow::session::Live;
use crate::flow::url::encode;
use crate::plugin::{self, Challenge, Cookie};
use crate::settings::{self, CacheStrategy};
use crate::store::server::Timestamp;
use crate::store::user::User;

/// Lifetime in seconds of what is cached for a session that is not to be remembered: Better Auth's, fixed.
const UNREMEMBERED_CACHE: i64 = 60;

/// The cookies by their last names.
const SESSION_TOKEN: &str = "session_token";
const SESSION_DATA: &str = "session_data";
const DONT_REMEMBER: &str = "dont_remember";

/// A member of the cached data: the picture was left out of it.
const WITHOUT_IMAGE: &str = "withoutImage";
/// The most that cached data may take of a request's headers, names included. Servers take 16 KiB of headers
/// (Node) or more, and cookies that are once set and then refused lock the browser out.
const MAX_DATA: usize = 12 * 1024;
/// How many cookies of one name have their signatures checked, and how many of these are looked for in the table.
const MAX_OF_NAME: usize = 16;
pub(super) const MAX_TOKENS: usize = 4;

/// What a cookie cache holds, and until when in milliseconds since 1970.
type Sealed = (Map<String, Value>, i64);

/// A session out of the cookie cache.
pub(crate) struct Cached {
    pub(crate) live: Live,
    /// Nothing was left out.
    pub(crate) is_whole: bool,
}

/// A cookie that an answer sets.
#[derive(Clone)]
pub(crate) struct SetCookie {
    name: String,
    domain: Option<String>,
    header: String,
}

/// What a challenge is answered with to callers without cookies: the value of its cookie is in it.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn challenge_in_words(answer: String, member: &str, given: &Cookie) -> Result<String, AuthError> {
    let Some((value, _)) = &given.value else { return Ok(answer) };
    let signed = secrets::with_signing_key(Name::Cookie, |key| cookie::sign(key, value))?;
    let members = answer.strip_suffix('}').unwrap_or(&answer);
    Ok(format!("{members},{}:{}}}", Value::from(member), Value::from(signed)))
}

impl Context<'_> {
    /// The answer's Set-Cookie headers.
    pub(crate) fn into_cookies(self) -> impl Iterator<Item = String> {
        let has_cookies = self.request.session_token.is_none();
        let counts = move |cookie: &SetCookie| has_cookies || plugin::counts_beside_token(&cookie.name);
        self.set_cookies.into_iter().filter(counts).map(|cookie| cookie.header)
    }

    /// The Set-Cookie headers that the answer has so far; none where the caller has no cookies.
    pub(crate) fn set_cookie_headers(&self) -> impl Iterator<Item = &str> {
        let has_cookies = self.request.session_token.is_none();
        self.set_cookies.iter().filter(move |_| has_cookies).map(|cookie| cookie.header.as_str())
    }

    /// The name of the session's cookie.
    pub(crate) fn session_cookie_name(&self) -> String {
        self.name(SESSION_TOKEN)
    }

    /// The signed session token that the answer sets as a cookie, before it is encoded.
    pub(crate) fn session_cookie(&self) -> Option<String> {
        let name = self.session_cookie_name();
        let pairs = self.set_cookie_headers().filter_map(|header| header.split(';').next()?.split_once('='));
        let value = pairs.filter(|(cookie, _)| *cookie == name).last()?.1;
        decode_uri_component(value).filter(|signed| !signed.is_empty())
    }

    pub(crate) fn name(&self, last: &str) -> String {
        let prefix = settings::cookie_prefix().unwrap_or_else(|| "better-auth".into());
        let secure = if settings::has_secure_cookies(self.site.is_https()) { "__Secure-" } else { "" };
        format!("{secure}{prefix}.{last}")
    }

    fn domain(&self) -> Option<String> {
        settings::cookie_domain().or_else(|| self.site.configured_host().map(str::to_owned))
    }

    pub(crate) fn attributes(&self, max_age: Option<i64>) -> Attributes {
        Attributes {
            max_age,
            domain: settings::cross_sub_domain_cookies().then(|| self.domain()).flatten(),
            path: "/".into(),
            http_only: true,
            secure: settings::has_secure_cookies(self.site.is_https()),
            same_site: settings::cookie_same_site(),
        }
    }

    /// The values of the cookies of a name that the request brought, as many as are looked at.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.cookies.iter().filter(move |(cookie, _)| cookie == name);
        values.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()).take(MAX_OF_NAME)
    }

    fn brought(&self, name: &str) -> usize {
        self.cookies.iter().filter(|(cookie, _)| cookie == name).count()
    }

    /// The values of a signed cookie that the request brought.
    pub(crate) fn signed(&self, last: &str) -> Result<Vec<String>, AuthError> {
        let name = self.name(last);
        if self.values(&name).next().is_none() {
            return Ok(Vec::new());
        }
        secrets::with_verifying_keys(Name::Cookie, Timestamp::now(), |keys| {
            let keys: Vec<_> = keys.collect();
            let verify = |signed| cookie::verify(keys.iter().copied(), signed).map(str::to_owned);
            self.values(&name).filter_map(verify).collect()
        })
    }

    /// The value of a signed cookie by its whole name: of the first of several, as better-call takes it. `None` where
    /// its signature is wrong.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn signed_cookie(&self, name: &str) -> Result<Option<String>, AuthError> {
        let Some((_, signed)) = self.cookies.iter().find(|(cookie, _)| cookie == name) else {
            return Ok(None);
        };
        let verify = |keys: &mut dyn Iterator<Item = &Key>| cookie::verify(keys, signed).map(str::to_owned);
        secrets::with_verifying_keys(Name::Cookie, Timestamp::now(), verify)
    }

    /// The session tokens that the request's cookies carry, in the order of these: usually one.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn session_tokens(&self) -> Result<Vec<String>, AuthError> {
        if let Some(token) = &self.request.session_token {
            return Ok(vec![token.clone()]);
        }
        if let Some(token) = plugin::token(self.request)? {
            return Ok(if token.is_empty() { Vec::new() } else { vec![token] });
        }
        let mut seen = HashSet::new();
        let mut tokens = self.signed(SESSION_TOKEN)?;
        tokens.retain(|token| seen.insert(token.clone()));
        tokens.truncate(MAX_TOKENS);
        Ok(tokens)
    }

    /// Whether the request brought several cookies of the session token's name. One that is alone carries the token
    /// that was found by it, and needn't be verified again.
    pub(crate) fn brings_several(&self) -> bool {
        self.brought(&self.name(SESSION_TOKEN)) > 1
    }

    /// Whether the request's first cookie of the session token's name carries another one than this.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn is_hidden(&self, token: &str) -> Result<bool, AuthError> {
        if self.request.session_token.is_some() || plugin::token(self.request)?.is_some() {
            return Ok(false);
        }
        let Some(first) = self.values(&self.name(SESSION_TOKEN)).next() else { return Ok(false) };
        let verify = |keys: &mut dyn Iterator<Item = &Key>| cookie::verify(keys, first);
        let carried = secrets::with_verifying_keys(Name::Cookie, Timestamp::now(), verify)?;
        Ok(carried != Some(token))
    }

    /// Whether the request's session ends with the browser.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn is_not_remembered(&self) -> Result<bool, AuthError> {
        Ok(!self.signed(DONT_REMEMBER)?.is_empty())
    }

    /// The domain of the cookie of this name that may lie beside the one that is set: that of the host alone where
    /// cookies are of the domain, and the other way round where both came.
    fn other_domain(&self, name: &str) -> Option<Option<String>> {
        match self.brought(name) {
            0 => None,
            _ if settings::cross_sub_domain_cookies() => self.domain().map(|_| None),
            1 => None,
            // Addresses and single names have no domain.
            _ => self.domain().filter(|domain| domain.contains(|c: char| c.is_alphabetic())).map(Some),
        }
    }

    /// Sets a cookie; of several of one name, the last one counts, as in a browser.
    pub(crate) fn set(&mut self, name: String, encoded: &str, max_age: Option<i64>) {
        let attributes = self.attributes(max_age);
        let is_taken_back = max_age == Some(0);
        // First the other one: to some browsers the two are the same.
        if let Some(domain) = self.other_domain(&name).filter(|_| is_taken_back || self.replaces) {
            self.put(name.clone(), "", Attributes { domain, max_age: Some(0), ..attributes.clone() });
        }
        self.put(name, encoded, attributes);
    }

    pub(crate) fn put(&mut self, name: String, encoded: &str, attributes: Attributes) {
        let header = cookies::serialize(&name, encoded, &attributes);
        let domain = attributes.domain;
        self.set_cookies.retain(|cookie| cookie.name != name || cookie.domain != domain);
        self.set_cookies.push(SetCookie { name, domain, header });
    }

    pub(crate) fn set_signed(
        &mut self,
        last: &str,
        value: &str,
        max_age: Option<i64>,
    ) -> Result<(), AuthError> {
        let signed = secrets::with_signing_key(Name::Cookie, |key| cookie::sign(key, value))?;
        self.set(self.name(last), &encode(&signed), max_age);
        Ok(())
    }

    /// Better Auth's `expireCookie`: nothing that was to be set under this name is sent, chunks included.
    pub(crate) fn expire(&mut self, last: &str) {
        self.expire_named(self.name(last));
    }

    /// The same by the whole name.
    pub(crate) fn expire_named(&mut self, name: String) {
        self.forget(&name);
        self.set(name, "", Some(0));
    }

    fn forget(&mut self, name: &str) {
        self.set_cookies.retain(|set| !is_of(name, &set.name));
    }

    /// Whether the answer says something of this cookie, chunks included: Better Auth's `hasPendingSetCookie`.
    pub(super) fn is_pending(&self, name: &str) -> bool {
        self.set_cookies.iter().any(|set| is_of(name, &set.name))
    }

    /// Better Auth's `deleteSessionCookie`.
    pub(crate) fn clear_session(&mut self) {
        self.expire(SESSION_TOKEN);
        self.clear_cached();
        self.expire(DONT_REMEMBER);
    }

    /// Takes back what is kept of the session and its account.
    fn clear_cached(&mut self) {
        self.expire(SESSION_DATA);
        if settings::store_account_cookie() {
            self.clear_account();
        }
        self.clear_chunks();
    }

    /// Sets, or takes back, what plugins give to an answer.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn set_given(&mut self, cookies: impl IntoIterator<Item = Cookie>) -> Result<(), AuthError> {
        for Cookie { last, value } in cookies {
            match value {
                Some((value, max_age)) => self.set_signed(last, &value, Some(max_age))?,
                None => self.expire(last),
            }
        }
        Ok(())
    }

    /// The answer in place of a session until something else was proven than a password: what it is to be remembered
    /// by stays, and the session's own cookies go.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn challenge(
        &mut self,
        challenge: Challenge,
        is_remembered: bool,
    ) -> Result<String, AuthError> {
        if !is_remembered {
            self.set_signed(DONT_REMEMBER, "true", None)?;
        } else if self.is_not_remembered()? {
            self.expire(DONT_REMEMBER);
        }
        self.set_given(challenge.cookies)?;
        self.expire(SESSION_TOKEN);
        self.clear_cached();
        if self.is_direct {
            return challenge_in_words(challenge.answer, challenge.member, &challenge.cookie);
        }
        self.set_given([challenge.cookie])?;
        Ok(challenge.answer)
    }

    // ── The cookie cache ─────────────────────────────────────────────────────────────────────────

    /// The names under which the request brought data of a cookie that may be in chunks.
    fn data_names(&self, name: &str) -> Vec<String> {
        let names = self.data_cookies(name).into_iter().map(|(cookie, _)| cookie);
        names.filter(|cookie| is_of(name, cookie)).collect()
    }

    /// The request's cookies as Better Auth itself reads them, if such data may be among them.
    fn data_cookies(&self, name: &str) -> Vec<(String, String)> {
        match self.request.header("cookie") {
            Some(header) if header.contains(name) => cookies::parse_strict(&header),
            _ => Vec::new(),
        }
    }

    /// Takes back what the request brought.
    pub(crate) fn clear_chunks(&mut self) {
        self.clear_data(&self.name(SESSION_DATA));
    }

    /// The same for another cookie.
    pub(super) fn clear_data(&mut self, name: &str) {
        for name in self.data_names(name) {
            self.set(name, "", Some(0));
        }
    }

    /// Takes back what the request brought under the whole name.
    pub(crate) fn expire_data(&mut self) {
        self.expire(SESSION_DATA);
    }

    /// Better Auth's `setSessionCookie`. Whether to remember is what the request's own cookie says, unless
    /// `is_remembered` says it.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn set_session(&mut self, live: &Live, is_remembered: Option<bool>) -> Result<(), AuthError> {
        self.new_session = Some(live.clone());
        self.set_session_again(live, is_remembered)
    }

    /// The same for a session that is none of this request's making to other plugins, as Better Auth's organization
    /// plugin has it: its endpoints run in a context of their own.
    ///
    /// # Errors
    /// As [`Context::set_session`].
    pub(crate) fn set_session_again(
        &mut self,
        live: &Live,
        is_remembered: Option<bool>,
    ) -> Result<(), AuthError> {
        let has_mark = self.is_not_remembered()?;
        let is_remembered = is_remembered.unwrap_or(!has_mark);
        let max_age = is_remembered.then(settings::session_expires_in);
        self.replaces = self.is_hidden(&live.session.token)?;
        self.set_signed(SESSION_TOKEN, &live.session.token, max_age)?;
        if !is_remembered {
            self.set_signed(DONT_REMEMBER, "true", None)?;
        } else if has_mark {
            self.expire(DONT_REMEMBER);
        }
        self.set_cache(live, is_remembered)
    }

    /// Better Auth's `setCookieCache`.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn set_cache(&mut self, live: &Live, is_remembered: bool) -> Result<(), AuthError> {
        if !settings::cookie_cache() {
            return Ok(());
        }
        let name = self.name(SESSION_DATA);
        let max_age = is_remembered.then(settings::cookie_cache_max_age);
        let attributes = self.attributes(max_age);
        let chunks = |sealed: Option<String>| fitting(&name, &sealed?, &attributes);
        let mut fitting = chunks(seal(live, is_remembered, true)?);
        if fitting.is_none() && live.user.image.is_some() {
            fitting = chunks(seal(live, is_remembered, false)?);
        }
        self.set_data(&name, fitting.unwrap_or_default(), max_age);
        if settings::store_account_cookie() { self.set_account_again(&live.user.id) } else { Ok(()) }
    }

    /// Sets data in a cookie, or in chunks of it.
    pub(super) fn set_data(&mut self, name: &str, chunks: Vec<(String, String)>, max_age: Option<i64>) {
        self.forget(name);
        // What the request brought is taken back unless it is replaced.
        let mut cookies: Vec<(String, Option<String>)> =
            self.data_names(name).into_iter().map(|name| (name, None)).collect();
        for (name, value) in chunks {
            match cookies.iter_mut().find(|(cookie, _)| *cookie == name) {
                Some((_, old)) => *old = Some(value),
                None => cookies.push((name, Some(value))),
            }
        }
        for (name, value) in cookies {
            match value {
                Some(value) => self.set(name, &value, max_age),
                None => self.set(name, "", Some(0)),
            }
        }
    }

    /// The session data that the request brought.
    fn data(&self) -> Vec<String> {
        self.data_of(&self.name(SESSION_DATA))
    }

    /// The data that the request brought: in one cookie, of which there may be several, or in chunks.
    pub(super) fn data_of(&self, name: &str) -> Vec<String> {
        let whole: Vec<String> = self.values(name).map(str::to_owned).collect();
        if !whole.is_empty() {
            return whole;
        }
        let chunk = |(cookie, value): (String, String)| Some((cookies::chunk_index(name, &cookie)?, value));
        let mut chunks: Vec<_> = self.data_cookies(name).into_iter().filter_map(chunk).collect();
        chunks.sort_by_key(|(index, _)| *index);
        if chunks.is_empty() {
            return Vec::new();
        }
        vec![chunks.into_iter().map(|(_, value)| value).collect()]
    }

    /// Whether the request brought session data.
    pub(crate) fn has_data(&self) -> bool {
        !self.data().is_empty()
    }

    /// The session that the cookie cache holds, if that is still good for the session token.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn cached(&self, token: &str) -> Result<Option<Cached>, AuthError> {
        for data in self.data().iter().take(MAX_TOKENS) {
            let Some((cached, expires_at)) = unseal(data)? else { continue };
            let version = match cached.get("version") {
                None => "1",
                Some(Value::String(version)) if version.is_empty() => "1",
                Some(Value::String(version)) => version,
                Some(_) => continue,
            };
            let now = Timestamp::now();
            let is_current = version == settings::cookie_cache_version().as_deref().unwrap_or("1")
                && expires_at >= now.unix_milliseconds()
                && cached.get("updatedAt").is_some_and(Value::is_number);
            let live = json::parse_live(&cached)
                .filter(|live| is_current && live.session.token == token && live.session.expires_at >= now);
            if let Some(live) = live {
                let is_whole = cached.get(WITHOUT_IMAGE) != Some(&Value::Bool(true));
                return Ok(Some(Cached { live, is_whole }));
            }
        }
        Ok(None)
    }
}

/// Whether a cookie is the one of this name, or a chunk of it.
fn is_of(name: &str, cookie: &str) -> bool {
    cookie == name || cookies::chunk_index(name, cookie).is_some()
}

/// The cookies that hold data; `None` where it is too much.
pub(super) fn fitting(name: &str, data: &str, attributes: &Attributes) -> Option<Vec<(String, String)>> {
    let chunks = cookies::chunks(name, data, attributes)?;
    let size: usize = chunks.iter().map(|(name, value)| name.len() + value.len() + "=; ".len()).sum();
    (size <= MAX_DATA).then_some(chunks)
}

/// What the cookie cache is to hold; `None` where it is too much to sign.
fn seal(live: &Live, is_remembered: bool, with_image: bool) -> Result<Option<String>, AuthError> {
    let now = Timestamp::now();
    let max_age = settings::cookie_cache_max_age();
    let user = match with_image {
        true => json::user(&live.user),
        false => json::user(&User { image: None, ..live.user.clone() }),
    };
    let mut data = Object::new()
        .json("session", &json::session(&live.session))
        .json("user", &user)
        .number("updatedAt", now.unix_milliseconds())
        .text("version", &settings::cookie_cache_version().unwrap_or_default());
    if !with_image {
        data = data.boolean(WITHOUT_IMAGE, true);
    }
    match settings::cookie_cache_strategy() {
        CacheStrategy::Compact => {
            let lifetime = if is_remembered { max_age } else { UNREMEMBERED_CACHE };
            let expires_at = now.plus(lifetime).unix_milliseconds();
            let data = data.finish();
            secrets::with_signing_key(Name::Cookie, |key| cookie::seal(key, &data, expires_at)).map(Some)
        }
        CacheStrategy::Jwt => {
            /// Better Auth's default, whatever the setting says.
            const UNREMEMBERED_JWT: i64 = 300;
            let lifetime = if is_remembered { max_age } else { UNREMEMBERED_JWT };
            let issued = now.unix_seconds();
            let claims = data.number("iat", issued).number("exp", issued + lifetime).finish();
            let signed =
                secrets::with_signing_key(Name::Cookie, |key| jwt::sign_internal(key, claims.as_bytes()))?;
            Ok(signed.ok())
        }
    }
}

/// What was cached in a cookie of ours or of Better Auth's, and when it expires (milliseconds since 1970); `None`
/// where the signature is wrong.
fn unseal(data: &str) -> Result<Option<Sealed>, AuthError> {
    let now = Timestamp::now();
    secrets::with_verifying_keys(Name::Cookie, now, |keys| match settings::cookie_cache_strategy() {
        CacheStrategy::Compact => cookie::unseal(keys, data),
        CacheStrategy::Jwt => {
            let claims = jwt::verify_internal(keys, data, now.unix_seconds()).ok()?;
            let expires_at = claims.get("exp")?.as_i64()? * 1_000;
            Some((claims, expires_at))
        }
    })
}
