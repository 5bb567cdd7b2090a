//! How single-use tokens of plugins are kept: Better Auth's `storeToken`.

use pgrx::PostgresGucEnum;

use crate::crypto::digest::key_hash;

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
