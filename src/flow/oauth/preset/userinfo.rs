//! Providers with a user info endpoint as OpenID Connect has it.

use super::options::check_proof;
use super::regular::placeholder_of;
use super::social::Address::{Fixed, Of};
use super::social::Source::Get;
use super::social::{Prompt, Secret, Social, USUAL};
use super::take::{Else, Take};
use crate::flow::oauth::Provider;
use crate::flow::oauth::answer::at;
use crate::flow::oauth::client::{Method, Proof};

pub(super) static HUGGINGFACE: Social = Social {
    id: "huggingface",
    authorize: Fixed("https://huggingface.co/oauth/authorize"),
    scopes: &["openid", "profile", "email"],
    pkce: true,
    token: Fixed("https://huggingface.co/oauth/token"),
    source: Get(Fixed("https://huggingface.co/oauth/userinfo"), &[]),
    user: &[
        ("name", Take::Or(&["/name", "/preferred_username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
    ],
    ..USUAL
};

pub(super) static LINKEDIN: Social = Social {
    id: "linkedin",
    authorize: Fixed("https://www.linkedin.com/oauth/v2/authorization"),
    scopes: &["profile", "email", "openid"],
    login_hint: true,
    token: Fixed("https://www.linkedin.com/oauth/v2/accessToken"),
    source: Get(Fixed("https://api.linkedin.com/v2/userinfo"), &[]),
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
        ("image", Take::At("/picture")),
    ],
    ..USUAL
};

pub(super) static POLAR: Social = Social {
    id: "polar",
    authorize: Fixed("https://polar.sh/oauth2/authorize"),
    scopes: &["openid", "profile", "email"],
    pkce: true,
    prompt: Prompt::Option,
    token: Fixed("https://api.polar.sh/v1/oauth2/token"),
    source: Get(Fixed("https://api.polar.sh/v1/oauth2/userinfo"), &[]),
    user: &[
        ("name", Take::Or(&["/public_name", "/username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/avatar_url")),
        ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static RAILWAY: Social = Social {
    id: "railway",
    secret: Secret::ToExchange,
    authorize: Fixed("https://backboard.railway.com/oauth/auth"),
    scopes: &["openid", "email", "profile"],
    pkce: true,
    token: Fixed("https://backboard.railway.com/oauth/token"),
    proof: |_| Proof::Basic,
    refresh_proof: |_| Proof::Basic,
    source: Get(Fixed("https://backboard.railway.com/oauth/me"), &[]),
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::Fixed(false)),
    ],
    ..USUAL
};

pub(super) static ROBLOX: Social = Social {
    id: "roblox",
    authorize: Fixed("https://apis.roblox.com/oauth/v1/authorize"),
    scopes: &["openid", "profile"],
    prompt: Prompt::Or("select_account consent"),
    token: Fixed("https://apis.roblox.com/oauth/v1/token"),
    source: Get(Fixed("https://apis.roblox.com/oauth/v1/userinfo"), &[]),
    user: &[
        ("name", Take::Or(&["/nickname", "/preferred_username"], Else::Empty)),
        ("image", Take::At("/picture")),
        ("email", Take::Of(|profile| placeholder_of(at(profile, "/sub"), "roblox"))),
        ("emailVerified", Take::Fixed(false)),
    ],
    ..USUAL
};

fn at_salesforce(provider: &Provider, path: &str) -> String {
    let host = match (provider.text("loginUrl"), provider.text("environment")) {
        (Some(host), _) => host,
        (None, Some("sandbox")) => "test.salesforce.com",
        (None, _) => "login.salesforce.com",
    };
    format!("https://{host}/services/oauth2/{path}")
}

pub(super) static SALESFORCE: Social = Social {
    id: "salesforce",
    secret: Secret::ToStart,
    authorize: Of(|provider| at_salesforce(provider, "authorize")),
    scopes: &["openid", "email", "profile"],
    pkce: true,
    token: Of(|provider| at_salesforce(provider, "token")),
    source: Get(Of(|provider| at_salesforce(provider, "userinfo")), &[]),
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::Or(&["/photos/picture", "/photos/thumbnail"], Else::Last)),
        ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
    ],
    subject: Take::At("/user_id"),
    ..USUAL
};

pub(super) static SLACK: Social = Social {
    id: "slack",
    authorize: Fixed("https://slack.com/openid/connect/authorize"),
    scopes: &["openid", "profile", "email"],
    asked_first: true,
    token: Fixed("https://slack.com/api/openid.connect.token"),
    source: Get(Fixed("https://slack.com/api/openid.connect.userInfo"), &[]),
    user: &[
        ("name", Take::Or(&["/name"], Else::Empty)),
        ("email", Take::At("/email")),
        ("emailVerified", Take::At("/email_verified")),
        ("image", Take::Or(&["/picture", "/https:~1~1slack.com~1user_image_512"], Else::Last)),
    ],
    subject: Take::At("/https:~1~1slack.com~1user_id"),
    ..USUAL
};

fn vercel_proof(provider: &Provider) -> Proof<'_> {
    Method::chosen(provider).map_or(Proof::Usual, Proof::Chosen)
}

pub(super) static VERCEL: Social = Social {
    id: "vercel",
    check: |provider| check_proof(provider, vercel_proof(provider)),
    authorize: Fixed("https://vercel.com/oauth/authorize"),
    pkce: true,
    token: Fixed("https://api.vercel.com/login/oauth/token"),
    proof: vercel_proof,
    refreshes: false,
    source: Get(Fixed("https://api.vercel.com/login/oauth/userinfo"), &[]),
    user: &[
        ("name", Take::Present(&["/name", "/preferred_username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::Present(&["/email_verified"], Else::No)),
    ],
    ..USUAL
};
