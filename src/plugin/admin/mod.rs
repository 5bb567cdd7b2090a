//! Better Auth's admin plugin: roles and permissions, bans, impersonation, and what admins do with users.
//!
//! Roles are data. The setting `better_auth.admin_roles` holds what each allows, as Better Auth's option `roles` does:
//! like the other options it belongs to the DBA, is there without a look into a table, and can't be changed by who
//! owns or may write the tables.

mod flow;
mod requesting;
mod routes;
mod rpc;
mod store;

use std::cell::RefCell;
use std::rc::Rc;

use crate::api::http::Route;
use crate::error::{AuthError, Code};
use crate::flow::new_user;
use crate::flow::session::{self, Caller};
use crate::plugin::access::{Roles, Wanted};
use crate::plugin::{self, Bar, Column, Plugin, PolicyFunction, Rpc};
use crate::settings::parts;
use crate::store::catalog::{Table, has_column};
use crate::store::columns::{As, is_true, select};
use crate::store::definition::{BOOLEAN, TEXT, TIME};
use crate::store::session::Session;
use crate::store::user::User;

/// Better Auth's id of it.
const ID: &str = "admin";

/// The plugin.
pub(super) struct Admin;

mod options {
    crate::settings::settings! {
        "admin_";
        roles roles = None,
            c"What each role allows: {\"role\": {\"resource\": [\"action\", ...]}}, as JSON.",
            c"Better Auth: admin's roles. Empty: its roles admin and user, and set-role takes any role.";
        watched admin_roles = Some(c"admin"),
            c"Roles, separated by commas, whose users aren't impersonated without the permission impersonate-admins.",
            c"Better Auth: admin's adminRoles.";
        watched admin_user_ids = None,
            c"Ids of users, separated by commas, who may do everything, whatever their role.",
            c"Better Auth: admin's adminUserIds.";
        watched default_role = Some(c"user"),
            c"The role of new users, and of those who have none.",
            c"Better Auth: admin's defaultRole.";
        text default_ban_reason = None,
            c"The reason of a ban that is given none.",
            c"Better Auth: admin's defaultBanReason. Empty: 'No reason'.";
        seconds default_ban_expires_in = 0,
            c"How long a ban lasts that isn't said to end.",
            c"Better Auth: admin's defaultBanExpiresIn. 0: for good.";
        seconds impersonation_session_duration = 3_600,
            c"How long an impersonation lasts.",
            c"Better Auth: admin's impersonationSessionDuration. 0: an hour.";
        flag allow_impersonating_admins = false,
            c"Whoever may impersonate may impersonate admins too.",
            c"Better Auth: admin's allowImpersonatingAdmins.";
        text banned_user_message = None,
            c"What a banned user is told.",
            c"Better Auth: admin's bannedUserMessage. Empty: its own.";
    }
}

/// The codes of the plugin.
#[allow(clippy::doc_markdown, reason = "the messages are the documentation")]
mod codes {
    crate::error::codes! {
        USER_NOT_FOUND 404 ERRCODE_INVALID_PARAMETER_VALUE
            "User not found"
        USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL 400 ERRCODE_UNIQUE_VIOLATION
            "User already exists. Use another email."
        YOU_CANNOT_BAN_YOURSELF 400 ERRCODE_INVALID_PARAMETER_VALUE
            "You cannot ban yourself"
        YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to change users role"
        YOU_ARE_NOT_ALLOWED_TO_CREATE_USERS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to create users"
        YOU_ARE_NOT_ALLOWED_TO_LIST_USERS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to list users"
        YOU_ARE_NOT_ALLOWED_TO_LIST_USERS_SESSIONS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to list users sessions"
        YOU_ARE_NOT_ALLOWED_TO_BAN_USERS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to ban users"
        YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to impersonate users"
        YOU_ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to revoke users sessions"
        YOU_ARE_NOT_ALLOWED_TO_DELETE_USERS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to delete users"
        YOU_ARE_NOT_ALLOWED_TO_SET_USERS_PASSWORD 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to set users password"
        YOU_ARE_NOT_ALLOWED_TO_GET_USER 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to get user"
        NO_DATA_TO_UPDATE 400 ERRCODE_INVALID_PARAMETER_VALUE
            "No data to update"
        YOU_ARE_NOT_ALLOWED_TO_UPDATE_USERS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to update users"
        YOU_CANNOT_REMOVE_YOURSELF 400 ERRCODE_INVALID_PARAMETER_VALUE
            "You cannot remove yourself"
        YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE 400 ERRCODE_INVALID_PARAMETER_VALUE
            "You are not allowed to set a non-existent role value"
        YOU_CANNOT_IMPERSONATE_ADMINS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You cannot impersonate admins"
        INVALID_ROLE_TYPE 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Invalid role type"
        YOU_ARE_NOT_ALLOWED_TO_SET_USERS_EMAIL 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to update users email"
        YOU_ARE_NOT_ALLOWED_TO_SET_USERS_PHONE_NUMBER 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not allowed to update users phone number"
        PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Password cannot be updated through update-user. Use the set-user-password endpoint instead"
        USER_ID_CANNOT_BE_UPDATED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "User id cannot be updated"
        NOT_IMPERSONATING as "" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "You are not impersonating anyone"
        NO_IMPERSONATOR as "" 500 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Failed to find user"
        NO_ADMIN_SESSION as "" 500 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Failed to find admin session"
        NO_PERMISSIONS as "" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "invalid permission check. no permission(s) were passed."
        NOBODY_TO_CHECK as "" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "user id or role is required"
        NO_SUCH_USER as "" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "user not found"
    }
}

