//! The OAuth routes. What they need of a provider's server, whoever calls `handler()` fetches; where nobody does, they
//! answer as Better Auth does where no provider is configured.

use serde_json::{Map, Value};

use super::context::Context;
use super::location::{append_query, decode_uri_component};
use super::request::{Body, MAX_URL};
use super::response::Response;
use super::routes::Answer;
use crate::error::{AuthError, Code};
use crate::flow::input::{Input, Issues, excerpt};
use crate::flow::json::{self, Object};
use crate::flow::oauth::access::{self, Chosen};
use crate::flow::oauth::authorization::RESERVED;
use crate::flow::oauth::callback::{self, Callback, Ended};
use crate::flow::oauth::sign_in::{self, Given, Wish};
use crate::flow::oauth::state::{self, Draft};
use crate::flow::session::{self, Caller, Live, Need};
use crate::flow::url::encode;
use crate::flow::{account, account_cookie};
use crate::settings;

/// What a field has to be, if it is there.
enum Kind {
    Text,
    Boolean,
    Number,
    Texts,
    /// An object of anything.
    Record,
    /// An object of texts, of which none may be named as one of OAuth's own parameters.
    Parameters,
    /// An object of these fields; the first one has to be there if it `needs_first`.
    Object {
        needs_first: bool,
        fields: &'static [(&'static str, Kind)],
    },
}

const NAME: Kind =
    Kind::Object { needs_first: false, fields: &[("firstName", Kind::Text), ("lastName", Kind::Text)] };
const PROFILE: Kind = Kind::Object { needs_first: false, fields: &[("name", NAME), ("email", Kind::Text)] };
/// The fields of `idToken`: all at sign-in, and the first four when linking.
const TOKEN: &[(&str, Kind)] = &[
    ("token", Kind::Text),
    ("nonce", Kind::Text),
    ("accessToken", Kind::Text),
    ("refreshToken", Kind::Text),
    ("expiresAt", Kind::Number),
    ("user", PROFILE),
];
const SIGN_IN_TOKEN: Kind = Kind::Object { needs_first: true, fields: TOKEN };
const LINK_TOKEN: Kind = Kind::Object { needs_first: true, fields: TOKEN.split_at(4).0 };

/// Better Auth's `socialSignInBodySchema`.
const SIGN_IN: &[(&str, Kind)] = &[
    ("callbackURL", Kind::Text),
    ("newUserCallbackURL", Kind::Text),
    ("errorCallbackURL", Kind::Text),
    ("disableRedirect", Kind::Boolean),
    ("idToken", SIGN_IN_TOKEN),
    ("scopes", Kind::Texts),
    ("requestSignUp", Kind::Boolean),
    ("loginHint", Kind::Text),
    ("additionalParams", Kind::Parameters),
    ("additionalData", Kind::Record),
];

/// The body of `link-social`.
const LINK: &[(&str, Kind)] = &[
    ("callbackURL", Kind::Text),
    ("idToken", LINK_TOKEN),
    ("requestSignUp", Kind::Boolean),
    ("scopes", Kind::Texts),
    ("errorCallbackURL", Kind::Text),
    ("disableRedirect", Kind::Boolean),
    ("loginHint", Kind::Text),
    ("additionalParams", Kind::Parameters),
    ("additionalData", Kind::Record),
];

