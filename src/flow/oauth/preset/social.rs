//! One of Better Auth's own providers: what is regular of them as data, and functions for what isn't.

use serde_json::{Map, Value};
use std::borrow::Cow;

use super::take::{self, Take};
use super::{Asked, Preset, options};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::input::js_string;
use crate::flow::oauth::address::normal;
use crate::flow::oauth::answer::{at, claims, object};
use crate::flow::oauth::authorization::Authorization;
use crate::flow::oauth::client::{Client, Proof};
use crate::flow::oauth::token::{Code, TokenRequest, read, read_refreshed};
use crate::flow::oauth::{Fetcher, Grant, IdTokenRules, IdTokens, Info, Provider, Start, TokenSet};

/// An address.
#[derive(Clone, Copy)]
pub(super) enum Address {
    Fixed(&'static str),
    /// It follows from the options.
    Of(fn(&Provider) -> String),
}

impl Address {
    pub(super) fn of(self, provider: &Provider) -> Cow<'static, str> {
        match self {
            Self::Fixed(url) => url.into(),
            Self::Of(url) => url(provider).into(),
        }
    }
}

/// What a client secret is to a provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// A public client has none.
    Optional,
    /// No code is exchanged without.
    ToExchange,
    /// Better Auth starts no sign-in without.
    ToStart,
}

/// `prompt` of the authorization URL.
#[derive(Clone, Copy)]
pub(super) enum Prompt {
    Never,
    /// The option's.
    Option,
    /// The option's, else this.
    Or(&'static str),
}

/// Where a profile comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// A GET with the access token, and these headers.
    Get(Address, &'static [(&'static str, &'static str)]),
    /// The id token's claims.
    IdToken,
    Own(fn(&Provider, &TokenSet, &mut Fetcher<'_>) -> Asked<Map<String, Value>>),
    /// It tells the user as well.
    Told(fn(&Provider, &TokenSet, &mut Fetcher<'_>) -> Asked<Info>),
}

/// Better Auth's provider.
pub(super) struct Social {
    pub(super) id: &'static str,
    pub(super) secret: Secret,
    /// Options that it can't be without.
    pub(super) needs: &'static [&'static str],
    /// What else has to be right of its options.
    pub(super) check: fn(&Provider) -> Result<(), AuthError>,

    pub(super) authorize: Address,
    /// Asked for unless `disableDefaultScope` says otherwise.
    pub(super) scopes: &'static [&'static str],
    /// What a request asks for comes before what the option `scope` says.
    pub(super) asked_first: bool,
    pub(super) pkce: bool,
    pub(super) login_hint: bool,
    pub(super) prompt: Prompt,
    /// What else is odd of the authorization URL.
    pub(super) shape: for<'a> fn(&mut Authorization<'a>, &'a Provider),
    /// The whole of it, in place of the above.
    pub(super) start: Option<fn(&Provider, &Start<'_>) -> Result<String, AuthError>>,

    pub(super) token: Address,
    /// The request for a code brings the option `clientKey`.
    pub(super) client_key: bool,
    /// It brings the callback's `device_id`.
    pub(super) device: bool,
    /// It brings the verifier although the authorization URL has no challenge.
    pub(super) late_verifier: bool,
    pub(super) code_headers: &'static [(&'static str, &'static str)],
    /// An answer of success may be an error.
    pub(super) errs_in_success: bool,
    pub(super) proof: for<'p> fn(&'p Provider) -> Proof<'p>,
    pub(super) refresh_proof: for<'p> fn(&'p Provider) -> Proof<'p>,
    /// A secret that is made anew each time, where the options say how.
    pub(super) fresh_secret: fn(&Provider) -> Option<String>,
    pub(super) refreshes: bool,
    /// A refresh says its scopes.
    pub(super) refresh_scopes: bool,
    /// In place of the above.
    pub(super) exchange: Option<fn(&Provider, &Grant<'_>, &mut Fetcher<'_>) -> Asked<TokenSet>>,
    pub(super) refresh: Option<fn(&Provider, &str, &mut Fetcher<'_>) -> Asked<TokenSet>>,

    pub(super) source: Source,
    /// The profile in what was answered.
    pub(super) within: &'static str,
    /// Whether an answer, or the claims, are a profile.
    pub(super) accept: fn(&Provider, &Map<String, Value>) -> bool,
    pub(super) user: &'static [(&'static str, Take)],
    /// The account's name in the profile.
    pub(super) subject: Take,

    pub(super) id_tokens: for<'p> fn(&'p Provider) -> IdTokens<'p>,
    /// Where id tokens alone don't sign in, but those that come with a code say who it is.
    pub(super) code_id_token: for<'p> fn(&'p Provider) -> Option<IdTokenRules<'p>>,
    /// An answer to a code has to have an id token.
    pub(super) needs_id_token: bool,
    pub(super) ask: fn(&Provider, &str, Option<&str>, &mut Fetcher<'_>) -> Result<bool, AuthError>,
}

