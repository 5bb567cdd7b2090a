//! Proof that an email address is the user's: Better Auth's `send-verification-email`, `verify-email` and
//! `change-email`. The proof is a token that holds what it proves, signed with the cookie secret.

use pgrx::PgSqlErrorCode;
use serde_json::{Map, Value};

use crate::crypto::jwt;
use crate::error::{AuthError, Code};
use crate::flow::input::{Input, Issues, is_email};
use crate::flow::json::Object;
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::secrets::{self, Name};
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::flow::sign_up::MAX_EMAIL;
use crate::flow::url::encode;
use crate::plugin;
use crate::settings;
use crate::store::server::Timestamp;
use crate::store::subtransaction::attempt;
use crate::store::user::{self, Changes, User};
use crate::store::verification;

/// Where it stands since when (in seconds since 1970) a user's links that change the email are void. Their tokens hold all
/// that they say, so there is nothing to take away.
const VOID: &str = "change-email-void-";

/// Makes all links void that would change a user's email and are on their way: whoever asked for them may not have been
/// who has just proven to be the user.
///
/// # Errors
/// Those of the store.
pub(super) fn void_changes(user_id: &str) -> Result<(), AuthError> {
    let (identifier, now) = (format!("{VOID}{user_id}"), Timestamp::now());
    verification::delete(&identifier)?;
    let until = now.plus(settings::email_verification_expires_in());
    verification::create(&identifier, &now.unix_seconds().to_string(), until, now)
}

/// Whether a link that was made then is void.
fn is_void(user_id: &str, issued_at: i64) -> Result<bool, AuthError> {
    let found = verification::find(&format!("{VOID}{user_id}"))?;
    Ok(found.is_some_and(|found| found.value.parse().is_ok_and(|since: i64| issued_at <= since)))
}

