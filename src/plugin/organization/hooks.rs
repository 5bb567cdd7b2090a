//! Better Auth's `organizationHooks`: functions of the DBA's that settings name, each called with one jsonb. What one
//! raises refuses the whole operation.

use serde_json::{Map, Value};

use crate::error::AuthError;
use crate::flow::json::Object;
use crate::store::function::{Answer, call};

/// Names a hook: its setting, without the prefix, and what that has.
macro_rules! hook {
    ($name:ident) => {
        (concat!("organization_", stringify!($name)), $crate::plugin::organization::options::$name())
    };
}
pub(super) use hook;

/// A setting, and the function that it names.
pub(super) type Hook = (&'static str, Option<String>);

/// Calls a hook that comes before; what it answers as `data`, which takes the place of what it was given.
///
/// # Errors
/// There is no such function, or its `data` is no object. What it raises is PostgreSQL's exception.
pub(super) fn before(
    hook: Hook,
    told: impl FnOnce() -> Object,
) -> Result<Option<Map<String, Value>>, AuthError> {
    let (setting, Some(name)) = hook else { return Ok(None) };
    let Answer::Json(Some(answer)) = call(setting, &name, &told().finish())? else { return Ok(None) };
    let Ok(Value::Object(mut answer)) = serde_json::from_str(&answer) else { return Ok(None) };
    match answer.remove("data") {
        None => Ok(None),
        Some(Value::Object(data)) => Ok(Some(data)),
        Some(_) => {
            Err(AuthError::Setup(format!("better_auth.{setting} has to answer with an object as data")))
        }
    }
}

/// Calls a hook that comes after.
///
/// # Errors
/// There is no such function. What it raises is PostgreSQL's exception.
pub(super) fn after(hook: Hook, told: impl FnOnce() -> Object) -> Result<(), AuthError> {
    let (setting, Some(name)) = hook else { return Ok(()) };
    call(setting, &name, &told().finish()).map(drop)
}

/// What a function says to a question of yes or no; `None` where no setting names one.
///
/// # Errors
/// There is no such function. What it raises is PostgreSQL's exception.
pub(super) fn decides(hook: Hook, told: impl FnOnce() -> Object) -> Result<Option<bool>, AuthError> {
    let (setting, Some(name)) = hook else { return Ok(None) };
    let answer = call(setting, &name, &told().finish())?;
    Ok(Some(matches!(answer, Answer::Json(Some(answer)) if answer == "true")))
}

/// The number that a function says; `None` where no setting names one.
///
/// # Errors
/// There is no such function, or it says something else. What it raises is PostgreSQL's exception.
pub(super) fn number(hook: Hook, told: impl FnOnce() -> Object) -> Result<Option<f64>, AuthError> {
    let (setting, Some(name)) = hook else { return Ok(None) };
    let answer = match call(setting, &name, &told().finish())? {
        Answer::Json(Some(answer)) => answer.parse().ok().filter(|number: &f64| !number.is_nan()),
        _ => None,
    };
    let refused = || AuthError::Setup(format!("better_auth.{setting} has to answer with a number"));
    answer.map(Some).ok_or_else(refused)
}

/// What a function makes, which has to have an id: that, and JSON of the whole; `None` where no setting names one, or it
/// makes nothing.
///
/// # Errors
/// There is no such function, or it makes something without an id. What it raises is PostgreSQL's exception.
pub(super) fn made(hook: Hook, told: impl FnOnce() -> Object) -> Result<Option<(String, String)>, AuthError> {
    let (setting, Some(name)) = hook else { return Ok(None) };
    let Answer::Json(Some(answer)) = call(setting, &name, &told().finish())? else { return Ok(None) };
    match serde_json::from_str(&answer) {
        Ok(Value::Object(made)) => match text(setting, &made, "id")? {
            Some(id) => Ok(Some((id.to_owned(), answer))),
            None => Err(AuthError::Setup(format!("better_auth.{setting} has to answer with an id"))),
        },
        _ => Ok(None),
    }
}

/// A text of what a hook answered as `data`, among what it was given; `None` where it is null or not there.
///
/// # Errors
/// It is no text.
pub(super) fn text<'a>(
    setting: &str,
    data: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, AuthError> {
    match data.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => {
            Err(AuthError::Setup(format!("better_auth.{setting} has to answer with a text as {name}")))
        }
    }
}
