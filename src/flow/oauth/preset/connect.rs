//! Providers whose id token says who it is.

use serde_json::{Map, Value};
use std::borrow::Cow;

use super::Asked;
use super::options::{check_needed, wrong};
use super::social::Address::{Fixed, Of};
use super::social::{Prompt, Secret, Social, Source, USUAL, ask, bearer};
use super::take::{self, Else, Take};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::input::{is_truthy, js_string};
use crate::flow::oauth::answer::{claims, object, truthy};
use crate::flow::oauth::client::{fresh_apple_secret, has_apple_key};
use crate::flow::oauth::{Fetcher, IdTokenRules, IdTokens, Info, Provider, TokenSet};

/// An hour, in seconds: Better Auth's `maxTokenAge` wherever it has one.
pub(super) const HOUR: i64 = 3600;

/// Rules for tokens of one issuer, whose keys are kept by its name.
pub(super) fn rules<'p>(
    provider: &'p Provider,
    issuer: impl Into<Cow<'p, str>>,
    jwks_url: impl Into<Cow<'p, str>>,
) -> IdTokenRules<'p> {
    let issuer = issuer.into();
    IdTokenRules {
        keys_of: issuer.clone(),
        jwks_url: jwks_url.into(),
        issuers: vec![issuer],
        audiences: provider.client_ids.iter().map(String::as_str).filter(|id| !id.is_empty()).collect(),
        algorithms: vec!["RS256"],
        max_age: None,
        nonce_may_be_hashed: false,
        check: |_, _| true,
    }
}

/// A profile that is the claims and a name.
pub(super) fn named(mut claims: Map<String, Value>, name: Value) -> Map<String, Value> {
    claims.insert("name".into(), name);
    claims
}

fn apple(_provider: &Provider, tokens: &TokenSet, _fetch: &mut Fetcher<'_>) -> Asked<Info> {
    let tell = || {
        let claims = claims(tokens.id_token.as_deref()?)?;
        // Apple's form says it once, and the token never.
        let said = tokens.user.as_ref().and_then(|user| user.get("name")).filter(|name| is_truthy(name));
        let name = match said {
            Some(name) => {
                let part = |part: &str| {
                    let part = name.get(part).filter(|part| is_truthy(part));
                    part.map_or_else(|| Some(String::new()), js_string)
                };
                format!("{} {}", part("firstName")?, part("lastName")?).trim().into()
            }
            None => truthy(&claims, "/name").cloned().unwrap_or_else(|| "".into()),
        };
        let data = named(claims, name);
        let user = take::user(
            &[
                ("name", Take::At("/name")),
                ("emailVerified", Take::StringBoolean("/email_verified")),
                ("email", Take::At("/email")),
            ],
            &data,
        )?;
        Some(Info { user, data })
    };
    Ok(tell())
}

fn apple_rules(provider: &Provider) -> IdTokenRules<'_> {
    let issuer = "https://appleid.apple.com";
    let mut rules = rules(provider, issuer, "https://appleid.apple.com/auth/keys");
    let audience: Vec<_> = provider.texts("audience").into_iter().filter(|one| !one.is_empty()).collect();
    match provider.text("appBundleIdentifier") {
        _ if !audience.is_empty() => rules.audiences = audience,
        Some(bundle) => rules.audiences = vec![bundle],
        None => {}
    }
    IdTokenRules { max_age: Some(HOUR), nonce_may_be_hashed: true, ..rules }
}

pub(super) static APPLE: Social = Social {
    id: "apple",
    secret: Secret::ToStart,
    check: |provider| {
        let options = ["teamId", "keyId", "privateKey"];
        if !options.iter().any(|option| provider.options.contains_key(*option)) || has_apple_key(provider) {
            return Ok(());
        }
        check_needed(provider, "teamId")?;
        check_needed(provider, "keyId")?;
        Err(wrong(provider, "needs a private key of P-256, in PEM (a .p8 file) or as a JWK, as privateKey"))
    },
    authorize: Fixed("https://appleid.apple.com/auth/authorize"),
    scopes: &["email", "name"],
    pkce: true,
    shape: |url, _| {
        url.response_mode = Some("form_post");
        url.response_type = Some("code id_token");
    },
    token: Fixed("https://appleid.apple.com/auth/token"),
    fresh_secret: fresh_apple_secret,
    source: Source::Told(apple),
    id_tokens: |provider| IdTokens::Signed(apple_rules(provider)),
    ..USUAL
};

/// Better Auth's `isGoogleHostedDomainAllowed`.
fn is_hosted(provider: &Provider, claims: &Map<String, Value>) -> bool {
    let Some(domain) = provider.text("hd") else { return true };
    let said = claims.get("hd").and_then(Value::as_str).filter(|said| !said.is_empty());
    said.is_some_and(|said| domain == "*" || said == domain)
}

fn google_rules(provider: &Provider) -> IdTokenRules<'_> {
    let issuer = "https://accounts.google.com";
    let mut rules = rules(provider, issuer, "https://www.googleapis.com/oauth2/v3/certs");
    rules.issuers.push("accounts.google.com".into());
    IdTokenRules { max_age: Some(HOUR), check: is_hosted, ..rules }
}

