//! Codes: made, mailed, and taken back once. A code's row is Better Auth's: identifier `<type>-otp-<email>`, value
//! `<stored code>:<wrong guesses>`.

use serde_json::{Map, Value};

use super::{
    CHANGE_EMAIL_IS_DISABLED, EMAIL_IN_USE, INVALID_OTP, INVALID_TYPE, OTP_EXPIRED, OTP_IS_HASHED,
    OTP_REQUIRED, ResendStrategy, TOO_MANY_ATTEMPTS, settings,
};
use crate::error::{AuthError, Code};
use crate::flow::email_verification::set_email;
use crate::flow::fields::{self, Action};
use crate::flow::guess;
use crate::flow::input::{Input, Issues, check_new_password, is_email};
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::flow::sign_up::MAX_EMAIL;
use crate::flow::{hash, new_user, password, proof, secrets};
use crate::plugin::stored::StoreOtp;
use crate::store::catalog::Table;
use crate::store::server::{Timestamp, random_digits};
use crate::store::subtransaction::attempt;
use crate::store::user::{self, Changes, User};
use crate::store::verification;

/// The mail with a code.
const MAIL: Kind = Kind::mail("verification-otp");

/// Better Auth's name for this way to sign up.
const METHOD: &str = "email-otp";

/// What a code is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
    EmailVerification,
    SignIn,
    ForgetPassword,
    ChangeEmail,
}

impl Type {
    /// In Better Auth's order.
    const ALL: [Self; 4] = [Self::EmailVerification, Self::SignIn, Self::ForgetPassword, Self::ChangeEmail];

    const fn as_str(self) -> &'static str {
        match self {
            Self::EmailVerification => "email-verification",
            Self::SignIn => "sign-in",
            Self::ForgetPassword => "forget-password",
            Self::ChangeEmail => "change-email",
        }
    }

    /// Where the code for `whom` is kept: an email, for [`Type::ChangeEmail`] with the user's id before it.
    fn identifier(self, whom: &str) -> String {
        format!("{}-otp-{whom}", self.as_str())
    }
}

/// A type as a request names it. What is none is an issue, and a sign-in from here on.
fn read_type(issues: &mut Issues, value: Input<'_>) -> Type {
    let named = match value {
        Input::Text(name) => Type::ALL.into_iter().find(|kind| kind.as_str() == name),
        _ => None,
    };
    named.unwrap_or_else(|| {
        let options = Type::ALL.map(|kind| format!("\"{}\"", kind.as_str())).join("|");
        issues.add("type", &format!("Invalid option: expected one of {options}"));
        Type::SignIn
    })
}

/// An email in small letters.
///
/// # Errors
/// INVALID_EMAIL, also for one that is too long to be kept.
fn read_email(email: &str) -> Result<String, AuthError> {
    match is_email(email) && email.len() <= MAX_EMAIL {
        true => Ok(email.to_lowercase()),
        false => Err(Code::INVALID_EMAIL.into()),
    }
}

/// A code that is good now.
struct Issued {
    otp: String,
    expires_at: Timestamp,
}

/// Makes a new code, which takes the place of those before it.
fn issue(identifier: &str) -> Result<Issued, AuthError> {
    let otp = random_digits(settings::otp_length())?;
    let now = Timestamp::now();
    let expires_at = now.plus(settings::expires_in());
    let stored = settings::store_otp().of(&otp)?;
    verification::create(identifier, &format!("{stored}:0"), expires_at, now)?;
    Ok(Issued { otp, expires_at })
}

/// The code that is sent to who asks: a new one, or the one of before for longer. Its wrong guesses stay counted.
fn resolve(identifier: &str) -> Result<Issued, AuthError> {
    if settings::resend_strategy() == ResendStrategy::Reuse
        && let Some(reused) = reuse(identifier)?
    {
        return Ok(reused);
    }
    issue(identifier)
}

fn reuse(identifier: &str) -> Result<Option<Issued>, AuthError> {
    let now = Timestamp::now();
    let Some(found) = verification::find(identifier)?.filter(|found| found.expires_at >= now) else {
        return Ok(None);
    };
    let (stored, attempts) = split(&found.value);
    if parse_int(attempts).is_some_and(|used| used >= settings::allowed_attempts().into()) {
        return Ok(None);
    }
    let Some(otp) = plain(stored, now)?.filter(|otp| !otp.is_empty()) else { return Ok(None) };
    let expires_at = now.plus(settings::expires_in());
    verification::prolong(identifier, expires_at, now)?;
    Ok(Some(Issued { otp, expires_at }))
}

