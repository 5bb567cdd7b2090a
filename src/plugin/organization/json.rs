//! Better Auth's JSON of the plugin's rows: the fields in the order of its schema, `id` last.

use serde_json::Value;

use super::options;
use super::store::{Invitation, Member, Organization, OrganizationRole, Team, TeamMember};
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::store::user::User;

/// `organization`, its metadata a text, as Better Auth's rows have it.
pub(super) fn organization(row: &Organization) -> Object {
    with_metadata(row, |object| object.optional("metadata", row.metadata.as_deref()))
}

/// The same with the metadata as what it means.
pub(super) fn organization_parsed(row: &Organization) -> Object {
    let metadata = row.metadata.as_deref().filter(|metadata| !metadata.is_empty());
    with_metadata(row, |object| match metadata {
        Some(metadata) if serde_json::from_str::<serde::de::IgnoredAny>(metadata).is_ok() => {
            object.json("metadata", metadata)
        }
        Some(metadata) => object.text("metadata", metadata),
        // JavaScript's undefined.
        None => object,
    })
}

fn with_metadata(row: &Organization, metadata: impl FnOnce(Object) -> Object) -> Object {
    let object = Object::new()
        .text("name", &row.name)
        .text("slug", &row.slug)
        .optional("logo", row.logo.as_deref())
        .date("createdAt", row.created_at);
    metadata(object).additional(row.additional.as_deref()).text("id", &row.id)
}

/// `member`.
pub(super) fn member(row: &Member) -> Object {
    Object::new()
        .text("organizationId", &row.organization_id)
        .text("userId", &row.user_id)
        .text("role", &row.role)
        .date("createdAt", row.created_at)
        .additional(row.additional.as_deref())
        .text("id", &row.id)
}

/// `member` with what everybody in the organization may see of its user.
pub(super) fn member_with_user(row: &Member, of: &User) -> Object {
    member(row).json("user", &user(of))
}

/// What everybody in the organization may see of a user.
pub(super) fn user(user: &User) -> String {
    Object::new()
        .text("id", &user.id)
        .text("name", &user.name)
        .text("email", &user.email)
        .optional("image", user.image.as_deref())
        .finish()
}

/// `invitation`.
pub(super) fn invitation(row: &Invitation) -> Object {
    let mut object = Object::new()
        .text("organizationId", &row.organization_id)
        .text("email", &row.email)
        .optional("role", row.role.as_deref());
    if options::teams() {
        object = object.optional("teamId", row.team_id.as_deref());
    }
    object
        .text("status", &row.status)
        .date("expiresAt", row.expires_at)
        .date("createdAt", row.created_at)
        .text("inviterId", &row.inviter_id)
        .additional(row.additional.as_deref())
        .text("id", &row.id)
}

/// `team`, without the number of its members.
pub(super) fn team(row: &Team) -> Object {
    rest_of_team(Object::new().text("name", &row.name), row)
}

/// `team` with it: Better Auth's get-full-organization alone shows it.
pub(super) fn full_team(row: &Team) -> Object {
    rest_of_team(Object::new().text("name", &row.name).number("memberCount", row.member_count), row)
}

fn rest_of_team(object: Object, row: &Team) -> Object {
    object
        .text("organizationId", &row.organization_id)
        .date("createdAt", row.created_at)
        .optional_date("updatedAt", row.updated_at)
        .additional(row.additional.as_deref())
        .text("id", &row.id)
}

/// `teamMember`, without the key that makes it the only one.
pub(super) fn team_member(row: &TeamMember) -> Object {
    Object::new()
        .text("teamId", &row.team_id)
        .text("userId", &row.user_id)
        .optional_date("createdAt", row.created_at)
        .text("id", &row.id)
}

/// `organizationRole`, its permission as what it means.
///
/// # Errors
/// That is no JSON.
pub(super) fn role(row: &OrganizationRole) -> Result<Object, AuthError> {
    let permission: Value = serde_json::from_str(&row.permission)
        .map_err(|_| AuthError::Setup(format!("Invalid permissions for role {}", row.role)))?;
    let object = Object::new()
        .text("organizationId", &row.organization_id)
        .text("role", &row.role)
        .json("permission", &permission.to_string())
        .date("createdAt", row.created_at)
        .optional_date("updatedAt", row.updated_at)
        .additional(row.additional.as_deref())
        .text("id", &row.id);
    Ok(object)
}