impl Plugin for Admin {
    fn id(&self) -> &'static str {
        ID
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column::user("role", TEXT),
            Column { default: Some("false"), ..Column::user("banned", BOOLEAN) },
            Column::user("banReason", TEXT),
            Column::user("banExpires", TIME),
            Column::session("impersonatedBy", TEXT),
        ];
        COLUMNS
    }

    fn bars(&self) -> &'static [Bar] {
        &[Bar { is_down: is_banned, of: None, is_asked: || false, refusal: banned }]
    }

    fn define_settings(&self) -> bool {
        options::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }

    fn policy_functions(&self) -> &'static [PolicyFunction] {
        requesting::FUNCTIONS
    }

    fn before_user(&self, _: &dyn Caller, draft: &mut new_user::Draft) -> Result<(), AuthError> {
        if draft.has("role") {
            return Ok(());
        }
        draft.set("role", Some(&default_role()))
    }

    /// The user's row is held until the session is there, so that a ban that comes meanwhile finds it. One that has
    /// run out is taken back.
    fn before_session(&self, _: &dyn Caller, user: &User, _: &mut session::Draft) -> Result<(), AuthError> {
        match store::ban(&user.id)? {
            Some(true) => Err(banned()),
            Some(false) => store::end_ban(&user.id),
            None => Ok(()),
        }
    }

    /// A ban that has run out is taken back.
    fn changes_users_at_sign_in(&self) -> bool {
        true
    }

    /// An impersonation ends with its hour, whatever it is used for and through which door.
    fn may_prolong(&self, session: &Session) -> bool {
        self.shows_session(session)
    }

    /// Nobody sees an admin in the list of the own sessions.
    fn shows_session(&self, session: &Session) -> bool {
        session.text_field("impersonatedBy").is_none_or(|by| by.is_empty())
    }
}

/// Whether a ban is in force.
fn is_banned(row: &str) -> Result<Option<String>, AuthError> {
    let Some(banned) = is_true(Table::User, row, "banned")? else { return Ok(None) };
    if !has_column(Table::User, "banExpires")? {
        return Ok(Some(banned));
    }
    let until = select(Table::User, row, &[("banExpires", As::Time)])?;
    Ok(Some(format!(
        "({banned} AND ({until} IS NULL OR {until} OPERATOR(pg_catalog.>=) pg_catalog.clock_timestamp()))"
    )))
}

/// What a banned user is told.
fn banned() -> AuthError {
    match options::banned_user_message().filter(|_| plugin::is_on(ID)) {
        Some(message) => AuthError::Worded(Code::BANNED_USER, message),
        None => Code::BANNED_USER.into(),
    }
}

/// The role of who has none.
fn default_role() -> String {
    options::default_role().unwrap_or_else(|| "user".into())
}

/// The names of a user's roles, which Better Auth joins by commas.
fn roles_of(role: Option<&str>) -> Vec<String> {
    let role = role.filter(|role| !role.is_empty()).map_or_else(default_role, str::to_owned);
    role.split(',').map(str::to_owned).collect()
}

/// Whether the user is one of those who may do everything.
fn is_admin_by_id(user_id: &str) -> bool {
    parts(&options::admin_user_ids().unwrap_or_default()).any(|id| id == user_id)
}

/// The roles that make admins.
fn admin_roles() -> Vec<String> {
    parts(&options::admin_roles().unwrap_or_default()).map(str::to_owned).collect()
}

/// What each role allows: the setting, or else Better Auth's own.
fn roles() -> Rc<Roles> {
    /// Better Auth's `defaultRoles`.
    const DEFAULT: &str = r#"{
        "admin": {
            "user": ["create", "list", "set-role", "ban", "impersonate", "delete", "set-password", "set-email",
                "set-phone", "get", "update"],
            "session": ["list", "revoke", "delete"]
        },
        "user": {"user": [], "session": []}
    }"#;
    thread_local! {
        static ROLES: RefCell<Option<(String, Rc<Roles>)>> = const { RefCell::new(None) };
    }
    Roles::of_setting(&ROLES, options::roles().unwrap_or_else(|| DEFAULT.into()))
}

/// Whether the role is one that may be given: any, where the setting doesn't say which there are.
fn is_role(role: &str) -> bool {
    options::roles().is_none() || roles().has(role)
}

/// Better Auth's `hasPermission`.
fn has_permission(user_id: &str, role: Option<&str>, wanted: &Wanted<'_>) -> bool {
    if is_admin_by_id(user_id) {
        return true;
    }
    let roles = roles();
    roles_of(role).iter().any(|role| roles.allows(role, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_has_an_error_status() {
        let mut seen = std::collections::HashSet::new();
        for code in codes::ALL {
            assert!(code.code.is_empty() || seen.insert(code.code), "{} twice", code.code);
            assert!((400..=500).contains(&code.status), "{}", code.code);
            assert!(!code.message.is_empty());
        }
    }
}
