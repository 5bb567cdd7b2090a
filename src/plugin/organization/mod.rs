//! Better Auth's organization plugin: organizations, their members and invitations, teams, roles of their own, and
//! what policies ask of them.
//!
//! What may be true of one organization alone (its last owner, its limits, who is in it) is decided with its row locked:
//! two requests at once come one after the other.

mod codes;
mod flow;
mod hooks;
mod json;
mod options;
mod permission;
mod requesting;
mod routes;
mod rpc;
mod store;

use serde_json::{Map, Value};

use crate::api::http::Route;
use crate::error::AuthError;
use crate::flow::session::Live;
use crate::plugin::{Column, Plugin, PolicyFunction, Rpc};
use crate::store::definition::{Definition, TEXT};

pub(super) use self::store::{INVITATIONS, MEMBERS, ORGANIZATIONS, ROLES, TEAM_MEMBERS, TEAMS};

/// Better Auth's id of it.
const ID: &str = "organization";

/// The column of a session that says which organization it is about.
const ACTIVE_ORGANIZATION: &str = "activeOrganizationId";
/// And which team.
const ACTIVE_TEAM: &str = "activeTeamId";

/// The plugin.
pub(super) struct Organization;

impl Plugin for Organization {
    fn id(&self) -> &'static str {
        ID
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column::session(ACTIVE_ORGANIZATION, TEXT),
            Column { is_on: options::teams, ..Column::session(ACTIVE_TEAM, TEXT) },
            Column {
                model: "invitation",
                is_on: options::teams,
                after: Some("role"),
                ..Column::session("teamId", TEXT)
            },
        ];
        COLUMNS
    }

    fn tables(&self) -> &'static [&'static Definition] {
        // Each after those that it refers to.
        &[&ORGANIZATIONS, &ROLES, &TEAMS, &TEAM_MEMBERS, &MEMBERS, &INVITATIONS]
    }

    fn policy_functions(&self) -> &'static [PolicyFunction] {
        requesting::FUNCTIONS
    }

    fn define_settings(&self) -> bool {
        options::define() & options::bridge::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn claims(&self, live: &Live, claims: &mut Map<String, Value>) -> Result<(), AuthError> {
        if options::bridge::organization() { flow::claims(live, claims) } else { Ok(()) }
    }

    fn is_true(&self, claims: &Map<String, Value>) -> Result<bool, AuthError> {
        if options::bridge::organization() { flow::is_still_there(claims) } else { Ok(true) }
    }

    fn before_user_deleted(&self, user_id: &str) -> Result<(), AuthError> {
        flow::members::leave_all(user_id)
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }
}

/// Whether a member of an organization may do something there, who created it anything: for other plugins. `None` for
/// who isn't a member.
///
/// # Errors
/// Those of the store.
pub(super) fn member_may(
    user_id: &str,
    organization_id: &str,
    resource: &str,
    action: &str,
) -> Result<Option<bool>, AuthError> {
    let Some(member) = store::member::find(organization_id, user_id)? else { return Ok(None) };
    if permission::is_creator(&member.role) {
        return Ok(Some(true));
    }
    // Roles that can't be read allow nothing.
    let may = permission::may(organization_id, &member.role, resource, action);
    Ok(Some(may.or_else(|error| if error.status().is_some() { Ok(false) } else { Err(error) })?))
}

/// Whether there is such an organization: for other plugins.
///
/// # Errors
/// Those of the store.
pub(super) fn is_there(organization_id: &str) -> Result<bool, AuthError> {
    Ok(store::organization::find(organization_id)?.is_some())
}

/// The role of who creates an organization.
fn creator_role() -> String {
    options::creator_role().unwrap_or_else(|| "owner".into())
}
