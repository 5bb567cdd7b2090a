//! Password hashes as the flows use them: with fresh salt, and at the same cost for everyone.

use crate::crypto::password::{self, Stored};
use crate::error::AuthError;
use crate::flow::input::check_not_too_long;
use crate::settings;
use crate::store::server::fill_random;
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
/// # Errors
/// PASSWORD_TOO_LONG, or no memory.
pub(crate) fn verify(password: &str, stored: Option<&str>) -> Result<bool, AuthError> {
    check_not_too_long(password)?;
    match stored.and_then(|stored| Stored::parse(stored).ok()) {
        Some(stored) => Ok(with_slot(|| stored.verify(password))?),
        None => {
            spend(password)?;
            Ok(false)
        }
    }
}

/// Whether the setting asks for a better hash than the stored one.
pub(super) fn is_outdated(stored: &str) -> bool {
    Stored::parse(stored).is_ok_and(|stored| stored.is_outdated(settings::password_hash()))
}
