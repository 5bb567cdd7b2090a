//! One request on its way through a route: its session, and the cookies that the answer sets.

use serde_json::{Map, Value};

use super::address::{networks, resolve};
use super::cookies::{self, Attributes};
use super::request::Request;
use super::site::Site;
use crate::crypto::{cookie, jwt};
use crate::error::{AuthError, Code};
use crate::flow::json::{self, Object};
use crate::flow::secrets::{self, Name};
use crate::flow::session::{self, Caller, Client, Found, Live};
use crate::flow::url::encode;
use crate::settings::{self, CacheStrategy};
use crate::store::server::Timestamp;

/// Lifetime in seconds of what is cached for a session that is not to be remembered: Better Auth's, fixed.
const UNREMEMBERED_CACHE: i64 = 60;

/// The cookies by their last names.
const SESSION_TOKEN: &str = "session_token";
const SESSION_DATA: &str = "session_data";
const DONT_REMEMBER: &str = "dont_remember";

/// What a cookie cache holds, and until when in milliseconds since 1970.
type Sealed = (Map<String, Value>, i64);

/// The session of a request.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) live: Live,
    /// It was read from the cookie cache.
    pub(super) is_cached: bool,
    /// It is to be prolonged, but only a POST may do that: Better Auth's `deferSessionRefresh`.
    pub(super) needs_refresh: Option<bool>,
}

/// A request on its way through a route.
pub(super) struct Context<'r> {
    pub(super) request: &'r Request,
    pub(super) site: &'r Site,
    /// Where the request comes from, as far as that can be believed.
    address: Option<String>,
    user_agent: Option<String>,
    /// Of the Cookie header.
    cookies: Vec<(String, String)>,
    /// Names of the answer's cookies, and their Set-Cookie headers.
    set_cookies: Vec<(String, String)>,
    /// What was found out about the session, once that was asked.
    known: Option<Option<Current>>,
    /// A sign-in: its origin is checked even if it carries no cookie.
    pub(super) is_sign_in: bool,
}

impl<'r> Context<'r> {
    pub(super) fn new(request: &'r Request, site: &'r Site, address: Option<String>) -> Self {
        Self {
            request,
            site,
            address,
            user_agent: request.header("user-agent").map(Into::into),
            cookies: request.header("cookie").map(|header| cookies::parse(&header)).unwrap_or_default(),
            set_cookies: Vec::new(),
            known: None,
            is_sign_in: false,
        }
    }

    /// The answer's Set-Cookie headers.
    pub(super) fn into_cookies(self) -> impl Iterator<Item = String> {
        let has_cookies = self.request.session_token.is_none();
        self.set_cookies.into_iter().filter(move |_| has_cookies).map(|(_, cookie)| cookie)
    }

    // ── Cookies ──────────────────────────────────────────────────────────────────────────────────

    fn name(&self, last: &str) -> String {
        let prefix = settings::cookie_prefix().unwrap_or_else(|| "better-auth".into());
        let secure = if settings::has_secure_cookies(self.site.is_https()) { "__Secure-" } else { "" };
        format!("{secure}{prefix}.{last}")
    }

    fn attributes(&self, max_age: Option<i64>) -> Attributes {
        let domain = || settings::cookie_domain().or_else(|| self.site.configured_host().map(str::to_owned));
        Attributes {
            max_age,
            domain: settings::cross_sub_domain_cookies().then(domain).flatten(),
            path: "/".into(),
            http_only: true,
            secure: settings::has_secure_cookies(self.site.is_https()),
            same_site: settings::cookie_same_site(),
        }
    }

