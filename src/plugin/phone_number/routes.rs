//! The plugin's endpoints: over HTTP, and as functions for PostgREST.

use pgrx::prelude::*;

use super::flow::{self, Request};
use crate::api::http::routes::signed_in;
use crate::api::http::{Answer, Body, Context, Response, Route, post};
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;
use crate::flow::json::{self, Object};
use crate::plugin::Rpc;

pub(super) const ROUTES: &[Route] = &[
    post("signInPhoneNumber", "/sign-in/phone-number", sign_in),
    post("sendPhoneNumberOTP", "/phone-number/send-otp", send_otp),
    post("consumePhoneNumberOTP", "", consume),
    post("verifyPhoneNumber", "/phone-number/verify", verify),
    post("requestPasswordResetPhoneNumber", "/phone-number/request-password-reset", request_reset),
    post("resetPasswordPhoneNumber", "/phone-number/reset-password", reset),
];

pub(super) const RPC: &[Rpc] = &[
    Rpc {
        name: "sign_in_phone_number",
        arguments: "phone_number text, password text, remember_me boolean DEFAULT NULL",
        comment: "Signs a user in by phone number and password.",
    },
    Rpc {
        name: "send_phone_number_otp",
        arguments: "phone_number text",
        comment: "Sends a code that proves a phone number.",
    },
    Rpc {
        name: "verify_phone_number",
        arguments: "phone_number text, code text, disable_session boolean DEFAULT NULL, update_phone_number boolean DEFAULT NULL, additional_fields jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Proves a phone number by its code: signs its user in, or adds it to the caller.",
    },
    Rpc {
        name: "request_password_reset_phone_number",
        arguments: "phone_number text",
        comment: "Sends a code with which a forgotten password is set anew.",
    },
    Rpc {
        name: "reset_password_phone_number",
        arguments: "otp text, phone_number text, new_password text",
        comment: "Sets a new password with such a code.",
    },
];

fn status() -> Answer {
    Ok(Response::json(Object::new().boolean("status", true).finish()))
}

fn sign_in(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let request = Request {
        phone_number: body.get("phoneNumber").into(),
        password: body.get("password").into(),
        remember_me: body.get("rememberMe").into(),
    };
    let outcome = flow::sign_in(context, &request)?;
    signed_in(context, outcome, |done| {
        Object::new().text("token", &done.session.token).json("user", &json::user(&done.user)).finish()
    })
}

fn send_otp(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::send_otp(body.get("phoneNumber").into())?;
    Ok(Response::json(Object::new().text("message", "code sent").finish()))
}

fn consume(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::consume(body.get("phoneNumber").into(), body.get("code").into())?;
    status()
}

fn verify(context: &mut Context<'_>, body: &Body) -> Answer {
    let done = flow::verify(context, body.object_and_record()?)?;
    let answer = Object::new()
        .boolean("status", true)
        .optional("token", done.token.as_deref())
        .json("user", &json::user(&done.user))
        .finish();
    if let Some(live) = flow::opened(&done) {
        context.set_session(&live, None)?;
    }
    Ok(Response::json(answer))
}

fn request_reset(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::request_reset(body.get("phoneNumber").into())?;
    status()
}

fn reset(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let field = |name| body.get(name).into();
    flow::reset(context, field("otp"), field("phoneNumber"), field("newPassword"))?;
    status()
}

#[pg_extern(sql = false)]
fn rpc_sign_in_phone_number(
    phone_number: Option<&str>,
    password: Option<&str>,
    remember_me: Option<bool>,
) -> JsonText {
    Call::with(None)
        .text("phoneNumber", phone_number)
        .text("password", password)
        .boolean("rememberMe", remember_me)
        .post("/sign-in/phone-number")
}

#[pg_extern(sql = false)]
fn rpc_send_phone_number_otp(phone_number: Option<&str>) -> JsonText {
    Call::with(None).text("phoneNumber", phone_number).post("/phone-number/send-otp")
}

#[pg_extern(sql = false)]
fn rpc_verify_phone_number(
    phone_number: Option<&str>,
    code: Option<&str>,
    disable_session: Option<bool>,
    update_phone_number: Option<bool>,
    additional_fields: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("phoneNumber", phone_number)
        .text("code", code)
        .boolean("disableSession", disable_session)
        .boolean("updatePhoneNumber", update_phone_number)
        .additional(additional_fields)
        .post("/phone-number/verify")
}

#[pg_extern(sql = false)]
fn rpc_request_password_reset_phone_number(phone_number: Option<&str>) -> JsonText {
    Call::with(None).text("phoneNumber", phone_number).post("/phone-number/request-password-reset")
}

#[pg_extern(sql = false)]
fn rpc_reset_password_phone_number(
    otp: Option<&str>,
    phone_number: Option<&str>,
    new_password: Option<&str>,
) -> JsonText {
    Call::with(None)
        .text("otp", otp)
        .text("phoneNumber", phone_number)
        .text("newPassword", new_password)
        .post("/phone-number/reset-password")
}
