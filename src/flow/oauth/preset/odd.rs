//! Providers that have ways of their own.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Asked;
use super::connect::first;
use super::regular::placeholder_of;
use super::social::Address::{Fixed, Of};
use super::social::{Prompt, Secret, Social, Source, USUAL, access_token, ask, bearer};
use super::take::{Else, Take, Taken, Thrown};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::input::js_string;
use crate::flow::oauth::answer::{at, claims, object, placeholder, present, shown, truthy};
use crate::flow::oauth::authorization::add;
use crate::flow::oauth::client::Proof;
use crate::flow::oauth::params::Params;
use crate::flow::oauth::token::{seconds, text};
use crate::flow::oauth::{Fetcher, Grant, Info, Provider, Start, TokenSet};

/// The address of a picture at Discord; `None` where JavaScript throws.
fn discord_image(profile: &Map<String, Value>) -> Option<String> {
    let avatar = match at(profile, "/avatar") {
        Some(Value::Null) => {
            let discriminator = at(profile, "/discriminator");
            let number = if discriminator.and_then(Value::as_str) == Some("0") {
                let id = js_string(at(profile, "/id")?)?;
                let id: u128 = if id.is_empty() { 0 } else { id.parse().ok()? };
                ((id >> 22) % 6).to_string()
            } else {
                let text = shown(discriminator)?;
                let text = text.trim_start();
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                text[..digits].parse::<u64>().map_or_else(|_| "NaN".into(), |number| (number % 5).to_string())
            };
            return Some(format!("https://cdn.discordapp.com/embed/avatars/{number}.png"));
        }
        avatar => avatar?.as_str()?,
    };
    let format = if avatar.starts_with("a_") { "gif" } else { "png" };
    Some(format!("https://cdn.discordapp.com/avatars/{}/{avatar}.{format}", shown(at(profile, "/id"))?))
}

