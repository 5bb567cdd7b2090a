//! What a username may be, who has it, and signing in with it.

use serde_json::{Map, Value};

use super::settings::{self, Normalization, Order};
use super::{
    INVALID_DISPLAY_USERNAME, INVALID_USERNAME, INVALID_USERNAME_OR_PASSWORD, USERNAME_IS_ALREADY_TAKEN,
    USERNAME_IS_IMMUTABLE, USERNAME_TOO_LONG, USERNAME_TOO_SHORT, name, store,
};
use crate::crypto::password::length;
use crate::error::{AuthError, Code};
use crate::flow::input::{Input, Issues, check_not_too_long, is_truthy};
use crate::flow::new_user::Draft;
use crate::flow::session::Caller;
use crate::flow::sign_in::{self, ByPassword, Outcome};
use crate::store::fields::Given;
use crate::store::pattern;
use crate::store::user::User;

pub(super) const USERNAME: &str = "username";
pub(super) const DISPLAY_USERNAME: &str = "displayUsername";

/// The endpoints whose body is judged before they run. To others a new name is judged when it is stored.
const SIGN_UP: &str = "/sign-up/email";
const UPDATE: &str = "/update-user";
const CREATE_USER: &str = "/admin/create-user";

/// Better Auth's rules, in its order.
fn check(username: &str) -> Result<Option<Code>, AuthError> {
    let judged = match settings::validation_order_username() {
        Order::Before => username.to_owned(),
        Order::After => normalized(username),
    };
    if length(&judged) < settings::min_username_length() {
        return Ok(Some(USERNAME_TOO_SHORT));
    }
    if length(&judged) > settings::max_username_length() {
        return Ok(Some(USERNAME_TOO_LONG));
    }
    let is_valid = match settings::username_validator() {
        None => judged.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')),
        Some(_) if judged.contains('\0') => false,
        Some(expression) => pattern::matches(&judged, "username_username_validator", &expression)?,
    };
    Ok((!is_valid).then_some(INVALID_USERNAME))
}

/// The same for a name that somebody is about to take: it must not look like another one that is somebody's.
fn check_new(username: &str) -> Result<Option<Code>, AuthError> {
    let refusal = check(username)?;
    Ok(refusal.or_else(|| (!name::is_plain(username)).then_some(INVALID_USERNAME)))
}

fn normalized(username: &str) -> String {
    normalized_as(settings::username_normalization(), username)
}

fn normalized_display(display: &str) -> String {
    normalized_as(settings::display_username_normalization(), display)
}

fn normalized_as(normalization: Normalization, name: &str) -> String {
    match normalization {
        Normalization::Lowercase => name.to_lowercase(),
        Normalization::None => name.to_owned(),
    }
}

fn check_display(display: &str) -> Result<(), AuthError> {
    let Some(expression) = settings::display_username_validator() else { return Ok(()) };
    let judged = match settings::validation_order_display_username() {
        Order::Before => display.to_owned(),
        Order::After => normalized_display(display),
    };
    let is_valid = !judged.contains('\0')
        && pattern::matches(&judged, "username_display_username_validator", &expression)?;
    if is_valid { Ok(()) } else { Err(INVALID_DISPLAY_USERNAME.into()) }
}

/// Better Auth's hooks before sign-up and update-user.
///
/// # Errors
/// USERNAME_TOO_SHORT, USERNAME_TOO_LONG, INVALID_USERNAME, USERNAME_IS_ALREADY_TAKEN, USERNAME_IS_IMMUTABLE,
/// INVALID_DISPLAY_USERNAME.
pub(super) fn before(caller: &mut dyn Caller, body: &mut Map<String, Value>) -> Result<(), AuthError> {
    let is_sign_up = caller.endpoint() == SIGN_UP;
    if !is_sign_up && caller.endpoint() != UPDATE {
        return Ok(());
    }
    if is_sign_up
        && !body.contains_key(USERNAME)
        && let Some(Value::String(display)) = body.get(DISPLAY_USERNAME)
        && check_new(display)?.is_none()
    {
        let display = display.clone();
        body.insert(USERNAME.into(), display.into());
    }
    match body.get(USERNAME) {
        Some(Value::String(username)) => {
            if let Some(refusal) = check_new(username)? {
                return Err(refusal.into());
            }
            let wanted = normalized(username);
            let live = if is_sign_up { None } else { caller.session(true)? };
            let user = live.as_ref().map(|live| &live.user);
            check_immutable(user, Some(&wanted))?;
            check_free(&wanted, user)?;
        }
        Some(Value::Null) if !is_sign_up && settings::immutable_username() => {
            check_immutable(caller.session(true)?.as_ref().map(|live| &live.user), None)?;
        }
        _ => {}
    }
    if !settings::display_username() {
        return Ok(());
    }
    if let Some(Value::String(display)) = body.get(DISPLAY_USERNAME) {
        check_display(display)?;
    }
    let is_given = |value: Option<&Value>| value.is_some_and(is_truthy);
    if is_sign_up
        && !is_given(body.get(DISPLAY_USERNAME))
        && let Some(Value::String(username)) = body.get(USERNAME)
    {
        let username = username.clone();
        body.insert(DISPLAY_USERNAME.into(), username.into());
    }
    Ok(())
}

/// A name that is set stays, where the settings say so.
fn check_immutable(user: Option<&User>, wanted: Option<&str>) -> Result<(), AuthError> {
    let current = user.filter(|_| settings::immutable_username()).and_then(|user| user.text_field(USERNAME));
    match current {
        Some(current) if !current.is_empty() && Some(current.as_str()) != wanted => {
            Err(USERNAME_IS_IMMUTABLE.into())
        }
        _ => Ok(()),
    }
}

