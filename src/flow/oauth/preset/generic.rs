//! Any other provider: Better Auth's `genericOAuth`, by its options and the discovery document.

use serde_json::{Map, Value};
use std::borrow::Cow;
use url::Url;

use super::connect::rules;
use super::options::{check_client, check_needed, check_proof, check_types, wrong};
use super::social::{self, ask, bearer};
use super::{Asked, Preset};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::input::{is_truthy, js_string};
use crate::flow::oauth::address::normal;
use crate::flow::oauth::answer::{at, claims, present, string_boolean, truthy};
use crate::flow::oauth::authorization::Authorization;
use crate::flow::oauth::client::{Client, Proof};
use crate::flow::oauth::provider_keys::issuer_at;
use crate::flow::oauth::token::{Code, TokenRequest, read, read_refreshed, seconds};
use crate::flow::oauth::{Fetcher, Grant, IdTokenRules, IdTokens, Info, Provider, Start, TokenSet};

/// What a provider is where its options say nothing. Better Auth's helpers (`auth0()`, `keycloak()`, …) are these.
pub(super) struct Generic {
    pub(super) id: &'static str,
    /// Options that it can't be without.
    pub(super) needs: &'static [&'static str],
    pub(super) check: fn(&Provider) -> Result<(), AuthError>,
    pub(super) discovery_url: fn(&Provider) -> Option<String>,
    pub(super) authorize: fn(&Provider) -> Option<Cow<'static, str>>,
    pub(super) token: fn(&Provider) -> Option<Cow<'static, str>>,
    pub(super) scopes: &'static [&'static str],
    /// Nobody signs in unless id tokens can be verified.
    pub(super) verifies: bool,
    /// In place of the id token, or the user info endpoint: `getUserInfo`.
    pub(super) tell: Option<fn(&Provider, &TokenSet, &mut Fetcher<'_>) -> Asked<Map<String, Value>>>,
    /// The account's name in what was told.
    pub(super) subject: Option<&'static str>,
}

/// Nothing is known of it.
pub(super) static GENERIC: Generic = UNKNOWN;

pub(super) const UNKNOWN: Generic = Generic {
    id: "generic",
    needs: &[],
    check: |_| Ok(()),
    discovery_url: |_| None,
    authorize: |_| None,
    token: |_| None,
    scopes: &[],
    verifies: false,
    tell: None,
    subject: None,
};

/// The discovery document, unless its issuer is none.
fn document(provider: &Provider) -> Option<&Map<String, Value>> {
    let document = provider.discovery.as_ref()?;
    let issuer = document.get("issuer").filter(|issuer| is_truthy(issuer));
    let is_url = |issuer: &Value| issuer.as_str().is_some_and(|issuer| Url::parse(issuer).is_ok());
    issuer.is_none_or(is_url).then_some(document)
}

/// A member of the discovery document.
fn found<'p>(provider: &'p Provider, name: &str) -> Option<&'p str> {
    document(provider)?.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// The algorithms that the provider signs id tokens with. Where it names any, it speaks OpenID Connect.
fn algorithms(provider: &Provider) -> Vec<&str> {
    let named = document(provider).and_then(|document| document.get("id_token_signing_alg_values_supported"));
    named.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The rules that the discovery document gives, where it was found at `discovery_url`.
fn discovered_at<'p>(provider: &'p Provider, discovery_url: &str) -> Option<IdTokenRules<'p>> {
    let (issuer, keys) = (found(provider, "issuer")?, found(provider, "jwks_uri")?);
    let keys = Url::parse(discovery_url).ok()?.join(keys).ok()?;
    Some(IdTokenRules {
        // Whatever the document says: who has fetched it must not get past the keys that a superuser has set.
        keys_of: issuer_at(discovery_url).to_owned().into(),
        algorithms: algorithms(provider),
        ..rules(provider, issuer, String::from(keys))
    })
}

/// The rules that the document at the option `discoveryUrl` gives.
pub(super) fn discovered(provider: &Provider) -> Option<IdTokenRules<'_>> {
    discovered_at(provider, provider.text("discoveryUrl")?)
}

/// Says it, or takes it away where it is undefined.
pub(super) fn set(profile: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(profile.insert(name.into(), value)),
        None => drop(profile.shift_remove(name)),
    }
}

/// Better Auth's `fetchUserInfo`.
fn user_info(
    tokens: &TokenSet,
    url: Option<&str>,
    claims: Option<Map<String, Value>>,
    fetch: &mut Fetcher<'_>,
) -> Asked<Map<String, Value>> {
    let verified =
        |profile: &Map<String, Value>| string_boolean(profile.get("email_verified")).unwrap_or_default();
    if let Some(claims) = claims
        && let Some(subject) = truthy(&claims, "/sub")
        && truthy(&claims, "/email").is_some()
    {
        let mut profile = Map::new();
        profile.insert("id".into(), subject.clone());
        profile.insert("emailVerified".into(), verified(&claims).into());
        set(&mut profile, "image", claims.get("picture").cloned());
        profile.extend(claims);
        return Ok(Some(profile));
    }
    let Some(url) = url else { return Ok(None) };
    let Some(mut profile) = ask(bearer(Fetch::get(url), tokens), fetch)? else { return Ok(None) };
    let verified = verified(&profile);
    let image = profile.get("picture").cloned();
    profile.insert("emailVerified".into(), verified.into());
    set(&mut profile, "image", image);
    Ok(Some(profile))
}

