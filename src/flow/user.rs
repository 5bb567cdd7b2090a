//! What users do with themselves: Better Auth's `update-user` and `delete-user`.

use serde_json::{Map, Value};

use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::hash;
use crate::flow::input::{Input, Issues, is_truthy};
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::session::{self, Caller, Live, Need, is_fresh, require};
use crate::flow::url::encode;
use crate::plugin;
use crate::settings;
use crate::store::catalog::Table;
use crate::store::server::{Timestamp, random_lower_token};
use crate::store::user::{self, Changes};
use crate::store::{account, verification};

/// Identifiers of deletion tokens begin with it.
const DELETE: &str = "delete-account-";

/// Length of Better Auth's deletion tokens.
const DELETE_TOKEN: usize = 32;

/// Sets name, image and additional fields of the caller's user.
///
/// # Errors
/// UNAUTHORIZED, EMAIL_CAN_NOT_BE_UPDATED, "No fields to update", VALIDATION_ERROR for a name or an image
/// that is no text (Better Auth fails, or stores what it makes of it), and those of [`fields::parse`].
pub(crate) fn update(caller: &mut dyn Caller, body: &Map<String, Value>) -> Result<Live, AuthError> {
    let live = require(caller, Need::Live)?;
    if is_truthy(body.get("email").unwrap_or(&Value::Null)) {
        return Err(Code::EMAIL_CAN_NOT_BE_UPDATED.into());
    }
    let mut additional = fields::parse(Table::User, body, Action::Update)?;
    let mut issues = Issues::of_body();
    let name = issues.optional("name", body.get("name").into());
    let image = match body.get("image") {
        Some(Value::Null) => Some(None),
        image => issues.optional("image", image.into()).map(Some),
    };
    issues.bounded("name", name);
    issues.bounded("image", image.flatten());
    issues.finish()?;
    if name.is_none() && image.is_none() && additional.is_empty() {
        return Err(Code::NO_FIELDS_TO_UPDATE.into());
    }
    for plugin in plugin::on().iter() {
        plugin.before_user_update(caller, &live.user, &mut additional)?;
    }
    let changes = Changes { name, image, additional: &additional, ..Changes::default() };
    let user = user::update(&live.user.id, &changes, Timestamp::now())?.ok_or(Code::UNAUTHORIZED)?;
    Ok(Live { session: live.session, user })
}

/// What became of a wish to be deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    Done,
    /// A mail is on its way, whose link does it.
    Mailed,
}

/// Deletes the caller's user, with all that belongs to it, if the request proves enough: the password, a
/// fresh session, or the token of a deletion mail; or sends that mail.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, 404 where deletion is switched off, CREDENTIAL_ACCOUNT_NOT_FOUND,
/// INVALID_PASSWORD, PASSWORD_TOO_LONG, INVALID_TOKEN, SESSION_EXPIRED.
pub(crate) fn delete(
    caller: &mut dyn Caller,
    password: Input<'_>,
    token: Input<'_>,
    callback_url: Input<'_>,
) -> Result<Deletion, AuthError> {
    let mut issues = Issues::of_body();
    let callback_url = issues.optional("callbackURL", callback_url).filter(|url| !url.is_empty());
    let password = issues.optional("password", password).filter(|password| !password.is_empty());
    let token = issues.optional("token", token).filter(|token| !token.is_empty());
    issues.bounded("callbackURL", callback_url);
    issues.finish()?;
    let live = require(caller, Need::Live)?;
    if !settings::delete_user_enabled() {
        return Err(AuthError::Bare(404, "Delete user is disabled"));
    }
    if let Some(password) = password {
        let account = account::credential_of(&live.user.id)?;
        let Some(stored) = account.and_then(|account| account.password) else {
            return Err(Code::CREDENTIAL_ACCOUNT_NOT_FOUND.into());
        };
        if !hash::verify(password, Some(&stored))? {
            return Err(Code::INVALID_PASSWORD.into());
        }
    }
    if let Some(token) = token {
        return delete_by_token(&live, token).map(|()| Deletion::Done);
    }
    if settings::send_delete_account_verification() {
        return send_mail(caller, &live, callback_url).map(|()| Deletion::Mailed);
    }
    if password.is_none() && !is_fresh(&live.session) {
        return Err(Code::SESSION_EXPIRED.into());
    }
    delete_user(&live.user.id)?;
    Ok(Deletion::Done)
}

/// What the link in a deletion mail does: Better Auth's `GET /delete-user/callback`.
///
/// # Errors
/// NOT_FOUND where deletion is switched off, FAILED_TO_GET_USER_INFO without a session, INVALID_TOKEN.
pub(crate) fn delete_by_link(caller: &mut dyn Caller, token: &str) -> Result<(), AuthError> {
    if !settings::delete_user_enabled() {
        return Err(Code::NOT_FOUND.into());
    }
    let live = caller.session(true)?.ok_or(Code::FAILED_TO_GET_USER_INFO)?;
    delete_by_token(&live, token)
}

fn delete_by_token(live: &Live, token: &str) -> Result<(), AuthError> {
    let identifier = format!("{DELETE}{token}");
    let invalid = AuthError::ApiWith(Code::INVALID_TOKEN, 404);
    // Somebody else's token stays good: only its owner can use it up.
    if verification::find(&identifier)?.is_none_or(|found| found.value != live.user.id)
        || verification::consume(&identifier, Timestamp::now())?.is_none()
    {
        return Err(invalid);
    }
    delete_user(&live.user.id)
}

fn send_mail(caller: &dyn Caller, live: &Live, callback_url: Option<&str>) -> Result<(), AuthError> {
    let base_url = caller.base_url()?;
    let token = random_lower_token(DELETE_TOKEN)?;
    let now = Timestamp::now();
    let expires_at = now.plus(settings::delete_token_expires_in());
    verification::create(&format!("{DELETE}{token}"), &live.user.id, expires_at, now)?;
    let callback_url = encode(callback_url.unwrap_or("/"));
    mail::send(&Draft {
        kind: Kind::DELETE_ACCOUNT,
        recipient: &live.user.email,
        url: &format!("{base_url}/delete-user/callback?token={token}&callbackURL={callback_url}"),
        token: &token,
        user: Some(&live.user),
        data: Map::new(),
        expires_at,
    })
}

/// Deletes a user. Sessions and accounts go first: tables that Better Auth didn't make may lack the cascade.
///
/// # Errors
/// What plugins refuse, and those of the store.
pub(crate) fn delete_user(id: &str) -> Result<(), AuthError> {
    plugin::on().iter().try_for_each(|plugin| plugin.before_user_deleted(id))?;
    delete_rows(id)
}

/// The same where plugins have no say: the user has become another one.
///
/// # Errors
/// Those of the store.
pub(crate) fn delete_rows(id: &str) -> Result<(), AuthError> {
    if user::lock_to_delete(id)? {
        session::end_all(id)?;
        account::delete_of_user(id)?;
        user::delete(id)?;
    }
    Ok(())
}
