//! Better Auth's plugins: the table of them, and the points at which the core asks them.
//!
//! Each has a folder with everything of it: its columns and tables, settings, codes, routes and flows, in files named
//! like the rooms of the core. The core never names one: it asks those that are on, in the order of
//! `better_auth.plugins`. Adding one means adding a folder, and a line in [`PLUGINS`].

pub(crate) mod access;
mod admin;
mod anonymous;
mod api_key;
mod bearer;
mod captcha;
mod custom_session;
mod device_authorization;
mod email_otp;
mod expo;
mod have_i_been_pwned;
mod jwt;
mod last_login_method;
mod listing;
#[cfg(any(test, feature = "pg_test"))]
mod made_up;
mod magic_link;
mod multi_session;
mod oauth_proxy;
mod one_tap;
mod one_time_token;
mod open_api;
mod organization;
mod passkey;
mod phone_number;
mod stored;
mod two_factor;
mod username;

use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;

use crate::api::http::{Answer, Body, Context, Request, Response, Route};
use crate::error::AuthError;
use crate::flow::new_user;
use crate::flow::session::{self, Caller, Live};
use crate::settings::{self, RateLimit, parts};
use crate::store::catalog::Table;
use crate::store::definition::Definition;
use crate::store::fields::Given;
use crate::store::session::Session;
use crate::store::user::User;

/// All plugins.
const PLUGINS: &[&dyn Plugin] = &[
    &admin::Admin,
    &anonymous::Anonymous,
    &api_key::ApiKey,
    &bearer::Bearer,
    &captcha::Captcha,
    &custom_session::CustomSession,
    &device_authorization::DeviceAuthorization,
    &email_otp::EmailOtp,
    &expo::Expo,
    &have_i_been_pwned::HaveIBeenPwned,
    &jwt::Jwt,
    &last_login_method::LastLoginMethod,
    &magic_link::MagicLink,
    &multi_session::MultiSession,
    &oauth_proxy::OauthProxy,
    &one_tap::OneTap,
    &one_time_token::OneTimeToken,
    &open_api::OpenApi,
    &organization::Organization,
    &passkey::Passkey,
    &phone_number::PhoneNumber,
    &two_factor::TwoFactor,
    &username::Username,
    #[cfg(any(test, feature = "pg_test"))]
    &made_up::MadeUp,
];

/// Tables of plugins, on or off. A table's place here is the number of its `Table::Plugin`.
pub(crate) const TABLES: &[&Definition] = &[
    &device_authorization::CODES,
    &organization::ORGANIZATIONS,
    &organization::ROLES,
    &organization::TEAMS,
    &organization::TEAM_MEMBERS,
    &organization::MEMBERS,
    &organization::INVITATIONS,
    &api_key::KEYS,
    &two_factor::TWO_FACTORS,
    &passkey::PASSKEYS,
    &jwt::KEYS,
];

/// What one of Better Auth's plugins is and does. Each point has nothing to say unless a plugin says it.
pub(crate) trait Plugin: Sync {
    /// Better Auth's id of it, as `better_auth.plugins` names it.
    fn id(&self) -> &'static str;