/// What else a token says besides whose email it proves: Better Auth's `requestType`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose<'a> {
    Verify,
    /// Sent to the old address: whether the change is wanted.
    ConfirmChange(&'a str),
    /// Sent to the new address.
    VerifyChange(&'a str),
}

/// Better Auth's `createEmailVerificationToken`.
fn token(
    email: &str,
    user_id: Option<&str>,
    purpose: Purpose<'_>,
    now: Timestamp,
) -> Result<String, AuthError> {
    let mut claims = Object::new().text("email", &email.to_lowercase());
    let request_type = match purpose {
        Purpose::Verify => None,
        Purpose::ConfirmChange(to) => Some((to, "change-email-confirmation")),
        Purpose::VerifyChange(to) => Some((to, "change-email-verification")),
    };
    if let Some((to, request_type)) = request_type {
        claims = claims.text("updateTo", &to.to_lowercase()).text("requestType", request_type);
    }
    if let Some(user_id) = user_id {
        claims = claims.text("userId", user_id);
    }
    let expires_at = now.plus(settings::email_verification_expires_in());
    let claims = claims.number("iat", now.unix_seconds()).number("exp", expires_at.unix_seconds()).finish();
    Ok(secrets::with_signing_key(Name::Cookie, |key| jwt::sign_internal(key, claims.as_bytes()))??)
}

/// `base_url`/verify-email with the token, and where to go from there.
fn link(base_url: &str, token: &str, callback_url: Option<&str>) -> String {
    let callback_url = callback_url.filter(|url| !url.is_empty()).unwrap_or("/");
    format!("{base_url}/verify-email?token={token}&callbackURL={}", encode(callback_url))
}

/// Sends the mail that asks a user to prove the email address: Better Auth's `sendVerificationEmail`.
///
/// # Errors
/// Those of the store.
pub(super) fn send(base_url: &str, user: &User, callback_url: Option<&str>) -> Result<(), AuthError> {
    send_for(base_url, user, &user.email, Purpose::Verify, callback_url)
}

/// The same for any purpose; `email` is the address that the token is about.
fn send_for(
    base_url: &str,
    user: &User,
    email: &str,
    purpose: Purpose<'_>,
    callback_url: Option<&str>,
) -> Result<(), AuthError> {
    let now = Timestamp::now();
    let token = token(email, Some(&user.id), purpose, now)?;
    let (kind, recipient, new_email) = match purpose {
        Purpose::Verify => (Kind::VERIFICATION, email, None),
        Purpose::ConfirmChange(to) => (Kind::CHANGE_EMAIL_CONFIRMATION, email, Some(to)),
        Purpose::VerifyChange(to) => (Kind::VERIFICATION, to, None),
    };
    // Better Auth tells the sender of the address that the mail goes to.
    let user = User {
        email: if new_email.is_some() { user.email.clone() } else { recipient.to_owned() },
        ..user.clone()
    };
    if kind == Kind::VERIFICATION {
        for plugin in plugin::on().iter() {
            if plugin.send_verification(&user)? {
                return Ok(());
            }
        }
    }
    mail::send(&Draft {
        kind,
        recipient,
        url: &link(base_url, &token, callback_url),
        token: &token,
        user: Some(&user),
        data: new_email.map(|email| ("newEmail".to_owned(), email.into())).into_iter().collect(),
        expires_at: now.plus(settings::email_verification_expires_in()),
    })
}

/// [`send`] where the answer must not tell whether there was anybody to send it to.
pub(super) fn send_quietly(base_url: &str, user: &User, callback_url: Option<&str>) {
    mail::quietly(|| send(base_url, user, callback_url));
}

/// What takes its place where there is nobody.
///
/// # Errors
/// There is no usable secret.
pub(super) fn pretend_to_send(
    base_url: &str,
    email: &str,
    callback_url: Option<&str>,
) -> Result<(), AuthError> {
    pretend(base_url, email, Purpose::Verify, callback_url)
}

fn pretend(
    base_url: &str,
    email: &str,
    purpose: Purpose<'_>,
    callback_url: Option<&str>,
) -> Result<(), AuthError> {
    let token = token(email, Some(&"0".repeat(32)), purpose, Timestamp::now())?;
    // To whom the mail would go.
    let email = match purpose {
        Purpose::VerifyChange(to) => to,
        Purpose::Verify | Purpose::ConfirmChange(_) => email,
    };
    for plugin in plugin::on().iter() {
        if plugin.pretend_verification(email)? {
            return Ok(());
        }
    }
    mail::pretend(Kind::VERIFICATION, email, &link(base_url, &token, callback_url), &token);
    Ok(())
}

/// Sends the verification mail once more. The answer doesn't tell whether the email is known, unless it is
/// that of the caller's own session.
///
/// # Errors
/// VALIDATION_ERROR, VERIFICATION_EMAIL_NOT_ENABLED; with a session EMAIL_MISMATCH and
/// EMAIL_ALREADY_VERIFIED.
pub(crate) fn resend(
    caller: &mut dyn Caller,
    email: Input<'_>,
    callback_url: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.email("email", email);
    let callback_url = issues.optional("callbackURL", callback_url);
    issues.bounded("callbackURL", callback_url);
    issues.finish()?;
    if !settings::send_verification_email() {
        return Err(Code::VERIFICATION_EMAIL_NOT_ENABLED.into());
    }
    let base_url = caller.base_url()?;
    let email = email.to_lowercase();
    if let Some(live) = caller.session(false)? {
        if live.user.email.to_lowercase() != email {
            return Err(Code::EMAIL_MISMATCH.into());
        }
        if live.user.email_verified {
            return Err(Code::EMAIL_ALREADY_VERIFIED.into());
        }
        return send(&base_url, &live.user, callback_url);
    }
    match user::find_by_email(&email)? {
        Some(user) if !user.email_verified => send_quietly(&base_url, &user, callback_url),
        _ => pretend(&base_url, &email, Purpose::Verify, callback_url)?,
    }
    Ok(())
}

/// What became of a token.
pub(crate) enum Verified {
    /// The email is verified; the session that was opened or, if it was the user's, is still there.
    Email(Option<Live>),
    /// The change is confirmed, and a mail is on its way to the new address.
    Confirmed,
    /// The email is changed; the caller's session, if it has one.
    Changed(User, Option<Live>),
}

/// What a token says.
struct Claims {
    email: String,
    update_to: Option<String>,
    request_type: Option<String>,
    user_id: Option<String>,
    /// In seconds since 1970.
    issued_at: i64,
}

impl Claims {
    fn read(claims: &Map<String, Value>) -> Option<Self> {
        let optional = |name: &str| match claims.get(name) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        Some(Self {
            email: claims.get("email")?.as_str().filter(|email| is_email(email))?.to_owned(),
            update_to: optional("updateTo")?
                .filter(|email| !email.is_empty())
                .map(|email| email.to_lowercase()),
            request_type: optional("requestType")?,
            user_id: optional("userId")?.filter(|id| !id.is_empty()),
            // One without counts as old.
            issued_at: claims.get("iat").and_then(Value::as_i64).unwrap_or_default(),
        })
    }
}

/// 401, as `verify-email` answers.
fn refused(code: Code) -> AuthError {
    AuthError::ApiWith(code, 401)
}

/// Takes a token out of a verification mail.
///
/// # Errors
/// INVALID_TOKEN, TOKEN_EXPIRED, USER_NOT_FOUND, INVALID_USER for a token of somebody else than the
/// caller, and USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL when the new email was taken meanwhile.
pub(crate) fn verify(
    caller: &mut dyn Caller,
    token: &str,
    callback_url: Option<&str>,
) -> Result<Verified, AuthError> {
    let now = Timestamp::now();
    let claims = secrets::with_verifying_keys(Name::Cookie, now, |keys| {
        jwt::verify_internal(keys, token, now.unix_seconds())
    })?;
    let claims = claims.map_err(|refusal| match refusal {
        jwt::Refusal::Expired => refused(Code::TOKEN_EXPIRED),
        _ => refused(Code::INVALID_TOKEN),
    })?;
    let claims = Claims::read(&claims).ok_or_else(|| refused(Code::INVALID_TOKEN))?;
    match &claims.update_to {
        Some(new_email) => verify_change(caller, &claims, new_email, callback_url),
        None => verify_email(caller, &claims),
    }
}

fn verify_email(caller: &mut dyn Caller, claims: &Claims) -> Result<Verified, AuthError> {
    let user =
        user::find_by_email(&claims.email.to_lowercase())?.ok_or_else(|| refused(Code::USER_NOT_FOUND))?;
    if claims.user_id.as_ref().is_some_and(|id| *id != user.id) {
        return Err(refused(Code::INVALID_TOKEN));
    }
    if user.email_verified {
        return Ok(Verified::Email(None));
    }
    // Held, so that the email isn't changed between this look and the write.
    let user = user::lock(&user.id)?.filter(|locked| locked.email == user.email);
    let user = user.ok_or_else(|| refused(Code::USER_NOT_FOUND))?;
    if user.email_verified {
        // Another use of the token was faster, and has opened the session.
        return Ok(Verified::Email(None));
    }
    let signs_in = settings::auto_sign_in_after_verification();
    if signs_in {
        session::check_standing(&user.id)?;
    }
    let verified = Changes { email_verified: Some(true), ..Changes::default() };
    user::update(&user.id, &verified, Timestamp::now())?.ok_or_else(|| refused(Code::USER_NOT_FOUND))?;
    if !signs_in {
        return Ok(Verified::Email(None));
    }
    let live = match caller.session(true)? {
        Some(live) if live.user.email == claims.email => live,
        _ => {
            let session = session::open(caller, &user, true)?;
            // Better Auth goes on with the user as it was before.
            Live { session, user: User { email_verified: true, ..user } }
        }
    };
    Ok(Verified::Email(Some(live)))
}

fn verify_change(
    caller: &mut dyn Caller,
    claims: &Claims,
    new_email: &str,
    callback_url: Option<&str>,
) -> Result<Verified, AuthError> {
    let user_id = claims.user_id.as_deref().ok_or_else(|| refused(Code::INVALID_TOKEN))?;
    let user = user::find(user_id)?.ok_or_else(|| refused(Code::USER_NOT_FOUND))?;
    if user.email.to_lowercase() != claims.email || is_void(&user.id, claims.issued_at)? {
        return Err(refused(Code::INVALID_TOKEN));
    }
    let live = caller.session(true)?;
    if live.as_ref().is_some_and(|live| live.user.id != user.id) {
        return Err(refused(Code::INVALID_USER));
    }
    if claims.request_type.as_deref() == Some("change-email-confirmation") {
        if settings::send_verification_email() {
            let purpose = Purpose::VerifyChange(new_email);
            send_for(&caller.base_url()?, &user, &claims.email, purpose, callback_url)?;
        }
        return Ok(Verified::Confirmed);
    }
    if !is_email(new_email) || new_email.len() > MAX_EMAIL {
        return Err(refused(Code::INVALID_TOKEN));
    }
    // Of two tokens for this user, or two uses of one, the second finds another email.
    let locked = user::lock(&user.id)?.filter(|locked| locked.email == user.email);
    let user = locked.ok_or_else(|| refused(Code::INVALID_TOKEN))?;
    // Since it was looked at above, somebody may have proven the email.
    if is_void(&user.id, claims.issued_at)? {
        return Err(refused(Code::INVALID_TOKEN));
    }
    if user::is_taken(new_email, Some(&user.id))? {
        return Err(Code::USER_ALREADY_EXISTS.into());
    }
    // Without a type it is a token of an older Better Auth: the new address proves itself afterwards.
    let is_proven = claims.request_type.as_deref() == Some("change-email-verification");
    let changes = Changes {
        email: Some(new_email),
        email_verified: (!is_proven).then_some(false),
        ..Changes::default()
    };
    let user = set_email(&user.id, &changes)?.ok_or(Code::USER_ALREADY_EXISTS)?;
    if !is_proven && settings::send_verification_email() {
        send(&caller.base_url()?, &user, callback_url)?;
    }
    let live = live.map(|live| Live {
        user: User { email: user.email.clone(), email_verified: user.email_verified, ..live.user },
        session: live.session,
    });
    Ok(Verified::Changed(user, live))
}

/// Changes a user's email; `None` when somebody else has just taken it.
pub(crate) fn set_email(user_id: &str, changes: &Changes<'_>) -> Result<Option<User>, AuthError> {
    match attempt(|| user::update(user_id, changes, Timestamp::now()), Result::is_ok) {
        Ok(changed) => changed,
        Err(exception) if exception.code == PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION => Ok(None),
        Err(exception) => exception.raise(),
    }
}

/// Starts the change of the caller's email, or does it at once where the settings allow that. The answer
/// doesn't tell that an email is taken. The caller's session, when its user's email was changed.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, CHANGE_EMAIL_DISABLED, "Email is the same", "Verification email isn't
/// enabled".
pub(crate) fn change(
    caller: &mut dyn Caller,
    new_email: Input<'_>,
    callback_url: Input<'_>,
) -> Result<Option<Live>, AuthError> {
    let mut issues = Issues::of_body();
    let new_email = issues.email("newEmail", new_email);
    let callback_url = issues.optional("callbackURL", callback_url);
    issues.bounded("callbackURL", callback_url);
    if is_email(new_email) && new_email.len() > MAX_EMAIL {
        issues.add("newEmail", "Invalid email address");
    }
    issues.finish()?;
    let live = require(caller, Need::Live)?;
    let user = live.user.clone();
    if !settings::change_email_enabled() {
        return Err(Code::CHANGE_EMAIL_DISABLED.into());
    }
    let new_email = new_email.to_lowercase();
    if new_email == user.email.to_lowercase() {
        return Err(Code::EMAIL_IS_THE_SAME.into());
    }
    let is_immediate = !user.email_verified && settings::update_email_without_verification();
    let sends = settings::send_verification_email();
    if !is_immediate && !sends {
        return Err(Code::VERIFICATION_EMAIL_IS_NOT_ENABLED.into());
    }
    let base_url = if sends { Some(caller.base_url()?) } else { None };
    if user::is_taken(&new_email, None)? {
        if let Some(base_url) = &base_url {
            pretend(base_url, &user.email, Purpose::VerifyChange(&new_email), callback_url)?;
        }
        return Ok(None);
    }
    if is_immediate {
        // Who has proven the email meanwhile has ended the session, and doesn't want this one.
        let held = session::hold(&live)?.filter(|held| held.email == user.email && !held.email_verified);
        if held.is_none() {
            return Ok(None);
        }
        let changes = Changes { email: Some(&new_email), ..Changes::default() };
        // Somebody else has taken it meanwhile, or the user is gone: as for one that was taken before.
        if set_email(&user.id, &changes)?.is_none() {
            return Ok(None);
        }
        // Better Auth goes on with the user as the session has it.
        let user = User { email: new_email, ..user };
        let session = live.session;
        if let Some(base_url) = &base_url {
            send_quietly(base_url, &user, callback_url);
        }
        return Ok(Some(Live { session, user }));
    }
    if let Some(base_url) = &base_url {
        let is_confirmed_first = user.email_verified && settings::send_change_email_confirmation();
        let purpose = match is_confirmed_first {
            true => Purpose::ConfirmChange(&new_email),
            false => Purpose::VerifyChange(&new_email),
        };
        mail::quietly(|| send_for(base_url, &user, &user.email, purpose, callback_url));
    }
    Ok(None)
}