fn discord(_provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Map<String, Value>> {
    let profile = ask(bearer(Fetch::get("https://discord.com/api/users/@me"), tokens), fetch)?;
    Ok(profile.and_then(|mut profile| {
        let image = discord_image(&profile)?;
        profile.insert("image_url".into(), image.into());
        Some(profile)
    }))
}

pub(super) static DISCORD: Social = Social {
    id: "discord",
    authorize: Fixed("https://discord.com/api/oauth2/authorize"),
    scopes: &["identify", "email"],
    asked_first: true,
    prompt: Prompt::Or("none"),
    shape: |url, provider| {
        let permissions = provider.options.get("permissions").and_then(js_string);
        if let Some(permissions) = permissions.filter(|_| url.scopes.contains(&"bot")) {
            first(&mut url.additional, "permissions", &permissions);
        }
    },
    token: Fixed("https://discord.com/api/oauth2/token"),
    source: Source::Own(discord),
    user: &[
        ("name", Take::Or(&["/global_name", "/username"], Else::Empty)),
        ("email", Take::At("/email")),
        ("emailVerified", Take::At("/verified")),
        ("image", Take::At("/image_url")),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

pub(super) static DROPBOX: Social = Social {
    id: "dropbox",
    authorize: Fixed("https://www.dropbox.com/oauth2/authorize"),
    scopes: &["account_info.read"],
    pkce: true,
    shape: |url, provider| {
        if let Some(access_type) = provider.text("accessType") {
            first(&mut url.additional, "token_access_type", access_type);
        }
    },
    token: Fixed("https://api.dropboxapi.com/oauth2/token"),
    source: Source::Own(|_, tokens, fetch| {
        let request = Fetch::get("https://api.dropboxapi.com/2/users/get_current_account");
        ask(bearer(Fetch { method: "POST", ..request }, tokens), fetch)
    }),
    user: &[
        ("name", Take::At("/name/display_name")),
        ("email", Take::At("/email")),
        ("emailVerified", Take::Or(&["/email_verified"], Else::No)),
        ("image", Take::At("/profile_photo_url")),
    ],
    subject: Take::At("/account_id"),
    ..USUAL
};

/// As Better Auth writes it, white space and all.
const LINEAR_QUERY: &str = "\n\t\t\t\t\t\t\tquery {\n\t\t\t\t\t\t\t\tviewer {\n\t\t\t\t\t\t\t\t\tid\n\t\t\t\t\t\t\t\t\tname\n\t\t\t\t\t\t\t\t\temail\n\t\t\t\t\t\t\t\t\tavatarUrl\n\t\t\t\t\t\t\t\t\tactive\n\t\t\t\t\t\t\t\t\tcreatedAt\n\t\t\t\t\t\t\t\t\tupdatedAt\n\t\t\t\t\t\t\t\t}\n\t\t\t\t\t\t\t}\n\t\t\t\t\t\t";

pub(super) static LINEAR: Social = Social {
    id: "linear",
    authorize: Fixed("https://linear.app/oauth/authorize"),
    scopes: &["read"],
    login_hint: true,
    token: Fixed("https://api.linear.app/oauth/token"),
    source: Source::Own(|_, tokens, fetch| {
        let body = json!({ "query": LINEAR_QUERY }).to_string();
        ask(bearer(Fetch::post("https://api.linear.app/graphql", "application/json", body), tokens), fetch)
    }),
    within: "/data/viewer",
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/avatarUrl")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/id"),
    ..USUAL
};

/// `sandbox` unless the option `environment` says otherwise.
fn at_paypal(provider: &Provider, live: &str, sandbox: &str) -> String {
    let is_sandbox = provider.text("environment").is_none_or(|environment| environment == "sandbox");
    if is_sandbox { sandbox } else { live }.into()
}

fn paypal(provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Map<String, Value>> {
    let url = at_paypal(
        provider,
        "https://api-m.paypal.com/v1/identity/oauth2/userinfo?schema=paypalv1.1",
        "https://api-m.sandbox.paypal.com/v1/identity/oauth2/userinfo?schema=paypalv1.1",
    );
    let request = bearer(Fetch::get(url).with("accept", "application/json".into()), tokens);
    let Some(profile) = ask(request, fetch)? else { return Ok(None) };
    if let Some(token) = tokens.id_token.as_deref().filter(|token| !token.is_empty()) {
        let claims = claims(token).unwrap_or_default();
        let told = present(&profile, "/sub").or_else(|| at(&profile, "/user_id"));
        if told.is_none() || truthy(&claims, "/sub") != told {
            return Ok(None);
        }
    }
    Ok(Some(profile))
}

pub(super) static PAYPAL: Social = Social {
    id: "paypal",
    secret: Secret::ToStart,
    authorize: Of(|provider| {
        let live = "https://www.paypal.com/signin/authorize";
        at_paypal(provider, live, "https://www.sandbox.paypal.com/signin/authorize")
    }),
    pkce: true,
    prompt: Prompt::Option,
    // What is asked for is set up at PayPal.
    shape: |url, _| url.scopes.clear(),
    token: Of(|provider| {
        let live = "https://api-m.paypal.com/v1/oauth2/token";
        at_paypal(provider, live, "https://api-m.sandbox.paypal.com/v1/oauth2/token")
    }),
    client_key: false,
    proof: |_| Proof::Basic,
    refresh_proof: |_| Proof::Basic,
    source: Source::Own(paypal),
    user: &[
        ("name", Take::At("/name")),
        ("email", Take::At("/email")),
        ("image", Take::At("/picture")),
        ("emailVerified", Take::At("/email_verified")),
    ],
    subject: Take::At("/user_id"),
    ..USUAL
};

/// A URL with these parameters, and then those that are said additionally.
fn with(endpoint: &str, mut params: Params, additional: &Map<String, Value>, own: &str) -> String {
    add(&mut params, additional, &[own]);
    format!("{endpoint}?{}", params.encode())
}

fn start_tiktok(provider: &Provider, start: &Start<'_>) -> Result<String, AuthError> {
    let Some(key) = provider.text("clientKey") else {
        return Err(AuthError::Setup("the OAuth provider tiktok needs the option clientKey".into()));
    };
    let params = Params::from([
        ("scope", TIKTOK.scopes_of(provider, start.scopes).join(",").as_str()),
        ("response_type", "code"),
        ("client_key", key),
        ("redirect_uri", provider.text("redirectURI").unwrap_or(start.redirect_uri)),
        ("state", start.state),
    ]);
    Ok(with("https://www.tiktok.com/v2/auth/authorize", params, start.additional_params, "client_key"))
}

pub(super) static TIKTOK: Social = Social {
    id: "tiktok",
    secret: Secret::ToExchange,
    needs: &["clientKey"],
    scopes: &["user.info.profile"],
    start: Some(start_tiktok),
    token: Fixed("https://open.tiktokapis.com/v2/oauth/token/"),
    client_key: false,
    late_verifier: true,
    proof: |provider| Proof::ClientKey(provider.text("clientKey")),
    refresh_proof: |provider| Proof::ClientKey(provider.text("clientKey")),
    source: Source::Get(
        Fixed(
            "https://open.tiktokapis.com/v2/user/info/?fields=open_id,avatar_large_url,display_name,username",
        ),
        &[],
    ),
    user: &[
        (
            "email",
            Take::Of(|profile| match (present(profile, "/data/user"), truthy(profile, "/data/user/email")) {
                (None, _) => Err(Thrown),
                (_, None) => placeholder_of(at(profile, "/data/user/open_id"), "tiktok"),
                (_, email) => Ok(email.cloned()),
            }),
        ),
        ("name", Take::Or(&["/data/user/display_name", "/data/user/username"], Else::Empty)),
        ("image", Take::At("/data/user/avatar_large_url")),
        ("emailVerified", Take::Fixed(false)),
    ],
    subject: Take::At("/data/user/open_id"),
    ..USUAL
};

fn vk(provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Map<String, Value>> {
    let (Some(token), Some(id)) = (tokens.access_token.as_ref(), provider.client_id()) else {
        return Ok(None);
    };
    let form = Params::from([("access_token", token.as_str()), ("client_id", id)]).encode();
    let url = "https://id.vk.com/oauth2/user_info";
    let request = Fetch::post(url, "application/x-www-form-urlencoded", form);
    ask(Some(request).filter(|_| !token.is_empty()), fetch)
}

fn vk_name(profile: &Map<String, Value>) -> Taken {
    let part = |place| shown(at(profile, place)).ok_or(Thrown);
    Ok(Some(format!("{} {}", part("/user/first_name")?, part("/user/last_name")?).into()))
}

pub(super) static VK: Social = Social {
    id: "vk",
    authorize: Fixed("https://id.vk.com/authorize"),
    scopes: &["email", "phone"],
    pkce: true,
    device: true,
    token: Fixed("https://id.vk.com/oauth2/auth"),
    source: Source::Own(vk),
    // Without an email too, where Better Auth stops: the DBA's function may give one.
    accept: |_, profile| present(profile, "/user").is_some(),
    user: &[
        ("first_name", Take::At("/user/first_name")),
        ("last_name", Take::At("/user/last_name")),
        ("email", Take::At("/user/email")),
        ("image", Take::At("/user/avatar")),
        ("emailVerified", Take::Fixed(false)),
        ("birthday", Take::At("/user/birthday")),
        ("sex", Take::At("/user/sex")),
        ("name", Take::Of(vk_name)),
    ],
    subject: Take::At("/user/user_id"),
    ..USUAL
};

fn start_wechat(provider: &Provider, start: &Start<'_>) -> Result<String, AuthError> {
    let params = Params::from([
        ("scope", WECHAT.scopes_of(provider, start.scopes).join(",").as_str()),
        ("response_type", "code"),
        ("appid", provider.client_id().unwrap_or_default()),
        ("redirect_uri", provider.text("redirectURI").unwrap_or(start.redirect_uri)),
        ("state", start.state),
        ("lang", provider.text("lang").unwrap_or("cn")),
    ]);
    let url = with("https://open.weixin.qq.com/connect/qrconnect", params, start.additional_params, "appid");
    Ok(url + "#wechat_redirect")
}

/// Tokens by a GET, of which WeChat tells the account beside them.
fn wechat_tokens(path: &str, params: &Params, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
    let url = format!("https://api.weixin.qq.com/sns/oauth2/{path}?{}", params.encode());
    let Some(raw) = object(&fetch(Fetch::get(url))?) else { return Ok(None) };
    let scope = raw.get("scope").and_then(Value::as_str);
    let Some(scope) = scope.filter(|_| truthy(&raw, "/errcode").is_none()) else { return Ok(None) };
    Ok(Some(TokenSet {
        access_token: text(&raw, "access_token").map(Zeroizing::new),
        refresh_token: text(&raw, "refresh_token").map(Zeroizing::new),
        // Zero is a time as well here.
        access_token_expires_in: seconds(&raw, "expires_in")
            .or_else(|| raw.get("expires_in").filter(|time| time.is_number()).map(|_| 0.0)),
        scopes: scope.split(',').map(str::to_owned).collect(),
        raw,
        ..TokenSet::default()
    }))
}

fn exchange_wechat(provider: &Provider, grant: &Grant<'_>, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
    let (Some(id), Some(secret)) = (provider.client_id(), provider.secret()) else { return Ok(None) };
    let code = ("code", grant.code);
    let params =
        Params::from([("appid", id), ("secret", secret), code, ("grant_type", "authorization_code")]);
    wechat_tokens("access_token", &params, fetch)
}

fn refresh_wechat(provider: &Provider, token: &str, fetch: &mut Fetcher<'_>) -> Asked<TokenSet> {
    let id = provider.client_id().unwrap_or_default();
    let params = Params::from([("appid", id), ("grant_type", "refresh_token"), ("refresh_token", token)]);
    let tokens = wechat_tokens("refresh_token", &params, fetch)?;
    Ok(tokens.map(|tokens| TokenSet { raw: Map::new(), ..tokens }))
}

fn wechat(_provider: &Provider, tokens: &TokenSet, fetch: &mut Fetcher<'_>) -> Asked<Info> {
    let Some(Value::String(openid)) = truthy(&tokens.raw, "/openid") else { return Ok(None) };
    let Some(token) = access_token(tokens) else { return Ok(None) };
    let query = Params::from([("access_token", token), ("openid", openid), ("lang", "zh_CN")]);
    let url = format!("https://api.weixin.qq.com/sns/userinfo?{}", query.encode());
    let Some(data) = object(&fetch(Fetch::get(url))?) else { return Ok(None) };
    if truthy(&data, "/errcode").is_some() {
        return Ok(None);
    }
    let own = Value::from(openid.as_str());
    let account = truthy(&data, "/unionid").or_else(|| truthy(&data, "/openid")).unwrap_or(&own);
    let email = match truthy(&data, "/email") {
        Some(email) => Some(email.clone()),
        None => placeholder(Some(account), "wechat").map(Value::from),
    };
    let Some(email) = email else { return Ok(None) };
    let mut user = Map::new();
    let name = at(&data, "/nickname").map(|name| ("name", name.clone()));
    let image = at(&data, "/headimgurl").map(|image| ("image", image.clone()));
    let fields = [name, Some(("email", email)), image, Some(("emailVerified", false.into()))];
    user.extend(fields.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
    Ok(Some(Info { user, data }))
}

pub(super) static WECHAT: Social = Social {
    id: "wechat",
    secret: Secret::ToExchange,
    scopes: &["snsapi_login"],
    start: Some(start_wechat),
    exchange: Some(exchange_wechat),
    refresh: Some(refresh_wechat),
    source: Source::Told(wechat),
    subject: Take::Or(&["/unionid", "/openid"], Else::Last),
    ..USUAL
};
