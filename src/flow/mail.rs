//! Mail: put into the outbox, or handed to a function of the DBA's; and the outbox's worker side.

use crate::error::AuthError;
use crate::flow::json::{self, Object};
use crate::settings;
use crate::store::function::call;
use crate::store::mail;
use crate::store::server::{Timestamp, log, random_token};
use crate::store::subtransaction::attempt;
use crate::store::user::User;

pub(crate) use crate::store::mail::Mail;

/// The most mails that are given out at once.
const MAX_BATCH: i32 = 1_000;

/// What a mail is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Better Auth: `sendResetPassword`.
    ResetPassword,
    /// Better Auth: `sendVerificationEmail`.
    Verification,
    /// Better Auth: `sendChangeEmailConfirmation`.
    ChangeEmailConfirmation,
    /// Better Auth: `sendDeleteAccountVerification`.
    DeleteAccount,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset-password",
            Self::Verification => "verification-email",
            Self::ChangeEmailConfirmation => "change-email-confirmation",
            Self::DeleteAccount => "delete-account",
        }
    }
}

/// A mail with a link that proves who got it.
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) recipient: &'a str,
    pub(super) url: &'a str,
    pub(super) token: &'a str,
    pub(super) user: &'a User,
    pub(super) new_email: Option<&'a str>,
    pub(super) expires_at: Timestamp,
}

/// Sends a mail when the transaction commits.
///
/// # Errors
/// Those of the store, and of the function that the setting names.
pub(super) fn send(draft: &Draft<'_>) -> Result<(), AuthError> {
    let mut data = Object::new().json("user", &json::user(draft.user));
    if let Some(new_email) = draft.new_email {
        data = data.text("newEmail", new_email);
    }
    match settings::send_mail_function() {
        Some(name) => {
            let mail = data
                .text("kind", draft.kind.as_str())
                .text("recipient", draft.recipient)
                .text("url", draft.url)
                .text("token", draft.token)
                .date("expiresAt", draft.expires_at);
            call("send_mail_function", &name, &mail.finish()).map(drop)
        }
        None => put(draft, &data.finish()).map(drop),
    }
}

fn put(draft: &Draft<'_>, data: &str) -> Result<String, AuthError> {
    mail::create(
        (draft.kind.as_str(), draft.recipient),
        (draft.url, draft.token),
        data,
        Timestamp::now(),
        draft.expires_at,
    )
}

/// Sends a mail where nobody may learn whether there was one to send: what goes wrong is for the server's log.
pub(super) fn quietly(send: impl FnOnce() -> Result<(), AuthError>) {
    match attempt(send, Result::is_ok) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log(error.sqlstate(), &format!("a mail could not be sent: {}", error.message())),
        // Whatever a function of the DBA's says, there may be a token in it.
        Err(exception) => {
            log(exception.code, "a mail could not be sent: PostgreSQL or send_mail_function raised an error");
        }
    }
}

/// Does what [`quietly`] sending a mail does, so that the time of the answer, with the commit in it, doesn't
/// tell that there is nobody to send it to.
pub(super) fn pretend(kind: Kind, recipient: &str, url: &str, token: &str) {
    quietly(|| put_and_remove(kind, recipient, url, token));
}

fn put_and_remove(kind: Kind, recipient: &str, url: &str, token: &str) -> Result<(), AuthError> {
    if settings::send_mail_function().is_some() {
        return Ok(());
    }
    let now = Timestamp::now();
    let user = User {
        id: random_token(32)?,
        name: String::new(),
        email: recipient.to_owned(),
        email_verified: false,
        image: None,
        created_at: now,
        updated_at: now,
        additional: None,
    };
    let draft = Draft { kind, recipient, url, token, user: &user, new_email: None, expires_at: now };
    let data = Object::new().json("user", &json::user(&user)).finish();
    mail::complete(&put(&draft, &data)?).map(drop)
}

/// Takes up to `batch` mails that are due. Nobody else gets them for `better_auth.mail_visibility_timeout`.
///
/// # Errors
/// A batch that is not between 1 and 1,000.
pub(crate) fn claim(batch: i32) -> Result<Vec<Mail>, AuthError> {
    if !(1..=MAX_BATCH).contains(&batch) {
        return Err(AuthError::Argument(format!("batch must be between 1 and {MAX_BATCH}")));
    }
    let now = Timestamp::now();
    let until = now.plus(settings::mail_visibility_timeout());
    mail::claim(batch.into(), now, until, settings::mail_max_attempts().into())
}

/// Deletes a mail that was sent; whether it was there.
///
/// # Errors
/// Those of the store.
pub(crate) fn complete(id: &str) -> Result<bool, AuthError> {
    mail::complete(id)
}

/// Notes why a mail could not be sent; when it is tried again, unless that is never.
///
/// # Errors
/// Those of the store.
pub(crate) fn fail(id: &str, error: &str) -> Result<Option<Timestamp>, AuthError> {
    mail::fail(id, error, Timestamp::now(), settings::mail_max_attempts().into())
}
