//! The plugin's settings: Better Auth's options. The plain ones make the configuration `default`;
//! `api_key_configurations` has more of them, with Better Auth's names.

use pgrx::PostgresGucEnum;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;

use crate::error::AuthError;
use crate::flow::json::stringify;
use crate::plugin::access::statements;
use crate::settings::parts;

/// Who owns a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum References {
    #[name = c"user"]
    User,
    #[name = c"organization"]
    Organization,
}

crate::settings::settings! {
    "api_key_";
    text configurations = None,
        c"More configurations, or all of them: a JSON array of objects with Better Auth's names of the options, each with a configId.",
        c"Better Auth: apiKey([...]). The settings api_key_... are those of the configuration default, unless one here is called so.";
    text api_key_headers = Some(c"x-api-key"),
        c"The headers that a key may come in, separated by commas.",
        c"Better Auth: apiKeyHeaders.";
    flag disable_key_hashing = false,
        c"Keys are stored as they are.",
        c"Better Auth: disableKeyHashing.";
    length default_key_length = 64,
        c"Length of a key without its prefix.",
        c"Better Auth: defaultKeyLength.";
    text default_prefix = None,
        c"What keys begin with.",
        c"Better Auth: defaultPrefix.";
    limit maximum_prefix_length = 32,
        c"The longest prefix of a key; -1 for any.",
        c"Better Auth: maximumPrefixLength.";
    limit minimum_prefix_length = 1,
        c"The shortest prefix of a key.",
        c"Better Auth: minimumPrefixLength.";
    flag require_name = false,
        c"Keys must have a name.",
        c"Better Auth: requireName.";
    limit maximum_name_length = 32,
        c"The longest name of a key; -1 for any.",
        c"Better Auth: maximumNameLength.";
    limit minimum_name_length = 1,
        c"The shortest name of a key.",
        c"Better Auth: minimumNameLength.";
    flag enable_metadata = false,
        c"Keys may have metadata.",
        c"Better Auth: enableMetadata.";
    seconds key_expiration_default_expires_in = 0,
        c"Lifetime of keys that are made without one; 0 for ever.",
        c"Better Auth: keyExpiration.defaultExpiresIn.";
    flag key_expiration_disable_custom_expires_time = false,
        c"Nobody chooses the lifetime of a key.",
        c"Better Auth: keyExpiration.disableCustomExpiresTime.";
    limit key_expiration_max_expires_in = 365,
        c"The longest lifetime of a key, in days; -1 for any.",
        c"Better Auth: keyExpiration.maxExpiresIn.";
    limit key_expiration_min_expires_in = 1,
        c"The shortest lifetime of a key, in days.",
        c"Better Auth: keyExpiration.minExpiresIn.";
    flag rate_limit_enabled = true,
        c"The uses of keys are limited.",
        c"Better Auth: rateLimit.enabled.";
    limit rate_limit_time_window = 86_400_000,
        c"The time in which uses of a new key are counted, in milliseconds; -1 for no limit.",
        c"Better Auth: rateLimit.timeWindow.";
    limit rate_limit_max_requests = 10,
        c"How often a new key may be used in that time; -1 for no limit.",
        c"Better Auth: rateLimit.maxRequests.";
    flag starting_characters_should_store = true,
        c"The first characters of a key are stored, to tell it by.",
        c"Better Auth: startingCharactersConfig.shouldStore.";
    limit starting_characters_length = 6,
        c"How many these are.",
        c"Better Auth: startingCharactersConfig.charactersLength.";
    flag enable_session_for_api_keys = false,
        c"A request with a key of a user's is one in that user's name.",
        c"Better Auth: enableSessionForAPIKeys.";
    statements permissions_default_permissions = None,
        c"What keys that are made without permissions may do: {\"resource\": [\"action\", ...]}, as JSON.",
        c"Better Auth: permissions.defaultPermissions.";
    choice(References) references = References::User,
        c"Whether keys are of users or of organizations.",
        c"Better Auth: references.";
    flag pre_request = false,
        c"pre_request() takes a key in place of a bridge token: a request of PostgREST's with it alone is in its owner's name.",
        c"Of keys of users. In api_key_configurations: preRequest.";
}

