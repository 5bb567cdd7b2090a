//! Codes by mail or SMS. A code's row is Better Auth's: identifier `2fa-otp-<challenge>` or
//! `2fa-otp-<user's id>!<session's id>`, value `<stored code>:<wrong guesses>`.

use serde_json::Map;

use super::{
    Attempt, Guessed, Proven, Prover, check_not_locked, has_otp, note_failure, note_success, phone_of,
    set_enabled, store,
};
use crate::error::AuthError;
use crate::flow::guess::Guess;
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::session::{self, Caller};
use crate::plugin::stored::counted;
use crate::plugin::two_factor::{
    ACCOUNT_TEMPORARILY_LOCKED, ENABLED, FAILED_TO_CREATE_SESSION, INVALID_CODE, OTP_HAS_EXPIRED,
    OTP_IS_NOT_CONFIGURED, OTP_NOT_ENABLED, SendOtp, TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, settings,
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
    let stored = settings::store_otp().of(&otp)?;
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
    let (stored, attempts) = counted(&taken.value);
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
    if !settings::store_otp().is_right(stored, code, Timestamp::now())? {
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
