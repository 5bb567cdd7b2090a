//! Providers whose id token says who it is, and of which everybody has one of their own.

use serde_json::{Map, Value};

use super::Asked;
use super::connect::{HOUR, first, named, rules};
use super::options::{check_needed, check_proof, wrong};
use super::social::Address::Of;
use super::social::{Prompt, Social, Source, USUAL, ask, bearer};
use super::take::{self, Else, Take};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::input::js_string;
use crate::flow::oauth::answer::{at, claims, string_boolean, truthy};
use crate::flow::oauth::client::{Method, Proof};
use crate::flow::oauth::{Fetcher, IdTokenRules, IdTokens, Info, Provider, Start, TokenSet};
use crate::flow::url::encode;

/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn authority(provider: &Provider) -> &str {
    provider.text("authority").unwrap_or("https://login.microsoftonline.com").trim_end_matches('/')
}

fn tenant(provider: &Provider) -> &str {
    provider.text("tenantId").unwrap_or("common")
}

fn at_microsoft(provider: &Provider, path: &str) -> String {
    format!("{}/{}/{path}", authority(provider), tenant(provider))
}

fn microsoft_rules(provider: &Provider) -> IdTokenRules<'_> {
    let keys = at_microsoft(provider, "discovery/v2.0/keys");
    let mut rules = rules(provider, at_microsoft(provider, "v2.0"), keys);
    // The tokens of these are issued by the tenants.
    if matches!(tenant(provider), "common" | "organizations" | "consumers") {
        rules.issuers.clear();
    }
    IdTokenRules { max_age: Some(HOUR), check: is_of_tenant, ..rules }
}

fn is_of_tenant(provider: &Provider, claims: &Map<String, Value>) -> bool {
    let (Some(Value::String(id)), Some(Value::String(issuer))) = (claims.get("tid"), claims.get("iss"))
    else {
        return false;
    };
    let is_consumer = id == CONSUMERS;
    *issuer == format!("{}/{id}/v2.0", authority(provider))
        && match tenant(provider) {
            "organizations" => !is_consumer,
            "consumers" => is_consumer,
            _ => true,
        }
}

fn microsoft_proof(provider: &Provider) -> Proof<'_> {
    Method::chosen(provider).map_or(Proof::Usual, Proof::Chosen)
}

pub(super) static MICROSOFT: Social = Social {
    id: "microsoft",
    check: |provider| check_proof(provider, microsoft_proof(provider)),
    authorize: Of(|provider| at_microsoft(provider, "oauth2/v2.0/authorize")),
    scopes: &["openid", "profile", "email", "User.Read", "offline_access"],
    pkce: true,
    login_hint: true,
    prompt: Prompt::Option,
    token: Of(|provider| at_microsoft(provider, "oauth2/v2.0/token")),
    proof: microsoft_proof,
    refresh_proof: microsoft_proof,
    refresh_scopes: true,
    // The photo isn't fetched: an answer is a text.
    accept: |_, claims| {
        claims.get("oid").and_then(Value::as_str).is_some_and(|subject| !subject.trim().is_empty())
    },
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        (
            "emailVerified",
            Take::Of(|claims| {
                if let said @ Some(_) = at(claims, "/email_verified") {
                    return Ok(Some(string_boolean(said).unwrap_or_default().into()));
                }
                let Some(email) = truthy(claims, "/email") else { return Ok(Some(false.into())) };
                for place in ["/verified_primary_email", "/verified_secondary_email"] {
                    let has = match (at(claims, place), email) {
                        (None | Some(Value::Null), _) => false,
                        (Some(Value::Array(list)), email) => list.contains(email),
                        (Some(Value::String(text)), email) => {
                            js_string(email).is_some_and(|email| text.contains(&email))
                        }
                        (Some(_), _) => return Err(take::Thrown),
                    };
                    if has {
                        return Ok(Some(true.into()));
                    }
                }
                Ok(Some(false.into()))
            }),
        ),
    ],
    subject: Take::At("/oid"),
    id_tokens: |provider| IdTokens::Signed(microsoft_rules(provider)),
    ..USUAL
};

fn at_cognito(provider: &Provider, path: &str) -> String {
    let domain = provider.text("domain").unwrap_or_default();
    let domain = domain.strip_prefix("https://").or_else(|| domain.strip_prefix("http://")).unwrap_or(domain);
    format!("https://{domain}/oauth2/{path}")
}

fn check_cognito(provider: &Provider) -> Result<(), AuthError> {
    if provider.is_on("requireClientSecret") && provider.secret().is_none() {
        return Err(wrong(provider, "needs a client secret"));
    }
    COGNITO.needs.iter().try_for_each(|option| check_needed(provider, option))
}

fn start_cognito(provider: &Provider, start: &Start<'_>) -> Result<String, AuthError> {
    check_cognito(provider).map_err(|error| AuthError::Setup(error.message()))?;
    let mut url = COGNITO.authorization(provider, start)?;
    // Cognito takes a space for none that is written as a plus sign.
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let Some((_, scope)) = pairs.iter().find(|(name, _)| name == "scope") else { return Ok(url.into()) };
    let scope = encode(scope);
    url.query_pairs_mut().clear().extend_pairs(pairs.iter().filter(|(name, _)| name != "scope"));
    let url = format!("{url}&scope={scope}");
    crate::flow::oauth::authorization::parse(&url).map(String::from)
}

fn cognito(provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
    if let Some(claims) = tokens.id_token.as_deref().filter(|token| !token.is_empty()).and_then(claims) {
        let names = ["/name", "/given_name", "/username"];
        let name = names.iter().find_map(|name| truthy(&claims, name)).cloned();
        let data = named(claims, name.unwrap_or_else(|| "".into()));
        return Ok(take::user(COGNITO.user, &data).map(|user| Info { user, data }));
    }
    let request = bearer(Fetch::get(at_cognito(provider, "userinfo")), tokens);
    let Some(data) = ask(request, fetch)? else { return Ok(None) };
    let fields = [
        ("name", Take::Or(&["/name", "/given_name", "/username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::StringBoolean("/email_verified")),
    ];
    Ok(take::user(&fields, &data).map(|user| Info { user, data }))
}

fn cognito_rules(provider: &Provider) -> Option<IdTokenRules<'_>> {
    let (region, pool) = (provider.text("region")?, provider.text("userPoolId")?);
    let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let keys = format!("{issuer}/.well-known/jwks.json");
    Some(IdTokenRules { max_age: Some(HOUR), ..rules(provider, issuer, keys) })
}

pub(super) static COGNITO: Social = Social {
    id: "cognito",
    needs: &["domain", "region", "userPoolId"],
    check: check_cognito,
    authorize: Of(|provider| at_cognito(provider, "authorize")),
    scopes: &["openid", "profile", "email"],
    pkce: true,
    prompt: Prompt::Option,
    shape: |url, provider| {
        if let Some(identity_provider) = provider.text("identityProvider") {
            first(&mut url.additional, "identity_provider", identity_provider);
        }
    },
    start: Some(start_cognito),
    token: Of(|provider| at_cognito(provider, "token")),
    source: Source::Told(cognito),
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::At("/email_verified")),
    ],
    needs_id_token: true,
    id_tokens: |provider| cognito_rules(provider).map_or(IdTokens::No, IdTokens::Signed),
    ..USUAL
};