    /// Columns that it adds to tables, in Better Auth's order.
    fn columns(&self) -> &'static [Column] {
        &[]
    }

    /// Tables of its own: some of [`TABLES`].
    fn tables(&self) -> &'static [&'static Definition] {
        &[]
    }

    /// Functions for policies, which `migrate()` makes whether the plugin is on or not.
    fn policy_functions(&self) -> &'static [PolicyFunction] {
        &[]
    }

    /// Columns that forbid a sign-in. They are heeded where they are there, whether the plugin is on or not.
    fn bars(&self) -> &'static [Bar] {
        &[]
    }

    /// Columns of its tables that are encrypted under the cookie secret: `reencrypt_secrets()` goes through them,
    /// whether the plugin is on or not.
    fn sealed(&self) -> &'static [Sealed] {
        &[]
    }

    /// Somebody has proven by a password to be this user, for whom a bar of the plugin's is down that [`Bar::is_asked`]:
    /// what becomes of it. The user is held.
    ///
    /// # Errors
    /// Those of the store.
    fn second_factor(&self, _caller: &dyn Caller, _user: &User) -> Result<Option<SecondFactor>, AuthError> {
        Ok(None)
    }

    /// Defines its settings; whether every value that was given for one before took effect.
    fn define_settings(&self) -> bool {
        true
    }

    /// Its endpoints, those without an HTTP route among them.
    fn routes(&self) -> &'static [Route] {
        &[]
    }

    /// Its own limits, which come before Better Auth's: `rateLimit` of a plugin. The first that matches counts.
    fn limits(&self) -> Vec<Limit> {
        Vec::new()
    }

    /// The functions that `enable_rpc()` makes for it.
    fn rpc(&self) -> &'static [Rpc] {
        &[]
    }

    /// A session token that a request brings otherwise than in a cookie. It takes the place of the cookie; an empty one
    /// too, which is none.
    ///
    /// # Errors
    /// There is no usable secret.
    fn token(&self, _request: &Request) -> Result<Option<String>, AuthError> {
        Ok(None)
    }

    /// Whether a cookie of this name counts beside a session token that a call brings as an argument, which takes the
    /// place of the others.
    fn counts_beside_token(&self, _cookie: &str) -> bool {
        false
    }

    /// An origin that a request names elsewhere than in its Origin header.
    fn origin(&self, _request: &Request) -> Option<String> {
        None
    }

    /// Better Auth's `onRequest`: a request has come, of whatever method and path. It was counted, and its route isn't
    /// looked for yet. What is answered takes the place of all else.
    ///
    /// # Errors
    /// As an answer, and the request may be suspended.
    fn on_request(&self, _context: &mut Context<'_>) -> Result<Option<Response>, AuthError> {
        Ok(None)
    }

    /// Better Auth's `hooks.before`: an endpoint was asked, and hasn't looked at the body yet, which may be changed.
    ///
    /// # Errors
    /// The endpoint isn't to go on.
    fn before(&self, _caller: &mut dyn Caller, _body: &mut Map<String, Value>) -> Result<(), AuthError> {
        Ok(())
    }

    /// The same of a hook that sees the whole request: it may bring a session, or answer in place of the endpoint. It
    /// comes before the plugin's other one.
    ///
    /// # Errors
    /// The endpoint isn't to go on, and the request may be suspended.
    fn instead(&self, _context: &mut Context<'_>, _body: &mut Body) -> Result<Option<Response>, AuthError> {
        Ok(None)
    }

    /// A request of PostgREST's begins, for whose `pre_request()` this is: it may be in somebody's name by more than a
    /// token. False turns it away.
    ///
    /// # Errors
    /// The server is at fault.
    fn pre_request(&self) -> Result<bool, AuthError> {
        Ok(true)
    }

    /// A password that somebody has just chosen is about to be hashed. Nothing is written or locked yet, and the request
    /// may be suspended.
    ///
    /// # Errors
    /// It isn't to be used.
    fn before_hash(&self, _caller: &mut dyn Caller, _password: &str) -> Result<(), AuthError> {
        Ok(())
    }

    /// A user is about to be created: Better Auth's `databaseHooks.user.create.before`.
    ///
    /// # Errors
    /// The user isn't to be created.
    fn before_user(&self, _caller: &dyn Caller, _draft: &mut new_user::Draft) -> Result<(), AuthError> {
        Ok(())
    }

    /// A user has been created: `databaseHooks.user.create.after`.
    ///
    /// # Errors
    /// Those of the store. They undo the user.
    fn after_user(&self, _caller: &dyn Caller, _user: &User) -> Result<(), AuthError> {
        Ok(())
    }

    /// Additional fields of a user are about to be changed: `databaseHooks.user.update.before`.
    ///
    /// # Errors
    /// They aren't to be changed.
    fn before_user_update(
        &self,
        _caller: &dyn Caller,
        _user: &User,
        _given: &mut Vec<Given>,
    ) -> Result<(), AuthError> {
        Ok(())
    }

    /// A session is about to be opened: `databaseHooks.session.create.before`.
    ///
    /// # Errors
    /// It isn't to be opened.
    fn before_session(
        &self,
        _caller: &dyn Caller,
        _user: &User,
        _draft: &mut session::Draft,
    ) -> Result<(), AuthError> {
        Ok(())
    }

    /// A session has been opened: `databaseHooks.session.create.after`.
    ///
    /// # Errors
    /// Those of the store. They undo the session.
    fn after_session(&self, _caller: &dyn Caller, _user: &User, _session: &Session) -> Result<(), AuthError> {
        Ok(())
    }

    /// A user is about to be deleted, and isn't locked yet: what others would miss is looked at, and let go of.
    ///
    /// # Errors
    /// The user isn't to be deleted.
    fn before_user_deleted(&self, _user_id: &str) -> Result<(), AuthError> {
        Ok(())
    }

    /// All sessions of a user end, or all but one: what would open another one that the user agreed to before ends too.
    /// The user is locked. [`session::hold`] is for who makes such things.
    ///
    /// # Errors
    /// Those of the store. They undo the end of the sessions.
    fn sessions_end(&self, _user_id: &str) -> Result<(), AuthError> {
        Ok(())
    }

    /// A user has another password: what the old one alone has led to ends.
    ///
    /// # Errors
    /// Those of the store. They undo the change.
    fn password_changed(&self, _user_id: &str) -> Result<(), AuthError> {
        Ok(())
    }

    /// Who has just proven to be this user may not be who has signed up, of whom nothing was proven: ways to sign in
    /// from then, in columns of the plugin, are to be taken away. Accounts and sessions are gone. The user is locked.
    ///
    /// # Errors
    /// No column: migrate() makes it.
    fn unproven(&self, _user: &User, _given: &mut Vec<Given>) -> Result<(), AuthError> {
        Ok(())
    }

    /// Whether the user sees it in the list of the own sessions.
    fn shows_session(&self, _session: &Session) -> bool {
        true
    }

    /// Whether a session may be prolonged when that is due. One that may not ends when it was to end.
    fn may_prolong(&self, _session: &Session) -> bool {
        true
    }

    /// Whether it may change the user's row when a session is opened. A sign-in by password then holds that row for it
    /// from the beginning: one that has a weaker lock and wants a stronger one later is in the way of a reset.
    fn changes_users_at_sign_in(&self) -> bool {
        false
    }

    /// Has a user's email verified in a way of its own, in place of the mail with a link; whether it has.
    ///
    /// # Errors
    /// Those of the store.
    fn send_verification(&self, _user: &User) -> Result<bool, AuthError> {
        Ok(false)
    }

    /// Does what [`Plugin::send_verification`] does where there is nobody to send it to, so that nothing tells; whether
    /// it has.
    ///
    /// # Errors
    /// Those of the store.
    fn pretend_verification(&self, _email: &str) -> Result<bool, AuthError> {
        Ok(false)
    }

    /// Better Auth's `hooks.after`: an endpoint has answered or refused. Cookies and headers may be added, and the
    /// answer may be another one.
    ///
    /// # Errors
    /// They take the place of the answer.
    fn after(&self, _context: &mut Context<'_>, _answer: &mut Answer) -> Result<(), AuthError> {
        Ok(())
    }

    /// What `get-session` answers of a session, given what it would answer otherwise: JSON. `None` for the same.
    ///
    /// # Errors
    /// Those of the DBA's function.
    fn session_answer(&self, _live: &Live, _answer: &str) -> Result<Option<String>, AuthError> {
        Ok(None)
    }

    /// Claims that it adds to the bridge token of a session.
    ///
    /// # Errors
    /// Those of the store.
    fn claims(&self, _live: &Live, _claims: &mut Map<String, Value>) -> Result<(), AuthError> {
        Ok(())
    }

    /// Whether the claims that it added to a bridge token are still true: `pre_request()` turns away others.
    ///
    /// # Errors
    /// Those of the store.
    fn is_true(&self, _claims: &Map<String, Value>) -> Result<bool, AuthError> {
        Ok(true)
    }
}

