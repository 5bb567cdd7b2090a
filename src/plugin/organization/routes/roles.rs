//! The endpoints for roles and permissions.

use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response};
use crate::error::AuthError;
use crate::flow::json::{Object, array};
use crate::plugin::organization::flow::roles;
use crate::plugin::organization::json::role;
use crate::plugin::organization::store::OrganizationRole;

/// The fields of a body where Better Auth's schema is two.
fn fields(body: &Body) -> Result<&serde_json::Map<String, serde_json::Value>, AuthError> {
    body.object("object").map_err(|error| match error {
        AuthError::Validation(mut issues) => {
            issues.push("[body] Invalid input".into());
            AuthError::Validation(issues)
        }
        error => error,
    })
}

pub(super) fn has_permission(context: &mut Context<'_>, body: &Body) -> Answer {
    let is_allowed = roles::has_permission(context, fields(body)?)?;
    object(Object::new().json("error", "null").boolean("success", is_allowed))
}

pub(super) fn create(context: &mut Context<'_>, body: &Body) -> Answer {
    let made = roles::create(context, body.object("object")?)?;
    object(with_role(&made)?.json("statements", &made.permission))
}

pub(super) fn delete(context: &mut Context<'_>, body: &Body) -> Answer {
    roles::delete(context, fields(body)?)?;
    object(Object::new().boolean("success", true))
}

pub(super) fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let organization_id = context.request.query_value("organizationId");
    let listed = roles::list(context, organization_id.as_ref())?;
    let shown: Vec<String> = listed.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Response::json(array(shown.into_iter())))
}

pub(super) fn get(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let (organization_id, name, id) = (asked("organizationId"), asked("roleName"), asked("roleId"));
    let found = roles::get(context, organization_id.as_ref(), name.as_ref(), id.as_ref())?;
    Ok(Response::json(shown(&found)?))
}

pub(super) fn update(context: &mut Context<'_>, body: &Body) -> Answer {
    object(with_role(&roles::update(context, fields(body)?)?)?)
}

fn with_role(role: &OrganizationRole) -> Result<Object, AuthError> {
    Ok(Object::new().boolean("success", true).json("roleData", &shown(role)?))
}

fn shown(row: &OrganizationRole) -> Result<String, AuthError> {
    Ok(role(row)?.finish())
}
