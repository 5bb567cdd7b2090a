//! What admins do with users and their sessions: Better Auth's `/admin/*`.

use serde_json::{Map, Value};

use super::store;
use super::{admin_roles, codes, has_permission, is_admin_by_id, is_role, options, roles_of};
use crate::error::{AuthError, Code};
use crate::flow::fields;
use crate::flow::input::{Input, Issues, check_new_password, check_not_too_long, is_email, js_string};
use crate::flow::new_user::{self, Draft};
use crate::flow::session::{self, Caller, Live, check_standing};
use crate::flow::sign_up::MAX_EMAIL;
use crate::flow::{hash, password, user as users};
use crate::plugin;
use crate::plugin::access::asked;
use crate::plugin::listing::{self, Condition, Operator, Values, rows};
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::subtransaction::attempt;
use crate::store::user::{self, Changes, User};
use crate::store::{account, session as sessions};

/// The most users of one answer, and how many are in it if nothing is said: Better Auth's `defaultFindManyLimit`.
const MOST: i64 = 1_000;
const USUAL: i64 = 100;

/// Better Auth's word for how an admin makes a user.
const METHOD: &str = "admin";

// ── Who asks, and may ────────────────────────────────────────────────────────────────────────────

/// The session of who calls an admin endpoint: Better Auth's `adminMiddleware`. One who is banned has no say, though
/// somebody who bans by SQL leaves the session.
fn actor(caller: &mut dyn Caller) -> Result<Live, AuthError> {
    let live = caller.session_for_others()?.ok_or(NO_SESSION)?;
    check_standing(&live.user.id)?;
    Ok(live)
}

/// What Better Auth answers without a session: a status alone.
const NO_SESSION: AuthError = AuthError::Bare(401, "Unauthorized");

/// Whether a user may do something with users or sessions.
fn may(user: &User, resource: &str, action: &str) -> bool {
    has_permission(&user.id, user.text_field("role").as_deref(), &[(resource, vec![action])])
}

/// The session of who calls, who has to be allowed to do this with users.
fn actor_who_may(caller: &mut dyn Caller, action: &str, refusal: Code) -> Result<Live, AuthError> {
    let live = actor(caller)?;
    allow(&live, action, refusal)?;
    Ok(live)
}

fn allow(live: &Live, action: &str, refusal: Code) -> Result<(), AuthError> {
    if may(&live.user, "user", action) { Ok(()) } else { Err(refusal.into()) }
}

fn allow_sessions(live: &Live, action: &str, refusal: Code) -> Result<(), AuthError> {
    if may(&live.user, "session", action) { Ok(()) } else { Err(refusal.into()) }
}

/// The id of a user as it is stored, of one that is a caller's text: a uuid may come in capitals. That text where there
/// is no such user.
fn known_id(user_id: String) -> Result<String, AuthError> {
    let found = if user_id.is_empty() { None } else { user::find(&user_id)? };
    Ok(found.map_or(user_id, |user| user.id))
}

/// Ends what a user is doing as others, who may not do so any more.
fn end_impersonations(user: &User) -> Result<(), AuthError> {
    // The column has no index: who could not impersonate isn't looked for.
    if may(user, "user", "impersonate") { sessions::delete_where("impersonatedBy", &user.id) } else { Ok(()) }
}

/// The user of an id, which is a caller's text.
fn existing(user_id: &str) -> Result<User, AuthError> {
    let found = if user_id.is_empty() { None } else { user::find(user_id)? };
    found.ok_or_else(|| codes::USER_NOT_FOUND.into())
}

// ── Roles ────────────────────────────────────────────────────────────────────────────────────────

/// A role, or an array of roles, where a value that is none isn't Better Auth's `VALIDATION_ERROR`.
fn untyped_role(value: &Value) -> Result<Vec<&str>, AuthError> {
    let role = |value: &'_ Value| -> Result<(), AuthError> {
        let role = value.as_str().ok_or(codes::INVALID_ROLE_TYPE)?;
        check_role(role)
    };
    let roles = match value {
        Value::Array(roles) => roles.as_slice(),
        one => std::slice::from_ref(one),
    };
    roles.iter().try_for_each(role)?;
    Ok(roles.iter().filter_map(Value::as_str).collect())
}

fn check_role(role: &str) -> Result<(), AuthError> {
    if is_role(role) { Ok(()) } else { Err(codes::YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE.into()) }
}