/// The code that was stored, where that can be told.
fn plain(stored: &str, now: Timestamp) -> Result<Option<String>, AuthError> {
    Ok(match settings::store_otp() {
        StoreOtp::Plain => Some(stored.to_owned()),
        StoreOtp::Hashed => None,
        StoreOtp::Encrypted => secrets::unseal(stored, now)?.map(|otp| otp.to_string()),
    })
}

/// Better Auth's `splitAtLastColon`.
fn split(value: &str) -> (&str, &str) {
    value.rsplit_once(':').unwrap_or((value, ""))
}

/// JavaScript's `parseInt`; `None` for NaN.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits_from = usize::from(text.starts_with(['+', '-']));
    let digits = text.get(digits_from..)?.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..digits_from + digits)?.parse().ok()
}

/// What becomes of a code that was right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Consumed,
    /// It stays good, for the request that it is checked for beforehand.
    Kept,
}

/// Takes a code: Better Auth's `atomicVerifyOTP`. Whoever gets the row away is the only one to compare; a wrong guess
/// is counted in it, and in memory, where no rollback reaches, and neither can be set back by asking for another code.
///
/// # Errors
/// OTP_EXPIRED, INVALID_OTP, TOO_MANY_ATTEMPTS. What they have changed has to stay.
fn verify(identifier: &str, given: &str, after: After) -> Result<(), AuthError> {
    let now = Timestamp::now();
    if verification::find(identifier)?.is_some_and(|found| found.expires_at < now) {
        verification::delete(identifier)?;
        return Err(OTP_EXPIRED.into());
    }
    let consumed = verification::consume(identifier, now)?.ok_or(INVALID_OTP)?;
    let (stored, attempts) = split(&consumed.value);
    let used = parse_int(if attempts.is_empty() { "0" } else { attempts });
    let allowed = i64::from(settings::allowed_attempts());
    let code = guess::Code { identifier, stored, allowed, lifetime: settings::expires_in() };
    if used.is_some_and(|used| used >= allowed) || !code.guess_taken(&consumed)? {
        return Err(TOO_MANY_ATTEMPTS.into());
    }
    let is_right = settings::store_otp().is_right(stored, given, now)?;
    if is_right {
        code.give_back();
        if after == After::Consumed {
            return Ok(());
        }
    }
    // Another code was asked for meanwhile, and counts.
    if verification::find(identifier)?.is_some() {
        return Err(INVALID_OTP.into());
    }
    let value = match (is_right, used) {
        (true, _) => consumed.value.clone(),
        (false, Some(used)) => format!("{stored}:{}", used + 1),
        (false, None) => format!("{stored}:NaN"),
    };
    // As old as it was: one that was asked for meanwhile is the newer.
    verification::put_back(identifier, &consumed, &value)?;
    if is_right { Ok(()) } else { Err(INVALID_OTP.into()) }
}

/// Mails a code where the answer must not tell whether it has.
fn mail_quietly(recipient: &str, kind: Type, issued: &Issued) {
    let data = Map::from_iter([("type".to_owned(), Value::from(kind.as_str()))]);
    mail::quietly(|| {
        mail::send(&Draft {
            kind: MAIL,
            recipient,
            url: "",
            token: &issued.otp,
            user: None,
            data,
            expires_at: issued.expires_at,
        })
    });
}

/// Does what mailing a code does, where there is nobody to send it to. The code's row stays all the same, which nobody
/// has the code of: guesses are answered as for those who have asked for one.
fn pretend(recipient: &str, issued: &Issued) {
    mail::pretend(MAIL, recipient, "", &issued.otp);
}

/// Sends a code to a (lower-cased) email, unless nobody has it and it doesn't make a user.
///
/// # Errors
/// Those of the store.
pub(super) fn send(email: &str, kind: Type) -> Result<(), AuthError> {
    let issued = resolve(&kind.identifier(email))?;
    match user::find_by_email(email)? {
        Some(user) => mail_quietly(&user.email, kind, &issued),
        None if kind == Type::SignIn && !settings::disable_sign_up() => mail_quietly(email, kind, &issued),
        None => pretend(email, &issued),
    }
    Ok(())
}