/// One of the plugin's configurations.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    /// Its `configId`; of the settings' own where there is no other, none: it takes keys of any.
    pub(super) id: Option<String>,
    /// In lower case.
    pub(super) headers: Vec<String>,
    pub(super) key_length: usize,
    pub(super) default_prefix: Option<String>,
    /// The shortest and the longest.
    pub(super) prefix_length: (f64, f64),
    pub(super) name_length: (f64, f64),
    pub(super) requires_name: bool,
    pub(super) has_metadata: bool,
    pub(super) is_plain: bool,
    /// In seconds.
    pub(super) default_expires_in: Option<f64>,
    pub(super) has_fixed_expiry: bool,
    /// The shortest and the longest, in days.
    pub(super) expires_in: (f64, f64),
    pub(super) is_limited: bool,
    /// In milliseconds.
    pub(super) window: Option<i64>,
    pub(super) max: Option<i64>,
    /// How many of a key's first characters are stored.
    pub(super) start: Option<usize>,
    pub(super) opens_sessions: bool,
    /// JSON.
    pub(super) default_permissions: Option<String>,
    pub(super) references: References,
    pub(super) is_for_pre_request: bool,
}

/// Better Auth's `configId` of the configuration that counts where none is named.
pub(super) const DEFAULT: &str = "default";

/// Better Auth's `isDefaultConfigId`.
fn is_default(id: Option<&str>) -> bool {
    id.is_none_or(|id| id.is_empty() || id == DEFAULT)
}

/// Better Auth's `configIdMatches`.
pub(super) fn matches(id: Option<&str>, expected: Option<&str>) -> bool {
    is_default(id) && is_default(expected) || id == expected
}

impl Configuration {
    /// What Better Auth takes for what isn't said.
    fn of_better_auth() -> Self {
        Self {
            id: None,
            headers: vec!["x-api-key".into()],
            key_length: 64,
            default_prefix: None,
            prefix_length: (1.0, 32.0),
            name_length: (1.0, 32.0),
            requires_name: false,
            has_metadata: false,
            is_plain: false,
            default_expires_in: None,
            has_fixed_expiry: false,
            expires_in: (1.0, 365.0),
            is_limited: true,
            window: Some(86_400_000),
            max: Some(10),
            start: Some(6),
            opens_sessions: false,
            default_permissions: None,
            references: References::User,
            is_for_pre_request: false,
        }
    }

    /// The one of the plain settings.
    fn of_settings() -> Self {
        let range = |least: Option<i64>, most: Option<i64>| {
            let number = |limit: i64| limit as f64;
            (least.map_or(0.0, number), most.map_or(f64::INFINITY, number))
        };
        let lifetime = key_expiration_default_expires_in();
        let start = starting_characters_length().and_then(|length| usize::try_from(length).ok());
        Self {
            id: None,
            headers: names(&api_key_headers().unwrap_or_default()),
            key_length: default_key_length(),
            default_prefix: default_prefix(),
            prefix_length: range(minimum_prefix_length(), maximum_prefix_length()),
            name_length: range(minimum_name_length(), maximum_name_length()),
            requires_name: require_name(),
            has_metadata: enable_metadata(),
            is_plain: disable_key_hashing(),
            default_expires_in: (lifetime > 0).then_some(lifetime as f64),
            has_fixed_expiry: key_expiration_disable_custom_expires_time(),
            expires_in: range(key_expiration_min_expires_in(), key_expiration_max_expires_in()),
            is_limited: rate_limit_enabled(),
            window: rate_limit_time_window(),
            max: rate_limit_max_requests(),
            start: starting_characters_should_store().then_some(start.unwrap_or(usize::MAX)),
            opens_sessions: enable_session_for_api_keys(),
            // PostgreSQL has asked before it took the value.
            default_permissions: permissions_default_permissions()
                .and_then(|json| serde_json::from_str(&json).ok())
                .map(|permissions: Value| stringify(&permissions)),
            references: references(),
            is_for_pre_request: pre_request(),
        }
    }