impl Generic {
    fn authorization_endpoint<'p>(&self, provider: &'p Provider) -> Option<Cow<'p, str>> {
        let option = provider.text("authorizationUrl").map(Cow::from);
        option
            .or_else(|| (self.authorize)(provider))
            .or_else(|| found(provider, "authorization_endpoint").map(Cow::from))
    }

    fn token_endpoint<'p>(&self, provider: &'p Provider) -> Option<Cow<'p, str>> {
        let option = provider.text("tokenUrl").map(Cow::from);
        option.or_else(|| (self.token)(provider)).or_else(|| found(provider, "token_endpoint").map(Cow::from))
    }

    fn rules<'p>(&self, provider: &'p Provider) -> Option<IdTokenRules<'p>> {
        discovered_at(provider, &self.discovery_url(provider)?)
    }

    fn verifies(&self, provider: &Provider) -> bool {
        self.verifies || provider.is_on("requireIdTokenVerification")
    }

    /// Sends a request to the token endpoint, with what the options have to say.
    fn send(&self, provider: &Provider, mut request: TokenRequest<'_>) -> Option<Fetch> {
        let headers = provider.options.get("authorizationHeaders").and_then(Value::as_object);
        for (name, value) in headers.into_iter().flatten() {
            request.header(name, value.as_str().unwrap_or_default());
        }
        Client::of(provider, Proof::of(provider)).prove(&mut request)?;
        Some(request.into_fetch())
    }
}

/// `accessTokenExpiresIn` where the provider doesn't say.
fn with_expiry(provider: &Provider, mut tokens: TokenSet) -> TokenSet {
    let time = tokens.access_token_expires_in;
    tokens.access_token_expires_in = time.or_else(|| seconds(&provider.options, "accessTokenExpiresIn"));
    tokens
}

