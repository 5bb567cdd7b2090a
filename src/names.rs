//! What Better Auth's tables and columns are called here: `better_auth.model_names` and
//! `better_auth.field_names`, Better Auth's `modelName` and `fields`.

use std::sync::OnceLock;

use crate::plugin;
use crate::settings::parts;

/// Better Auth's own models, in the order of `store::catalog::Table`, and the fields of each that may have another
/// name. An id is always `id`, as in Better Auth. The last one of `account` is of other releases.
const CORE: [(&str, &[&str]); 5] = [
    ("user", &["name", "email", "emailVerified", "image", "createdAt", "updatedAt"]),
    ("session", &["expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId"]),
    (
        "account",
        &[
            "accountId",
            "providerId",
            "userId",
            "accessToken",
            "refreshToken",
            "idToken",
            "accessTokenExpiresAt",
            "refreshTokenExpiresAt",
            "scope",
            "password",
            "createdAt",
            "updatedAt",
            "issuer",
        ],
    ),
    ("verification", &["identifier", "value", "expiresAt", "createdAt", "updatedAt"]),
    ("rateLimit", &["key", "count", "lastRequest"]),
];

/// A model, and the fields of it that may have another name.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<&'static str>,
}

/// Better Auth's models and the plugins', on or off, in the order of `store::catalog::Table`.
pub(crate) fn models() -> &'static [Model] {
    static MODELS: OnceLock<Vec<Model>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let core = CORE.iter().map(|(name, fields)| (*name, fields.to_vec()));
        let tables = plugin::TABLES.iter().map(|definition| {
            let fields = definition.columns.iter().map(|(field, _)| *field);
            (definition.model, fields.filter(|field| *field != "id").collect())
        });
        let with_added = |(name, mut fields): (&'static str, Vec<&'static str>)| {
            let added = plugin::all().flat_map(|plugin| plugin.columns());
            fields.extend(added.filter(|column| column.model == name).map(|column| column.name));
            Model { name, fields }
        };
        core.chain(tables).map(with_added).collect()
    })
}

/// Tables of the same schema that are this extension's own.
pub(crate) const OURS: [&str; 5] =
    ["signing_secret", "mail_outbox", "oauth_provider", "provider_key", "fetch_outbox"];

/// The part of `field_names` that stands for all fields in snake_case.
pub(crate) const SNAKE_CASE: &str = "snake_case";

/// The longest name that PostgreSQL keeps whole, in bytes.
const LONGEST: usize = 63;

/// The names that the settings give; what they don't name is called as in Better Auth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Names {
    models: Vec<String>,
    fields: Vec<Vec<String>>,
}

impl Default for Names {
    fn default() -> Self {
        let owned = |model: &Model| model.fields.iter().map(|field| (*field).to_owned()).collect();
        Self {
            models: models().iter().map(|model| model.name.to_owned()).collect(),
            fields: models().iter().map(owned).collect(),
        }
    }
}

impl Names {
    /// What both settings say.
    ///
    /// # Errors
    /// What is wrong with them, for a person.
    pub(crate) fn parse(models: &str, fields: &str) -> Result<Self, String> {
        Ok(Self { models: parse_models(models)?, fields: parse_fields(fields)? })
    }

    /// The table's name.
    pub(crate) fn model(&self, model: usize) -> Option<&str> {
        self.models.get(model).map(String::as_str)
    }

    /// The column's name; that of the field where nothing else was said.
    pub(crate) fn field<'a>(&'a self, model: usize, field: &'a str) -> &'a str {
        let place =
            models().get(model).and_then(|model| model.fields.iter().position(|known| *known == field));
        let named = place.and_then(|place| self.fields.get(model)?.get(place));
        named.map_or(field, String::as_str)
    }
}

/// `model_names`: `user=users, rateLimit=rate_limit`.
fn parse_models(list: &str) -> Result<Vec<String>, String> {
    let mut names = Names::default().models;
    let mut given = vec![false; names.len()];
    for part in parts(list) {
        let (model, name) = pair(part)?;
        let place = models().iter().position(|known| known.name == model).ok_or_else(|| no_model(model))?;
        if std::mem::replace(&mut given[place], true) {
            return Err(format!("Model \"{model}\" is named twice."));
        }
        names[place] = name.to_owned();
    }
    if let Some(ours) = OURS.iter().find(|ours| names.iter().any(|name| name == **ours)) {
        return Err(format!("\"{ours}\" is a table of better_auth itself."));
    }
    // What a plugin calls its own where nothing was said is judged where the plugin is on.
    let counts = |place: &usize| *place < CORE.len() || given[*place];
    distinct((0..names.len()).filter(counts).map(|place| names[place].as_str()), "tables")?;
    Ok(names)
}

