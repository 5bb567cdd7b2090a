//! Sign-in by email and password: Better Auth's `POST /sign-in/email`.

use crate::error::{AuthError, Code};
use crate::flow::input::{Issues, check_not_too_long, is_email};
use crate::flow::password;
use crate::flow::session::{self, Client};
use crate::settings;
use crate::store::account::{self, Standing};
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::User;

/// What sign-in is asked for.
pub(crate) struct Request<'a> {
    pub(crate) email: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
    pub(crate) remember_me: bool,
    pub(crate) client: Client<'a>,
}

/// Verifies a password and opens a session.
///
/// # Errors
/// VALIDATION_ERROR, EMAIL_PASSWORD_DISABLED, INVALID_EMAIL, PASSWORD_TOO_LONG,
/// INVALID_EMAIL_OR_PASSWORD (the same, at the same cost, for an unknown email, a user without a
/// password and a wrong password); after a right password EMAIL_NOT_VERIFIED, BANNED_USER, and a refusal
/// of users with two-factor authentication, who must not get in by their password alone.
pub(crate) fn email(request: &Request<'_>) -> Result<(Session, User), AuthError> {
    let mut issues = Issues::default();
    let email = issues.required("email", request.email);
    let password = issues.required("password", request.password);
    request.client.check(&mut issues);
    issues.finish()?;
    if !settings::email_and_password_enabled() {
        return Err(Code::EmailPasswordDisabled.into());
    }
    if !is_email(email) {
        return Err(Code::InvalidEmail.into());
    }
    check_not_too_long(password)?;

    let found = account::find_credential(&email.to_lowercase())?;
    let credential = found.as_ref().and_then(|found| found.credential.as_ref());
    let stored = credential.and_then(|credential| credential.password.as_deref());
    let is_right = password::verify(password, stored.map(String::as_str))?;
    let (Some(found), Some(account_id), Some(stored), true) =
        (&found, credential.map(|credential| &credential.id), stored, is_right)
    else {
        return Err(Code::InvalidEmailOrPassword.into());
    };
    let user = &found.user;
    check_standing(&found.standing)?;
    // The one moment at which the password is known in clear.
    let rehashed = if password::is_outdated(stored) { Some(password::hash(password)?) } else { None };

    // While this one was hashing, another session may have changed the password, or banned or
    // deleted the user.
    // From here to the end of the transaction nobody changes the password or deletes the user.
    let Some(locked) = account::lock_password(account_id, rehashed.is_some())? else {
        return Err(Code::InvalidEmailOrPassword.into());
    };
    let current = locked.password;
    check_standing(&locked.standing)?;
    if *current != *stored {
        if !password::verify(password, Some(&current))? {
            return Err(Code::InvalidEmailOrPassword.into());
        }
    } else if let Some(hash) = rehashed {
        account::replace_password(account_id, stored, &hash, Timestamp::now())?;
    }
    let session = session::open(&user.id, request.remember_me, &request.client)?;
    Ok((session, user.clone()))
}

/// What a right password alone doesn't get past.
fn check_standing(standing: &Standing) -> Result<(), AuthError> {
    if settings::require_email_verification() && !standing.email_verified {
        return Err(Code::EmailNotVerified.into());
    }
    if standing.is_banned {
        return Err(Code::BannedUser.into());
    }
    if standing.has_two_factor {
        return Err(AuthError::Unsupported(
            "the user has two-factor authentication enabled, which better_auth does not support",
        ));
    }
    Ok(())
}
