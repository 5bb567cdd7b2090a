//! Passkeys: asked for, registered, used. A challenge's row is Better Auth's: identifier a random text that a signed
//! cookie carries, value `{"type", "expectedChallenge", "userData", "context"}`.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine};
use pgrx::PgSqlErrorCode;
use serde_json::{Map, Value};

use super::store::{self, New, Passkey};
use super::{
    AUTHENTICATION_FAILED, CHALLENGE_NOT_FOUND, FAILED_TO_UPDATE_PASSKEY, FAILED_TO_VERIFY_REGISTRATION,
    PASSKEY_NOT_FOUND, PREVIOUSLY_REGISTERED, RESOLVE_USER_REQUIRED, RESOLVED_USER_INVALID, USER_NOT_FOUND,
    USER_OF_PASSKEY_NOT_FOUND, YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY,
};
use super::{json, options, settings};
use crate::crypto::random::Alphabet;
use crate::crypto::webauthn::{self, Authenticated, Credential, Expected, Refusal, Registered, base64url};
use crate::error::{AuthError, Code};
use crate::flow::input::js_string;
use crate::flow::json::Object;
use crate::flow::session::{self, Caller, Live, Need, require};
use crate::store::function::{self, Answer};
use crate::store::server::{Timestamp, fill_random, log, random_lower_token, random_text};
use crate::store::{user, verification};

/// How long a challenge is good, in seconds.
pub(super) const MAX_AGE: i64 = 300;

/// Length of the identifier of its row.
const IDENTIFIER: usize = 32;

/// Length of what an authenticator is told in place of a user's id.
const HANDLE: usize = 32;

/// The longest list of transports that is kept, in bytes.
const MAX_TRANSPORTS: usize = 255;

/// Who a passkey is to be for.
struct Subject {
    id: String,
    name: String,
    display_name: Option<String>,
}

impl Subject {
    fn of(live: &Live) -> Self {
        let user = &live.user;
        let name = if user.email.is_empty() { &user.id } else { &user.email };
        Self { id: user.id.clone(), name: name.clone(), display_name: Some(name.clone()) }
    }

    fn object(&self) -> Object {
        let object = Object::new().text("id", &self.id).text("name", &self.name);
        match &self.display_name {
            Some(name) => object.text("displayName", name),
            None => object,
        }
    }

    /// # Errors
    /// RESOLVED_USER_INVALID.
    fn parse(answer: &str) -> Result<Self, AuthError> {
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let given = |name: &str| text(name).filter(|text| !text.is_empty()).ok_or(RESOLVED_USER_INVALID);
        Ok(Self { id: given("id")?, name: given("name")?, display_name: text("displayName") })
    }
}

/// What a browser gets: the options, and the identifier for the cookie.
pub(super) struct Asked {
    pub(super) options: String,
    pub(super) identifier: String,
}

/// A new challenge, kept with what it is for.
fn challenge(value: impl FnOnce(&str) -> String) -> Result<(String, String), AuthError> {
    let mut bytes = [0; 32];
    fill_random(&mut bytes)?;
    let challenge = base64url::encode(&bytes);
    let identifier = random_text(Alphabet::Default, IDENTIFIER)?;
    let now = Timestamp::now();
    verification::create(&identifier, &value(&challenge), now.plus(MAX_AGE), now)?;
    Ok((challenge, identifier))
}

/// The session of who registers, where one is needed or there is one.
///
/// # Errors
/// UNAUTHORIZED, SESSION_NOT_FRESH.
pub(super) fn registrant(caller: &mut dyn Caller) -> Result<Option<Live>, AuthError> {
    if settings::registration_require_session() {
        return require(caller, Need::Fresh).map(Some);
    }
    caller.session(true)
}

