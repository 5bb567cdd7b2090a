//! Tokens: the bridge token that PostgREST and row level security accept, and the signer and verifier
//! themselves.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value};

use crate::crypto::jwt::{self, Payload, Refusal, VerifiedClaims, parse_object, write_json};
use crate::error::{AuthError, Code};
use crate::flow::json::{self, Object};
use crate::flow::secrets::{self, Name};
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::flow::{bridge_keys, hooks};
use crate::identity::claims::Bridge;
use crate::plugin;
use crate::settings;
use crate::store::server::Timestamp;

/// The longest subject of a service token, in bytes.
const MAX_SUBJECT: usize = 1_024;

/// Mints the bridge token of a live session, as the InsForge scaffold's `/api/insforge-token` does:
/// `sub` the user's id, `role`, `aud`, and `sid` the session's id, never its token. It expires with the
/// session at the latest.
///
/// # Errors
/// UNAUTHORIZED without a live session; no usable secret.
pub(crate) fn bridge(caller: &mut dyn Caller) -> Result<String, AuthError> {
    of_session(&require(caller, Need::Live)?)
}

/// The bridge token of a session that was looked up already.
///
/// # Errors
/// No usable secret; those of the DBA's function.
pub(crate) fn of_session(live: &Live) -> Result<String, AuthError> {
    let mut extra = Map::new();
    for plugin in plugin::on().iter() {
        plugin.claims(live, &mut extra)?;
    }
    // The DBA has the last word.
    extra.extend(hooks::bridge_claims(live)?);
    let mut claims = identity(&live.user.id, !extra.contains_key("role"))?;
    claims.text("sid", &live.session.id);
    for (name, value) in &extra {
        let added = claims.claim(name, |json| {
            write_json(json, value);
            Ok(())
        });
        added.map_err(not_ours)?;
    }
    let now = Timestamp::now();
    let expiry = now.plus(settings::jwt_expires_in()).min(live.session.expires_at);
    finish(claims, now, expiry).map_err(|error| match error {
        AuthError::Token(refusal) => not_ours(refusal),
        error => error,
    })
}

/// Claims of the DBA's function that make no token.
fn not_ours(refusal: jwt::Refusal) -> AuthError {
    AuthError::Setup(format!("better_auth.bridge_claims_function: {}", refusal.message()))
}

/// Mints the token of a service that has no user, as InsForge's mailer wants it.
///
/// # Errors
/// An empty subject, a lifetime of zero or less, no usable secret.
pub(crate) fn service(subject: &str, expires_in: i64) -> Result<String, AuthError> {
    if subject.is_empty() || subject.len() > MAX_SUBJECT {
        return Err(AuthError::Argument(format!("subject must have 1 to {MAX_SUBJECT} bytes")));
    }
    let (claims, now) = (identity(subject, true)?, Timestamp::now());
    finish(claims, now, now.plus(positive(expires_in)?))
}

/// Signs claims that the caller brings. `iat`, `exp` and `aud` are added where they are missing.
///
/// # Errors
/// Claims that no verifier would take, a lifetime of zero or less or one beside an `exp` of the
/// claims' own, no usable secret.
pub(crate) fn sign(claims: Payload, expires_in: Option<i64>) -> Result<String, AuthError> {
    if claims.has_expiry() && expires_in.is_some() {
        return Err(AuthError::Argument(
            "claims have an exp of their own, so expires_in can't be given too".into(),
        ));
    }
    let lifetime = expires_in.map_or(Ok(settings::jwt_expires_in()), positive)?;
    let now = Timestamp::now();
    finish(claims, now, now.plus(lifetime))
}