fn column(name: &str, value: Option<&str>) -> Result<Given, AuthError> {
    Given::of(Table::User, name, value)
}

/// Changes columns of a user, which plugins have a say in.
fn change(
    caller: &dyn Caller,
    before: &User,
    mut given: Vec<Given>,
    core: Changes<'_>,
    now: Timestamp,
) -> Result<User, AuthError> {
    for plugin in plugin::on().iter() {
        plugin.before_user_update(caller, before, &mut given)?;
    }
    let changes = Changes { additional: &given, ..core };
    user::update(&before.id, &changes, now)?.ok_or_else(|| codes::USER_NOT_FOUND.into())
}

/// Gives a user a role, or several.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE,
/// YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE, USER_NOT_FOUND.
pub(super) fn set_role(
    caller: &mut dyn Caller,
    user_id: Option<&Value>,
    wanted: Option<&Value>,
) -> Result<User, AuthError> {
    let mut issues = Issues::of_body();
    let user_id = issues.coerced("userId", user_id);
    let roles = issues.roles("role", wanted);
    issues.finish()?;
    actor_who_may(caller, "set-role", codes::YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE)?;
    if options::roles().is_some() {
        roles.iter().try_for_each(|role| check_role(role))?;
    }
    let before = existing(&user_id)?;
    let given = vec![column("role", Some(&roles.join(",")))?];
    let after = change(caller, &before, given, Changes::default(), Timestamp::now())?;
    after_role(&before, &after)?;
    Ok(after)
}

/// A user has another role, perhaps one that may not impersonate.
fn after_role(before: &User, after: &User) -> Result<(), AuthError> {
    if may(after, "user", "impersonate") { Ok(()) } else { end_impersonations(before) }
}

// ── Users ────────────────────────────────────────────────────────────────────────────────────────

/// One user.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_GET_USER, USER_NOT_FOUND.
pub(super) fn get_user(caller: &mut dyn Caller, id: Option<&Value>) -> Result<User, AuthError> {
    let mut issues = Issues::of_query();
    let id = issues.required("id", id.into());
    issues.finish()?;
    actor_who_may(caller, "get", codes::YOU_ARE_NOT_ALLOWED_TO_GET_USER)?;
    existing(id)
}

/// What a new user is to be.
pub(super) struct NewUser<'a> {
    pub(super) email: Option<&'a Value>,
    pub(super) password: Option<&'a Value>,
    pub(super) name: Option<&'a Value>,
    pub(super) role: Option<&'a Value>,
    pub(super) data: Option<&'a Value>,
}

/// The columns of a ban, which ask for a permission of their own.
const BAN: [&str; 3] = ["banned", "banReason", "banExpires"];

