//! The plugin for PostgREST: a function for each route; one file a group of them.

mod invitations;
mod members;
mod organizations;
mod roles;
mod teams;

use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    // Organizations.
    function(
        "organization_create",
        "name text, slug text, logo text DEFAULT NULL, metadata jsonb DEFAULT NULL, keep_current_active_organization boolean DEFAULT NULL, additional_fields jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        "Make an organization, with the caller as its owner: the organization, with its members",
    ),
    function(
        "organization_check_slug",
        "slug text, session_token text DEFAULT NULL",
        "Whether no organization has a slug: {status}, or an error",
    ),
    function(
        "organization_update",
        "data jsonb, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Change fields of an organization, which is the answer",
    ),
    function(
        "organization_delete",
        "organization_id text, session_token text DEFAULT NULL",
        "Delete an organization, with all that belongs to it; the organization as it was",
    ),
    function(
        "organization_get",
        "organization_id text DEFAULT NULL, organization_slug text DEFAULT NULL, session_token text DEFAULT NULL",
        "An organization, or the active one",
    ),
    function(
        "organization_get_full",
        "organization_id text DEFAULT NULL, organization_slug text DEFAULT NULL, members_limit text DEFAULT NULL, session_token text DEFAULT NULL",
        "An organization with its members, invitations and teams",
    ),
    function(
        "organization_set_active",
        "organization_id text DEFAULT NULL, organization_slug text DEFAULT NULL, session_token text DEFAULT NULL",
        "Make an organization the active one of the session, or none",
    ),
    function("organization_list", "session_token text DEFAULT NULL", "The caller''s organizations"),
    // Invitations.
    function(
        "organization_invite_member",
        "email text, role text, organization_id text DEFAULT NULL, team_id text DEFAULT NULL, resend boolean DEFAULT NULL, additional_fields jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        "Invite an email to an organization, and to teams of it, or mail an invitation once more; the invitation is the answer",
    ),
    function(
        "organization_accept_invitation",
        "invitation_id text, session_token text DEFAULT NULL",
        "Become a member of the organization that the caller is invited to: {invitation, member}",
    ),
    function(
        "organization_reject_invitation",
        "invitation_id text, session_token text DEFAULT NULL",
        "Say no to an invitation: {invitation, member}",
    ),
    function(
        "organization_cancel_invitation",
        "invitation_id text, session_token text DEFAULT NULL",
        "Take an invitation back",
    ),
    function(
        "organization_get_invitation",
        "id text, session_token text DEFAULT NULL",
        "An invitation that the caller has got",
    ),
    function(
        "organization_list_invitations",
        "organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "The invitations of an organization",
    ),
    function(
        "organization_list_user_invitations",
        "session_token text DEFAULT NULL",
        "The invitations that the caller has got and said nothing to",
    ),
    // Members.
    function(
        "organization_remove_member",
        "member_id_or_email text, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Remove a member: {member}",
    ),
    function(
        "organization_update_member_role",
        "member_id text, role text, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Give a member a role, or several, separated by commas; the member is the answer",
    ),
    function(
        "organization_leave",
        "organization_id text, session_token text DEFAULT NULL",
        "End the caller''s membership, which is the answer",
    ),
    function(
        "organization_list_members",
        "organization_id text DEFAULT NULL, organization_slug text DEFAULT NULL, \"limit\" text DEFAULT NULL, \"offset\" text DEFAULT NULL, sort_by text DEFAULT NULL, sort_direction text DEFAULT NULL, filter_field text DEFAULT NULL, filter_value jsonb DEFAULT NULL, filter_operator text DEFAULT NULL, session_token text DEFAULT NULL",
        "Members, filtered, sorted and a page at a time: {members, total}",
    ),
    function(
        "organization_get_active_member",
        "session_token text DEFAULT NULL",
        "The caller''s membership in the active organization",
    ),
    function(
        "organization_get_active_member_role",
        "user_id text DEFAULT NULL, organization_id text DEFAULT NULL, organization_slug text DEFAULT NULL, session_token text DEFAULT NULL",
        "The caller''s role, or another member''s: {role}",
    ),
    // Teams.
    function(
        "organization_create_team",
        "name text, organization_id text DEFAULT NULL, additional_fields jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        "Make a team in an organization",
    ),
    function(
        "organization_list_teams",
        "organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "The teams of an organization",
    ),
    function(
        "organization_remove_team",
        "team_id text, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Delete a team: {message}",
    ),
    function(
        "organization_update_team",
        "team_id text, data jsonb, session_token text DEFAULT NULL",
        "Change a team",
    ),
    function(
        "organization_set_active_team",
        "team_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Have the session be about a team of its organization, or about none for NULL",
    ),
    function(
        "organization_list_user_teams",
        "user_id text DEFAULT NULL, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "The teams that the caller is in, or another member",
    ),
    function(
        "organization_list_team_members",
        "team_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Who is in a team",
    ),
    function(
        "organization_add_team_member",
        "team_id text, user_id text, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Put a member of an organization in one of its teams",
    ),
    function(
        "organization_remove_team_member",
        "team_id text, user_id text, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Take a member of an organization out of one of its teams: {message}",
    ),
    // Roles of an organization's own, and permissions.
    function(
        "organization_has_permission",
        "permissions jsonb, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Whether the caller may do all of something in an organization: {error, success}",
    ),
    function(
        "organization_create_role",
        "role text, permission jsonb, organization_id text DEFAULT NULL, additional_fields jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        "Make a role of an organization''s own: {success, roleData, statements}",
    ),
    function(
        "organization_delete_role",
        "role_name text DEFAULT NULL, role_id text DEFAULT NULL, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Delete a role of an organization''s own that no member has: {success}",
    ),
    function(
        "organization_list_roles",
        "organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "The roles of an organization''s own",
    ),
    function(
        "organization_get_role",
        "role_name text DEFAULT NULL, role_id text DEFAULT NULL, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "A role of an organization''s own",
    ),
    function(
        "organization_update_role",
        "data jsonb, role_name text DEFAULT NULL, role_id text DEFAULT NULL, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        "Change a role of an organization''s own: {success, roleData}",
    ),
];

const fn function(name: &'static str, arguments: &'static str, comment: &'static str) -> Rpc {
    Rpc { name, arguments, comment }
}

/// The parameters that were given.
fn query<'a, const N: usize>(parameters: [(&'a str, Option<&'a str>); N]) -> Vec<(&'a str, &'a str)> {
    parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