fn check(issues: &mut Issues, path: &str, value: Option<&Value>, kind: &Kind) {
    let Some(value) = value else { return };
    let input = Input::from(Some(value));
    let expected = match (kind, value) {
        (Kind::Text, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::Record, Value::Object(_)) => return,
        (Kind::Texts, Value::Array(texts)) => {
            for (index, text) in texts.iter().enumerate() {
                check(issues, &format!("{path}.{index}"), Some(text), &Kind::Text);
            }
            return;
        }
        (Kind::Parameters, Value::Object(parameters)) => {
            for (name, text) in parameters {
                check(issues, &format!("{path}.{name}"), Some(text), &Kind::Text);
            }
            let is_text = parameters.values().all(Value::is_string);
            if is_text && parameters.keys().any(|name| RESERVED.contains(&name.as_str())) {
                let reserved = RESERVED.join(", ");
                issues.add(
                    path,
                    &format!("additionalParams cannot include reserved OAuth parameters: {reserved}"),
                );
            }
            return;
        }
        (Kind::Object { needs_first, fields }, Value::Object(object)) => {
            for (index, (name, kind)) in fields.iter().enumerate() {
                let path = format!("{path}.{name}");
                if *needs_first && index == 0 {
                    issues.required(&path, object.get(*name).into());
                } else {
                    check(issues, &path, object.get(*name), kind);
                }
            }
            return;
        }
        (Kind::Text, _) => "string",
        (Kind::Boolean, _) => "boolean",
        (Kind::Number, _) => "number",
        (Kind::Texts, _) => "array",
        (Kind::Record | Kind::Parameters, _) => "record",
        (Kind::Object { .. }, _) => "object",
    };
    issues.add(path, &format!("Invalid input: expected {expected}, received {}", input.kind()));
}

fn check_social(body: &Body, fields: &[(&str, Kind)], provider_after: &str) -> Result<(), AuthError> {
    let object = body.object("object")?;
    let mut issues = Issues::of_body();
    for (name, kind) in fields {
        check(&mut issues, name, object.get(*name), kind);
        if *name == provider_after && !matches!(object.get("provider"), Some(Value::String(_))) {
            issues.add("provider", "Invalid input");
        }
    }
    issues.finish()
}

/// What both bodies have of the way to a provider.
struct Start<'a> {
    provider_id: &'a str,
    callback_url: String,
    error_url: Option<&'a str>,
    new_user_url: Option<&'a str>,
    request_sign_up: Option<bool>,
    scopes: Vec<String>,
    login_hint: Option<&'a str>,
    additional_params: Map<String, Value>,
    additional_data: Option<&'a Map<String, Value>>,
    is_redirect: bool,
}

fn text<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    fields.get(name)?.as_str()
}

/// Where a sign-in leads that doesn't say: Better Auth's `baseURL`, without a path of its own.
fn default_callback_url(context: &Context<'_>) -> String {
    settings::base_url().unwrap_or_else(|| context.site.origin().to_owned())
}

/// Better Auth's `getOAuthCallbackPath`.
///
/// # Errors
/// `better_auth.base_url` isn't set.
pub(crate) fn redirect_uri(context: &Context<'_>, provider_id: &str) -> Result<String, AuthError> {
    // Not of a host that a request names: codes would go there.
    let base_url = context.returns_to.as_deref().map_or_else(|| context.site.link_base(), Ok)?;
    Ok(format!("{base_url}/callback/{}", encode(provider_id)))
}

impl<'a> Start<'a> {
    fn read(context: &Context<'_>, fields: &'a Map<String, Value>) -> Self {
        let object = |name: &str| fields.get(name).and_then(Value::as_object);
        let boolean = |name: &str| fields.get(name).and_then(Value::as_bool);
        let scopes = fields.get("scopes").and_then(Value::as_array);
        let scopes = scopes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let callback_url = text(fields, "callbackURL").filter(|url| !url.is_empty()).map(str::to_owned);
        Self {
            provider_id: text(fields, "provider").unwrap_or_default(),
            callback_url: callback_url.unwrap_or_else(|| default_callback_url(context)),
            error_url: text(fields, "errorCallbackURL"),
            new_user_url: text(fields, "newUserCallbackURL"),
            request_sign_up: boolean("requestSignUp"),
            scopes,
            login_hint: text(fields, "loginHint"),
            additional_params: object("additionalParams").cloned().unwrap_or_default(),
            additional_data: object("additionalData"),
            is_redirect: boolean("disableRedirect") != Some(true),
        }
    }

