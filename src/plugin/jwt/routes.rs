//! The plugin's endpoints: two of HTTP, two for callers of SQL alone, and two functions for PostgREST.

use pgrx::prelude::*;
use serde_json::Value;

use super::options::{Keys, overridden};
use super::{keys, settings, sign, verify};
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response, Route, get, post};
use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::error::AuthError;
use crate::flow::input::{Input, Issues};
use crate::flow::json::{Object, array, stringify};
use crate::flow::session::{Need, require};
use crate::plugin::Rpc;

pub(super) const ROUTES: &[Route] = &[
    Route { at: Some(settings::jwks_jwks_path), ..get("getJwks", "/jwks", jwks) },
    get("getToken", "/token", token),
    post("signJWT", "", sign_jwt),
    post("verifyJWT", "", verify_jwt),
];

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc { name: "jwks", arguments: "", comment: "The public keys that the jwt plugin signs with: {keys}" },
    Rpc {
        name: "jwt_token",
        arguments: "session_token text DEFAULT NULL",
        comment: "A token of the session that others verify by a public key: {token}",
    },
];

/// There is no key, and none can be made: a standby, or a transaction that only reads.
fn no_key() -> AuthError {
    AuthError::Bare(503, "there is no key in better_auth.jwks yet, and this transaction can't make one")
}

fn jwks(_: &mut Context<'_>, _: &Body) -> Answer {
    if settings::jwks_remote_url().is_some() {
        return Err(AuthError::Bare(404, "the keys are at better_auth.jwt_jwks_remote_url"));
    }
    let options = Keys::of_settings();
    let listed = keys::listed(&options)?;
    if listed.is_empty() && keys::all()?.is_empty() {
        return Err(no_key());
    }
    let shown = listed.iter().map(|kept| {
        kept.shown(options.algorithm).ok_or_else(|| {
            AuthError::Setup(format!("the public key with id {} is no JSON object", kept.row.id))
        })
    });
    let shown = shown.collect::<Result<Vec<Value>, AuthError>>()?;
    object(Object::new().json("keys", &array(shown.iter().map(stringify))))
}

fn token(context: &mut Context<'_>, _: &Body) -> Answer {
    let live = require(context, Need::Cached)?;
    let is_cached = context.is_cached();
    let token = sign::of_session(context, &live, is_cached)?.ok_or_else(no_key)?;
    object(Object::new().text("token", &token))
}

fn sign_jwt(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let payload = record(&mut issues, "payload", body.get("payload"), true);
    let overrides = record(&mut issues, "overrideOptions", body.get("overrideOptions"), false);
    issues.finish()?;
    let (keys, tokens) = overridden(overrides)?;
    let payload = payload.cloned().unwrap_or_default();
    let token = sign::sign(&keys, &tokens, payload, &sign::issuer(context))?.ok_or_else(no_key)?;
    object(Object::new().text("token", &token))
}

/// A field that is zod's `record`.
fn record<'b>(
    issues: &mut Issues,
    field: &str,
    value: Option<&'b Value>,
    is_required: bool,
) -> Option<&'b serde_json::Map<String, Value>> {
    match value {
        None if !is_required => None,
        Some(Value::Object(members)) => Some(members),
        value => {
            let kind = Input::from(value).kind();
            issues.add(field, &format!("Invalid input: expected record, received {kind}"));
            None
        }
    }
}

fn verify_jwt(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let token = issues.required("token", body.get("token").into());
    let issuer = issues.optional("issuer", body.get("issuer").into());
    issues.finish()?;
    let issuer = issuer.filter(|issuer| !issuer.is_empty()).map(Value::from);
    let base = sign::issuer(context);
    let base = Some(base.as_str()).filter(|base| !base.is_empty());
    let payload = verify::verify(token, issuer, base)?;
    let payload = payload.map_or_else(|| "null".into(), |payload| stringify(&payload.into()));
    Ok(Response::json(Object::new().json("payload", &payload).finish()))
}

#[pg_extern(sql = false)]
fn rpc_jwks() -> JsonText {
    Call::with(None).get(&settings::jwks_jwks_path().unwrap_or_else(|| "/jwks".into()))
}

#[pg_extern(sql = false)]
fn rpc_jwt_token(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/token")
}
