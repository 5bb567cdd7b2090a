//! Codes of authenticator apps.

use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{
    Proven, Prover, check_not_locked, check_password, note_failure, note_success, set_enabled, store,
};
use crate::crypto::totp::{self, Key};
use crate::error::AuthError;
use crate::flow::input::{Input, Issues};
use crate::flow::secrets;
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::flow::url::encode;
use crate::plugin::two_factor::{ENABLED, INVALID_CODE, TOTP_IS_NOT_CONFIGURED, TOTP_NOT_ENABLED, settings};
use crate::store::server::Timestamp;
use crate::store::verification;

/// Before a secret of another provider's, in base32. Better Auth's own never have a colon.
const BASE32: &str = "base32:";

/// Identifier of the steps whose codes a user has used, up to the user's id.
const USED: &str = "2fa-used-";

/// For how many periods a used step is kept: longer than its code is taken.
const KEPT: i64 = 4;

/// How long a code stands, in seconds.
fn period() -> i64 {
    match settings::totp_period() {
        0 => 30,
        period => period,
    }
}

/// # Errors
/// TOTP_NOT_CONFIGURED.
fn check_configured() -> Result<(), AuthError> {
    if settings::totp_disable() { Err(TOTP_IS_NOT_CONFIGURED.into()) } else { Ok(()) }
}

/// A secret as it is stored: the bytes that the codes are made of.
///
/// # Errors
/// It can't be read: it was encrypted under a secret that is gone.
fn decrypt(stored: &str) -> Result<Zeroizing<Vec<u8>>, AuthError> {
    let unreadable = || {
        AuthError::Setup(
            "the secret of a second factor can't be decrypted: the cookie secret that it was encrypted under is gone".into(),
        )
    };
    let secret = secrets::unseal(stored, Timestamp::now())?.ok_or_else(unreadable)?;
    let bytes = match secret.strip_prefix(BASE32) {
        Some(text) => totp::from_base32(&Zeroizing::new(text.to_uppercase())).ok_or_else(unreadable)?,
        None => secret.as_bytes().to_vec(),
    };
    Ok(Zeroizing::new(bytes))
}

/// The URI that an authenticator app is set up with.
pub(super) fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let query = Serializer::new(String::new())
        .append_pair("secret", &Zeroizing::new(totp::base32(secret)))
        .append_pair("issuer", issuer)
        .append_pair("digits", &settings::totp_digits().to_string())
        .append_pair("period", &period().to_string())
        .finish();
    format!("otpauth://totp/{}:{}?{query}", encode(issuer), encode(account))
}

/// What stands for the application where no issuer is set.
pub(super) fn app_name() -> String {
    settings::app_name().unwrap_or_default()
}

/// `generateTOTP`: the code of a secret in plain text now.
///
/// # Errors
/// VALIDATION_ERROR, TOTP_NOT_CONFIGURED.
pub(in crate::plugin::two_factor) fn generate(secret: Input<'_>) -> Result<String, AuthError> {
    let mut issues = Issues::of_body();
    let secret = issues.required("secret", secret);
    issues.finish()?;
    check_configured()?;
    let step = totp::step(Timestamp::now().unix_seconds(), period());
    Ok(Key::new(secret.as_bytes(), settings::totp_digits()).code(step))
}

/// `get-totp-uri`: the URI of the caller's secret, once more.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, TOTP_NOT_CONFIGURED, TOTP_NOT_ENABLED, INVALID_PASSWORD, PASSWORD_TOO_LONG.
pub(in crate::plugin::two_factor) fn get_uri(
    caller: &mut dyn Caller,
    password: Option<&str>,
) -> Result<String, AuthError> {
    let user = require(caller, Need::Live)?.user;
    check_configured()?;
    let two_factor = store::find(&user.id)?.ok_or(TOTP_NOT_ENABLED)?;
    let secret = decrypt(&two_factor.secret)?;
    check_password(&user.id, password, settings::totp_allow_passwordless())?;
    Ok(uri(&secret, &settings::totp_issuer().unwrap_or_else(app_name), &user.email))
}

/// `verify-totp`: takes a code. The first one of a secret has the second factor count from then on.
///
/// # Errors
/// VALIDATION_ERROR, TOTP_NOT_CONFIGURED, INVALID_TWO_FACTOR_COOKIE, TOTP_NOT_ENABLED, ACCOUNT_TEMPORARILY_LOCKED,
/// TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, INVALID_CODE, and those of opening a session.
pub(in crate::plugin::two_factor) fn verify(
    caller: &mut dyn Caller,
    code: &str,
    trusts_device: bool,
) -> Result<Proven, AuthError> {
    check_configured()?;
    let prover = Prover::find(caller)?;
    let user = prover.user();
    let two_factor = store::find(&user.id)?.ok_or(TOTP_NOT_ENABLED)?;
    if prover.is_sign_in() {
        if two_factor.verified == Some(false) {
            return Err(TOTP_NOT_ENABLED.into());
        }
        check_not_locked(&two_factor)?;
    }
    let secret = decrypt(&two_factor.secret)?;
    let attempt = prover.begin(caller)?;
    let is_right = spend(&user.id, &Key::new(&secret, settings::totp_digits()), code)?;
    if let Some(attempt) = &attempt {
        if is_right {
            attempt.succeeded();
            note_success(&two_factor)?;
        } else {
            attempt.failed()?;
            note_failure(&two_factor)?;
        }
    }
    if !is_right {
        return Err(INVALID_CODE.into());
    }
    if two_factor.verified == Some(true) {
        return prover.finish(caller, trusts_device);
    }
    store::set_verified(&two_factor.id)?;
    match prover {
        Prover::Session(live) if !live.user.is(ENABLED) => {
            let user = set_enabled(&live.user.id, true)?;
            let rotated = session::rotate(caller, live.session.clone(), user)?;
            // Better Auth answers with the session that has just ended.
            let Live { session, user } = live;
            Ok(Proven { token: Some(session.token), user, live: Some(rotated), cookies: Vec::new() })
        }
        prover => prover.finish(caller, trusts_device),
    }
}

/// Whether it is a code of now, or a step before or after, that the user, who is locked, has not used yet. It is used
/// from then on: somebody may have seen it.
fn spend(user_id: &str, key: &Key, code: &str) -> Result<bool, AuthError> {
    let (now, period) = (Timestamp::now(), period());
    let current = totp::step(now.unix_seconds(), period);
    let steps = key.steps(code, current);
    if steps.is_empty() {
        return Ok(false);
    }
    let identifier = format!("{USED}{user_id}");
    let known = verification::find(&identifier)?.map(|known| known.value).unwrap_or_default();
    let mut used: Vec<u64> = known.split(',').filter_map(|step| step.parse().ok()).collect();
    let Some(step) = steps.into_iter().find(|step| !used.contains(step)) else { return Ok(false) };
    used.retain(|used| used.abs_diff(current) <= KEPT.unsigned_abs());
    used.push(step);
    let used: Vec<String> = used.iter().map(u64::to_string).collect();
    verification::delete(&identifier)?;
    verification::create(&identifier, &used.join(","), now.plus(KEPT.saturating_mul(period)), now)?;
    Ok(true)
}
