//! What a sign-in by password asks for, and the browsers that needn't be asked.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

use super::{has_otp, store};
use crate::crypto::random::Alphabet;
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::flow::secrets::{self, Name};
use crate::flow::session::Caller;
use crate::plugin::two_factor::settings;
use crate::plugin::{Challenge, Cookie, SecondFactor};
use crate::store::server::{Timestamp, random_text};
use crate::store::user::User;
use crate::store::verification::{self, Verification};

/// The cookie that remembers whose challenge it is: its row's identifier.
pub(in crate::plugin::two_factor) const CHALLENGE: &str = "two_factor";

/// The cookie of a trusted browser: `<signature of the user's id and the identifier>!<identifier>`.
const TRUST: &str = "trust_device";

/// Identifiers of challenges begin with it: Better Auth's.
pub(super) const PREFIX: &str = "2fa-";
/// Before a challenge's identifier: where its wrong guesses are counted.
pub(super) const ATTEMPTS: &str = "2fa-attempts-";
/// Identifiers of trusted browsers begin with it.
const TRUSTED: &str = "trust-device-";

/// The member of an answer that has the challenge for callers without cookies.
pub(in crate::plugin::two_factor) const TOKEN: &str = "twoFactorToken";

/// What becomes of a user with a second factor whose password was right.
///
/// # Errors
/// No usable secret, and those of the store.
pub(in crate::plugin::two_factor) fn of(caller: &dyn Caller, user: &User) -> Result<SecondFactor, AuthError> {
    let brought = caller.cookie(TRUST)?;
    if let Some(brought) = &brought
        && is_trusted(brought, user)?
    {
        return Ok(SecondFactor::Proven(vec![trust(user)?]));
    }
    let (now, max_age) = (Timestamp::now(), settings::cookie_max_age());
    let expires_at = now.plus(max_age);
    let identifier = format!("{PREFIX}{}", random_text(Alphabet::Default, 20)?);
    verification::create(&identifier, &user.id, expires_at, now)?;
    verification::create(&format!("{ATTEMPTS}{identifier}"), "0", expires_at, now)?;
    let mut methods = Vec::new();
    // Not one that nobody has shown to have the secret of.
    if !settings::totp_disable()
        && store::find(&user.id)?.is_some_and(|two_factor| two_factor.verified != Some(false))
    {
        methods.push(r#""totp""#);
    }
    if has_otp(user) {
        methods.push(r#""otp""#);
    }
    let answer = Object::new()
        .boolean("twoFactorRedirect", true)
        .json("twoFactorMethods", &format!("[{}]", methods.join(",")));
    Ok(SecondFactor::Missing(Challenge {
        answer: answer.finish(),
        cookies: brought.map(|_| Cookie { last: TRUST, value: None }).into_iter().collect(),
        cookie: Cookie { last: CHALLENGE, value: Some((identifier, max_age)) },
        member: TOKEN,
    }))
}

/// Whether a cookie says that this user has proven the second factor in this browser. It is good once: whoever is
/// trusted by it gets the next one.
fn is_trusted(cookie: &str, user: &User) -> Result<bool, AuthError> {
    let Some((signature, identifier)) = parts(cookie) else { return Ok(false) };
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return Ok(false) };
    let (message, now) = (format!("{}!{identifier}", user.id), Timestamp::now());
    let is_theirs = secrets::with_verifying_keys(Name::Cookie, now, |keys| {
        for key in keys {
            if key.verify(message.as_bytes(), &signature) {
                return true;
            }
        }
        false
    })?;
    if !is_theirs {
        return Ok(false);
    }
    let is_theirs = |trusted: Verification| trusted.expires_at > now && trusted.value == user.id;
    // Of two sign-ins at once one gets it.
    Ok(verification::find(identifier)?.is_some_and(is_theirs)
        && verification::consume(identifier, now)?.is_some_and(is_theirs))
}

/// Signature and identifier of a trusted browser's cookie. Another cookie's value, which is signed in the same way, is
/// none.
fn parts(cookie: &str) -> Option<(&str, &str)> {
    let mut parts = cookie.split('!');
    let (signature, identifier) = (parts.next()?, parts.next()?);
    identifier.starts_with(TRUSTED).then_some((signature, identifier))
}

/// Trusts a browser from now on.
///
/// # Errors
/// No usable secret, no randomness, and those of the store.
pub(super) fn trust(user: &User) -> Result<Cookie, AuthError> {
    let (now, max_age) = (Timestamp::now(), settings::trust_device_max_age());
    let identifier = format!("{TRUSTED}{}", random_text(Alphabet::Default, 32)?);
    let message = format!("{}!{identifier}", user.id);
    let signature = secrets::with_signing_key(Name::Cookie, |key| key.sign(message.as_bytes()))?;
    verification::create(&identifier, &user.id, now.plus(max_age), now)?;
    let value = format!("{}!{identifier}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    Ok(Cookie { last: TRUST, value: Some((value, max_age)) })
}

/// Trusts none of a user's browsers any more. The cookie that the caller is to lose, if one was brought.
///
/// # Errors
/// No usable secret, and those of the store.
pub(super) fn distrust(caller: &dyn Caller, user_id: &str) -> Result<Option<Cookie>, AuthError> {
    forget(user_id)?;
    let brought = caller.cookie(TRUST)?;
    if let Some((_, identifier)) = brought.as_deref().and_then(parts) {
        verification::delete(identifier)?;
    }
    Ok(brought.map(|_| Cookie { last: TRUST, value: None }))
}

/// The same where nobody has brought a cookie.
///
/// # Errors
/// Those of the store.
pub(super) fn forget(user_id: &str) -> Result<(), AuthError> {
    verification::delete_of_kind(TRUSTED, user_id)
}

/// Voids the challenges of a user whose sessions end: the password that was right for them isn't any more.
///
/// # Errors
/// Those of the store.
pub(in crate::plugin::two_factor) fn void(user_id: &str) -> Result<(), AuthError> {
    verification::delete_of_kind(PREFIX, user_id)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn only_a_trusted_browsers_cookie_is_one() {
        assert_eq!(parts("sig!trust-device-x"), Some(("sig", "trust-device-x")));
        assert_eq!(parts("sig!trust-device-x!y"), Some(("sig", "trust-device-x")));
        for other in [
            "",
            "!",
            "sig",
            "sig!",
            "sig!2fa-x",
            "sig!reset-password:x",
            "trust-device-x",
            "a!b!trust-device-x",
        ] {
            assert_eq!(parts(other), None, "{other}");
        }
    }
}
