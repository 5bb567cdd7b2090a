//! `verifyJWT`: the payload of a token that one of the keys has signed, for this issuer and this audience.

use serde_json::{Map, Value};

use super::keys;
use super::options::{Keys, Tokens};
use crate::crypto::jws;
use crate::crypto::jwt::parse_object;
use crate::error::AuthError;
use crate::flow::input::is_truthy;
use crate::store::server::Timestamp;

/// The payload of a token that is good; `None` for any other. The key, which the token names, says by which algorithm
/// it is verified.
///
/// # Errors
/// No table.
pub(super) fn verify(
    token: &str,
    issuer: Option<Value>,
    base: Option<&str>,
) -> Result<Option<Map<String, Value>>, AuthError> {
    let (options, tokens) = (Keys::of_settings(), Tokens::of_settings()?);
    let Ok((header, token)) = jws::read(token) else { return Ok(None) };
    let Some(kid) = header.text("kid").filter(|kid| !kid.is_empty() && !kid.contains('\0')) else {
        return Ok(None);
    };
    let verifier = keys::find(kid)?.and_then(|kept| kept.verifier(options.algorithm));
    let Some(verifier) = verifier else { return Ok(None) };
    if verifier.verify(&header, &token).is_err() {
        return Ok(None);
    }
    let payload = String::from_utf8(token.payload).ok().as_deref().and_then(parse_object);
    let issuer = issuer.or(tokens.issuer).or_else(|| base.map(Value::from));
    let audience = tokens.audience.or_else(|| base.map(Value::from));
    let now = Timestamp::now().unix_seconds();
    Ok(payload.filter(|payload| is_good(payload, issuer.as_ref(), audience.as_ref(), now)))
}

/// jose's rules, which Better Auth goes by: no leeway, and times that needn't be whole.
fn is_good(payload: &Map<String, Value>, issuer: Option<&Value>, audience: Option<&Value>, now: i64) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "as JavaScript counts")]
    let now = now as f64;
    let time = |name: &str| match payload.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(()),
    };
    let (Ok(expiry), Ok(not_before), Ok(_)) = (time("exp"), time("nbf"), time("iat")) else { return false };
    let is_ours = issuer.is_none_or(|issuer| payload.get("iss") == Some(issuer));
    let is_meant = audience.is_none_or(|audience| names(payload.get("aud"), audience));
    let has = |name: &str| payload.get(name).is_some_and(is_truthy);
    is_ours
        && is_meant
        && expiry.is_none_or(|expiry| expiry > now)
        && not_before.is_none_or(|not_before| not_before <= now)
        && has("sub")
        && has("aud")
}

/// Whether an `aud` names one of those that are expected.
fn names(claim: Option<&Value>, expected: &Value) -> bool {
    let is_one = |named: &Value| match expected {
        Value::Array(many) => many.contains(named),
        only => only == named,
    };
    match claim {
        Some(text @ Value::String(_)) => is_one(text),
        Some(Value::Array(many)) => many.iter().any(is_one),
        _ => false,
    }
}
