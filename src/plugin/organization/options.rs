//! The plugin's settings: Better Auth's options, those of `teams`, `dynamicAccessControl` and `schema` among them.

use crate::settings::Switch;

crate::settings::settings! {
    "organization_";
    flag allow_user_to_create_organization = true,
        c"Users may create organizations.",
        c"Better Auth: organization's allowUserToCreateOrganization.";
    text allow_user_to_create_organization_function = None,
        c"Function (schema.name) that says whether a user may create an organization: jsonb {user}, returns boolean.",
        c"Better Auth: allowUserToCreateOrganization as a function. Comes before allow_user_to_create_organization.";
    limit organization_limit = -1,
        c"How many organizations a user may be in and create another one; -1 for any number.",
        c"Better Auth: organizationLimit.";
    text organization_limit_function = None,
        c"Function (schema.name) that says whether a user has reached the limit: jsonb {user}, returns boolean.",
        c"Better Auth: organizationLimit as a function. Comes before organization_limit.";
    text creator_role = Some(c"owner"),
        c"The role of who creates an organization.",
        c"Better Auth: creatorRole.";
    limit membership_limit = 100,
        c"How many members an organization may have; 0 stands for 100, -1 for any number.",
        c"Better Auth: membershipLimit.";
    text membership_limit_function = None,
        c"Function (schema.name) that says how many members an organization may have: jsonb {user, organization}, returns jsonb, a number.",
        c"Better Auth: membershipLimit as a function. Comes before membership_limit.";
    limit invitation_limit = 100,
        c"How many invitations of an organization may be pending; -1 for any number.",
        c"Better Auth: invitationLimit.";
    text invitation_limit_function = None,
        c"Function (schema.name) that says how many invitations may be pending: jsonb {user, organization, member}, returns jsonb, a number.",
        c"Better Auth: invitationLimit as a function. Comes before invitation_limit.";
    seconds invitation_expires_in = 172_800,
        c"Lifetime of invitations.",
        c"Better Auth: invitationExpiresIn. 0: two days.";
    flag cancel_pending_invitations_on_re_invite = false,
        c"Inviting somebody again cancels the invitation that is pending.",
        c"Better Auth: cancelPendingInvitationsOnReInvite.";
    choice(Switch) require_email_verification_on_invitation = Switch::Auto,
        c"Whoever is invited has to have verified the email address to see, accept or reject the invitation.",
        c"Better Auth: requireEmailVerificationOnInvitation. auto: where ids of invitations can be guessed, as serial ones.";
    url invitation_url = None,
        c"The page that mails of invitations link to; the invitation's id is added as the parameter id.",
        c"Better Auth leaves the link to sendInvitationEmail. Empty: mails have the id alone.";
    flag disable_organization_deletion = false,
        c"Nobody deletes organizations.",
        c"Better Auth: disableOrganizationDeletion.";

    roles roles = None,
        c"What each role allows: {\"role\": {\"resource\": [\"action\", ...]}}, as JSON.",
        c"Better Auth: organization's roles. Empty: its roles owner, admin and member.";
    statements access_control = None,
        c"The resources and actions that there are: {\"resource\": [\"action\", ...]}, as JSON.",
        c"Better Auth: organization's ac. Roles of dynamic_access_control may allow these alone; without it there are none such.";
    column_flag dynamic_access_control = false,
        c"Organizations may have roles of their own.",
        c"Better Auth: dynamicAccessControl.enabled.";
    limit maximum_roles_per_organization = -1,
        c"How many roles of its own an organization may have; -1 for any number.",
        c"Better Auth: dynamicAccessControl.maximumRolesPerOrganization.";
    text maximum_roles_per_organization_function = None,
        c"Function (schema.name) that says how many roles an organization may have: jsonb {organizationId}, returns jsonb, a number.",
        c"Better Auth: maximumRolesPerOrganization as a function. Comes before maximum_roles_per_organization.";

    column_flag teams = false,
        c"Organizations have teams.",
        c"Better Auth: teams.enabled.";
    flag default_team = true,
        c"A new organization gets a team of its name.",
        c"Better Auth: teams.defaultTeam.enabled.";
    text create_default_team_function = None,
        c"Function (schema.name) that makes the team of a new organization itself: jsonb {organization}, returns jsonb, the team.",
        c"Better Auth: teams.defaultTeam.customCreateDefaultTeam.";
    limit maximum_teams = -1,
        c"How many teams an organization may have; -1 for any number.",
        c"Better Auth: teams.maximumTeams.";
    text maximum_teams_function = None,
        c"Function (schema.name) that says how many teams an organization may have: jsonb {organizationId, session}, returns jsonb, a number.",
        c"Better Auth: teams.maximumTeams as a function. Comes before maximum_teams.";
    limit maximum_members_per_team = -1,
        c"How many members a team may have; -1 for any number.",
        c"Better Auth: teams.maximumMembersPerTeam.";
    text maximum_members_per_team_function = None,
        c"Function (schema.name) that says how many members a team may have: jsonb {teamId, organizationId, session}, returns jsonb, a number.",
        c"Better Auth: teams.maximumMembersPerTeam as a function. Comes before maximum_members_per_team.";
    flag allow_removing_all_teams = false,
        c"The last team of an organization may be removed.",
        c"Better Auth: teams.allowRemovingAllTeams.";

    fields additional_fields = None,
        c"Columns of organization that a team added: name, or name:readonly for one that requests don't set.",
        c"Better Auth: organization's schema.organization.additionalFields.";
    fields member_additional_fields = None,
        c"Columns of member that a team added: name, or name:readonly for one that requests don't set.",
        c"Better Auth: organization's schema.member.additionalFields.";
    fields invitation_additional_fields = None,
        c"Columns of invitation that a team added: name, or name:readonly for one that requests don't set.",
        c"Better Auth: organization's schema.invitation.additionalFields.";
    fields team_additional_fields = None,
        c"Columns of team that a team added: name, or name:readonly for one that requests don't set.",
        c"Better Auth: organization's schema.team.additionalFields.";
    fields role_additional_fields = None,
        c"Columns of organizationRole that a team added: name, or name:readonly for one that requests don't set.",
        c"Better Auth: organization's schema.organizationRole.additionalFields.";

    text before_create_organization_function = None,
        c"Function (schema.name) that is called before: create organization. jsonb {organization, user}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeCreateOrganization.";
    text after_create_organization_function = None,
        c"Function (schema.name) that is called after: create organization. jsonb {organization, member, user}.",
        c"Better Auth: organizationHooks.afterCreateOrganization.";
    text before_update_organization_function = None,
        c"Function (schema.name) that is called before: update organization. jsonb {organization, user, member}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeUpdateOrganization.";
    text after_update_organization_function = None,
        c"Function (schema.name) that is called after: update organization. jsonb {organization, user, member}.",
        c"Better Auth: organizationHooks.afterUpdateOrganization.";
    text before_delete_organization_function = None,
        c"Function (schema.name) that is called before: delete organization. jsonb {organization, user}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeDeleteOrganization.";
    text after_delete_organization_function = None,
        c"Function (schema.name) that is called after: delete organization. jsonb {organization, user}.",
        c"Better Auth: organizationHooks.afterDeleteOrganization.";
    text before_add_member_function = None,
        c"Function (schema.name) that is called before: add member. jsonb {member, user, organization}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeAddMember.";
    text after_add_member_function = None,
        c"Function (schema.name) that is called after: add member. jsonb {member, user, organization}.",
        c"Better Auth: organizationHooks.afterAddMember.";
    text before_remove_member_function = None,
        c"Function (schema.name) that is called before: remove member. jsonb {member, user, organization}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeRemoveMember.";
    text after_remove_member_function = None,
        c"Function (schema.name) that is called after: remove member. jsonb {member, user, organization}.",
        c"Better Auth: organizationHooks.afterRemoveMember.";
    text before_update_member_role_function = None,
        c"Function (schema.name) that is called before: update member role. jsonb {member, newRole, user, organization}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeUpdateMemberRole.";
    text after_update_member_role_function = None,
        c"Function (schema.name) that is called after: update member role. jsonb {member, previousRole, user, organization}.",
        c"Better Auth: organizationHooks.afterUpdateMemberRole.";
    text before_create_invitation_function = None,
        c"Function (schema.name) that is called before: create invitation. jsonb {invitation, inviter, organization}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeCreateInvitation.";
    text after_create_invitation_function = None,
        c"Function (schema.name) that is called after: create invitation. jsonb {invitation, inviter, organization}.",
        c"Better Auth: organizationHooks.afterCreateInvitation.";
    text before_accept_invitation_function = None,
        c"Function (schema.name) that is called before: accept invitation. jsonb {invitation, user, organization}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeAcceptInvitation.";
    text after_accept_invitation_function = None,
        c"Function (schema.name) that is called after: accept invitation. jsonb {invitation, member, user, organization}.",
        c"Better Auth: organizationHooks.afterAcceptInvitation.";
    text before_reject_invitation_function = None,
        c"Function (schema.name) that is called before: reject invitation. jsonb {invitation, user, organization}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeRejectInvitation.";
    text after_reject_invitation_function = None,
        c"Function (schema.name) that is called after: reject invitation. jsonb {invitation, user, organization}.",
        c"Better Auth: organizationHooks.afterRejectInvitation.";
    text before_cancel_invitation_function = None,
        c"Function (schema.name) that is called before: cancel invitation. jsonb {invitation, cancelledBy, organization}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeCancelInvitation.";
    text after_cancel_invitation_function = None,
        c"Function (schema.name) that is called after: cancel invitation. jsonb {invitation, cancelledBy, organization}.",
        c"Better Auth: organizationHooks.afterCancelInvitation.";
    text before_create_team_function = None,
        c"Function (schema.name) that is called before: create team. jsonb {team, user, organization}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeCreateTeam.";
    text after_create_team_function = None,
        c"Function (schema.name) that is called after: create team. jsonb {team, user, organization}.",
        c"Better Auth: organizationHooks.afterCreateTeam.";
    text before_update_team_function = None,
        c"Function (schema.name) that is called before: update team. jsonb {team, updates, user, organization}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeUpdateTeam.";
    text after_update_team_function = None,
        c"Function (schema.name) that is called after: update team. jsonb {team, user, organization}.",
        c"Better Auth: organizationHooks.afterUpdateTeam.";
    text before_delete_team_function = None,
        c"Function (schema.name) that is called before: delete team. jsonb {team, user, organization}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeDeleteTeam.";
    text after_delete_team_function = None,
        c"Function (schema.name) that is called after: delete team. jsonb {team, user, organization}.",
        c"Better Auth: organizationHooks.afterDeleteTeam.";
    text before_add_team_member_function = None,
        c"Function (schema.name) that is called before: add team member. jsonb {teamMember, team, user, organization}, may return {\"data\": {...}}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeAddTeamMember.";
    text after_add_team_member_function = None,
        c"Function (schema.name) that is called after: add team member. jsonb {teamMember, team, user, organization}.",
        c"Better Auth: organizationHooks.afterAddTeamMember.";
    text before_remove_team_member_function = None,
        c"Function (schema.name) that is called before: remove team member. jsonb {teamMember, team, user, organization}; raises to refuse.",
        c"Better Auth: organizationHooks.beforeRemoveTeamMember.";
    text after_remove_team_member_function = None,
        c"Function (schema.name) that is called after: remove team member. jsonb {teamMember, team, user, organization}.",
        c"Better Auth: organizationHooks.afterRemoveTeamMember.";
}

/// What of it is in the tokens that others read.
pub(super) mod bridge {
    crate::settings::settings! {
        "bridge_";
        flag organization = false,
            c"Bridge tokens have the active organization: org_id, org_role and o, {id, slug, role}.",
            c"Of members of it. pre_request() turns away the token of who has left the organization.";
    }
}