/// Does what [`send`] does where nobody is to get a code, down to what guesses of it are answered.
///
/// # Errors
/// Those of the store.
pub(super) fn pretend_to_send(email: &str, kind: Type) -> Result<(), AuthError> {
    let issued = resolve(&kind.identifier(email))?;
    pretend(email, &issued);
    Ok(())
}

/// Sends a code that verifies the email of who has just signed up. `answer` is that of sign-up, which may be one that
/// only looks as if somebody had.
///
/// # Errors
/// Those of the store.
pub(super) fn send_to_new_user(answer: &str) -> Result<(), AuthError> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let Some(email) = answer.pointer("/user/email").and_then(Value::as_str).filter(|email| !email.is_empty())
    else {
        return Ok(());
    };
    let issued = issue(&Type::EmailVerification.identifier(email))?;
    mail_quietly(email, Type::EmailVerification, &issued);
    Ok(())
}

/// `send-verification-otp`.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_EMAIL, "Invalid OTP type".
pub(super) fn send_verification(
    caller: &mut dyn Caller,
    email: Input<'_>,
    kind: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", email);
    let kind = read_type(&mut issues, kind);
    issues.finish()?;
    caller.admit()?;
    let email = read_email(email)?;
    if kind == Type::ChangeEmail {
        return Err(INVALID_TYPE.into());
    }
    send(&email, kind)
}

/// `createVerificationOTP`: a code that the caller sends, or knows what else to do with.
///
/// # Errors
/// VALIDATION_ERROR.
pub(super) fn create_verification(email: Input<'_>, kind: Input<'_>) -> Result<String, AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", email);
    let kind = read_type(&mut issues, kind);
    if email.len() > MAX_EMAIL {
        issues.add("email", &format!("Too big: expected string to have <={MAX_EMAIL} characters"));
    }
    issues.finish()?;
    issue(&kind.identifier(&email.to_lowercase())).map(|issued| issued.otp)
}

/// `getVerificationOTP`: the code that is good now.
///
/// # Errors
/// VALIDATION_ERROR, "OTP is hashed, cannot return the plain text OTP".
pub(super) fn get_verification(email: Input<'_>, kind: Input<'_>) -> Result<Option<String>, AuthError> {
    let mut issues = Issues::of_query();
    let email = issues.required("email", email);
    let kind = read_type(&mut issues, kind);
    issues.finish()?;
    let now = Timestamp::now();
    let found = verification::find(&kind.identifier(&email.to_lowercase()))?;
    let Some(found) = found.filter(|found| found.expires_at >= now) else { return Ok(None) };
    if settings::store_otp() == StoreOtp::Hashed {
        return Err(OTP_IS_HASHED.into());
    }
    plain(split(&found.value).0, now)
}

/// `check-verification-otp`: whether a code is right, without using it up.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_EMAIL, those of a code, USER_NOT_FOUND.
pub(super) fn check(email: Input<'_>, kind: Input<'_>, otp: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", email);
    let kind = read_type(&mut issues, kind);
    let otp = issues.required("otp", otp);
    issues.finish()?;
    let email = read_email(email)?;
    verify(&kind.identifier(&email), otp, After::Kept)?;
    // Who has the code may know.
    user::find_by_email(&email)?.map(drop).ok_or_else(|| Code::USER_NOT_FOUND.into())
}

/// A user whose email was verified, and the session that was opened, if one was.
pub(super) struct Verified {
    pub(super) user: User,
    pub(super) session: Option<session::Live>,
}

/// `verify-email`.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_EMAIL, those of a code, USER_NOT_FOUND, and those of opening a session.
pub(super) fn verify_email(
    caller: &mut dyn Caller,
    email: Input<'_>,
    otp: Input<'_>,
) -> Result<Verified, AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", email);
    let otp = issues.required("otp", otp);
    issues.finish()?;
    let email = read_email(email)?;
    // The user first, as everybody who locks several of a user's rows; and held, so that the email isn't changed
    // between this look and the write.
    let user = match user::find_by_email(&email)? {
        Some(user) => user::lock(&user.id)?.filter(|locked| locked.email == user.email),
        None => None,
    };
    verify(&Type::EmailVerification.identifier(&email), otp, After::Consumed)?;
    let user = user.ok_or(Code::USER_NOT_FOUND)?;
    let verified = Changes { email_verified: Some(true), ..Changes::default() };
    let user = user::update(&user.id, &verified, Timestamp::now())?.ok_or(Code::USER_NOT_FOUND)?;
    let session = match crate::settings::auto_sign_in_after_verification() {
        true => Some(Live { session: session::open(caller, &user, true)?, user: user.clone() }),
        false => None,
    };
    Ok(Verified { user, session })
}

