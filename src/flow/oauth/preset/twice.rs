//! Providers that are asked twice who it is.

use serde_json::Value;
use zeroize::Zeroizing;

use super::Asked;
use super::connect::{first, rules};
use super::regular::placeholder_of;
use super::social::Address::Fixed;
use super::social::{Prompt, Secret, Social, Source, USUAL, access_token, ask, bearer};
use super::take::{self, Else, Take, Thrown};
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::input::is_truthy;
use crate::flow::oauth::answer::{at, claims, object, present, truthy};
use crate::flow::oauth::client::Proof;
use crate::flow::oauth::params::Params;
use crate::flow::oauth::{Fetcher, IdTokenRules, IdTokens, Info, Provider, TokenSet};

/// Whose an access token of Facebook is, if it is one of this app: Better Auth's `verifyFacebookAccessToken`. Facebook
/// tells anybody's profile for a token of any app.
fn facebook_user(provider: &Provider, token: &str, fetch: &mut Fetcher<'_>) -> Asked<String> {
    let (Some(id), Some(secret)) = (provider.client_id(), provider.secret()) else { return Ok(None) };
    let app_token = Zeroizing::new(format!("{id}|{secret}"));
    let query = Params::from([("input_token", token), ("access_token", app_token.as_str())]);
    let url = format!("https://graph.facebook.com/debug_token?{}", query.encode());
    let Some(answer) = object(&fetch(Fetch::get(url))?) else { return Ok(None) };
    let app = at(&answer, "/data/app_id").and_then(Value::as_str).unwrap_or_default();
    let is_ours = at(&answer, "/data/is_valid") == Some(&Value::Bool(true))
        && provider.client_ids.iter().any(|known| !app.is_empty() && known == app);
    let user = at(&answer, "/data/user_id").and_then(Value::as_str).filter(|user| !user.is_empty());
    Ok(user.filter(|_| is_ours).map(str::to_owned))
}

fn facebook(provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
    let fields = |image, verified| {
        let (name, email) = (("name", Take::At("/name")), ("email", Take::At("/email")));
        [name, email, ("image", image), ("emailVerified", verified)]
    };
    let id_token = tokens.id_token.as_deref().filter(|token| token.split('.').count() == 3);
    if let Some(token) = id_token {
        let fields = fields(Take::At("/picture"), Take::Fixed(false));
        return Ok(claims(token).and_then(|data| Some(Info { user: take::user(&fields, &data)?, data })));
    }
    let Some(token) = access_token(tokens) else { return Ok(None) };
    let Some(user) = facebook_user(provider, token, fetch)? else { return Ok(None) };
    let mut asked = vec!["id", "name", "email", "picture"];
    asked.extend(provider.texts("fields"));
    let url = format!("https://graph.facebook.com/me?fields={}", asked.join(","));
    let Some(data) = ask(bearer(Fetch::get(url), tokens), fetch)? else { return Ok(None) };
    let image = Take::Of(|profile| match present(profile, "/picture/data") {
        Some(_) => Ok(at(profile, "/picture/data/url").cloned()),
        None => Err(Thrown),
    });
    let fields = fields(image, Take::Present(&["/email_verified"], Else::No));
    let is_same = data.get("id").and_then(Value::as_str) == Some(&user);
    Ok(take::user(&fields, &data).filter(|_| is_same).map(|user| Info { user, data }))
}

fn facebook_rules(provider: &Provider) -> IdTokenRules<'_> {
    let keys = "https://limited.facebook.com/.well-known/oauth/openid/jwks/";
    rules(provider, "https://www.facebook.com", keys)
}

pub(super) static FACEBOOK: Social = Social {
    id: "facebook",
    secret: Secret::ToStart,
    authorize: Fixed("https://www.facebook.com/v24.0/dialog/oauth"),
    scopes: &["email", "public_profile"],
    login_hint: true,
    shape: |url, provider| {
        if let Some(config) = provider.text("configId") {
            first(&mut url.additional, "config_id", config);
        }
    },
    token: Fixed("https://graph.facebook.com/v24.0/oauth/access_token"),
    source: Source::Told(facebook),
    subject: Take::Of(|profile| Ok(at(profile, "/sub").or_else(|| at(profile, "/id")).cloned())),
    id_tokens: |provider| IdTokens::SignedOrOpaque(facebook_rules(provider)),
    // What isn't a JWT proves nothing: the access token beside it is what the profile is asked with, and checked then.
    ask: |_, _, _, _| Ok(true),
    ..USUAL
};