    /// What `configId` keys of it have.
    pub(super) fn name(&self) -> &str {
        self.id.as_deref().unwrap_or(DEFAULT)
    }
}

/// The names of headers in a list.
fn names(list: &str) -> Vec<String> {
    parts(list).map(str::to_ascii_lowercase).collect()
}

/// Whether keys may open sessions in some configuration: asked at each request.
pub(super) fn may_open_sessions() -> bool {
    enable_session_for_api_keys() || has_more()
}

/// Whether `pre_request()` may take keys of some configuration: asked at each request.
pub(super) fn may_be_for_pre_request() -> bool {
    pre_request() || has_more()
}

fn has_more() -> bool {
    configurations().is_some()
}

/// All configurations, the first of a name before others.
pub(super) struct Configurations(Rc<[Configuration]>);

impl Configurations {
    /// As the settings have them.
    ///
    /// # Errors
    /// What is wrong with `api_key_configurations`.
    pub(super) fn now() -> Result<Self, AuthError> {
        thread_local! {
            static KNOWN: RefCell<Option<(String, Rc<[Configuration]>)>> = const { RefCell::new(None) };
        }
        let Some(text) = configurations() else { return Ok(Self(Rc::new([Configuration::of_settings()]))) };
        let known = KNOWN.with_borrow(|known| {
            known.as_ref().filter(|known| known.0 == text).map(|known| Rc::clone(&known.1))
        });
        let named = match known {
            Some(named) => named,
            None => {
                let wrong = |why| AuthError::Setup(format!("better_auth.api_key_configurations: {why}"));
                let named: Rc<[_]> = parse(&text).map_err(wrong)?.into();
                KNOWN.set(Some((text, Rc::clone(&named))));
                named
            }
        };
        if named.iter().any(|one| is_default(one.id.as_deref())) {
            return Ok(Self(named));
        }
        let own = Configuration { id: Some(DEFAULT.into()), ..Configuration::of_settings() };
        Ok(Self(std::iter::once(own).chain(named.iter().cloned()).collect()))
    }

    /// Better Auth's `resolveConfiguration`: the one of this `configId`, or else the default one.
    pub(super) fn resolve(&self, id: Option<&str>) -> &Configuration {
        let named = id
            .filter(|id| !id.is_empty())
            .and_then(|id| self.0.iter().find(|one| one.id.as_deref() == Some(id)));
        named.unwrap_or_else(|| self.default())
    }

    fn default(&self) -> &Configuration {
        // There always is one: see now().
        self.0.iter().find(|one| is_default(one.id.as_deref())).unwrap_or(&self.0[0])
    }

    /// Who owns keys of a `configId`, as a list of keys sees it.
    pub(super) fn references(&self, id: Option<&str>) -> References {
        let is_it = |one: &&Configuration| match is_default(id) {
            true => is_default(one.id.as_deref()),
            false => one.id.as_deref() == id,
        };
        self.0.iter().find(is_it).map_or(References::User, |one| one.references)
    }

    /// The `configId`s of keys that aren't of users.
    pub(super) fn of_organizations(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|one| one.references == References::Organization).map(Configuration::name)
    }

    /// The first that takes a key for what `is_for` says, and finds one among the headers.
    pub(super) fn brought(
        &self,
        is_for: fn(&Configuration) -> bool,
        header: impl Fn(&str) -> Option<String>,
    ) -> Option<(&Configuration, String)> {
        self.0.iter().filter(|one| is_for(one)).find_map(|one| {
            let key = one.headers.iter().find_map(|name| header(name).filter(|key| !key.is_empty()))?;
            Some((one, key))
        })
    }
}