impl Preset for Generic {
    fn id(&self) -> &'static str {
        self.id
    }

    fn check(&self, provider: &Provider) -> Result<(), AuthError> {
        check_types(provider)?;
        check_client(provider)?;
        for option in self.needs {
            check_needed(provider, option)?;
        }
        (self.check)(provider)?;
        check_proof(provider, Proof::of(provider))?;
        let is_discovered = self.discovery_url(provider).is_some();
        if self.verifies(provider) && !is_discovered {
            return Err(wrong(provider, "needs the option discoveryUrl for requireIdTokenVerification"));
        }
        let is_there = |option: &str, known: bool| match known || is_discovered {
            true => Ok(()),
            false => Err(wrong(provider, format_args!("needs the option {option}, or discoveryUrl"))),
        };
        is_there("authorizationUrl", self.authorization_endpoint(provider).is_some())?;
        is_there("tokenUrl", self.token_endpoint(provider).is_some())
    }

    fn discovery_url(&self, provider: &Provider) -> Option<String> {
        provider.text("discoveryUrl").map(str::to_owned).or_else(|| (self.discovery_url)(provider))
    }

    fn is_usable(&self, provider: &Provider) -> bool {
        let is_discovered = self.discovery_url(provider).is_some();
        let is_verified = || self.rules(provider).is_some();
        // Keys that are nowhere.
        let is_odd =
            is_discovered && found(provider, "jwks_uri").is_some() && found(provider, "issuer").is_some();
        (!is_discovered
            || self.authorization_endpoint(provider).is_some() && self.token_endpoint(provider).is_some())
            && (!self.verifies(provider) && !is_odd || is_verified())
    }

    fn authorization_url(&self, provider: &Provider, start: &Start<'_>) -> Result<String, AuthError> {
        let Some(endpoint) = self.authorization_endpoint(provider).filter(|_| self.is_usable(provider))
        else {
            return Err(AuthError::Setup(format!(
                "the OAuth provider {} has no authorization endpoint: its discovery document is not there, or lacks something",
                provider.id
            )));
        };
        let mut scopes: Vec<_> = start.scopes.iter().map(String::as_str).collect();
        match provider.options.get("scopes") {
            Some(Value::Array(_)) => scopes.extend(provider.texts("scopes")),
            _ => scopes.extend(self.scopes),
        }
        if !algorithms(provider).is_empty() && !scopes.contains(&"openid") {
            scopes.insert(0, "openid");
        }
        let said = provider.options.get("authorizationUrlParams").and_then(Value::as_object);
        let mut additional = said.cloned().unwrap_or_default();
        additional.extend(start.additional_params.clone());
        let authorization = Authorization {
            endpoint: &endpoint,
            response_type: provider.text("responseType"),
            client_id: provider.client_id().unwrap_or_default(),
            state: start.state,
            scopes,
            redirect_uri: provider.text("redirectURI").unwrap_or(start.redirect_uri),
            login_hint: start.login_hint,
            nonce: start.nonce,
            prompt: provider.text("prompt"),
            access_type: provider.text("accessType"),
            response_mode: provider.text("responseMode"),
            code_verifier: has_pkce(provider).then_some(start.code_verifier),
            additional,
            ..Authorization::default()
        };
        authorization.url().map(String::from)
    }

    fn exchange(&self, provider: &Provider, grant: &Grant<'_>, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
        let Some(endpoint) = self.token_endpoint(provider) else { return Ok(None) };
        let code = Code {
            code: grant.code,
            code_verifier: has_pkce(provider).then_some(grant.code_verifier),
            redirect_uri: provider.text("redirectURI").unwrap_or(grant.redirect_uri),
            ..Code::default()
        };
        let mut request = TokenRequest::code(&endpoint, &code);
        if let Some(Value::Object(additional)) = provider.options.get("tokenUrlParams") {
            request.add(additional);
        }
        let Some(request) = self.send(provider, request) else { return Ok(None) };
        Ok(read(&fetch(normal(request))?).map(|tokens| with_expiry(provider, tokens)))
    }

    fn can_refresh(&self, _provider: &Provider) -> bool {
        true
    }

    fn refresh(&self, provider: &Provider, refresh_token: &str, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
        let Some(endpoint) = self.token_endpoint(provider) else { return Ok(None) };
        let mut request = TokenRequest::refresh(&endpoint, refresh_token);
        if let Some(Value::Object(additional)) = provider.options.get("refreshTokenParams") {
            request.replace(additional);
        }
        let Some(request) = self.send(provider, request) else { return Ok(None) };
        Ok(read_refreshed(&fetch(normal(request))?).map(|tokens| with_expiry(provider, tokens)))
    }

    fn user_info(&self, provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
        let fetch = &mut |request| fetch(normal(request));
        let is_verified = self.rules(provider).is_some();
        if self.verifies(provider) && !is_verified {
            return Ok(None);
        }
        let id_token = tokens.id_token.as_deref().filter(|token| !token.is_empty());
        let claims = id_token.and_then(claims);
        if is_verified && id_token.is_some() && claims.is_none() {
            return Ok(None);
        }
        // Claims that nobody has verified don't bind what is told beside them.
        let subject = claims.as_ref().filter(|_| is_verified).and_then(|claims| claims.get("sub")).cloned();
        let data = match self.tell {
            Some(tell) => tell(provider, tokens, fetch)?,
            None => {
                let url = provider.text("userInfoUrl").or_else(|| found(provider, "userinfo_endpoint"));
                user_info(tokens, url, claims, fetch)?
            }
        };
        let Some(data) = data else { return Ok(None) };
        if let Some(subject) = subject
            && (self.tell.is_none() || present(&data, "/sub").is_some())
            && data.get("sub").and_then(js_string).as_deref() != subject.as_str()
        {
            return Ok(None);
        }
        let mut user = Map::new();
        let verified = string_boolean(data.get("emailVerified")).unwrap_or_default();
        set(&mut user, "email", data.get("email").cloned());
        set(&mut user, "emailVerified", Some(verified.into()));
        set(&mut user, "image", present(&data, "/image").cloned());
        set(&mut user, "name", data.get("name").cloned());
        Ok(Some(Info { user, data }))
    }

    fn user_info_of_id_token(
        &self,
        provider: &Provider,
        tokens: &TokenSet,
        fetch: &mut Fetcher<'_>,
    ) -> Asked<Info> {
        // The access token beside it may be anybody's.
        let alone = TokenSet { id_token: tokens.id_token.clone(), ..TokenSet::default() };
        self.user_info(provider, &alone, fetch)
    }

    fn subject(&self, provider: &Provider, tokens: &TokenSet, info: &Info) -> Option<String> {
        if let Some(place) = self.subject {
            return social::subject(at(&info.data, place));
        }
        if algorithms(provider).is_empty() {
            return social::subject(info.data.get("id"));
        }
        match tokens.id_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) if self.rules(provider).is_some() => social::subject(claims(token)?.get("sub")),
            _ => social::subject(info.data.get("sub")),
        }
    }

    fn id_tokens<'p>(&self, provider: &'p Provider) -> IdTokens<'p> {
        self.rules(provider).map_or(IdTokens::No, IdTokens::Signed)
    }

    fn needs_id_token(&self, provider: &Provider) -> bool {
        self.verifies(provider) || !algorithms(provider).is_empty() && self.rules(provider).is_some()
    }

    fn requires_nonce(&self, provider: &Provider) -> bool {
        self.rules(provider).is_some() && !provider.is_on("disableIdTokenNonceBinding")
    }

    fn issuer<'p>(&self, provider: &'p Provider) -> Option<&'p str> {
        found(provider, "issuer")
    }
}

/// PKCE is used unless the option `pkce` says otherwise.
fn has_pkce(provider: &Provider) -> bool {
    provider.options.get("pkce") != Some(&Value::Bool(false))
}
