//! Tokens: of a session, and of claims that a caller of `signJWT` brings.

use serde_json::{Map, Value};

use super::options::{Expiration, Keys, Tokens};
use super::{keys, settings, span};
use crate::api::http::Context;
use crate::error::AuthError;
use crate::flow::input::is_truthy;
use crate::flow::json::{self, stringify};
use crate::flow::session::Live;
use crate::store::function::{self, Answer};
use crate::store::server::{Timestamp, random_source};

/// What can't be signed.
fn refused(claim: &str, why: &str) -> AuthError {
    AuthError::Argument(format!("payload: {claim} {why}"))
}

/// Where the issuer is whom nothing else names: Better Auth's `baseURL` as it is configured, or the origin that a
/// request was made to.
pub(super) fn issuer(context: &Context<'_>) -> String {
    let configured = crate::settings::base_url();
    configured.unwrap_or_else(|| match context.is_direct {
        true => String::new(),
        false => context.site.origin().to_owned(),
    })
}

/// The token of a session, which may be out of the cookie cache: Better Auth's `getJwtToken`. `None` where there is no
/// key and none can be made.
///
/// # Errors
/// Those of [`sign`] and of the DBA's functions.
pub(super) fn of_session(
    context: &Context<'_>,
    live: &Live,
    is_cached: bool,
) -> Result<Option<String>, AuthError> {
    let mut payload = Map::new();
    payload.insert("iat".into(), Timestamp::now().unix_seconds().into());
    payload.extend(define_payload(live, is_cached)?);
    payload.insert("sub".into(), subject(live)?.into());
    sign(&Keys::of_settings(), &Tokens::of_settings()?, payload, &issuer(context))
}

/// What a session's token says of its user: what the DBA's function makes, or all that the user is shown.
fn define_payload(live: &Live, is_cached: bool) -> Result<Map<String, Value>, AuthError> {
    const SETTING: &str = "jwt_jwt_define_payload_function";
    let wrong = || AuthError::Setup(format!("better_auth.{SETTING} has to answer with a JSON object"));
    let Some(name) = settings::jwt_define_payload_function() else {
        let user = if is_cached { json::cached_user(&live.user) } else { json::user(&live.user) };
        return serde_json::from_str(&user).map_err(|_| wrong());
    };
    match function::call(SETTING, &name, &json::told(live))? {
        Answer::Json(None) => Ok(Map::new()),
        Answer::Json(Some(payload)) => serde_json::from_str(&payload).map_err(|_| wrong()),
        Answer::Other => Err(wrong()),
    }
}

fn subject(live: &Live) -> Result<String, AuthError> {
    const SETTING: &str = "jwt_jwt_get_subject_function";
    let Some(name) = settings::jwt_get_subject_function() else { return Ok(live.user.id.clone()) };
    match function::call(SETTING, &name, &json::told(live))? {
        Answer::Json(subject) => Ok(subject.unwrap_or_else(|| live.user.id.clone())),
        Answer::Other => Err(AuthError::Setup(format!("better_auth.{SETTING} has to answer with a text"))),
    }
}

/// Signs claims: Better Auth's `signJWT`, claims in its order. `base` is who issues what names nobody. `None` where
/// there is no key and none can be made.
///
/// # Errors
/// Claims of a type that no verifier takes; a key that can't be used.
pub(super) fn sign(
    keys: &Keys,
    tokens: &Tokens,
    mut payload: Map<String, Value>,
    base: &str,
) -> Result<Option<String>, AuthError> {
    let now = Timestamp::now().unix_seconds();
    let given = |name: &str| payload.get(name).filter(|value| !value.is_null()).cloned();
    let (issued, not_before) = (given("iat"), given("nbf"));
    let expiry = match given("exp") {
        Some(time) => time_claim("exp", &time, now)?,
        None => match &tokens.expiration {
            Expiration::At(time) => time.clone(),
            Expiration::After(seconds) => after(issued.as_ref(), now, *seconds)?,
        },
    };
    let or_base = |own: &Option<Value>| own.clone().unwrap_or_else(|| base.into());
    let issuer = given("iss").unwrap_or_else(|| or_base(&tokens.issuer));
    let audience = given("aud").unwrap_or_else(|| or_base(&tokens.audience));
    if !issuer.is_string() {
        return Err(refused("iss", "must be a string"));
    }
    let are_texts = audience.as_array().is_some_and(|many| many.iter().all(Value::is_string));
    if !audience.is_string() && !are_texts {
        return Err(refused("aud", "must be a string or an array of strings"));
    }
    for name in ["sub", "jti"] {
        if payload.get(name).is_some_and(|value| is_truthy(value) && !value.is_string()) {
            return Err(refused(name, "must be a string"));
        }
    }
    payload.insert("exp".into(), expiry);
    payload.insert("iss".into(), issuer);
    payload.insert("aud".into(), audience);
    for (name, time) in [("iat", issued), ("nbf", not_before)] {
        if let Some(time) = time.filter(is_truthy) {
            payload.insert(name.into(), time_claim(name, &time, now)?);
        }
    }
    let Some(kept) = keys::signing(keys)? else { return Ok(None) };
    let signer = kept.signer(keys.algorithm)?;
    Ok(Some(signer.sign(stringify(&payload.into()).as_bytes(), &mut random_source())?))
}

/// A claim that is a time: a number, or a span of time from now.
fn time_claim(name: &str, value: &Value, now: i64) -> Result<Value, AuthError> {
    match value {
        Value::Number(_) => Ok(value.clone()),
        // jose knows no months, which Better Auth's own options have.
        Value::String(text) if !text.to_ascii_lowercase().contains("mo") => {
            let seconds = span::seconds(text).ok_or_else(|| refused(name, "is no time"))?;
            Ok(now.saturating_add(seconds).into())
        }
        _ => Err(refused(name, "is no time")),
    }
}

/// So many seconds after `issued`, a number, or else after now.
fn after(issued: Option<&Value>, now: i64, seconds: i64) -> Result<Value, AuthError> {
    match issued {
        None => Ok(now.saturating_add(seconds).into()),
        Some(Value::Number(issued)) => match issued.as_i64() {
            Some(issued) => Ok(issued.saturating_add(seconds).into()),
            #[allow(clippy::cast_precision_loss, reason = "as JavaScript counts")]
            None => Ok((issued.as_f64().unwrap_or_default() + seconds as f64).into()),
        },
        Some(_) => Err(refused("iat", "must be a number where there is no exp")),
    }
}
