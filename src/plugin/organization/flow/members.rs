//! Members: add, remove, change, leave, list. Better Auth's crud-members.

use serde_json::{Map, Value};

use super::{actor, check_room, joined_roles, leave_active, members_per_team, organization_of};
use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues};
use crate::flow::json::{self as shared, Object};
use crate::flow::session::{Caller, Live};
use crate::plugin::listing::{self, Condition, rows};
use crate::plugin::organization::hooks::{Hook, after, before, hook, text};
use crate::plugin::organization::permission::{is_creator, may, may_give, unknown};
use crate::plugin::organization::store::member::WithUser;
use crate::plugin::organization::store::{Member, Organization, member, organization, team};
use crate::plugin::organization::{codes, creator_role, json, options};
use crate::store::user::{self, User};

/// The last of those who may do what the creator may stays what it is. The organization has to be locked.
fn check_not_last_creator(organization_id: &str, refusal: Code) -> Result<(), AuthError> {
    if member::are_several(organization_id, &creator_role())? { Ok(()) } else { Err(refusal.into()) }
}

/// What Better Auth answers where the user of a member is gone.
fn no_user() -> AuthError {
    AuthError::Field("", "User not found".into())
}

/// `{member, user, organization}`.
fn told(member: &str, user: &User, organization: &Organization) -> Object {
    Object::new()
        .json("member", member)
        .json("user", &shared::user(user))
        .json("organization", &json::organization(organization).finish())
}

/// The caller's membership in the organization that a request names, or that the session is about; who is no member waits
/// for nobody. The organization is locked from here on, so what is decided by its members is true until it is done.
///
/// # Errors
/// NO_ACTIVE_ORGANIZATION, MEMBER_NOT_FOUND.
fn own_under_lock(live: &Live, organization_id: &str) -> Result<(Member, Option<Organization>), AuthError> {
    let own =
        || member::find(organization_id, &live.user.id)?.ok_or(AuthError::from(codes::MEMBER_NOT_FOUND));
    let organization = organization::lock(&own()?.organization_id)?;
    // As it is now that nobody else changes it.
    Ok((own()?, organization))
}

/// Removes a member, and from all teams of the organization. That has to be locked.
fn delete(member: &Member) -> Result<(), AuthError> {
    member::delete(&member.id)?;
    if options::teams() {
        team::remove_user_from_all(&member.organization_id, &member.user_id)?;
    }
    Ok(())
}

// ── Adding ───────────────────────────────────────────────────────────────────────────────────────

