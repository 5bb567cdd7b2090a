//! Codes for phone numbers: sent, guessed, spent; and what a proven number is good for.

use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::{
    INVALID_OTP, INVALID_PHONE_NUMBER, INVALID_PHONE_NUMBER_OR_PASSWORD, OTP_EXPIRED, OTP_NOT_FOUND,
    PHONE_NUMBER_CANNOT_BE_SET, PHONE_NUMBER_CANNOT_BE_UPDATED, PHONE_NUMBER_EXIST,
    PHONE_NUMBER_NOT_VERIFIED, PHONE_NUMBER_PENDING_VERIFICATION, SEND_OTP_NOT_IMPLEMENTED,
    TOO_MANY_ATTEMPTS, UNEXPECTED_ERROR, settings, store,
};
use crate::error::{AuthError, Code};
use crate::flow::email_verification::set_email;
use crate::flow::fields::{self, Action};
use crate::flow::guess::{self, Guess};
use crate::flow::input::{Input, Issues, check_new_password, check_not_too_long, is_email, is_truthy};
use crate::flow::json::{self, Object};
use crate::flow::mail::{self, Kind};
use crate::flow::new_user::{self, Draft};
use crate::flow::session::{self, Caller, Live};
use crate::flow::sign_in::{self, ByPassword, Outcome};
use crate::flow::{hash, password, proof};
use crate::plugin::stored::counted;
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::function::call;
use crate::store::pattern;
use crate::store::server::{Timestamp, random_digits, random_token};
use crate::store::session::Session;
use crate::store::user::{self, Changes, User};
use crate::store::verification::{self, Verification};

pub(super) const NUMBER: &str = "phoneNumber";
pub(super) const VERIFIED: &str = "phoneNumberVerified";

/// Identifiers of codes begin with these: Better Auth's.
const OTP: &str = "phone-number-otp-";
const RESET: &str = "phone-number-reset-";

const SEND_OTP: Kind = Kind::sms("phone-number-otp");
const SEND_RESET: Kind = Kind::sms("phone-number-password-reset");

/// The longest number, in bytes: the indexes on it and on the identifiers of codes take no more than 2,704.
const MAX_NUMBER: usize = 2_048;

/// What a request says of a phone number.
fn number<'a>(issues: &mut Issues, value: Input<'a>) -> &'a str {
    issues.required(NUMBER, value)
}

/// # Errors
/// INVALID_PHONE_NUMBER for one that no column takes.
fn check_length(number: &str) -> Result<(), AuthError> {
    if number.len() > MAX_NUMBER { Err(INVALID_PHONE_NUMBER.into()) } else { Ok(()) }
}

/// # Errors
/// INVALID_PHONE_NUMBER for one that the setting doesn't take, or no column.
fn check(number: &str) -> Result<(), AuthError> {
    check_length(number)?;
    let Some(expression) = settings::phone_number_validator() else { return Ok(()) };
    let is_valid = !number.contains('\0')
        && pattern::matches(number, "phone_number_phone_number_validator", &expression)?;
    if is_valid { Ok(()) } else { Err(INVALID_PHONE_NUMBER.into()) }
}

fn is_verified(user: &User) -> bool {
    user.is(VERIFIED)
}

// ── Codes ────────────────────────────────────────────────────────────────────────────────────────

fn new_code() -> Result<String, AuthError> {
    random_digits(settings::otp_length())
}

fn allowed() -> i64 {
    settings::allowed_attempts().into()
}

/// Keeps a code under an identifier; until when it counts.
fn keep(identifier: &str, value: &str) -> Result<Timestamp, AuthError> {
    let now = Timestamp::now();
    let expires_at = now.plus(settings::expires_in());
    verification::create(identifier, value, expires_at, now)?;
    Ok(expires_at)
}

/// A kept value: the code, and how many wrong guesses it has seen.
fn parts(value: &str) -> (&str, i64) {
    let (code, attempts) = counted(value);
    (code, attempts.max(0))
}