/// Makes a user, with a password if one is given. A call of the server's own (`is_own`) needs no session.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, what the caller may not do, INVALID_ROLE_TYPE,
/// YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE, INVALID_EMAIL, PASSWORD_TOO_LONG,
/// USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL, and FIELD_NOT_ALLOWED for an id, which Better Auth takes: the id of somebody
/// who is gone may still stand for something.
pub(super) fn create_user(
    caller: &mut dyn Caller,
    new: &NewUser<'_>,
    is_own: bool,
) -> Result<User, AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", new.email.into());
    let password = issues.optional("password", new.password.into());
    let name = issues.required("name", new.name.into());
    let asked = new.role.map(|value| issues.roles("role", Some(value)));
    let none = Map::new();
    let data = match new.data {
        None => &none,
        Some(Value::Object(data)) => data,
        Some(other) => {
            let received = Input::from(Some(other)).kind();
            issues.add("data", &format!("Invalid input: expected record, received {received}"));
            &none
        }
    };
    issues.bounded("name", Some(name));
    issues.finish()?;
    let live = match is_own {
        true => None,
        false => Some(actor_who_may(caller, "create", codes::YOU_ARE_NOT_ALLOWED_TO_CREATE_USERS)?),
    };
    let allow_too = |action, refusal| live.as_ref().map_or(Ok(()), |live| allow(live, action, refusal));
    let role = match (&asked, data.get("role")) {
        (None, None) => super::default_role(),
        (asked, in_data) => {
            allow_too("set-role", codes::YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE)?;
            match (asked, in_data) {
                (Some(roles), _) => {
                    roles.iter().try_for_each(|role| check_role(role))?;
                    roles.join(",")
                }
                (None, Some(roles)) => untyped_role(roles)?.join(","),
                (None, None) => super::default_role(),
            }
        }
    };
    if BAN.iter().any(|name| data.contains_key(*name)) {
        allow_too("ban", codes::YOU_ARE_NOT_ALLOWED_TO_BAN_USERS)?;
    }
    if data.contains_key("id") {
        return Err(AuthError::Field("FIELD_NOT_ALLOWED", "id is not allowed to be set".into()));
    }
    let email = email.to_lowercase();
    if !is_email(&email) {
        return Err(Code::INVALID_EMAIL.into());
    }
    let password = password.filter(|password| !password.is_empty());
    if let Some(password) = password {
        check_not_too_long(password)?;
    }
    let taken = || AuthError::from(codes::USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL);
    if user::is_taken(&email, None)? {
        return Err(taken());
    }
    if email.len() > MAX_EMAIL {
        return Err(Code::FAILED_TO_CREATE_USER.into());
    }
    let now = Timestamp::now();
    let mut draft = Draft { user: User::draft(name, &email, None, now)?, additional: Vec::new() };
    let Core { image, email_verified, created_at, updated_at, .. } = Core::of(data)?;
    draft.user.image = image.flatten().map(str::to_owned);
    draft.user.email_verified = email_verified.unwrap_or_default();
    draft.user.created_at = created_at.unwrap_or(now);
    draft.user.updated_at = updated_at.unwrap_or(now);
    draft.additional = fields::given(Table::User, &without_role(data))?;
    draft.set("role", Some(&role))?;
    // Before the first write: no row is locked while a core is busy.
    let hash = password.map(|password| hash::hash_chosen(caller, password)).transpose()?;
    let with_password = |user: &User| match &hash {
        Some(hash) => account::create_credential(&user.id, hash, now),
        None => Ok(()),
    };
    new_user::create(caller, draft, data, METHOD, with_password)?.ok_or_else(taken)
}

/// What is given but for the role, which may be several.
fn without_role(data: &Map<String, Value>) -> Map<String, Value> {
    let mut rest = data.clone();
    rest.remove("role");
    rest
}

/// What an admin gives for the columns that every user has.
struct Core<'v> {
    name: Option<&'v str>,
    image: Option<Option<&'v str>>,
    email_verified: Option<bool>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl<'v> Core<'v> {
    /// # Errors
    /// VALIDATION_ERROR for what the columns don't take.
    fn of(data: &'v Map<String, Value>) -> Result<Self, AuthError> {
        let mut issues = Issues::of_body();
        let mut time = |name: &str| {
            let value = data.get(name)?;
            let time = value.as_str().and_then(Timestamp::parse);
            if time.is_none() {
                issues.add(name, "Invalid input: expected date");
            }
            time
        };
        let (created_at, updated_at) = (time("createdAt"), time("updatedAt"));
        let name = issues.optional("name", data.get("name").into());
        let image = match data.get("image") {
            Some(Value::Null) => Some(None),
            image => issues.optional("image", image.into()).map(Some),
        };
        let email_verified = issues.optional_boolean("emailVerified", data.get("emailVerified").into());
        issues.bounded("name", name);
        issues.bounded("image", image.flatten());
        issues.finish()?;
        Ok(Self { name, image, email_verified, created_at, updated_at })
    }
}

