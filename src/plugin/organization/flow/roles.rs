//! Roles of an organization's own, and what a member may do. Better Auth's crud-access-control.

use serde_json::{Map, Value};

use super::{actor, check_index_takes, limit, organization_of, own_membership};
use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues};
use crate::flow::json::Object;
use crate::flow::session::{Caller, Live};
use crate::plugin::access::{Statements, asked};
use crate::plugin::organization::hooks::hook;
use crate::plugin::organization::permission::{access_control, allows, may, role_list, roles, roles_among};
use crate::plugin::organization::store::role::{self, By, New, TABLE};
use crate::plugin::organization::store::{Member, OrganizationRole, member, organization};
use crate::plugin::organization::{ACTIVE_ORGANIZATION, codes, options};
use crate::store::server::Timestamp;

// ── Permissions ──────────────────────────────────────────────────────────────────────────────────

/// Whether the caller may do all of something in an organization.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION.
pub(in crate::plugin::organization) fn has_permission(
    caller: &mut dyn Caller,
    fields: &Map<String, Value>,
) -> Result<bool, AuthError> {
    let mut issues = Issues::of_body();
    let named = issues.optional("organizationId", fields.get("organizationId").into());
    let wanted = asked(&mut issues, fields);
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = organization_of(named, &live).ok_or(codes::NO_ACTIVE_ORGANIZATION)?;
    let member = own_membership(&organization_id, &live, 401)?;
    wanted.map_or(Ok(false), |wanted| allows(&organization_id, &member.role, &wanted))
}

// ── What these requests have in common ───────────────────────────────────────────────────────────

/// The organization that a request is about: one that it names may be no empty text here.
fn organization_or(named: Option<&str>, live: &Live, missing: Code) -> Result<String, AuthError> {
    let named = named.map(str::to_owned).or_else(|| live.session.text_field(ACTIVE_ORGANIZATION));
    named.filter(|id| !id.is_empty()).ok_or_else(|| missing.into())
}

/// The membership of who calls, whose roles have to allow this with roles.
fn member_who_may(
    organization_id: &str,
    live: &Live,
    action: &str,
    refusal: Code,
) -> Result<Member, AuthError> {
    let member = member::find(organization_id, &live.user.id)?;
    let member = member.ok_or(codes::YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION)?;
    if may(organization_id, &member.role, "ac", action)? { Ok(member) } else { Err(refusal.into()) }
}

/// Runs a check, and runs it again once nobody else decides anything about the organization: what it finds then stays
/// until the transaction ends.
fn checked<T>(organization_id: &str, check: impl Fn() -> Result<T, AuthError>) -> Result<T, AuthError> {
    check()?;
    organization::lock(organization_id)?;
    check()
}

/// Which role a request means: by its name, or else by its id.
fn which<'v>(issues: &mut Issues, name: Option<&'v Value>, id: Option<&'v Value>) -> By<'v> {
    match (name.into(), id.into()) {
        (Input::Text(name), _) if !name.is_empty() => By::Name(name),
        (_, Input::Text(id)) if !id.is_empty() => By::Id(id),
        (Input::Text(name), id) if !matches!(id, Input::Text(_)) => {
            By::Name(issues.not_empty("roleName", Input::Text(name)))
        }
        (name, Input::Text(id)) if !matches!(name, Input::Text(_)) => {
            By::Id(issues.not_empty("roleId", Input::Text(id)))
        }
        _ => {
            issues.add_whole("Invalid input");
            By::Id("")
        }
    }
}

/// What a role is to allow, as a request has it: zod's record of arrays of texts.
fn permission<'v>(
    issues: &mut Issues,
    field: &str,
    value: Option<&'v Value>,
) -> Vec<(&'v str, Vec<&'v str>)> {
    let mut expected = |field: &str, expected: &str, value: Option<&Value>| {
        let received = Input::from(value).kind();
        issues.add(field, &format!("Invalid input: expected {expected}, received {received}"));
    };
    let Some(Value::Object(resources)) = value else {
        expected(field, "record", value);
        return Vec::new();
    };
    let mut permission = Vec::with_capacity(resources.len());
    for (resource, actions) in resources {
        let Value::Array(actions) = actions else {
            expected(&format!("{field}.{resource}"), "array", Some(actions));
            continue;
        };
        let mut known = Vec::with_capacity(actions.len());
        for (place, action) in actions.iter().enumerate() {
            match action {
                Value::String(action) => known.push(action.as_str()),
                other => expected(&format!("{field}.{resource}.{place}"), "string", Some(other)),
            }
        }
        permission.push((resource.as_str(), known));
    }
    permission
}

/// Refuses the name of a role that every organization has.
fn check_not_common(role: &str, refusal: Code) -> Result<(), AuthError> {
    if roles().has(role) { Err(refusal.into()) } else { Ok(()) }
}