fn guessable<'a>(identifier: &'a str, code: &'a str) -> guess::Code<'a> {
    guess::Code { identifier, stored: code, allowed: allowed(), lifetime: settings::expires_in() }
}

fn is_same(code: &str, provided: &str) -> bool {
    code.as_bytes().ct_eq(provided.as_bytes()).into()
}

/// The code under an identifier, if it may still be guessed.
fn current(identifier: &str) -> Result<Verification, AuthError> {
    let now = Timestamp::now();
    let found = verification::find(identifier)?.ok_or(OTP_NOT_FOUND)?;
    let refusal = if found.expires_at < now {
        OTP_EXPIRED
    } else if parts(&found.value).1 >= allowed() {
        TOO_MANY_ATTEMPTS
    } else {
        return Ok(found);
    };
    verification::delete(identifier)?;
    Err(refusal.into())
}

/// Takes the code under an identifier, where `provided` is it: of all who try at once one gets it. A wrong guess is
/// counted in the row, as in Better Auth, and where no rollback takes it back.
///
/// # Errors
/// OTP_NOT_FOUND, OTP_EXPIRED, TOO_MANY_ATTEMPTS, INVALID_OTP.
fn spend(identifier: &str, provided: &str) -> Result<(), AuthError> {
    current(identifier)?;
    let taken = verification::consume(identifier, Timestamp::now())?.ok_or(INVALID_OTP)?;
    let (code, attempts) = parts(&taken.value);
    let guessable = guessable(identifier, code);
    if attempts >= allowed() || !guessable.guess_taken(&taken)? {
        return Err(TOO_MANY_ATTEMPTS.into());
    }
    if !is_same(code, provided) {
        verification::put_back(identifier, &taken, &format!("{code}:{}", attempts + 1))?;
        return Err(INVALID_OTP.into());
    }
    guessable.give_back();
    Ok(())
}

/// Whether `provided` is the code under an identifier, which stays, so that nothing is locked yet. A wrong guess counts
/// as any.
///
/// # Errors
/// As [`spend`].
fn look(identifier: &str, provided: &str) -> Result<(), AuthError> {
    let found = current(identifier)?;
    let (code, _) = parts(&found.value);
    let guessable = guessable(identifier, code);
    match guessable.guess() {
        Guess::Counted if is_same(code, provided) => {
            guessable.give_back();
            return Ok(());
        }
        Guess::Counted => {}
        Guess::Spent => {
            verification::delete(identifier)?;
            return Err(TOO_MANY_ATTEMPTS.into());
        }
        Guess::Resting => return Err(TOO_MANY_ATTEMPTS.into()),
    }
    if let Some(taken) = verification::consume(identifier, Timestamp::now())? {
        let value = match parts(&taken.value) {
            (same, attempts) if same == code => format!("{code}:{}", attempts + 1),
            // Another one came in between, which nobody has guessed at.
            _ => taken.value.clone(),
        };
        verification::put_back(identifier, &taken, &value)?;
    }
    Err(INVALID_OTP.into())
}

fn send(kind: Kind, number: &str, code: &str, expires_at: Timestamp) -> Result<(), AuthError> {
    let data = Map::from_iter([(NUMBER.to_owned(), number.into())]);
    mail::send(&mail::Draft { kind, recipient: number, url: "", token: code, user: None, data, expires_at })
}

/// Sends a code that proves a number: Better Auth's `POST /phone-number/send-otp`.
///
/// # Errors
/// VALIDATION_ERROR, SEND_OTP_NOT_IMPLEMENTED, INVALID_PHONE_NUMBER.
pub(super) fn send_otp(phone_number: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let number = number(&mut issues, phone_number);
    issues.finish()?;
    if !settings::send_otp() {
        return Err(SEND_OTP_NOT_IMPLEMENTED.into());
    }
    check(number)?;
    let code = new_code()?;
    let expires_at = keep(&format!("{OTP}{number}"), &format!("{code}:0"))?;
    send(SEND_OTP, number, &code, expires_at)
}

