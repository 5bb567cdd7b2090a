//! What members do with their organization; one file a group of Better Auth's routes.

pub(super) mod invitations;
pub(super) mod members;
pub(super) mod organizations;
pub(super) mod roles;
pub(super) mod teams;

use serde_json::{Map, Value};

use super::hooks::{Hook, hook, number};
use super::store::{Member, Organization, member, organization};
use super::{ACTIVE_ORGANIZATION, ACTIVE_TEAM, codes, json, options, permission};
use crate::error::{AuthError, Code};
use crate::flow::input::Issues;
use crate::flow::json::{self as shared, Object};
use crate::flow::session::{Caller, Live};
use crate::flow::sign_up::MAX_EMAIL;
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::server::Timestamp;
use crate::store::session;
use crate::store::user::User;

/// The session of who calls, from the table: Better Auth's `orgSessionMiddleware`. Its row isn't prolonged, since other
/// rows are held from here on.
///
/// # Errors
/// UNAUTHORIZED.
pub(super) fn actor(caller: &mut dyn Caller) -> Result<Live, AuthError> {
    caller.session_for_others()?.ok_or_else(|| Code::UNAUTHORIZED.into())
}

/// The organization that a request names, or else the one that the session is about.
pub(super) fn organization_of(named: Option<&str>, live: &Live) -> Option<String> {
    let named = named.filter(|id| !id.is_empty()).map(str::to_owned);
    named.or_else(|| live.session.text_field(ACTIVE_ORGANIZATION).filter(|id| !id.is_empty()))
}

/// Makes a session be about an organization, or about none, and about a team if one is said; the session as it is then,
/// `None` where it is gone.
///
/// # Errors
/// Those of the store.
pub(super) fn activate(
    live: &Live,
    organization_id: Option<&str>,
    team_id: Option<Option<&str>>,
) -> Result<Option<Live>, AuthError> {
    let mut given = vec![Given::of(Table::Session, ACTIVE_ORGANIZATION, organization_id)?];
    if let Some(team_id) = team_id {
        given.push(Given::of(Table::Session, ACTIVE_TEAM, team_id)?);
    }
    let session = session::update(&live.session.token, &given, Timestamp::now())?;
    Ok(session.map(|session| Live { session, user: live.user.clone() }))
}

/// Makes a session be about no organization where it is about this one, which its user is not in any more.
///
/// # Errors
/// Those of the store.
pub(super) fn leave_active(live: &Live, organization_id: &str) -> Result<(), AuthError> {
    match organization_of(None, live) {
        Some(active) if active == organization_id => activate(live, None, None).map(drop),
        _ => Ok(()),
    }
}

/// The membership of who calls.
///
/// # Errors
/// USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, with this status.
pub(super) fn own_membership(organization_id: &str, live: &Live, status: u16) -> Result<Member, AuthError> {
    let found = member::find(organization_id, &live.user.id)?;
    found.ok_or(AuthError::ApiWith(codes::USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, status))
}

/// The membership of who calls and may do something in an organization.
///
/// # Errors
/// `stranger` for who isn't a member, `refusal` for who may not.
pub(super) fn acting(
    organization_id: &str,
    live: &Live,
    (resource, action): (&str, &str),
    [stranger, refusal]: [Code; 2],
) -> Result<Member, AuthError> {
    let member = member::find(organization_id, &live.user.id)?.ok_or(stranger)?;
    match permission::may(&member.organization_id, &member.role, resource, action)? {
        true => Ok(member),
        false => Err(refusal.into()),
    }
}

/// Holds an organization until the transaction ends. Who may not act there is refused before, and is to be looked at
/// again afterwards: it may have taken a while.
///
/// # Errors
/// ORGANIZATION_NOT_FOUND.
pub(super) fn hold(organization_id: &str) -> Result<Organization, AuthError> {
    organization::lock(organization_id)?.ok_or_else(|| codes::ORGANIZATION_NOT_FOUND.into())
}

/// The longest text that an index takes, in bytes, as of emails.
const MAX_INDEXED: usize = MAX_EMAIL;

/// A text that has to fit into an index.
pub(super) fn check_index_takes(issues: &mut Issues, field: &str, text: Option<&str>) {
    if text.is_some_and(|text| text.len() > MAX_INDEXED) {
        issues.add(field, &format!("Too big: expected string to have <={MAX_INDEXED} characters"));
    }
}