    /// A cookie that the request brought.
    fn cookie(&self, name: &str) -> Option<&str> {
        let (_, value) = self.cookies.iter().find(|(cookie, _)| cookie == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a signed cookie that the request brought.
    fn signed_cookie(&self, last: &str) -> Result<Option<&str>, AuthError> {
        let Some(signed) = self.cookie(&self.name(last)) else { return Ok(None) };
        secrets::with_verifying_keys(Name::Cookie, Timestamp::now(), |keys| cookie::verify(keys, signed))
    }

    /// The session token that the request's cookie carries.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(super) fn session_token(&self) -> Result<Option<String>, AuthError> {
        if let Some(token) = &self.request.session_token {
            return Ok(Some(token.clone()));
        }
        Ok(self.signed_cookie(SESSION_TOKEN)?.map(str::to_owned))
    }

    fn set(&mut self, name: String, encoded: &str, max_age: Option<i64>) {
        let cookie = cookies::serialize(&name, encoded, &self.attributes(max_age));
        self.set_cookies.push((name, cookie));
    }

    fn set_signed(&mut self, last: &str, value: &str, max_age: Option<i64>) -> Result<(), AuthError> {
        let signed = secrets::with_signing_key(Name::Cookie, |key| cookie::sign(key, value))?;
        self.set(self.name(last), &encode(&signed), max_age);
        Ok(())
    }

    /// Better Auth's `expireCookie`: nothing that was to be set under this name is sent, chunks included.
    fn expire(&mut self, last: &str) {
        let name = self.name(last);
        self.set_cookies.retain(|(set, _)| *set != name && cookies::chunk_index(&name, set).is_none());
        self.set(name, "", Some(0));
    }

    /// Better Auth's `deleteSessionCookie`.
    pub(super) fn clear_session(&mut self) {
        self.expire(SESSION_TOKEN);
        self.expire(SESSION_DATA);
        self.clear_chunks();
        self.expire(DONT_REMEMBER);
    }

    /// The names under which the request brought session data.
    fn data_names(&self) -> Vec<String> {
        let name = self.name(SESSION_DATA);
        let is_data = |cookie: &String| *cookie == name || cookies::chunk_index(&name, cookie).is_some();
        self.data_cookies(&name).into_iter().map(|(cookie, _)| cookie).filter(is_data).collect()
    }

    /// The request's cookies as Better Auth itself reads them, if session data may be among them.
    fn data_cookies(&self, name: &str) -> Vec<(String, String)> {
        match self.request.header("cookie") {
            Some(header) if header.contains(name) => cookies::parse_strict(&header),
            _ => Vec::new(),
        }
    }

    fn clear_chunks(&mut self) {
        for name in self.data_names() {
            self.set(name, "", Some(0));
        }
    }

    /// Better Auth's `setSessionCookie`. Whether to remember is what the request's own cookie says, unless
    /// `is_remembered` says it.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(super) fn set_session(&mut self, live: &Live, is_remembered: Option<bool>) -> Result<(), AuthError> {
        let has_mark = self.signed_cookie(DONT_REMEMBER)?.is_some();
        let is_remembered = is_remembered.unwrap_or(!has_mark);
        let max_age = is_remembered.then(settings::session_expires_in);
        self.set_signed(SESSION_TOKEN, &live.session.token, max_age)?;
        if !is_remembered {
            self.set_signed(DONT_REMEMBER, "true", None)?;
        } else if has_mark {
            self.expire(DONT_REMEMBER);
        }
        self.set_cache(live, is_remembered)
    }

