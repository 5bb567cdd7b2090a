//! What is in the cookie of an account: Better Auth's `storeAccountCookie`.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::flow::session::Caller;
use crate::settings;
use crate::store::account::{self, Account, StoredTokens, Whole};
use crate::store::server::Timestamp;

/// Keeps a provider's account in the caller's cookie, as it is stored now, where the settings say so.
///
/// # Errors
/// There is no usable secret, or no randomness; those of the store.
pub(crate) fn keep(
    caller: &mut dyn Caller,
    (provider_id, account_id): (&str, &str),
) -> Result<(), AuthError> {
    if !settings::store_account_cookie() {
        return Ok(());
    }
    let Some(found) = account::find_by_key(provider_id, account_id)? else { return Ok(()) };
    let Some(whole) = account::whole(&found.id)? else { return Ok(()) };
    caller.keep_account(&members(&whole))
}

/// A row of table `account` as JSON, in Better Auth's order; accounts of providers have no password.
pub(crate) fn members(whole: &Whole) -> Map<String, Value> {
    let Whole { account, tokens } = whole;
    let date = |time: Option<Timestamp>| time.and_then(Timestamp::to_iso_string).into();
    let token = |token: &Option<Zeroizing<String>>| token.as_ref().map(|token| token.to_string()).into();
    let members: [(&str, Value); 13] = [
        ("accountId", account.account_id.as_str().into()),
        ("providerId", account.provider_id.as_str().into()),
        ("userId", account.user_id.as_str().into()),
        ("accessToken", token(&tokens.access_token)),
        ("refreshToken", token(&tokens.refresh_token)),
        ("idToken", tokens.id_token.clone().into()),
        ("accessTokenExpiresAt", date(tokens.access_token_expires_at)),
        ("refreshTokenExpiresAt", date(tokens.refresh_token_expires_at)),
        ("scope", account.scope.clone().into()),
        ("password", Value::Null),
        ("createdAt", date(Some(account.created_at))),
        ("updatedAt", date(Some(account.updated_at))),
        ("id", account.id.as_str().into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The row that [`members`], or Better Auth, has written; `None` where what every row has is missing.
pub(crate) fn parse(members: &Map<String, Value>) -> Option<Whole> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let owned = |name: &str| text(name).map(str::to_owned);
    let date = |name: &str| text(name).and_then(Timestamp::parse);
    Some(Whole {
        account: Account {
            id: owned("id")?,
            account_id: owned("accountId")?,
            provider_id: owned("providerId")?,
            user_id: owned("userId")?,
            scope: owned("scope"),
            created_at: date("createdAt")?,
            updated_at: date("updatedAt")?,
        },
        tokens: StoredTokens {
            access_token: owned("accessToken").map(Zeroizing::new),
            refresh_token: owned("refreshToken").map(Zeroizing::new),
            id_token: owned("idToken"),
            access_token_expires_at: date("accessTokenExpiresAt"),
            refresh_token_expires_at: date("refreshTokenExpiresAt"),
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// As Better Auth 1.7.25 has a row of its account in JSON, the claims of the token included.
    fn row() -> Map<String, Value> {
        let row = json!({
            "accountId": "1001", "providerId": "google", "userId": "u", "accessToken": "a",
            "refreshToken": null, "idToken": "i", "accessTokenExpiresAt": "2027-01-15T08:00:00.000Z",
            "refreshTokenExpiresAt": null, "scope": "email,openid", "password": null,
            "createdAt": "2027-01-15T07:00:00.123Z", "updatedAt": "2027-01-15T07:00:00.456Z", "id": "7",
            "iat": 1_800_000_000, "exp": 1_800_000_300, "jti": "x",
        });
        row.as_object().unwrap().clone()
    }

    #[test]
    fn a_row_and_its_members() {
        let mut expected = row();
        for name in ["iat", "exp", "jti"] {
            expected.remove(name);
        }
        // As text: the order counts.
        let written = members(&parse(&row()).unwrap());
        assert_eq!(Value::Object(written).to_string(), Value::Object(expected).to_string());
    }

    #[test]
    fn what_lacks_something_is_no_row() {
        for name in ["id", "accountId", "providerId", "userId", "createdAt", "updatedAt"] {
            for value in [Value::Null, json!(1), json!([])] {
                let mut row = row();
                row.insert(name.into(), value);
                assert!(parse(&row).is_none(), "{name}");
            }
        }
    }
}