/// Changes whatever columns of a user.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, what the caller may not do, NO_DATA_TO_UPDATE,
/// PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER, USER_ID_CANNOT_BE_UPDATED, INVALID_ROLE_TYPE,
/// YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE, YOU_CANNOT_BAN_YOURSELF, INVALID_EMAIL,
/// USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL, USER_NOT_FOUND.
pub(super) fn update_user(
    caller: &mut dyn Caller,
    user_id: Option<&Value>,
    data: Option<&Value>,
) -> Result<User, AuthError> {
    let mut issues = Issues::of_body();
    let user_id = issues.coerced("userId", user_id);
    let data = match data {
        Some(Value::Object(data)) => Some(data),
        other => {
            let received = Input::from(other).kind();
            issues.add("data", &format!("Invalid input: expected record, received {received}"));
            None
        }
    };
    issues.finish()?;
    let live = actor_who_may(caller, "update", codes::YOU_ARE_NOT_ALLOWED_TO_UPDATE_USERS)?;
    let user_id = known_id(user_id)?;
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return Err(codes::NO_DATA_TO_UPDATE.into());
    };
    let has = |name: &str| data.contains_key(name);
    if has("password") {
        return Err(codes::PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER.into());
    }
    if has("id") {
        return Err(codes::USER_ID_CANNOT_BE_UPDATED.into());
    }
    let mut role = None;
    if let Some(value) = data.get("role") {
        allow(&live, "set-role", codes::YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE)?;
        role = Some(untyped_role(value)?.join(","));
    }
    let bans = data.get("banned") == Some(&Value::Bool(true));
    if BAN.iter().any(|name| has(name)) {
        allow(&live, "ban", codes::YOU_ARE_NOT_ALLOWED_TO_BAN_USERS)?;
        if bans && user_id == live.user.id {
            return Err(codes::YOU_CANNOT_BAN_YOURSELF.into());
        }
    }
    let mut email = None;
    if has("email") || has("emailVerified") {
        allow(&live, "set-email", codes::YOU_ARE_NOT_ALLOWED_TO_SET_USERS_EMAIL)?;
        if let Some(value) = data.get("email") {
            let wanted = js_string(value).unwrap_or_default().to_lowercase();
            if !is_email(&wanted) || wanted.len() > MAX_EMAIL {
                return Err(Code::INVALID_EMAIL.into());
            }
            if user::is_taken(&wanted, Some(&user_id))? {
                return Err(codes::USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL.into());
            }
            email = Some(wanted);
        }
    }
    if has("phoneNumber") || has("phoneNumberVerified") {
        allow(&live, "set-phone", codes::YOU_ARE_NOT_ALLOWED_TO_SET_USERS_PHONE_NUMBER)?;
    }
    let before = existing(&user_id)?;
    let core = Core::of(data)?;
    let mut given = fields::given(Table::User, &without_role(data))?;
    if let Some(role) = &role {
        given.push(column("role", Some(role))?);
    }
    if let Some(Value::String(time)) = data.get("createdAt") {
        given.push(column("createdAt", Some(time))?);
    }
    if bans {
        hold(&before.id)?;
    }
    let changes = Changes {
        name: core.name,
        image: core.image,
        email: email.as_deref(),
        email_verified: core.email_verified,
        ..Changes::default()
    };
    let now = core.updated_at.unwrap_or_else(Timestamp::now);
    let takes_email = email.is_some();
    let user = match attempt(|| change(caller, &before, given, changes, now), Result::is_ok) {
        Ok(changed) => changed?,
        // Somebody else was faster.
        Err(exception) if takes_email && exception.is_conflict() => {
            return Err(codes::USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL.into());
        }
        Err(exception) => exception.raise(),
    };
    if bans {
        session::end_all(&user.id)?;
        end_impersonations(&before)?;
    }
    after_role(&before, &user)?;
    Ok(user)
}

/// Holds a user's row so that no session is opened meanwhile: one that is being opened is there when it is let go.
fn hold(user_id: &str) -> Result<(), AuthError> {
    if user::lock_to_delete(user_id)? { Ok(()) } else { Err(codes::USER_NOT_FOUND.into()) }
}

/// Deletes a user, with all that belongs to it.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_DELETE_USERS, YOU_CANNOT_REMOVE_YOURSELF,
/// USER_NOT_FOUND.
pub(super) fn remove_user(caller: &mut dyn Caller, user_id: Option<&Value>) -> Result<(), AuthError> {
    let user_id = coerced_id(user_id)?;
    let live = actor_who_may(caller, "delete", codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_USERS)?;
    if known_id(user_id.clone())? == live.user.id {
        return Err(codes::YOU_CANNOT_REMOVE_YOURSELF.into());
    }
    let user = existing(&user_id)?;
    users::delete_user(&user.id)?;
    end_impersonations(&user)
}

fn coerced_id(user_id: Option<&Value>) -> Result<String, AuthError> {
    let mut issues = Issues::of_body();
    let user_id = issues.coerced("userId", user_id);
    issues.finish()?;
    Ok(user_id)
}