/// Verifies a token against the current jwt secret and the current keys, and those kept after a rotation, whatever signs
/// now: who changes that hasn't signed everybody out. A token with `kid` is one of a key, whose algorithm it must name.
///
/// # Errors
/// The reason why the token is refused; no usable secret.
pub(crate) fn verify(token: &str) -> Result<VerifiedClaims, AuthError> {
    let now = Timestamp::now();
    if !jwt::is_symmetric(token) && bridge_keys::has_any(now)? {
        let key = match jwt::kid(token)? {
            Some(kid) => bridge_keys::verifier(&kid, now)?,
            None => None,
        };
        let claims = settings::with_jwt_audience(|audience| {
            jwt::verify_public(key.as_deref(), token, now.unix_seconds(), audience)
        });
        return Ok(claims?);
    }
    Ok(settings::with_jwt_audience(|audience| {
        secrets::with_verifying_keys(Name::Jwt, now, |keys| {
            jwt::verify(keys, token, now.unix_seconds(), audience)
        })
    })??)
}

/// Verifies a token, and that nothing has happened since that ends it: its claims and when they expire, for who believes
/// verified claims alone.
///
/// # Errors
/// As of [`verify`]; UNAUTHORIZED for a bridge token of a session that has ended, or whose claims aren't true any more.
pub(crate) fn authenticate(token: &str) -> Result<(String, Timestamp), AuthError> {
    let json = verify(token)?.into_json();
    let claims = parse_object(&json).ok_or(AuthError::Token(Refusal::NotJson("payload")))?;
    let expiry = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    if !stands(Bridge::of(claims).as_ref())? {
        return Err(Code::UNAUTHORIZED.into());
    }
    Ok((json, Timestamp::of_unix_seconds(expiry)))
}

/// Whether the session of a bridge token is still there, and what plugins have added to the token still true; true of other
/// tokens.
///
/// # Errors
/// Those of the store.
pub(crate) fn stands(token: Option<&Bridge>) -> Result<bool, AuthError> {
    let Some(Bridge { user, session, claims }) = token else { return Ok(true) };
    Ok(session::is_live(session, user)? && plugin::are_true(claims)?)
}

/// What a verifier of bridge tokens is given, PostgREST as its `jwt-secret`: the public keys as a JSON Web Key Set, and
/// where that is asked for the jwt secrets, by which anybody can be anybody.
///
/// # Errors
/// No usable secret; no key, where there has to be one and none can be made here.
pub(crate) fn jwks(with_secrets: bool) -> Result<String, AuthError> {
    if let Some(name) = bridge_keys::Name::of(settings::jwt_algorithm()) {
        bridge_keys::ensure(name)?;
    }
    let now = Timestamp::now();
    let mut keys: Vec<String> = bridge_keys::shown(now)?.iter().map(ToString::to_string).collect();
    if with_secrets {
        for secret in secrets::jwt_secrets(now)? {
            let k = BASE64_URL_SAFE_NO_PAD.encode(&*secret);
            let key = Object::new().text("kty", "oct").text("k", &k).text("alg", "HS256").text("use", "sig");
            keys.push(key.finish());
        }
    }
    Ok(Object::new().json("keys", &json::array(keys.into_iter())).finish())
}

fn positive(seconds: i64) -> Result<i64, AuthError> {
    if seconds > 0 {
        Ok(seconds)
    } else {
        Err(AuthError::Argument("expires_in must be at least one second".into()))
    }
}

/// `sub` and, unless there is another one, `role`.
fn identity(subject: &str, has_default_role: bool) -> Result<Payload, AuthError> {
    let mut claims = Payload::new();
    claims.text("sub", subject);
    if !has_default_role {
        return Ok(claims);
    }
    let role = settings::jwt_role().ok_or_else(|| {
        AuthError::Setup("better_auth.jwt_role is empty; it has to name a database role".into())
    })?;
    claims.text("role", &role);
    Ok(claims)
}

fn finish(claims: Payload, now: Timestamp, expiry: Timestamp) -> Result<String, AuthError> {
    let payload = settings::with_jwt_audience(|audience| {
        claims.complete(now.unix_seconds(), expiry.unix_seconds(), audience)
    });
    match bridge_keys::Name::of(settings::jwt_algorithm()) {
        Some(name) => bridge_keys::sign(name, &payload),
        None => Ok(secrets::with_signing_key(Name::Jwt, |key| jwt::sign(key, &payload))??),
    }
}
