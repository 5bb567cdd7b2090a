//! Sessions: open, read with refresh, list, revoke, update. Better Auth's `get-session`, `sign-out`,
//! `list-sessions`, `update-session` and the three `revoke-*`.

use serde_json::{Map, Value};

use crate::error::{AuthError, Code};
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues};
use crate::plugin::{self, Proof};
use crate::settings;
use crate::store::account;
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::server::{Timestamp, is_writable};
use crate::store::session::{self, Session};
use crate::store::user::{self, User};

/// Lifetime in seconds of a session that is not to be remembered: one day, fixed in Better Auth.
const UNREMEMBERED: i64 = 86_400;

/// Where a session is opened from. What is not known is stored as the empty string.
#[derive(Clone, Copy, Default)]
pub(crate) struct Client<'a> {
    pub(crate) ip_address: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
}

impl Client<'_> {
    /// Adds the issues that are with what is known of it.
    pub(crate) fn check(&self, issues: &mut Issues) {
        issues.bounded("ipAddress", self.ip_address);
        issues.bounded("userAgent", self.user_agent);
    }
}

/// A session that has not expired, and its user.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) session: Session,
    pub(crate) user: User,
}

/// Who asks for something, and through which door.
pub(crate) trait Caller {
    /// The path of Better Auth's endpoint that is asked, without the base path: `/sign-in/email`.
    fn endpoint(&self) -> &str;

    /// Asked once the request is well-formed, before anything is done for it.
    ///
    /// # Errors
    /// The request comes from where it must not.
    fn admit(&mut self) -> Result<(), AuthError> {
        Ok(())
    }

    /// The session that the caller has, if it lives. One that may have been revoked a short while ago will
    /// do unless the caller `is_authoritative`: Better Auth's cookie cache.
    ///
    /// # Errors
    /// Those of the store.
    fn session(&mut self, is_authoritative: bool) -> Result<Option<Live>, AuthError>;

    /// The session in the table, for what goes on to hold rows of other users: it isn't prolonged, since of two who do
    /// that to one another each would hold the own rows and wait for the other's.
    ///
    /// # Errors
    /// Those of the store.
    fn session_for_others(&mut self) -> Result<Option<Live>, AuthError> {
        self.session(true)
    }

    /// The value of a signed cookie that the caller brought, by its last name. Who has no cookies has none.
    ///
    /// # Errors
    /// There is no usable secret.
    fn cookie(&self, _last: &str) -> Result<Option<String>, AuthError> {
        Ok(None)
    }

    /// Takes a cookie back, whatever is answered.
    fn expire_cookie(&mut self, _last: &str) {}

    /// Keeps an account in a cookie: Better Auth's `setAccountCookie`. Who has no cookies has none.
    ///
    /// # Errors
    /// There is no usable secret, or no randomness.
    fn keep_account(&mut self, _account: &Map<String, Value>) -> Result<(), AuthError> {
        Ok(())
    }

    /// Whether whoever calls fetches for us.
    fn can_fetch(&self) -> bool {
        false
    }

    /// Asks the outside world. Where nobody fetches for us, it can't be reached.
    ///
    /// # Errors
    /// [`AuthError::Suspended`], which has to get to whoever runs the request as it is.
    fn fetch(&mut self, _fetch: Fetch) -> Result<Fetched, AuthError> {
        Ok(Fetched::Failed)
    }

    /// Does what must not be done again when the request goes on after a fetch: the second time, `work` is what it was
    /// the first time, and what it wrote stays though the request is suspended, and with it all that was written until
    /// then. What was done once is found by its name.
    ///
    /// # Errors
    /// Those of `work`.
    fn once(
        &mut self,
        _name: &'static str,
        work: &mut dyn FnMut() -> Result<Value, AuthError>,
    ) -> Result<Value, AuthError> {
        work()
    }

    /// Whether [`Caller::once`] has done this, be it before a fetch.
    fn has_done(&self, _name: &str) -> bool {
        false
    }

