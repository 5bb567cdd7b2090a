//! The device flow: a device asks for codes and polls, its user types one of them in elsewhere and says yes or no.

use super::settings;
use super::store::{self, APPROVED, DENIED, DeviceCode, PENDING};
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::flow::session::{self, Caller};
use crate::store::counter::{self, Counted, Limit};
use crate::store::function::{self, Answer};
use crate::store::server::{Timestamp, fill_random, random_token};
use crate::store::session::Session;
use crate::store::user::{self, User};

/// The letters of user codes, without those that look alike. 32 of them, so that a random byte chooses evenly.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// The longest code, in characters, which is what the unique columns take in any database.
const LONGEST: usize = 191;

/// The longest id of a client or a user, and the longest scope, in bytes: anybody may ask for codes, and each is a row.
const LONGEST_ID: usize = 255;
const LONGEST_SCOPE: usize = 2_048;

/// How long a code is kept once it has expired, in milliseconds, so that its device is told so; and how many older
/// ones go when a new one is made.
const KEPT: i64 = 3_600_000;
const SWEPT: i64 = 10;

/// How often codes are made anew because one of them is there already.
const ATTEMPTS: usize = 3;

/// How many wrong user codes one client, or one user, may try while a code lives: as often as Better Auth lets a client
/// look at one.
const GUESSES: i64 = 5;

/// What a device gets.
pub(super) struct Issued {
    pub(super) device_code: String,
    pub(super) user_code: String,
}

/// Gives a device its codes. Empty text is none.
///
/// # Errors
/// `invalid_request`, `invalid_client`, `server_error`; what the DBA's functions raise.
pub(super) fn issue(
    client_id: Option<&str>,
    user_id: Option<&str>,
    scope: Option<&str>,
) -> Result<Issued, AuthError> {
    let client_id = client_id.ok_or_else(|| refusal("invalid_request", "client_id is required"))?;
    let too_long = |name: &str, value: Option<&str>, most: usize| match value {
        Some(value) if value.len() > most => {
            Err(refusal("invalid_request", format!("{name} must have at most {most} bytes")))
        }
        _ => Ok(()),
    };
    too_long("client_id", Some(client_id), LONGEST_ID)?;
    too_long("user_id", user_id, LONGEST_ID)?;
    too_long("scope", scope, LONGEST_SCOPE)?;
    check_client(client_id)?;
    if let Some(name) = settings::on_device_auth_request_function() {
        let argument = Object::new().text("client_id", client_id).optional("scope", scope).finish();
        function::call("device_authorization_on_device_auth_request_function", &name, &argument)?;
    }
    let now = Timestamp::now();
    store::delete_expired(now.minus_milliseconds(KEPT), SWEPT)?;
    let expires_at = now.plus(settings::expires_in());
    for _ in 0..ATTEMPTS {
        let device_code =
            made("generate_device_code", "device", settings::generate_device_code_function(), || {
                random_token(settings::device_code_length())
            })?;
        let user_code = made("generate_user_code", "user", settings::generate_user_code_function(), || {
            random_user_code(settings::user_code_length())
        })?;
        let is_new = store::create(&store::New {
            device_code: &device_code,
            user_code: &user_code,
            user_id,
            expires_at,
            polling_interval: settings::interval() * 1_000,
            client_id,
            scope,
        })?;
        if is_new {
            return Ok(Issued { device_code, user_code });
        }
    }
    Err(fault("Failed to generate a unique device code"))
}

/// A code: the DBA's function's, where one is set.
fn made(
    setting: &str,
    label: &str,
    function: Option<String>,
    make: impl FnOnce() -> Result<String, AuthError>,
) -> Result<String, AuthError> {
    let Some(name) = function else { return make() };
    let refused = |what: &str| refusal("invalid_request", format!("Generated {label} code must be {what}"));
    let setting = format!("device_authorization_{setting}_function");
    match function::call(&setting, &name, "{}")? {
        Answer::Json(Some(code)) if code.chars().count() <= LONGEST => Ok(code),
        Answer::Json(Some(_)) => Err(refused("at most 191 characters")),
        Answer::Json(None) | Answer::Other => Err(refused("a string")),
    }
}