/// The roles of a request as they are stored.
pub(super) fn joined_roles(issues: &mut Issues, roles: &[&str]) -> String {
    let joined = permission::normalized(&roles.join(","));
    issues.bounded("role", Some(&joined));
    joined
}

/// The longest slug and roles together that a bridge token has, in bytes: it is sent with every request.
const MOST_IN_TOKEN: usize = 1_024;

/// The claims about the active organization: `org_id`, `org_role`, and `o` as Neon has it. None where the session is
/// about none, or its user is no member of that.
///
/// # Errors
/// Those of the store.
pub(super) fn claims(live: &Live, claims: &mut Map<String, Value>) -> Result<(), AuthError> {
    let Some(active) = organization_of(None, live) else { return Ok(()) };
    let Some(member) = member::find(&active, &live.user.id)? else { return Ok(()) };
    let Some(organization) = organization::find(&member.organization_id)? else { return Ok(()) };
    let role = permission::normalized(&member.role);
    if organization.slug.len() + role.len() > MOST_IN_TOKEN {
        return Ok(());
    }
    let o = serde_json::json!({ "id": organization.id, "slug": organization.slug, "role": role });
    claims.insert("org_id".into(), organization.id.into());
    claims.insert("org_role".into(), role.into());
    claims.insert("o".into(), o);
    Ok(())
}

/// Whether the user of a bridge token is still in the organization that it names, if it names one, with the roles that it
/// names.
///
/// # Errors
/// Those of the store.
pub(super) fn is_still_there(claims: &Map<String, Value>) -> Result<bool, AuthError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    match (text("sub"), text("org_id")) {
        (Some(user_id), Some(organization_id)) => {
            let is_so = |member: Member| {
                text("org_role")
                    .is_none_or(|role| permission::role_list(role).eq(permission::role_list(&member.role)))
            };
            Ok(member::find(organization_id, user_id)?.is_some_and(is_so))
        }
        _ => Ok(true),
    }
}

/// How many there may be: what a function of the DBA's says, or else the setting; `None` for any number.
///
/// # Errors
/// Those of the function.
pub(super) fn limit(
    function: Hook,
    setting: Option<i64>,
    told: impl FnOnce() -> Object,
) -> Result<Option<i64>, AuthError> {
    // So many and a half leave room for one more.
    Ok(number(function, told)?.map_or(setting, |number| Some(number.ceil() as i64)))
}

/// Refuses one more member, who is `user`, where there are as many as there may be. The organization has to be locked.
///
/// # Errors
/// ORGANIZATION_MEMBERSHIP_LIMIT_REACHED.
pub(super) fn check_room(user: &User, organization: &Organization) -> Result<(), AuthError> {
    /// Better Auth's, where the setting is 0.
    const USUAL: i64 = 100;
    let setting = options::membership_limit().map(|limit| if limit == 0 { USUAL } else { limit });
    let told = || {
        Object::new()
            .json("user", &shared::user(user))
            .json("organization", &json::organization(organization).finish())
    };
    match limit(hook!(membership_limit_function), setting, told)? {
        Some(most) if most <= 0 || member::count(&organization.id, Some(most))? >= most => {
            Err(codes::ORGANIZATION_MEMBERSHIP_LIMIT_REACHED.into())
        }
        _ => Ok(()),
    }
}

/// How many members a team may have. A function of the DBA's is told whose session it is.
///
/// # Errors
/// 401 where there is a function and no session; those of the function.
pub(super) fn members_per_team(
    team_id: &str,
    organization_id: &str,
    live: Option<&Live>,
) -> Result<Option<i64>, AuthError> {
    let function = hook!(maximum_members_per_team_function);
    if function.1.is_some() && live.is_none() {
        return Err(NO_SESSION);
    }
    limit(function, options::maximum_members_per_team(), || {
        let told = Object::new().text("teamId", team_id).text("organizationId", organization_id);
        told.json("session", &live.map_or_else(|| "null".into(), shared::told))
    })
}

/// What Better Auth answers in some routes without a session: a status alone.
pub(super) const NO_SESSION: AuthError = AuthError::Bare(401, "Unauthorized");
