//! The functions for roles and permissions.

use pgrx::prelude::*;
use serde_json::Value;

use super::query;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::OrRaise;
use crate::api::rpc::Call;

/// An argument that may be anything, as the route checks it.
fn any(name: &str, value: Option<Jsonb<'_>>) -> Option<Value> {
    value.map(|value| value.value(name).or_raise())
}

#[pg_extern(sql = false)]
fn rpc_organization_has_permission(
    permissions: Option<Jsonb<'_>>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("organizationId", organization_id)
        .value("permissions", any("permissions", permissions))
        .post("/organization/has-permission")
}

#[pg_extern(sql = false)]
fn rpc_organization_create_role(
    role: Option<&str>,
    permission: Option<Jsonb<'_>>,
    organization_id: Option<&str>,
    additional_fields: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("organizationId", organization_id)
        .text("role", role)
        .value("permission", any("permission", permission))
        .object("additionalFields", additional_fields)
        .post("/organization/create-role")
}

#[pg_extern(sql = false)]
fn rpc_organization_delete_role(
    role_name: Option<&str>,
    role_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("organizationId", organization_id)
        .text("roleName", role_name)
        .text("roleId", role_id)
        .post("/organization/delete-role")
}

#[pg_extern(sql = false)]
fn rpc_organization_list_roles(organization_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    let query = query([("organizationId", organization_id)]);
    Call::with(session_token).call("GET", "/organization/list-roles", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_get_role(
    role_name: Option<&str>,
    role_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let query = query([("organizationId", organization_id), ("roleName", role_name), ("roleId", role_id)]);
    Call::with(session_token).call("GET", "/organization/get-role", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_update_role(
    data: Option<Jsonb<'_>>,
    role_name: Option<&str>,
    role_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("organizationId", organization_id)
        .value("data", any("data", data))
        .text("roleName", role_name)
        .text("roleId", role_id)
        .post("/organization/update-role")
}
