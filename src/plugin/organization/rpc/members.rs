//! The functions for members.

use pgrx::prelude::*;

use super::query;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::OrRaise;
use crate::api::rpc::Call;
use crate::plugin::listing::texts;

#[pg_extern(sql = false)]
fn rpc_organization_remove_member(
    member_id_or_email: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("memberIdOrEmail", member_id_or_email)
        .text("organizationId", organization_id)
        .post("/organization/remove-member")
}

#[pg_extern(sql = false)]
fn rpc_organization_update_member_role(
    member_id: Option<&str>,
    role: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("memberId", member_id)
        .text("role", role)
        .text("organizationId", organization_id)
        .post("/organization/update-member-role")
}

#[pg_extern(sql = false)]
fn rpc_organization_leave(organization_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("organizationId", organization_id).post("/organization/leave")
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, reason = "PostgREST passes them by name")]
fn rpc_organization_list_members(
    organization_id: Option<&str>,
    organization_slug: Option<&str>,
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
    let mut query = query([
        ("organizationId", organization_id),
        ("organizationSlug", organization_slug),
        ("limit", limit),
        ("offset", offset),
        ("sortBy", sort_by),
        ("sortDirection", sort_direction),
        ("filterField", filter_field),
        ("filterOperator", filter_operator),
    ]);
    query.extend(filters.iter().map(|value| ("filterValue", value.as_str())));
    Call::with(session_token).call("GET", "/organization/list-members", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_get_active_member(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/organization/get-active-member")
}

#[pg_extern(sql = false)]
fn rpc_organization_get_active_member_role(
    user_id: Option<&str>,
    organization_id: Option<&str>,
    organization_slug: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let query = query([
        ("userId", user_id),
        ("organizationId", organization_id),
        ("organizationSlug", organization_slug),
    ]);
    Call::with(session_token).call("GET", "/organization/get-active-member-role", &query)
}
