//! Teams and who is in them. Better Auth's crud-team.
//!
//! How many teams there are, and how many members each has, is decided with the organization held.

use serde_json::{Map, Value};

use super::{
    NO_SESSION, acting, activate as make_active, actor, hold, limit, members_per_team, organization_of,
};
use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues};
use crate::flow::json::{Object, told as whole_session, user as whole_user};
use crate::flow::session::{Caller, Live};
use crate::plugin::organization::hooks::{Hook, after, before, hook, text};
use crate::plugin::organization::store::team::{self, New, TABLE};
use crate::plugin::organization::store::{Organization, Team, TeamMember, invitation, member};
use crate::plugin::organization::{ACTIVE_TEAM, codes, json, options};
use crate::store::server::Timestamp;
use crate::store::user::{self, User};

// ── Finding them ─────────────────────────────────────────────────────────────────────────────────

/// A team of an organization, whose id is as it is stored.
///
/// # Errors
/// TEAM_NOT_FOUND.
pub(super) fn find(organization_id: &str, team_id: &str) -> Result<Team, AuthError> {
    let found = team::find(team_id)?.filter(|team| team.organization_id == organization_id);
    found.ok_or_else(|| codes::TEAM_NOT_FOUND.into())
}

/// Refuses one more member of a team that has as many as it may.
///
/// # Errors
/// TEAM_MEMBER_LIMIT_REACHED.
pub(super) fn check_seat(team: &Team, live: &Live) -> Result<(), AuthError> {
    match members_per_team(&team.id, &team.organization_id, Some(live))? {
        Some(most) if team::count_members(&team.id)? >= most => Err(codes::TEAM_MEMBER_LIMIT_REACHED.into()),
        _ => Ok(()),
    }
}

/// Puts a user in a team; who is in it stays. The organization has to be held.
///
/// # Errors
/// TEAM_MEMBER_LIMIT_REACHED.
pub(super) fn seat(team: &Team, user_id: &str, live: &Live) -> Result<TeamMember, AuthError> {
    let most = members_per_team(&team.id, &team.organization_id, Some(live))?;
    team::add_member(&team.id, user_id, most)?.ok_or_else(|| codes::TEAM_MEMBER_LIMIT_REACHED.into())
}

/// What hooks are told of a team.
fn told(team: &Team, user: Option<&User>, organization: &Organization) -> Object {
    concerning(Object::new().json("team", &json::team(team).finish()), user, organization)
}

fn concerning(mut told: Object, user: Option<&User>, organization: &Organization) -> Object {
    if let Some(user) = user {
        told = told.json("user", &whole_user(user));
    }
    told.json("organization", &json::organization(organization).finish())
}

// ── Teams ────────────────────────────────────────────────────────────────────────────────────────

