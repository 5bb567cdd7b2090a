//! Better Auth's custom-session plugin: a function of the DBA's makes what `get-session` answers.

use serde_json::value::RawValue;

use crate::api::http::{Answer, Context};
use crate::error::AuthError;
use crate::flow::json;
use crate::flow::session::Live;
use crate::plugin::Plugin;
use crate::store::function;

/// The plugin.
pub(super) struct CustomSession;

mod settings {
    crate::settings::settings! {
        "custom_session_";
        text function = None,
            c"Function (schema.name) that makes what get-session answers: jsonb {session, user}, returns jsonb.",
            c"Better Auth: the function of customSession(). One that returns json keeps the order of members.";
        flag should_mutate_list_device_sessions_endpoint = false,
            c"Have it make each of multi-session's list of a device's sessions too.",
            c"Better Auth: customSession(..., { shouldMutateListDeviceSessionsEndpoint }).";
    }
}

impl Plugin for CustomSession {
    fn id(&self) -> &'static str {
        "custom-session"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn session_answer(&self, _: &Live, answer: &str) -> Result<Option<String>, AuthError> {
        made(answer)
    }

    fn after(&self, context: &mut Context<'_>, answer: &mut Answer) -> Result<(), AuthError> {
        if context.path != "/multi-session/list-device-sessions"
            || !settings::should_mutate_list_device_sessions_endpoint()
        {
            return Ok(());
        }
        let Ok(response) = answer else { return Ok(()) };
        let Ok(sessions) = serde_json::from_str::<Vec<&RawValue>>(&response.body) else { return Ok(()) };
        let make = |session: &&RawValue| Ok(made(session.get())?.unwrap_or_else(|| session.get().to_owned()));
        let sessions = sessions.iter().map(make).collect::<Result<Vec<String>, AuthError>>()?;
        response.body = json::array(sessions.into_iter());
        Ok(())
    }
}

/// What the function makes of `{session, user}`; `None` where none is set.
fn made(session: &str) -> Result<Option<String>, AuthError> {
    const SETTING: &str = "custom_session_function";
    let Some(name) = settings::function() else { return Ok(None) };
    let made = match function::call(SETTING, &name, session)? {
        function::Answer::Json(made) => made.unwrap_or_else(|| "null".into()),
        function::Answer::Other => String::new(),
    };
    // A function that returns text may answer with anything.
    match serde_json::from_str::<&RawValue>(&made) {
        Ok(_) => Ok(Some(compact(&made))),
        Err(_) => Err(AuthError::Setup(format!("better_auth.{SETTING} has to answer with JSON"))),
    }
}

/// JSON without the white space that PostgreSQL puts between its parts, as JavaScript writes it.
fn compact(json: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    let keep = |letter: &char| {
        let is_space = !is_text && letter.is_ascii_whitespace();
        let ends = *letter == '"' && !is_escaped;
        is_escaped = is_text && *letter == '\\' && !is_escaped;
        is_text ^= ends;
        !is_space
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_but_not_within_texts() {
        for (json, compacted) in [
            (r#" { "a b" : [ 1 , " x \" y " , null ] } "#, r#"{"a b":[1," x \" y ",null]}"#),
            (r#""\\" "#, r#""\\""#),
            ("{\n\t\"a\": \"\u{a0}b\"\r}", "{\"a\":\"\u{a0}b\"}"),
            ("  1.50 ", "1.50"),
            ("", ""),
        ] {
            assert_eq!(compact(json), compacted);
        }
    }
}
