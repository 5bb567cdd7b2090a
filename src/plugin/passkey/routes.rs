//! The plugin's routes.

use super::flow::{self, MAX_AGE, Message};
use super::{FAILED_TO_VERIFY_REGISTRATION, ORIGIN_MISSING, json, options};
use crate::api::http::location::trim;
use crate::api::http::{Answer, Body, Context, Response, Route, get, post};
use crate::error::AuthError;
use crate::flow::input::{Input, Issues};
use crate::flow::json::{self as rows, Object, array};
use serde_json::Value;

pub(super) const ROUTES: &[Route] = &[
    Route {
        writes: true,
        ..get("generatePasskeyRegistrationOptions", "/passkey/generate-register-options", ask_to_register)
    },
    Route {
        writes: true,
        ..get(
            "generatePasskeyAuthenticationOptions",
            "/passkey/generate-authenticate-options",
            ask_to_authenticate,
        )
    },
    post("verifyPasskeyRegistration", "/passkey/verify-registration", register),
    post("verifyPasskeyAuthentication", "/passkey/verify-authentication", authenticate),
    get("listPasskeys", "/passkey/list-user-passkeys", list),
    post("deletePasskey", "/passkey/delete-passkey", delete),
    post("updatePasskey", "/passkey/update-passkey", rename),
];

fn asked(context: &mut Context<'_>, asked: flow::Asked) -> Answer {
    context.set_signed(&options::cookie(), &asked.identifier, Some(MAX_AGE))?;
    Ok(Response::json(asked.options))
}

fn ask_to_register(context: &mut Context<'_>, _: &Body) -> Answer {
    let [attachment, name, for_context] =
        ["authenticatorAttachment", "name", "context"].map(|name| context.request.query_value(name));
    let mut issues = Issues::of_query();
    let kinds = ["platform", "cross-platform"];
    let attachment = issues.one_of("authenticatorAttachment", attachment.as_ref(), &kinds);
    let name = issues.optional("name", name.as_ref().into());
    let for_context = issues.optional("context", for_context.as_ref().into());
    issues.bounded("name", name);
    issues.bounded("context", for_context);
    issues.finish()?;
    if [name, for_context].into_iter().flatten().any(|text| text.contains('\0')) {
        return Err(AuthError::Nul);
    }
    let rp_id = options::rp_id(&context.site.base_url);
    let options = flow::ask_to_register(context, &rp_id, attachment, name, for_context)?;
    asked(context, options)
}

fn ask_to_authenticate(context: &mut Context<'_>, _: &Body) -> Answer {
    let rp_id = options::rp_id(&context.site.base_url);
    let options = flow::ask_to_authenticate(context, &rp_id)?;
    asked(context, options)
}

/// What a message came with: the identifier of the cookie, the origins, the RP id.
fn around(
    context: &Context<'_>,
    missing: AuthError,
) -> Result<(Option<String>, Vec<String>, String), AuthError> {
    let origins = options::origins(context.request.header("origin").as_deref());
    if origins.is_empty() {
        return Err(missing);
    }
    let identifier = context.signed_cookie(&context.name(&options::cookie()))?;
    Ok((identifier, origins, options::rp_id(&context.site.base_url)))
}

fn register(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    if body.get("response").is_none() {
        issues.add("response", "Invalid input: expected nonoptional, received undefined");
    }
    let name = issues.optional("name", body.get("name").into()).map(trim);
    let creates_session = issues.optional_boolean("createSession", body.get("createSession").into());
    issues.bounded("name", name);
    issues.finish()?;
    let live = flow::registrant(context)?;
    let (identifier, origins, rp_id) = around(context, FAILED_TO_VERIFY_REGISTRATION.into())?;
    let message = Message {
        response: body.get("response").unwrap_or(&Value::Null),
        identifier: identifier.as_deref(),
        origins: &origins,
        rp_id: &rp_id,
    };
    let creates_session = creates_session.unwrap_or(false);
    let done = flow::register(context, live.as_ref(), &message, name, creates_session)?;
    let passkey = json::passkey(&done.passkey);
    let Some(opened) = done.opened else { return Ok(Response::json(passkey.finish())) };
    context.set_session(&opened, None)?;
    let answer =
        passkey.json("session", &rows::session(&opened.session)).json("user", &rows::user(&opened.user));
    Ok(Response::json(answer.finish()))
}

fn authenticate(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let response = body.get("response");
    if !response.is_some_and(Value::is_object) {
        let received = Input::from(response).kind();
        issues.add("response", &format!("Invalid input: expected record, received {received}"));
    }
    issues.finish()?;
    let (identifier, origins, rp_id) = around(context, ORIGIN_MISSING.into())?;
    let message = Message {
        response: response.unwrap_or(&Value::Null),
        identifier: identifier.as_deref(),
        origins: &origins,
        rp_id: &rp_id,
    };
    let live = flow::authenticate(context, &message)?;
    context.set_session(&live, None)?;
    Ok(Response::json(rows::live(&live)))
}

fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let passkeys = flow::list(context)?;
    Ok(Response::json(array(passkeys.iter().map(|passkey| json::passkey(passkey).finish()))))
}

fn delete(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let id = issues.required("id", body.get("id").into());
    issues.finish()?;
    flow::delete(context, id)?;
    Ok(Response::json(Object::new().boolean("status", true).finish()))
}

fn rename(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let id = issues.required("id", body.get("id").into());
    let name = match body.get("name") {
        Some(Value::String(name)) => issues.not_empty("name", Input::Text(trim(name))),
        other => {
            let name = issues.required("name", other.into());
            if matches!(other, Some(Value::Array(items)) if items.is_empty()) {
                issues.add("name", "Too small: expected array to have >=1 items");
            }
            name
        }
    };
    issues.bounded("name", Some(name));
    issues.finish()?;
    let passkey = flow::rename(context, id, name)?;
    Ok(Response::json(Object::new().json("passkey", &json::passkey(&passkey).finish()).finish()))
}
