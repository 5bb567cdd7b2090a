//! Mail: put into the outbox, or handed to a function of the DBA's; and the outbox's worker side.

use serde_json::{Map, Value};

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

/// What a mail is about, and which way it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kind {
    name: &'static str,
    channel: &'static str,
}

impl Kind {
    /// Better Auth: `sendResetPassword`.
    pub(super) const RESET_PASSWORD: Self = Self::mail("reset-password");
    /// Better Auth: `sendVerificationEmail`.
    pub(super) const VERIFICATION: Self = Self::mail("verification-email");
    /// Better Auth: `sendChangeEmailConfirmation`.
    pub(super) const CHANGE_EMAIL_CONFIRMATION: Self = Self::mail("change-email-confirmation");
    /// Better Auth: `sendDeleteAccountVerification`.
    pub(super) const DELETE_ACCOUNT: Self = Self::mail("delete-account");

    /// One that goes by mail.
    pub(crate) const fn mail(name: &'static str) -> Self {
        Self { name, channel: CHANNELS[0] }
    }

    /// One that goes to a phone, as a text message.
    pub(crate) const fn sms(name: &'static str) -> Self {
        Self { name, channel: CHANNELS[1] }
    }
}

/// The ways that messages go, of which a worker asks for one.
const CHANNELS: [&str; 2] = ["mail", "sms"];

/// A message with a link or a code that proves who got it.
pub(crate) struct Draft<'a> {
    pub(crate) kind: Kind,
    pub(crate) recipient: &'a str,
    /// Empty where there is no link.
    pub(crate) url: &'a str,
    /// What the link has in it, or the code.
    pub(crate) token: &'a str,
    /// Whom it is for, where that is a user.
    pub(crate) user: Option<&'a User>,
    /// What else its sender wants to know.
    pub(crate) data: Map<String, Value>,
    pub(crate) expires_at: Timestamp,
}

/// Sends a mail when the transaction commits.
///
/// # Errors
/// Those of the store, and of the function that the setting names.
pub(crate) fn send(draft: &Draft<'_>) -> Result<(), AuthError> {
    let mut data = Object::new();
    if let Some(user) = draft.user {
        data = data.json("user", &json::user(user));
    }
    data = data.members(&draft.data);
    match settings::send_mail_function() {
        Some(name) => {
            let mail = data
                .text("kind", draft.kind.name)
                .text("channel", draft.kind.channel)
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
        (draft.kind.channel, draft.kind.name, draft.recipient),
        (draft.url, draft.token),
        data,
        Timestamp::now(),
        draft.expires_at,
    )
}

/// Sends a mail where nobody may learn whether there was one to send: what goes wrong is for the server's log.
pub(crate) fn quietly(send: impl FnOnce() -> Result<(), AuthError>) {
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
pub(crate) fn pretend(kind: Kind, recipient: &str, url: &str, token: &str) {
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
    let draft = Draft { kind, recipient, url, token, user: Some(&user), data: Map::new(), expires_at: now };
    let data = Object::new().json("user", &json::user(&user)).finish();
    mail::complete(&put(&draft, &data)?).map(drop)
}

/// Takes up to `batch` mails of a channel that are due. Nobody else gets them for `better_auth.mail_visibility_timeout`.
///
/// # Errors
/// A batch that is not between 1 and 1,000, or a channel that isn't there.
pub(crate) fn claim(batch: i32, channel: &str) -> Result<Vec<Mail>, AuthError> {
    if !CHANNELS.contains(&channel) {
        return Err(AuthError::Argument(format!("channel must be one of: {}", CHANNELS.join(", "))));
    }
    if !(1..=MAX_BATCH).contains(&batch) {
        return Err(AuthError::Argument(format!("batch must be between 1 and {MAX_BATCH}")));
    }
    let now = Timestamp::now();
    let until = now.plus(settings::mail_visibility_timeout());
    mail::claim((channel, batch.into()), now, until, settings::mail_max_attempts().into())
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