/// Spends a code and does nothing else: Better Auth's `auth.api.consumePhoneNumberOTP`.
///
/// # Errors
/// VALIDATION_ERROR, and those of [`spend`].
pub(super) fn consume(phone_number: Input<'_>, code: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let number = number(&mut issues, phone_number);
    let code = issues.required("code", code);
    issues.finish()?;
    spend(&format!("{OTP}{number}"), code)
}

// ── Verification ─────────────────────────────────────────────────────────────────────────────────

/// What a verified number leads to.
pub(super) struct Verified {
    pub(super) user: User,
    /// The session that was opened.
    pub(super) opened: Option<Session>,
    /// The token of the session that was opened, or that the number was added to.
    pub(super) token: Option<String>,
}

/// Proves a number by its code: signs in its user, makes one, or adds the number to the caller's user. Better Auth's
/// `POST /phone-number/verify`.
///
/// # Errors
/// VALIDATION_ERROR, those of [`spend`]; with `updatePhoneNumber` USER_NOT_FOUND without a session, and
/// PHONE_NUMBER_EXIST; otherwise FAILED_TO_UPDATE_USER for a number that nobody has, where nobody is signed up by it,
/// those of a sign-up, and BANNED_USER.
pub(super) fn verify(caller: &mut dyn Caller, body: &Map<String, Value>) -> Result<Verified, AuthError> {
    let mut issues = Issues::of_body();
    let number = number(&mut issues, body.get(NUMBER).into());
    let code = issues.required("code", body.get("code").into());
    let disables_session = issues.optional_boolean("disableSession", body.get("disableSession").into());
    let updates = issues.optional_boolean("updatePhoneNumber", body.get("updatePhoneNumber").into());
    caller.client().check(&mut issues);
    issues.finish()?;
    spend(&format!("{OTP}{number}"), code)?;
    if updates == Some(true) {
        return update(caller, number);
    }
    // Of two who are the first with a number at once one makes the user, and the other finds it.
    store::lock(number)?;
    let user = match store::find(number)? {
        Some(user) => prove(caller, &user, number)?,
        None if settings::sign_up_on_verification() => sign_up(caller, number, body)?,
        None => None,
    };
    let user = user.ok_or(Code::FAILED_TO_UPDATE_USER)?;
    verified(number, &user)?;
    if disables_session == Some(true) {
        return Ok(Verified { user, opened: None, token: None });
    }
    let session = session::open(caller, &user, true)?;
    Ok(Verified { token: Some(session.token.clone()), user, opened: Some(session) })
}

/// Adds a proven number to the caller's user.
fn update(caller: &mut dyn Caller, number: &str) -> Result<Verified, AuthError> {
    let live = caller.session(true)?.ok_or(AuthError::ApiWith(Code::USER_NOT_FOUND, 401))?;
    store::lock(number)?;
    if store::find(number)?.is_some() {
        return Err(PHONE_NUMBER_EXIST.into());
    }
    // Who has taken the user over meanwhile has ended the session, and doesn't want the number.
    let user = session::hold(&live)?.ok_or(AuthError::ApiWith(Code::USER_NOT_FOUND, 401))?;
    let given = [Given::of(Table::User, NUMBER, Some(number))?, is_proven()?];
    let user = set(&user.id, &given)?.ok_or(Code::FAILED_TO_UPDATE_USER)?;
    verified(number, &user)?;
    Ok(Verified { user, opened: None, token: Some(live.session.token) })
}

fn is_proven() -> Result<Given, AuthError> {
    Given::of(Table::User, VERIFIED, Some("true"))
}

fn set(id: &str, given: &[Given]) -> Result<Option<User>, AuthError> {
    user::update(id, &Changes { additional: given, ..Changes::default() }, Timestamp::now())
}

