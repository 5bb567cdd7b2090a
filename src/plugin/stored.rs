//! How single-use tokens and codes of plugins are kept: Better Auth's `storeToken` and `storeOTP`.

use pgrx::PostgresGucEnum;
use subtle::ConstantTimeEq;

use crate::crypto::digest::key_hash;
use crate::error::AuthError;
use crate::flow::secrets;
use crate::store::server::Timestamp;

/// How tokens are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum StoreToken {
    #[name = c"plain"]
    Plain,
    #[name = c"hashed"]
    Hashed,
}

impl StoreToken {
    /// What stands for a token in the identifier of its row.
    pub(super) fn of(self, token: &str) -> String {
        match self {
            Self::Plain => token.to_owned(),
            Self::Hashed => key_hash(token),
        }
    }
}

/// How codes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum StoreOtp {
    #[name = c"plain"]
    Plain,
    #[name = c"hashed"]
    Hashed,
    #[name = c"encrypted"]
    Encrypted,
}

impl StoreOtp {
    /// What is stored of a code.
    ///
    /// # Errors
    /// No usable secret, or no randomness.
    pub(super) fn of(self, otp: &str) -> Result<String, AuthError> {
        Ok(match self {
            Self::Plain => otp.to_owned(),
            Self::Hashed => key_hash(otp),
            Self::Encrypted => secrets::seal(otp)?,
        })
    }

    /// Whether it is the code that was stored.
    ///
    /// # Errors
    /// No usable secret.
    pub(super) fn is_right(self, stored: &str, given: &str, now: Timestamp) -> Result<bool, AuthError> {
        let equal = |left: &str, right: &str| bool::from(left.as_bytes().ct_eq(right.as_bytes()));
        Ok(match self {
            Self::Plain => equal(stored, given),
            Self::Hashed => equal(stored, &key_hash(given)),
            // One that can't be read, of another secret say, is nobody's.
            Self::Encrypted => secrets::unseal(stored, now)?.is_some_and(|otp| equal(&otp, given)),
        })
    }
}

/// The parts of `<stored code>:<wrong guesses>`.
pub(super) fn counted(value: &str) -> (&str, i64) {
    let mut parts = value.split(':');
    let stored = parts.next().unwrap_or_default();
    let attempts = parts.next().and_then(|attempts| attempts.parse().ok()).unwrap_or(0);
    (stored, attempts)
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn kept_values_are_read_as_better_auth_reads_them() {
        for (value, expected) in [
            ("123456:0", ("123456", 0)),
            ("123456:3", ("123456", 3)),
            ("123456", ("123456", 0)),
            ("123456:x", ("123456", 0)),
            ("123456:1:9", ("123456", 1)),
            ("", ("", 0)),
        ] {
            assert_eq!(counted(value), expected, "{value}");
        }
    }
}
