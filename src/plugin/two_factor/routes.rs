//! The plugin's routes.

use super::flow::enabling::{self, Enabled, Method};
use super::flow::{Proven, backup_codes, challenge, otp, totp};
use super::{OfItsOwn, settings};
use crate::api::http::routes::{object, status};
use crate::api::http::{Answer, Body, Context, Route, post};
use crate::error::AuthError;
use crate::flow::input::Issues;
use crate::flow::json::{self, Object};

pub(super) const ROUTES: &[Route] = &[
    post("generateTOTP", "", generate_totp),
    Route { writes: false, ..post("getTOTPURI", "/two-factor/get-totp-uri", get_totp_uri) },
    post("verifyTOTP", "/two-factor/verify-totp", verify_totp),
    post("sendTwoFactorOTP", "/two-factor/send-otp", send_otp),
    post("verifyTwoFactorOTP", "/two-factor/verify-otp", verify_otp),
    post("verifyBackupCode", "/two-factor/verify-backup-code", verify_backup_code),
    post("generateBackupCodes", "/two-factor/generate-backup-codes", generate_backup_codes),
    Route { writes: false, ..post("viewBackupCodes", "", view_backup_codes) },
    post("enableTwoFactor", "/two-factor/enable", enable),
    post("disableTwoFactor", "/two-factor/disable", disable),
];

/// The password of a body, which may lack one where users may.
fn password<'b>(issues: &mut Issues, body: &'b Body, own: OfItsOwn) -> Option<&'b str> {
    let may_lack_one = match own {
        OfItsOwn::Inherit => settings::allow_passwordless(),
        own => own == OfItsOwn::On,
    };
    let password = body.get("password").into();
    if may_lack_one {
        issues.optional("password", password)
    } else {
        Some(issues.required("password", password))
    }
}

/// A challenge that a caller without cookies hands in.
fn take_handed(context: &mut Context<'_>, body: &Body) {
    if context.is_direct
        && let Some(token) = body.get(challenge::TOKEN).and_then(|token| token.as_str())
    {
        context.handed = Some((challenge::CHALLENGE, token.to_owned()));
    }
}

/// The answer to who has proven the second factor.
fn proven(context: &mut Context<'_>, proven: Proven) -> Answer {
    if let Some(live) = &proven.live {
        context.set_session(live, None)?;
    }
    context.set_given(proven.cookies)?;
    let answer = Object::new();
    let answer = match &proven.token {
        Some(token) => answer.text("token", token),
        None => answer,
    };
    object(answer.json("user", &json::user(&proven.user)))
}

fn generate_totp(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    object(Object::new().text("code", &totp::generate(body.get("secret").into())?))
}

fn get_totp_uri(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let password = password(&mut issues, body, settings::totp_allow_passwordless());
    issues.finish()?;
    object(Object::new().text("totpURI", &totp::get_uri(context, password)?))
}

/// Code and trust of a body.
fn code(body: &Body) -> Result<(&str, bool), AuthError> {
    let mut issues = Issues::of_body();
    let code = issues.required("code", body.get("code").into());
    let trusts_device = issues.optional_boolean("trustDevice", body.get("trustDevice").into());
    issues.finish()?;
    Ok((code, trusts_device == Some(true)))
}

fn verify_totp(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let (code, trusts_device) = code(body)?;
    take_handed(context, body);
    let done = totp::verify(context, code, trusts_device)?;
    proven(context, done)
}

fn send_otp(context: &mut Context<'_>, body: &Body) -> Answer {
    if !body.is_missing() {
        body.object("object")?;
    }
    let mut issues = Issues::of_body();
    issues.optional_boolean("trustDevice", body.get("trustDevice").into());
    issues.finish()?;
    take_handed(context, body);
    otp::send(context)?;
    status()
}

fn verify_otp(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let (code, trusts_device) = code(body)?;
    take_handed(context, body);
    let done = otp::verify(context, code, trusts_device)?;
    proven(context, done)
}

fn verify_backup_code(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let code = issues.required("code", body.get("code").into());
    let disables_session = issues.optional_boolean("disableSession", body.get("disableSession").into());
    let trusts_device = issues.optional_boolean("trustDevice", body.get("trustDevice").into());
    issues.finish()?;
    take_handed(context, body);
    let done =
        backup_codes::verify(context, code, disables_session == Some(true), trusts_device == Some(true))?;
    proven(context, done)
}

/// `{status, backupCodes}`.
fn codes(codes: &[String]) -> Answer {
    object(Object::new().boolean("status", true).json("backupCodes", &serde_json::json!(codes).to_string()))
}

fn generate_backup_codes(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let password = password(&mut issues, body, settings::backup_code_allow_passwordless());
    issues.finish()?;
    codes(&backup_codes::generate(context, password)?)
}

fn view_backup_codes(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let user_id = issues.coerced("userId", body.get("userId"));
    issues.finish()?;
    codes(&backup_codes::view(&user_id)?)
}

fn enable(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let password = password(&mut issues, body, OfItsOwn::Inherit);
    let method = issues.one_of("method", body.get("method"), &["otp", "totp"]);
    let issuer = issues.optional("issuer", body.get("issuer").into());
    issues.bounded("issuer", issuer);
    issues.finish()?;
    let method = if method == Some("otp") { Method::Otp } else { Method::Totp };
    let Enabled { live, app } = enabling::enable(context, password, method, issuer)?;
    if let Some(live) = live {
        context.set_session(&live, None)?;
    }
    object(match app {
        None => Object::new().text("method", "otp"),
        Some((uri, codes)) => Object::new()
            .text("method", "totp")
            .text("totpURI", &uri)
            .json("backupCodes", &serde_json::json!(codes).to_string()),
    })
}

fn disable(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let password = password(&mut issues, body, OfItsOwn::Inherit);
    issues.finish()?;
    let (live, cookie) = enabling::disable(context, password)?;
    context.set_session(&live, None)?;
    context.set_given(cookie)?;
    status()
}
