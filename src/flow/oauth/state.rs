//! The state of a sign-in while the browser is at the provider: a row of `verification` and a cookie, as Better Auth
//! has them, so that a sign-in that one has started ends on the other.

use serde_json::{Map, Value, json};

use crate::error::{AuthError, Code};
use crate::flow::secrets::{self, Purpose};
use crate::flow::session::{Caller, Live};
use crate::settings;
use crate::store::server::{Timestamp, random_token};
use crate::store::{session, verification};

/// The last part of the name of the cookie.
pub(crate) const COOKIE: &str = "state";
/// How long the cookie and the row live, in seconds.
pub(crate) const COOKIE_LIFETIME: i64 = 300;
const LIFETIME: i64 = 600;

const STATE_LENGTH: usize = 32;
const VERIFIER_LENGTH: usize = 128;
const NONCE_LENGTH: usize = 32;

/// A new nonce for the id token of a sign-in.
///
/// # Errors
/// No randomness.
pub(super) fn nonce() -> Result<String, AuthError> {
    random_token(NONCE_LENGTH)
}

fn identifier(state: &str) -> String {
    format!("auth-state:{state}")
}

/// What a sign-in begins with.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    /// Where it leads in the end.
    pub(crate) callback_url: Option<&'a str>,
    pub(crate) error_url: Option<&'a str>,
    pub(crate) new_user_url: Option<&'a str>,
    pub(crate) request_sign_up: Option<bool>,
    /// The client's own, which nobody here believes.
    pub(crate) additional_data: Option<&'a Map<String, Value>>,
    /// The session that the account is to be linked to.
    pub(crate) link: Option<&'a Live>,
    pub(crate) nonce: Option<&'a str>,
}

/// A state that was kept, and the verifier of its code.
pub(crate) struct Issued {
    pub(crate) state: String,
    pub(crate) code_verifier: String,
}

/// Keeps the state of a sign-in: Better Auth's `generateState`. The caller sets the cookie.
///
/// # Errors
/// CALLBACK_URL_REQUIRED; those of the store.
pub(crate) fn issue(draft: &Draft<'_>) -> Result<Issued, AuthError> {
    let callback_url = draft.callback_url.filter(|url| !url.is_empty()).ok_or(Code::CALLBACK_URL_REQUIRED)?;
    let (state, code_verifier) = (random_token(STATE_LENGTH)?, random_token(VERIFIER_LENGTH)?);
    let now = Timestamp::now();
    let mut data = draft.additional_data.cloned().unwrap_or_default();
    let mut put = |name: &str, value: Option<Value>| match value {
        Some(value) => drop(data.insert(name.to_owned(), value)),
        // As `undefined` there: it takes the place of the client's, and isn't written.
        None => drop(data.shift_remove(name)),
    };
    put("callbackURL", Some(callback_url.into()));
    put("codeVerifier", Some(code_verifier.as_str().into()));
    put("errorURL", draft.error_url.map(Value::from));
    put("newUserURL", draft.new_user_url.map(Value::from));
    let link = |live: &Live| {
        let sealed = secrets::seal_for(Purpose::LinkSession, &live.session.token)?;
        Ok::<_, AuthError>(
            json!({"userId": live.user.id, "email": live.user.email, "encryptedSessionToken": sealed}),
        )
    };
    put("link", draft.link.map(link).transpose()?);
    put("serverContext", None);
    put("expiresAt", Some(now.plus(LIFETIME).unix_milliseconds().into()));
    put("requestSignUp", draft.request_sign_up.map(Value::from));
    put("idTokenNonce", draft.nonce.map(Value::from));
    put("oauthState", Some(state.as_str().into()));
    let json = Value::Object(data).to_string();
    verification::create(&identifier(&state), &json, now.plus(LIFETIME), now)?;
    Ok(Issued { state, code_verifier })
}

/// Whose session an account is to be linked to.
pub(super) struct Link {
    pub(super) user_id: String,
    pub(super) email: String,
    session_token: Option<String>,
}

impl Link {
    /// The user, where the session that has asked for it still lives.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn is_live(&self, now: Timestamp) -> Result<bool, AuthError> {
        // One of an older Better Auth, that didn't say.
        let Some(sealed) = &self.session_token else { return Ok(true) };
        let Some(token) = secrets::unseal_for(Purpose::LinkSession, sealed, now)? else { return Ok(false) };
        let found = session::find(&token)?;
        Ok(found.is_some_and(|(session, user)| user.id == self.user_id && session.expires_at > now))
    }
}