/// Makes a team in an organization. A call of the server's own (`is_own`) needs no session.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, NO_ACTIVE_ORGANIZATION, what the caller may not do,
/// YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_TEAMS, ORGANIZATION_NOT_FOUND.
pub(in crate::plugin::organization) fn create(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
    is_own: bool,
) -> Result<Team, AuthError> {
    let mut issues = Issues::of_body();
    let name = issues.required("name", body.get("name").into());
    let organization_id = issues.optional("organizationId", body.get("organizationId").into());
    let mut additional = fields::of_schema(TABLE, body, Action::Create, &mut issues, "")?;
    issues.bounded("name", Some(name));
    issues.finish()?;
    let live = caller.session_for_others()?;
    if live.is_none() && !is_own {
        return Err(NO_SESSION);
    }
    let organization_id = asked_for(organization_id, live.as_ref())?;
    let allowed = || -> Result<(), AuthError> {
        const REFUSALS: [Code; 2] = [
            codes::YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION,
            codes::YOU_ARE_NOT_ALLOWED_TO_CREATE_TEAMS_IN_THIS_ORGANIZATION,
        ];
        let Some(live) = &live else { return Ok(()) };
        acting(&organization_id, live, ("team", "create"), REFUSALS).map(drop)
    };
    allowed()?;
    let organization = hold(&organization_id)?;
    allowed()?;
    let most = limit(hook!(maximum_teams_function), options::maximum_teams(), || {
        let session = live.as_ref().map_or_else(|| "null".into(), whole_session);
        Object::new().text("organizationId", &organization.id).json("session", &session)
    })?;
    // None is any number.
    if let Some(most) = most.filter(|most| *most != 0)
        && team::count(&organization.id)? >= most
    {
        return Err(codes::YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_TEAMS.into());
    }
    let user = live.as_ref().map(|live| &live.user);
    let mut name = name.to_owned();
    let hook: Hook = hook!(before_create_team_function);
    let setting = hook.0;
    let data = before(hook, || {
        let team = Object::new()
            .text("name", &name)
            .text("organizationId", &organization.id)
            .members(&fields::as_given(&additional, body));
        concerning(Object::new().json("team", &team.finish()), user, &organization)
    })?;
    if let Some(data) = data {
        if let Some(given) = text(setting, &data, "name")? {
            given.clone_into(&mut name);
        }
        fields::set_over(TABLE, &mut additional, &data)?;
    }
    let now = Timestamp::now();
    let made = team::create(&New {
        id: None,
        name: &name,
        organization_id: &organization.id,
        created_at: now,
        updated_at: Some(now),
        additional: &additional,
    })?;
    after(hook!(after_create_team_function), || told(&made, user, &organization))?;
    Ok(made)
}

/// The organization that a request is about, with a session or without one.
fn asked_for(named: Option<&str>, live: Option<&Live>) -> Result<String, AuthError> {
    let asked = match live {
        Some(live) => organization_of(named, live),
        None => named.filter(|id| !id.is_empty()).map(str::to_owned),
    };
    asked.ok_or_else(|| codes::NO_ACTIVE_ORGANIZATION.into())
}

/// Deletes a team of an organization, with the places in it. Invitations to it that can be accepted are to the
/// organization and the other teams from now on.
///
/// # Errors
/// VALIDATION_ERROR, NO_ACTIVE_ORGANIZATION, 401 without a session, what the caller may not do, TEAM_NOT_FOUND,
/// UNABLE_TO_REMOVE_LAST_TEAM, ORGANIZATION_NOT_FOUND.
pub(in crate::plugin::organization) fn remove(
    caller: &mut dyn Caller,
    team_id: Option<&Value>,
    organization_id: Option<&Value>,
    is_own: bool,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let team_id = issues.required("teamId", team_id.into());
    let organization_id = issues.optional("organizationId", organization_id.into());
    issues.finish()?;
    let live = caller.session_for_others()?;
    let organization_id = asked_for(organization_id, live.as_ref())?;
    if live.is_none() && !is_own {
        return Err(NO_SESSION);
    }
    let active = live.as_ref().and_then(|live| live.session.text_field(ACTIVE_TEAM));
    let check_not_active = |team_id: &str| match active.as_deref() == Some(team_id) {
        true => Err(AuthError::from(codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_TEAM)),
        false => Ok(()),
    };
    let allowed = || {
        const REFUSALS: [Code; 2] = [
            codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_TEAM,
            codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_TEAMS_IN_THIS_ORGANIZATION,
        ];
        let Some(live) = &live else { return Ok(()) };
        check_not_active(team_id)?;
        acting(&organization_id, live, ("team", "delete"), REFUSALS).map(drop)
    };
    allowed()?;
    // Whoever is in no organization of that id has been told so.
    let organization = hold(&organization_id)?;
    allowed()?;
    let team = find(&organization.id, team_id)?;
    check_not_active(&team.id)?;
    if !options::allow_removing_all_teams() && team::count(&organization.id)? <= 1 {
        return Err(codes::UNABLE_TO_REMOVE_LAST_TEAM.into());
    }
    let user = live.as_ref().map(|live| &live.user);
    before(hook!(before_delete_team_function), || told(&team, user, &organization))?;
    invitation::forget_team(&organization.id, &team.id, Timestamp::now())?;
    team::delete(&team.id)?;
    after(hook!(after_delete_team_function), || told(&team, user, &organization))
}

