//! Providers that are asked who it is by one GET with the access token.

use serde_json::Value;

use super::options::check_proof;
use super::social::Address::{Fixed, Of};
use super::social::Source::Get;
use super::social::{Prompt, Secret, Social, USUAL};
use super::take::{Else, Take, Taken, Thrown};
use crate::flow::input::js_string;
use crate::flow::oauth::Provider;
use crate::flow::oauth::answer::{at, placeholder, present, truthy};
use crate::flow::oauth::client::{Method, Proof};

pub(super) static ATLASSIAN: Social = Social {
    id: "atlassian",
    secret: Secret::ToStart,
    authorize: Fixed("https://auth.atlassian.com/authorize"),
    scopes: &["read:jira-user", "offline_access"],
    pkce: true,
    prompt: Prompt::Option,
    shape: |url, _| drop(url.additional.insert("audience".into(), "api.atlassian.com".into())),
    token: Fixed("https://auth.atlassian.com/oauth/token"),
    source: Get(Fixed("https://api.atlassian.com/me"), &[]),
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/account_id"),
    ..USUAL
};

fn cloudflare_proof(provider: &Provider) -> Proof<'_> {
    Proof::Chosen(Method::chosen(provider).unwrap_or_else(|| {
        match (provider.text("tokenEndpointAuthMethod"), provider.secret()) {
            (Some("client_secret_basic"), _) | (None, Some(_)) => Method::Basic,
            (Some("none"), _) | (None, None) => Method::None,
            (Some(_), _) => Method::Post,
        }
    }))
}