/// Makes a user a member, without asking anybody: Better Auth's `addMember`, which HTTP doesn't reach.
///
/// # Errors
/// VALIDATION_ERROR, NO_ACTIVE_ORGANIZATION, USER_NOT_FOUND, USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION,
/// TEAM_NOT_FOUND, ORGANIZATION_NOT_FOUND, ORGANIZATION_MEMBERSHIP_LIMIT_REACHED, TEAM_MEMBER_LIMIT_REACHED, and those of
/// hooks.
pub(in crate::plugin::organization) fn add(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<Member, AuthError> {
    let mut issues = Issues::of_body();
    let user_id = issues.coerced("userId", body.get("userId"));
    let roles = issues.roles("role", body.get("role"));
    let role = joined_roles(&mut issues, &roles);
    let organization_id = issues.optional("organizationId", body.get("organizationId").into());
    let team_id = issues.optional("teamId", body.get("teamId").into());
    let mut additional = fields::of_schema(member::TABLE, body, Action::Create, &mut issues, "")?;
    issues.finish()?;

    let live = if user_id.is_empty() { None } else { caller.session_for_others()? };
    let named = organization_id.filter(|id| !id.is_empty()).map(str::to_owned);
    let organization_id = named.or_else(|| organization_of(None, live.as_ref()?));
    let organization_id = organization_id.ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
    let team_id = team_id.filter(|id| !id.is_empty());
    if team_id.is_some() && !options::teams() {
        return Err(AuthError::Field("", "Teams are not enabled".into()));
    }
    let user = if user_id.is_empty() { None } else { user::find(&user_id)? };
    let user = user.ok_or(Code::USER_NOT_FOUND)?;
    let organization = organization::lock(&organization_id)?;
    if member::find(&organization_id, &user.id)?.is_some() {
        return Err(codes::USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION.into());
    }
    let team = team_id.map(team::find).transpose()?.flatten();
    let is_here = |team: &team::Team| organization.as_ref().is_some_and(|it| it.id == team.organization_id);
    if team_id.is_some() && !team.as_ref().is_some_and(is_here) {
        return Err(codes::TEAM_NOT_FOUND.into());
    }
    let organization = organization.ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    check_room(&user, &organization)?;

    let hook: Hook = hook!(before_add_member_function);
    let setting = hook.0;
    let mut draft = Map::from_iter([
        ("userId".into(), Value::from(&*user.id)),
        ("organizationId".into(), Value::from(&*organization.id)),
        ("role".into(), Value::from(role)),
    ]);
    draft.extend(team_id.map(|id| ("teamId".into(), id.into())));
    draft.extend(fields::as_given(&additional, body));
    if let Some(data) = before(hook, || told(&Object::new().members(&draft).finish(), &user, &organization))?
    {
        fields::set_over(member::TABLE, &mut additional, &data)?;
        draft.extend(data);
    }
    let field = |name| Ok::<_, AuthError>(text(setting, &draft, name)?.unwrap_or_default());
    let member = member::create(field("organizationId")?, field("userId")?, field("role")?, &additional)?;
    if let Some(team) = team {
        let most = members_per_team(&team.id, &organization.id, live.as_ref());
        let added = most.and_then(|most| team::add_member(&team.id, &user.id, most));
        let refusal = match added {
            Ok(Some(_)) => None,
            Ok(None) => Some(codes::TEAM_MEMBER_LIMIT_REACHED.into()),
            Err(error) => Some(error),
        };
        if let Some(refusal) = refusal {
            delete(&member)?;
            return Err(refusal);
        }
    }
    after(hook!(after_add_member_function), || told(&json::member(&member).finish(), &user, &organization))?;
    Ok(member)
}

// ── Removing and leaving ─────────────────────────────────────────────────────────────────────────

/// Removes a member, by id or by email: JSON of it, with its user where it was the email.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, MEMBER_NOT_FOUND,
/// YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER, which Better Auth also answers to who may not remove an owner,
/// YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER, ORGANIZATION_NOT_FOUND, and those of the hook.
pub(in crate::plugin::organization) fn remove(
    caller: &mut dyn Caller,
    who: Input<'_>,
    organization_id: Input<'_>,
) -> Result<String, AuthError> {
    const LAST: Code = codes::YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER;
    let mut issues = Issues::of_body();
    let who = issues.required("memberIdOrEmail", who);
    let organization_id = issues.optional("organizationId", organization_id);
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = organization_of(organization_id, &live).ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
    let (own, organization) = own_under_lock(&live, &organization_id)?;
    let organization_id = &own.organization_id;
    let (target, json) = match who.contains('@') {
        true => {
            let user = user::find_by_email(&who.to_lowercase())?.ok_or(codes::MEMBER_NOT_FOUND)?;
            let target = member::find(organization_id, &user.id)?.ok_or(codes::MEMBER_NOT_FOUND)?;
            let json = json::member_with_user(&target, &user).finish();
            (target, json)
        }
        false => {
            let (target, _) = member::find_by_id(who)?.ok_or(codes::MEMBER_NOT_FOUND)?;
            let json = json::member(&target).finish();
            (target, json)
        }
    };
    if is_creator(&target.role) {
        if !is_creator(&own.role) {
            return Err(LAST.into());
        }
        check_not_last_creator(organization_id, LAST)?;
    }
    if !may(organization_id, &own.role, "member", "delete")? {
        return Err(codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER.into());
    }
    if target.organization_id != *organization_id {
        return Err(codes::MEMBER_NOT_FOUND.into());
    }
    let organization = organization.ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    let user = user::find(&target.user_id)?.ok_or_else(no_user)?;
    before(hook!(before_remove_member_function), || told(&json, &user, &organization))?;
    delete(&target)?;
    if target.user_id == live.user.id {
        leave_active(&live, organization_id)?;
    }
    after(hook!(after_remove_member_function), || told(&json, &user, &organization))?;
    Ok(json)
}

/// Ends the caller's own membership.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, MEMBER_NOT_FOUND, YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER.
pub(in crate::plugin::organization) fn leave(
    caller: &mut dyn Caller,
    organization_id: Input<'_>,
) -> Result<WithUser, AuthError> {
    let mut issues = Issues::of_body();
    let organization_id = issues.required("organizationId", organization_id);
    issues.finish()?;
    let live = actor(caller)?;
    let (own, _) = own_under_lock(&live, organization_id)?;
    if is_creator(&own.role) {
        let refusal = codes::YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER;
        check_not_last_creator(&own.organization_id, refusal)?;
    }
    delete(&own)?;
    leave_active(&live, &own.organization_id)?;
    Ok((own, live.user))
}

/// Takes a user who is about to be deleted out of all organizations, where Better Auth leaves those without an owner whose
/// last one it was. One whose only member it was stays, with nobody in it, as there.
///
/// # Errors
/// YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER where others would be left without an owner.
pub(in crate::plugin::organization) fn leave_all(user_id: &str) -> Result<(), AuthError> {
    for id in member::organizations_of(user_id)? {
        organization::lock(&id)?;
        let Some(own) = member::find(&id, user_id)? else { continue };
        let is_alone = member::count(&id, Some(2))? < 2;
        if is_creator(&own.role) && !is_alone {
            check_not_last_creator(&id, codes::YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER)?;
        }
        delete(&own)?;
    }
    Ok(())
}

// ── Roles ────────────────────────────────────────────────────────────────────────────────────────

/// Gives a member a role, or several.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, 400 without a role, NO_ACTIVE_ORGANIZATION, MEMBER_NOT_FOUND,
/// YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER, YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER, ROLE_NOT_FOUND,
/// ORGANIZATION_NOT_FOUND, and those of the hook.
pub(in crate::plugin::organization) fn update_role(
    caller: &mut dyn Caller,
    wanted: Option<&Value>,
    member_id: Input<'_>,
    organization_id: Input<'_>,
) -> Result<Member, AuthError> {
    let mut issues = Issues::of_body();
    let is_empty = wanted == Some(&Value::from(""));
    let wanted = issues.roles("role", wanted);
    let wanted = joined_roles(&mut issues, &wanted);
    let member_id = issues.required("memberId", member_id);
    let organization_id = issues.optional("organizationId", organization_id);
    issues.finish()?;
    let live = actor(caller)?;
    const NO_ROLE: AuthError = AuthError::Bare(400, "Bad Request");
    if is_empty {
        return Err(NO_ROLE);
    }
    let organization_id = organization_of(organization_id, &live).ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
    if wanted.is_empty() {
        return Err(NO_ROLE);
    }
    let (own, organization) = own_under_lock(&live, &organization_id)?;
    let organization_id = &own.organization_id;
    let target = match own.id == member_id {
        true => own.clone(),
        false => member::find_by_id(member_id)?.ok_or(codes::MEMBER_NOT_FOUND)?.0,
    };
    let refused = || AuthError::from(codes::YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER);
    if target.organization_id != *organization_id {
        return Err(refused());
    }
    let (by_creator, makes_creator) = (is_creator(&own.role), is_creator(&wanted));
    if !by_creator && (is_creator(&target.role) || makes_creator) {
        return Err(refused());
    }
    if by_creator && own.id == target.id && !makes_creator {
        let refusal = codes::YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER;
        check_not_last_creator(organization_id, refusal)?;
    }
    if !by_creator && !may(organization_id, &own.role, "member", "update")? {
        return Err(refused());
    }
    check_roles(organization_id, &wanted)?;
    if !may_give(organization_id, &own.role, &wanted, &target.role)? {
        return Err(refused());
    }
    let organization = organization.ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    let user = user::find(&target.user_id)?.ok_or_else(no_user)?;
    let hook: Hook = hook!(before_update_member_role_function);
    let setting = hook.0;
    let before_json = json::member_with_user(&target, &user).finish();
    let data = before(hook, || told(&before_json, &user, &organization).text("newRole", &wanted))?;
    let other = data.as_ref().map(|data| text(setting, data, "role")).transpose()?.flatten();
    let new_role = other.filter(|role| !role.is_empty()).unwrap_or(&wanted);
    let changed = member::set_role(&target.id, new_role)?.ok_or(codes::MEMBER_NOT_FOUND)?;
    after(hook!(after_update_member_role_function), || {
        told(&json::member(&changed).finish(), &user, &organization).text("previousRole", &target.role)
    })?;
    Ok(changed)
}

/// Refuses roles that there aren't.
///
/// # Errors
/// ROLE_NOT_FOUND, with their names.
fn check_roles(organization_id: &str, wanted: &str) -> Result<(), AuthError> {
    match unknown(organization_id, wanted.split(','))?.as_slice() {
        [] => Ok(()),
        unknown => {
            let code = codes::ROLE_NOT_FOUND;
            Err(AuthError::CodeFirst(code, format!("{}: {}", code.code, unknown.join(", "))))
        }
    }
}

// ── Looking ──────────────────────────────────────────────────────────────────────────────────────

/// What the list of members is asked for: the request's query.
pub(in crate::plugin::organization) struct Listing {
    pub(in crate::plugin::organization) list: listing::Asked,
    pub(in crate::plugin::organization) organization_id: Option<Value>,
    pub(in crate::plugin::organization) organization_slug: Option<Value>,
}

/// The caller's membership in the organization that a request names by slug or by id, or that the session is about.
///
/// # Errors
/// ORGANIZATION_NOT_FOUND, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION.
fn own_of_named(live: &Live, id: Option<&str>, slug: Option<&str>) -> Result<Member, AuthError> {
    let own = match slug.filter(|slug| !slug.is_empty()) {
        Some(slug) => {
            let found = organization::find_by_slug_with_member(slug, &live.user.id)?;
            found.ok_or(codes::ORGANIZATION_NOT_FOUND)?.1
        }
        None => {
            let id = organization_of(id, live).ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
            member::find(&id, &live.user.id)?
        }
    };
    own.ok_or_else(|| codes::YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION.into())
}

/// Members, filtered, sorted and a page at a time, and how many there are in all.
///
/// # Errors
/// VALIDATION_ERROR, also for what can't be looked for, where Better Auth fails; UNAUTHORIZED, ORGANIZATION_NOT_FOUND,
/// NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION.
pub(in crate::plugin::organization) fn list(
    caller: &mut dyn Caller,
    asked: &Listing,
) -> Result<(Vec<WithUser>, i64), AuthError> {
    /// Better Auth's, and the most that one answer holds unless a setting says more.
    const USUAL: i64 = 100;
    const MOST: i64 = 1_000;
    let mut issues = Issues::of_query();
    let wish = asked.list.read(&mut issues);
    let organization_id = issues.optional("organizationId", asked.organization_id.as_ref().into());
    let slug = issues.optional("organizationSlug", asked.organization_slug.as_ref().into());
    issues.finish()?;
    let live = actor(caller)?;
    let own = own_of_named(&live, organization_id, slug)?;
    let usual = options::membership_limit().filter(|limit| *limit > 0).unwrap_or(USUAL);
    let unknown = || AuthError::Validation(vec!["[query] Invalid input".into()]);
    let (limit, offset) = rows(wish.limit, usual).zip(rows(wish.offset, 0)).ok_or_else(unknown)?;
    let page = wish.page(limit.min(usual.max(MOST)), offset);
    let condition = match (wish.filter_field, wish.filter_values) {
        (None, _) => None,
        (Some(_), None) => return Err(unknown()),
        (Some(field), Some(values)) => Some(Condition { field, operator: wish.filter_operator, values }),
    };
    member::page(&own.organization_id, condition.as_ref(), &page)?.ok_or_else(unknown)
}

/// The caller's membership in the organization that the session is about.
///
/// # Errors
/// UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, MEMBER_NOT_FOUND.
pub(in crate::plugin::organization) fn active(caller: &mut dyn Caller) -> Result<WithUser, AuthError> {
    let live = actor(caller)?;
    let organization_id = organization_of(None, &live).ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
    let own = member::find(&organization_id, &live.user.id)?.ok_or(codes::MEMBER_NOT_FOUND)?;
    Ok((own, live.user))
}

/// The roles of a member, who is the caller unless a user is named.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, ORGANIZATION_NOT_FOUND, NO_ACTIVE_ORGANIZATION,
/// YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION.
pub(in crate::plugin::organization) fn active_role(
    caller: &mut dyn Caller,
    user_id: Input<'_>,
    organization_id: Input<'_>,
    slug: Input<'_>,
) -> Result<String, AuthError> {
    let mut issues = Issues::of_query();
    let user_id = issues.optional("userId", user_id);
    let organization_id = issues.optional("organizationId", organization_id);
    let slug = issues.optional("organizationSlug", slug);
    issues.finish()?;
    let live = actor(caller)?;
    let own = own_of_named(&live, organization_id, slug)?;
    match user_id.filter(|id| !id.is_empty()) {
        None => Ok(own.role),
        Some(user_id) => match member::find(&own.organization_id, user_id)? {
            Some(member) => Ok(member.role),
            None => Err(codes::YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION.into()),
        },
    }
}
