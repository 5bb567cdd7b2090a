//! Better Auth's helpers of `genericOAuth`.

use serde_json::{Map, Value};
use std::borrow::Cow;
use url::Url;

use super::Asked;
use super::connect::line;
use super::generic::{Generic, UNKNOWN, set};
use super::options::wrong;
use super::social::{access_token, ask, bearer};
use super::take::{self, Else, Take, Thrown};
use crate::error::AuthError;
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::input::js_string;
use crate::flow::oauth::answer::{at, claims, object, placeholder, present, truthy};
use crate::flow::oauth::{Fetcher, Provider, TokenSet};

const OPENID: &[&str] = &["openid", "profile", "email"];
const DISCOVERY: &str = ".well-known/openid-configuration";

fn host(provider: &Provider) -> Option<String> {
    let domain = provider.text("domain")?;
    let has_scheme = domain.starts_with("http://") || domain.starts_with("https://");
    let url = if has_scheme { Url::parse(domain) } else { Url::parse(&format!("https://{domain}")) }.ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

pub(super) static AUTH0: Generic = Generic {
    id: "auth0",
    needs: &["domain"],
    discovery_url: |provider| Some(format!("https://{}/{DISCOVERY}", host(provider)?)),
    scopes: OPENID,
    ..UNKNOWN
};

fn at_issuer(provider: &Provider) -> Option<String> {
    let issuer = provider.text("issuer")?;
    Some(format!("{}/{DISCOVERY}", issuer.strip_suffix('/').unwrap_or(issuer)))
}

pub(super) static KEYCLOAK: Generic =
    Generic { id: "keycloak", needs: &["issuer"], discovery_url: at_issuer, scopes: OPENID, ..UNKNOWN };

pub(super) static OKTA: Generic =
    Generic { id: "okta", needs: &["issuer"], discovery_url: at_issuer, scopes: OPENID, ..UNKNOWN };

/// A profile as a helper tells it, out of an answer.
fn told(fields: &[(&'static str, Take)], answer: Option<Map<String, Value>>) -> Option<Map<String, Value>> {
    take::user(fields, &answer?)
}

pub(super) static GUMROAD: Generic = Generic {
    id: "gumroad",
    authorize: |_| Some("https://gumroad.com/oauth/authorize".into()),
    token: |_| Some("https://api.gumroad.com/oauth/token".into()),
    scopes: &["view_profile"],
    tell: Some(|_, tokens, fetch| {
        let answer = ask(bearer(Fetch::get("https://api.gumroad.com/v2/user"), tokens), fetch)?;
        let is_good = |answer: &Map<_, _>| {
            truthy(answer, "/success").and(at(answer, "/user")).is_some_and(Value::is_object)
        };
        let fields = [
            ("id", Take::At("/user/user_id")),
            ("name", Take::At("/user/name")),
            ("email", Take::At("/user/email")),
            ("image", Take::At("/user/profile_url")),
            ("emailVerified", Take::Fixed(false)),
        ];
        Ok(told(&fields, answer.filter(is_good)))
    }),
    subject: Some("/id"),
    ..UNKNOWN
};

pub(super) static HUBSPOT: Generic = Generic {
    id: "hubspot",
    authorize: |_| Some("https://app.hubspot.com/oauth/authorize".into()),
    token: |_| Some("https://api.hubapi.com/oauth/v1/token".into()),
    scopes: &["oauth"],
    tell: Some(|_, tokens, fetch| {
        // What would be more than a part of the path isn't sent.
        let is_part = |token: &&str| !token.contains(['/', '?', '#', ':']) && !matches!(*token, "." | "..");
        let token = access_token(tokens).filter(is_part);
        let request =
            token.map(|token| Fetch::get(format!("https://api.hubapi.com/oauth/v1/access-tokens/{token}")));
        let request = request.map(|request| request.with("content-type", "application/json".into()));
        let answer = ask(request, fetch)?;
        let fields = [
            ("id", Take::Present(&["/user_id", "/signed_access_token/userId"], Else::Last)),
            ("name", Take::At("/user")),
            ("email", Take::At("/user")),
            ("emailVerified", Take::Fixed(false)),
        ];
        Ok(told(&fields, answer).filter(|profile| truthy(profile, "/id").is_some()))
    }),
    subject: Some("/id"),
    ..UNKNOWN
};

pub(super) static PATREON: Generic = Generic {
    id: "patreon",
    authorize: |_| Some("https://www.patreon.com/oauth2/authorize".into()),
    token: |_| Some("https://www.patreon.com/api/oauth2/token".into()),
    scopes: &["identity[email]"],
    tell: Some(|_, tokens, fetch| {
        let url = "https://www.patreon.com/api/oauth2/v2/identity?fields[user]=email,full_name,image_url,is_email_verified";
        let answer = ask(bearer(Fetch::get(url), tokens), fetch)?;
        let fields = [
            ("id", Take::At("/data/id")),
            ("name", Take::At("/data/attributes/full_name")),
            ("email", Take::At("/data/attributes/email")),
            ("image", Take::At("/data/attributes/image_url")),
            ("emailVerified", Take::At("/data/attributes/is_email_verified")),
        ];
        let is_good = |answer: &Map<_, _>| present(answer, "/data/attributes").is_some();
        Ok(told(&fields, answer.filter(is_good)))
    }),
    subject: Some("/id"),
    ..UNKNOWN
};

pub(super) static YANDEX: Generic = Generic {
    id: "yandex",
    authorize: |_| Some("https://oauth.yandex.com/authorize".into()),
    token: |_| Some("https://oauth.yandex.com/token".into()),
    scopes: &["login:info", "login:email", "login:avatar"],
    tell: Some(|_, tokens, fetch| {
        let request = access_token(tokens).map(|token| {
            let request = Fetch::get("https://login.yandex.ru/info?format=json");
            request.with("authorization", format!("OAuth {token}"))
        });
        let answer = ask(request, fetch)?;
        let names = &["/display_name", "/real_name", "/first_name", "/login"];
        let fields = [
            ("id", Take::At("/id")),
            ("name", Take::Present(names, Else::Last)),
            ("email", Take::Present(&["/default_email", "/emails/0"], Else::Last)),
            ("emailVerified", Take::Fixed(false)),
            (
                "image",
                Take::Of(|answer| {
                    let picture = truthy(answer, "/default_avatar_id")
                        .filter(|_| truthy(answer, "/is_avatar_empty").is_none());
                    let Some(picture) = picture else { return Ok(None) };
                    let picture = js_string(picture).ok_or(Thrown)?;
                    Ok(Some(format!("https://avatars.yandex.net/get-yapic/{picture}/islands-200").into()))
                }),
            ),
        ];
        Ok(told(&fields, answer).filter(|profile| truthy(profile, "/email").is_some()))
    }),
    subject: Some("/id"),
    ..UNKNOWN
};

/// The helper of that name, which takes another subject than the provider built in.
pub(super) static SLACK: Generic = Generic {
    id: "generic/slack",
    authorize: |_| Some("https://slack.com/openid/connect/authorize".into()),
    token: |_| Some("https://slack.com/api/openid.connect.token".into()),
    scopes: OPENID,
    tell: Some(|_, tokens, fetch| {
        let request = bearer(Fetch::get("https://slack.com/api/openid.connect.userInfo"), tokens);
        let answer = ask(request, fetch)?;
        let images = &["/picture", "/https:~1~1slack.com~1user_image_512"];
        let fields = [
            ("sub", Take::At("/sub")),
            ("name", Take::At("/name")),
            ("email", Take::At("/email")),
            ("image", Take::Present(images, Else::Last)),
            ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
        ];
        Ok(told(&fields, answer))
    }),
    subject: Some("/sub"),
    ..UNKNOWN
};

/// The helper of that name, for more than one channel.
pub(super) static LINE: Generic = Generic {
    id: "generic/line",
    authorize: |_| Some("https://access.line.me/oauth2/v2.1/authorize".into()),
    token: |_| Some("https://api.line.me/oauth2/v2.1/token".into()),
    scopes: OPENID,
    tell: Some(|provider, tokens, fetch| {
        let fields = [
            ("sub", Take::At("/sub")),
            ("name", Take::At("/name")),
            ("email", Take::At("/email")),
            ("image", Take::At("/picture")),
            ("emailVerified", Take::Fixed(false)),
        ];
        Ok(told(&fields, line(provider, tokens, fetch)?))
    }),
    subject: Some("/sub"),
    ..UNKNOWN
};

/// The tenant's id: a UUID.
fn tenant(provider: &Provider) -> Option<String> {
    let tenant = provider.text("tenantId")?.to_ascii_lowercase();
    let lengths = tenant.split('-').map(str::len);
    let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    (tenant.bytes().all(is_hex) && lengths.eq([8, 4, 4, 4, 12])).then_some(tenant)
}

fn at_tenant(provider: &Provider, path: &str) -> Option<String> {
    Some(format!("https://login.microsoftonline.com/{}/{path}", tenant(provider)?))
}

fn check_tenant(provider: &Provider) -> Result<(), AuthError> {
    match tenant(provider) {
        Some(_) => Ok(()),
        None => Err(wrong(
            provider,
            "needs a tenant's UUID as its option tenantId; the provider microsoft is for others",
        )),
    }
}

fn microsoft_name(profile: &Map<String, Value>) -> Option<Value> {
    if let Some(name) = present(profile, "/name") {
        return Some(name.clone());
    }
    let part = |one, other| match present(profile, one).or_else(|| present(profile, other)) {
        Some(part) => js_string(part),
        None => Some(String::new()),
    };
    let name = format!(
        "{} {}",
        part("/given_name", "/givenname").unwrap_or_default(),
        part("/family_name", "/familyname").unwrap_or_default()
    );
    Some(name.trim()).filter(|name| !name.is_empty()).map(Value::from)
}

fn microsoft(_provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Map<String, Value>> {
    let Some(claims) = tokens.id_token.as_deref().and_then(claims) else { return Ok(None) };
    let object_id = claims.get("oid").filter(|id| id.as_str().is_some_and(|id| !id.trim().is_empty()));
    let Some(object_id) = object_id else { return Ok(None) };
    let request = bearer(Fetch::get("https://graph.microsoft.com/oidc/userinfo"), tokens);
    let profile = match request.map(&mut *fetch).transpose()? {
        Some(Fetched::Failed) => return Ok(None),
        answer => answer.as_ref().and_then(object),
    };
    let is_same = |profile: &Map<String, Value>| {
        claims.get("sub").is_some_and(|subject| subject.is_string() && profile.get("sub") == Some(subject))
    };
    // Of the endpoint what the token doesn't say.
    let profile = profile.filter(is_same).unwrap_or_default();
    let either = |place| present(&claims, place).or_else(|| present(&profile, place)).cloned();
    let email = either("/email");
    let has_email = match profile.is_empty() {
        true => truthy(&claims, "/email").is_some(),
        false => email.is_some(),
    };
    let verified = either("/email_verified").filter(|_| has_email).unwrap_or(false.into());
    let name = microsoft_name(&claims).or_else(|| microsoft_name(&profile));
    let image = either("/picture").or_else(|| {
        let last = if profile.is_empty() { &claims } else { &profile };
        at(last, "/picture").cloned()
    });
    let email = match email {
        Some(email) => email,
        None => match placeholder(Some(object_id), "microsoft-entra-id") {
            Some(email) => email.into(),
            None => return Ok(None),
        },
    };
    let mut told = profile.clone();
    told.extend(claims.clone());
    set(&mut told, "name", name);
    set(&mut told, "email", Some(email));
    set(&mut told, "image", image);
    set(&mut told, "emailVerified", Some(verified));
    Ok(Some(told))
}

/// The helper `microsoftEntraId`: one tenant.
pub(super) static MICROSOFT_ENTRA_ID: Generic = Generic {
    id: "microsoft-entra-id",
    check: check_tenant,
    discovery_url: |provider| at_tenant(provider, &format!("v2.0/{DISCOVERY}")),
    authorize: |provider| at_tenant(provider, "oauth2/v2.0/authorize").map(Cow::from),
    token: |provider| at_tenant(provider, "oauth2/v2.0/token").map(Cow::from),
    scopes: OPENID,
    verifies: true,
    tell: Some(microsoft),
    subject: Some("/oid"),
    ..UNKNOWN
};
