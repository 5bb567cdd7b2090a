//! The cookie of an account: Better Auth's `storeAccountCookie`. What is in it: `flow::account_cookie`.

use serde_json::{Map, Value};

use super::context::Context;
use super::jar::{MAX_TOKENS, fitting};
use crate::error::AuthError;
use crate::flow::secrets;
use crate::settings;
use crate::store::server::Timestamp;

/// The cookie by its last name.
const ACCOUNT_DATA: &str = "account_data";

impl Context<'_> {
    /// The account in the request's cookie, where there is to be one.
    ///
    /// # Errors
    /// There is no usable secret.
    pub(crate) fn kept_account(&self) -> Result<Option<Map<String, Value>>, AuthError> {
        if !settings::store_account_cookie() {
            return Ok(None);
        }
        for data in self.data_of(&self.name(ACCOUNT_DATA)).iter().take(MAX_TOKENS) {
            if let Some(account) = secrets::decode_account(data, Timestamp::now())? {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    /// Better Auth's `setAccountCookie`. One that is too large is taken back.
    ///
    /// # Errors
    /// There is no usable secret, or no randomness.
    pub(crate) fn set_account(&mut self, account: &Map<String, Value>) -> Result<(), AuthError> {
        let (name, max_age) = (self.name(ACCOUNT_DATA), settings::cookie_cache_max_age());
        let data = secrets::encode_account(account, max_age)?;
        let chunks = fitting(&name, &data, &self.attributes(Some(max_age)));
        self.set_data(&name, chunks.unwrap_or_default(), Some(max_age));
        Ok(())
    }

    /// Has the account that the request brought live as long as the cache of the session; takes it back where that is
    /// of another user.
    ///
    /// # Errors
    /// There is no usable secret, or no randomness.
    pub(super) fn set_account_again(&mut self, user_id: &str) -> Result<(), AuthError> {
        if self.is_pending(&self.name(ACCOUNT_DATA)) {
            return Ok(());
        }
        match self.kept_account()? {
            Some(account) if account.get("userId").and_then(Value::as_str) == Some(user_id) => {
                self.set_account(&account)
            }
            Some(_) => {
                self.clear_account();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes it back.
    pub(super) fn clear_account(&mut self) {
        let name = self.name(ACCOUNT_DATA);
        self.expire_named(name.clone());
        self.clear_data(&name);
    }
}