/// A column that a plugin adds to a table, or has in one of its own under some settings alone.
pub(crate) struct Column {
    /// Better Auth's name of the table.
    pub(crate) model: &'static str,
    /// Better Auth's name of the field.
    pub(crate) name: &'static str,
    /// Type and constraints: of [`crate::store::definition`]'s.
    pub(crate) kind: &'static str,
    /// Requests may set it: not Better Auth's `input: false`.
    pub(crate) is_input: bool,
    /// What a new row gets: Better Auth's `defaultValue`.
    pub(crate) default: Option<&'static str>,
    /// Whether the plugin has it under its settings as they are. These settings tell of their changes: `column_flag`.
    pub(crate) is_on: fn() -> bool,
    /// The column that it stands after where the table is made together with it; otherwise it stands last.
    pub(crate) after: Option<&'static str>,
}

impl Column {
    /// A column of `user` that no request sets.
    pub(crate) const fn user(name: &'static str, kind: &'static str) -> Self {
        Self { model: "user", name, kind, is_input: false, default: None, is_on: || true, after: None }
    }

    /// A column of `session` that no request sets.
    pub(crate) const fn session(name: &'static str, kind: &'static str) -> Self {
        Self { model: "session", ..Self::user(name, kind) }
    }
}

/// A plugin's limit of some paths.
pub(crate) struct Limit {
    /// Whether it is this path's, which is below the base path.
    pub(crate) matches: fn(path: &str) -> bool,
    pub(crate) limit: RateLimit,
}

