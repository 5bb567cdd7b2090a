//! The plugin's functions for PostgREST.

use pgrx::prelude::*;

use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc {
        name: "send_verification_otp",
        arguments: "email text, type text",
        comment: "Send a code: sign-in, email-verification or forget-password: {success}",
    },
    Rpc {
        name: "check_verification_otp",
        arguments: "email text, type text, otp text",
        comment: "Whether a code is right, without using it up: {success}",
    },
    Rpc {
        name: "verify_email_otp",
        arguments: "email text, otp text, session_token text DEFAULT NULL",
        comment: "Verify an email by a code: {status, token, user}",
    },
    Rpc {
        name: "sign_in_email_otp",
        arguments: "email text, otp text, name text DEFAULT NULL, image text DEFAULT NULL, additional_fields jsonb DEFAULT NULL",
        comment: "Sign in, or up, by a code; sets the session cookie: {token, user}",
    },
    Rpc {
        name: "request_password_reset_email_otp",
        arguments: "email text",
        comment: "Send the code with which a user sets a new password: {success}",
    },
    Rpc {
        name: "forget_password_email_otp",
        arguments: "email text",
        comment: "The older name of request_password_reset_email_otp: {success}",
    },
    Rpc {
        name: "reset_password_email_otp",
        arguments: "email text, otp text, password text",
        comment: "Set a new password with a code: {success}",
    },
    Rpc {
        name: "request_email_change_email_otp",
        arguments: "new_email text, otp text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Send a code to a new email: {success}",
    },
    Rpc {
        name: "change_email_email_otp",
        arguments: "new_email text, otp text, session_token text DEFAULT NULL",
        comment: "Change the email with the code that was sent to the new one: {success}",
    },
];

#[pg_extern(sql = false)]
fn rpc_send_verification_otp(email: Option<&str>, kind: Option<&str>) -> JsonText {
    Call::with(None).text("email", email).text("type", kind).post("/email-otp/send-verification-otp")
}

#[pg_extern(sql = false)]
fn rpc_check_verification_otp(email: Option<&str>, kind: Option<&str>, otp: Option<&str>) -> JsonText {
    Call::with(None)
        .text("email", email)
        .text("type", kind)
        .text("otp", otp)
        .post("/email-otp/check-verification-otp")
}

#[pg_extern(sql = false)]
fn rpc_verify_email_otp(email: Option<&str>, otp: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("email", email).text("otp", otp).post("/email-otp/verify-email")
}

#[pg_extern(sql = false)]
fn rpc_sign_in_email_otp(
    email: Option<&str>,
    otp: Option<&str>,
    name: Option<&str>,
    image: Option<&str>,
    additional_fields: Option<Jsonb<'_>>,
) -> JsonText {
    Call::with(None)
        .text("email", email)
        .text("otp", otp)
        .text("name", name)
        .text("image", image)
        .additional(additional_fields)
        .post("/sign-in/email-otp")
}

#[pg_extern(sql = false)]
fn rpc_request_password_reset_email_otp(email: Option<&str>) -> JsonText {
    Call::with(None).text("email", email).post("/email-otp/request-password-reset")
}

#[pg_extern(sql = false)]
fn rpc_forget_password_email_otp(email: Option<&str>) -> JsonText {
    Call::with(None).text("email", email).post("/forget-password/email-otp")
}

#[pg_extern(sql = false)]
fn rpc_reset_password_email_otp(email: Option<&str>, otp: Option<&str>, password: Option<&str>) -> JsonText {
    Call::with(None)
        .text("email", email)
        .text("otp", otp)
        .text("password", password)
        .post("/email-otp/reset-password")
}

#[pg_extern(sql = false)]
fn rpc_request_email_change_email_otp(
    new_email: Option<&str>,
    otp: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("newEmail", new_email)
        .text("otp", otp)
        .post("/email-otp/request-email-change")
}

#[pg_extern(sql = false)]
fn rpc_change_email_email_otp(
    new_email: Option<&str>,
    otp: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token).text("newEmail", new_email).text("otp", otp).post("/email-otp/change-email")
}
