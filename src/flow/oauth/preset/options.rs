//! Whether a provider's options are what they have to be.

use serde_json::Value;
use url::Url;

use crate::error::AuthError;
use crate::flow::oauth::Provider;
use crate::flow::oauth::client::{Method, Proof, assertion_signer};

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Address,
    Flag,
    Number,
    Texts,
    TextOrTexts,
    TextOrNumber,
    TextsByName,
}

/// The options that providers know, by Better Auth's names, as far as they are data.
const KINDS: &[(Kind, &[&str])] = &[
    (
        Kind::Text,
        &[
            "clientKey",
            "prompt",
            "responseType",
            "responseMode",
            "display",
            "accessType",
            "hd",
            "duration",
            "lang",
            "configId",
            "appBundleIdentifier",
            "domain",
            "region",
            "userPoolId",
            "identityProvider",
            "tenantId",
            "issuer",
            "environment",
            "loginUrl",
            "teamId",
            "keyId",
            "tokenEndpointAuthMethod",
        ],
    ),
    (
        Kind::Address,
        &[
            "redirectURI",
            "authorizationEndpoint",
            "authority",
            "discoveryUrl",
            "authorizationUrl",
            "tokenUrl",
            "userInfoUrl",
            "endSessionEndpoint",
        ],
    ),
    (
        Kind::Flag,
        &[
            "disableDefaultScope",
            "disableIdTokenSignIn",
            "disableSignUp",
            "disableImplicitSignUp",
            "overrideUserInfo",
            "overrideUserInfoOnSignIn",
            "requireEmailVerification",
            "requireClientSecret",
            "includeGrantedScopes",
            "disableProfilePhoto",
            "pkce",
            "requireIdTokenVerification",
            "disableIdTokenNonceBinding",
            "allowIdpInitiated",
            "disableProviderLogout",
        ],
    ),
    (Kind::Number, &["accessTokenExpiresIn"]),
    (Kind::TextOrNumber, &["permissions"]),
    (Kind::Texts, &["scope", "scopes", "claims", "fields"]),
    (Kind::TextOrTexts, &["audience"]),
    (
        Kind::TextsByName,
        &[
            "authorizationUrlParams",
            "tokenUrlParams",
            "refreshTokenParams",
            "authorizationHeaders",
            "discoveryHeaders",
        ],
    ),
];

impl Kind {
    const fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Address => "an http or https URL",
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Texts => "a list of texts",
            Self::TextOrTexts => "a text or a list of texts",
            Self::TextOrNumber => "a text or a number",
            Self::TextsByName => "an object of texts",
        }
    }

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Address => {
                let url = value.as_str().and_then(|text| Url::parse(text).ok());
                url.is_some_and(|url| matches!(url.scheme(), "http" | "https"))
            }
            Self::Flag => value.is_boolean(),
            Self::Number => value.is_number(),
            Self::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Self::TextOrTexts => Self::Text.takes(value) || Self::Texts.takes(value),
            Self::TextOrNumber => value.is_string() || value.is_number(),
            Self::TextsByName => {
                value.as_object().is_some_and(|object| object.values().all(Value::is_string))
            }
        }
    }
}

/// What is wrong with a provider.
pub(super) fn wrong(provider: &Provider, what: impl std::fmt::Display) -> AuthError {
    AuthError::Argument(format!("the provider \"{}\" {what}", provider.id))
}

/// # Errors
/// An option that is known is of another type.
pub(super) fn check_types(provider: &Provider) -> Result<(), AuthError> {
    for (kind, names) in KINDS {
        for name in *names {
            if provider.options.get(*name).is_some_and(|value| !value.is_null() && !kind.takes(value)) {
                return Err(wrong(provider, format_args!("needs {} as its option {name}", kind.wanted())));
            }
        }
    }
    Ok(())
}

/// # Errors
/// There is no client id.
pub(super) fn check_client(provider: &Provider) -> Result<(), AuthError> {
    match provider.client_id() {
        Some(_) => Ok(()),
        None => Err(wrong(provider, "needs a client id")),
    }
}

/// # Errors
/// There is no client secret, unless it is made anew each time.
pub(super) fn check_secret(provider: &Provider, is_made: bool) -> Result<(), AuthError> {
    match provider.secret() {
        None if !is_made => Err(wrong(provider, "needs a client secret")),
        _ => Ok(()),
    }
}

/// # Errors
/// An option is not there.
pub(super) fn check_needed(provider: &Provider, option: &str) -> Result<(), AuthError> {
    match provider.text(option) {
        Some(_) => Ok(()),
        None => Err(wrong(provider, format_args!("needs the option {option}"))),
    }
}

/// # Errors
/// The ways in which the client is to say who it is don't go with its secret, or its key is none.
pub(super) fn check_proof(provider: &Provider, proof: Proof<'_>) -> Result<(), AuthError> {
    if provider.options.contains_key("tokenEndpointAuth") && Method::chosen(provider).is_none() {
        return Err(wrong(
            provider,
            "needs a tokenEndpointAuth whose method is client_secret_basic, client_secret_post, private_key_jwt or none",
        ));
    }
    let has_secret = provider.secret().is_some();
    match proof {
        Proof::Chosen(Method::Key(key)) if assertion_signer(key).is_none() => Err(wrong(
            provider,
            "needs a private key for the algorithm as privateKeyJwk or privateKeyPem in its option tokenEndpointAuth",
        )),
        Proof::Chosen(Method::Key(_) | Method::None) if has_secret => {
            Err(wrong(provider, "can't have a client secret with that tokenEndpointAuth"))
        }
        Proof::Basic | Proof::Chosen(Method::Basic | Method::Post) if !has_secret => {
            Err(wrong(provider, "needs a client secret"))
        }
        _ => Ok(()),
    }
}