fn random_user_code(length: usize) -> Result<String, AuthError> {
    let mut bytes = vec![0; length];
    fill_random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// What an approved code was exchanged for.
pub(super) struct Exchanged {
    pub(super) session: Session,
    pub(super) user: User,
    pub(super) scope: Option<String>,
}

/// A device polls: once its user has said yes, it gets a session, and the code is gone.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `expired_token`, `access_denied`, `invalid_grant`, `invalid_client`,
/// `server_error`; those of [`session::open`].
pub(super) fn exchange(
    caller: &mut dyn Caller,
    device_code: &str,
    client_id: &str,
) -> Result<Exchanged, AuthError> {
    check_client(client_id)?;
    let invalid = || refusal("invalid_grant", "Invalid device code");
    let code = store::find_by_device_code(device_code)?.ok_or_else(invalid)?;
    if code.client_id.as_ref().is_some_and(|own| !own.is_empty() && own != client_id) {
        return Err(refusal("invalid_grant", "Client ID mismatch"));
    }
    // The user first, as everybody who locks several of a user's rows: who ends all sessions ends this one too, or has
    // taken the code away.
    let user = match code.user_id().filter(|_| code.status == APPROVED) {
        Some(user_id) => user::lock(user_id)?,
        None => None,
    };
    let now = Timestamp::now();
    note_poll(&code, now)?;
    if code.expires_at < now {
        store::delete(&code.id)?;
        return Err(refusal("expired_token", "Device code has expired"));
    }
    match (code.status.as_str(), code.user_id()) {
        (PENDING, _) => return Err(refusal("authorization_pending", "Authorization pending")),
        (DENIED, _) => {
            store::delete(&code.id)?;
            return Err(refusal("access_denied", "Access denied"));
        }
        (APPROVED, Some(_)) => {}
        _ => return Err(fault("Invalid device code status")),
    }
    let user = user.ok_or_else(|| fault("User not found"))?;
    let redeemed =
        store::redeem(&code.id, client_id)?.filter(|redeemed| redeemed.user_id() == Some(&user.id));
    let scope = redeemed.ok_or_else(invalid)?.scope;
    let session = session::open(caller, &user, true)?;
    Ok(Exchanged { session, user, scope })
}

/// Refuses a poll that comes too soon after the last one. Counted in memory too: a caller of PostgREST can have the
/// transaction rolled back that has noted it.
fn note_poll(code: &DeviceCode, now: Timestamp) -> Result<(), AuthError> {
    let too_fast = || refusal("slow_down", "Polling too frequently");
    let Some(interval) = code.polling_interval.filter(|interval| *interval > 0) else {
        store::poll(&code.id, now, None)?;
        return Ok(());
    };
    let latest = now.minus_milliseconds(interval);
    if code.last_polled_at.is_some_and(|last| last > latest) {
        return Err(too_fast());
    }
    // Windows are whole seconds; the row is exact.
    let limit = Limit { window: interval / 1_000, max: 1 };
    let counted = counter::count(&format!("device-poll|{}", code.id), now.unix_milliseconds(), limit);
    if matches!(counted, Some(Counted::Denied(_))) || !store::poll(&code.id, now, Some(latest))? {
        return Err(too_fast());
    }
    Ok(())
}

/// What a code is, as far as who asks may know.
pub(super) struct Seen {
    pub(super) status: String,
    /// Client and scope, for the user whose request it is.
    pub(super) request: Option<(Option<String>, Option<String>)>,
}

/// A user looks at what the code that was typed in is for. Signed in, they are the one from here on who may say yes or
/// no.
///
/// # Errors
/// `invalid_request`, `expired_token`, and 429 after too many wrong codes.
pub(super) fn look(caller: &mut dyn Caller, user_code: &str) -> Result<Seen, AuthError> {
    let mut code = guess(caller.client().ip_address.map(|address| format!("address|{address}")), user_code)?;
    check_not_expired(&code)?;
    let live = caller.session(true)?;
    if let Some(live) = live.as_ref().filter(|_| code.is_pending() && code.user_id().is_none()) {
        match store::claim(&code.id, &live.user.id)? {
            true => code.user_id = Some(live.user.id.clone()),
            false => code = store::find(&code.id)?.ok_or_else(invalid_user_code)?,
        }
    }
    let is_theirs = live.is_some_and(|live| code.user_id() == Some(&live.user.id));
    Ok(Seen { status: code.status, request: is_theirs.then_some((code.client_id, code.scope)) })
}

/// What a user says to a device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approve,
    Deny,
}