/// Sets a user's password. The sessions go on, as in Better Auth; links that were mailed to set it don't.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_SET_USERS_PASSWORD, PASSWORD_TOO_SHORT,
/// PASSWORD_TOO_LONG, USER_NOT_FOUND.
pub(super) fn set_password(
    caller: &mut dyn Caller,
    new: Option<&Value>,
    user_id: Option<&Value>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let is_empty =
        new.is_some_and(|new| new.as_str() == Some("") || new.as_array().is_some_and(Vec::is_empty));
    let new = issues.required("newPassword", new.into());
    if is_empty {
        issues.add("newPassword", "newPassword cannot be empty");
    }
    let is_there = user_id.is_some();
    let user_id = issues.coerced("userId", user_id);
    if is_there && user_id.is_empty() {
        issues.add("userId", "userId cannot be empty");
    }
    issues.finish()?;
    actor_who_may(caller, "set-password", codes::YOU_ARE_NOT_ALLOWED_TO_SET_USERS_PASSWORD)?;
    check_new_password(new)?;
    let user = existing(&user_id)?;
    let hash = hash::hash_chosen(caller, new)?;
    if user::lock(&user.id)?.is_none() {
        return Err(codes::USER_NOT_FOUND.into());
    }
    password::void_resets(&user.id)?;
    password::store(&user.id, &hash)
}

// ── Bans ─────────────────────────────────────────────────────────────────────────────────────────

/// What the end of a ban is at the least and at the most: years that every date of an answer has.
const ENDS: (&str, &str) = ("2000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z");

/// When something ends that lasts so many seconds from now on.
fn end_of(now: Timestamp, seconds: f64) -> String {
    // JavaScript's dates are whole milliseconds. Beyond what an integer holds, this is its end.
    let end = now.plus_milliseconds((seconds * 1_000.0) as i64).to_iso_string();
    let (first, last) = ENDS;
    match end {
        Some(end) if end.as_str() >= first => end,
        _ if seconds < 0.0 => first.into(),
        _ => last.into(),
    }
}

/// Bans a user, and ends all sessions.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_BAN_USERS, USER_NOT_FOUND, YOU_CANNOT_BAN_YOURSELF.
pub(super) fn ban_user(
    caller: &mut dyn Caller,
    user_id: Option<&Value>,
    reason: Option<&Value>,
    expires_in: Option<&Value>,
) -> Result<User, AuthError> {
    let mut issues = Issues::of_body();
    let user_id = issues.coerced("userId", user_id);
    let reason = issues.optional("banReason", reason.into());
    let expires_in = match expires_in {
        None => None,
        Some(Value::Number(number)) => number.as_f64(),
        Some(other) => {
            let received = Input::from(Some(other)).kind();
            issues.add("banExpiresIn", &format!("Invalid input: expected number, received {received}"));
            None
        }
    };
    issues.bounded("banReason", reason);
    issues.finish()?;
    let live = actor_who_may(caller, "ban", codes::YOU_ARE_NOT_ALLOWED_TO_BAN_USERS)?;
    let before = existing(&user_id)?;
    if before.id == live.user.id {
        return Err(codes::YOU_CANNOT_BAN_YOURSELF.into());
    }
    let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
    let reason = reason.or_else(options::default_ban_reason).unwrap_or_else(|| "No reason".into());
    let now = Timestamp::now();
    let usual = Some(options::default_ban_expires_in() as f64);
    let lasts = expires_in.filter(|seconds| *seconds != 0.0).or(usual).filter(|seconds| *seconds != 0.0);
    let until = lasts.map(|seconds| end_of(now, seconds));
    let given = vec![
        column("banned", Some("true"))?,
        column("banReason", Some(&reason))?,
        column("banExpires", until.as_deref())?,
    ];
    hold(&before.id)?;
    let user = change(caller, &before, given, Changes::default(), now)?;
    session::end_all(&user.id)?;
    end_impersonations(&before)?;
    Ok(user)
}

/// Takes a ban back.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_BAN_USERS, USER_NOT_FOUND.
pub(super) fn unban_user(caller: &mut dyn Caller, user_id: Option<&Value>) -> Result<User, AuthError> {
    let user_id = coerced_id(user_id)?;
    actor_who_may(caller, "ban", codes::YOU_ARE_NOT_ALLOWED_TO_BAN_USERS)?;
    let before = existing(&user_id)?;
    let given =
        vec![column("banned", Some("false"))?, column("banReason", None)?, column("banExpires", None)?];
    change(caller, &before, given, Changes::default(), Timestamp::now())
}

// ── Sessions ─────────────────────────────────────────────────────────────────────────────────────