/// What most of them are.
pub(super) const USUAL: Social = Social {
    id: "",
    secret: Secret::Optional,
    needs: &[],
    check: |_| Ok(()),
    authorize: Address::Fixed(""),
    scopes: &[],
    asked_first: false,
    pkce: false,
    login_hint: false,
    prompt: Prompt::Never,
    shape: |_, _| {},
    start: None,
    token: Address::Fixed(""),
    client_key: true,
    device: false,
    late_verifier: false,
    code_headers: &[],
    errs_in_success: false,
    proof: |_| Proof::Usual,
    refresh_proof: |_| Proof::Usual,
    fresh_secret: |_| None,
    refreshes: true,
    refresh_scopes: false,
    exchange: None,
    refresh: None,
    source: Source::IdToken,
    within: "",
    accept: |_, _| true,
    user: &[],
    subject: Take::At("/sub"),
    id_tokens: |_| IdTokens::No,
    code_id_token: |_| None,
    needs_id_token: false,
    ask: |_, _, _, _| Ok(false),
};

/// A request with the access token; `None` without one that a header can hold.
pub(super) fn bearer(request: Fetch, tokens: &TokenSet) -> Option<Fetch> {
    Some(request.with("authorization", format!("Bearer {}", access_token(tokens)?)))
}

/// The access token; `None` without one that a header can hold.
pub(super) fn access_token(tokens: &TokenSet) -> Option<&str> {
    let token = tokens.access_token.as_ref()?;
    let is_good = |byte: u8| matches!(byte, b' '..=b'~');
    (!token.is_empty() && token.bytes().all(is_good)).then_some(token)
}

/// The object that a request is answered with.
pub(super) fn ask(request: Option<Fetch>, fetch: &mut Fetcher<'_>) -> Asked<Map<String, Value>> {
    match request {
        Some(request) => Ok(object(&fetch(request)?)),
        None => Ok(None),
    }
}

/// A subject as Better Auth keeps it; `None` where it refuses it.
pub(super) fn subject(value: Option<&Value>) -> Option<String> {
    let value = value.filter(|value| !value.is_object()).and_then(js_string)?;
    let is_good = !value.trim().is_empty() && value != "undefined" && value != "null";
    is_good.then_some(value)
}

impl Social {
    /// The scopes that are asked for. `asked` are those of a request.
    pub(super) fn scopes_of<'a>(&'a self, provider: &'a Provider, asked: &'a [String]) -> Vec<&'a str> {
        let default = if provider.is_on("disableDefaultScope") { &[] } else { self.scopes };
        let (option, asked) = (provider.texts("scope"), asked.iter().map(String::as_str));
        let mut scopes = default.to_vec();
        if self.asked_first {
            scopes.extend(asked.chain(option));
        } else {
            scopes.extend(option.into_iter().chain(asked));
        }
        scopes
    }

    fn prove(&self, provider: &Provider, proof: Proof<'_>, mut request: TokenRequest<'_>) -> Option<Fetch> {
        let fresh = (self.fresh_secret)(provider);
        let mut client = Client::of(provider, proof);
        client.secret = client.secret.or(fresh.as_deref());
        client.prove(&mut request)?;
        Some(request.into_fetch())
    }
}

