//! Who may do what in an organization: its roles, those of its own among them.

use std::cell::RefCell;
use std::rc::Rc;

use super::{codes, creator_role, options, store};
use crate::error::AuthError;
use crate::plugin::access::{Roles, Statements, Wanted, parse_statements, statements};
use crate::plugin::organization::store::OrganizationRole;

/// The names of the roles that a text joins by commas: Better Auth's `parseRoleList`.
pub(super) fn role_list(roles: &str) -> impl Iterator<Item = &str> {
    let is_space = |c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}';
    roles.split(',').map(move |role| role.trim_matches(is_space)).filter(|role| !role.is_empty())
}

/// The same joined as they are stored: Better Auth's `parseRoles`.
pub(super) fn normalized(roles: &str) -> String {
    role_list(roles).collect::<Vec<_>>().join(",")
}

/// Whether a member with these roles is one who may do what the creator may.
pub(super) fn is_creator(roles: &str) -> bool {
    let creator = creator_role();
    role_list(roles).any(|role| role == creator)
}

/// What each role allows, where an organization has none of its own: the setting, or else Better Auth's.
pub(super) fn roles() -> Rc<Roles> {
    /// Better Auth's `defaultRoles`.
    const DEFAULT: &str = r#"{
        "admin": {
            "organization": ["update"],
            "invitation": ["create", "cancel"],
            "member": ["create", "update", "delete"],
            "team": ["create", "update", "delete"],
            "ac": ["create", "read", "update", "delete"]
        },
        "owner": {
            "organization": ["update", "delete"],
            "member": ["create", "update", "delete"],
            "invitation": ["create", "cancel"],
            "team": ["create", "update", "delete"],
            "ac": ["create", "read", "update", "delete"]
        },
        "member": {"organization": [], "member": [], "invitation": [], "team": [], "ac": ["read"]}
    }"#;
    thread_local! {
        static ROLES: RefCell<Option<(String, Rc<Roles>)>> = const { RefCell::new(None) };
    }
    Roles::of_setting(&ROLES, options::roles().unwrap_or_else(|| DEFAULT.into()))
}

/// The resources and actions that there are: Better Auth's option `ac`.
pub(super) fn access_control() -> Option<Statements> {
    parse_statements(&options::access_control()?)
}

/// Whether organizations may have roles of their own: Better Auth asks for both options.
pub(super) fn is_dynamic() -> bool {
    options::dynamic_access_control() && options::access_control().is_some()
}

/// What each role allows in an organization, as far as it is one of these, which a text joins by commas.
///
/// # Errors
/// A role of its own that isn't `{"resource": ["action", ...]}`, and those of the store.
pub(super) fn roles_among(organization_id: &str, roles: &str) -> Result<Rc<Roles>, AuthError> {
    let common = self::roles();
    if !is_dynamic() {
        return Ok(common);
    }
    let names: Vec<&str> = role_list(roles).collect();
    with_own(common, store::role::named(organization_id, &names)?)
}

/// What each role allows where an organization has these of its own.
///
/// # Errors
/// One of them that isn't `{"resource": ["action", ...]}`.
pub(super) fn with_own(common: Rc<Roles>, own: Vec<OrganizationRole>) -> Result<Rc<Roles>, AuthError> {
    if own.is_empty() {
        return Ok(common);
    }
    let mut all = (*common).clone();
    for role in own {
        let invalid = || format!("Invalid permissions for role {}", role.role);
        let stored = serde_json::from_str(&role.permission).map_err(|_| AuthError::Setup(invalid()))?;
        let permission =
            statements(stored).ok_or_else(|| AuthError::Worded(codes::INVALID_PERMISSIONS, invalid()))?;
        all.extend(&role.role, permission);
    }
    Ok(Rc::new(all))
}

/// The names among these that are neither Better Auth's, nor the setting's, nor the organization's own.
///
/// # Errors
/// Those of the store.
pub(super) fn unknown<'r>(
    organization_id: &str,
    names: impl Iterator<Item = &'r str>,
) -> Result<Vec<&'r str>, AuthError> {
    /// Better Auth's `defaultRoles`, which there are whatever the setting says.
    const ALWAYS: [&str; 3] = ["admin", LOWEST, "owner"];
    let known = roles();
    let mut unknown: Vec<&str> = names.filter(|name| !ALWAYS.contains(name) && !known.has(name)).collect();
    if !unknown.is_empty() && options::dynamic_access_control() {
        let own = store::role::named(organization_id, &unknown)?;
        unknown.retain(|name| own.iter().all(|own| own.role != *name));
    }
    Ok(unknown)
}

/// The role that anybody gives who may give one.
const LOWEST: &str = "member";

/// Whether a member with the roles `own` may give roles to somebody who has some: none that allows more than they do,
/// where Better Auth keeps the creator's alone from others. A creator gives any.
///
/// # Errors
/// As [`roles_among`].
pub(super) fn may_give(organization_id: &str, own: &str, given: &str, has: &str) -> Result<bool, AuthError> {
    if is_creator(own) {
        return Ok(true);
    }
    if is_creator(given) {
        return Ok(false);
    }
    let all = roles_among(organization_id, &format!("{own},{given}"))?;
    let is_covered = |role: &str| role == LOWEST || all.cover(role_list(own), role);
    Ok(role_list(given).filter(|role| role_list(has).all(|has| has != *role)).all(is_covered))
}

/// Whether one of a member's roles allows all that is wanted: Better Auth's `hasPermission`.
///
/// # Errors
/// As [`roles_among`].
pub(super) fn allows(organization_id: &str, roles: &str, wanted: &Wanted<'_>) -> Result<bool, AuthError> {
    let all = roles_among(organization_id, roles)?;
    Ok(role_list(roles).any(|role| all.allows(role, wanted)))
}

/// The same of one action.
///
/// # Errors
/// As [`roles_among`].
pub(super) fn may(
    organization_id: &str,
    roles: &str,
    resource: &str,
    action: &str,
) -> Result<bool, AuthError> {
    allows(organization_id, roles, &[(resource, vec![action])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_joined_by_commas() {
        for (text, expected) in [
            ("owner", vec!["owner"]),
            (" admin , owner,,\u{feff}member\u{a0}", vec!["admin", "owner", "member"]),
            (" , ", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(role_list(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}