/// `field_names`: `snake_case, user.image=avatar`.
fn parse_fields(list: &str) -> Result<Vec<Vec<String>>, String> {
    let mut names = Names::default().fields;
    let mut given: Vec<(&str, &str)> = Vec::new();
    for (index, part) in parts(list).enumerate() {
        if part == SNAKE_CASE {
            if index > 0 {
                return Err("\"snake_case\" comes first, before names of single fields.".into());
            }
            let snake = |model: &Model| model.fields.iter().map(|field| snake_case(field)).collect();
            names = models().iter().map(snake).collect();
            continue;
        }
        let (field, name) = pair(part)?;
        let (model, field) =
            field.split_once('.').ok_or_else(|| format!("\"{field}\" is not of the form model.field."))?;
        let (model, field) = (model.trim(), field.trim());
        let (place, fields) = models()
            .iter()
            .enumerate()
            .find_map(|(place, known)| (known.name == model).then_some((place, &known.fields)))
            .ok_or_else(|| no_model(model))?;
        let column = fields.iter().position(|known| *known == field).ok_or_else(|| {
            format!("\"{model}\" has no field \"{field}\" that can be named; it has {}.", all(fields))
        })?;
        if given.contains(&(model, field)) {
            return Err(format!("Field \"{model}.{field}\" is named twice."));
        }
        given.push((model, field));
        names[place][column] = name.to_owned();
    }
    for (place, (names, model)) in names.iter().zip(models()).enumerate() {
        let core = CORE.get(place).map_or(0, |(_, fields)| fields.len());
        let counts = |(field, _): &(usize, &String)| {
            *field < core || given.contains(&(model.name, model.fields[*field]))
        };
        let named = names.iter().enumerate().filter(counts).map(|(_, name)| name.as_str());
        distinct(named.chain(["id"]), &format!("fields of \"{}\"", model.name))?;
    }
    Ok(names)
}

/// `left=right`, where the right side is a name.
fn pair(part: &str) -> Result<(&str, &str), String> {
    let (left, name) =
        part.split_once('=').ok_or_else(|| format!("\"{part}\" is not of the form name=other_name."))?;
    let (left, name) = (left.trim(), name.trim());
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$')) {
        return Err(format!("\"{name}\" is not a name: letters, digits, and _ - $."));
    }
    if name.len() > LONGEST {
        return Err(format!("\"{name}\" is longer than {LONGEST} bytes."));
    }
    Ok((left, name))
}

fn distinct<'n>(names: impl Iterator<Item = &'n str>, what: &str) -> Result<(), String> {
    let mut seen = std::collections::HashSet::new();
    let twice = names.into_iter().find(|name| !seen.insert(*name));
    twice.map_or(Ok(()), |name| Err(format!("Two {what} would be called \"{name}\".")))
}

fn no_model(model: &str) -> String {
    let known: Vec<&str> = models().iter().map(|known| known.name).collect();
    format!("There is no model \"{model}\"; there are {}.", all(&known))
}

fn all(names: &[&str]) -> String {
    names.join(", ")
}

/// A name without what conventions differ in: capitals and underscores.
pub(crate) fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// `emailVerified` as `email_verified`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Within a server: from the list of plugins, whose names are among these, everything is reached.
#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
#[allow(clippy::unwrap_used)]
mod tests {
    use pgrx::prelude::*;

    use super::*;

    #[pg_test]
    fn what_is_not_named_is_called_as_in_better_auth() {
        let names =
            Names::parse("user=users , rateLimit=rate_limit", "user.emailVerified=email_verified").unwrap();
        assert_eq!(names.model(0), Some("users"));
        assert_eq!(names.model(1), Some("session"));
        assert_eq!(names.model(4), Some("rate_limit"));
        assert_eq!(names.field(0, "emailVerified"), "email_verified");
        assert_eq!(names.field(0, "createdAt"), "createdAt");
        assert_eq!(names.field(0, "id"), "id");
        assert_eq!(names.field(0, "bio"), "bio");
    }

    #[pg_test]
    fn snake_case_stands_for_all_and_single_names_come_after_it() {
        let names = Names::parse("", "snake_case, user.image = avatar").unwrap();
        assert_eq!(names.field(2, "refreshTokenExpiresAt"), "refresh_token_expires_at");
        assert_eq!(names.field(1, "ipAddress"), "ip_address");
        assert_eq!(names.field(4, "lastRequest"), "last_request");
        assert_eq!(names.field(0, "image"), "avatar");
        assert_eq!(Names::parse("", "").unwrap().field(1, "ipAddress"), "ipAddress");
    }

    #[pg_test]
    fn a_plugins_own_names_are_in_nobodys_way() {
        let names = Names::parse("", "user.name=username, user.image=role").unwrap();
        assert_eq!(names.field(0, "name"), "username");
        assert!(Names::parse("", "user.name=username, user.username=username").is_err());
        assert!(Names::parse("", "user.role=email").is_err());
    }

    #[pg_test]
    fn nonsense_is_refused_with_what_is_wrong() {
        for (models, fields, says) in [
            ("users", "", "not of the form"),
            ("person=people", "", "no model \"person\""),
            ("user=a,user=b", "", "named twice"),
            ("user=session", "", "Two tables would be called \"session\""),
            ("user=people,session=people", "", "Two tables"),
            ("user=signing_secret", "", "itself"),
            ("user=mail_outbox", "", "itself"),
            ("account=oauth_provider", "", "itself"),
            ("user=", "", "not a name"),
            ("user=a b", "", "not a name"),
            ("user=a\"b", "", "not a name"),
            ("user=better_auth.users", "", "not a name"),
            (&format!("user={}", "x".repeat(64)), "", "longer than 63"),
            (&format!("user={}", "ü".repeat(32)), "", "longer than 63"),
            ("", "email=mail", "model.field"),
            ("", "user.id=uid", "no field \"id\""),
            ("", "user.mail=mail", "no field \"mail\""),
            ("", "users.email=mail", "no model \"users\""),
            ("", "user.email=name", "Two fields of \"user\" would be called \"name\""),
            ("", "user.email=id", "Two fields"),
            ("", "user.email=a,user.email=b", "named twice"),
            ("", "user.email=mail,snake_case", "comes first"),
            ("", "snake-case", "not of the form"),
        ] {
            let error = Names::parse(models, fields).err().unwrap_or_default();
            assert!(error.contains(says), "{models:?} {fields:?}: {error:?}");
        }
    }
}