/// Marks a user's number as proven. Who made the user may have been somebody else, where nothing of it was proven
/// before: an account with a victim's number, which waits until its owner proves it. So all ways in from then go, as
/// Better Auth does it with emails; unless the same user asks who did that. The email is one of them, by a password
/// reset, a link, a code: it goes too. `None` when the number is no longer this user's.
fn prove(caller: &mut dyn Caller, found: &User, number: &str) -> Result<Option<User>, AuthError> {
    let is_own = !is_verified(found) && caller.session(true)?.is_some_and(|live| live.user.id == found.id);
    let locked = user::lock(&found.id)?.filter(|locked| locked.field(NUMBER) == found.field(NUMBER));
    let Some(user) = locked else { return Ok(None) };
    if is_own || user.email_verified || is_verified(&user) {
        return set(&user.id, &[is_proven()?]);
    }
    let mut given = proof::dispossess(&user)?;
    // But for the number.
    given.retain(|given| given.field.name != NUMBER && given.field.name != VERIFIED);
    given.push(is_proven()?);
    let email = match temporary_email(number)? {
        Some(email) if !user::is_taken(&email, Some(&user.id))? => email,
        _ => fill(RANDOM_EMAIL, number)?.to_lowercase(),
    };
    set_email(&user.id, &Changes { email: Some(&email), additional: &given, ..Changes::default() })
}

/// The email of a user who has none, whatever the setting.
const RANDOM_EMAIL: &str = "{random}@phone-number.placeholder.invalid";

/// The same as the setting has it; `None` where this number makes none.
fn temporary_email(number: &str) -> Result<Option<String>, AuthError> {
    let email = fill(&settings::temp_email().unwrap_or_default(), number)?.to_lowercase();
    Ok((is_email(&email) && email.len() <= MAX_NUMBER).then_some(email))
}

/// What somebody brought of whom nothing was proven: a number that may be nobody's but theirs.
///
/// # Errors
/// No column: migrate() makes it.
pub(super) fn unproven(user: &User, given: &mut Vec<Given>) -> Result<(), AuthError> {
    if user.field(NUMBER).is_none_or(|number| number.is_null()) && !is_verified(user) {
        return Ok(());
    }
    given.push(Given::of(Table::User, NUMBER, None)?);
    given.push(Given::of(Table::User, VERIFIED, Some("false"))?);
    Ok(())
}

/// Makes a user who has nothing but a proven number.
fn sign_up(
    caller: &mut dyn Caller,
    number: &str,
    body: &Map<String, Value>,
) -> Result<Option<User>, AuthError> {
    let mut given = body.clone();
    given
        .retain(|name, _| !matches!(name.as_str(), NUMBER | "code" | "disableSession" | "updatePhoneNumber"));
    let mut additional = fields::parse(Table::User, &given, Action::Create)?;
    additional.retain(|given| given.field.name != NUMBER && given.field.name != VERIFIED);
    additional.push(Given::of(Table::User, NUMBER, Some(number))?);
    additional.push(is_proven()?);
    let email = temporary_email(number)?.ok_or(INVALID_PHONE_NUMBER)?;
    let name = match settings::temp_name() {
        Some(name) => fill(&name, number)?,
        None => number.to_owned(),
    };
    let user = User::draft(&name, &email, None, Timestamp::now())?;
    let draft = Draft { user, additional };
    let created = new_user::create(caller, draft, &given, "phone-number", |_| Ok(()))?;
    created.map(Some).ok_or(AuthError::ApiWith(Code::FAILED_TO_CREATE_USER, 500))
}

/// A template with what stands for the number put in.
fn fill(template: &str, number: &str) -> Result<String, AuthError> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let random = if template.contains("{random}") { random_token(32)? } else { String::new() };
    // The number last: it may look like one of the others.
    Ok(template.replace("{digits}", &digits).replace("{random}", &random).replace("{phoneNumber}", number))
}

/// Tells the DBA's function of a number that was proven.
fn verified(number: &str, user: &User) -> Result<(), AuthError> {
    let Some(name) = settings::verification_function() else { return Ok(()) };
    let argument = Object::new().text(NUMBER, number).json("user", &json::user(user)).finish();
    call("phone_number_verification_function", &name, &argument).map(drop)
}

