//! The plugin's functions for PostgREST.

use pgrx::prelude::*;

use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc {
        name: "enable_two_factor",
        arguments: "password text DEFAULT NULL, method text DEFAULT NULL, issuer text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Set up a second factor, totp or otp: {method, totpURI, backupCodes}; where it counts at once, the session gives way to another one",
    },
    Rpc {
        name: "disable_two_factor",
        arguments: "password text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Give the second factor up: {status}; the session gives way to another one",
    },
    Rpc {
        name: "get_totp_uri",
        arguments: "password text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "The URI for an authenticator app once more: {totpURI}",
    },
    Rpc {
        name: "verify_totp",
        arguments: "code text, trust_device boolean DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Prove the second factor by a code of an authenticator app, or finish its set-up: {token, user}; sets the session cookie",
    },
    Rpc {
        name: "send_two_factor_otp",
        arguments: "session_token text DEFAULT NULL",
        comment: "Send a code by mail or SMS: {status}",
    },
    Rpc {
        name: "verify_two_factor_otp",
        arguments: "code text, trust_device boolean DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Prove the second factor by a code that was sent: {token, user}; sets the session cookie",
    },
    Rpc {
        name: "verify_backup_code",
        arguments: "code text, disable_session boolean DEFAULT NULL, trust_device boolean DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Prove the second factor by a backup code, which is good once: {token, user}; sets the session cookie",
    },
    Rpc {
        name: "generate_backup_codes",
        arguments: "password text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "New backup codes in place of those of before: {status, backupCodes}",
    },
];

#[pg_extern(sql = false)]
fn rpc_enable_two_factor(
    password: Option<&str>,
    method: Option<&str>,
    issuer: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("password", password)
        .text("method", method)
        .text("issuer", issuer)
        .post("/two-factor/enable")
}

#[pg_extern(sql = false)]
fn rpc_disable_two_factor(password: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("password", password).post("/two-factor/disable")
}

#[pg_extern(sql = false)]
fn rpc_get_totp_uri(password: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("password", password).post("/two-factor/get-totp-uri")
}

#[pg_extern(sql = false)]
fn rpc_verify_totp(code: Option<&str>, trust_device: Option<bool>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token)
        .text("code", code)
        .boolean("trustDevice", trust_device)
        .post("/two-factor/verify-totp")
}

#[pg_extern(sql = false)]
fn rpc_send_two_factor_otp(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/two-factor/send-otp")
}

#[pg_extern(sql = false)]
fn rpc_verify_two_factor_otp(
    code: Option<&str>,
    trust_device: Option<bool>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("code", code)
        .boolean("trustDevice", trust_device)
        .post("/two-factor/verify-otp")
}

#[pg_extern(sql = false)]
fn rpc_verify_backup_code(
    code: Option<&str>,
    disable_session: Option<bool>,
    trust_device: Option<bool>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("code", code)
        .boolean("disableSession", disable_session)
        .boolean("trustDevice", trust_device)
        .post("/two-factor/verify-backup-code")
}

#[pg_extern(sql = false)]
fn rpc_generate_backup_codes(password: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("password", password).post("/two-factor/generate-backup-codes")
}
