//! The endpoints for members.

use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context};
use crate::flow::json::{Object, array};
use crate::plugin::listing;
use crate::plugin::organization::flow::members::{self as flow, Listing};
use crate::plugin::organization::json;

pub(super) fn add(context: &mut Context<'_>, body: &Body) -> Answer {
    object(json::member(&flow::add(context, body.object("object")?)?))
}

pub(super) fn remove(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let (who, of) = (body.get("memberIdOrEmail").into(), body.get("organizationId").into());
    object(Object::new().json("member", &flow::remove(context, who, of)?))
}

pub(super) fn update_role(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let (who, of) = (body.get("memberId").into(), body.get("organizationId").into());
    object(json::member(&flow::update_role(context, body.get("role"), who, of)?))
}

pub(super) fn leave(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let (member, user) = flow::leave(context, body.get("organizationId").into())?;
    object(json::member_with_user(&member, &user))
}

pub(super) fn list(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let listing = Listing {
        list: listing::Asked::of(asked),
        organization_id: asked("organizationId"),
        organization_slug: asked("organizationSlug"),
    };
    let (members, total) = flow::list(context, &listing)?;
    let members = members.iter().map(|(member, user)| json::member_with_user(member, user).finish());
    object(Object::new().json("members", &array(members)).number("total", total))
}

pub(super) fn active(context: &mut Context<'_>, _: &Body) -> Answer {
    let (member, user) = flow::active(context)?;
    object(json::member_with_user(&member, &user))
}

pub(super) fn active_role(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let (user, of, slug) = (asked("userId"), asked("organizationId"), asked("organizationSlug"));
    let role = flow::active_role(context, user.as_ref().into(), of.as_ref().into(), slug.as_ref().into())?;
    object(Object::new().text("role", &role))
}