/// Whether a normalised name is nobody's, or this user's.
fn check_free(wanted: &str, user: Option<&User>) -> Result<(), AuthError> {
    match store::owner(wanted)? {
        Some(owner) if user.is_none_or(|user| user.id != owner) => Err(USERNAME_IS_ALREADY_TAKEN.into()),
        _ => Ok(()),
    }
}

/// What is stored for a new user.
///
/// # Errors
/// As [`before`], where that was not asked: for users who are made in other ways.
pub(super) fn before_user(caller: &dyn Caller, draft: &mut Draft) -> Result<(), AuthError> {
    let display = draft.field(DISPLAY_USERNAME).filter(|display| !display.is_empty()).map(str::to_owned);
    let username = draft.field(USERNAME).filter(|username| !username.is_empty()).map(str::to_owned);
    let Some(username) = username else {
        return set_display(draft, display.as_deref().map(normalized_display));
    };
    // What Better Auth has read as a field has been normalised by then; an administrator's is as it was typed.
    let username = match caller.endpoint() {
        SIGN_UP | CREATE_USER => username,
        _ => normalized(&username),
    };
    // At sign-up, what stands for a missing displayUsername wasn't typed as one.
    judge(&username, display.as_deref().filter(|_| caller.endpoint() != SIGN_UP))?;
    let wanted = normalized(&username);
    claim(&wanted, None)?;
    draft.set(USERNAME, Some(&wanted))?;
    set_display(draft, Some(display.as_deref().map_or(username, normalized_display)))
}

fn set_display(draft: &mut Draft, display: Option<String>) -> Result<(), AuthError> {
    match display {
        Some(display) if settings::display_username() => draft.set(DISPLAY_USERNAME, Some(&display)),
        _ => Ok(()),
    }
}

/// What is stored for a user who changes.
///
/// # Errors
/// As [`before_user`].
pub(super) fn before_user_update(user: &User, given: &mut [Given]) -> Result<(), AuthError> {
    let text = |name: &str| {
        let value = given.iter().find(|given| given.field.name == name)?.value.clone()?;
        Some(value).filter(|value| !value.is_empty())
    };
    let (username, display) = (text(USERNAME), text(DISPLAY_USERNAME));
    let mut set = |name: &str, value: String| {
        if let Some(given) = given.iter_mut().find(|given| given.field.name == name) {
            given.value = Some(value);
        }
    };
    if let Some(display) = &display {
        set(DISPLAY_USERNAME, normalized_display(display));
    }
    if let Some(username) = &username {
        judge(username, display.as_deref())?;
        let wanted = normalized(username);
        claim(&wanted, Some(user))?;
        set(USERNAME, wanted);
    }
    Ok(())
}

fn judge(username: &str, display: Option<&str>) -> Result<(), AuthError> {
    match check_new(username)? {
        Some(refusal) => Err(refusal.into()),
        None => display.map_or(Ok(()), check_display),
    }
}

/// Of all who want a name at once one gets it, and the others are told: nobody else looks until the transaction ends.
fn claim(wanted: &str, user: Option<&User>) -> Result<(), AuthError> {
    store::lock(wanted)?;
    check_free(wanted, user)
}

/// What sign-in is asked for.
pub(super) struct Request<'a> {
    pub(super) username: Input<'a>,
    pub(super) password: Input<'a>,
    pub(super) remember_me: Input<'a>,
    pub(super) callback_url: Input<'a>,
}

/// Verifies a password and opens a session: Better Auth's `POST /sign-in/username`.
///
/// # Errors
/// VALIDATION_ERROR, USERNAME_TOO_SHORT, USERNAME_TOO_LONG and INVALID_USERNAME with status 422, PASSWORD_TOO_LONG,
/// INVALID_USERNAME_OR_PASSWORD (the same, at the same cost, for an unknown name, a user without a password and a
/// wrong password); after a right password those of [`sign_in::by_password`].
pub(super) fn sign_in<'a>(caller: &mut dyn Caller, request: &Request<'a>) -> Result<Outcome<'a>, AuthError> {
    let mut issues = Issues::of_body();
    let username = issues.required(USERNAME, request.username);
    let password = issues.required("password", request.password);
    let remember_me = issues.optional_boolean("rememberMe", request.remember_me);
    let callback_url = issues.optional("callbackURL", request.callback_url);
    issues.bounded("callbackURL", callback_url);
    caller.client().check(&mut issues);
    issues.finish()?;
    if username.is_empty() || password.is_empty() {
        return Err(INVALID_USERNAME_OR_PASSWORD.into());
    }
    if let Some(refusal) = check(username)? {
        return Err(AuthError::ApiWith(refusal, 422));
    }
    check_not_too_long(password)?;
    let name = normalized(username);
    let found = store::find_credential(&name)?;
    let by = ByPassword {
        name,
        password,
        wrong: INVALID_USERNAME_OR_PASSWORD.into(),
        needs_verified_email: true,
        callback_url,
        is_remembered: remember_me != Some(false),
    };
    sign_in::by_password(caller, found, by)
}

/// Whether nobody has a name yet: Better Auth's `POST /is-username-available`.
///
/// # Errors
/// VALIDATION_ERROR, and USERNAME_TOO_SHORT, USERNAME_TOO_LONG and INVALID_USERNAME with status 422.
pub(super) fn is_available(username: Input<'_>) -> Result<bool, AuthError> {
    let mut issues = Issues::of_body();
    let username = issues.required(USERNAME, username);
    issues.finish()?;
    if username.is_empty() {
        return Err(AuthError::ApiWith(INVALID_USERNAME, 422));
    }
    if let Some(refusal) = check_new(username)? {
        return Err(AuthError::ApiWith(refusal, 422));
    }
    Ok(store::owner(&normalized(username))?.is_none())
}
