//! The endpoints for organizations.

use super::nullable;
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response};
use crate::flow::json::{Object, array};
use crate::plugin::organization::flow::organizations as flow;
use crate::plugin::organization::json;
use crate::plugin::organization::store::Organization;

pub(super) fn create(context: &mut Context<'_>, body: &Body) -> Answer {
    let is_own = context.is_own;
    let (organization, member) = flow::create(context, body.object("object")?, is_own)?;
    let members = array(std::iter::once(json::member(&member).finish()));
    object(json::organization_parsed(&organization).json("members", &members))
}

pub(super) fn check_slug(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let is_own = context.is_own;
    flow::check_slug(context, body.get("slug").into(), is_own)?;
    object(Object::new().boolean("status", true))
}

pub(super) fn update(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    object(json::organization_parsed(&flow::update(
        context,
        body.get("data"),
        body.get("organizationId").into(),
    )?))
}

pub(super) fn delete(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    object(json::organization(&flow::delete(context, body.get("organizationId").into())?))
}

pub(super) fn set_active(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let (id, slug) = (body.get("organizationId").into(), body.get("organizationSlug").into());
    let (organization, changed) = flow::set_active(context, id, slug)?;
    if let Some(live) = changed {
        context.set_session_again(&live, None)?;
    }
    or_null(organization.as_ref())
}

fn or_null(organization: Option<&Organization>) -> Answer {
    nullable(organization.map(json::organization))
}

pub(super) fn get(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let (id, slug) = (asked("organizationId"), asked("organizationSlug"));
    or_null(flow::get(context, id.as_ref().into(), slug.as_ref().into())?.as_ref())
}

pub(super) fn get_full(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let (id, slug, limit) = (asked("organizationId"), asked("organizationSlug"), asked("membersLimit"));
    let full = flow::get_full(context, id.as_ref().into(), slug.as_ref().into(), limit.as_ref())?;
    nullable(full.map(|full| {
        let invitations = array(full.invitations.iter().map(|row| json::invitation(row).finish()));
        let members = full.members.iter().map(|(row, user)| json::member_with_user(row, user).finish());
        let object = json::organization(&full.organization)
            .json("invitations", &invitations)
            .json("members", &array(members));
        match full.teams {
            Some(teams) => {
                object.json("teams", &array(teams.iter().map(|row| json::full_team(row).finish())))
            }
            None => object,
        }
    }))
}

pub(super) fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let organizations = flow::list(context)?;
    Ok(Response::json(array(organizations.iter().map(|row| json::organization(row).finish()))))
}
