//! Password hashes as the flows use them: with fresh salt, and at the same cost for everyone.

use pgrx::PgSqlErrorCode;
use std::cell::Cell;

use crate::crypto::password::{self, Spelling, Stored};
use crate::error::AuthError;
use crate::flow::input::check_not_too_long;
use crate::settings;
use crate::store::server::{fill_random, log};
use crate::store::slot::with_slot;

/// A new hash of `password` in the form that the setting names.
///
/// # Errors
/// PASSWORD_TOO_LONG, no randomness or no memory.
pub(crate) fn hash(password: &str) -> Result<String, AuthError> {
    check_not_too_long(password)?;
    let mut salt = [0u8; 16];
    fill_random(&mut salt)?;
    Ok(with_slot(|| password::hash(password, settings::password_hash(), &salt))?)
}

/// Spends what a hash costs, so that the time of the answer doesn't tell that there was nothing to
/// verify.
///
/// # Errors
/// No memory.
pub(crate) fn spend(password: &str) -> Result<(), AuthError> {
    with_slot(|| password::hash(password, settings::password_hash(), &[0; 16]))?;
    Ok(())
}

/// Whether `password` is the one of `stored`. Without a stored hash, or with one that can't be read, it
/// is not, at the price of one hash.
///
/// Better Auth and this extension hash the NFKC of a password, other systems what was typed. A password of which these
/// differ is tried both ways, and costs two hashes wherever it is wrong: one more tells nothing.
///
/// # Errors
/// PASSWORD_TOO_LONG, or no memory.
pub(crate) fn verify(password: &str, stored: Option<&str>) -> Result<bool, AuthError> {
    check_not_too_long(password)?;
    let has_two = !password::is_normalised(password);
    let Some(stored) = stored.and_then(readable) else {
        spend(password)?;
        if has_two {
            spend(password)?;
        }
        return Ok(false);
    };
    if with_slot(|| stored.verify(password, Spelling::Normalised))? {
        return Ok(true);
    }
    if has_two && stored.may_be_foreign() {
        return Ok(with_slot(|| stored.verify(password, Spelling::Typed))?);
    }
    if has_two {
        spend(password)?;
    }
    Ok(false)
}

/// The stored hash taken apart. The DBA is told of one that can't be, once a connection: nobody signs in with it.
fn readable(stored: &str) -> Option<Stored<'_>> {
    thread_local! {
        static IS_TOLD: Cell<bool> = const { Cell::new(false) };
    }
    let parsed = Stored::parse(stored).ok();
    if parsed.is_none() && !IS_TOLD.replace(true) {
        log(
            PgSqlErrorCode::ERRCODE_WARNING,
            "a password hash was not verified: it is of no known form, or asks for too much work",
        );
    }
    parsed
}

/// Whether the setting asks for a better hash than the stored one.
pub(super) fn is_outdated(stored: &str) -> bool {
    Stored::parse(stored).is_ok_and(|stored| stored.is_outdated(settings::password_hash()))
}