// ── Passwords ────────────────────────────────────────────────────────────────────────────────────

/// What sign-in is asked for.
pub(super) struct Request<'a> {
    pub(super) phone_number: Input<'a>,
    pub(super) password: Input<'a>,
    pub(super) remember_me: Input<'a>,
}

/// Verifies a password and opens a session: Better Auth's `POST /sign-in/phone-number`.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_PHONE_NUMBER, PASSWORD_TOO_LONG, INVALID_PHONE_NUMBER_OR_PASSWORD (the same, at the same
/// cost, for an unknown number, a user without an account and a wrong password), UNEXPECTED_ERROR for an account
/// without a password, PHONE_NUMBER_NOT_VERIFIED, and those of [`sign_in::by_password`].
pub(super) fn sign_in<'a>(caller: &mut dyn Caller, request: &Request<'a>) -> Result<Outcome<'a>, AuthError> {
    let mut issues = Issues::of_body();
    let number = number(&mut issues, request.phone_number);
    let password = issues.required("password", request.password);
    let remember_me = issues.optional_boolean("rememberMe", request.remember_me);
    caller.client().check(&mut issues);
    issues.finish()?;
    check(number)?;
    check_not_too_long(password)?;
    let found = store::find_credential(number)?;
    if let Some(found) = &found
        && settings::require_verification()
        && !is_verified(&found.user)
    {
        let code = new_code()?;
        // As Better Auth keeps this one: without a count.
        let expires_at = keep(&format!("{OTP}{number}"), &code)?;
        if settings::send_otp() {
            send(SEND_OTP, number, &code, expires_at)?;
        }
        return Err(PHONE_NUMBER_NOT_VERIFIED.into());
    }
    let has_none = found
        .as_ref()
        .and_then(|found| found.credential.as_ref())
        .is_some_and(|credential| credential.password.as_deref().is_none_or(String::is_empty));
    let wrong = if has_none {
        AuthError::ApiWith(UNEXPECTED_ERROR, 401)
    } else {
        INVALID_PHONE_NUMBER_OR_PASSWORD.into()
    };
    let by = ByPassword {
        name: number.to_owned(),
        password,
        wrong,
        needs_verified_email: false,
        callback_url: None,
        is_remembered: remember_me != Some(false),
    };
    sign_in::by_password(caller, found, by)
}

/// Sends a code that sets a forgotten password. Nothing tells whether the number is known. Better Auth's
/// `POST /phone-number/request-password-reset`.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_PHONE_NUMBER for one that no column takes.
pub(super) fn request_reset(phone_number: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let number = number(&mut issues, phone_number);
    issues.finish()?;
    check_length(number)?;
    let user = store::find(number)?;
    let code = new_code()?;
    let expires_at = keep(&format!("{RESET}{number}"), &format!("{code}:0"))?;
    if !settings::send_password_reset_otp() {
        return Ok(());
    }
    match user.filter(|user| !settings::require_verification() || is_verified(user)) {
        Some(_) => mail::quietly(|| send(SEND_RESET, number, &code, expires_at)),
        None => mail::pretend(SEND_RESET, number, "", &code),
    }
    Ok(())
}

/// Sets a new password with such a code: Better Auth's `POST /phone-number/reset-password`.
///
/// # Errors
/// VALIDATION_ERROR, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG (the code stays good), those of [`spend`], UNEXPECTED_ERROR
/// for a number that nobody has, PHONE_NUMBER_PENDING_VERIFICATION.
pub(super) fn reset(
    caller: &mut dyn Caller,
    otp: Input<'_>,
    phone_number: Input<'_>,
    new_password: Input<'_>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let otp = issues.required("otp", otp);
    let number = number(&mut issues, phone_number);
    let new = issues.required("newPassword", new_password);
    issues.finish()?;
    check_new_password(new)?;
    let identifier = format!("{RESET}{number}");
    look(&identifier, otp)?;
    let user = store::find(number)?.ok_or(UNEXPECTED_ERROR)?;
    if settings::require_verification() && !is_verified(&user) {
        return Err(PHONE_NUMBER_PENDING_VERIFICATION.into());
    }
    let hash = hash::hash_chosen(caller, new)?;
    // The user first, as everybody who locks several of a user's rows.
    let locked = user::lock(&user.id)?.filter(|locked| locked.text_field(NUMBER).as_deref() == Some(number));
    if locked.is_none() {
        return Err(UNEXPECTED_ERROR.into());
    }
    spend(&identifier, otp)?;
    password::replace(&user.id, &hash)
}