/// Changes a team's name and additional fields.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_TEAM, TEAM_NOT_FOUND,
/// ORGANIZATION_NOT_FOUND.
pub(in crate::plugin::organization) fn update(
    caller: &mut dyn Caller,
    team_id: Option<&Value>,
    data: Option<&Value>,
) -> Result<Team, AuthError> {
    let mut issues = Issues::of_body();
    let none = Map::new();
    let team_id = issues.required("teamId", team_id.into());
    let data = data.and_then(Value::as_object).unwrap_or_else(|| {
        let received = Input::from(data).kind();
        issues.add("data", &format!("Invalid input: expected object, received {received}"));
        &none
    });
    let name = match data.get("name") {
        None => None,
        name => Some(issues.not_empty("data.name", name.into())),
    };
    let organization_id = issues.optional("data.organizationId", data.get("organizationId").into());
    let mut additional = fields::of_schema(TABLE, data, Action::Update, &mut issues, "data.")?;
    issues.bounded("data.name", name);
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = asked_for(organization_id, Some(&live))?;
    let allowed = || {
        const REFUSALS: [Code; 2] = [codes::YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_TEAM; 2];
        acting(&organization_id, &live, ("team", "update"), REFUSALS)
    };
    allowed()?;
    let organization = hold(&organization_id)?;
    allowed()?;
    let team = find(&organization.id, team_id)?;
    let mut name = name.map(str::to_owned);
    let hook: Hook = hook!(before_update_team_function);
    let setting = hook.0;
    let answer = before(hook, || {
        let mut updates = Object::new();
        if let Some(name) = &name {
            updates = updates.text("name", name);
        }
        let updates = updates.members(&fields::as_given(&additional, data)).finish();
        let told = Object::new().json("team", &json::team(&team).finish()).json("updates", &updates);
        concerning(told, Some(&live.user), &organization)
    })?;
    // It takes the place of what the request wanted.
    if let Some(answer) = answer {
        name = text(setting, &answer, "name")?.map(str::to_owned);
        additional = fields::given(TABLE, &answer)?;
    }
    let changed = team::update(&team.id, name.as_deref(), &additional, Timestamp::now())?;
    let changed = changed.ok_or(codes::TEAM_NOT_FOUND)?;
    after(hook!(after_update_team_function), || told(&changed, Some(&live.user), &organization))?;
    Ok(changed)
}

/// The teams of an organization that the caller is in.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_ALLOWED_TO_ACCESS_THIS_ORGANIZATION.
pub(in crate::plugin::organization) fn list(
    caller: &mut dyn Caller,
    organization_id: Option<&Value>,
) -> Result<Vec<Team>, AuthError> {
    let mut issues = Issues::of_query();
    let organization_id = issues.optional("organizationId", organization_id.into());
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = asked_for(organization_id, Some(&live))?;
    let member = member::find(&organization_id, &live.user.id)?;
    let member = member.ok_or(codes::YOU_ARE_NOT_ALLOWED_TO_ACCESS_THIS_ORGANIZATION)?;
    team::list(&member.organization_id)
}

// ── The caller's own ─────────────────────────────────────────────────────────────────────────────

/// What came of the wish to make a team active.
pub(in crate::plugin::organization) struct Activated {
    /// The one that is; none where the wish was for none.
    pub(in crate::plugin::organization) team: Option<Team>,
    /// The session, where it was changed.
    pub(in crate::plugin::organization) live: Option<Live>,
}

