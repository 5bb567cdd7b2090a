//! Sign-in with a provider: OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), and OpenID Connect.

pub(crate) mod access;
pub(crate) mod address;
pub(crate) mod answer;
pub(crate) mod authorization;
pub(crate) mod callback;
pub(crate) mod client;
pub(crate) mod credential;
mod id_token;
pub(crate) mod params;
pub(crate) mod preset;
pub(crate) mod provider_keys;
pub(crate) mod providers;
pub(crate) mod proxied;
pub(crate) mod sign_in;
pub(crate) mod state;
pub(crate) mod token;

use serde_json::{Map, Value};
use std::borrow::Cow;
use zeroize::Zeroizing;

use self::preset::Preset;
use crate::error::AuthError;
use crate::flow::fetch::{Fetch, Fetched};

/// How a flow asks the outside world: `Caller::fetch` of who calls.
pub(crate) type Fetcher<'f> = dyn FnMut(Fetch) -> Result<Fetched, AuthError> + 'f;

/// A provider, as `set_oauth_provider()` has set it up.
pub(crate) struct Provider {
    /// Better Auth's `providerId`.
    pub(crate) id: String,
    /// The first one asks for codes; id tokens may be for any of them.
    pub(crate) client_ids: Vec<String>,
    pub(crate) client_secret: Option<Zeroizing<String>>,
    /// Better Auth's options of the provider that are data, by its names.
    pub(crate) options: Map<String, Value>,
    pub(crate) preset: &'static dyn Preset,
    /// The document of its `discoveryUrl`, where it has one and the document is there.
    pub(crate) discovery: Option<Map<String, Value>>,
}

impl Provider {
    /// The client id that asks for codes.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client_ids.first().map(String::as_str).filter(|id| !id.is_empty())
    }

    /// The client secret, where there is one.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(|secret| secret.as_str()).filter(|secret| !secret.is_empty())
    }

    /// An option that is a text and not empty.
    pub(crate) fn text(&self, option: &str) -> Option<&str> {
        self.options.get(option)?.as_str().filter(|text| !text.is_empty())
    }

    /// An option that is on.
    pub(crate) fn is_on(&self, option: &str) -> bool {
        self.options.get(option) == Some(&Value::Bool(true))
    }

    /// The texts of an option that is a list, or one text.
    pub(crate) fn texts(&self, option: &str) -> Vec<&str> {
        match self.options.get(option) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// What a browser is sent to a provider with.
pub(crate) struct Start<'a> {
    pub(crate) state: &'a str,
    pub(crate) code_verifier: &'a str,
    /// Where the provider has one: [`Preset::requires_nonce`].
    pub(crate) nonce: Option<&'a str>,
    /// `{baseURL}/callback/{id}`, unless the option `redirectURI` says otherwise.
    pub(crate) redirect_uri: &'a str,
    /// Asked for besides those of the provider and its options.
    pub(crate) scopes: &'a [String],
    pub(crate) login_hint: Option<&'a str>,
    /// None of OAuth's own.
    pub(crate) additional_params: &'a Map<String, Value>,
}

/// What a provider has sent the browser back with.
pub(crate) struct Grant<'a> {
    pub(crate) code: &'a str,
    pub(crate) code_verifier: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) device_id: Option<&'a str>,
}

/// Better Auth's `OAuth2Tokens`.
#[derive(Clone, Default)]
pub(crate) struct TokenSet {
    pub(crate) access_token: Option<Zeroizing<String>>,
    pub(crate) refresh_token: Option<Zeroizing<String>>,
    pub(crate) id_token: Option<String>,
    /// In seconds, from now on.
    pub(crate) access_token_expires_in: Option<f64>,
    pub(crate) refresh_token_expires_in: Option<f64>,
    pub(crate) scopes: Vec<String>,
    /// The provider's answer as it came; empty where there was none.
    pub(crate) raw: Map<String, Value>,
    /// What Apple's form says of the user, who is asked once.
    pub(crate) user: Option<Value>,
}

/// Who a provider says that it is.
pub(crate) struct Info {
    /// Better Auth's user, in its order of fields; before `mapProfileToUser`.
    pub(crate) user: Map<String, Value>,
    /// The provider's profile.
    pub(crate) data: Map<String, Value>,
}

/// How id tokens of a provider are verified: the options that Better Auth gives to `jose`.
pub(crate) struct IdTokenRules<'p> {
    /// The name by which `set_provider_keys()` sets its keys: its issuer, or what stands for several, by what a superuser
    /// has written, and not by what was fetched.
    pub(crate) keys_of: Cow<'p, str>,
    /// Where they are: a JSON Web Key Set.
    pub(crate) jwks_url: Cow<'p, str>,
    /// What `iss` may be; empty where `check` says.
    pub(crate) issuers: Vec<Cow<'p, str>>,
    /// What `aud` has to have one of.
    pub(crate) audiences: Vec<&'p str>,
    /// JOSE's names of the algorithms; empty for any of public keys.
    pub(crate) algorithms: Vec<&'p str>,
    /// How old it may be, in seconds.
    pub(crate) max_age: Option<i64>,
    /// The nonce may also be the SHA-256, in lower-case hexadecimal, of the one that was given.
    pub(crate) nonce_may_be_hashed: bool,
    /// What else has to be right of its claims.
    pub(crate) check: fn(&Provider, &Map<String, Value>) -> bool,
}

/// Whether, and how, an id token alone says who somebody is.
pub(crate) enum IdTokens<'p> {
    /// It doesn't.
    No,
    /// By the provider's keys.
    Signed(IdTokenRules<'p>),
    /// The same; what isn't a JWT is an access token, which [`Preset::ask`] is asked about (Facebook).
    SignedOrOpaque(IdTokenRules<'p>),
    /// [`Preset::ask`] the provider (LINE).
    Asked,
}
