//! Where the routes are served, and whom a request may come from.

use std::borrow::Cow;
use url::Url;

use super::location::{parse, route_path};
use super::origin;
use super::request::{MAX_URL, Request};
use super::response::Response;
use crate::error::{AuthError, Code};
use crate::flow::url::{configured_base, with_base_path};
use crate::plugin;
use crate::settings;

/// Better Auth's `baseURL` in effect for one request.
pub(crate) struct Site {
    /// With the base path.
    pub(crate) base_url: String,
    /// Path of the base URL, without a slash at its end.
    base_path: String,
    host: String,
    /// Scheme, host and port.
    origin: String,
    /// It comes from the settings, not from the request.
    is_configured: bool,
}

impl Site {
    /// As the settings say, or as the request was made.
    pub(crate) fn of(request: &Request) -> Self {
        let base_path = settings::base_path().unwrap_or_default();
        let Some(base_url) = configured_base() else {
            let origin = request_origin(request);
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            let base_url = with_base_path(&origin, &base_path);
            return Self {
                base_path: base_path.trim_end_matches('/').to_owned(),
                host: host.to_owned(),
                origin,
                base_url,
                is_configured: false,
            };
        };
        let url = Url::parse(&base_url).unwrap_or_else(|_| request.url.clone());
        Self {
            base_path: url.path().trim_end_matches('/').to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            origin: url.origin().ascii_serialization(),
            base_url,
            is_configured: true,
        }
    }

    pub(crate) fn is_https(&self) -> bool {
        // Without a base URL of its own Better Auth goes by the environment, not by the request.
        self.is_configured && self.origin.starts_with("https:")
    }

    /// The host of the base URL, where it is configured.
    pub(crate) fn configured_host(&self) -> Option<&str> {
        self.is_configured.then_some(self.host.as_str())
    }

    /// What the links in mails begin with. Never a host that the request names, which an attacker can
    /// choose, but for the local one, where the application is being developed.
    ///
    /// # Errors
    /// `better_auth.base_url` isn't set.
    pub(crate) fn link_base(&self) -> Result<&str, AuthError> {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        if self.is_configured || origin::is_loopback(host) {
            return Ok(&self.base_url);
        }
        Err(AuthError::Setup(
            "better_auth.base_url is not set, and the links in mails begin with it; the host of a request is not to be trusted with them".into(),
        ))
    }