pub(super) static CLOUDFLARE: Social = Social {
    id: "cloudflare",
    check: |provider| check_proof(provider, cloudflare_proof(provider)),
    authorize: Fixed("https://dash.cloudflare.com/oauth2/auth"),
    scopes: &["user-details.read"],
    pkce: true,
    shape: |url, _| {
        let mut known = std::collections::HashSet::new();
        url.scopes.retain(|scope| known.insert(*scope));
        url.additional.clear();
    },
    token: Fixed("https://dash.cloudflare.com/oauth2/token"),
    proof: cloudflare_proof,
    refresh_proof: cloudflare_proof,
    source: Get(Fixed("https://api.cloudflare.com/client/v4/user"), &[]),
    accept: |_, answer| truthy(answer, "/success").is_some(),
    within: "/result",
    user: &[
        (
            "name",
            Take::Of(|profile| {
                let parts =
                    ["/first_name", "/last_name"].into_iter().filter_map(|name| truthy(profile, name));
                let name = parts.filter_map(js_string).collect::<Vec<_>>().join(" ");
                Ok(if name.is_empty() { at(profile, "/email").cloned() } else { Some(name.into()) })
            }),
        ),
        ("email", Take::At("/email")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static FIGMA: Social = Social {
    id: "figma",
    secret: Secret::ToStart,
    authorize: Fixed("https://www.figma.com/oauth"),
    scopes: &["current_user:read"],
    pkce: true,
    token: Fixed("https://api.figma.com/v1/oauth/token"),
    proof: |_| Proof::Basic,
    refresh_proof: |_| Proof::Basic,
    source: Get(Fixed("https://api.figma.com/v1/me"), &[]),
    user: &[
        ("name", Take::At("/handle")),
        ("email", Take::At("/email")),
        ("image", Take::At("/img_url")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

/// A path at the option `issuer`, without double slashes.
fn at_gitlab(provider: &Provider, path: &str) -> String {
    let url = format!("{}{path}", provider.text("issuer").unwrap_or("https://gitlab.com"));
    let clean = |part: &str| {
        let mut part = part.to_owned();
        while part.contains("//") {
            part = part.replace("//", "/");
        }
        part
    };
    url.split("://").map(clean).collect::<Vec<_>>().join("://")
}

pub(super) static GITLAB: Social = Social {
    id: "gitlab",
    authorize: Of(|provider| at_gitlab(provider, "/oauth/authorize")),
    scopes: &["read_user"],
    pkce: true,
    login_hint: true,
    token: Of(|provider| at_gitlab(provider, "/oauth/token")),
    source: Get(Of(|provider| at_gitlab(provider, "/api/v4/user")), &[]),
    accept: |_, profile| {
        at(profile, "/state").and_then(Value::as_str) == Some("active")
            && truthy(profile, "/locked").is_none()
    },
    user: &[
        ("name", Take::Present(&["/name", "/username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/avatar_url")),
        ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static KAKAO: Social = Social {
    id: "kakao",
    authorize: Fixed("https://kauth.kakao.com/oauth/authorize"),
    scopes: &["account_email", "profile_image", "profile_nickname"],
    login_hint: true,
    token: Fixed("https://kauth.kakao.com/oauth/token"),
    source: Get(Fixed("https://kapi.kakao.com/v2/user/me"), &[]),
    user: &[
        ("name", Take::Or(&["/kakao_account/profile/nickname", "/kakao_account/name"], Else::Empty)),
        ("email", Take::At("/kakao_account/email")),
        (
            "image",
            Take::Or(
                &["/kakao_account/profile/profile_image_url", "/kakao_account/profile/thumbnail_image_url"],
                Else::Last,
            ),
        ),
        ("emailVerified", Take::All(&["/kakao_account/is_email_valid", "/kakao_account/is_email_verified"])),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static KICK: Social = Social {
    id: "kick",
    authorize: Fixed("https://id.kick.com/oauth/authorize"),
    scopes: &["user:read"],
    pkce: true,
    token: Fixed("https://id.kick.com/oauth/token"),
    source: Get(Fixed("https://api.kick.com/public/v1/users"), &[]),
    within: "/data/0",
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/profile_picture")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/user_id"),
    ..USUAL
};

pub(super) static NAVER: Social = Social {
    id: "naver",
    authorize: Fixed("https://nid.naver.com/oauth2.0/authorize"),
    scopes: &["profile", "email"],
    token: Fixed("https://nid.naver.com/oauth2.0/token"),
    source: Get(Fixed("https://openapi.naver.com/v1/nid/me"), &[]),
    accept: |_, profile| at(profile, "/resultcode").and_then(Value::as_str) == Some("00"),
    user: &[
        ("name", Take::Or(&["/response/name", "/response/nickname"], Else::Empty)),
        ("email", Take::At("/response/email")),
        ("image", Take::At("/response/profile_image")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/response/id"),
    ..USUAL
};

pub(super) static NOTION: Social = Social {
    id: "notion",
    secret: Secret::ToExchange,
    authorize: Fixed("https://api.notion.com/v1/oauth/authorize"),
    login_hint: true,
    shape: |url, _| drop(url.additional.insert("owner".into(), "user".into())),
    token: Fixed("https://api.notion.com/v1/oauth/token"),
    proof: |_| Proof::Basic,
    source: Get(Fixed("https://api.notion.com/v1/users/me"), &[("notion-version", "2022-06-28")]),
    within: "/bot/owner/user",
    user: &[
        ("name", Take::Or(&["/name"], Else::Empty)),
        (
            "email",
            Take::Of(|profile| Ok(Some(truthy(profile, "/person/email").cloned().unwrap_or_default()))),
        ),
        ("image", Take::At("/avatar_url")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) fn placeholder_of(identifier: Option<&Value>, namespace: &str) -> Taken {
    placeholder(identifier, namespace).map(|email| Some(email.into())).ok_or(Thrown)
}

pub(super) static REDDIT: Social = Social {
    id: "reddit",
    secret: Secret::ToExchange,
    authorize: Fixed("https://www.reddit.com/api/v1/authorize"),
    scopes: &["identity"],
    shape: |url, provider| url.duration = provider.text("duration"),
    token: Fixed("https://www.reddit.com/api/v1/access_token"),
    client_key: false,
    code_headers: &[("accept", "text/plain"), ("user-agent", "better-auth")],
    proof: |_| Proof::Basic,
    refresh_proof: |_| Proof::Basic,
    source: Get(Fixed("https://oauth.reddit.com/api/v1/me"), &[("user-agent", "better-auth")]),
    user: &[
        ("name", Take::At("/name")),
        (
            "image",
            Take::Of(|profile| match present(profile, "/icon_img") {
                None => Ok(None),
                Some(Value::String(url)) => Ok(url.split('?').next().map(Value::from)),
                Some(_) => Err(Thrown),
            }),
        ),
        ("email", Take::Of(|profile| placeholder_of(at(profile, "/id"), "reddit"))),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static SPOTIFY: Social = Social {
    id: "spotify",
    authorize: Fixed("https://accounts.spotify.com/authorize"),
    scopes: &["user-read-email"],
    pkce: true,
    token: Fixed("https://accounts.spotify.com/api/token"),
    source: Get(Fixed("https://api.spotify.com/v1/me"), &[]),
    user: &[
        ("name", Take::At("/display_name")),
        ("email", Take::At("/email")),
        (
            "image",
            Take::Of(|profile| match present(profile, "/images") {
                Some(_) => Ok(at(profile, "/images/0/url").cloned()),
                None => Err(Thrown),
            }),
        ),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static ZOOM: Social = Social {
    id: "zoom",
    authorize: Fixed("https://zoom.us/oauth/authorize"),
    pkce: true,
    shape: |url, provider| {
        url.scopes.clear();
        if provider.options.get("pkce") == Some(&Value::Bool(false)) {
            url.code_verifier = None;
        }
    },
    token: Fixed("https://zoom.us/oauth/token"),
    source: Get(Fixed("https://api.zoom.us/v2/users/me"), &[]),
    user: &[
        ("name", Take::At("/display_name")),
        ("image", Take::At("/pic_url")),
        ("email", Take::At("/email")),
        ("emailVerified", Take::All(&["/verified"])),
    ],
    subject: Take::At("/id"),
    ..USUAL
};
