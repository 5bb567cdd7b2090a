//! The OAuth routes. The exchange with a provider needs a web client, which a database is not: an HTTP layer
//! does it and calls link_account(). These routes answer as Better Auth does where no provider is configured.

use serde_json::{Map, Value};

use super::context::Context;
use super::location::append_query;
use super::request::{Body, MAX_URL};
use super::response::Response;
use super::routes::Answer;
use crate::error::{AuthError, Code};
use crate::flow::account;
use crate::flow::input::{Input, Issues, excerpt};
use crate::flow::session::{self, Need};

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

/// What OAuth itself puts into the address of a provider.
const RESERVED: [&str; 8] = [
    "state",
    "client_id",
    "redirect_uri",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "scope",
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

/// `POST /sign-in/social`.
pub(super) fn sign_in_social(_: &mut Context<'_>, body: &Body) -> Answer {
    check_social(body, SIGN_IN, "errorCallbackURL")?;
    Err(Code::PROVIDER_NOT_FOUND.into())
}

/// `POST /link-social`.
pub(super) fn link_social(context: &mut Context<'_>, body: &Body) -> Answer {
    check_social(body, LINK, "callbackURL")?;
    session::require(context, Need::Live)?;
    Err(Code::PROVIDER_NOT_FOUND.into())
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
    let state = from_query.into_iter().find(|(name, _)| *name == "state").and_then(|(_, state)| state);
    let error = match state.as_deref() {
        None | Some("") => "state_not_found",
        // No sign-in was started here.
        Some(_) => "state_mismatch",
    };
    let location = append_query(&format!("{base_url}/error"), &[("error", error)]);
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

/// The provider of one of the caller's accounts.
fn provider(context: &mut Context<'_>, id: Option<&str>) -> Result<String, AuthError> {
    let live = session::require(context, Need::Live).map_err(|error| match error {
        AuthError::Api(Code::UNAUTHORIZED) => AuthError::Bare(401, "Unauthorized"),
        error => error,
    })?;
    let accounts = account::list_of(&live)?;
    let account = accounts.into_iter().find(|account| id == Some(&account.id));
    Ok(account.ok_or(Code::ACCOUNT_NOT_FOUND)?.provider_id)
}

/// `POST /get-access-token` and `POST /refresh-token`.
pub(super) fn access_token(context: &mut Context<'_>, body: &Body) -> Answer {
    let id = selection("body", body.object("object").ok())?;
    let provider = provider(context, id)?;
    Err(AuthError::Field("PROVIDER_NOT_SUPPORTED", format!("Provider {provider} is not supported.")))
}

/// `GET /account-info`.
pub(super) fn account_info(context: &mut Context<'_>, _: &Body) -> Answer {
    let names = context.request.query.iter().map(|(name, _)| name);
    let fields: Map<String, Value> =
        names.filter_map(|name| Some((name.clone(), context.request.query_value(name)?))).collect();
    provider(context, selection("query", Some(&fields))?)?;
    Err(Code::PROVIDER_NOT_CONFIGURED.into())
}
