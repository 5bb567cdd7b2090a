//! A request with a key in its user's name: Better Auth's `enableSessionForAPIKeys`.

use super::codes;
use super::flow::verify::{Question, verify};
use super::options::{Configurations, References, may_open_sessions};
use super::store::Key;
use crate::api::http::{Context, Response};
use crate::error::AuthError;
use crate::flow::json::{self, Object};
use crate::flow::session::{Caller, Live};
use crate::settings;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::{self, User};

/// Makes a request with a key one in its owner's name, whatever its cookies say; of `get-session` it is the answer.
///
/// # Errors
/// The key is refused.
pub(super) fn open(context: &mut Context<'_>) -> Result<Option<Response>, AuthError> {
    if !may_open_sessions() {
        return Ok(None);
    }
    let configurations = Configurations::now()?;
    let header = |name: &str| context.request.header(name).map(|value| value.into_owned());
    let Some((configuration, brought)) = configurations.brought(|one| one.opens_sessions, header) else {
        return Ok(None);
    };
    // Its length alone tells that it is none.
    if brought.encode_utf16().count() < configuration.key_length {
        return Err(AuthError::ApiWith(codes::INVALID_API_KEY, 403));
    }
    let question = Question {
        key: &brought,
        permissions: None,
        lookup: configuration,
        expected: configuration.id.as_deref(),
        suits: |_| true,
        is_for_request: false,
    };
    let key = verify(&configurations, &question)?;
    let invalid = || AuthError::from(codes::INVALID_REFERENCE_ID_FROM_API_KEY);
    if configuration.references != References::User {
        return Err(invalid());
    }
    let user = user::find(&key.reference_id)?.ok_or_else(invalid)?;
    let client = context.client();
    let known = |text: Option<&str>| text.filter(|_| !context.is_direct).map(str::to_owned);
    let mut live = stand_in(&key, brought, user);
    live.session.ip_address = known(client.ip_address);
    live.session.user_agent = known(client.user_agent);
    if context.path == "/get-session" {
        return Ok(Some(Response::json(answer(&live))));
    }
    // Fresh is who has signed in just now, and lists the tokens of the user's sessions.
    live.session.created_at = Timestamp::MIN;
    context.bring(live);
    Ok(None)
}

/// The session that a key stands for, which is in no table.
pub(super) fn stand_in(key: &Key, brought: String, user: User) -> Live {
    let now = Timestamp::now();
    // Better Auth takes the lifetime of sessions, which is in seconds, for milliseconds.
    let expires_at = key.expires_at.unwrap_or_else(|| now.plus_milliseconds(settings::session_expires_in()));
    let session = Session {
        id: key.id.clone(),
        token: brought,
        user_id: key.reference_id.clone(),
        ip_address: None,
        user_agent: None,
        created_at: now,
        updated_at: now,
        expires_at,
        additional: None,
    };
    Live { session, user }
}

/// The session in the order that Better Auth makes it in.
fn answer(live: &Live) -> String {
    let session = Object::new()
        .text("id", &live.session.id)
        .text("token", &live.session.token)
        .text("userId", &live.session.user_id)
        .optional("userAgent", live.session.user_agent.as_deref())
        .optional("ipAddress", live.session.ip_address.as_deref())
        .date("createdAt", live.session.created_at)
        .date("updatedAt", live.session.updated_at)
        .date("expiresAt", live.session.expires_at);
    Object::new().json("user", &json::user(&live.user)).json("session", &session.finish()).finish()
}
