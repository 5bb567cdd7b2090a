//! Codes by mail or SMS. A code's row is Better Auth's: identifier `2fa-otp-<challenge>` or
//! `2fa-otp-<user's id>!<session's id>`, value `<stored code>:<wrong guesses>`.

use serde_json::Map;
use subtle::ConstantTimeEq;

use super::{
    Attempt, Guessed, Proven, Prover, check_not_locked, has_otp, note_failure, note_success, phone_of,
    set_enabled, store,
};
use crate::crypto::digest::key_hash;
use crate::error::AuthError;
use crate::flow::guess::Guess;
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::secrets;
use crate::flow::session::{self, Caller};
use crate::plugin::two_factor::{
    ACCOUNT_TEMPORARILY_LOCKED, ENABLED, FAILED_TO_CREATE_SESSION, INVALID_CODE, OTP_HAS_EXPIRED,
    OTP_IS_NOT_CONFIGURED, OTP_NOT_ENABLED, SendOtp, StoreOtp, TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, settings,
};
use crate::store::server::{Timestamp, random_digits};
use crate::store::verification;

const MAIL: Kind = Kind::mail("two-factor-otp");
const SMS: Kind = Kind::sms("two-factor-otp");

/// `send-otp`: sends a code to the user.
///
/// # Errors
/// VALIDATION_ERROR, OTP_NOT_CONFIGURED, INVALID_TWO_FACTOR_COOKIE, OTP_NOT_ENABLED for a user without a number.
pub(in crate::plugin::two_factor) fn send(caller: &mut dyn Caller) -> Result<(), AuthError> {
    if settings::send_otp() == SendOtp::Off {
        return Err(OTP_IS_NOT_CONFIGURED.into());
    }
    let prover = Prover::find(caller)?;
    let user = prover.user();
    if !has_otp(user) {
        return Err(OTP_NOT_ENABLED.into());
    }
    let otp = random_digits(settings::otp_digits())?;
    let stored = match settings::store_otp() {
        StoreOtp::Plain => otp.clone(),
        StoreOtp::Hashed => key_hash(&otp),
        StoreOtp::Encrypted => secrets::seal(&otp)?,
    };
    let now = Timestamp::now();
    let expires_at = now.plus(settings::otp_period());
    verification::create(&identifier(&prover), &format!("{stored}:0"), expires_at, now)?;
    let phone = phone_of(user).filter(|_| settings::send_otp() == SendOtp::Sms);
    let (kind, recipient) = match &phone {
        Some(number) => (SMS, number.as_str()),
        None => (MAIL, user.email.as_str()),
    };
    mail::quietly(|| {
        mail::send(&Draft {
            kind,
            recipient,
            url: "",
            token: &otp,
            user: Some(user),
            data: Map::new(),
            expires_at,
        })
    });
    Ok(())
}

fn identifier(prover: &Prover) -> String {
    format!("2fa-otp-{}", prover.key())
}

/// The stored code, and how many wrong guesses it has seen.
fn parts(value: &str) -> (&str, i64) {
    let mut parts = value.split(':');
    let stored = parts.next().unwrap_or_default();
    let attempts = parts.next().and_then(|attempts| attempts.parse().ok()).unwrap_or(0);
    (stored, attempts)
}

fn is_right(stored: &str, given: &str) -> Result<bool, AuthError> {
    let equal = |left: &str, right: &str| bool::from(left.as_bytes().ct_eq(right.as_bytes()));
    Ok(match settings::store_otp() {
        StoreOtp::Plain => equal(stored, given),
        StoreOtp::Hashed => equal(stored, &key_hash(given)),
        // One that can't be read, of another secret say, is nobody's.
        StoreOtp::Encrypted => {
            secrets::unseal(stored, Timestamp::now())?.is_some_and(|otp| equal(&otp, given))
        }
    })
}

/// `verify-otp`: takes a code. Where the second factor didn't count yet, it does from then on.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_TWO_FACTOR_COOKIE, ACCOUNT_TEMPORARILY_LOCKED, OTP_HAS_EXPIRED,
/// TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, INVALID_CODE, FAILED_TO_CREATE_SESSION, and those of opening a session.
pub(in crate::plugin::two_factor) fn verify(
    caller: &mut dyn Caller,
    code: &str,
    trusts_device: bool,
) -> Result<Proven, AuthError> {
    let prover = Prover::find(caller)?;
    let two_factor = match prover.is_sign_in() {
        true => store::find(&prover.user().id)?,
        false => None,
    };
    if let Some(two_factor) = &two_factor {
        check_not_locked(two_factor)?;
    }
    let identifier = identifier(&prover);
    let taken = verification::consume(&identifier, Timestamp::now())?.ok_or(OTP_HAS_EXPIRED)?;
    let (stored, attempts) = parts(&taken.value);
    let allowed = i64::from(settings::otp_allowed_attempts());
    let guessed = Guessed {
        identifier: Attempt::guessed_key(&prover.user().id),
        stored: stored.to_owned(),
        allowed,
        lifetime: settings::otp_period(),
    };
    let guess = if attempts >= allowed { Guess::Spent } else { guessed.guess() };
    match guess {
        Guess::Counted => {}
        Guess::Spent => return Err(TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE.into()),
        Guess::Resting => {
            verification::put_back(&identifier, &taken, &taken.value)?;
            return Err(ACCOUNT_TEMPORARILY_LOCKED.into());
        }
    }
    if !is_right(stored, code)? {
        verification::put_back(&identifier, &taken, &format!("{stored}:{}", attempts + 1))?;
        if let Some(two_factor) = &two_factor {
            note_failure(two_factor)?;
        }
        return Err(INVALID_CODE.into());
    }
    guessed.give_back();
    if let Some(two_factor) = &two_factor {
        note_success(two_factor)?;
    }
    match prover {
        Prover::SignIn { user, .. } if !user.is(ENABLED) => Err(FAILED_TO_CREATE_SESSION.into()),
        Prover::Session(live) if !live.user.is(ENABLED) => {
            let user = set_enabled(&live.user.id, true)?;
            let live = session::rotate(caller, live.session, user)?;
            let (token, user) = (Some(live.session.token.clone()), live.user.clone());
            Ok(Proven { token, user, live: Some(live), cookies: Vec::new() })
        }
        prover => prover.finish(caller, trusts_device),
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn kept_values_are_read_as_better_auth_reads_them() {
        for (value, expected) in [
            ("123456:0", ("123456", 0)),
            ("123456:3", ("123456", 3)),
            ("123456", ("123456", 0)),
            ("123456:x", ("123456", 0)),
            ("123456:1:9", ("123456", 1)),
            ("", ("", 0)),
        ] {
            assert_eq!(parts(value), expected, "{value}");
        }
    }
}