fn resolve(context: Option<&str>) -> Result<Subject, AuthError> {
    const SETTING: &str = "passkey_registration_resolve_user_function";
    let name = settings::registration_resolve_user_function().ok_or(RESOLVE_USER_REQUIRED)?;
    match function::call(SETTING, &name, &Object::new().optional("context", context).finish())? {
        Answer::Json(Some(answer)) => Subject::parse(&answer),
        Answer::Json(None) => Err(RESOLVED_USER_INVALID.into()),
        Answer::Other => Err(AuthError::Setup(format!("better_auth.{SETTING} has to answer with jsonb"))),
    }
}

/// `generate-register-options`.
///
/// # Errors
/// UNAUTHORIZED, SESSION_NOT_FRESH, RESOLVE_USER_REQUIRED, RESOLVED_USER_INVALID, and those of the store.
pub(super) fn ask_to_register(
    caller: &mut dyn Caller,
    rp_id: &str,
    attachment: Option<&str>,
    name: Option<&str>,
    context: Option<&str>,
) -> Result<Asked, AuthError> {
    let subject = match registrant(caller)? {
        Some(live) => Subject::of(&live),
        None => resolve(context)?,
    };
    let known = store::list(&subject.id)?;
    let extensions =
        options::extensions("passkey_registration_extensions", settings::registration_extensions())?;
    let handle = base64url::encode(random_lower_token(HANDLE)?.as_bytes());
    let (challenge, identifier) = challenge(|challenge| {
        Object::new()
            .text("type", "registration")
            .text("expectedChallenge", challenge)
            .json("userData", &subject.object().finish())
            .optional("context", context)
            .finish()
    })?;
    let display_name = subject.display_name.as_deref().filter(|name| !name.is_empty());
    let told = json::Subject {
        handle: &handle,
        name: name.filter(|name| !name.is_empty()).unwrap_or(&subject.name),
        display_name: display_name.unwrap_or(&subject.name),
    };
    let selection = json::Selection {
        resident_key: settings::resident_key().name(),
        user_verification: settings::user_verification().name(),
        attachment: attachment.or(settings::authenticator_attachment().name()),
    };
    let extensions = Object::new().members(&extensions.unwrap_or_default());
    let rp_name = options::rp_name();
    let options = json::creation(&challenge, (rp_id, &rp_name), &told, &known, &selection, extensions);
    Ok(Asked { options, identifier })
}

/// `generate-authenticate-options`.
///
/// # Errors
/// Those of the store.
pub(super) fn ask_to_authenticate(caller: &mut dyn Caller, rp_id: &str) -> Result<Asked, AuthError> {
    let live = caller.session(false)?;
    let user_id = live.as_ref().map(|live| live.user.id.as_str());
    let known = user_id.map(store::list).transpose()?.unwrap_or_default();
    let extensions =
        options::extensions("passkey_authentication_extensions", settings::authentication_extensions())?;
    let (challenge, identifier) = challenge(|challenge| {
        Object::new()
            .text("type", "authentication")
            .text("expectedChallenge", challenge)
            .json("userData", &Object::new().text("id", user_id.unwrap_or_default()).finish())
            .finish()
    })?;
    let extensions = extensions.map(|extensions| Object::new().members(&extensions));
    Ok(Asked { options: json::request(&challenge, rp_id, &known, extensions), identifier })
}

/// Takes the challenge of a cookie: of all who try at once one gets it.
///
/// # Errors
/// CHALLENGE_NOT_FOUND.
fn take(identifier: Option<&str>, kind: &str) -> Result<Map<String, Value>, AuthError> {
    let identifier = identifier.filter(|identifier| !identifier.is_empty()).ok_or(CHALLENGE_NOT_FOUND)?;
    let taken = verification::consume(identifier, Timestamp::now())?.ok_or(CHALLENGE_NOT_FOUND)?;
    match serde_json::from_str(&taken.value) {
        Ok(Value::Object(data)) if data.get("type").and_then(Value::as_str) == Some(kind) => Ok(data),
        _ => Err(CHALLENGE_NOT_FOUND.into()),
    }
}

fn text<'m>(data: &'m Map<String, Value>, name: &str) -> &'m str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What a message came with.
pub(super) struct Message<'a> {
    pub(super) response: &'a Value,
    /// Of the cookie.
    pub(super) identifier: Option<&'a str>,
    pub(super) origins: &'a [String],
    pub(super) rp_id: &'a str,
}