    /// The request's path below the base path, as better-call matches it; `None` where it is elsewhere.
    pub(crate) fn path<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let below = request.url.path().strip_prefix(self.base_path.as_str())?;
        (below.starts_with('/') && !below.contains("//")).then(|| without_slash(below))
    }

    /// The request's path as settings name it: Better Auth's `normalizePathname`.
    pub(crate) fn route<'r>(&self, request: &'r Request) -> &'r str {
        route_path(request.url.path(), &self.base_path)
    }

    /// The path of the base URL, without a slash at its end.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Scheme, host and port that the routes are served at.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Better Auth's `isTrustedOrigin`.
    pub(crate) fn is_trusted(&self, url: &str, allows_paths: bool) -> bool {
        let listed = settings::trusted_origins().unwrap_or_default();
        std::iter::once(self.origin.as_str())
            .chain(settings::parts(&listed))
            .any(|pattern| origin::matches(url, pattern, allows_paths))
    }

    /// Better Auth's `originCheck`: the text of a URL to which a browser may be sent. What is judged here is what
    /// is sent: where a URL can be read in several ways, it is the one way that was judged.
    ///
    /// # Errors
    /// The code, for a URL of another site.
    pub(crate) fn check_redirect<'u>(&self, url: &'u str, code: Code) -> Result<Cow<'u, str>, AuthError> {
        if url.is_empty() {
            return Ok(url.into());
        }
        // Nobody is sent to a longer one than may come in.
        let is_short = url.len() <= MAX_URL;
        self.destination(url).filter(|_| is_short).ok_or_else(|| code.into())
    }

    /// A redirect to a URL that was made out of a checked one.
    ///
    /// # Errors
    /// As of [`Site::check_redirect`].
    pub(crate) fn redirect(&self, location: Option<String>, code: Code) -> Result<Response, AuthError> {
        let is_allowed = |location: &String| self.destination(location).is_some_and(|url| url == *location);
        location.filter(is_allowed).map(Response::redirect).ok_or_else(|| code.into())
    }

    fn destination<'u>(&self, url: &'u str) -> Option<Cow<'u, str>> {
        // What a parser drops, and a header must not have; and what runs instead of leading somewhere.
        let is_dangerous = url.chars().any(char::is_control)
            || Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "javascript" | "data" | "vbscript"));
        if is_dangerous {
            return None;
        }
        if settings::disable_origin_check() {
            return Some(url.into());
        }
        origin::settle(url).filter(|settled| self.is_trusted(url, true) && self.is_trusted(settled, true))
    }

    /// Better Auth's `validateOrigin`: whether a request that carries cookies was made by a page of ours.
    ///
    /// # Errors
    /// MISSING_OR_NULL_ORIGIN, INVALID_ORIGIN.
    pub(crate) fn check_origin(&self, request: &Request, is_forced: bool) -> Result<(), AuthError> {
        if settings::disable_csrf_check() || settings::disable_origin_check() {
            return Ok(());
        }
        if !is_forced && request.header("cookie").is_none() {
            return Ok(());
        }
        let header = |name| request.header(name).filter(|value| !value.is_empty());
        let origin = origin_of(request);
        // A page of the same origin that hides where it is, as under a strict referrer policy.
        let is_own = origin.as_deref() == Some("null")
            && request.header("sec-fetch-site").as_deref() == Some("same-origin");
        let claimed = match is_own {
            true => Some(request_origin(request).into()),
            false => origin.or_else(|| header("referer")),
        };
        match claimed.as_deref() {
            None | Some("null") => Err(Code::MISSING_OR_NULL_ORIGIN.into()),
            Some(claimed) if self.is_trusted(claimed, false) => Ok(()),
            Some(_) => Err(Code::INVALID_ORIGIN.into()),
        }
    }

    /// Better Auth's `validateFormCsrf`: a sign-in has no cookie yet that would have the origin checked.
    ///
    /// # Errors
    /// CROSS_SITE_NAVIGATION_LOGIN_BLOCKED, and those of [`Site::check_origin`].
    pub(crate) fn check_sign_in(&self, request: &Request) -> Result<(), AuthError> {
        if settings::disable_csrf_check() {
            return Ok(());
        }
        if request.header("cookie").is_some() {
            return self.check_origin(request, false);
        }
        let header = |name| request.header(name).filter(|value| !value.trim().is_empty());
        let (site, mode) = (header("sec-fetch-site"), header("sec-fetch-mode"));
        if site.as_deref() == Some("cross-site") && mode.as_deref() == Some("navigate") {
            return Err(Code::CROSS_SITE_NAVIGATION_LOGIN_BLOCKED.into());
        }
        let is_browser = site.is_some() || mode.is_some() || header("sec-fetch-dest").is_some();
        if is_browser || origin_of(request).is_some() || header("referer").is_some() {
            return self.check_origin(request, true);
        }
        Ok(())
    }
}

/// A path without a slash at its end, where that is to be passed over.
pub(crate) fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').filter(|_| settings::skip_trailing_slashes()).unwrap_or(path)
}

/// The origin that a request names as its own.
fn origin_of(request: &Request) -> Option<Cow<'_, str>> {
    let named = || plugin::on().iter().find_map(|plugin| plugin.origin(request)).map(Cow::Owned);
    request.header("origin").filter(|value| !value.is_empty()).or_else(named)
}

/// The origin that the request was made to, as far as the server can tell.
fn request_origin(request: &Request) -> String {
    forwarded_origin(request).unwrap_or_else(|| request.url.origin().ascii_serialization())
}

/// What a proxy says that the browser asked for, where it is believed.
fn forwarded_origin(request: &Request) -> Option<String> {
    if !settings::trusted_proxy_headers() {
        return None;
    }
    let (host, scheme) = (request.header("x-forwarded-host")?, request.header("x-forwarded-proto")?);
    let is_valid = matches!(&*scheme, "http" | "https") && origin::is_valid_proxy_host(&host);
    // As a browser writes it: in small letters, without a port that goes without saying.
    let url = parse(&format!("{scheme}://{host}"), None).filter(|_| is_valid)?;
    Some(url.origin().ascii_serialization())
}