    /// Where a session is opened from.
    fn client(&self) -> Client<'_>;

    /// What the links in mails begin with: Better Auth's `baseURL`, base path included.
    ///
    /// # Errors
    /// It isn't known.
    fn base_url(&self) -> Result<String, AuthError>;
}

/// What a session has to be for an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It may come from a cache, and have been revoked a short while ago: for what only reads.
    Cached,
    Live,
    /// Opened not long ago.
    Fresh,
}

/// The caller's live session, for what needs one.
///
/// # Errors
/// UNAUTHORIZED when there is none; SESSION_NOT_FRESH.
pub(crate) fn require(caller: &mut dyn Caller, need: Need) -> Result<Live, AuthError> {
    let live = caller.session(need != Need::Cached)?.ok_or(Code::UNAUTHORIZED)?;
    if need == Need::Fresh && !is_fresh(&live.session) {
        return Err(Code::SESSION_NOT_FRESH.into());
    }
    Ok(live)
}

/// Whether the sign-in was not too long ago.
pub(super) fn is_fresh(session: &Session) -> bool {
    let fresh_age = settings::session_fresh_age();
    fresh_age == 0 || session.created_at.plus(fresh_age) > Timestamp::now()
}

/// Refuses a user whom a plugin's columns forbid to have a session, whether that plugin is on or not.
///
/// # Errors
/// BANNED_USER.
pub(crate) fn check_standing(user_id: &str) -> Result<(), AuthError> {
    account::standing_of(user_id)?.map_or(Ok(()), |standing| standing.check(Proof::Other))
}

/// A session that is about to be opened.
pub(crate) struct Draft {
    pub(crate) created_at: Timestamp,
    /// Not where it is opened for another reason than a sign-in of the user's.
    pub(crate) expires_at: Timestamp,
    /// Columns of plugins.
    pub(crate) additional: Vec<Given>,
    /// The session whose place it takes: where that was opened from counts, not where this one is.
    pub(crate) replaces: Option<Session>,
}

impl Draft {
    /// One that lives as long as the settings say.
    pub(crate) fn new(remember_me: bool) -> Self {
        let lifetime = if remember_me { settings::session_expires_in() } else { UNREMEMBERED };
        let created_at = Timestamp::now();
        Self { created_at, expires_at: created_at.plus(lifetime), additional: Vec::new(), replaces: None }
    }
}

/// Opens a session for a user who has just proven who it is.
///
/// # Errors
/// BANNED_USER, what plugins refuse, and those of the store.
pub(crate) fn open(caller: &dyn Caller, user: &User, remember_me: bool) -> Result<Session, AuthError> {
    check_standing(&user.id)?;
    open_as(caller, user, Draft::new(remember_me))
}

/// The same once the user's standing was looked at, or as a plugin drafts it.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_as(caller: &dyn Caller, user: &User, mut draft: Draft) -> Result<Session, AuthError> {
    let client = caller.client();
    let mut issues = Issues::of_body();
    client.check(&mut issues);
    issues.finish()?;
    for plugin in plugin::on().iter() {
        plugin.before_session(caller, user, &mut draft)?;
    }
    let (ip_address, user_agent) = match &draft.replaces {
        Some(old) => (old.ip_address.as_deref(), old.user_agent.as_deref()),
        None => (client.ip_address, client.user_agent),
    };
    let session = session::create(
        &user.id,
        draft.expires_at,
        draft.created_at,
        (ip_address.unwrap_or_default(), user_agent.unwrap_or_default()),
        &draft.additional,
    )?;
    for plugin in plugin::on().iter() {
        plugin.after_session(caller, user, &session)?;
    }
    Ok(session)
}