/// Has the session be about a team of its organization; about the one that it is about where none is named, and about
/// none for `null`.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, TEAM_NOT_FOUND, USER_IS_NOT_A_MEMBER_OF_THE_TEAM.
pub(in crate::plugin::organization) fn activate(
    caller: &mut dyn Caller,
    team_id: Option<&Value>,
) -> Result<Activated, AuthError> {
    let mut issues = Issues::of_body();
    let is_null = team_id == Some(&Value::Null);
    let named = issues.optional("teamId", team_id.filter(|_| !is_null).into()).filter(|id| !id.is_empty());
    issues.finish()?;
    let live = actor(caller)?;
    let active = live.session.text_field(ACTIVE_TEAM).filter(|id| !id.is_empty());
    if is_null && active.is_some() {
        let live = make_active(&live, organization_of(None, &live).as_deref(), Some(None))?;
        return Ok(Activated { team: None, live: Some(live.ok_or(Code::FAILED_TO_GET_SESSION)?) });
    }
    let Some(team_id) = named.map(str::to_owned).or(active) else {
        return Ok(Activated { team: None, live: None });
    };
    let organization_id = organization_of(None, &live).ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
    let team = find(&organization_id, &team_id)?;
    if team::find_member(&team.id, &live.user.id)?.is_none() {
        return Err(AuthError::ApiWith(codes::USER_IS_NOT_A_MEMBER_OF_THE_TEAM, 403));
    }
    let live = make_active(&live, Some(&organization_id), Some(Some(&team.id)))?;
    Ok(Activated { team: Some(team), live: Some(live.ok_or(Code::FAILED_TO_GET_SESSION)?) })
}

/// The teams of a user: the caller's own, in one organization or in all, or another member's in one organization for
/// who may change members.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION.
pub(in crate::plugin::organization) fn list_of_user(
    caller: &mut dyn Caller,
    user_id: Option<&Value>,
    organization_id: Option<&Value>,
) -> Result<Vec<Team>, AuthError> {
    let mut issues = Issues::of_query();
    let user_id = issues.optional("userId", user_id.into()).filter(|id| !id.is_empty());
    let organization_id =
        issues.optional("organizationId", organization_id.into()).filter(|id| !id.is_empty());
    issues.finish()?;
    let live = actor(caller)?;
    if let Some(user_id) = user_id.filter(|id| *id != live.user.id) {
        const REFUSALS: [Code; 2] = [
            codes::YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION,
            codes::YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER,
        ];
        let organization_id = asked_for(organization_id, Some(&live))?;
        acting(&organization_id, &live, ("member", "update"), REFUSALS)?;
        let other = member::find(&organization_id, user_id)?;
        let other = other.ok_or(codes::USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION)?;
        return team::list_of_user(&other.user_id, Some(&other.organization_id));
    }
    if let Some(organization_id) = organization_id {
        let own = member::find(organization_id, &live.user.id)?;
        let own = own.ok_or(codes::YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION)?;
        return team::list_of_user(&own.user_id, Some(&own.organization_id));
    }
    // Whoever has left an organization may have a place in a team of it that somebody has forgotten.
    let mut known: Vec<(String, bool)> = Vec::new();
    let mut teams = Vec::new();
    for team in team::list_of_user(&live.user.id, None)? {
        let is_known =
            known.iter().find(|(id, _)| *id == team.organization_id).map(|(_, is_member)| *is_member);
        let is_member = match is_known {
            Some(is_member) => is_member,
            None => member::find(&team.organization_id, &live.user.id)?.is_some(),
        };
        if is_known.is_none() {
            known.push((team.organization_id.clone(), is_member));
        }
        if is_member {
            teams.push(team);
        }
    }
    Ok(teams)
}

// ── Who is in them ───────────────────────────────────────────────────────────────────────────────

