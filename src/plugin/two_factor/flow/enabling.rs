//! The second factor is set up, and given up.

use zeroize::Zeroizing;

use super::{backup_codes, challenge, check_password, has_otp, set_enabled, store, totp};
use crate::crypto::random::Alphabet;
use crate::error::{AuthError, Code};
use crate::flow::secrets;
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::plugin::Cookie;
use crate::plugin::two_factor::{
    ENABLED, OTP_NOT_CONFIGURED, OfItsOwn, TOTP_ALREADY_ENABLED, TOTP_NOT_CONFIGURED, settings,
};
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::server::random_text;
use crate::store::user::User;

/// Length of Better Auth's secrets.
const SECRET: usize = 32;

/// What is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::plugin::two_factor) enum Method {
    /// Codes by mail or SMS.
    Otp,
    /// An authenticator app.
    Totp,
}

/// What was set up.
pub(in crate::plugin::two_factor) struct Enabled {
    /// The session in place of the caller's, where the second factor counts from now on.
    pub(in crate::plugin::two_factor) live: Option<Live>,
    /// The URI for an authenticator app, and the backup codes.
    pub(in crate::plugin::two_factor) app: Option<(String, Vec<String>)>,
}

/// `enable`: codes by mail or SMS count at once, an authenticator app once it has shown a code.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, INVALID_PASSWORD, PASSWORD_TOO_LONG, OTP_NOT_CONFIGURED, TOTP_NOT_CONFIGURED,
/// TOTP_ALREADY_ENABLED, and those of opening a session.
pub(in crate::plugin::two_factor) fn enable(
    caller: &mut dyn Caller,
    password: Option<&str>,
    method: Method,
    issuer: Option<&str>,
) -> Result<Enabled, AuthError> {
    let live = require(caller, Need::Live)?;
    check_password(&live.user.id, password, OfItsOwn::Inherit)?;
    match method {
        Method::Otp if !has_otp(&live.user) => return Err(OTP_NOT_CONFIGURED.into()),
        Method::Totp if settings::totp_disable() => return Err(TOTP_NOT_CONFIGURED.into()),
        _ => {}
    }
    // Of two who set one up at once, the second finds the first's row.
    let user = session::hold(&live)?.ok_or(Code::UNAUTHORIZED)?;
    if method == Method::Otp {
        return Ok(Enabled { live: Some(count(caller, live, &user)?), app: None });
    }
    let existing = store::find(&user.id)?;
    if existing.as_ref().is_some_and(|existing| existing.verified != Some(false)) {
        return Err(TOTP_ALREADY_ENABLED.into());
    }
    let codes = backup_codes::make()?;
    let secret = Zeroizing::new(random_text(Alphabet::Default, SECRET)?);
    let (sealed, stored) = (secrets::seal(&secret)?, backup_codes::encode(&codes)?);
    let counts = settings::skip_verification_on_enable();
    let live = if counts { Some(count(caller, live, &user)?) } else { None };
    match existing {
        Some(existing) => store::replace(&existing.id, &sealed, &stored, counts)?,
        None => store::create(&user.id, &sealed, &stored, counts)?,
    }
    let issuer = issuer.map(str::to_owned).filter(|issuer| !issuer.is_empty());
    let issuer = issuer.or_else(settings::issuer).unwrap_or_else(totp::app_name);
    let uri = totp::uri(secret.as_bytes(), &issuer, &user.email);
    Ok(Enabled { live, app: Some((uri, codes)) })
}

/// Has the second factor count from now on. The session gives way to another one.
fn count(caller: &mut dyn Caller, live: Live, user: &User) -> Result<Live, AuthError> {
    let user = set_enabled(&user.id, true)?;
    session::rotate(caller, live.session, user)
}

/// `disable`: gives the second factor up, and with it the browsers that are trusted. The session in place of the
/// caller's, and the cookie that goes.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, INVALID_PASSWORD, PASSWORD_TOO_LONG, and those of opening a session.
pub(in crate::plugin::two_factor) fn disable(
    caller: &mut dyn Caller,
    password: Option<&str>,
) -> Result<(Live, Option<Cookie>), AuthError> {
    let live = require(caller, Need::Live)?;
    check_password(&live.user.id, password, OfItsOwn::Inherit)?;
    let user = session::hold(&live)?.ok_or(Code::UNAUTHORIZED)?;
    let user = set_enabled(&user.id, false)?;
    store::delete_of_user(&user.id)?;
    let cookie = challenge::distrust(caller, &user.id)?;
    Ok((session::rotate(caller, live.session, user)?, cookie))
}

/// What somebody has set up of whom nothing was proven goes: who has proven to be the user would be asked for it.
///
/// # Errors
/// No column: migrate() makes it.
pub(in crate::plugin::two_factor) fn unproven(user: &User, given: &mut Vec<Given>) -> Result<(), AuthError> {
    store::delete_of_user(&user.id)?;
    challenge::forget(&user.id)?;
    if user.is(ENABLED) {
        given.push(Given::of(Table::User, ENABLED, Some("false"))?);
    }
    Ok(())
}
