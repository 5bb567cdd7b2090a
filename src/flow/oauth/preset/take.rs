//! How fields of a user are taken out of a provider's profile.

use serde_json::{Map, Value};

use crate::flow::oauth::answer::{at, present, string_boolean, truthy};

/// What stands in for what isn't there.
#[derive(Clone, Copy)]
pub(super) enum Else {
    /// The last one of them, whatever it is.
    Last,
    Empty,
    No,
}

/// Where a field comes from, in JavaScript's terms. Places are named as RFC 6901 names them.
pub(super) enum Take {
    /// `profile.name`.
    At(&'static str),
    /// `profile.name || profile.login || ""`.
    Or(&'static [&'static str], Else),
    /// `profile.name ?? profile.username ?? ""`.
    Present(&'static [&'static str], Else),
    /// `parseStringBoolean(profile.email_verified) ?? false`.
    StringBoolean(&'static str),
    /// `Boolean(profile.verified)`, of all of them.
    All(&'static [&'static str]),
    Fixed(bool),
    /// Whatever else.
    Of(fn(&Map<String, Value>) -> Taken),
}

/// A field's value: `Ok(None)` for undefined, an error where JavaScript throws.
pub(super) type Taken = Result<Option<Value>, Thrown>;

/// JavaScript would throw.
pub(super) struct Thrown;

impl Take {
    /// What is taken out of a profile.
    pub(super) fn of(&self, profile: &Map<String, Value>) -> Taken {
        let or = |places: &[&str], or, first: Option<&Value>| match (first, or) {
            (Some(value), _) => Some(value.clone()),
            (None, Else::Last) => places.last().and_then(|place| at(profile, place)).cloned(),
            (None, Else::Empty) => Some("".into()),
            (None, Else::No) => Some(false.into()),
        };
        Ok(match self {
            Self::At(place) => at(profile, place).cloned(),
            Self::Or(places, last) => {
                or(places, *last, places.iter().find_map(|place| truthy(profile, place)))
            }
            Self::Present(places, last) => {
                or(places, *last, places.iter().find_map(|place| present(profile, place)))
            }
            Self::StringBoolean(place) => Some(string_boolean(at(profile, place)).unwrap_or_default().into()),
            Self::All(places) => Some(places.iter().all(|place| truthy(profile, place).is_some()).into()),
            Self::Fixed(value) => Some((*value).into()),
            Self::Of(take) => take(profile)?,
        })
    }
}

/// A user's fields, in this order. `None` where JavaScript throws.
pub(super) fn user(
    fields: &[(&'static str, Take)],
    profile: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let mut user = Map::new();
    for (name, take) in fields {
        match take.of(profile) {
            Ok(Some(value)) => drop(user.insert((*name).into(), value)),
            Ok(None) => {}
            Err(Thrown) => return None,
        }
    }
    Some(user)
}
