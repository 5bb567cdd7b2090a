//! Where a browser is sent: Better Auth's `createAuthorizationURL`.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::params::Params;
use crate::error::AuthError;
use crate::flow::input::js_string;

/// The parameters that nobody else says: Better Auth's `RESERVED_AUTHORIZATION_PARAMS`.
pub(crate) const RESERVED: [&str; 8] = [
    "state",
    "client_id",
    "redirect_uri",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "scope",
];

/// What an authorization URL says. What is `None` or empty isn't said.
#[derive(Default)]
pub(crate) struct Authorization<'a> {
    pub(crate) endpoint: &'a str,
    /// `code`, where nothing else is said.
    pub(crate) response_type: Option<&'a str>,
    pub(crate) client_id: &'a str,
    pub(crate) state: &'a str,
    pub(crate) scopes: Vec<&'a str>,
    pub(crate) redirect_uri: &'a str,
    pub(crate) duration: Option<&'a str>,
    pub(crate) display: Option<&'a str>,
    pub(crate) login_hint: Option<&'a str>,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) hd: Option<&'a str>,
    pub(crate) access_type: Option<&'a str>,
    pub(crate) response_mode: Option<&'a str>,
    /// For PKCE, RFC 7636.
    pub(crate) code_verifier: Option<&'a str>,
    /// Asked for in the id token: OpenID Connect Core 1.0, section 5.5.
    pub(crate) claims: Option<Vec<&'a str>>,
    /// Whatever else; what is reserved is passed over.
    pub(crate) additional: Map<String, Value>,
}

impl Authorization<'_> {
    /// The URL.
    ///
    /// # Errors
    /// There is no client id, or the endpoint is no URL.
    pub(crate) fn url(&self) -> Result<Url, AuthError> {
        if self.client_id.is_empty() {
            return Err(AuthError::Setup("the OAuth provider has no client id".into()));
        }
        let mut params = Params::from([
            ("response_type", self.response_type.filter(|kind| !kind.is_empty()).unwrap_or("code")),
            ("client_id", self.client_id),
            ("state", self.state),
        ]);
        if !self.scopes.is_empty() {
            params.set("scope", self.scopes.join(" "));
        }
        params.set("redirect_uri", self.redirect_uri);
        for (name, value) in [
            ("duration", self.duration),
            ("display", self.display),
            ("login_hint", self.login_hint),
            ("nonce", self.nonce),
            ("prompt", self.prompt),
            ("hd", self.hd),
            ("access_type", self.access_type),
            ("response_mode", self.response_mode),
        ] {
            params.set_some(name, value);
        }
        if let Some(verifier) = self.code_verifier.filter(|verifier| !verifier.is_empty()) {
            params.set("code_challenge_method", "S256");
            params.set("code_challenge", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        }
        if let Some(claims) = &self.claims {
            let asked = ["email", "email_verified"].iter().chain(claims);
            let asked: Map<_, _> = asked.map(|claim| ((*claim).to_owned(), Value::Null)).collect();
            params.set("claims", json!({ "id_token": asked }).to_string());
        }
        add(&mut params, &self.additional, &[]);
        let mut url = parse(self.endpoint)?;
        let query = params.encode();
        let kept = without(url.query().unwrap_or_default(), &params);
        let query = if kept.is_empty() { query } else { format!("{kept}&{query}") };
        url.set_query(Some(&query));
        Ok(url)
    }
}

/// An endpoint's URL.
///
/// # Errors
/// It is none.
pub(crate) fn parse(endpoint: &str) -> Result<Url, AuthError> {
    let setup = || AuthError::Setup("an endpoint of the OAuth provider is not a URL".into());
    Url::parse(endpoint).map_err(|_| setup())
}

/// Says what is said additionally, but for what is reserved, or one's own.
pub(crate) fn add(params: &mut Params, additional: &Map<String, Value>, own: &[&str]) {
    for (name, value) in additional {
        if !RESERVED.contains(&name.as_str())
            && !own.contains(&name.as_str())
            && let Some(value) = js_string(value)
        {
            params.set(name, value);
        }
    }
}

/// A query without the parameters that others replace: Better Auth's `withoutQueryParams`. The rest keeps its text,
/// for there are providers who sign it.
fn without(query: &str, params: &Params) -> String {
    let stays = |pair: &&str| {
        let text = pair.strip_prefix('?').unwrap_or(pair);
        form_urlencoded::parse(text.as_bytes()).next().is_some_and(|(name, _)| !params.has(&name))
    };
    query.split('&').filter(stays).collect::<Vec<_>>().join("&")
}