    /// Sends the browser to the provider.
    fn begin(&self, context: &mut Context<'_>, link: Option<&Live>) -> Answer {
        let redirect_uri = redirect_uri(context, self.provider_id)?;
        let draft = Draft {
            callback_url: Some(&self.callback_url),
            error_url: self.error_url,
            new_user_url: self.new_user_url,
            request_sign_up: self.request_sign_up,
            additional_data: self.additional_data,
            link,
            nonce: None,
        };
        let wish = Wish {
            provider_id: self.provider_id,
            draft,
            redirect_uri: &redirect_uri,
            scopes: &self.scopes,
            login_hint: self.login_hint,
            additional_params: &self.additional_params,
        };
        let begun = sign_in::begin(context, &wish)?;
        context.set_signed(state::COOKIE, &begun.state, Some(state::COOKIE_LIFETIME))?;
        let body = Object::new().text("url", &begun.url).boolean("redirect", self.is_redirect).finish();
        let response = Response::json(body);
        Ok(if self.is_redirect { response.with("location", begun.url) } else { response })
    }
}

/// An `idToken` of a body.
fn given<'a>(provider_id: &'a str, token: &'a Map<String, Value>) -> Given<'a> {
    Given {
        provider_id,
        token: text(token, "token").unwrap_or_default(),
        nonce: text(token, "nonce"),
        access_token: text(token, "accessToken"),
        refresh_token: text(token, "refreshToken"),
        user: token.get("user"),
    }
}

/// `POST /sign-in/social`.
pub(super) fn sign_in_social(context: &mut Context<'_>, body: &Body) -> Answer {
    check_social(body, SIGN_IN, "errorCallbackURL")?;
    let fields = body.object("object")?;
    let start = Start::read(context, fields);
    let Some(Value::Object(token)) = fields.get("idToken") else { return start.begin(context, None) };
    let given = given(start.provider_id, token);
    let callback_url = text(fields, "callbackURL");
    let request_sign_up = start.request_sign_up == Some(true);
    let done = sign_in::with_id_token(context, &given, request_sign_up, callback_url)?;
    let live = Live { session: done.session, user: done.user };
    context.set_session(&live, None)?;
    let answer = Object::new()
        .boolean("redirect", false)
        .text("token", &live.session.token)
        .json("user", &json::user(&live.user));
    Ok(Response::json(answer.finish()))
}

/// `POST /link-social`.
pub(super) fn link_social(context: &mut Context<'_>, body: &Body) -> Answer {
    check_social(body, LINK, "callbackURL")?;
    let fields = body.object("object")?;
    let live = session::require(context, Need::Live)?;
    let start = Start::read(context, fields);
    let Some(Value::Object(token)) = fields.get("idToken") else { return start.begin(context, Some(&live)) };
    sign_in::link_id_token(context, &given(start.provider_id, token))?;
    let answer = Object::new().text("url", "").boolean("status", true).boolean("redirect", false);
    Ok(Response::json(answer.finish()))
}

/// What a provider sends to `/callback/:id`.
const CALLBACK: [&str; 7] = ["code", "error", "device_id", "error_description", "state", "user", "iss"];

fn callback_fields(
    mut issues: Issues,
    value: impl Fn(&str) -> Option<Value>,
) -> Result<Vec<(&'static str, Option<String>)>, AuthError> {
    let mut fields = Vec::new();
    for name in CALLBACK {
        let value = value(name);
        let text = issues.optional(name, value.as_ref().into()).map(str::to_owned);
        fields.push((name, text));
    }
    issues.finish()?;
    Ok(fields)
}

