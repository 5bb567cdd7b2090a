//! The functions for organizations.

use pgrx::prelude::*;

use super::query;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, reason = "PostgREST passes them by name")]
fn rpc_organization_create(
    name: Option<&str>,
    slug: Option<&str>,
    logo: Option<&str>,
    metadata: Option<Jsonb<'_>>,
    keep_current_active_organization: Option<bool>,
    additional_fields: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("name", name)
        .text("slug", slug)
        .text("logo", logo)
        .object("metadata", metadata)
        .boolean("keepCurrentActiveOrganization", keep_current_active_organization)
        .additional(additional_fields)
        .post("/organization/create")
}

#[pg_extern(sql = false)]
fn rpc_organization_check_slug(slug: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("slug", slug).post("/organization/check-slug")
}

#[pg_extern(sql = false)]
fn rpc_organization_update(
    data: Option<Jsonb<'_>>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .object("data", data)
        .text("organizationId", organization_id)
        .post("/organization/update")
}

#[pg_extern(sql = false)]
fn rpc_organization_delete(organization_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("organizationId", organization_id).post("/organization/delete")
}

#[pg_extern(sql = false)]
fn rpc_organization_get(
    organization_id: Option<&str>,
    organization_slug: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let query = query([("organizationId", organization_id), ("organizationSlug", organization_slug)]);
    Call::with(session_token).call("GET", "/organization/get-organization", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_get_full(
    organization_id: Option<&str>,
    organization_slug: Option<&str>,
    members_limit: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let query = query([
        ("organizationId", organization_id),
        ("organizationSlug", organization_slug),
        ("membersLimit", members_limit),
    ]);
    Call::with(session_token).call("GET", "/organization/get-full-organization", &query)
}

/// Without an organization the session is about none from here on.
#[pg_extern(sql = false)]
fn rpc_organization_set_active(
    organization_id: Option<&str>,
    organization_slug: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let none = organization_id.is_none() && organization_slug.is_none();
    Call::with(session_token)
        .text("organizationId", organization_id)
        .value("organizationId", none.then_some(serde_json::Value::Null))
        .text("organizationSlug", organization_slug)
        .post("/organization/set-active")
}

#[pg_extern(sql = false)]
fn rpc_organization_list(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/organization/list")
}