/// The first one that is it: JavaScript's `find`. `None` where that throws, on a null before it.
fn find(emails: &[Value], is: impl Fn(&Value) -> bool) -> Option<Option<&Value>> {
    match emails.iter().find(|email| email.is_null() || is(email)) {
        Some(Value::Null) => None,
        found => Some(found),
    }
}

fn github(_provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
    let get = |url: &str| bearer(Fetch::get(url).with("user-agent", "better-auth".into()), tokens);
    let Some(mut data) = ask(get("https://api.github.com/user"), fetch)? else { return Ok(None) };
    let Some(request) = get("https://api.github.com/user/emails") else { return Ok(None) };
    let emails = match fetch(request)? {
        Fetched::Failed => return Ok(None),
        answer => match answer.ok().map(serde_json::from_str) {
            // Without leave to read them; or falsy.
            None | Some(Ok(Value::Null | Value::Bool(false))) => None,
            Some(Ok(Value::Array(emails))) => Some(emails),
            // JavaScript throws.
            Some(_) => return Ok(None),
        },
    };
    let emails = emails.as_deref();
    if let Some(emails) = emails.filter(|_| truthy(&data, "/email").is_none()) {
        let Some(primary) = find(emails, |email| email.get("primary").is_some_and(is_truthy)) else {
            return Ok(None);
        };
        match primary.or(emails.first()).and_then(|email| email.get("email")) {
            Some(email) => drop(data.insert("email".into(), email.clone())),
            None => drop(data.shift_remove("email")),
        }
    }
    let its = find(emails.unwrap_or_default(), |email| email.get("email") == data.get("email"));
    let Some(its) = its else { return Ok(None) };
    let verified = its.and_then(|email| email.get("verified")).filter(|verified| !verified.is_null());
    let verified = verified.cloned().unwrap_or(false.into());
    let user = take::user(
        &[
            ("name", Take::Or(&["/name", "/login"], Else::Empty)),
            ("email", Take::At("/email")),
            ("image", Take::At("/avatar_url")),
        ],
        &data,
    );
    Ok(user.map(|mut user| {
        user.insert("emailVerified".into(), verified);
        Info { user, data }
    }))
}

pub(super) static GITHUB: Social = Social {
    id: "github",
    authorize: Fixed("https://github.com/login/oauth/authorize"),
    scopes: &["read:user", "user:email"],
    pkce: true,
    login_hint: true,
    prompt: Prompt::Option,
    token: Fixed("https://github.com/login/oauth/access_token"),
    errs_in_success: true,
    source: Source::Told(github),
    subject: Take::At("/id"),
    ..USUAL
};

fn twitter(_provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
    let get =
        |field: &str| bearer(Fetch::get(format!("https://api.x.com/2/users/me?user.fields={field}")), tokens);
    let Some(mut data) = ask(get("profile_image_url"), fetch)? else { return Ok(None) };
    let Some(request) = get("confirmed_email") else { return Ok(None) };
    let answer = fetch(request)?;
    let told = object(&answer);
    let confirmed = told.as_ref().and_then(|told| truthy(told, "/data/confirmed_email")).cloned();
    let is_confirmed = confirmed.is_some();
    let Some(Value::Object(inner)) = data.get_mut("data").filter(|_| answer != Fetched::Failed) else {
        return Ok(None);
    };
    if let Some(email) = confirmed {
        inner.insert("email".into(), email);
    }
    let user = take::user(
        &[
            ("name", Take::At("/data/name")),
            (
                "email",
                Take::Of(|profile| match truthy(profile, "/data/email") {
                    None => placeholder_of(at(profile, "/data/id"), "twitter"),
                    email => Ok(email.cloned()),
                }),
            ),
            ("image", Take::At("/data/profile_image_url")),
        ],
        &data,
    );
    Ok(user.map(|mut user| {
        user.insert("emailVerified".into(), is_confirmed.into());
        Info { user, data }
    }))
}

pub(super) static TWITTER: Social = Social {
    id: "twitter",
    secret: Secret::ToExchange,
    authorize: Fixed("https://x.com/i/oauth2/authorize"),
    scopes: &["users.read", "tweet.read", "offline.access", "users.email"],
    pkce: true,
    token: Fixed("https://api.x.com/2/oauth2/token"),
    proof: |_| Proof::Basic,
    refresh_proof: |_| Proof::Basic,
    source: Source::Told(twitter),
    subject: Take::At("/data/id"),
    ..USUAL
};