/// A function for policies, in schema `public`, for everybody: the C function is `<name>_wrapper`. It never fails.
pub(crate) struct PolicyFunction {
    pub(crate) name: &'static str,
    /// The types of its arguments, qualified.
    pub(crate) arguments: &'static [&'static str],
    /// The names of its arguments.
    pub(crate) names: &'static [&'static str],
    pub(crate) returns: &'static str,
    /// What PostgreSQL is told of it: STABLE and so on.
    pub(crate) properties: &'static str,
    /// The COMMENT, as it stands between quotes.
    pub(crate) comment: &'static str,
}

/// A column whose values are encrypted under the cookie secret: Better Auth's `symmetricEncrypt`. Values that are not,
/// under some settings, are left alone.
pub(crate) struct Sealed {
    pub(crate) table: Table,
    /// Better Auth's name of the field.
    pub(crate) field: &'static str,
    /// Whether the text stands there as JSON does, in quotes: so Better Auth keeps private keys.
    pub(crate) is_json: bool,
}

/// How a user has proven who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    /// By a password, which alone isn't enough where there is a second factor.
    Password,
    /// By a mail, another session, a provider.
    Other,
}

/// What a plugin says to who has proven by a password to be a user of whom that isn't enough.
pub(crate) enum SecondFactor {
    /// There is nothing left to prove: this browser has proven it before. The answer gets these cookies too.
    Proven(Vec<Cookie>),
    Missing(Challenge),
}

/// What is answered in place of a session until something else was proven.
pub(crate) struct Challenge {
    /// JSON.
    pub(crate) answer: String,
    /// Cookies that are to go, or to be set, before those of the session are taken back.
    pub(crate) cookies: Vec<Cookie>,
    /// What remembers whose challenge it is.
    pub(crate) cookie: Cookie,
    /// The member of the answer that has the value of this cookie, for callers without cookies.
    pub(crate) member: &'static str,
}

/// A signed cookie of an answer.
pub(crate) struct Cookie {
    /// Its last name.
    pub(crate) last: &'static str,
    /// Its value, and how many seconds it is kept; `None` where it is taken back.
    pub(crate) value: Option<(String, i64)>,
}

