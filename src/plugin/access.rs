//! Which actions on which resources a role allows: Better Auth's `plugins/access`, with the roles as data.

use serde_json::{Map, Value};
use std::collections::HashMap;
use std::rc::Rc;

use crate::flow::input::Issues;

/// What is asked for: resources, and the actions on each. All of it has to be allowed.
pub(crate) type Wanted<'a> = [(&'a str, Vec<&'a str>)];

/// Roles and what each allows: Better Auth's option `roles` of the plugins that have one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Roles(HashMap<String, Statements>);

/// Resources, and the actions on each that are allowed, or that there are.
pub(crate) type Statements = HashMap<String, Vec<String>>;

/// Reads `{"resource": ["action", ...], ...}`; `None` where it isn't that.
pub(crate) fn parse_statements(json: &str) -> Option<Statements> {
    statements(serde_json::from_str(json).ok()?)
}

/// The same of a value.
pub(crate) fn statements(value: Value) -> Option<Statements> {
    let Value::Object(statements) = value else { return None };
    let statement = |(resource, actions): (String, Value)| {
        let Value::Array(actions) = actions else { return None };
        let action = |action: Value| match action {
            Value::String(action) => Some(action),
            _ => None,
        };
        Some((resource, actions.into_iter().map(action).collect::<Option<Vec<String>>>()?))
    };
    statements.into_iter().map(statement).collect()
}

/// What is asked for in a request: an object of arrays of texts; `None` where it isn't that.
pub(crate) fn wanted(value: &Value) -> Option<Vec<(&str, Vec<&str>)>> {
    let mut wanted = Vec::new();
    for (resource, actions) in value.as_object()? {
        wanted
            .push((resource.as_str(), actions.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?));
    }
    Some(wanted)
}

/// The permissions that a request asks about, as `permissions`. Those of the old name alone, `permission`, are taken and
/// not looked at: `None`.
pub(crate) fn asked<'v>(
    issues: &mut Issues,
    fields: &'v Map<String, Value>,
) -> Option<Vec<(&'v str, Vec<&'v str>)>> {
    let permissions = fields.get("permissions").and_then(wanted);
    match (fields.get("permission").and_then(wanted), &permissions) {
        (None, None) => issues.add_whole("Invalid input"),
        (Some(_), Some(_)) => issues.add_whole("Invalid input: more than one option matched"),
        _ => {}
    }
    permissions
}

/// The roles of a setting's text, read once.
pub(crate) type Kept = std::thread::LocalKey<std::cell::RefCell<Option<(String, Rc<Roles>)>>>;

impl Roles {
    /// What a setting says now, which PostgreSQL has had checked before it took it.
    pub(crate) fn of_setting(kept: &'static Kept, now: String) -> Rc<Self> {
        let known = kept.with_borrow(|known| {
            known.as_ref().filter(|known| known.0 == now).map(|known| Rc::clone(&known.1))
        });
        known.unwrap_or_else(|| {
            let roles = Rc::new(Self::parse(&now).unwrap_or_default());
            kept.set(Some((now, Rc::clone(&roles))));
            roles
        })
    }