/// What a sign-in brings.
pub(super) struct SignIn<'a> {
    pub(super) email: Input<'a>,
    pub(super) otp: Input<'a>,
    pub(super) name: Input<'a>,
    pub(super) image: Input<'a>,
    /// Where additional fields are looked for.
    pub(super) body: &'a Map<String, Value>,
}

/// `sign-in/email-otp`: signs in, or up.
///
/// # Errors
/// VALIDATION_ERROR, those of a code, those of additional fields, and those of a new user and of opening a session.
pub(super) fn sign_in(caller: &mut dyn Caller, request: &SignIn<'_>) -> Result<Live, AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", request.email);
    let otp = issues.required("otp", request.otp);
    let name = issues.optional("name", request.name);
    let image = issues.optional("image", request.image);
    issues.bounded("name", name);
    issues.bounded("image", image);
    caller.client().check(&mut issues);
    issues.finish()?;
    let email = email.to_lowercase();
    verify(&Type::SignIn.identifier(&email), otp, After::Consumed)?;
    let user = match user::find_by_email(&email)? {
        Some(user) => proven(user)?,
        None if settings::disable_sign_up() => return Err(INVALID_OTP.into()),
        None => sign_up(caller, &email, name.unwrap_or_default(), image, request.body)?,
    };
    let session = session::open(caller, &user, true)?;
    Ok(Live { session, user })
}

/// The user as who has just proven the email has it.
fn proven(user: User) -> Result<User, AuthError> {
    match user.email_verified {
        true => Ok(user),
        false => proof::take_over(&user)?.ok_or_else(|| INVALID_OTP.into()),
    }
}

fn sign_up(
    caller: &dyn Caller,
    email: &str,
    name: &str,
    image: Option<&str>,
    body: &Map<String, Value>,
) -> Result<User, AuthError> {
    let additional = fields::parse(Table::User, body, Action::Create)?;
    if email.len() > MAX_EMAIL {
        return Err(Code::FAILED_TO_CREATE_USER.into());
    }
    let given = fields::as_given(&additional, body);
    let user = User { email_verified: true, ..User::draft(name, email, image, Timestamp::now())? };
    let draft = new_user::Draft { user, additional };
    match new_user::create(caller, draft, &given, METHOD, |_| Ok(()))? {
        Some(user) => Ok(user),
        // Somebody else was faster, and has not proven anything.
        None => proven(user::find_by_email(email)?.ok_or(Code::FAILED_TO_CREATE_USER)?),
    }
}

/// `request-password-reset`, and `forget-password/email-otp`, its older name.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_EMAIL.
pub(super) fn request_reset(email: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", email);
    issues.finish()?;
    send(&read_email(email)?, Type::ForgetPassword)
}

/// `reset-password`. The email is verified then: the code came by it.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_EMAIL, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, those of a code, USER_NOT_FOUND.
pub(super) fn reset(
    caller: &mut dyn Caller,
    email: Input<'_>,
    otp: Input<'_>,
    new: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", email);
    let otp = issues.required("otp", otp);
    let new = issues.required("password", new);
    issues.finish()?;
    let email = read_email(email)?;
    check_new_password(new)?;
    let identifier = Type::ForgetPassword.identifier(&email);
    // A right one is undone, so that nothing is locked while a core is busy or somebody fetches.
    match attempt(|| verify(&identifier, otp, After::Kept), Result::is_err) {
        Ok(verified) => verified?,
        Err(exception) => exception.raise(),
    }
    let user = user::find_by_email(&email)?.ok_or(Code::USER_NOT_FOUND)?;
    let hash = hash::hash_chosen(caller, new)?;
    // The user first, as everybody who locks several of a user's rows.
    let locked = user::lock(&user.id)?.filter(|locked| locked.email == user.email);
    let user = locked.ok_or(Code::USER_NOT_FOUND)?;
    verify(&identifier, otp, After::Consumed)?;
    // The code came by the address, and proves it. What somebody else had before goes, as at a sign-in by code.
    if !user.email_verified && proof::take_over(&user)?.is_none() {
        return Err(Code::USER_NOT_FOUND.into());
    }
    password::replace(&user.id, &hash)
}

