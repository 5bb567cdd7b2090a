//! Passwords of users: Better Auth's `change-password`, `set-password`, `verify-password`,
//! `request-password-reset` and `reset-password`.

use serde_json::Map;

use crate::error::{AuthError, Code};
use crate::flow::hash;
use crate::flow::input::{Input, Issues, check_new_password, check_not_too_long};
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::flow::url::encode;
use crate::plugin::{self, Proof};
use crate::settings;
use crate::store::server::{Timestamp, random_token};
use crate::store::session::Session;
use crate::store::{account, user, verification};

/// Identifiers of reset tokens begin with it.
const RESET: &str = "reset-password:";

/// Length of Better Auth's reset tokens.
const RESET_TOKEN: usize = 24;

/// Replaces the caller's password. With `revoke_other_sessions` all sessions of the user end, and a new one
/// is opened; it is returned beside the caller's.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, CREDENTIAL_ACCOUNT_NOT_FOUND,
/// INVALID_PASSWORD, BANNED_USER.
pub(crate) fn change(
    caller: &mut dyn Caller,
    current: Input<'_>,
    new: Input<'_>,
    revoke_other_sessions: Input<'_>,
) -> Result<(Live, Option<Session>), AuthError> {
    let mut issues = Issues::of_body();
    let new = issues.required("newPassword", new);
    let current = issues.required("currentPassword", current);
    let revokes = issues.optional_boolean("revokeOtherSessions", revoke_other_sessions) == Some(true);
    issues.finish()?;
    let live = require(caller, Need::Live)?;
    check_new_password(new)?;
    check_not_too_long(current)?;
    let account = account::credential_of(&live.user.id)?;
    let Some((account, stored)) = account.and_then(|account| Some((account.id, account.password?))) else {
        return Err(Code::CREDENTIAL_ACCOUNT_NOT_FOUND.into());
    };
    // Better Auth makes the new hash first.
    plugin::before_hash(caller, new)?;
    if !hash::verify(current, Some(&stored))? {
        return Err(Code::INVALID_PASSWORD.into());
    }
    let hash = hash::hash(new)?;
    if revokes {
        // The user first, as everybody who locks several of a user's rows.
        user::lock(&live.user.id)?;
    }
    // Of two changes at once one wins: the other's current password is no longer the current one.
    let locked = account::lock_password(&account, true)?;
    let Some(locked) = locked.filter(|locked| *locked.password == *stored) else {
        return Err(Code::INVALID_PASSWORD.into());
    };
    // Who gets no new session keeps password and sessions.
    if revokes {
        locked.standing.check(Proof::Other)?;
    }
    account::replace_password(&account, &stored, &hash, Timestamp::now())?;
    plugin::password_changed(&live.user.id)?;
    if !revokes {
        return Ok((live, None));
    }
    session::end_all(&live.user.id)?;
    let session = session::open(caller, &live.user, true)?;
    Ok((live, Some(session)))
}

/// Gives the caller a password, who has none: someone who signed up with a provider.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_ALREADY_SET.
pub(crate) fn set(caller: &mut dyn Caller, new: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let new = issues.required("newPassword", new);
    issues.finish()?;
    let live = require(caller, Need::Live)?;
    check_new_password(new)?;
    let has_password = || {
        let account = account::credential_of(&live.user.id)?;
        Ok::<_, AuthError>(account.is_some_and(|account| account.password.is_some()))
    };
    if has_password()? {
        return Err(Code::PASSWORD_ALREADY_SET.into());
    }
    let hash = hash::hash_chosen(caller, new)?;
    // Somebody else may have set one meanwhile; from here on nobody does.
    session::hold(&live)?.ok_or(Code::UNAUTHORIZED)?;
    if has_password()? {
        return Err(Code::PASSWORD_ALREADY_SET.into());
    }
    store(&live.user.id, &hash)
}

/// Stores the hash in the user's credential account, which is made where there is none.
///
/// # Errors
/// Those of the store.
pub(crate) fn store(user_id: &str, hash: &str) -> Result<(), AuthError> {
    let now = Timestamp::now();
    match account::credential_of(user_id)? {
        Some(account) => account::set_password(&account.id, hash, now),
        None => account::create_credential(user_id, hash, now),
    }
}

/// Whether the password is the one of this user. Who has none pays for a hash too.
///
/// # Errors
/// PASSWORD_TOO_LONG, or no memory.
pub(crate) fn is_password_of(user_id: &str, password: &str) -> Result<bool, AuthError> {
    let account = account::credential_of(user_id)?;
    let stored = account.as_ref().and_then(|account| account.password.as_deref());
    hash::verify(password, stored.map(String::as_str))
}

