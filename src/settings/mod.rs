//! Every setting of the extension: how they are declared (`define`), the core's (`list`), and what follows from them.

pub(crate) mod define;
mod list;

use crate::crypto::password::Algorithm;
use crate::names::Names;

pub(crate) use define::{field_changes, init, settings};
pub(crate) use list::*;

/// What `model_names` and `field_names` say.
pub(crate) fn names() -> Names {
    let names = Names::parse(&model_names().unwrap_or_default(), &field_names().unwrap_or_default());
    // PostgreSQL has asked before it took the values.
    names.unwrap_or_default()
}

/// Whether that one of the two is set.
pub(crate) fn is_named(setting: &str) -> bool {
    if setting.ends_with("model_names") { model_names().is_some() } else { field_names().is_some() }
}

/// The parts of a list that is separated by commas, or spaces and commas.
pub(crate) fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

pub(crate) fn password_hash() -> Algorithm {
    match list::password_hash() {
        PasswordHash::Argon2id => Algorithm::Argon2id,
        PasswordHash::Scrypt => Algorithm::Scrypt,
    }
}

/// Whether new hashes are Better Auth's own, which are longer.
pub(crate) fn hashes_by_scrypt() -> bool {
    list::password_hash() == PasswordHash::Scrypt
}

pub(crate) fn disable_csrf_check() -> bool {
    list::disable_csrf_check().or(disable_origin_check())
}

pub(crate) fn sends_verification_on_sign_up() -> bool {
    send_verification_on_sign_up().or(require_email_verification())
}

/// Whether cookies are secure, given whether the base URL's scheme is https.
pub(crate) fn has_secure_cookies(is_https: bool) -> bool {
    use_secure_cookies().or(is_https)
}

/// How many requests are allowed in how many seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RateLimit {
    pub(crate) window: i64,
    pub(crate) max: i64,
}

/// The limit where no rule says otherwise.
pub(crate) fn default_rate_limit() -> RateLimit {
    RateLimit { window: rate_limit_window(), max: rate_limit_max().into() }
}

fn parse_rules(rules: &str) -> Option<Vec<(String, Option<RateLimit>)>> {
    let rule = |rule: &str| {
        let (path, limit) = rule.split_once('=')?;
        let limit = match limit.trim() {
            "off" => None,
            limit => {
                let (window, max) = limit.split_once('/')?;
                let number = |text: &str| {
                    text.trim().parse().ok().filter(|&number: &i64| (0..=1_000_000).contains(&number))
                };
                Some(RateLimit { window: number(window)?, max: number(max)? })
            }
        };
        path.trim().starts_with(['/', '*']).then(|| (path.trim().to_owned(), limit))
    };
    parts(rules).map(rule).collect()
}

/// A column that a setting lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AdditionalField {
    pub(crate) name: String,
    pub(crate) is_readonly: bool,
}

fn additional_fields(list: &str) -> Vec<AdditionalField> {
    let field = |part: &str| match part.split_once(':') {
        Some((name, "readonly")) => AdditionalField { name: name.trim().to_owned(), is_readonly: true },
        _ => AdditionalField { name: part.to_owned(), is_readonly: false },
    };
    let mut fields: Vec<AdditionalField> = Vec::new();
    for field in parts(list).map(field) {
        if fields.iter().all(|known| known.name != field.name) {
            fields.push(field);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_paths_with_a_window_and_a_maximum() {
        let limit = |window, max| Some(RateLimit { window, max });
        assert_eq!(
            parse_rules("/sign-in/*=60/5, /get-session = off ,*=10/100"),
            Some(vec![
                ("/sign-in/*".into(), limit(60, 5)),
                ("/get-session".into(), None),
                ("*".into(), limit(10, 100)),
            ])
        );
        for bad in ["/a", "/a=", "/a=1", "/a=1/", "/a=-1/2", "/a=x/y", "a=1/2", "/a=1/2/3", "/a=1000001/1"] {
            assert_eq!(parse_rules(bad), None, "{bad}");
        }
    }
}