impl Message<'_> {
    fn expected<'e>(&'e self, data: &'e Map<String, Value>) -> Expected<'e> {
        Expected {
            challenge: text(data, "expectedChallenge"),
            origins: self.origins,
            rp_id: self.rp_id,
            now: Timestamp::now().unix_milliseconds(),
            roots: &webauthn::roots::BUILT_IN,
        }
    }
}

/// What is wrong with a message is for the DBA.
fn tell(what: &str, refusal: Refusal) {
    if let Refusal::Malformed(why) = refusal {
        log(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, &format!("Failed to verify {what}: {why}"));
    }
}

/// What came of a registration.
pub(super) struct Done {
    pub(super) passkey: Passkey,
    /// The session that was opened for who had none.
    pub(super) opened: Option<Live>,
}

/// `verify-registration`, once the session was looked at.
///
/// # Errors
/// CHALLENGE_NOT_FOUND, YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY, FAILED_TO_VERIFY_REGISTRATION,
/// PREVIOUSLY_REGISTERED, RESOLVED_USER_INVALID, USER_NOT_FOUND, and those of a session that is opened.
pub(super) fn register(
    caller: &mut dyn Caller,
    live: Option<&Live>,
    message: &Message<'_>,
    name: Option<&str>,
    creates_session: bool,
) -> Result<Done, AuthError> {
    let data = take(message.identifier, "registration")?;
    let none = Map::new();
    let subject = data.get("userData").and_then(Value::as_object).unwrap_or(&none);
    let not_allowed = YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY;
    if live.is_some_and(|live| live.user.id != text(subject, "id")) {
        return Err(not_allowed.into());
    }
    let registered = webauthn::register(message.response, &message.expected(&data)).map_err(|refusal| {
        tell("registration", refusal);
        match refusal {
            Refusal::Unverified => FAILED_TO_VERIFY_REGISTRATION.into(),
            Refusal::Malformed(_) => AuthError::ApiWith(FAILED_TO_VERIFY_REGISTRATION, 500),
        }
    })?;
    let failed = || AuthError::ApiWith(FAILED_TO_VERIFY_REGISTRATION, 500);
    let transports = transports(message.response).ok_or_else(failed)?;
    let counter = i64::from(i32::try_from(registered.counter).map_err(|_| failed())?);
    let (resolved, resolved_name) = after_registration(message.response, &data, subject, &registered)?;
    if let (Some(live), Some(other)) = (live, &resolved)
        && live.user.id != *other
    {
        return Err(not_allowed.into());
    }
    let user_id = resolved.as_deref().unwrap_or_else(|| text(subject, "id"));
    if user_id.is_empty() {
        return Err(RESOLVED_USER_INVALID.into());
    }
    // Who has ended all sessions of the user meanwhile doesn't want another way to sign in.
    let user = match live {
        Some(live) => Some(session::hold(live)?.ok_or(Code::UNAUTHORIZED)?),
        None => user::lock(user_id)?,
    };
    let user = match user {
        Some(user) => user,
        None if creates_session => return Err(USER_NOT_FOUND.into()),
        None => return Err(failed()),
    };
    // The key that somebody else has registered is not to stand for two, which Better Auth lets it.
    store::lock_credential(&registered.credential_id)?;
    if store::find_by_credential(&registered.credential_id)?.is_some() {
        return Err(PREVIOUSLY_REGISTERED.into());
    }
    // First the session: what refuses it refuses the passkey too.
    let opened = match creates_session {
        true => Some(Live { session: session::open(caller, &user, true)?, user: user.clone() }),
        false => None,
    };
    let passkey = store::create(&New {
        name: name.filter(|name| !name.is_empty()).or(resolved_name.as_deref()),
        public_key: &BASE64_STANDARD.encode(&registered.public_key),
        user_id: &user.id,
        credential_id: &registered.credential_id,
        counter,
        device_type: device_type(registered.is_multi_device),
        backed_up: registered.is_backed_up,
        transports: &transports,
        aaguid: &registered.aaguid,
    })?;
    Ok(Done { passkey, opened })
}

