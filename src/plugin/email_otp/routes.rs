//! The plugin's routes.

use super::flow::{self, SignIn};
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Route, get, post};
use crate::api::json as json_bounds;
use crate::error::{AuthError, Code};
use crate::flow::json::{self, Object};
use crate::flow::session::{Caller, Live};
use crate::store::user::User;

pub(super) const ROUTES: &[Route] = &[
    Route {
        is_sign_in: true,
        ..post("sendVerificationOTP", "/email-otp/send-verification-otp", send_verification_otp)
    },
    post("createVerificationOTP", "", create_verification_otp),
    get("getVerificationOTP", "", get_verification_otp),
    post("checkVerificationOTP", "/email-otp/check-verification-otp", check_verification_otp),
    post("verifyEmailOTP", "/email-otp/verify-email", verify_email),
    Route {
        max_values: json_bounds::MANY,
        not_taken: Some(no_user),
        ..post("signInEmailOTP", "/sign-in/email-otp", sign_in)
    },
    post("requestPasswordResetEmailOTP", "/email-otp/request-password-reset", request_password_reset),
    post("forgetPasswordEmailOTP", "/forget-password/email-otp", request_password_reset),
    post("resetPasswordEmailOTP", "/email-otp/reset-password", reset_password),
    post("requestEmailChangeEmailOTP", "/email-otp/request-email-change", request_email_change),
    post("changeEmailEmailOTP", "/email-otp/change-email", change_email),
];

/// Better Auth's word for a row that the database didn't take.
fn no_user() -> AuthError {
    Code::FAILED_TO_CREATE_USER.into()
}

fn success() -> Answer {
    object(Object::new().boolean("success", true))
}

fn send_verification_otp(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::send_verification(context, body.get("email").into(), body.get("type").into())?;
    success()
}

fn create_verification_otp(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let otp = flow::create_verification(body.get("email").into(), body.get("type").into())?;
    // Digits.
    Ok(crate::api::http::Response::json(format!("\"{otp}\"")))
}

fn get_verification_otp(context: &mut Context<'_>, _: &Body) -> Answer {
    let (email, kind) = (context.request.query_value("email"), context.request.query_value("type"));
    let otp = flow::get_verification(email.as_ref().into(), kind.as_ref().into())?;
    object(Object::new().optional("otp", otp.as_deref()))
}

fn check_verification_otp(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::check(body.get("email").into(), body.get("type").into(), body.get("otp").into())?;
    success()
}

fn verify_email(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let done = flow::verify_email(context, body.get("email").into(), body.get("otp").into())?;
    let answer = Object::new().boolean("status", true);
    let token = done.session.as_ref().map(|live| live.session.token.clone());
    match done.session {
        Some(live) => context.set_session(&live, None)?,
        None => show_verified(context, &done.user)?,
    }
    object(answer.optional("token", token.as_deref()).json("user", &json::user(&done.user)))
}

/// Has the cookie cache of who verified the own email tell so.
fn show_verified(context: &mut Context<'_>, user: &User) -> Result<(), AuthError> {
    let Some(live) = context.session(true)?.filter(|live| live.user.id == user.id) else { return Ok(()) };
    let live = Live { session: live.session, user: User { email_verified: true, ..live.user } };
    let is_remembered = !context.is_not_remembered()?;
    context.set_cache(&live, is_remembered)
}

fn sign_in(context: &mut Context<'_>, body: &Body) -> Answer {
    let fields = body.object_and_record()?;
    let request = SignIn {
        email: body.get("email").into(),
        otp: body.get("otp").into(),
        name: body.get("name").into(),
        image: body.get("image").into(),
        body: fields,
    };
    let live = flow::sign_in(context, &request)?;
    context.set_session(&live, None)?;
    object(Object::new().text("token", &live.session.token).json("user", &json::user(&live.user)))
}

fn request_password_reset(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::request_reset(body.get("email").into())?;
    success()
}

fn reset_password(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::reset(context, body.get("email").into(), body.get("otp").into(), body.get("password").into())?;
    success()
}

fn request_email_change(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::request_change(context, body.get("newEmail").into(), body.get("otp").into())?;
    success()
}

fn change_email(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let live = flow::change(context, body.get("newEmail").into(), body.get("otp").into())?;
    context.set_session(&live, None)?;
    success()
}
