//! Backup codes: each is good once.

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{Proven, Prover, check_not_locked, check_password, note_failure, note_success, store};
use crate::error::AuthError;
use crate::flow::secrets;
use crate::flow::session::{self, Caller, Need, require};
use crate::plugin::two_factor::{
    BACKUP_CODES_NOT_ENABLED, ENABLED, INVALID_BACKUP_CODE, StoreBackupCodes, TWO_FACTOR_NOT_ENABLED,
    settings,
};
use crate::store::server::{Timestamp, random_token};

/// Where a code has its dash.
const DASH: usize = 5;

/// New codes.
///
/// # Errors
/// No randomness.
pub(super) fn make() -> Result<Vec<String>, AuthError> {
    let code = |_| {
        let letters = random_token(settings::backup_code_length())?;
        let (first, rest) = letters.split_at_checked(DASH).unwrap_or((&letters, ""));
        Ok(format!("{first}-{rest}"))
    };
    (0..settings::backup_code_amount()).map(code).collect()
}

/// Codes as they are stored.
///
/// # Errors
/// No usable secret, or no randomness.
pub(super) fn encode(codes: &[String]) -> Result<String, AuthError> {
    let json = Zeroizing::new(serde_json::json!(codes).to_string());
    match settings::store_backup_codes() {
        StoreBackupCodes::Plain => Ok(json.to_string()),
        StoreBackupCodes::Encrypted => secrets::seal(&json),
    }
}

/// Stored codes; `None` where they are none.
fn decode(stored: &str) -> Result<Option<Vec<String>>, AuthError> {
    let json = match settings::store_backup_codes() {
        StoreBackupCodes::Plain => Zeroizing::new(stored.to_owned()),
        StoreBackupCodes::Encrypted => secrets::unseal(stored, Timestamp::now())?.ok_or_else(|| {
            AuthError::Setup(
                "backup codes can't be decrypted: the cookie secret that they were encrypted under is gone"
                    .into(),
            )
        })?,
    };
    Ok(serde_json::from_str(&json).ok())
}

/// What is left of the codes without this one; `None` where it is none of them. All are looked at, however early it
/// is there.
fn without(codes: Vec<String>, code: &str) -> Option<Vec<String>> {
    let is = |known: &String| known.as_bytes().ct_eq(code.as_bytes());
    let is_one: bool = codes.iter().fold(Choice::from(0), |found, known| found | is(known)).into();
    is_one.then(|| codes.into_iter().filter(|known| known != code).collect())
}

/// `verify-backup-code`: takes a code. No session is opened for who wants none.
///
/// # Errors
/// VALIDATION_ERROR, INVALID_TWO_FACTOR_COOKIE, BACKUP_CODES_NOT_ENABLED, ACCOUNT_TEMPORARILY_LOCKED,
/// TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, INVALID_BACKUP_CODE, and those of opening a session.
pub(in crate::plugin::two_factor) fn verify(
    caller: &mut dyn Caller,
    code: &str,
    disables_session: bool,
    trusts_device: bool,
) -> Result<Proven, AuthError> {
    let prover = Prover::find(caller)?;
    let two_factor = store::find(&prover.user().id)?.ok_or(BACKUP_CODES_NOT_ENABLED)?;
    if prover.is_sign_in() {
        check_not_locked(&two_factor)?;
    }
    let codes = decode(&two_factor.backup_codes)?;
    let attempt = prover.begin(caller)?;
    let left = codes.and_then(|codes| without(codes, code)).map(|left| encode(&left)).transpose()?;
    let is_taken = match &left {
        Some(left) => store::take_backup_code(&two_factor.id, &two_factor.backup_codes, left)?,
        None => false,
    };
    if !is_taken {
        if let Some(attempt) = &attempt {
            attempt.failed()?;
            note_failure(&two_factor)?;
        }
        return Err(INVALID_BACKUP_CODE.into());
    }
    if let Some(attempt) = &attempt {
        attempt.succeeded();
        note_success(&two_factor)?;
    }
    if !disables_session {
        return prover.finish(caller, trusts_device);
    }
    let (token, user) = match prover {
        Prover::Session(live) => (Some(live.session.token), live.user),
        Prover::SignIn { user, .. } => (None, user),
    };
    Ok(Proven { token, user, live: None, cookies: Vec::new() })
}

/// `generate-backup-codes`: new codes in place of those of before.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, TWO_FACTOR_NOT_ENABLED, INVALID_PASSWORD, PASSWORD_TOO_LONG.
pub(in crate::plugin::two_factor) fn generate(
    caller: &mut dyn Caller,
    password: Option<&str>,
) -> Result<Vec<String>, AuthError> {
    let live = require(caller, Need::Live)?;
    if !live.user.is(ENABLED) {
        return Err(TWO_FACTOR_NOT_ENABLED.into());
    }
    check_password(&live.user.id, password, settings::backup_code_allow_passwordless())?;
    let user = session::hold(&live)?.ok_or(crate::error::Code::UNAUTHORIZED)?;
    let two_factor = store::find(&user.id)?.ok_or(TWO_FACTOR_NOT_ENABLED)?;
    let codes = make()?;
    store::set_backup_codes(&two_factor.id, &encode(&codes)?)?;
    Ok(codes)
}

/// `viewBackupCodes`: the codes that a user has left.
///
/// # Errors
/// BACKUP_CODES_NOT_ENABLED, INVALID_BACKUP_CODE.
pub(in crate::plugin::two_factor) fn view(user_id: &str) -> Result<Vec<String>, AuthError> {
    let two_factor = store::find(user_id)?.ok_or(BACKUP_CODES_NOT_ENABLED)?;
    decode(&two_factor.backup_codes)?.ok_or(AuthError::ApiWith(INVALID_BACKUP_CODE, 400))
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn a_code_goes_wherever_it_is() {
        let codes = || ["a-b", "c-d", "e-f"].map(str::to_owned).to_vec();
        for (code, left) in [
            ("a-b", Some(vec!["c-d", "e-f"])),
            ("e-f", Some(vec!["a-b", "c-d"])),
            ("", None),
            ("a-", None),
            ("A-B", None),
            ("a-b ", None),
        ] {
            assert_eq!(
                without(codes(), code),
                left.map(|left| left.into_iter().map(str::to_owned).collect()),
                "{code:?}"
            );
        }
        assert_eq!(without(Vec::new(), ""), None);
    }
}