/// `GET` and `POST /callback/:id`.
pub(super) fn callback(context: &mut Context<'_>, body: &Body) -> Answer {
    if !body.is_missing() {
        body.object("object")?;
    }
    let from_body = callback_fields(Issues::of_body(), |name| body.get(name).cloned())?;
    let from_query = callback_fields(Issues::of_query(), |name| context.request.query_value(name))?;
    let base_url = &context.site.base_url;
    if context.request.method == "POST" {
        // What came by POST is asked for again by GET, with which cookies come along.
        let merged = from_body.iter().zip(&from_query);
        let pairs =
            merged.filter_map(|((name, body), (_, query))| Some((*name, query.as_ref().or(body.as_ref())?)));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let id = context.request.last_segment();
        let location = format!("{base_url}/callback/{id}?{query}");
        // Where it leads, longer ones are refused.
        return match location.len() {
            ..=MAX_URL => Ok(Response::redirect(location)),
            _ => Err(AuthError::Bare(414, "the URL is too long")),
        };
    }
    let value = |wanted: &str| {
        from_query.iter().find(|(name, _)| *name == wanted).and_then(|(_, value)| value.as_deref())
    };
    let provider_id = decode_uri_component(context.request.last_segment()).unwrap_or_default();
    let state = value("state");
    if state.is_none()
        && value("code").is_some_and(|code| !code.is_empty())
        && let Some(begun) = begin_again(context, &provider_id)?
    {
        return Ok(Response::redirect(begun));
    }
    let Some(state) = state.filter(|state| !state.is_empty()) else {
        return failed(context, None, "state_not_found", None);
    };
    let redirect_uri = redirect_uri(context, &provider_id)?;
    let callback = Callback {
        provider_id: &provider_id,
        code: value("code"),
        error: value("error"),
        error_description: value("error_description"),
        state,
        device_id: value("device_id"),
        user: value("user"),
        iss: value("iss"),
        redirect_uri: &redirect_uri,
    };
    match callback::end(context, &callback)? {
        Ended::SignedIn(live, to) => {
            context.set_session(&live, None)?;
            Ok(Response::redirect(to))
        }
        Ended::Linked(to) => Ok(Response::redirect(to)),
        Ended::Failed { error, description, error_url } => {
            failed(context, error_url.as_deref(), &error, description.as_deref())
        }
    }
}

/// Where the browser goes for a provider that has begun a sign-in itself, and may.
fn begin_again(context: &mut Context<'_>, provider_id: &str) -> Result<Option<String>, AuthError> {
    let redirect_uri = redirect_uri(context, provider_id)?;
    let callback_url = default_callback_url(context);
    let draft = Draft { callback_url: Some(&callback_url), ..Draft::default() };
    let additional_params = Map::new();
    let wish = Wish {
        provider_id,
        draft,
        redirect_uri: &redirect_uri,
        scopes: &[],
        login_hint: None,
        additional_params: &additional_params,
    };
    let Some(begun) = sign_in::begin_again(context, &wish)? else { return Ok(None) };
    context.set_signed(state::COOKIE, &begun.state, Some(state::COOKIE_LIFETIME))?;
    Ok(Some(begun.url))
}

/// Sends the browser on with what is wrong: to the error page, where nobody says otherwise.
///
/// # Errors
/// Never: the error page has a URL.
pub(crate) fn failed(
    context: &Context<'_>,
    error_url: Option<&str>,
    error: &str,
    description: Option<&str>,
) -> Answer {
    let page = format!("{}/error", context.site.base_url);
    let mut parameters = vec![("error", error)];
    parameters.extend(description.map(|description| ("error_description", description)));
    let location = error_url.and_then(|url| append_query(url, &parameters));
    let location = location.or_else(|| append_query(&page, &parameters));
    location.map(Response::redirect).ok_or_else(|| Code::PROVIDER_NOT_FOUND.into())
}

/// Better Auth's `accountSelectionSchema`: either `accountId` or `useAccountCookie: true`, and nothing else but
/// `userId`. The id, if that is it.
fn selection<'v>(part: &str, fields: Option<&'v Map<String, Value>>) -> Result<Option<&'v str>, AuthError> {
    let invalid = |issue: &str| AuthError::Validation(vec![format!("[{part}] {issue}")]);
    let fields = fields.ok_or_else(|| invalid("Invalid input"))?;
    let id = fields.get("accountId").and_then(Value::as_str);
    let uses_cookie = fields.get("useAccountCookie") == Some(&Value::Bool(true));
    let has_user = fields.get("userId").is_none_or(Value::is_string);
    if !has_user || id.is_some() == uses_cookie {
        return Err(invalid("Invalid input"));
    }
    let chosen = if id.is_some() { "accountId" } else { "useAccountCookie" };
    let is_known = |name: &&String| *name == chosen || *name == "userId";
    // As many as anybody can have mistyped.
    const MAX_KEYS: usize = 20;
    let unknown = fields.keys().filter(|name| !is_known(name)).map(|name| format!("\"{}\"", excerpt(name)));
    let unknown: Vec<String> = unknown.take(MAX_KEYS).collect();
    match unknown.len() {
        0 => Ok(id),
        1 => Err(invalid(&format!("Unrecognized key: {}", unknown.join(", ")))),
        _ => Err(invalid(&format!("Unrecognized keys: {}", unknown.join(", ")))),
    }
}