// ── Other endpoints ──────────────────────────────────────────────────────────────────────────────

/// # Errors
/// PHONE_NUMBER_CANNOT_BE_UPDATED: a number is proven, not told.
pub(super) fn before(caller: &dyn Caller, body: &Map<String, Value>) -> Result<(), AuthError> {
    match body.get(NUMBER) {
        Some(number) if caller.endpoint() == "/update-user" && !number.is_null() => {
            Err(PHONE_NUMBER_CANNOT_BE_UPDATED.into())
        }
        _ => Ok(()),
    }
}

/// Nobody becomes a user with a number that wasn't proven.
///
/// # Errors
/// PHONE_NUMBER_CANNOT_BE_SET.
pub(super) fn before_user(caller: &dyn Caller, draft: &mut Draft) -> Result<(), AuthError> {
    let Some(number) = draft.field(NUMBER) else { return Ok(()) };
    if draft.field(VERIFIED) == Some("true") {
        return Ok(());
    }
    // An administrator's is passed over.
    if is_truthy(&number.into()) && caller.endpoint() != "/admin/create-user" {
        return Err(PHONE_NUMBER_CANNOT_BE_SET.into());
    }
    draft.set(NUMBER, None)?;
    draft.set(VERIFIED, Some("false"))
}

/// Nor has one, but an administrator's may; who gives a number up has none that is proven.
///
/// # Errors
/// No column: migrate() makes it.
pub(super) fn before_user_update(caller: &dyn Caller, given: &mut Vec<Given>) -> Result<(), AuthError> {
    let value =
        |name: &str| given.iter().find(|given| given.field.name == name).map(|given| given.value.clone());
    match value(NUMBER) {
        Some(None) => {
            given.retain(|given| given.field.name != VERIFIED);
            given.push(Given::of(Table::User, VERIFIED, Some("false"))?);
        }
        Some(Some(_))
            if value(VERIFIED).flatten().as_deref() != Some("true")
                && caller.endpoint() != "/admin/update-user" =>
        {
            given.retain(|given| given.field.name != NUMBER);
        }
        _ => {}
    }
    Ok(())
}

/// The session and the user, where one was opened.
pub(super) fn opened(verified: &Verified) -> Option<Live> {
    let session = verified.opened.clone()?;
    Some(Live { session, user: verified.user.clone() })
}

#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
#[allow(clippy::unwrap_used)]
mod tests {
    use pgrx::prelude::*;

    use super::*;

    #[test]
    fn kept_values_are_read_as_better_auth_reads_them() {
        for (value, expected) in [
            ("123456:0", ("123456", 0)),
            ("123456:2", ("123456", 2)),
            ("123456", ("123456", 0)),
            ("123456:", ("123456", 0)),
            ("123456:x", ("123456", 0)),
            ("123456:-1", ("123456", 0)),
            ("123456:1:9", ("123456", 1)),
            ("", ("", 0)),
        ] {
            assert_eq!(parts(value), expected, "{value}");
        }
    }

    /// Within a server, whose random numbers it could ask for.
    #[pg_test]
    fn templates_are_filled_once() {
        let fill = |template| fill(template, "+1 {digits} 5").unwrap();
        assert_eq!(fill("{digits}@x"), "15@x");
        assert_eq!(fill("{phoneNumber}"), "+1 {digits} 5");
        assert_eq!(fill("plain"), "plain");
    }
}