/// The sessions of a user, expired ones too, as [`sessions::list`] has them.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_LIST_USERS_SESSIONS.
pub(super) fn list_sessions(
    caller: &mut dyn Caller,
    user_id: Option<&Value>,
) -> Result<Vec<Session>, AuthError> {
    let user_id = coerced_id(user_id)?;
    let live = actor(caller)?;
    allow_sessions(&live, "list", codes::YOU_ARE_NOT_ALLOWED_TO_LIST_USERS_SESSIONS)?;
    sessions::list(&user_id, Timestamp::MIN)
}

/// Ends a session, whoever has it.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS.
pub(super) fn revoke_session(caller: &mut dyn Caller, token: Option<&Value>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let token = issues.required("sessionToken", token.into());
    issues.finish()?;
    let live = actor(caller)?;
    allow_sessions(&live, "revoke", codes::YOU_ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS)?;
    sessions::delete(token)
}

/// Ends all sessions of a user.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS.
pub(super) fn revoke_sessions(caller: &mut dyn Caller, user_id: Option<&Value>) -> Result<(), AuthError> {
    let user_id = coerced_id(user_id)?;
    let live = actor(caller)?;
    allow_sessions(&live, "revoke", codes::YOU_ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS)?;
    user::lock(&user_id)?;
    session::end_all(&user_id)
}

// ── Impersonation ────────────────────────────────────────────────────────────────────────────────

/// An impersonation that begins.
pub(super) struct Impersonation {
    /// The admin's session, which goes on.
    pub(super) admin: Live,
    pub(super) opened: Live,
}

/// Opens a session of another user's for an admin, which says whose it is and ends with its hour.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS, USER_NOT_FOUND,
/// YOU_CANNOT_IMPERSONATE_ADMINS, BANNED_USER.
pub(super) fn impersonate(
    caller: &mut dyn Caller,
    user_id: Option<&Value>,
) -> Result<Impersonation, AuthError> {
    /// Better Auth's, in seconds.
    const HOUR: i64 = 3_600;
    let user_id = coerced_id(user_id)?;
    let admin = actor_who_may(caller, "impersonate", codes::YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS)?;
    let user = existing(&user_id)?;
    let admin_roles = admin_roles();
    let is_admin = is_admin_by_id(&user.id)
        || roles_of(user.text_field("role").as_deref()).iter().any(|role| admin_roles.contains(role));
    if is_admin && !options::allow_impersonating_admins() && !may(&admin.user, "user", "impersonate-admins") {
        return Err(codes::YOU_CANNOT_IMPERSONATE_ADMINS.into());
    }
    check_standing(&user.id)?;
    // The admin's row is held until the session is there: a ban, or a removal, that comes meanwhile finds it.
    if store::ban(&admin.user.id)? == Some(true) {
        return Err(super::banned());
    }
    let still = user::find(&admin.user.id)?;
    if !still.is_some_and(|admin| may(&admin, "user", "impersonate")) {
        return Err(codes::YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS.into());
    }
    let lifetime = Some(options::impersonation_session_duration()).filter(|seconds| *seconds > 0);
    let created_at = Timestamp::now();
    let draft = session::Draft {
        created_at,
        expires_at: created_at.plus(lifetime.unwrap_or(HOUR)),
        additional: vec![Given::of(Table::Session, "impersonatedBy", Some(&admin.user.id))?],
        replaces: None,
    };
    let session = session::open_as(caller, &user, draft)?;
    Ok(Impersonation { admin, opened: Live { session, user } })
}

/// The caller's impersonation, and the admin behind it.
///
/// # Errors
/// 401 without a session, "You are not impersonating anyone", and 500 where the admin is gone.
pub(super) fn impersonator(caller: &mut dyn Caller) -> Result<(Live, User), AuthError> {
    let live = caller.session(true)?.ok_or(NO_SESSION)?;
    let by = live.session.text_field("impersonatedBy").filter(|by| !by.is_empty());
    let admin = user::find(&by.ok_or(codes::NOT_IMPERSONATING)?)?.ok_or(codes::NO_IMPERSONATOR)?;
    Ok((live, admin))
}

/// Ends an impersonation, given the token of the admin's own session; that session.
///
/// # Errors
/// 500 where it isn't the session of this admin any more.
pub(super) fn stop_impersonating(
    impersonated: &Live,
    admin: &User,
    token: Option<&str>,
) -> Result<Live, AuthError> {
    let found = token.map(sessions::find).transpose()?.flatten();
    let (session, user) = found.ok_or(codes::NO_ADMIN_SESSION)?;
    if user.id != admin.id {
        return Err(codes::NO_ADMIN_SESSION.into());
    }
    sessions::delete(&impersonated.session.token)?;
    Ok(Live { session, user })
}

