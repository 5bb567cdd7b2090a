//! The routes of the admin plugin.

use super::flow::{self, Impersonation, Listing, NewUser};
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response, Route, get, post};
use crate::api::json::MANY;
use crate::error::AuthError;
use crate::flow::input::js_number_text;
use crate::flow::json::{self, Object};
use crate::plugin::listing;
use crate::settings;
use crate::store::user::User;

/// Better Auth's `admin_session`: the token of the admin who impersonates.
const ADMIN_SESSION: &str = "admin_session";
const DONT_REMEMBER: &str = "dont_remember";

pub(super) const ROUTES: &[Route] = &[
    post("setRole", "/admin/set-role", set_role),
    get("getUser", "/admin/get-user", get_user),
    Route {
        not_taken: Some(invalid),
        max_values: MANY,
        ..post("createUser", "/admin/create-user", create_user)
    },
    Route {
        not_taken: Some(invalid),
        max_values: MANY,
        ..post("adminUpdateUser", "/admin/update-user", update_user)
    },
    get("listUsers", "/admin/list-users", list_users),
    post("listUserSessions", "/admin/list-user-sessions", list_user_sessions),
    post("unbanUser", "/admin/unban-user", unban_user),
    post("banUser", "/admin/ban-user", ban_user),
    post("impersonateUser", "/admin/impersonate-user", impersonate_user),
    post("stopImpersonating", "/admin/stop-impersonating", stop_impersonating),
    post("revokeUserSession", "/admin/revoke-user-session", revoke_user_session),
    post("revokeUserSessions", "/admin/revoke-user-sessions", revoke_user_sessions),
    post("removeUser", "/admin/remove-user", remove_user),
    post("setUserPassword", "/admin/set-user-password", set_user_password),
    post("userHasPermission", "/admin/has-permission", has_permission),
];

/// A value that breaks a constraint, or is none of the column's type.
fn invalid() -> AuthError {
    AuthError::Validation(vec!["[body] Invalid input".into()])
}

fn user(user: &User) -> Answer {
    object(Object::new().json("user", &json::user(user)))
}

/// `{"success":true}`.
fn success() -> Answer {
    object(Object::new().boolean("success", true))
}

fn set_role(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    user(&flow::set_role(context, body.get("userId"), body.get("role"))?)
}

fn get_user(context: &mut Context<'_>, _: &Body) -> Answer {
    let id = context.request.query_value("id");
    Ok(Response::json(json::user(&flow::get_user(context, id.as_ref())?)))
}

fn create_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let new = NewUser {
        email: body.get("email"),
        password: body.get("password"),
        name: body.get("name"),
        role: body.get("role"),
        data: body.get("data"),
    };
    let is_own = context.is_own;
    user(&flow::create_user(context, &new, is_own)?)
}

fn update_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let user = flow::update_user(context, body.get("userId"), body.get("data"))?;
    Ok(Response::json(json::user(&user)))
}

fn list_users(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let listing = Listing {
        search_value: asked("searchValue"),
        search_field: asked("searchField"),
        search_operator: asked("searchOperator"),
        list: listing::Asked::of(asked),
    };
    let listed = flow::list_users(context, &listing)?;
    let mut answer = Object::new()
        .json("users", &json::array(listed.users.iter().map(json::user)))
        .number("total", listed.total);
    for (name, number) in [("limit", listed.limit), ("offset", listed.offset)] {
        if let Some(number) = number {
            answer = answer.json(name, &js_number_text(number));
        }
    }
    object(answer)
}

fn list_user_sessions(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let sessions = flow::list_sessions(context, body.get("userId"))?;
    object(Object::new().json("sessions", &json::array(sessions.iter().map(json::session))))
}

fn unban_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    user(&flow::unban_user(context, body.get("userId"))?)
}

fn ban_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    user(&flow::ban_user(context, body.get("userId"), body.get("banReason"), body.get("banExpiresIn"))?)
}

fn impersonate_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let Impersonation { admin, opened } = flow::impersonate(context, body.get("userId"))?;
    let mark = context.signed(DONT_REMEMBER)?.into_iter().next().unwrap_or_default();
    context.clear_session();
    let kept = format!("{}:{mark}", admin.session.token);
    context.set_signed(ADMIN_SESSION, &kept, Some(settings::session_expires_in()))?;
    context.set_session(&opened, Some(false))?;
    object(
        Object::new()
            .json("session", &json::session(&opened.session))
            .json("user", &json::user(&opened.user)),
    )
}

fn stop_impersonating(context: &mut Context<'_>, _: &Body) -> Answer {
    let (impersonated, admin) = flow::impersonator(context)?;
    let kept = context.signed(ADMIN_SESSION)?.into_iter().next();
    let mut parts = kept.as_deref().unwrap_or_default().split(':');
    let token = parts.next().filter(|token| !token.is_empty());
    let is_remembered = parts.next().is_none_or(str::is_empty);
    let live = flow::stop_impersonating(&impersonated, &admin, token)?;
    context.set_session(&live, Some(is_remembered))?;
    context.expire(ADMIN_SESSION);
    object(Object::new().json("session", &json::session(&live.session)).json("user", &json::user(&live.user)))
}

fn revoke_user_session(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::revoke_session(context, body.get("sessionToken"))?;
    success()
}

fn revoke_user_sessions(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::revoke_sessions(context, body.get("userId"))?;
    success()
}

fn remove_user(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::remove_user(context, body.get("userId"))?;
    success()
}

fn set_user_password(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    flow::set_password(context, body.get("newPassword"), body.get("userId"))?;
    object(Object::new().boolean("status", true))
}

fn has_permission(context: &mut Context<'_>, body: &Body) -> Answer {
    let is_own = context.is_own;
    let fields = body.object("object").map_err(|error| match error {
        // Better Auth's schema is two.
        AuthError::Validation(mut issues) => {
            issues.push("[body] Invalid input".into());
            AuthError::Validation(issues)
        }
        error => error,
    })?;
    let is_allowed = flow::has_permissions(context, fields, is_own)?;
    object(Object::new().json("error", "null").boolean("success", is_allowed))
}
