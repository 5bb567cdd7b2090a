//! Sessions: open, read with refresh, list, revoke. Better Auth's `get-session`, `sign-out`,
//! `list-sessions` and the three `revoke-*`.

use crate::error::{AuthError, Code};
use crate::flow::input::Issues;
use crate::settings;
use crate::store::server::{Timestamp, is_writable};
use crate::store::session::{self, Session};
use crate::store::user::User;

/// Lifetime in seconds of a session that is not to be remembered: one day, fixed in Better Auth.
const UNREMEMBERED: i64 = 86_400;

/// Where a session is opened from. What is not known is stored as the empty string.
#[derive(Clone, Copy, Default)]
pub(crate) struct Client<'a> {
    pub(crate) ip_address: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
}

impl Client<'_> {
    pub(super) fn check(&self, issues: &mut Issues) {
        issues.bounded("ipAddress", self.ip_address);
        issues.bounded("userAgent", self.user_agent);
    }
}

/// A session that has not expired, and its user.
pub(crate) struct Live {
    pub(crate) session: Session,
    pub(crate) user: User,
}

/// Opens a session for a user who has just proven who it is.
///
/// # Errors
/// Those of the store.
pub(super) fn open(user_id: &str, remember_me: bool, client: &Client<'_>) -> Result<Session, AuthError> {
    let now = Timestamp::now();
    let lifetime = if remember_me { settings::session_expires_in() } else { UNREMEMBERED };
    session::create(
        user_id,
        now.plus(lifetime),
        now,
        client.ip_address.unwrap_or_default(),
        client.user_agent.unwrap_or_default(),
    )
}

/// The live session with this token, prolonged if that is due and `may_refresh`; an expired one is
/// deleted. Writes nothing in a read-only transaction or on a standby.
///
/// # Errors
/// FAILED_TO_GET_SESSION when somebody else deletes the session just now.
pub(crate) fn current(token: Option<&str>, may_refresh: bool) -> Result<Option<Live>, AuthError> {
    let Some(token) = token else { return Ok(None) };
    let Some((session, user)) = session::find(token)? else { return Ok(None) };
    let now = Timestamp::now();
    if session.expires_at < now {
        if is_writable() {
            session::delete_expired(token, now)?;
        }
        return Ok(None);
    }
    let expires_in = settings::session_expires_in();
    let due = session.expires_at.plus(settings::session_update_age() - expires_in) <= now;
    if !due || !may_refresh || settings::disable_session_refresh() || !is_writable() {
        return Ok(Some(Live { session, user }));
    }
    let refreshed = session::refresh(token, now.plus(expires_in), now)?;
    let session = refreshed.ok_or(Code::FailedToGetSession)?;
    Ok(Some(Live { session, user }))
}

/// The live session with this token, for what needs one.
///
/// # Errors
/// UNAUTHORIZED when there is none.
pub(super) fn require(token: Option<&str>) -> Result<Live, AuthError> {
    current(token, true)?.ok_or_else(|| Code::Unauthorized.into())
}

/// Deletes the session with this token, if there is one.
///
/// # Errors
/// Those of the store.
pub(crate) fn sign_out(token: Option<&str>) -> Result<(), AuthError> {
    token.map_or(Ok(()), session::delete)
}

/// All live sessions of the session's user, oldest first.
///
/// # Errors
/// UNAUTHORIZED, and SESSION_NOT_FRESH when the sign-in was too long ago.
pub(crate) fn list(token: Option<&str>) -> Result<Vec<Session>, AuthError> {
    let live = require(token)?;
    let now = Timestamp::now();
    let fresh_age = settings::session_fresh_age();
    if fresh_age != 0 && live.session.created_at.plus(fresh_age) <= now {
        return Err(Code::SessionNotFresh.into());
    }
    session::list(&live.user.id, now)
}

/// Deletes the session with token `revoked`, if it is one of the same user. Better Auth answers alike
/// when it isn't.
///
/// # Errors
/// VALIDATION_ERROR without a token to revoke; UNAUTHORIZED.
pub(crate) fn revoke(token: Option<&str>, revoked: Option<&str>) -> Result<(), AuthError> {
    let mut issues = Issues::default();
    let revoked = issues.required("token", revoked);
    issues.finish()?;
    session::delete_one(&require(token)?.user.id, revoked)
}

/// Deletes all sessions of the session's user, this one too.
///
/// # Errors
/// UNAUTHORIZED.
pub(crate) fn revoke_all(token: Option<&str>) -> Result<(), AuthError> {
    session::delete_of_user(&require(token)?.user.id)
}

/// Deletes all sessions of the session's user but this one: all, where Better Auth stops at 100.
///
/// # Errors
/// UNAUTHORIZED.
pub(crate) fn revoke_others(token: Option<&str>) -> Result<(), AuthError> {
    let live = require(token)?;
    session::delete_others(&live.user.id, &live.session.token)
}