/// What a plugin's columns forbid.
pub(crate) struct Bar {
    /// The SQL that says whether it is down for the row of `user` with this alias; `None` without its columns.
    pub(crate) is_down: fn(row: &str) -> Result<Option<String>, AuthError>,
    /// What it is down for: anything, unless it is said.
    pub(crate) of: Option<Proof>,
    /// Whether the plugin, which is on, asks for what is missing in place of a refusal: [`Plugin::second_factor`].
    pub(crate) is_asked: fn() -> bool,
    /// What the user is told.
    pub(crate) refusal: fn() -> AuthError,
}

/// A function that `enable_rpc()` makes: the C function is `rpc_<name>_wrapper`.
pub(crate) struct Rpc {
    pub(crate) name: &'static str,
    /// Arguments with their defaults, each `name type`.
    pub(crate) arguments: &'static str,
    /// The COMMENT, as it stands between quotes.
    pub(crate) comment: &'static str,
}

/// All plugins, on or off.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Plugin> {
    PLUGINS.iter().copied()
}

/// What all plugins' columns forbid, on or off.
pub(crate) fn bars() -> impl Iterator<Item = &'static Bar> {
    all().flat_map(|plugin| plugin.bars())
}

/// The limit that a plugin has for a path.
pub(crate) fn limit(path: &str) -> Option<RateLimit> {
    let of = |plugin: &&dyn Plugin| plugin.limits().into_iter().find(|limit| (limit.matches)(path));
    on().iter().find_map(of).map(|limit| limit.limit)
}

/// Defines the settings of all plugins; whether every value that was given for one before took effect.
pub(crate) fn define_settings() -> bool {
    all().fold(true, |all, plugin| plugin.define_settings() & all)
}

