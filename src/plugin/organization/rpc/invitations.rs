//! The functions for invitations.

use pgrx::prelude::*;
use serde_json::Value;

use super::query;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;

/// The id of a team, or of the several that a text joins by commas: none has one in it.
fn teams(ids: Option<&str>) -> Option<Value> {
    let ids = ids?;
    Some(if ids.contains(',') {
        ids.split(',').map(str::trim).map(Value::from).collect()
    } else {
        ids.into()
    })
}

#[pg_extern(sql = false)]
fn rpc_organization_invite_member(
    email: Option<&str>,
    role: Option<&str>,
    organization_id: Option<&str>,
    team_id: Option<&str>,
    resend: Option<bool>,
    additional_fields: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("email", email)
        .text("role", role)
        .text("organizationId", organization_id)
        .value("teamId", teams(team_id))
        .boolean("resend", resend)
        .additional(additional_fields)
        .post("/organization/invite-member")
}

#[pg_extern(sql = false)]
fn rpc_organization_accept_invitation(invitation_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("invitationId", invitation_id).post("/organization/accept-invitation")
}

#[pg_extern(sql = false)]
fn rpc_organization_reject_invitation(invitation_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("invitationId", invitation_id).post("/organization/reject-invitation")
}

#[pg_extern(sql = false)]
fn rpc_organization_cancel_invitation(invitation_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("invitationId", invitation_id).post("/organization/cancel-invitation")
}

#[pg_extern(sql = false)]
fn rpc_organization_get_invitation(id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).call("GET", "/organization/get-invitation", &query([("id", id)]))
}

#[pg_extern(sql = false)]
fn rpc_organization_list_invitations(organization_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    let query = query([("organizationId", organization_id)]);
    Call::with(session_token).call("GET", "/organization/list-invitations", &query)
}

#[pg_extern(sql = false)]
fn rpc_organization_list_user_invitations(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/organization/list-user-invitations")
}