/// A user says yes or no to the device that shows this code.
///
/// # Errors
/// `unauthorized`, `invalid_request`, `expired_token`, `access_denied`, and 429 after too many wrong codes.
pub(super) fn decide(caller: &mut dyn Caller, user_code: &str, verdict: Verdict) -> Result<(), AuthError> {
    let unauthorized = || oauth(401, "unauthorized", "Authentication required");
    let live = caller.session(true)?.ok_or_else(unauthorized)?;
    let user = &live.user;
    let code = guess(Some(format!("user|{}", user.id)), user_code)?;
    check_not_expired(&code)?;
    let processed = || refusal("invalid_request", "Device code already processed");
    if !code.is_pending() {
        return Err(processed());
    }
    match code.user_id() {
        None => {
            return Err(refusal(
                "invalid_request",
                "Device code has not been claimed by a verifying session; call `GET /device` with the `user_code` while signed in before approving or denying",
            ));
        }
        Some(id) if id == user.id => {}
        Some(_) => {
            let verb = if verdict == Verdict::Approve { "approve" } else { "deny" };
            let description = format!("You are not authorized to {verb} this device authorization");
            return Err(oauth(403, "access_denied", description));
        }
    }
    let status = if verdict == Verdict::Approve { APPROVED } else { DENIED };
    // Who has ended all sessions meanwhile doesn't want this one's yes.
    let user = session::hold(&live)?.ok_or_else(unauthorized)?;
    // Of two verdicts at once the first one counts.
    if store::decide(&code.id, &user.id, status)? { Ok(()) } else { Err(processed()) }
}

/// Finds the code that a user has typed in, for somebody who may guess wrong a few times only. Where `by` isn't known,
/// the rate limit of the route is all there is.
///
/// # Errors
/// `invalid_request` for a wrong one; 429 after too many.
fn guess(by: Option<String>, user_code: &str) -> Result<DeviceCode, AuthError> {
    let key = by.map(|by| format!("device-guess|{by}"));
    if let Some(key) = &key {
        let limit = Limit { window: settings::expires_in(), max: GUESSES };
        let counted = counter::count(key, Timestamp::now().unix_milliseconds(), limit);
        if matches!(counted, Some(Counted::Denied(_))) {
            return Err(super::TOO_MANY_GUESSES.into());
        }
    }
    let found = find_as_typed(user_code)?;
    if let (Some(key), Some(_)) = (&key, &found) {
        counter::uncount(key);
    }
    found.ok_or_else(invalid_user_code)
}

/// The code as it was typed in, or else as it was meant.
fn find_as_typed(user_code: &str) -> Result<Option<DeviceCode>, AuthError> {
    if let Some(exact) = store::find_by_user_code(user_code)? {
        return Ok(Some(exact));
    }
    match meant(user_code).filter(|meant| meant != user_code) {
        Some(meant) => store::find_by_user_code(&meant),
        None => Ok(None),
    }
}

/// What was typed in without dashes and the like, in capitals; `None` where that is no code of ours.
fn meant(user_code: &str) -> Option<String> {
    let typed = user_code.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase());
    let letter = |byte: u8| ALPHABET.contains(&byte).then_some(char::from(byte));
    typed.map(letter).collect::<Option<String>>().filter(|meant| !meant.is_empty())
}

fn invalid_user_code() -> AuthError {
    refusal("invalid_request", "Invalid user code")
}

fn check_not_expired(code: &DeviceCode) -> Result<(), AuthError> {
    if code.expires_at < Timestamp::now() {
        return Err(refusal("expired_token", "User code has expired"));
    }
    Ok(())
}

/// Asks the DBA's function whether it knows the client.
fn check_client(client_id: &str) -> Result<(), AuthError> {
    const SETTING: &str = "device_authorization_validate_client_function";
    let Some(name) = settings::validate_client_function() else { return Ok(()) };
    let argument = Object::new().text("client_id", client_id).finish();
    match function::call(SETTING, &name, &argument)? {
        Answer::Json(Some(answer)) if answer == "true" => Ok(()),
        Answer::Json(None) => Err(refusal("invalid_client", "Invalid client ID")),
        Answer::Json(Some(answer)) if answer == "false" => {
            Err(refusal("invalid_client", "Invalid client ID"))
        }
        Answer::Json(Some(_)) | Answer::Other => {
            Err(AuthError::Setup(format!("better_auth.{SETTING} has to answer with a boolean")))
        }
    }
}

fn refusal(error: &'static str, description: impl Into<String>) -> AuthError {
    oauth(400, error, description)
}

fn fault(description: &'static str) -> AuthError {
    oauth(500, "server_error", description)
}

fn oauth(status: u16, error: &'static str, description: impl Into<String>) -> AuthError {
    AuthError::Flow(status, error, description.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_meant() {
        for typed in ["ABCD2345", "abcd-2345", " a b c d 2.3.4.5 ", "ABCD\u{301}2345", "é-abcd2345"] {
            assert_eq!(meant(typed).as_deref(), Some("ABCD2345"), "{typed}");
        }
        for typed in ["", "--", "ABCD234O", "ABCD2341", "ıııı", "ＡＢＣＤ"] {
            assert_eq!(meant(typed), None, "{typed}");
        }
    }

    #[test]
    fn codes_are_of_letters_that_differ() {
        assert!(ALPHABET.iter().all(|letter| !b"IO01".contains(letter)));
        let mut letters = ALPHABET.to_vec();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), 32);
    }
}