/// Refuses the name of a role that the organization has already.
fn check_free(organization_id: &str, name: &str) -> Result<(), AuthError> {
    match role::find(organization_id, By::Name(name))? {
        Some(_) => Err(codes::ROLE_NAME_IS_ALREADY_TAKEN.into()),
        None => Ok(()),
    }
}

/// Refuses what there isn't, and what the member may not do either: nobody gives away more than the own roles allow.
fn check_permission(
    resources: &Statements,
    member: &Member,
    permission: &[(&str, Vec<&str>)],
    refusal: Code,
) -> Result<(), AuthError> {
    if permission.iter().any(|(resource, _)| !resources.contains_key(*resource)) {
        return Err(codes::INVALID_RESOURCE.into());
    }
    let all = roles_among(&member.organization_id, &member.role)?;
    let is_allowed = |resource: &str, action: &str| {
        role_list(&member.role).any(|role| all.allows(role, &[(resource, vec![action])]))
    };
    let missing: Vec<String> = permission
        .iter()
        .flat_map(|(resource, actions)| actions.iter().map(move |action| (*resource, *action)))
        .filter(|(resource, action)| !is_allowed(resource, action))
        .map(|(resource, action)| format!("{resource}:{action}"))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(AuthError::Listing(refusal, "missingPermissions", missing)),
    }
}

/// Refuses one role more where the organization has as many as it may have.
fn check_number(organization_id: &str) -> Result<(), AuthError> {
    let told = || Object::new().text("organizationId", organization_id);
    let setting = options::maximum_roles_per_organization();
    match limit(hook!(maximum_roles_per_organization_function), setting, told)? {
        Some(most) if role::count(organization_id)? >= most => Err(codes::TOO_MANY_ROLES.into()),
        _ => Ok(()),
    }
}