/// The plugins that are on, in the setting's order.
pub(crate) fn on() -> Rc<[&'static dyn Plugin]> {
    thread_local! {
        static ON: RefCell<Option<(u64, Rc<[&'static dyn Plugin]>)>> = const { RefCell::new(None) };
    }
    let now = settings::field_changes();
    let known = ON
        .with_borrow(|known| known.as_ref().filter(|known| known.0 == now).map(|known| Rc::clone(&known.1)));
    known.unwrap_or_else(|| {
        // PostgreSQL has asked before it took the value.
        let on: Rc<[_]> = parse(&settings::plugins().unwrap_or_default()).unwrap_or_default().into();
        ON.set(Some((now, Rc::clone(&on))));
        on
    })
}

/// Whether a plugin is on: for plugins that look for one another.
pub(crate) fn is_on(id: &str) -> bool {
    on().iter().any(|plugin| plugin.id() == id)
}

/// `better_auth.plugins`: ids, separated by commas.
///
/// # Errors
/// What is wrong with it, for a person.
pub(crate) fn parse(list: &str) -> Result<Vec<&'static dyn Plugin>, String> {
    let mut plugins: Vec<&'static dyn Plugin> = Vec::new();
    for id in parts(list) {
        let Some(plugin) = all().find(|plugin| plugin.id() == id) else {
            let known: Vec<&str> = all().map(|plugin| plugin.id()).collect();
            return Err(format!("There is no plugin \"{id}\"; there are {}.", known.join(", ")));
        };
        if plugins.iter().any(|known| known.id() == id) {
            return Err(format!("Plugin \"{id}\" is named twice."));
        }
        plugins.push(plugin);
    }
    Ok(plugins)
}

/// What becomes of who has proven by a password to be a user of whom that isn't enough.
///
/// # Errors
/// Those of the store.
pub(crate) fn second_factor(caller: &dyn Caller, user: &User) -> Result<SecondFactor, AuthError> {
    for plugin in on().iter() {
        if let Some(factor) = plugin.second_factor(caller, user)? {
            return Ok(factor);
        }
    }
    Err(AuthError::Unsupported("no plugin that is on asks for the user's second factor"))
}

/// A session token that a request brings otherwise than in a cookie.
///
/// # Errors
/// There is no usable secret.
pub(crate) fn token(request: &Request) -> Result<Option<String>, AuthError> {
    for plugin in on().iter() {
        if let Some(token) = plugin.token(request)? {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// Whether a cookie counts beside a session token that a call brings as an argument.
pub(crate) fn counts_beside_token(cookie: &str) -> bool {
    on().iter().any(|plugin| plugin.counts_beside_token(cookie))
}

/// A request has come: what the first plugin answers that does.
///
/// # Errors
/// As an answer, and the request may be suspended.
pub(crate) fn on_request(context: &mut Context<'_>) -> Result<Option<Response>, AuthError> {
    for plugin in on().iter() {
        if let Some(response) = plugin.on_request(context)? {
            return Ok(Some(response));
        }
    }
    Ok(None)
}

/// An endpoint was asked: each plugin that is on may change the body or refuse.
///
/// # Errors
/// The first refusal.
pub(crate) fn before(caller: &mut dyn Caller, body: &mut Map<String, Value>) -> Result<(), AuthError> {
    on().iter().try_for_each(|plugin| plugin.before(caller, body))
}

/// A password that somebody has just chosen is about to be hashed.
///
/// # Errors
/// The first refusal.
pub(crate) fn before_hash(caller: &mut dyn Caller, password: &str) -> Result<(), AuthError> {
    on().iter().try_for_each(|plugin| plugin.before_hash(caller, password))
}

/// A user has another password.
///
/// # Errors
/// Those of the store.
pub(crate) fn password_changed(user_id: &str) -> Result<(), AuthError> {
    on().iter().try_for_each(|plugin| plugin.password_changed(user_id))
}

/// What `get-session` answers of a session: JSON.
///
/// # Errors
/// Those of the DBA's function.
pub(crate) fn session_answer(live: &Live, mut answer: String) -> Result<String, AuthError> {
    for plugin in on().iter() {
        if let Some(other) = plugin.session_answer(live, &answer)? {
            answer = other;
        }
    }
    Ok(answer)
}

/// Whether what plugins added to a bridge token is still true.
///
/// # Errors
/// Those of the store.
pub(crate) fn are_true(claims: &Map<String, Value>) -> Result<bool, AuthError> {
    for plugin in on().iter() {
        if !plugin.is_true(claims)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether no plugin turns a request of PostgREST's away.
///
/// # Errors
/// The server is at fault.
pub(crate) fn pre_request() -> Result<bool, AuthError> {
    for plugin in on().iter() {
        if !plugin.pre_request()? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Within a server: from the list of plugins everything is reached, and a program of its own lacks PostgreSQL's symbols.
#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use super::*;

    #[pg_test]
    fn a_list_of_plugins_keeps_its_order() {
        let ids = |list| parse(list).map(|on| on.iter().map(|plugin| plugin.id()).collect::<Vec<_>>());
        assert_eq!(ids(""), Ok(vec![]));
        assert_eq!(ids(" made-up , admin,"), Ok(vec!["made-up", "admin"]));
        for (bad, says) in
            [("nope", "no plugin \"nope\""), ("twofactor", "no plugin"), ("admin,admin", "twice")]
        {
            assert!(ids(bad).is_err_and(|why| why.contains(says)), "{bad}");
        }
    }

    #[pg_test]
    fn tables_know_their_places_and_names_stand_once() {
        for (place, definition) in TABLES.iter().enumerate() {
            assert_eq!(u8::try_from(place).map(Table::Plugin), Ok(definition.table), "{}", definition.model);
        }
        let mut seen = std::collections::HashSet::new();
        for plugin in all() {
            assert!(seen.insert(plugin.id().to_owned()));
            for column in plugin.columns() {
                assert!(seen.insert(format!("{}.{}", column.model, column.name)), "{}", column.name);
            }
        }
    }
}