/// Who is in a team that the caller is in; in the session's, where none is named.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, YOU_DO_NOT_HAVE_AN_ACTIVE_TEAM, TEAM_NOT_FOUND, USER_IS_NOT_A_MEMBER_OF_THE_TEAM.
pub(in crate::plugin::organization) fn list_members(
    caller: &mut dyn Caller,
    team_id: Option<&Value>,
) -> Result<Vec<TeamMember>, AuthError> {
    let mut issues = Issues::of_query();
    let named = issues.optional("teamId", team_id.into()).filter(|id| !id.is_empty());
    issues.finish()?;
    let live = actor(caller)?;
    let active = || live.session.text_field(ACTIVE_TEAM).filter(|id| !id.is_empty());
    let team_id = named.map(str::to_owned).or_else(active).ok_or(codes::YOU_DO_NOT_HAVE_AN_ACTIVE_TEAM)?;
    let team = team::find(&team_id)?.ok_or(codes::TEAM_NOT_FOUND)?;
    let is_in = member::find(&team.organization_id, &live.user.id)?.is_some()
        && team::find_member(&team.id, &live.user.id)?.is_some();
    if !is_in {
        return Err(codes::USER_IS_NOT_A_MEMBER_OF_THE_TEAM.into());
    }
    team::list_members(&team.id)
}

/// A change to who is in a team: the organization is held.
struct Change {
    organization: Organization,
    team: Team,
    /// Who is put in, or taken out.
    user: User,
    live: Live,
}

impl Change {
    /// Looks at who wants it, for whom.
    fn begin(
        caller: &mut dyn Caller,
        body: &Map<String, Value>,
        action: &'static str,
        refusal: Code,
    ) -> Result<Self, AuthError> {
        let stranger = codes::USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION;
        let mut issues = Issues::of_body();
        let team_id = issues.required("teamId", body.get("teamId").into());
        let user_id = issues.coerced("userId", body.get("userId"));
        let organization_id = issues.optional("organizationId", body.get("organizationId").into());
        issues.finish()?;
        let live = actor(caller)?;
        let organization_id = asked_for(organization_id, Some(&live))?;
        let allowed = || acting(&organization_id, &live, ("member", action), [stranger, refusal]);
        allowed()?;
        let organization = hold(&organization_id)?;
        allowed()?;
        let member = member::find(&organization.id, &user_id)?.ok_or(stranger)?;
        let team = find(&organization.id, team_id)?;
        let user = user::find(&member.user_id)?.ok_or(stranger)?;
        Ok(Self { organization, team, user, live })
    }

    /// What hooks are told.
    fn told(&self, place: &str) -> Object {
        let told = Object::new().json("teamMember", place).json("team", &json::team(&self.team).finish());
        concerning(told, Some(&self.user), &self.organization)
    }
}

/// Puts a member of an organization in one of its teams.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_TEAM_MEMBER, TEAM_NOT_FOUND, ORGANIZATION_NOT_FOUND, TEAM_MEMBER_LIMIT_REACHED.
pub(in crate::plugin::organization) fn add_member(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<TeamMember, AuthError> {
    let refusal = codes::YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_TEAM_MEMBER;
    let change = Change::begin(caller, body, "update", refusal)?;
    before(hook!(before_add_team_member_function), || {
        let place = Object::new().text("teamId", &change.team.id).text("userId", &change.user.id);
        change.told(&place.finish())
    })?;
    let added = seat(&change.team, &change.user.id, &change.live)?;
    after(hook!(after_add_team_member_function), || change.told(&json::team_member(&added).finish()))?;
    Ok(added)
}

/// Takes a member of an organization out of one of its teams.
///
/// # Errors
/// As of [`add_member`], with YOU_ARE_NOT_ALLOWED_TO_REMOVE_A_TEAM_MEMBER and USER_IS_NOT_A_MEMBER_OF_THE_TEAM.
pub(in crate::plugin::organization) fn remove_member(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<(), AuthError> {
    let refusal = codes::YOU_ARE_NOT_ALLOWED_TO_REMOVE_A_TEAM_MEMBER;
    let change = Change::begin(caller, body, "delete", refusal)?;
    let place = team::find_member(&change.team.id, &change.user.id)?;
    let place = json::team_member(&place.ok_or(codes::USER_IS_NOT_A_MEMBER_OF_THE_TEAM)?).finish();
    before(hook!(before_remove_team_member_function), || change.told(&place))?;
    team::remove_member(&change.team.id, &change.user.id)?;
    after(hook!(after_remove_team_member_function), || change.told(&place))
}