/// The JSON of a permission as a request gave it.
fn json_of(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

// ── The roles ────────────────────────────────────────────────────────────────────────────────────

/// Makes a role.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, MISSING_AC_INSTANCE, YOU_MUST_BE_IN_AN_ORGANIZATION_TO_CREATE_A_ROLE,
/// ROLE_NAME_IS_ALREADY_TAKEN, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION, YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE,
/// TOO_MANY_ROLES, INVALID_RESOURCE, those of [`fields::parse`].
pub(in crate::plugin::organization) fn create(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<OrganizationRole, AuthError> {
    let mut issues = Issues::of_body();
    let named = issues.optional("organizationId", body.get("organizationId").into());
    let name = issues.required("role", body.get("role").into());
    let wanted = permission(&mut issues, "permission", body.get("permission"));
    let additional = issues.optional_object("additionalFields", "object", body.get("additionalFields"));
    check_index_takes(&mut issues, "role", Some(name));
    issues.finish()?;
    let additional = fields::parse(TABLE, additional.unwrap_or(&Map::new()), Action::Create)?;
    let live = actor(caller)?;
    let resources = access_control().ok_or(codes::MISSING_AC_INSTANCE)?;
    let missing = codes::YOU_MUST_BE_IN_AN_ORGANIZATION_TO_CREATE_A_ROLE;
    let organization_id = organization_or(named, &live, missing)?;
    let name = name.to_lowercase();
    check_not_common(&name, codes::ROLE_NAME_IS_ALREADY_TAKEN)?;
    let refusal = codes::YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE;
    checked(&organization_id, || {
        let member = member_who_may(&organization_id, &live, "create", refusal)?;
        check_number(&organization_id)?;
        check_permission(&resources, &member, &wanted, refusal)?;
        check_free(&organization_id, &name)
    })?;
    let permission = json_of(body.get("permission"));
    role::create(&New {
        organization_id: &organization_id,
        name: &name,
        permission: &permission,
        created_at: Timestamp::now(),
        additional: &additional,
    })
}

/// Deletes a role that no member has.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_DELETE_A_ROLE, CANNOT_DELETE_A_PRE_DEFINED_ROLE, ROLE_NOT_FOUND, ROLE_IS_ASSIGNED_TO_MEMBERS.
pub(in crate::plugin::organization) fn delete(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let named = issues.optional("organizationId", body.get("organizationId").into());
    let by = which(&mut issues, body.get("roleName"), body.get("roleId"));
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = organization_or(named, &live, codes::NO_ACTIVE_ORGANIZATION)?;
    checked(&organization_id, || {
        member_who_may(&organization_id, &live, "delete", codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_A_ROLE)?;
        if let By::Name(name) = by {
            check_not_common(name, codes::CANNOT_DELETE_A_PRE_DEFINED_ROLE)?;
        }
        let found = role::find(&organization_id, by)?.ok_or(codes::ROLE_NOT_FOUND)?;
        match member::is_held(&organization_id, &found.role)? {
            true => Err(codes::ROLE_IS_ASSIGNED_TO_MEMBERS.into()),
            false => Ok(()),
        }
    })?;
    role::delete(&organization_id, by)
}

/// The roles of an organization's own.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_LIST_A_ROLE.
pub(in crate::plugin::organization) fn list(
    caller: &mut dyn Caller,
    organization_id: Option<&Value>,
) -> Result<Vec<OrganizationRole>, AuthError> {
    let mut issues = Issues::of_query();
    let named = issues.optional("organizationId", organization_id.into());
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = organization_or(named, &live, codes::NO_ACTIVE_ORGANIZATION)?;
    member_who_may(&organization_id, &live, "read", codes::YOU_ARE_NOT_ALLOWED_TO_LIST_A_ROLE)?;
    role::list(&organization_id)
}

/// One of them.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NO_ACTIVE_ORGANIZATION, YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_READ_A_ROLE, ROLE_NOT_FOUND.
pub(in crate::plugin::organization) fn get(
    caller: &mut dyn Caller,
    organization_id: Option<&Value>,
    role_name: Option<&Value>,
    role_id: Option<&Value>,
) -> Result<OrganizationRole, AuthError> {
    let mut issues = Issues::of_query();
    let named = issues.optional("organizationId", organization_id.into());
    let by = which(&mut issues, role_name, role_id);
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id = organization_or(named, &live, codes::NO_ACTIVE_ORGANIZATION)?;
    member_who_may(&organization_id, &live, "read", codes::YOU_ARE_NOT_ALLOWED_TO_READ_A_ROLE)?;
    role::find(&organization_id, by)?.ok_or_else(|| codes::ROLE_NOT_FOUND.into())
}

/// Changes a role; the role with the changes, but with the time of the change before.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, MISSING_AC_INSTANCE, NO_ACTIVE_ORGANIZATION,
/// YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION, YOU_ARE_NOT_ALLOWED_TO_UPDATE_A_ROLE, ROLE_NOT_FOUND, INVALID_RESOURCE,
/// ROLE_NAME_IS_ALREADY_TAKEN, those of [`fields::parse`].
pub(in crate::plugin::organization) fn update(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<OrganizationRole, AuthError> {
    let mut issues = Issues::of_body();
    let named = issues.optional("organizationId", body.get("organizationId").into());
    let none = Map::new();
    let data = match body.get("data") {
        Some(Value::Object(data)) => data,
        other => {
            let received = Input::from(other).kind();
            issues.add("data", &format!("Invalid input: expected object, received {received}"));
            &none
        }
    };
    let given = data.get("permission");
    let wanted = given.map(|given| permission(&mut issues, "data.permission", Some(given)));
    let new_name = issues.optional("data.roleName", data.get("roleName").into());
    let by = which(&mut issues, body.get("roleName"), body.get("roleId"));
    check_index_takes(&mut issues, "data.roleName", new_name);
    issues.finish()?;
    let additional = fields::parse(TABLE, data, Action::Update)?;
    let live = actor(caller)?;
    let resources = access_control().ok_or(codes::MISSING_AC_INSTANCE)?;
    let organization_id = organization_or(named, &live, codes::NO_ACTIVE_ORGANIZATION)?;
    let new_name = new_name.filter(|name| !name.is_empty()).map(str::to_lowercase);
    let refusal = codes::YOU_ARE_NOT_ALLOWED_TO_UPDATE_A_ROLE;
    let before = checked(&organization_id, || {
        let member = member_who_may(&organization_id, &live, "update", refusal)?;
        let found = role::find(&organization_id, by)?.ok_or(codes::ROLE_NOT_FOUND)?;
        if let Some(wanted) = &wanted {
            check_permission(&resources, &member, wanted, refusal)?;
        }
        if let Some(name) = &new_name {
            check_not_common(name, codes::ROLE_NAME_IS_ALREADY_TAKEN)?;
            check_free(&organization_id, name)?;
            // Somebody who was given a role of that name before would have this one, whoever may give it.
            if *name != found.role && member::is_held(&organization_id, name)? {
                return Err(codes::ROLE_NAME_IS_ALREADY_TAKEN.into());
            }
        }
        Ok(found)
    })?;
    let permission = given.map(|given| json_of(Some(given)));
    let changes = role::Changes {
        name: new_name.as_deref(),
        permission: permission.as_deref(),
        additional: &additional,
    };
    let after = role::update(&organization_id, by, &changes, Timestamp::now())?;
    let after = after.ok_or(codes::ROLE_NOT_FOUND)?;
    Ok(OrganizationRole { updated_at: before.updated_at, ..after })
}