/// Reads the array of configurations; what is wrong with it otherwise.
fn parse(text: &str) -> Result<Vec<Configuration>, String> {
    let array: Value = serde_json::from_str(text).map_err(|_| "it is no JSON".to_owned())?;
    let Value::Array(items) = array else { return Err("it is no array".into()) };
    let mut all: Vec<Configuration> = Vec::new();
    for item in items {
        let Value::Object(options) = item else { return Err("each configuration is an object".into()) };
        let one = configuration(&options)?;
        let Some(id) = one.id.as_deref().filter(|id| !id.is_empty()) else {
            return Err("configId is required for each configuration".into());
        };
        if all.iter().any(|known| known.id.as_deref() == Some(id)) {
            return Err("configId must be unique for each configuration".into());
        }
        all.push(one);
    }
    Ok(all)
}

fn configuration(options: &Map<String, Value>) -> Result<Configuration, String> {
    let mut one = Configuration::of_better_auth();
    for (name, value) in options {
        let option = Setting { name, value };
        match name.as_str() {
            _ if value.is_null() => {}
            "configId" => one.id = Some(option.text()?),
            "apiKeyHeaders" => {
                one.headers = match value {
                    Value::Array(items) => {
                        let item =
                            |value| Setting { name, value }.text().map(|name| name.to_ascii_lowercase());
                        items.iter().map(item).collect::<Result<_, _>>()?
                    }
                    _ => vec![option.text()?.to_ascii_lowercase()],
                }
            }
            "defaultKeyLength" => {
                one.key_length = match option.whole()? {
                    0 => 64,
                    length @ 1..=4096 => usize::try_from(length).unwrap_or(64),
                    _ => return Err("defaultKeyLength is at most 4096".into()),
                }
            }
            "defaultPrefix" => one.default_prefix = Some(option.text()?).filter(|prefix| !prefix.is_empty()),
            "maximumPrefixLength" => one.prefix_length.1 = option.number()?,
            "minimumPrefixLength" => one.prefix_length.0 = option.number()?,
            "maximumNameLength" => one.name_length.1 = option.number()?,
            "minimumNameLength" => one.name_length.0 = option.number()?,
            "requireName" => one.requires_name = option.flag()?,
            "enableMetadata" => one.has_metadata = option.flag()?,
            "disableKeyHashing" => one.is_plain = option.flag()?,
            "enableSessionForAPIKeys" => one.opens_sessions = option.flag()?,
            "preRequest" => one.is_for_pre_request = option.flag()?,
            "references" => {
                one.references = match value.as_str() {
                    Some("user") => References::User,
                    Some("organization") => References::Organization,
                    _ => return Err("references is \"user\" or \"organization\"".into()),
                }
            }
            // What it is here anyway, and what means nothing where nothing is deferred.
            "storage" if value.as_str() == Some("database") => {}
            "deferUpdates" | "fallbackToDatabase" => drop(option.flag()?),
            "keyExpiration" => {
                for option in option.members()? {
                    match option.name {
                        _ if option.value.is_null() => {}
                        "defaultExpiresIn" => {
                            one.default_expires_in = Some(option.number()?).filter(|seconds| *seconds != 0.0);
                        }
                        "disableCustomExpiresTime" => one.has_fixed_expiry = option.flag()?,
                        "maxExpiresIn" => one.expires_in.1 = option.number()?,
                        "minExpiresIn" => one.expires_in.0 = option.number()?,
                        other => return Err(unknown(other)),
                    }
                }
            }
            "rateLimit" => {
                for option in option.members()? {
                    match option.name {
                        _ if option.value.is_null() => {}
                        "enabled" => one.is_limited = option.flag()?,
                        "timeWindow" => one.window = Some(option.whole()?),
                        "maxRequests" => one.max = Some(option.whole()?),
                        other => return Err(unknown(other)),
                    }
                }
            }
            "startingCharactersConfig" => {
                let (mut should_store, mut length) = (true, 6);
                for option in option.members()? {
                    match option.name {
                        _ if option.value.is_null() => {}
                        "shouldStore" => should_store = option.flag()?,
                        "charactersLength" => length = option.whole()?,
                        other => return Err(unknown(other)),
                    }
                }
                one.start = should_store.then_some(usize::try_from(length).unwrap_or(0));
            }
            "permissions" => {
                for option in option.members()? {
                    match option.name {
                        _ if option.value.is_null() => {}
                        "defaultPermissions" if statements(option.value.clone()).is_some() => {
                            one.default_permissions = Some(stringify(option.value));
                        }
                        "defaultPermissions" => {
                            return Err("defaultPermissions is {\"resource\": [\"action\", ...]}".into());
                        }
                        other => return Err(unknown(other)),
                    }
                }
            }
            other => return Err(unknown(other)),
        }
    }
    Ok(one)
}

