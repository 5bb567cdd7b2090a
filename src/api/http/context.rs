//! One request on its way through a route, and its session.

use serde_json::{Map, Value};

use super::address::{networks, resolve};
use super::cookies;
use super::jar::{Cached, SetCookie};
use super::journal::Journal;
use super::request::Request;
use super::site::Site;
use crate::crypto::cookie;
use crate::error::{AuthError, Code};
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::secrets::{self, Name};
use crate::flow::session::{self, Caller, Client, Found, Live};
use crate::settings;
use crate::store::server::Timestamp;

/// The session of a request.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) live: Live,
    /// It was read from the cookie cache.
    pub(crate) is_cached: bool,
    /// It is to be prolonged, but only a POST may do that: Better Auth's `deferSessionRefresh`.
    pub(crate) needs_refresh: Option<bool>,
}

/// A request on its way through a route.
pub(crate) struct Context<'r> {
    pub(crate) request: &'r Request,
    pub(crate) site: &'r Site,
    /// Where the request comes from, as far as that can be believed.
    address: Option<String>,
    user_agent: Option<String>,
    /// Of the Cookie header: those of one name in the order that they came in.
    pub(crate) cookies: Vec<(String, String)>,
    /// The answer's.
    pub(crate) set_cookies: Vec<SetCookie>,
    /// What is set takes the place of another session's, or of several cookies of one name.
    pub(crate) replaces: bool,
    /// What was found out about the session, once that was asked.
    known: Option<Option<Current>>,
    /// It isn't of a cookie, but of what a plugin has found in the request.
    is_brought: bool,
    /// A sign-in: its origin is checked even if it carries no cookie.
    pub(crate) is_sign_in: bool,
    /// The path below the base path.
    pub(crate) path: &'r str,
    /// Not a request of somebody's: a call of `api()`, Better Auth's `auth.api`.
    pub(crate) is_direct: bool,
    /// One in nobody's name: without headers and without a session token.
    pub(crate) is_own: bool,
    /// The session whose cookie the answer sets: Better Auth's `newSession`.
    pub(crate) new_session: Option<Live>,
    /// A cookie that a caller without cookies hands in otherwise: its last name and its signed value.
    pub(crate) handed: Option<(&'static str, String)>,
    /// The session that get-session answers with.
    pub(crate) shown: Option<Current>,
    /// Where providers send browsers back to, in place of this site: a base URL.
    pub(crate) returns_to: Option<String>,
    /// More headers of the answer.
    headers: Vec<(&'static str, String)>,
    /// What has been done of a request that goes on after a fetch.
    pub(super) journal: Journal,
}

impl<'r> Context<'r> {
    pub(crate) fn new(request: &'r Request, site: &'r Site, address: Option<String>) -> Self {
        Self {
            request,
            site,
            address,
            user_agent: request.header("user-agent").map(Into::into),
            cookies: request.header("cookie").map(|header| cookies::parse(&header)).unwrap_or_default(),
            set_cookies: Vec::new(),
            replaces: false,
            known: None,
            is_brought: false,
            is_sign_in: false,
            path: "",
            is_direct: false,
            is_own: false,
            new_session: None,
            handed: None,
            shown: None,
            returns_to: None,
            headers: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// Adds a header to whatever is answered; it takes the place of one of that name.
    pub(crate) fn set_header(&mut self, name: &'static str, value: String) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
    }

    /// The same for one that scripts of other origins may read.
    pub(crate) fn set_exposed_header(&mut self, name: &'static str, value: String) {
        const EXPOSED: &str = "access-control-expose-headers";
        self.set_header(name, value);
        let known = self.headers.iter().find(|(known, _)| *known == EXPOSED).map(|(_, names)| names.as_str());
        let exposed = match known {
            Some(names) if names.split(", ").any(|known| known == name) => return,
            Some(names) => format!("{names}, {name}"),
            None => name.to_owned(),
        };
        self.set_header(EXPOSED, exposed);
    }

    /// Makes this the request's session, whatever its cookies say: Better Auth's `context.session`, set by a hook. It
    /// needn't be in the table.
    pub(crate) fn bring(&mut self, live: Live) {
        self.known = Some(Some(Current { live, is_cached: false, needs_refresh: None }));
        self.is_brought = true;
    }

    /// Takes back what was to be answered: what it told of has been undone.
    pub(crate) fn forget_answer(&mut self) {
        self.set_cookies.clear();
        self.headers.clear();
        self.new_session = None;
        self.shown = None;
    }

    /// The headers that were added to the answer.
    pub(crate) fn take_headers(&mut self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.headers)
    }

    /// The request's session: Better Auth's `get-session`. `may_prolong` it where that is left to requests of
    /// a kind of their own: `deferSessionRefresh`. Who `shows_all` of it isn't served by a cookie that lacks a
    /// part.
    ///
    /// # Errors
    /// FAILED_TO_GET_SESSION when somebody else deletes the session just now.
    pub(crate) fn get_session(
        &mut self,
        is_authoritative: bool,
        may_prolong: bool,
        shows_all: bool,
    ) -> Result<Option<Current>, AuthError> {
        let has_cache = settings::cookie_cache();
        let tokens = self.session_tokens()?;
        let Some(first) = tokens.first() else {
            if !has_cache && self.has_data() {
                self.clear_chunks();
            }
            return Ok(None);
        };
        if !has_cache {
            if self.has_data() {
                self.clear_chunks();
            }
        } else if self.has_data() && !is_authoritative && !self.request.has_query("disableCookieCache") {
            match self.cached(first)? {
                Some(Cached { live, is_whole }) if is_whole || !shows_all => {
                    return Ok(Some(Current { live, is_cached: true, needs_refresh: None }));
                }
                // It is right, and will be for those who don't need all of it.
                Some(_) => {}
                None => self.expire_data(),
            }
        }
        let is_remembered = !self.is_not_remembered()?;
        let is_deferred = settings::defer_session_refresh() && !may_prolong;
        let may_refresh = is_remembered && !self.request.has_query("disableRefresh");
        let mut found = Found::Nothing;
        // Where one cookie is of a host and another of its domain, the browser sends both, and the first may be a
        // dead one.
        for token in &tokens {
            found = match session::look_up(token, may_refresh, !is_deferred, is_authoritative) {
                Err(AuthError::Api(Code::FAILED_TO_GET_SESSION)) => {
                    self.clear_session();
                    return Err(Code::FAILED_TO_GET_SESSION.into());
                }
                found => found?,
            };
            if !matches!(found, Found::Nothing) {
                break;
            }
        }
        let (live, is_prolonged) = match found {
            Found::Nothing => {
                self.clear_session();
                return Ok(None);
            }
            Found::Live(live) => (live, false),
            Found::Prolonged(live) => (live, true),
        };
        let mut needs_refresh = None;
        if may_refresh && is_deferred && !is_prolonged {
            needs_refresh = Some(session::is_due(&live.session, Timestamp::now()));
        }
        if is_prolonged || self.brings_several() && self.is_hidden(&live.session.token)? {
            self.set_session(&live, Some(is_remembered))?;
        } else if may_refresh {
            self.set_cache(&live, true)?;
        }
        Ok(Some(Current { live, is_cached: false, needs_refresh }))
    }

    /// Whether the session that [`Caller::session`] found was read from the cookie cache.
    pub(crate) fn is_cached(&self) -> bool {
        self.known.as_ref().and_then(Option::as_ref).is_some_and(|current| current.is_cached)
    }

    /// The request's session as the table has it: it isn't prolonged, and nothing is said of its cookies.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn session_as_it_is(&self) -> Result<Option<Live>, AuthError> {
        for token in self.session_tokens()? {
            if let Found::Live(live) = session::look_up(&token, false, false, false)? {
                return Ok(Some(live));
            }
        }
        Ok(None)
    }
}

impl Caller for Context<'_> {
    fn endpoint(&self) -> &str {
        self.path
    }

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
        let before = self.set_cookies.clone();
        let current = match self.get_session(is_authoritative, false, false) {
            // To other routes there merely is no session, and they say nothing of cookies.
            Err(AuthError::Api(Code::FAILED_TO_GET_SESSION)) => {
                self.set_cookies = before;
                None
            }
            current => current?,
        };
        let live = current.as_ref().map(|current| current.live.clone());
        self.known = Some(current);
        Ok(live)
    }

    fn session_for_others(&mut self) -> Result<Option<Live>, AuthError> {
        if self.is_brought {
            return self.session(true);
        }
        let due = self.session_as_it_is()?.filter(|live| session::is_due(&live.session, Timestamp::now()));
        if due.is_some() { Ok(due) } else { self.session(true) }
    }

    fn cookie(&self, last: &str) -> Result<Option<String>, AuthError> {
        if let Some((_, signed)) = self.handed.as_ref().filter(|(name, _)| *name == last) {
            return secrets::with_verifying_keys(Name::Cookie, Timestamp::now(), |keys| {
                cookie::verify(keys, signed).map(str::to_owned)
            });
        }
        Ok(self.signed(last)?.into_iter().next())
    }

    fn expire_cookie(&mut self, last: &str) {
        self.expire(last);
    }

    fn keep_account(&mut self, account: &Map<String, Value>) -> Result<(), AuthError> {
        self.set_account(account)
    }

    fn can_fetch(&self) -> bool {
        self.journal.can_fetch
    }

    fn fetch(&mut self, fetch: Fetch) -> Result<Fetched, AuthError> {
        self.journal.fetch(fetch)
    }

    fn once(
        &mut self,
        name: &'static str,
        work: &mut dyn FnMut() -> Result<Value, AuthError>,
    ) -> Result<Value, AuthError> {
        self.journal.once(name, work)
    }

    fn has_done(&self, name: &str) -> bool {
        self.journal.has_done(name)
    }

    fn client(&self) -> Client<'_> {
        Client { ip_address: self.address.as_deref(), user_agent: self.user_agent.as_deref() }
    }

    fn base_url(&self) -> Result<String, AuthError> {
        self.site.link_base().map(str::to_owned)
    }
}

/// The address of the client: Better Auth's `getIP`.
pub(crate) fn client_address(request: &Request) -> Option<String> {
    if settings::disable_ip_tracking() {
        return None;
    }
    let proxies = networks(&settings::trusted_proxies().unwrap_or_default());
    let headers = settings::ip_address_headers().unwrap_or_else(|| "x-forwarded-for".into());
    settings::parts(&headers)
        .filter_map(|name| request.header(&name.to_ascii_lowercase()).map(|value| value.into_owned()))
        .find_map(|value| resolve(&value, settings::ipv6_subnet(), &proxies))
}
