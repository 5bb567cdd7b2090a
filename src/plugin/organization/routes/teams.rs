//! The endpoints for teams.

use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response};
use crate::flow::json::{Object, array};
use crate::plugin::organization::flow::teams as flow;
use crate::plugin::organization::json;
use crate::plugin::organization::store::{Team, TeamMember};

fn teams(teams: &[Team]) -> Answer {
    Ok(Response::json(array(teams.iter().map(|team| json::team(team).finish()))))
}

/// `{"message":"..."}`.
fn message(text: &str) -> Answer {
    object(Object::new().text("message", text))
}

pub(super) fn create(context: &mut Context<'_>, body: &Body) -> Answer {
    let is_own = context.is_own;
    object(json::team(&flow::create(context, body.object("object")?, is_own)?))
}

pub(super) fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let organization_id = context.request.query_value("organizationId");
    teams(&flow::list(context, organization_id.as_ref())?)
}

pub(super) fn remove(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let is_own = context.is_own;
    flow::remove(context, body.get("teamId"), body.get("organizationId"), is_own)?;
    message("Team removed successfully.")
}

pub(super) fn update(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    object(json::team(&flow::update(context, body.get("teamId"), body.get("data"))?))
}

pub(super) fn activate(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let activated = flow::activate(context, body.get("teamId"))?;
    if let Some(live) = &activated.live {
        context.set_session_again(live, None)?;
    }
    match &activated.team {
        Some(team) => object(json::team(team)),
        None => Ok(Response::json("null".into())),
    }
}

pub(super) fn list_of_user(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let (user_id, organization_id) = (asked("userId"), asked("organizationId"));
    teams(&flow::list_of_user(context, user_id.as_ref(), organization_id.as_ref())?)
}

pub(super) fn list_members(context: &mut Context<'_>, _: &Body) -> Answer {
    let team_id = context.request.query_value("teamId");
    let members = flow::list_members(context, team_id.as_ref())?;
    let written = |member: &TeamMember| json::team_member(member).finish();
    Ok(Response::json(array(members.iter().map(written))))
}

pub(super) fn add_member(context: &mut Context<'_>, body: &Body) -> Answer {
    object(json::team_member(&flow::add_member(context, body.object("object")?)?))
}

pub(super) fn remove_member(context: &mut Context<'_>, body: &Body) -> Answer {
    flow::remove_member(context, body.object("object")?)?;
    message("Team member removed successfully.")
}