impl Preset for Social {
    fn id(&self) -> &'static str {
        self.id
    }

    fn check(&self, provider: &Provider) -> Result<(), AuthError> {
        options::check_types(provider)?;
        options::check_client(provider)?;
        if self.secret != Secret::Optional && provider.secret().is_none() {
            options::check_secret(provider, (self.fresh_secret)(provider).is_some())?;
        }
        for option in self.needs {
            options::check_needed(provider, option)?;
        }
        (self.check)(provider)
    }

    fn authorization_url(&self, provider: &Provider, start: &Start<'_>) -> Result<String, AuthError> {
        if let Some(whole) = self.start {
            return whole(provider, start);
        }
        self.authorization(provider, start).map(String::from)
    }

    fn exchange(&self, provider: &Provider, grant: &Grant<'_>, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
        let fetch = &mut |request| fetch(normal(request));
        if let Some(exchange) = self.exchange {
            return exchange(provider, grant, fetch);
        }
        let endpoint = self.token.of(provider);
        let code = Code {
            code: grant.code,
            code_verifier: (self.pkce || self.late_verifier).then_some(grant.code_verifier),
            client_key: provider.text("clientKey").filter(|_| self.client_key),
            device_id: grant.device_id.filter(|_| self.device),
            redirect_uri: provider.text("redirectURI").unwrap_or(grant.redirect_uri),
        };
        let mut request = TokenRequest::code(&endpoint, &code);
        for (name, value) in self.code_headers {
            request.header(name, *value);
        }
        let Some(request) = self.prove(provider, (self.proof)(provider), request) else { return Ok(None) };
        let answer = fetch(request)?;
        let errs = self.errs_in_success
            && match answer.json() {
                Some(Value::Object(answer)) => answer.contains_key("error"),
                Some(Value::Array(_)) => false,
                // JavaScript throws.
                _ => true,
            };
        Ok(read(&answer).filter(|_| !errs))
    }

    fn can_refresh(&self, _provider: &Provider) -> bool {
        self.refreshes
    }

    fn refresh(&self, provider: &Provider, refresh_token: &str, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
        let fetch = &mut |request| fetch(normal(request));
        if let Some(refresh) = self.refresh {
            return refresh(provider, refresh_token, fetch);
        }
        if !self.refreshes {
            return Ok(None);
        }
        let endpoint = self.token.of(provider);
        let mut request = TokenRequest::refresh(&endpoint, refresh_token);
        if self.refresh_scopes {
            request.params.set("scope", self.scopes_of(provider, &[]).join(" "));
        }
        let request = self.prove(provider, (self.refresh_proof)(provider), request);
        let Some(request) = request else { return Ok(None) };
        Ok(read_refreshed(&fetch(request)?))
    }

    fn user_info(&self, provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
        let fetch = &mut |request| fetch(normal(request));
        let answer = match self.source {
            Source::Told(tell) => return tell(provider, tokens, fetch),
            Source::Own(ask) => ask(provider, tokens, fetch)?,
            Source::IdToken => tokens.id_token.as_deref().and_then(claims),
            Source::Get(address, headers) => {
                let request = bearer(Fetch::get(address.of(provider)), tokens);
                let with = |request: Fetch, (name, value): &(&str, &str)| request.with(name, (*value).into());
                ask(request.map(|request| headers.iter().fold(request, with)), fetch)?
            }
        };
        let answer = answer.filter(|answer| (self.accept)(provider, answer));
        let data = answer.and_then(|answer| match self.within {
            "" => Some(answer),
            place => at(&answer, place)?.as_object().cloned(),
        });
        Ok(data.and_then(|data| Some(Info { user: take::user(self.user, &data)?, data })))
    }

    fn subject(&self, _provider: &Provider, _tokens: &TokenSet, info: &Info) -> Option<String> {
        subject(self.subject.of(&info.data).ok()?.as_ref())
    }

    fn id_tokens<'p>(&self, provider: &'p Provider) -> IdTokens<'p> {
        (self.id_tokens)(provider)
    }

    fn code_id_token<'p>(&self, provider: &'p Provider) -> Option<IdTokenRules<'p>> {
        match (self.id_tokens)(provider) {
            IdTokens::Signed(rules) | IdTokens::SignedOrOpaque(rules) => Some(rules),
            IdTokens::No | IdTokens::Asked => (self.code_id_token)(provider),
        }
    }

    fn needs_id_token(&self, _provider: &Provider) -> bool {
        self.needs_id_token
    }

    fn ask(
        &self,
        provider: &Provider,
        token: &str,
        nonce: Option<&str>,
        fetch: &mut Fetcher<'_>,
    ) -> Result<bool, AuthError> {
        (self.ask)(provider, token, nonce, &mut |request| fetch(normal(request)))
    }
}

impl Social {
    /// The URL as Better Auth's `createAuthorizationURL` makes it.
    ///
    /// # Errors
    /// The set-up lacks something.
    pub(super) fn authorization(
        &self,
        provider: &Provider,
        start: &Start<'_>,
    ) -> Result<url::Url, AuthError> {
        if self.secret == Secret::ToStart
            && provider.secret().is_none()
            && (self.fresh_secret)(provider).is_none()
        {
            return Err(AuthError::Setup(format!("the OAuth provider {} has no client secret", self.id)));
        }
        let endpoint = match provider.text("authorizationEndpoint") {
            Some(endpoint) => endpoint.into(),
            None => self.authorize.of(provider),
        };
        let option = provider.text("prompt");
        let mut authorization = Authorization {
            endpoint: &endpoint,
            client_id: provider.client_id().unwrap_or_default(),
            state: start.state,
            scopes: self.scopes_of(provider, start.scopes),
            redirect_uri: provider.text("redirectURI").unwrap_or(start.redirect_uri),
            login_hint: start.login_hint.filter(|_| self.login_hint),
            prompt: match self.prompt {
                Prompt::Never => None,
                Prompt::Option => option,
                Prompt::Or(other) => option.or(Some(other)),
            },
            code_verifier: self.pkce.then_some(start.code_verifier),
            additional: start.additional_params.clone(),
            ..Authorization::default()
        };
        (self.shape)(&mut authorization, provider);
        authorization.url()
    }
}
