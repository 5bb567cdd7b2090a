//! Tokens: made for a session, and taken back once. A token's row is Better Auth's: identifier
//! `one-time-token:<stored token>`, value the token of the session.

use super::{INVALID_TOKEN, SESSION_NOT_FOUND, settings};
use crate::crypto::random::Alphabet;
use crate::error::AuthError;
use crate::flow::input::{Input, Issues};
use crate::flow::session::Live;
use crate::store::server::{Timestamp, random_text};
use crate::store::{session, verification};

/// Length of Better Auth's tokens.
const TOKEN: usize = 32;

/// Where the row of a token is.
fn identifier(token: &str) -> String {
    format!("one-time-token:{}", settings::store_token().of(token))
}

/// Makes a token for a session.
///
/// # Errors
/// Those of the store.
pub(super) fn generate(live: &Live) -> Result<String, AuthError> {
    let token = random_text(Alphabet::Default, TOKEN)?;
    let now = Timestamp::now();
    verification::create(&identifier(&token), &live.session.token, now.plus(settings::expires_in()), now)?;
    Ok(token)
}

/// Takes a token: the session that it was made for, expired or not.
///
/// # Errors
/// VALIDATION_ERROR, "Invalid token", "Session not found".
pub(super) fn verify(token: Input<'_>) -> Result<Live, AuthError> {
    let mut issues = Issues::of_body();
    let token = issues.required("token", token);
    issues.finish()?;
    let taken = verification::consume(&identifier(token), Timestamp::now())?.ok_or(INVALID_TOKEN)?;
    let (session, user) = session::find(&taken.value)?.ok_or(SESSION_NOT_FOUND)?;
    Ok(Live { session, user })
}