/// Checks the caller's password.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, PASSWORD_TOO_LONG, INVALID_PASSWORD.
pub(crate) fn verify(caller: &mut dyn Caller, password: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let password = issues.required("password", password);
    issues.finish()?;
    let live = require(caller, Need::Live)?;
    match is_password_of(&live.user.id, password)? {
        true => Ok(()),
        false => Err(Code::INVALID_PASSWORD.into()),
    }
}

/// What everybody is told who asks for a reset.
pub(crate) const RESET_REQUESTED: &str =
    "If this email exists in our system, check your email for the reset link";

/// Sends the mail with which a user who forgot the password sets a new one. Nothing tells whether the email
/// is known.
///
/// # Errors
/// VALIDATION_ERROR, RESET_PASSWORD_DISABLED.
pub(crate) fn request_reset(
    caller: &mut dyn Caller,
    email: Input<'_>,
    redirect_to: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.email("email", email);
    let redirect_to = issues.optional("redirectTo", redirect_to);
    issues.bounded("redirectTo", redirect_to);
    issues.finish()?;
    if !settings::send_reset_password() {
        return Err(Code::RESET_PASSWORD_DISABLED.into());
    }
    let base_url = caller.base_url()?;
    let email = email.to_lowercase();
    let token = random_token(RESET_TOKEN)?;
    let url =
        format!("{base_url}/reset-password/{token}?callbackURL={}", encode(redirect_to.unwrap_or_default()));
    let now = Timestamp::now();
    let expires_at = now.plus(settings::reset_password_token_expires_in());
    let identifier = format!("{RESET}{token}");
    let Some(user) = user::find_by_email(&email)? else {
        mail::quietly(|| {
            verification::create(&identifier, "", now, now)?;
            verification::consume(&identifier, now).map(drop)
        });
        mail::pretend(Kind::RESET_PASSWORD, &email, &url, &token);
        return Ok(());
    };
    mail::quietly(|| {
        verification::create(&identifier, &user.id, expires_at, now)?;
        mail::send(&Draft {
            kind: Kind::RESET_PASSWORD,
            recipient: &user.email,
            url: &url,
            token: &token,
            user: Some(&user),
            data: Map::new(),
            expires_at,
        })
    });
    Ok(())
}

/// Whether a reset token is good, without using it up: for the link in the mail.
///
/// # Errors
/// Those of the store.
pub(crate) fn is_reset_token(token: &str) -> Result<bool, AuthError> {
    let found = verification::find(&format!("{RESET}{token}"))?;
    Ok(found.is_some_and(|found| found.expires_at >= Timestamp::now()))
}

/// Sets a new password with the token of a reset mail. The user's other reset tokens are void from then on.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_TOKEN, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG (the token stays good),
/// USER_NOT_FOUND.
pub(crate) fn reset(
    caller: &mut dyn Caller,
    token: Input<'_>,
    query_token: Option<&str>,
    new: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let new = issues.required("newPassword", new);
    let token = issues.optional("token", token);
    issues.finish()?;
    let token = token.filter(|token| !token.is_empty()).or(query_token).filter(|token| !token.is_empty());
    let token = token.ok_or(Code::INVALID_TOKEN)?;
    check_new_password(new)?;
    let identifier = format!("{RESET}{token}");
    let now = Timestamp::now();
    let found = verification::find(&identifier)?.filter(|found| found.expires_at >= now);
    let user_id = found.ok_or(Code::INVALID_TOKEN)?.value;
    if user::find(&user_id)?.is_none() {
        return Err(Code::USER_NOT_FOUND.into());
    }
    let hash = hash::hash_chosen(caller, new)?;
    // The user first, as everybody who locks several of a user's rows.
    if user::lock(&user_id)?.is_none() {
        return Err(Code::USER_NOT_FOUND.into());
    }
    let consumed = verification::consume(&identifier, Timestamp::now())?;
    if consumed.is_none_or(|consumed| consumed.value != user_id) {
        return Err(Code::INVALID_TOKEN.into());
    }
    replace(&user_id, &hash)
}

/// Gives a user who forgot the password another one. All reset tokens of the user are void from then on. The user has
/// to be locked.
///
/// # Errors
/// Those of the store.
pub(crate) fn replace(user_id: &str, hash: &str) -> Result<(), AuthError> {
    void_resets(user_id)?;
    // A sign-in with the old password that is under way holds the account: its session goes too.
    store(user_id, hash)?;
    plugin::password_changed(user_id)?;
    if settings::revoke_sessions_on_password_reset() {
        session::end_all(user_id)?;
    }
    Ok(())
}

/// Makes all reset tokens of a user void that are on their way.
///
/// # Errors
/// Those of the store.
pub(crate) fn void_resets(user_id: &str) -> Result<(), AuthError> {
    verification::delete_of_kind(RESET, user_id)
}