/// The caller's session and a new email for its user: what both steps of a change begin with.
fn changing(caller: &mut dyn Caller, new_email: &str) -> Result<(Live, String), AuthError> {
    let live = require(caller, Need::Live)?;
    if !settings::change_email_enabled() {
        return Err(CHANGE_EMAIL_IS_DISABLED.into());
    }
    let new_email = read_email(new_email)?;
    if new_email == live.user.email.to_lowercase() {
        return Err(Code::EMAIL_IS_THE_SAME.into());
    }
    Ok((live, new_email))
}

/// Where the code for a change is kept.
fn change_identifier(live: &Live, new_email: &str) -> String {
    Type::ChangeEmail.identifier(&format!("{}:{new_email}", live.user.id))
}

/// `request-email-change`: sends a code to the new address. Nothing tells whether somebody has that.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, "Change email with OTP is disabled", INVALID_EMAIL, "Email is the same", "OTP is
/// required to verify current email", those of a code.
pub(super) fn request_change(
    caller: &mut dyn Caller,
    new_email: Input<'_>,
    otp: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let new_email = issues.required("newEmail", new_email);
    let otp = issues.optional("otp", otp);
    issues.finish()?;
    let (live, new_email) = changing(caller, new_email)?;
    if settings::change_email_verify_current_email() {
        let otp = otp.filter(|otp| !otp.is_empty()).ok_or(OTP_REQUIRED)?;
        let current = Type::EmailVerification.identifier(&live.user.email.to_lowercase());
        verify(&current, otp, After::Consumed)?;
    }
    let issued = issue(&change_identifier(&live, &new_email))?;
    match user::is_taken(&new_email, None)? {
        true => pretend(&new_email, &issued),
        false => mail_quietly(&new_email, Type::ChangeEmail, &issued),
    }
    Ok(())
}

/// `change-email`: takes the code that was sent to the new address. The caller's session, as it is then.
///
/// # Errors
/// As [`request_change`], and USER_NOT_FOUND, "Email already in use".
pub(super) fn change(
    caller: &mut dyn Caller,
    new_email: Input<'_>,
    otp: Input<'_>,
) -> Result<Live, AuthError> {
    let mut issues = Issues::of_body();
    let new_email = issues.required("newEmail", new_email);
    let otp = issues.required("otp", otp);
    issues.finish()?;
    let (live, new_email) = changing(caller, new_email)?;
    // Of two changes at once, the second finds another email.
    let locked = session::hold(&live)?.filter(|locked| locked.email == live.user.email);
    verify(&change_identifier(&live, &new_email), otp, After::Consumed)?;
    let user = locked.ok_or(Code::USER_NOT_FOUND)?;
    if user::is_taken(&new_email, Some(&user.id))? {
        return Err(EMAIL_IN_USE.into());
    }
    let changes = Changes { email: Some(&new_email), email_verified: Some(true), ..Changes::default() };
    set_email(&user.id, &changes)?.ok_or(EMAIL_IN_USE)?;
    // Better Auth goes on with the user as the session has it.
    let user = User { email: new_email, email_verified: true, ..live.user };
    Ok(Live { session: live.session, user })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_javascript_does() {
        for (text, expected) in [
            ("0", Some(0)),
            ("3", Some(3)),
            (" 2", Some(2)),
            ("-1", Some(-1)),
            ("+1", Some(1)),
            ("2.9", Some(2)),
            ("1e9", Some(1)),
            ("12x", Some(12)),
            ("", None),
            ("x", None),
            ("-", None),
            ("NaN", None),
            ("é", None),
        ] {
            assert_eq!(parse_int(text), expected, "{text:?}");
        }
    }

    #[test]
    fn values_are_split_at_the_last_colon() {
        for (value, expected) in [
            ("123456:0", ("123456", "0")),
            ("12:34:1", ("12:34", "1")),
            ("123456", ("123456", "")),
            (":", ("", "")),
        ] {
            assert_eq!(split(value), expected);
        }
    }
}
