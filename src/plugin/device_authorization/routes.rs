//! The endpoints of the device flow.

use serde_json::Value;

use pgrx::prelude::*;

use super::flow::{self, Verdict};
use super::settings;
use crate::api::http::location::{form_pairs, with_parameters};
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response, Route, get, post};
use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::error::AuthError;
use crate::flow::input::{Input, Issues};
use crate::flow::json::Object;
use crate::flow::session::Live;
use crate::store::server::Timestamp;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) const ROUTES: &[Route] = &[
    Route { takes_forms: true, forms_last: true, ..post("deviceCode", "/device/code", device_code) },
    post("deviceToken", "/device/token", device_token),
    // It makes the code the user's.
    Route { writes: true, ..get("deviceVerify", "/device", device_verify) },
    post("deviceApprove", "/device/approve", |context, body| decide(context, body, Verdict::Approve)),
    post("deviceDeny", "/device/deny", |context, body| decide(context, body, Verdict::Deny)),
];

/// Nothing on the way may keep what is answered from here on: Better Auth's `noStore`.
fn keep_nothing(context: &mut Context<'_>) {
    context.set_header("cache-control", "no-store".into());
    context.set_header("pragma", "no-cache".into());
}

/// What is wrong with a request, as RFC 6749 words it.
fn invalid_request(description: String) -> AuthError {
    AuthError::Flow(400, "invalid_request", description)
}

fn device_code(context: &mut Context<'_>, body: &Body) -> Answer {
    const FIELDS: [&str; 3] = ["client_id", "user_id", "scope"];
    let mut issues = Issues::of_body();
    let read = body.object("object").and_then(|_| {
        let [client_id, user_id, scope] = FIELDS.map(|name| Input::from(body.get(name)));
        let given = [
            Some(issues.required(FIELDS[0], client_id)),
            issues.optional(FIELDS[1], user_id),
            issues.optional(FIELDS[2], scope),
        ];
        for (name, value) in FIELDS.iter().zip(given) {
            issues.bounded(name, value);
        }
        issues.finish().map(|()| given)
    });
    let mut given = read.map_err(|error| match error {
        AuthError::Validation(issues) => invalid_request(issues.join("; ")),
        error => error,
    })?;
    keep_nothing(context);
    let repeated = form_fields(context, FIELDS)?;
    if let Some(fields) = &repeated {
        given = fields.each_ref().map(Option::as_deref);
    }
    let [client_id, user_id, scope] = given.map(|value| value.filter(|value| !value.is_empty()));
    let issued = flow::issue(client_id, user_id, scope)?;
    let page = settings::verification_uri().unwrap_or_else(|| "/device".into());
    let uri = |parameters: &[(&str, &str)]| {
        with_parameters(&page, &context.site.base_url, parameters).ok_or_else(|| {
            AuthError::Setup(
                "better_auth.device_authorization_verification_uri is not a URL or a path".into(),
            )
        })
    };
    object(
        Object::new()
            .text("device_code", &issued.device_code)
            .text("user_code", &issued.user_code)
            .text("verification_uri", &uri(&[])?)
            .text("verification_uri_complete", &uri(&[("user_code", &issued.user_code)])?)
            .number("expires_in", settings::expires_in())
            .number("interval", settings::interval()),
    )
}

/// The fields of a form, none of which may stand twice; `None` where the body is no form.
fn form_fields(context: &Context<'_>, names: [&str; 3]) -> Result<Option<[Option<String>; 3]>, AuthError> {
    let content_type = context.request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if !content_type.contains("application/x-www-form-urlencoded") {
        return Ok(None);
    }
    let mut fields = [const { None }; 3];
    for (name, value) in form_pairs(context.request.text()) {
        let Some(place) = names.iter().position(|known| *known == name) else { continue };
        if value.is_empty() {
            continue;
        }
        if fields[place].replace(value).is_some() {
            return Err(invalid_request(format!("{name} must not be repeated")));
        }
    }
    Ok(Some(fields))
}

fn device_token(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    if body.get("grant_type").and_then(Value::as_str) != Some(GRANT) {
        issues.add("grant_type", &format!("Invalid input: expected \"{GRANT}\""));
    }
    let device_code = issues.required("device_code", body.get("device_code").into());
    let client_id = issues.required("client_id", body.get("client_id").into());
    issues.finish()?;
    keep_nothing(context);
    let done = flow::exchange(context, device_code, client_id)?;
    let left = done.session.expires_at.unix_milliseconds() - Timestamp::now().unix_milliseconds();
    let answer = Object::new()
        .text("access_token", &done.session.token)
        .text("token_type", "Bearer")
        .number("expires_in", left.div_euclid(1_000))
        .text("scope", done.scope.as_deref().unwrap_or_default());
    context.new_session = Some(Live { session: done.session, user: done.user });
    object(answer)
}

fn device_verify(context: &mut Context<'_>, _: &Body) -> Answer {
    let user_code = context.request.query_value("user_code");
    let mut issues = Issues::of_query();
    let user_code = issues.required("user_code", user_code.as_ref().into());
    issues.finish()?;
    let seen = flow::look(context, user_code)?;
    let mut answer = Object::new().text("user_code", user_code).text("status", &seen.status);
    if let Some((client_id, scope)) = &seen.request {
        answer = answer.optional("client_id", client_id.as_deref()).optional("scope", scope.as_deref());
    }
    object(answer)
}

fn decide(context: &mut Context<'_>, body: &Body, verdict: Verdict) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let user_code = issues.required("userCode", body.get("userCode").into());
    issues.finish()?;
    flow::decide(context, user_code, verdict)?;
    Ok(Response::json(Object::new().boolean("success", true).finish()))
}

#[pg_extern(sql = false)]
fn rpc_device_code(client_id: Option<&str>, scope: Option<&str>, user_id: Option<&str>) -> JsonText {
    Call::with(None)
        .text("client_id", client_id)
        .text("scope", scope)
        .text("user_id", user_id)
        .post("/device/code")
}

#[pg_extern(sql = false)]
fn rpc_device_token(
    device_code: Option<&str>,
    client_id: Option<&str>,
    grant_type: Option<&str>,
) -> JsonText {
    Call::with(None)
        .text("device_code", device_code)
        .text("client_id", client_id)
        .text("grant_type", grant_type)
        .post("/device/token")
}

#[pg_extern(sql = false)]
fn rpc_device_verify(user_code: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).call("GET", "/device", &[("user_code", user_code.unwrap_or_default())])
}

#[pg_extern(sql = false)]
fn rpc_device_approve(user_code: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userCode", user_code).post("/device/approve")
}

#[pg_extern(sql = false)]
fn rpc_device_deny(user_code: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userCode", user_code).post("/device/deny")
}