/// A state, as it was kept.
pub(super) struct State {
    pub(super) callback_url: String,
    pub(super) code_verifier: String,
    pub(super) error_url: Option<String>,
    pub(super) new_user_url: Option<String>,
    pub(super) link: Option<Link>,
    pub(super) request_sign_up: bool,
    pub(super) nonce: Option<String>,
    expires_at: f64,
    oauth_state: Option<String>,
}

impl State {
    /// Better Auth's `stateDataSchema`; `None` for what isn't of it.
    fn read(json: &str) -> Option<Self> {
        let data: Map<String, Value> = serde_json::from_str(json).ok()?;
        let text = |of: &Map<String, Value>, name: &str| of.get(name)?.as_str().map(str::to_owned);
        let optional = |of: &Map<String, Value>, name: &str| match of.get(name) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let link = match data.get("link") {
            None => None,
            Some(Value::Object(link)) => Some(Link {
                email: text(link, "email")?,
                user_id: match link.get("userId")? {
                    Value::String(id) => id.clone(),
                    other => other.to_string(),
                },
                session_token: optional(link, "encryptedSessionToken")?,
            }),
            Some(_) => return None,
        };
        let request_sign_up = match data.get("requestSignUp") {
            None => false,
            Some(value) => value.as_bool()?,
        };
        Some(Self {
            callback_url: text(&data, "callbackURL")?,
            code_verifier: text(&data, "codeVerifier")?,
            error_url: optional(&data, "errorURL")?,
            new_user_url: optional(&data, "newUserURL")?,
            link,
            request_sign_up,
            nonce: optional(&data, "idTokenNonce")?,
            expires_at: data.get("expiresAt")?.as_f64()?,
            oauth_state: optional(&data, "oauthState")?,
        })
    }
}

/// Why a state isn't taken: Better Auth's word, and where the browser is sent with it, unless to the error page.
pub(super) struct Refused {
    pub(super) error: &'static str,
    pub(super) error_url: Option<String>,
}

/// What is kept of a state: JSON.
///
/// # Errors
/// Those of the store.
pub(crate) fn kept(state: &str) -> Result<Option<String>, AuthError> {
    Ok(verification::find(&identifier(state))?.map(|found| found.value))
}

/// Takes a state, which counts once, in the browser that has the cookie: Better Auth's `parseState`.
///
/// # Errors
/// Those of the store.
pub(super) fn take(caller: &mut dyn Caller, state: &str) -> Result<Result<State, Refused>, AuthError> {
    take_in(caller, state, settings::skip_state_cookie_check())
}

/// The same in any browser, where `any_browser` says so.
///
/// # Errors
/// Those of the store.
pub(super) fn take_in(
    caller: &mut dyn Caller,
    state: &str,
    any_browser: bool,
) -> Result<Result<State, Refused>, AuthError> {
    const MISMATCH: &str = "state_mismatch";
    let cookie = caller.cookie(COOKIE)?;
    let kept = caller.once("state", &mut || {
        let identifier = identifier(state);
        let now = Timestamp::now();
        let refused = |error: &str, error_url: Option<&str>| json!({"error": error, "errorURL": error_url});
        // No text with NUL is stored.
        let find = || if state.contains('\0') { Ok(None) } else { verification::find(&identifier) };
        let Some(found) = find()? else { return Ok(refused(MISMATCH, None)) };
        let Some(read) = State::read(&found.value) else { return Ok(refused("internal_server_error", None)) };
        let error_url = read.error_url.as_deref();
        if read.oauth_state.as_deref().is_some_and(|kept| kept != state) {
            return Ok(refused(MISMATCH, error_url));
        }
        if !any_browser && cookie.as_deref() != Some(state) {
            return Ok(refused(MISMATCH, error_url));
        }
        // Of all that come with it at once, one gets it.
        if verification::take(&identifier)?.is_none() {
            return Ok(refused(MISMATCH, None));
        }
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of this age are exact")]
        let is_expired = read.expires_at < now.unix_milliseconds() as f64;
        if is_expired {
            return Ok(json!({"error": MISMATCH, "errorURL": error_url, "taken": true}));
        }
        Ok(json!({"state": found.value}))
    })?;
    let is_taken = kept.get("state").is_some() || kept.get("taken").is_some();
    if is_taken {
        caller.expire_cookie(COOKIE);
    }
    if let Some(state) = kept["state"].as_str().and_then(State::read) {
        return Ok(Ok(state));
    }
    let error = if kept["error"] == "internal_server_error" { "internal_server_error" } else { MISMATCH };
    Ok(Err(Refused { error, error_url: kept["errorURL"].as_str().map(str::to_owned) }))
}