/// One of the accounts of the caller, or of a user whom a call in nobody's name tells: by its id, or the one in the
/// cookie.
fn selected(context: &mut Context<'_>, id: Option<&str>, user_id: Option<&str>) -> Result<Chosen, AuthError> {
    let live = context.session(true)?;
    let user_id = match (&live, user_id) {
        (Some(live), _) => &live.user.id,
        (None, Some(user_id)) if context.is_own => user_id,
        (None, None) if context.is_own => {
            let text = "Either userId or session is required";
            return Err(AuthError::Field("USER_ID_OR_SESSION_REQUIRED", text.into()));
        }
        (None, _) => return Err(AuthError::Bare(401, "Unauthorized")),
    };
    let missing = || AuthError::from(Code::ACCOUNT_NOT_FOUND);
    let Some(id) = id else {
        let cookie = context.kept_account()?.ok_or_else(missing)?;
        let whole = account_cookie::parse(&cookie).filter(|whole| whole.account.user_id == *user_id);
        return Ok(Chosen { whole: whole.ok_or_else(missing)?, cookie: Some(cookie) });
    };
    let whole = account::of_user(user_id, id)?.ok_or_else(missing)?;
    Ok(Chosen { whole, cookie: None })
}

fn selected_by_body(context: &mut Context<'_>, body: &Body) -> Result<Chosen, AuthError> {
    let fields = body.object("object").ok();
    let id = selection("body", fields)?;
    selected(context, id, fields.and_then(|fields| text(fields, "userId")))
}

/// `POST /get-access-token`.
pub(super) fn access_token(context: &mut Context<'_>, body: &Body) -> Answer {
    let chosen = selected_by_body(context, body)?;
    let access = access::token(context, &chosen)?;
    let scopes = json::array(access.scopes.iter().map(|scope| Value::from(scope.as_str()).to_string()));
    let mut answer = Object::new().text("accessToken", &access.access_token);
    if let Some(at) = access.expires_at {
        answer = answer.date("accessTokenExpiresAt", at);
    }
    answer = answer.json("scopes", &scopes);
    if let Some(id_token) = &access.id_token {
        answer = answer.text("idToken", id_token);
    }
    Ok(Response::json(answer.finish()))
}

/// `POST /refresh-token`.
pub(super) fn refresh_token(context: &mut Context<'_>, body: &Body) -> Answer {
    let chosen = selected_by_body(context, body)?;
    let renewed = access::refresh(context, &chosen)?;
    let account = &chosen.whole.account;
    let mut answer =
        Object::new().text("accessToken", &renewed.access_token).text("refreshToken", &renewed.refresh_token);
    if let Some(at) = renewed.access_token_expires_at {
        answer = answer.date("accessTokenExpiresAt", at);
    }
    let answer = answer
        .optional_date("refreshTokenExpiresAt", renewed.refresh_token_expires_at)
        .optional("scope", account.scope.as_deref())
        .optional("idToken", renewed.id_token.as_deref())
        .text("providerId", &account.provider_id)
        .text("accountId", &account.id);
    Ok(Response::json(answer.finish()))
}

/// `GET /account-info`.
pub(super) fn account_info(context: &mut Context<'_>, _: &Body) -> Answer {
    let names = context.request.query.iter().map(|(name, _)| name);
    let fields: Map<String, Value> =
        names.filter_map(|name| Some((name.clone(), context.request.query_value(name)?))).collect();
    let id = selection("query", Some(&fields))?;
    let chosen = selected(context, id, text(&fields, "userId"))?;
    let info = access::info(context, &chosen)?;
    let account = &chosen.whole.account;
    let shown = Object::new()
        .text("id", &account.id)
        .text("providerId", &account.provider_id)
        .text("accountId", &account.account_id);
    let answer = Object::new()
        .json("user", &Value::Object(info.user).to_string())
        .json("data", &Value::Object(info.data).to_string())
        .json("account", &shown.finish());
    Ok(Response::json(answer.finish()))
}
