//! The endpoints for invitations.

use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response};
use crate::flow::json::{Object, array};
use crate::plugin::organization::flow::invitations as flow;
use crate::plugin::organization::json;
use crate::plugin::organization::store::Invitation;

pub(super) fn create(context: &mut Context<'_>, body: &Body) -> Answer {
    let invitation = flow::create(context, body.object("object")?)?;
    object(json::invitation(&invitation))
}

pub(super) fn accept(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let accepted = flow::accept(context, body.get("invitationId"))?;
    // As in Better Auth, which sets the cookie for a team alone. What is cached of the session is to be true, though.
    if accepted.has_team {
        context.set_session_again(&accepted.live, None)?;
    } else {
        let is_remembered = !context.is_not_remembered()?;
        context.set_cache(&accepted.live, is_remembered)?;
    }
    object(
        Object::new()
            .json("invitation", &json::invitation(&accepted.invitation).finish())
            .json("member", &json::member(&accepted.member).finish()),
    )
}

pub(super) fn reject(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let rejected = flow::reject(context, body.get("invitationId"))?;
    object(Object::new().json("invitation", &json::invitation(&rejected).finish()).json("member", "null"))
}

pub(super) fn cancel(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    object(json::invitation(&flow::cancel(context, body.get("invitationId"))?))
}

pub(super) fn get(context: &mut Context<'_>, _: &Body) -> Answer {
    let id = context.request.query_value("id");
    let seen = flow::get(context, id.as_ref())?;
    object(
        json::invitation(&seen.invitation)
            .text("organizationName", &seen.organization.name)
            .text("organizationSlug", &seen.organization.slug)
            .text("inviterEmail", &seen.inviter_email),
    )
}

pub(super) fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let organization_id = context.request.query_value("organizationId");
    let invitations = flow::list(context, organization_id.as_ref())?;
    let written = |invitation: &Invitation| json::invitation(invitation).finish();
    Ok(Response::json(array(invitations.iter().map(written))))
}

pub(super) fn list_of_user(context: &mut Context<'_>, _: &Body) -> Answer {
    let email = context.request.query_value("email");
    let is_direct = context.is_direct;
    let invitations = flow::list_of_user(context, email.as_ref(), is_direct)?;
    let written = |(invitation, organization): &(Invitation, String)| {
        json::invitation(invitation).text("organizationName", organization).finish()
    };
    Ok(Response::json(array(invitations.iter().map(written))))
}
