//! What becomes of a user when whoever reads the mail of its address shows up.

use crate::error::AuthError;
use crate::flow::{email_verification, password, session};
use crate::plugin;
use crate::settings;
use crate::store::account;
use crate::store::fields::Given;
use crate::store::server::Timestamp;
use crate::store::user::{self, Changes, User};

/// Makes a user, as it was found by its email, the one of who has just proven that: Better Auth's
/// `revokeUnprovenAccountAccess`. Where the address was not verified before, anybody may have signed up with it: all
/// ways in from then go first. `None` when there is no such user any more, or its email is another one by now.
///
/// # Errors
/// Those of the store.
pub(crate) fn take_over(found: &User) -> Result<Option<User>, AuthError> {
    // From here on nobody else proves it, nor changes it.
    let locked = user::lock(&found.id)?.filter(|locked| locked.email == found.email);
    let Some(user) = locked else { return Ok(None) };
    if user.email_verified {
        return Ok(Some(user));
    }
    let given = dispossess(&user)?;
    let verified = Changes { email_verified: Some(true), additional: &given, ..Changes::default() };
    user::update(&user.id, &verified, Timestamp::now())
}

/// Takes away what gets somebody in as a user of whom nothing was proven yet, and has to be locked; what is left to be
/// changed in its row.
///
/// # Errors
/// Those of the store.
pub(crate) fn dispossess(user: &User) -> Result<Vec<Given>, AuthError> {
    // In this order: a sign-in that is under way holds its account until the session is there, and then that goes too.
    account::delete_of_user(&user.id)?;
    session::end_all(&user.id)?;
    // They could have asked for a link that gives the user an address of theirs, and open it only now; or, when it had
    // one, for one that sets a password.
    if settings::change_email_enabled() {
        email_verification::void_changes(&user.id)?;
    }
    password::void_resets(&user.id)?;
    let mut given = Vec::new();
    for plugin in plugin::on().iter() {
        plugin.unproven(user, &mut given)?;
    }
    Ok(given)
}