const fn device_type(is_multi_device: bool) -> &'static str {
    if is_multi_device { "multiDevice" } else { "singleDevice" }
}

/// How the browser reached the authenticator, separated by commas; `None` for what isn't a list.
fn transports(message: &Value) -> Option<String> {
    let listed = match message.get("response")?.get("transports") {
        None | Some(Value::Null) => return Some(String::new()),
        Some(Value::Array(listed)) => listed,
        Some(_) => return None,
    };
    let text = |value: &Value| if value.is_null() { Some(String::new()) } else { js_string(value) };
    let texts = listed.iter().map(text).collect::<Option<Vec<String>>>()?;
    Some(texts.join(",")).filter(|joined| joined.len() <= MAX_TRANSPORTS && !joined.contains('\0'))
}

/// Calls `registration.afterVerification`: the user that it names, and the name of the passkey.
fn after_registration(
    response: &Value,
    data: &Map<String, Value>,
    subject: &Map<String, Value>,
    registered: &Registered,
) -> Result<(Option<String>, Option<String>), AuthError> {
    const SETTING: &str = "passkey_registration_after_verification_function";
    let Some(name) = settings::registration_after_verification_function() else { return Ok((None, None)) };
    let credential = Object::new()
        .text("id", &registered.credential_id)
        .text("publicKey", &BASE64_STANDARD.encode(&registered.public_key))
        .number("counter", registered.counter.into());
    let info = Object::new()
        .text("fmt", registered.format)
        .text("aaguid", &registered.aaguid)
        .json("credential", &credential.finish())
        .boolean("userVerified", registered.is_user_verified)
        .text("credentialDeviceType", device_type(registered.is_multi_device))
        .boolean("credentialBackedUp", registered.is_backed_up);
    let verification = Object::new().boolean("verified", true).json("registrationInfo", &info.finish());
    let argument = Object::new()
        .json("user", &Object::new().members(subject).finish())
        .json("context", &data.get("context").unwrap_or(&Value::Null).to_string())
        .json("verification", &verification.finish())
        .json("clientData", &response.to_string());
    let answer = match function::call(SETTING, &name, &argument.finish())? {
        Answer::Json(Some(answer)) => serde_json::from_str::<Value>(&answer).unwrap_or_default(),
        Answer::Json(None) | Answer::Other => Value::Null,
    };
    let user_id = match answer.get("userId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.is_empty() => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(RESOLVED_USER_INVALID.into()),
    };
    let name = answer.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    Ok((user_id, name.map(str::to_owned)))
}

/// `verify-authentication`.
///
/// # Errors
/// CHALLENGE_NOT_FOUND, PASSKEY_NOT_FOUND, AUTHENTICATION_FAILED, and those of a session that is opened.
pub(super) fn authenticate(caller: &mut dyn Caller, message: &Message<'_>) -> Result<Live, AuthError> {
    let data = take(message.identifier, "authentication")?;
    let credential_id = message.response.get("id").and_then(Value::as_str).unwrap_or_default();
    // No credential is so long, and text of PostgreSQL's has no NUL.
    let is_possible = credential_id.len() <= webauthn::MAX_ID && !credential_id.contains('\0');
    let found = is_possible.then(|| store::find_by_credential(credential_id)).transpose()?.flatten();
    let passkey = found.ok_or(AuthError::ApiWith(PASSKEY_NOT_FOUND, 401))?;
    let failed = |refusal| {
        tell("authentication", refusal);
        match refusal {
            Refusal::Unverified => AuthError::ApiWith(AUTHENTICATION_FAILED, 401),
            Refusal::Malformed(_) => AUTHENTICATION_FAILED.into(),
        }
    };
    let public_key = public_key(&passkey).map_err(failed)?;
    let credential = Credential { public_key: &public_key, counter: passkey.counter };
    let used =
        webauthn::authenticate(message.response, &message.expected(&data), &credential).map_err(failed)?;
    after_authentication(message.response, &passkey, &used)?;
    let counter = i32::try_from(used.new_counter)
        .map_err(|_| failed(Refusal::Malformed("the counter is larger than the column takes")))?;
    // The user first, as everybody who locks several of a user's rows: whoever takes the passkey away ends its sessions.
    let user = user::lock(&passkey.user_id)?.ok_or(USER_OF_PASSKEY_NOT_FOUND)?;
    // Of two uses at once the later one counts.
    if !store::count(&passkey.id, counter.into())? {
        return Err(failed(Refusal::Malformed("the counter didn't go up")));
    }
    let session = session::open(caller, &user, true)?;
    // As the session's opening has left it: Better Auth looks for the user then.
    let user = user::find(&user.id)?.ok_or(USER_OF_PASSKEY_NOT_FOUND)?;
    Ok(Live { session, user })
}

