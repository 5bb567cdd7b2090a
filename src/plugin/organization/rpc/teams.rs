//! The functions for teams.

use pgrx::prelude::*;
use serde_json::Value;

use super::query;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;

#[pg_extern(sql = false)]
fn rpc_organization_create_team(
    name: Option<&str>,
    organization_id: Option<&str>,
    additional_fields: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("name", name)
        .text("organizationId", organization_id)
        .additional(additional_fields)
        .post("/organization/create-team")
}

#[pg_extern(sql = false)]
fn rpc_organization_list_teams(organization_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    let query = query([("organizationId", organization_id)]);
    Call::with(session_token).call("GET", "/organization/list-teams", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_remove_team(
    team_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("teamId", team_id)
        .text("organizationId", organization_id)
        .post("/organization/remove-team")
}

#[pg_extern(sql = false)]
fn rpc_organization_update_team(
    team_id: Option<&str>,
    data: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token).text("teamId", team_id).object("data", data).post("/organization/update-team")
}

#[pg_extern(sql = false)]
fn rpc_organization_set_active_team(team_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token)
        .value("teamId", Some(team_id.map_or(Value::Null, Value::from)))
        .post("/organization/set-active-team")
}

#[pg_extern(sql = false)]
fn rpc_organization_list_user_teams(
    user_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let query = query([("userId", user_id), ("organizationId", organization_id)]);
    Call::with(session_token).call("GET", "/organization/list-user-teams", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_list_team_members(team_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    let query = query([("teamId", team_id)]);
    Call::with(session_token).call("GET", "/organization/list-team-members", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_add_team_member(
    team_id: Option<&str>,
    user_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("teamId", team_id)
        .text("userId", user_id)
        .text("organizationId", organization_id)
        .post("/organization/add-team-member")
}

#[pg_extern(sql = false)]
fn rpc_organization_remove_team_member(
    team_id: Option<&str>,
    user_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("teamId", team_id)
        .text("userId", user_id)
        .text("organizationId", organization_id)
        .post("/organization/remove-team-member")
}