fn unknown(name: &str) -> String {
    format!("there is no option \"{}\" here", crate::flow::input::excerpt(name))
}

/// One option, as it is read.
struct Setting<'o> {
    name: &'o str,
    value: &'o Value,
}

impl<'o> Setting<'o> {
    fn text(&self) -> Result<String, String> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| format!("{} is a text", self.name))
    }

    fn flag(&self) -> Result<bool, String> {
        self.value.as_bool().ok_or_else(|| format!("{} is true or false", self.name))
    }

    fn number(&self) -> Result<f64, String> {
        self.value.as_f64().ok_or_else(|| format!("{} is a number", self.name))
    }

    /// One that a column takes.
    fn whole(&self) -> Result<i64, String> {
        let whole = self.value.as_i64().filter(|number| (0..=i64::from(i32::MAX)).contains(number));
        whole.ok_or_else(|| format!("{} is a whole number up to {}", self.name, i32::MAX))
    }

    fn members(&self) -> Result<Vec<Setting<'o>>, String> {
        let members = self.value.as_object().ok_or_else(|| format!("{} is an object", self.name))?;
        Ok(members.iter().map(|(name, value)| Setting { name, value }).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn configurations_have_better_auths_options() {
        let all = parse(
            r#"[{"configId": "a", "apiKeyHeaders": ["X-One", "x-two"], "defaultPrefix": "p_", "rateLimit": {"enabled": false},
                 "keyExpiration": {"minExpiresIn": 0.5}, "permissions": {"defaultPermissions": {"files": ["read"]}},
                 "startingCharactersConfig": {"shouldStore": false}, "references": "organization", "storage": "database"},
                {"configId": "b", "preRequest": true, "defaultKeyLength": 0}]"#,
        )
        .unwrap();
        assert_eq!(all[0].headers, ["x-one", "x-two"]);
        assert_eq!(all[0].expires_in, (0.5, 365.0));
        assert_eq!(all[0].default_permissions.as_deref(), Some(r#"{"files":["read"]}"#));
        assert!(
            !all[0].is_limited && all[0].start.is_none() && all[0].references == References::Organization
        );
        assert!(all[1].is_for_pre_request && all[1].key_length == 64 && all[1].headers == ["x-api-key"]);
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for (text, why) in [
            ("x", "no JSON"),
            ("{}", "no array"),
            ("[1]", "an object"),
            ("[{}]", "required"),
            (r#"[{"configId": ""}]"#, "required"),
            (r#"[{"configId": "a"}, {"configId": "a"}]"#, "unique"),
            (r#"[{"configId": 1}]"#, "a text"),
            (r#"[{"configId": "a", "nope": 1}]"#, "\"nope\""),
            (r#"[{"configId": "a", "rateLimit": {"max": 1}}]"#, "\"max\""),
            (r#"[{"configId": "a", "rateLimit": {"maxRequests": 1.5}}]"#, "whole"),
            (r#"[{"configId": "a", "storage": "secondary-storage"}]"#, "storage"),
            (r#"[{"configId": "a", "permissions": {"defaultPermissions": {"a": 1}}}]"#, "defaultPermissions"),
        ] {
            assert!(parse(text).is_err_and(|error| error.contains(why)), "{text}");
        }
    }

    #[test]
    fn default_configurations_are_one() {
        for (one, other, are) in [
            (None, Some("default"), true),
            (Some(""), None, true),
            (Some("a"), Some("a"), true),
            (Some("a"), None, false),
            (Some("default"), Some("a"), false),
        ] {
            assert_eq!(matches(one, other), are);
        }
    }
}