    /// Better Auth's `setCookieCache`.
    fn set_cache(&mut self, live: &Live, is_remembered: bool) -> Result<(), AuthError> {
        if !settings::cookie_cache() {
            return Ok(());
        }
        let now = Timestamp::now();
        let max_age = settings::cookie_cache_max_age();
        let data = Object::new()
            .json("session", &json::session(&live.session))
            .json("user", &json::user(&live.user))
            .number("updatedAt", now.unix_milliseconds())
            .text("version", &settings::cookie_cache_version().unwrap_or_default());
        let sealed = match settings::cookie_cache_strategy() {
            CacheStrategy::Compact => {
                let lifetime = if is_remembered { max_age } else { UNREMEMBERED_CACHE };
                let expires_at = now.plus(lifetime).unix_milliseconds();
                let data = data.finish();
                secrets::with_signing_key(Name::Cookie, |key| cookie::seal(key, &data, expires_at))?
            }
            CacheStrategy::Jwt => {
                /// Better Auth's default, whatever the setting says.
                const UNREMEMBERED_JWT: i64 = 300;
                let lifetime = if is_remembered { max_age } else { UNREMEMBERED_JWT };
                let issued = now.unix_seconds();
                let claims = data.number("iat", issued).number("exp", issued + lifetime).finish();
                let signed = secrets::with_signing_key(Name::Cookie, |key| {
                    jwt::sign_internal(key, claims.as_bytes())
                })?;
                match signed {
                    Ok(token) => token,
                    // Too much to cache.
                    Err(_) => return Ok(()),
                }
            }
        };
        let (name, max_age) = (self.name(SESSION_DATA), is_remembered.then_some(max_age));
        // What the request brought is taken back unless it is replaced.
        let mut cookies: Vec<(String, Option<String>)> =
            self.data_names().into_iter().map(|name| (name, None)).collect();
        for (name, value) in cookies::chunks(&name, &sealed, &self.attributes(max_age)).unwrap_or_default() {
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
        Ok(())
    }

    /// The session data that the request brought: in one cookie, or in chunks.
    fn data(&self) -> Option<String> {
        let name = self.name(SESSION_DATA);
        if let Some(value) = self.cookie(&name) {
            return Some(value.to_owned());
        }
        let chunk = |(cookie, value): (String, String)| Some((cookies::chunk_index(&name, &cookie)?, value));
        let mut chunks: Vec<_> = self.data_cookies(&name).into_iter().filter_map(chunk).collect();
        chunks.sort_by_key(|(index, _)| *index);
        (!chunks.is_empty()).then(|| chunks.into_iter().map(|(_, value)| value).collect())
    }

    /// What was cached in a cookie of ours or of Better Auth's, and when it expires (milliseconds since
    /// 1970); `None` where the signature is wrong.
    fn unseal(&self, data: &str) -> Result<Option<Sealed>, AuthError> {
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

    // ── Session ──────────────────────────────────────────────────────────────────────────────────

    /// The request's session: Better Auth's `get-session`. `may_prolong` it where that is left to requests of
    /// a kind of their own: `deferSessionRefresh`.
    ///
    /// # Errors
    /// FAILED_TO_GET_SESSION when somebody else deletes the session just now.
    pub(super) fn get_session(
        &mut self,
        is_authoritative: bool,
        may_prolong: bool,
    ) -> Result<Option<Current>, AuthError> {
        let has_cache = settings::cookie_cache();
        let Some(token) = self.session_token()? else {
            if !has_cache && self.data().is_some() {
                self.clear_chunks();
            }
            return Ok(None);
        };
        let data = self.data();
        if data.is_some() && !has_cache {
            self.clear_chunks();
        }
        if let Some(data) = data
            && has_cache
            && !is_authoritative
            && !self.request.has_query("disableCookieCache")
        {
            match self.cached(&data, &token)? {
                Some(live) => return Ok(Some(Current { live, is_cached: true, needs_refresh: None })),
                None => self.expire(SESSION_DATA),
            }
        }
        let is_remembered = self.signed_cookie(DONT_REMEMBER)?.is_none();
        let is_deferred = settings::defer_session_refresh() && !may_prolong;
        let may_refresh = is_remembered && !self.request.has_query("disableRefresh");
        let found = match session::look_up(&token, may_refresh, !is_deferred, is_authoritative) {
            Err(AuthError::Api(Code::FailedToGetSession)) => {
                self.clear_session();
                return Err(Code::FailedToGetSession.into());
            }
            found => found?,
        };
        let (live, is_prolonged) = match found {
            Found::Nothing => {
                self.clear_session();
                return Ok(None);
            }
            Found::Live(live) => (live, false),
            Found::Prolonged(live) => (live, true),
        };
        let mut needs_refresh = None;
        if is_prolonged {
            self.set_session(&live, Some(true))?;
        } else if may_refresh {
            if is_deferred {
                needs_refresh = Some(session::is_due(&live.session, Timestamp::now()));
            }
            self.set_cache(&live, true)?;
        }
        Ok(Some(Current { live, is_cached: false, needs_refresh }))
    }

    /// The session that the cookie cache holds, if that is still good for the session token.
    fn cached(&self, data: &str, token: &str) -> Result<Option<Live>, AuthError> {
        let Some((cached, expires_at)) = self.unseal(data)? else { return Ok(None) };
        let version = match cached.get("version") {
            None => "1",
            Some(Value::String(version)) if version.is_empty() => "1",
            Some(Value::String(version)) => version,
            Some(_) => return Ok(None),
        };
        let now = Timestamp::now();
        let is_current = version == settings::cookie_cache_version().as_deref().unwrap_or("1")
            && expires_at >= now.unix_milliseconds()
            && cached.get("updatedAt").is_some_and(Value::is_number);
        let live = json::parse_live(&cached);
        Ok(live.filter(|live| is_current && live.session.token == token && live.session.expires_at >= now))
    }
}

impl Caller for Context<'_> {
    fn admit(&mut self) -> Result<(), AuthError> {
        if self.is_sign_in { self.site.check_sign_in(self.request) } else { Ok(()) }
    }

    fn session(&mut self, is_authoritative: bool) -> Result<Option<Live>, AuthError> {
        let is_known = |current: &Option<Current>| {
            !is_authoritative || current.as_ref().is_some_and(|current| !current.is_cached)
        };
        if let Some(known) = self.known.as_ref().filter(|known| is_known(known)) {
            return Ok(known.as_ref().map(|current| current.live.clone()));
        }
        let before = self.set_cookies.len();
        let current = match self.get_session(is_authoritative, false) {
            // To other routes there merely is no session, and they say nothing of cookies.
            Err(AuthError::Api(Code::FailedToGetSession)) => {
                self.set_cookies.truncate(before);
                None
            }
            current => current?,
        };
        let live = current.as_ref().map(|current| current.live.clone());
        self.known = Some(current);
        Ok(live)
    }

    fn client(&self) -> Client<'_> {
        Client { ip_address: self.address.as_deref(), user_agent: self.user_agent.as_deref() }
    }

    fn base_url(&self) -> Result<String, AuthError> {
        self.site.link_base().map(str::to_owned)
    }
}

/// The address of the client: Better Auth's `getIP`.
pub(super) fn client_address(request: &Request) -> Option<String> {
    if settings::disable_ip_tracking() {
        return None;
    }
    let proxies = networks(&settings::trusted_proxies().unwrap_or_default());
    let headers = settings::ip_address_headers().unwrap_or_else(|| "x-forwarded-for".into());
    settings::parts(&headers)
        .filter_map(|name| request.header(&name.to_ascii_lowercase()).map(|value| value.into_owned()))
        .find_map(|value| resolve(&value, settings::ipv6_subnet(), &proxies))
}
