//! Functions of the DBA's own that flows call. Each is named by a setting, takes one jsonb and runs as its
//! owner. What it raises refuses the whole operation.

use serde_json::{Map, Value};

use crate::error::AuthError;
use crate::flow::json::{self, Object};
use crate::flow::session::Live;
use crate::settings;
use crate::store::catalog::Table;
use crate::store::fields;
use crate::store::function::{Answer, call};
use crate::store::user::User;

/// Claims that say whose token it is and how long it lives: never the DBA's to set.
const RESERVED: [&str; 5] = ["sub", "sid", "iat", "nbf", "exp"];

/// Calls `before_sign_up_function` with `{user, method}`: `user` is what the request gave.
///
/// # Errors
/// The function is missing. What it raises comes through as PostgreSQL's exception.
pub(super) fn before_sign_up(
    draft: &User,
    additional: &Map<String, Value>,
    method: &str,
) -> Result<(), AuthError> {
    let Some(name) = settings::before_sign_up_function() else { return Ok(()) };
    // What every user has is as it will be stored, whatever else a request calls so.
    let mut additional = additional.clone();
    additional.retain(|name, _| !fields::core(Table::User).contains(&name.as_str()));
    let user = Object::new()
        .text("name", &draft.name)
        .text("email", &draft.email)
        .boolean("emailVerified", draft.email_verified)
        .optional("image", draft.image.as_deref())
        .members(&additional)
        .finish();
    let argument = Object::new().json("user", &user).text("method", method).finish();
    call("before_sign_up_function", &name, &argument).map(drop)
}

/// Calls `after_sign_up_function` with `{user, method}`: `user` is the new row.
///
/// # Errors
/// As [`before_sign_up`].
pub(super) fn after_sign_up(user: &User, method: &str) -> Result<(), AuthError> {
    let Some(name) = settings::after_sign_up_function() else { return Ok(()) };
    let argument = Object::new().json("user", &json::user(user)).text("method", method).finish();
    call("after_sign_up_function", &name, &argument).map(drop)
}

/// What `map_profile_to_user_function` makes of a provider's profile: fields that go over the user's. It is given
/// `{provider, profile}`.
///
/// # Errors
/// The function is missing, or answers with something else than an object.
pub(crate) fn map_profile_to_user(
    provider: &str,
    profile: &Map<String, Value>,
) -> Result<Map<String, Value>, AuthError> {
    const SETTING: &str = "map_profile_to_user_function";
    let Some(name) = settings::map_profile_to_user_function() else { return Ok(Map::new()) };
    let profile = Value::Object(profile.clone()).to_string();
    let argument = Object::new().text("provider", provider).json("profile", &profile).finish();
    let no_object = || AuthError::Setup(format!("better_auth.{SETTING} has to answer with a JSON object"));
    match call(SETTING, &name, &argument)? {
        Answer::Json(None) => Ok(Map::new()),
        Answer::Json(Some(answer)) => serde_json::from_str(&answer).map_err(|_| no_object()),
        Answer::Other => Err(no_object()),
    }
}

/// The claims that `bridge_claims_function` adds to the bridge token of a session. It is given
/// `{user, session}`, the session without its token.
///
/// # Errors
/// The function is missing, or answers with something else than an object, or with claims that are not
/// its to set.
pub(crate) fn bridge_claims(live: &Live) -> Result<Map<String, Value>, AuthError> {
    let Some(name) = settings::bridge_claims_function() else { return Ok(Map::new()) };
    let refused = |why: &str| AuthError::Setup(format!("better_auth.bridge_claims_function {why}"));
    const NO_OBJECT: &str = "has to answer with a JSON object";
    let answer = match call("bridge_claims_function", &name, &json::told(live))? {
        Answer::Json(None) => return Ok(Map::new()),
        Answer::Json(Some(answer)) => answer,
        Answer::Other => return Err(refused(NO_OBJECT)),
    };
    let claims: Map<String, Value> = serde_json::from_str(&answer).map_err(|_| refused(NO_OBJECT))?;
    if let Some(name) = RESERVED.iter().find(|name| claims.contains_key(**name)) {
        return Err(refused(&format!("must not set the claim \"{name}\"")));
    }
    Ok(claims)
}