// ── Permissions ──────────────────────────────────────────────────────────────────────────────────

/// Whether the caller has all of some permissions; a server's own call (`is_own`) says whose they are.
///
/// # Errors
/// VALIDATION_ERROR, "invalid permission check. no permission(s) were passed.", 401 without a session, and of a
/// server's own call "user id or role is required", "user not found".
pub(super) fn has_permissions(
    caller: &mut dyn Caller,
    fields: &Map<String, Value>,
    is_own: bool,
) -> Result<bool, AuthError> {
    let mut issues = Issues::of_body();
    let user_id = fields.get("userId").map(|value| issues.coerced("userId", Some(value)));
    let role = issues.optional("role", fields.get("role").into());
    let wanted = asked(&mut issues, fields);
    issues.finish()?;
    // That of the old name alone is taken, and then isn't looked at.
    let wanted = wanted.ok_or(codes::NO_PERMISSIONS)?;
    let live = if is_own { None } else { Some(caller.session(true)?.ok_or(NO_SESSION)?) };
    if let Some(live) = live {
        check_standing(&live.user.id)?;
        return Ok(has_permission(&live.user.id, live.user.text_field("role").as_deref(), &wanted));
    }
    let user_id = user_id.filter(|id| !id.is_empty());
    match (role.filter(|role| !role.is_empty()), user_id) {
        (None, None) => Err(codes::NOBODY_TO_CHECK.into()),
        (Some(role), user_id) => Ok(has_permission(&user_id.unwrap_or_default(), Some(role), &wanted)),
        (None, Some(user_id)) => {
            let user = user::find(&user_id)?.ok_or(codes::NO_SUCH_USER)?;
            Ok(has_permission(&user.id, user.text_field("role").as_deref(), &wanted))
        }
    }
}

// ── The list of users ────────────────────────────────────────────────────────────────────────────

/// What the list of users is asked for: the request's query.
pub(super) struct Listing {
    pub(super) search_value: Option<Value>,
    pub(super) search_field: Option<Value>,
    pub(super) search_operator: Option<Value>,
    pub(super) list: listing::Asked,
}

/// Some users, and how many there are in all.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) users: Vec<User>,
    pub(super) total: i64,
    pub(super) limit: Option<f64>,
    pub(super) offset: Option<f64>,
}

/// Users, found, filtered, sorted and a page at a time. What can't be looked for, such as a field that users don't
/// have, finds nobody.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_LIST_USERS.
pub(super) fn list_users(caller: &mut dyn Caller, asked: &Listing) -> Result<Listed, AuthError> {
    const SEARCHES: [&str; 3] = ["contains", "starts_with", "ends_with"];
    let mut issues = Issues::of_query();
    let search_value = issues.optional("searchValue", asked.search_value.as_ref().into());
    let search_field = issues.one_of("searchField", asked.search_field.as_ref(), &["email", "name"]);
    let search_operator = issues.one_of("searchOperator", asked.search_operator.as_ref(), &SEARCHES);
    let wish = asked.list.read(&mut issues);
    issues.finish()?;
    actor_who_may(caller, "list", codes::YOU_ARE_NOT_ALLOWED_TO_LIST_USERS)?;

    let mut conditions = Vec::new();
    if let Some(value) = search_value.filter(|value| !value.is_empty()) {
        conditions.push(Condition {
            field: search_field.unwrap_or("email"),
            operator: Operator::parse(search_operator.unwrap_or("contains")),
            values: Values::One(value.to_owned()),
        });
    }
    let (limit, offset) = (wish.limit, wish.offset);
    let (Some(asked_for), Some(start)) = (rows(limit, USUAL), rows(offset, 0)) else {
        return Ok(Listed::default());
    };
    // One answer holds so many, whatever is asked for: they are copied in the backend's memory.
    let rows = asked_for.min(MOST);
    let limit = limit.map(|_| rows as f64);
    let page = wish.page(rows, start);
    if let Some(values) = wish.filter_values {
        let field = wish.filter_field.unwrap_or("email");
        conditions.push(Condition { field, operator: wish.filter_operator, values });
    }
    Ok(match store::list(&conditions, &page)? {
        Some((users, total)) => Listed { users, total, limit, offset },
        None => Listed::default(),
    })
}
