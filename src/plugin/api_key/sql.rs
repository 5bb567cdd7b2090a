//! Keys for SQL.

use pgrx::prelude::*;

use super::flow::verify::{Question, verify};
use super::options::Configurations;
use super::{ID, json};
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::OrRaise;
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::plugin;
use crate::plugin::access::{Wanted, wanted};

/// Better Auth's `verifyApiKey`: whether a key is good, and allows what is asked; one more use of it. The answer is
/// `{valid, error, key}`.
///
/// Errors: the plugin is off; 22023 for permissions that are no object of arrays of texts.
#[pg_extern]
fn verify_api_key(
    key: Option<&str>,
    permissions: default!(Option<Jsonb<'_>>, "NULL"),
    config_id: default!(Option<&str>, "NULL"),
) -> JsonText {
    if !plugin::is_on(ID) {
        Err(AuthError::Setup(format!("plugin {ID} is off: see better_auth.plugins"))).or_raise()
    }
    let permissions = permissions.map(|permissions| permissions.value("permissions").or_raise());
    let asked = permissions.as_ref().map(|value| {
        let refused = || AuthError::Argument("permissions must be {\"resource\": [\"action\", ...]}".into());
        wanted(value).ok_or_else(refused).or_raise()
    });
    answer(key.unwrap_or_default(), asked.as_deref(), config_id).or_raise().into()
}

/// What `verify` answers. A fault of the server's is an error.
///
/// # Errors
/// The server is at fault.
pub(super) fn answer(
    key: &str,
    permissions: Option<&Wanted<'_>>,
    config_id: Option<&str>,
) -> Result<Object, AuthError> {
    let configurations = Configurations::now()?;
    let question = Question {
        key,
        permissions,
        lookup: configurations.resolve(config_id),
        expected: config_id,
        suits: |_| true,
        is_for_request: false,
    };
    match verify(&configurations, &question) {
        Ok(key) => Ok(json::valid(&key)),
        Err(error) if error.status().is_some() => Ok(json::invalid(&error)),
        Err(error) => Err(error),
    }
}
