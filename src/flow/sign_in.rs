//! Sign-in by email and password: Better Auth's `POST /sign-in/email`.

use crate::error::{AuthError, Code};
use crate::flow::input::{Input, Issues, check_not_too_long, is_email};
use crate::flow::session::{self, Caller};
use crate::flow::{email_verification, hash};
use crate::plugin::{self, Challenge, Cookie, Proof, SecondFactor};
use crate::settings;
use crate::store::account::{self, Found, Standing};
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::User;

/// What sign-in is asked for.
pub(crate) struct Request<'a> {
    pub(crate) email: Input<'a>,
    pub(crate) password: Input<'a>,
    pub(crate) callback_url: Input<'a>,
    pub(crate) remember_me: Input<'a>,
}

/// What a right password leads to.
#[allow(clippy::large_enum_variant, reason = "there is one, for a moment")]
pub(crate) enum Outcome<'a> {
    /// A session. The cookies are set after the session's.
    SignedIn(SignedIn<'a>, Vec<Cookie>),
    /// Something else is to be proven before there is one, which `is_remembered` then, or not.
    Challenged { challenge: Challenge, is_remembered: bool, callback_url: Option<&'a str> },
}

/// A user who has signed in.
pub(crate) struct SignedIn<'a> {
    pub(crate) session: Session,
    pub(crate) user: User,
    pub(crate) callback_url: Option<&'a str>,
    pub(crate) is_remembered: bool,
}

/// Verifies a password and opens a session, or asks for the second factor.
///
/// # Errors
/// VALIDATION_ERROR, EMAIL_PASSWORD_DISABLED, INVALID_EMAIL, PASSWORD_TOO_LONG,
/// INVALID_EMAIL_OR_PASSWORD (the same, at the same cost, for an unknown email, a user without a
/// password and a wrong password); after a right password EMAIL_NOT_VERIFIED, BANNED_USER, and a refusal
/// of users with a second factor where its plugin is off: they must not get in by their password alone.
pub(crate) fn email<'a>(caller: &mut dyn Caller, request: &Request<'a>) -> Result<Outcome<'a>, AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", request.email);
    let password = issues.required("password", request.password);
    let callback_url = issues.optional("callbackURL", request.callback_url);
    let remember_me = issues.optional_boolean("rememberMe", request.remember_me);
    issues.bounded("callbackURL", callback_url);
    caller.client().check(&mut issues);
    issues.finish()?;
    caller.admit()?;
    if !settings::email_and_password_enabled() {
        return Err(Code::EMAIL_PASSWORD_DISABLED.into());
    }
    if !is_email(email) {
        return Err(Code::INVALID_EMAIL.into());
    }
    check_not_too_long(password)?;

    let name = email.to_lowercase();
    let found = account::find_credential(&name)?;
    let by = ByPassword {
        name,
        password,
        wrong: Code::INVALID_EMAIL_OR_PASSWORD.into(),
        needs_verified_email: true,
        callback_url,
        is_remembered: remember_me != Some(false),
    };
    by_password(caller, found, by)
}

/// A password that is to prove who somebody is.
pub(crate) struct ByPassword<'a> {
    /// What somebody was looked for by, in the one spelling that it has. Where nobody was found, the time that the answer
    /// takes depends on it.
    pub(crate) name: String,
    pub(crate) password: &'a str,
    /// What everybody is told who doesn't get in by it.
    pub(crate) wrong: AuthError,
    /// Whether the settings' `require_email_verification` is about this way to sign in, and where the link of the mail
    /// leads to.
    pub(crate) needs_verified_email: bool,
    pub(crate) callback_url: Option<&'a str>,
    pub(crate) is_remembered: bool,
}

/// Verifies the password of whom a sign-in has found, at the same cost where it has found nobody, or a user without
/// one, and opens a session, or asks for the second factor. No session is there before that was proven, where Better Auth
/// opens one and deletes it.
///
/// # Errors
/// `wrong`; after a right password EMAIL_NOT_VERIFIED, BANNED_USER, and what else plugins' columns forbid.
pub(crate) fn by_password<'a>(
    caller: &dyn Caller,
    found: Option<Found>,
    by: ByPassword<'a>,
) -> Result<Outcome<'a>, AuthError> {
    let ByPassword { name, password, wrong, needs_verified_email, callback_url, is_remembered } = by;
    let credential = found.as_ref().and_then(|found| found.credential.as_ref());
    let stored = credential.and_then(|credential| credential.password.as_deref());
    let spelling = hash::verify_unknown(&name, password, stored.map(String::as_str))?;
    let (Some(found), Some(account_id), Some(stored), Some(spelling)) =
        (&found, credential.map(|credential| &credential.id), stored, spelling)
    else {
        return Err(wrong);
    };
    let user = &found.user;
    let check = |standing: &Standing| {
        if needs_verified_email {
            check_verified(caller, user, standing, callback_url)?;
        }
        standing.check(Proof::Password)
    };
    check(&found.standing)?;
    // The one moment at which the password is known in clear.
    let rehashed = if hash::is_outdated(stored, spelling) { Some(hash::hash(password)?) } else { None };

    // While this one was hashing, another session may have changed the password, or banned or
    // deleted the user.
    // From here to the end of the transaction nobody changes the password or deletes the user.
    let Some(locked) = account::lock_password(account_id, rehashed.is_some())? else {
        return Err(wrong);
    };
    let current = locked.password;
    check(&locked.standing)?;
    if *current != *stored {
        if !hash::verify(password, Some(&current))? {
            return Err(wrong);
        }
    } else if let Some(hash) = rehashed {
        account::replace_password(account_id, stored, &hash, Timestamp::now())?;
    }
    let cookies = match locked.standing.needs_second_factor() {
        false => Vec::new(),
        true => match plugin::second_factor(caller, user)? {
            SecondFactor::Proven(cookies) => cookies,
            SecondFactor::Missing(challenge) => {
                return Ok(Outcome::Challenged { challenge, is_remembered, callback_url });
            }
        },
    };
    let session = session::open_as(caller, user, session::Draft::new(is_remembered))?;
    Ok(Outcome::SignedIn(SignedIn { session, user: user.clone(), callback_url, is_remembered }, cookies))
}

/// Refuses a user whose email isn't verified where the settings ask for it, and sends the mail again.
fn check_verified(
    caller: &dyn Caller,
    user: &User,
    standing: &Standing,
    callback_url: Option<&str>,
) -> Result<(), AuthError> {
    if !settings::require_email_verification() || standing.email_verified {
        return Ok(());
    }
    if settings::send_verification_email() && settings::send_verification_on_sign_in() {
        email_verification::send(&caller.base_url()?, user, callback_url)?;
    }
    Err(Code::EMAIL_NOT_VERIFIED.into())
}
