//! The endpoints of the plugin, in Better Auth's order; one file a group of them.

mod invitations;
mod members;
mod organizations;
mod roles;
mod teams;

use crate::api::http::{Answer, Response, Route, get, post};
use crate::api::json::MANY;
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::plugin::organization::options;

pub(super) const ROUTES: &[Route] = &[
    // Organizations.
    with_fields(post("createOrganization", "/organization/create", organizations::create)),
    with_fields(post("updateOrganization", "/organization/update", organizations::update)),
    post("deleteOrganization", "/organization/delete", organizations::delete),
    post("setActiveOrganization", "/organization/set-active", organizations::set_active),
    get("getOrganization", "/organization/get-organization", organizations::get),
    get("getFullOrganization", "/organization/get-full-organization", organizations::get_full),
    get("listOrganizations", "/organization/list", organizations::list),
    Route {
        writes: false,
        ..post("checkOrganizationSlug", "/organization/check-slug", organizations::check_slug)
    },
    // Invitations.
    with_fields(post("createInvitation", "/organization/invite-member", invitations::create)),
    post("acceptInvitation", "/organization/accept-invitation", invitations::accept),
    post("rejectInvitation", "/organization/reject-invitation", invitations::reject),
    post("cancelInvitation", "/organization/cancel-invitation", invitations::cancel),
    get("getInvitation", "/organization/get-invitation", invitations::get),
    get("listInvitations", "/organization/list-invitations", invitations::list),
    get("listUserInvitations", "/organization/list-user-invitations", invitations::list_of_user),
    // Members.
    get("getActiveMember", "/organization/get-active-member", members::active),
    with_fields(post("addMember", "", members::add)),
    post("removeMember", "/organization/remove-member", members::remove),
    post("updateMemberRole", "/organization/update-member-role", members::update_role),
    post("leaveOrganization", "/organization/leave", members::leave),
    get("listMembers", "/organization/list-members", members::list),
    get("getActiveMemberRole", "/organization/get-active-member-role", members::active_role),
    // Teams, where there are any.
    of_teams(with_fields(post("createTeam", "/organization/create-team", teams::create))),
    of_teams(get("listOrganizationTeams", "/organization/list-teams", teams::list)),
    of_teams(post("removeTeam", "/organization/remove-team", teams::remove)),
    of_teams(with_fields(post("updateTeam", "/organization/update-team", teams::update))),
    of_teams(post("setActiveTeam", "/organization/set-active-team", teams::activate)),
    of_teams(get("listUserTeams", "/organization/list-user-teams", teams::list_of_user)),
    of_teams(get("listTeamMembers", "/organization/list-team-members", teams::list_members)),
    of_teams(post("addTeamMember", "/organization/add-team-member", teams::add_member)),
    of_teams(post("removeTeamMember", "/organization/remove-team-member", teams::remove_member)),
    // Roles of an organization's own, where there may be any.
    of_roles(post("createOrgRole", "/organization/create-role", roles::create)),
    of_roles(post("deleteOrgRole", "/organization/delete-role", roles::delete)),
    of_roles(get("listOrgRoles", "/organization/list-roles", roles::list)),
    of_roles(get("getOrgRole", "/organization/get-role", roles::get)),
    of_roles(post("updateOrgRole", "/organization/update-role", roles::update)),
    // Permissions.
    Route { writes: false, ..post("hasPermission", "/organization/has-permission", roles::has_permission) },
];

/// A route whose body sets columns of any content.
const fn with_fields(route: Route) -> Route {
    Route { not_taken: Some(invalid), max_values: MANY, ..route }
}

/// A route that there is where there are teams.
const fn of_teams(route: Route) -> Route {
    Route { is_on: options::teams, ..route }
}

/// A value that breaks a constraint, or is none of the column's type.
fn invalid() -> AuthError {
    AuthError::Validation(vec!["[body] Invalid input".into()])
}

/// 200 with an object, or with null.
fn nullable(object: Option<Object>) -> Answer {
    Ok(Response::json(object.map_or_else(|| "null".into(), Object::finish)))
}

/// One that there is where organizations may have roles of their own.
const fn of_roles(route: Route) -> Route {
    Route { is_on: options::dynamic_access_control, not_taken: Some(invalid), ..route }
}