pub(super) static GOOGLE: Social = Social {
    id: "google",
    secret: Secret::ToStart,
    authorize: Fixed("https://accounts.google.com/o/oauth2/v2/auth"),
    scopes: &["email", "profile", "openid"],
    pkce: true,
    login_hint: true,
    prompt: Prompt::Option,
    shape: |url, provider| {
        url.access_type = provider.text("accessType");
        url.display = provider.text("display");
        url.hd = provider.text("hd");
        if provider.options.get("includeGrantedScopes") != Some(&Value::Bool(false)) {
            first(&mut url.additional, "include_granted_scopes", "true");
        }
    },
    token: Fixed("https://oauth2.googleapis.com/token"),
    accept: is_hosted,
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::At("/email_verified")),
    ],
    id_tokens: |provider| IdTokens::Signed(google_rules(provider)),
    ..USUAL
};

/// Says a parameter before the others, unless they say it too.
pub(super) fn first(additional: &mut Map<String, Value>, name: &str, value: &str) {
    let said = additional.shift_remove(name).unwrap_or_else(|| value.into());
    additional.shift_insert(0, name.into(), said);
}

pub(super) static TWITCH: Social = Social {
    id: "twitch",
    authorize: Fixed("https://id.twitch.tv/oauth2/authorize"),
    scopes: &["user:read:email", "openid"],
    shape: |url, provider| {
        url.claims = Some(match provider.options.get("claims") {
            Some(Value::Array(_)) => provider.texts("claims"),
            _ => vec!["email", "email_verified", "preferred_username", "picture"],
        });
    },
    token: Fixed("https://id.twitch.tv/oauth2/token"),
    user: &[
        ("name", Take::At("/preferred_username")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::At("/email_verified")),
    ],
    // Better Auth has no rules. These are of "Using OIDC to get OAuth Access Tokens" in Twitch's documentation, which
    // shows https://id.twitch.tv/oauth2/.well-known/openid-configuration.
    code_id_token: |provider| {
        Some(rules(provider, "https://id.twitch.tv/oauth2", "https://id.twitch.tv/oauth2/keys"))
    },
    ..USUAL
};

fn at_paybin(provider: &Provider, path: &str) -> String {
    format!("{}/oauth2/{path}", provider.text("issuer").unwrap_or("https://idp.paybin.io"))
}

pub(super) static PAYBIN: Social = Social {
    id: "paybin",
    secret: Secret::ToStart,
    authorize: Of(|provider| at_paybin(provider, "authorize")),
    scopes: &["openid", "email", "profile"],
    pkce: true,
    login_hint: true,
    prompt: Prompt::Option,
    token: Of(|provider| at_paybin(provider, "token")),
    user: &[
        ("name", Take::Or(&["/name", "/preferred_username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::Or(&["/email_verified"], Else::No)),
    ],
    // Where its keys are is in its discovery document alone: with the option `discoveryUrl`.
    code_id_token: super::generic::discovered,
    ..USUAL
};

const LINE_VERIFY: &str = "https://api.line.me/oauth2/v2.1/verify";

/// LINE's profile: of the id token, else of its endpoint.
pub(super) fn line(
    _provider: &Provider,
    tokens: &TokenSet,
    fetch: &mut Fetcher<'_>,
) -> Asked<Map<String, Value>> {
    if let Some(claims) = tokens.id_token.as_deref().and_then(claims) {
        return Ok(Some(claims));
    }
    ask(bearer(Fetch::get("https://api.line.me/oauth2/v2.1/userinfo"), tokens), fetch)
}

fn ask_line(
    provider: &Provider,
    token: &str,
    nonce: Option<&str>,
    fetch: &mut Fetcher<'_>,
) -> Result<bool, AuthError> {
    let Some(client_id) = provider.client_id() else { return Ok(false) };
    let mut form = crate::flow::oauth::params::Params::from([("id_token", token), ("client_id", client_id)]);
    form.set_some("nonce", nonce);
    let request = Fetch::post(LINE_VERIFY, "application/x-www-form-urlencoded", form.encode());
    let Some(claims) = object(&fetch(request)?) else { return Ok(false) };
    let is_ours = claims.get("aud").and_then(Value::as_str) == Some(client_id);
    let said = claims.get("nonce").filter(|said| is_truthy(said));
    Ok(is_ours && said.is_none_or(|said| said.as_str() == nonce))
}

pub(super) static LINE: Social = Social {
    id: "line",
    authorize: Fixed("https://access.line.me/oauth2/v2.1/authorize"),
    scopes: &["openid", "profile", "email"],
    pkce: true,
    login_hint: true,
    token: Fixed("https://api.line.me/oauth2/v2.1/token"),
    source: Source::Own(line),
    user: &[
        ("name", Take::Or(&["/name"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::Fixed(false)),
    ],
    // Those that come with a code are signed with the channel's secret.
    id_tokens: |_| IdTokens::Asked,
    ask: ask_line,
    ..USUAL
};
