//! The admin plugin for PostgREST: a function for each route.

use pgrx::prelude::*;
use serde_json::Value;

use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::OrRaise;
use crate::api::rpc::Call;
use crate::plugin::Rpc;
use crate::plugin::listing::texts;

const fn function(name: &'static str, arguments: &'static str, comment: &'static str) -> Rpc {
    Rpc { name, arguments, comment }
}

pub(super) const FUNCTIONS: &[Rpc] = &[
    function(
        "admin_set_role",
        "user_id text, role text, session_token text DEFAULT NULL",
        "Give a user a role, or several, separated by commas: {user}",
    ),
    function("admin_get_user", "id text, session_token text DEFAULT NULL", "A user"),
    function(
        "admin_create_user",
        "email text, name text, password text DEFAULT NULL, role text DEFAULT NULL, data jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        "Make a user: {user}",
    ),
    function(
        "admin_update_user",
        "user_id text, data jsonb, session_token text DEFAULT NULL",
        "Change fields of a user, who is the answer",
    ),
    function(
        "admin_list_users",
        "search_value text DEFAULT NULL, search_field text DEFAULT NULL, search_operator text DEFAULT NULL, \"limit\" text DEFAULT NULL, \"offset\" text DEFAULT NULL, sort_by text DEFAULT NULL, sort_direction text DEFAULT NULL, filter_field text DEFAULT NULL, filter_value jsonb DEFAULT NULL, filter_operator text DEFAULT NULL, session_token text DEFAULT NULL",
        "Users, found, filtered, sorted and a page at a time: {users, total, limit, offset}",
    ),
    function(
        "admin_list_user_sessions",
        "user_id text, session_token text DEFAULT NULL",
        "A user''s sessions: {sessions}",
    ),
    function(
        "admin_ban_user",
        "user_id text, ban_reason text DEFAULT NULL, ban_expires_in float8 DEFAULT NULL, session_token text DEFAULT NULL",
        "Ban a user, for so many seconds or for good, and end all sessions: {user}",
    ),
    function("admin_unban_user", "user_id text, session_token text DEFAULT NULL", "Take a ban back: {user}"),
    function(
        "admin_impersonate_user",
        "user_id text, session_token text DEFAULT NULL",
        "Open a session of another user; sets its cookie, and one to come back by: {session, user}",
    ),
    function(
        "admin_stop_impersonating",
        "session_token text DEFAULT NULL",
        "End an impersonation; sets the admin''s session cookie again: {session, user}",
    ),
    function(
        "admin_revoke_user_session",
        "token text, session_token text DEFAULT NULL",
        "End somebody''s session: {success}",
    ),
    function(
        "admin_revoke_user_sessions",
        "user_id text, session_token text DEFAULT NULL",
        "End all of a user''s sessions: {success}",
    ),
    function(
        "admin_remove_user",
        "user_id text, session_token text DEFAULT NULL",
        "Delete a user, with sessions and accounts: {success}",
    ),
    function(
        "admin_set_user_password",
        "user_id text, new_password text, session_token text DEFAULT NULL",
        "Set a user''s password: {status}",
    ),
    function(
        "admin_has_permission",
        "permissions jsonb, session_token text DEFAULT NULL",
        "Whether the caller has these permissions: {error, success}",
    ),
];

/// A role, or the several that a text names.
fn roles(role: Option<&str>) -> Option<Value> {
    let role = role?;
    Some(match role.contains(',') {
        true => role.split(',').map(Value::from).collect(),
        false => role.into(),
    })
}

#[pg_extern(sql = false)]
fn rpc_admin_set_role(user_id: Option<&str>, role: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userId", user_id).value("role", roles(role)).post("/admin/set-role")
}

#[pg_extern(sql = false)]
fn rpc_admin_get_user(id: Option<&str>, session_token: Option<&str>) -> JsonText {
    let query: Vec<_> = id.map(|id| ("id", id)).into_iter().collect();
    Call::with(session_token).call("GET", "/admin/get-user", &query)
}

#[pg_extern(sql = false)]
fn rpc_admin_create_user(
    email: Option<&str>,
    name: Option<&str>,
    password: Option<&str>,
    role: Option<&str>,
    data: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("email", email)
        .text("name", name)
        .text("password", password)
        .value("role", roles(role))
        .object("data", data)
        .post("/admin/create-user")
}

#[pg_extern(sql = false)]
fn rpc_admin_update_user(
    user_id: Option<&str>,
    data: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token).text("userId", user_id).object("data", data).post("/admin/update-user")
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, reason = "PostgREST passes them by name")]
fn rpc_admin_list_users(
    search_value: Option<&str>,
    search_field: Option<&str>,
    search_operator: Option<&str>,
    limit: Option<&str>,
    offset: Option<&str>,
    sort_by: Option<&str>,
    sort_direction: Option<&str>,
    filter_field: Option<&str>,
    filter_value: Option<Jsonb<'_>>,
    filter_operator: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let filter_value = filter_value.map(|value| value.value("filter_value").or_raise());
    let filters = texts(filter_value.as_ref());
    let given = [
        ("searchValue", search_value),
        ("searchField", search_field),
        ("searchOperator", search_operator),
        ("limit", limit),
        ("offset", offset),
        ("sortBy", sort_by),
        ("sortDirection", sort_direction),
        ("filterField", filter_field),
        ("filterOperator", filter_operator),
    ];
    let mut query: Vec<(&str, &str)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    query.extend(filters.iter().map(|value| ("filterValue", value.as_str())));
    Call::with(session_token).call("GET", "/admin/list-users", &query)
}

#[pg_extern(sql = false)]
fn rpc_admin_list_user_sessions(user_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userId", user_id).post("/admin/list-user-sessions")
}

#[pg_extern(sql = false)]
fn rpc_admin_ban_user(
    user_id: Option<&str>,
    ban_reason: Option<&str>,
    ban_expires_in: Option<f64>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("userId", user_id)
        .text("banReason", ban_reason)
        .value("banExpiresIn", ban_expires_in.map(Value::from))
        .post("/admin/ban-user")
}

#[pg_extern(sql = false)]
fn rpc_admin_unban_user(user_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userId", user_id).post("/admin/unban-user")
}

#[pg_extern(sql = false)]
fn rpc_admin_impersonate_user(user_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userId", user_id).post("/admin/impersonate-user")
}

#[pg_extern(sql = false)]
fn rpc_admin_stop_impersonating(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/admin/stop-impersonating")
}

#[pg_extern(sql = false)]
fn rpc_admin_revoke_user_session(token: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("sessionToken", token).post("/admin/revoke-user-session")
}

#[pg_extern(sql = false)]
fn rpc_admin_revoke_user_sessions(user_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userId", user_id).post("/admin/revoke-user-sessions")
}

#[pg_extern(sql = false)]
fn rpc_admin_remove_user(user_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("userId", user_id).post("/admin/remove-user")
}

#[pg_extern(sql = false)]
fn rpc_admin_set_user_password(
    user_id: Option<&str>,
    new_password: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("userId", user_id)
        .text("newPassword", new_password)
        .post("/admin/set-user-password")
}

#[pg_extern(sql = false)]
fn rpc_admin_has_permission(permissions: Option<Jsonb<'_>>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).object("permissions", permissions).post("/admin/has-permission")
}