/// The COSE key of a passkey: base64 with or without padding, as other servers may have written it.
fn public_key(passkey: &Passkey) -> Result<Vec<u8>, Refusal> {
    let decoded = BASE64_STANDARD_NO_PAD.decode(passkey.public_key.trim_end_matches('='));
    decoded.map_err(|_| Refusal::Malformed("the passkey's public key is no base64"))
}

/// Calls `authentication.afterVerification`.
fn after_authentication(response: &Value, passkey: &Passkey, used: &Authenticated) -> Result<(), AuthError> {
    const SETTING: &str = "passkey_authentication_after_verification_function";
    let Some(name) = settings::authentication_after_verification_function() else { return Ok(()) };
    let info = Object::new()
        .number("newCounter", used.new_counter.into())
        .text("credentialID", &passkey.credential_id)
        .boolean("userVerified", used.is_user_verified)
        .text("credentialDeviceType", device_type(used.is_multi_device))
        .boolean("credentialBackedUp", used.is_backed_up);
    let verification = Object::new().boolean("verified", true).json("authenticationInfo", &info.finish());
    let argument = Object::new()
        .json("verification", &verification.finish())
        .json("clientData", &response.to_string())
        .finish();
    function::call(SETTING, &name, &argument).map(drop)
}

/// The caller's passkey of this id, for who changes it.
///
/// # Errors
/// UNAUTHORIZED, "Missing required parameter: id", PASSKEY_NOT_FOUND, and `not_theirs`.
fn own(caller: &mut dyn Caller, id: &str, not_theirs: AuthError) -> Result<Live, AuthError> {
    let live = require(caller, Need::Live)?;
    if id.is_empty() {
        return Err(AuthError::Field("", "Missing required parameter: id".into()));
    }
    let passkey = store::find(id)?.ok_or(PASSKEY_NOT_FOUND)?;
    if passkey.user_id == live.user.id { Ok(live) } else { Err(not_theirs) }
}

/// `delete-passkey`.
///
/// # Errors
/// As [`own`].
pub(super) fn delete(caller: &mut dyn Caller, id: &str) -> Result<(), AuthError> {
    let live = own(caller, id, AuthError::Bare(401, "Unauthorized"))?;
    store::delete(id, &live.user.id)
}

/// `update-passkey`.
///
/// # Errors
/// As [`own`], and FAILED_TO_UPDATE_PASSKEY where it is gone meanwhile.
pub(super) fn rename(caller: &mut dyn Caller, id: &str, name: &str) -> Result<Passkey, AuthError> {
    let live = own(caller, id, YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY.into())?;
    store::rename(id, &live.user.id, name)?.ok_or_else(|| FAILED_TO_UPDATE_PASSKEY.into())
}

/// `list-user-passkeys`.
///
/// # Errors
/// UNAUTHORIZED.
pub(super) fn list(caller: &mut dyn Caller) -> Result<Vec<Passkey>, AuthError> {
    let live = require(caller, Need::Cached)?;
    store::list(&live.user.id)
}