/// Opens a session in place of a live one, which ends, with all that that one has: where what a session of the user is
/// worth has just changed. The user, as it is now, has to be locked.
///
/// # Errors
/// As [`open`].
pub(crate) fn rotate(caller: &dyn Caller, old: Session, user: User) -> Result<Live, AuthError> {
    check_standing(&user.id)?;
    let members: Map<String, Value> =
        old.additional.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let mut draft = Draft::new(true);
    // What was to end at its time does.
    if !plugin::on().iter().all(|plugin| plugin.may_prolong(&old)) {
        draft.expires_at = old.expires_at;
    }
    for field in crate::store::fields::list(Table::Session)? {
        let value = match members.get(&field.name) {
            None => continue,
            Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        draft.additional.push(Given { field, value });
    }
    let token = old.token.clone();
    draft.replaces = Some(old);
    let session = open_as(caller, &user, draft)?;
    session::delete(&token)?;
    Ok(Live { session, user })
}

/// What is found under a session token.
pub(crate) enum Found {
    /// No session, or one that has expired.
    Nothing,
    Live(Live),
    /// It has just been prolonged.
    Prolonged(Live),
}

/// Looks a session up, and prolongs it if that is due and `may_refresh`; an expired one is deleted. Writes
/// nothing in a read-only transaction or on a standby, nor when it `may_write` nothing. Where it is
/// `for_more`, the user is locked before the session: whoever is going to lock other rows of the user must
/// not wait for who waits for this session's.
///
/// # Errors
/// FAILED_TO_GET_SESSION when somebody else deletes the session just now.
pub(crate) fn look_up(
    token: &str,
    may_refresh: bool,
    may_write: bool,
    for_more: bool,
) -> Result<Found, AuthError> {
    let Some((session, user)) = session::find(token)? else { return Ok(Found::Nothing) };
    let now = Timestamp::now();
    if session.expires_at < now {
        if may_write && is_writable() {
            session::delete_expired(token, now)?;
        }
        return Ok(Found::Nothing);
    }
    if !may_refresh || !may_write || !is_due(&session, now) || !is_writable() {
        return Ok(Found::Live(Live { session, user }));
    }
    if for_more {
        user::lock(&user.id)?;
    }
    let refreshed = session::refresh(token, now.plus(settings::session_expires_in()), now)?;
    let session = refreshed.ok_or(Code::FAILED_TO_GET_SESSION)?;
    Ok(Found::Prolonged(Live { session, user }))
}

/// Whether a session is to be prolonged.
pub(crate) fn is_due(session: &Session, now: Timestamp) -> bool {
    let age = settings::session_update_age() - settings::session_expires_in();
    !settings::disable_session_refresh()
        && session.expires_at.plus(age) <= now
        && plugin::on().iter().all(|plugin| plugin.may_prolong(session))
}

/// The live session with this token: Better Auth's `get-session`.
///
/// # Errors
/// As [`look_up`].
pub(crate) fn current(
    token: Option<&str>,
    may_refresh: bool,
    for_more: bool,
) -> Result<Option<Live>, AuthError> {
    let Some(token) = token else { return Ok(None) };
    Ok(match look_up(token, may_refresh, true, for_more)? {
        Found::Nothing => None,
        Found::Live(live) | Found::Prolonged(live) => Some(live),
    })
}

/// The live sessions with these tokens, in the order of these.
///
/// # Errors
/// Those of the store.
pub(crate) fn living(tokens: &[String]) -> Result<Vec<Live>, AuthError> {
    let now = Timestamp::now();
    let mut living = Vec::new();
    for token in tokens {
        if let Some((session, user)) = session::find(token)?.filter(|(session, _)| session.expires_at >= now)
        {
            living.push(Live { session, user });
        }
    }
    Ok(living)
}

/// The id of the user whose session has this token, whether it has expired or not.
///
/// # Errors
/// Those of the store.
pub(crate) fn owner(token: &str) -> Result<Option<String>, AuthError> {
    Ok(session::find(token)?.map(|(_, user)| user.id))
}

/// Whether the session that a bridge token was minted for is still there.
///
/// # Errors
/// Those of the store.
pub(crate) fn is_live(id: &str, user_id: &str) -> Result<bool, AuthError> {
    session::is_live(id, user_id, Timestamp::now())
}

/// Deletes the session with this token, if there is one.
///
/// # Errors
/// Those of the store.
pub(crate) fn sign_out(token: Option<&str>) -> Result<(), AuthError> {
    token.map_or(Ok(()), session::delete)
}

/// The live sessions of the session's user, as [`session::list`] has them.
///
/// # Errors
/// UNAUTHORIZED, and SESSION_NOT_FRESH when the sign-in was too long ago.
pub(crate) fn list(caller: &mut dyn Caller) -> Result<Vec<Session>, AuthError> {
    let live = require(caller, Need::Fresh)?;
    let mut sessions = session::list(&live.user.id, Timestamp::now())?;
    let on = plugin::on();
    sessions.retain(|session| on.iter().all(|plugin| plugin.shows_session(session)));
    Ok(sessions)
}

/// Deletes the session with token `revoked`, if it is one of the same user. Better Auth answers alike
/// when it isn't. The caller's own session.
///
/// # Errors
/// VALIDATION_ERROR without a token to revoke; UNAUTHORIZED.
pub(crate) fn revoke(caller: &mut dyn Caller, revoked: Input<'_>) -> Result<Session, AuthError> {
    let mut issues = Issues::of_body();
    let revoked = issues.required("token", revoked);
    issues.finish()?;
    let live = require(caller, Need::Live)?;
    session::delete_one(&live.user.id, revoked)?;
    Ok(live.session)
}

/// Deletes all sessions of the session's user, this one too.
///
/// # Errors
/// UNAUTHORIZED.
pub(crate) fn revoke_all(caller: &mut dyn Caller) -> Result<(), AuthError> {
    let live = require(caller, Need::Live)?;
    user::lock(&live.user.id)?;
    end_all(&live.user.id)
}

/// Deletes all sessions of the session's user but this one: all, where Better Auth stops at 100.
///
/// # Errors
/// UNAUTHORIZED.
pub(crate) fn revoke_others(caller: &mut dyn Caller) -> Result<(), AuthError> {
    let live = require(caller, Need::Live)?;
    user::lock(&live.user.id)?;
    void_grants(&live.user.id)?;
    session::delete_others(&live.user.id, &live.session.token)
}

/// Ends all sessions of a user, and what would open another one. The user has to be locked.
///
/// # Errors
/// Those of the store.
pub(crate) fn end_all(user_id: &str) -> Result<(), AuthError> {
    void_grants(user_id)?;
    session::delete_of_user(user_id)
}

fn void_grants(user_id: &str) -> Result<(), AuthError> {
    plugin::on().iter().try_for_each(|plugin| plugin.sessions_end(user_id))
}

/// Holds the user of a session that is still there, for who is about to give the user another way to sign in: whoever
/// ends all sessions of the user has done so before, and then it is `None`, or waits for the end of the transaction.
///
/// # Errors
/// Those of the store.
pub(crate) fn hold(live: &Live) -> Result<Option<User>, AuthError> {
    let Some(user) = user::lock(&live.user.id)? else { return Ok(None) };
    Ok(is_live(&live.session.id, &user.id)?.then_some(user))
}

/// Sets additional fields of the caller's session: Better Auth's `update-session`.
///
/// # Errors
/// UNAUTHORIZED, "No fields to update", those of [`fields::parse`], and FAILED_TO_GET_SESSION when the
/// session is gone meanwhile.
pub(crate) fn update(caller: &mut dyn Caller, body: &Map<String, Value>) -> Result<Live, AuthError> {
    let live = require(caller, Need::Live)?;
    let given = fields::parse(Table::Session, body, Action::Update)?;
    if given.is_empty() {
        return Err(Code::NO_FIELDS_TO_UPDATE.into());
    }
    let session = session::update(&live.session.token, &given, Timestamp::now())?;
    Ok(Live { session: session.ok_or(Code::FAILED_TO_GET_SESSION)?, user: live.user })
}
