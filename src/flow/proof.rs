//! What becomes of a user when whoever reads the mail of its address shows up.

use crate::error::AuthError;
use crate::flow::email_verification;
use crate::settings;
use crate::store::server::Timestamp;
use crate::store::user::{self, Changes, User};
use crate::store::{account, session};

/// Makes a user the one of who has just proven the email address: Better Auth's `revokeUnprovenAccountAccess`. Where
/// the address was not verified before, anybody may have signed up with it: passwords, linked accounts and sessions
/// from then go first. `None` when there is no such user any more.
///
/// # Errors
/// Those of the store.
pub(crate) fn take_over(user_id: &str) -> Result<Option<User>, AuthError> {
    // From here on nobody else proves it.
    let Some(user) = user::lock(user_id)? else { return Ok(None) };
    if user.email_verified {
        return Ok(Some(user));
    }
    // In this order: a sign-in that is under way holds its account until the session is there, and then that goes too.
    account::delete_of_user(&user.id)?;
    session::delete_of_user(&user.id)?;
    // They could have asked for a link that gives the user an address of theirs, and open it only now.
    if settings::change_email_enabled() {
        email_verification::void_changes(&user.id)?;
    }
    let verified = Changes { email_verified: Some(true), ..Changes::default() };
    user::update(&user.id, &verified, Timestamp::now())
}