    /// Reads `{"role": {"resource": ["action", ...], ...}, ...}`; `None` where it isn't that.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        // A name that stands twice would be one that somebody overlooks.
        let Value::Object(roles) = serde_json::from_str(json).ok()? else { return None };
        let role = |(name, value): (String, Value)| Some((name, statements(value)?));
        // Better Auth joins roles by commas, so one with a comma would be nobody's.
        let roles = roles.into_iter().map(role).collect::<Option<HashMap<_, _>>>()?;
        roles.keys().all(|name| !name.is_empty() && !name.contains(',')).then_some(Self(roles))
    }

    /// Lets a role allow more, which there may not have been before.
    pub(crate) fn extend(&mut self, role: &str, more: Statements) {
        let statements = self.0.entry(role.to_owned()).or_default();
        for (resource, actions) in more {
            let known = statements.entry(resource).or_default();
            for action in actions {
                if !known.contains(&action) {
                    known.push(action);
                }
            }
        }
    }

    /// Whether some of these roles allow whatever another one does.
    pub(crate) fn cover<'r>(&self, roles: impl Iterator<Item = &'r str>, other: &str) -> bool {
        let Some(wanted) = self.0.get(other) else { return true };
        let known: Vec<&Statements> = roles.filter_map(|role| self.0.get(role)).collect();
        let is_allowed = |resource: &String, action: &String| {
            known.iter().any(|role| role.get(resource).is_some_and(|actions| actions.contains(action)))
        };
        wanted.iter().all(|(resource, actions)| actions.iter().all(|action| is_allowed(resource, action)))
    }

    /// Whether there is a role of that name.
    pub(crate) fn has(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }

    /// Whether a role allows all that is wanted: Better Auth's `authorize` with its connector `AND`. Nothing isn't
    /// allowed.
    pub(crate) fn allows(&self, role: &str, wanted: &Wanted<'_>) -> bool {
        let Some(statements) = self.0.get(role) else { return false };
        let is_allowed = |(resource, actions): &(&str, Vec<&str>)| {
            let allowed = statements.get(*resource).map_or(&[][..], Vec::as_slice);
            !actions.is_empty() && actions.iter().all(|action| allowed.iter().any(|known| known == action))
        };
        !wanted.is_empty() && wanted.iter().all(is_allowed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn roles_cover_what_they_allow_together() {
        let roles = Roles::parse(
            r#"{"a": {"user": ["create", "list"]}, "b": {"team": ["create"]}, "ab": {"user": ["list"], "team": ["create"]},
                "more": {"user": ["list", "ban"]}, "none": {"user": []}}"#,
        )
        .unwrap();
        for (own, other, expected) in [
            ("a,b", "ab", true),
            ("a", "ab", false),
            ("a,b", "more", false),
            ("", "none", true),
            ("", "a", false),
            ("a", "unknown", true),
            ("unknown", "a", false),
        ] {
            assert_eq!(roles.cover(own.split(','), other), expected, "{own} {other}");
        }
    }

    #[test]
    fn a_role_allows_all_or_nothing() {
        let roles =
            Roles::parse(r#"{"a": {"user": ["create", "list"], "session": []}, "none": {}}"#).unwrap();
        let user = |actions: &[&'static str]| ("user", actions.to_vec());
        for (role, wanted, expected) in [
            ("a", vec![user(&["create"])], true),
            ("a", vec![user(&["create", "list"])], true),
            ("a", vec![user(&["create", "ban"])], false),
            ("a", vec![user(&[])], false),
            ("a", vec![user(&["create"]), ("session", vec![])], false),
            ("a", vec![user(&["create"]), ("session", vec!["list"])], false),
            ("a", vec![("project", vec!["create"])], false),
            ("a", vec![("constructor", vec!["create"])], false),
            ("a", vec![], false),
            ("none", vec![user(&["create"])], false),
            ("A", vec![user(&["create"])], false),
            ("constructor", vec![user(&["create"])], false),
        ] {
            assert_eq!(roles.allows(role, &wanted), expected, "{role} {wanted:?}");
        }
        assert!(roles.has("none") && !roles.has("None"));
    }

    #[test]
    fn what_is_not_a_set_of_roles_is_refused() {
        for bad in [
            "",
            "x",
            "[]",
            "null",
            "1",
            "\"a\"",
            r#"{"a": 1}"#,
            r#"{"a": []}"#,
            r#"{"a": {"user": "create"}}"#,
            r#"{"a": {"user": [1]}}"#,
            r#"{"a": null}"#,
            r#"{"": {}}"#,
            r#"{"a,b": {}}"#,
            r#"{"a": {}} x"#,
        ] {
            assert_eq!(Roles::parse(bad), None, "{bad}");
        }
        assert_eq!(Roles::parse("{}"), Some(Roles::default()));
    }
}
