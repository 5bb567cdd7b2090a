//! A sign-in between two servers that share a secret: one begins and ends it, and the other one, which the provider knows,
//! asks the provider. Better Auth's oauth-proxy.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::callback::{self, Began, Callback, Ended, Exchanged, Kept, Way, profile_of};
use super::{Provider, TokenSet, providers, state};
use crate::error::AuthError;
use crate::flow::account::Terms;
use crate::flow::session::Caller;
use crate::store::server::Timestamp;

/// An object of the members that have a value, as `JSON.stringify` writes one.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn text<'v>(of: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    of.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// What the other server has kept of the sign-in, and where its browser goes.
pub(crate) struct Other<'a> {
    /// What its state is called.
    pub(crate) state: &'a str,
    pub(crate) kept: &'a Map<String, Value>,
    pub(crate) callback_url: &'a str,
}

/// Asks the provider, for the other server: what that one is to be told, as JSON. Or Better Auth's word for why not.
///
/// # Errors
/// Those of the store; [`AuthError::Suspended`].
pub(crate) fn ask(
    caller: &mut dyn Caller,
    callback: &Callback<'_>,
    other: &Other<'_>,
) -> Result<Result<String, String>, AuthError> {
    let kept = other.kept;
    let refused = |word: &str| Ok(Err(word.to_owned()));
    if let Some(error) = callback.error.filter(|error| !error.is_empty()) {
        return refused(error);
    }
    let Some(code) = callback.code.filter(|code| !code.is_empty()) else { return refused("no_code") };
    let Some(provider) = providers::usable(caller, callback.provider_id)? else {
        return refused("oauth_provider_not_found");
    };
    let began = Began {
        code_verifier: text(kept, "codeVerifier").unwrap_or_default(),
        nonce: text(kept, "idTokenNonce"),
    };
    let exchanged = match callback::exchange(caller, &provider, callback, code, &began)? {
        Ok(exchanged) => exchanged,
        Err(word) => return refused(word),
    };
    if text(&exchanged.user, "email").is_none() {
        return refused("email_not_found");
    }
    Ok(Ok(payload(&provider, &exchanged, other).to_string()))
}

/// Better Auth's payload.
fn payload(provider: &Provider, exchanged: &Exchanged, other: &Other<'_>) -> Value {
    let (user, tokens, kept) = (&exchanged.user, &exchanged.tokens, other.kept);
    let now = Timestamp::now();
    let asked = kept.get("requestSignUp") == Some(&Value::Bool(true));
    let disabled = match callback::terms(provider, asked).disable_sign_up {
        true => Some(true.into()),
        false => provider.options.get("disableSignUp").cloned(),
    };
    let name = user.get("name").and_then(Value::as_str).unwrap_or_default();
    let verified = user.get("emailVerified").map(|value| callback::is_true(Some(value)).into());
    let date = |lifetime| Some(callback::end_of(now, lifetime)?.to_iso_string()?.into());
    let token = |token: &Option<Zeroizing<String>>| token.as_ref().map(|token| Value::from(token.as_str()));
    object([
        (
            "userInfo",
            Some(object([
                ("id", Some(exchanged.account_id.as_str().into())),
                ("email", user.get("email").cloned()),
                ("name", Some(name.into())),
                ("image", user.get("image").cloned()),
                ("emailVerified", verified),
            ])),
        ),
        ("profile", Some(Value::Object(exchanged.data.clone()))),
        ("scopes", Some(tokens.scopes.clone().into())),
        (
            "account",
            Some(object([
                ("providerId", Some(provider.id.as_str().into())),
                ("accountId", Some(exchanged.account_id.as_str().into())),
                ("accessToken", token(&tokens.access_token)),
                ("refreshToken", token(&tokens.refresh_token)),
                ("idToken", tokens.id_token.as_deref().map(Value::from)),
                ("accessTokenExpiresAt", date(tokens.access_token_expires_in)),
                ("refreshTokenExpiresAt", date(tokens.refresh_token_expires_in)),
                ("scope", Some(tokens.scopes.join(",").into())),
            ])),
        ),
        ("state", Some(other.state.into())),
        ("callbackURL", Some(other.callback_url.into())),
        ("newUserURL", kept.get("newUserURL").cloned()),
        ("errorURL", kept.get("errorURL").cloned()),
        ("disableSignUp", disabled),
        ("timestamp", Some(now.unix_milliseconds().into())),
    ])
}

/// What the other server has told.
pub(crate) struct Told {
    pub(crate) provider_id: String,
    pub(crate) error_url: Option<String>,
    /// When it was told, in milliseconds.
    pub(crate) timestamp: f64,
    state: String,
    callback_url: String,
    new_user_url: Option<String>,
    user: Map<String, Value>,
    account_id: String,
    tokens: TokenSet,
    access_token_expires_at: Option<Timestamp>,
    refresh_token_expires_at: Option<Timestamp>,
    scope: Option<String>,
    /// For a link: those of the account where they aren't said.
    scopes: Vec<String>,
    disable_sign_up: bool,
}

impl Told {
    /// Better Auth's `passthroughPayloadSchema`; `None` for what isn't of it.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let told: Map<String, Value> = serde_json::from_str(json).ok()?;
        let user = told.get("userInfo")?.as_object()?;
        let account = told.get("account")?.as_object()?;
        let text = |of: &Map<String, Value>, name: &str| of.get(name)?.as_str().map(str::to_owned);
        let nullish = |of: &Map<String, Value>, name: &str| match of.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => value.as_str().map(|text| Some(text.to_owned())),
        };
        let optional = |name: &str| match told.get(name) {
            None => Some(None),
            Some(value) => value.as_str().map(|text| Some(text.to_owned())),
        };
        let boolean = |of: &Map<String, Value>, name: &str| match of.get(name) {
            None => Some(false),
            Some(value) => value.as_bool(),
        };
        let date = |name: &str| match nullish(account, name)? {
            None => Some(None),
            Some(text) => Timestamp::parse(&text).map(Some),
        };
        for name in ["id", "email", "name"] {
            text(user, name)?;
        }
        nullish(user, "image")?;
        boolean(user, "emailVerified")?;
        nullish(account, "password")?;
        told.get("profile").is_none_or(Value::is_object).then_some(())?;
        let scope = nullish(account, "scope")?;
        let scopes = match told.get("scopes") {
            None => scope.as_deref().unwrap_or_default().split(',').map(str::to_owned).collect(),
            Some(list) => {
                let text = |scope: &Value| scope.as_str().map(str::to_owned);
                list.as_array()?.iter().map(text).collect::<Option<_>>()?
            }
        };
        let secret = |text: Option<String>| text.map(Zeroizing::new);
        Some(Self {
            provider_id: text(account, "providerId")?,
            error_url: optional("errorURL")?.filter(|url| !url.is_empty()),
            timestamp: told.get("timestamp")?.as_f64()?,
            state: text(&told, "state").filter(|state| !state.is_empty())?,
            callback_url: text(&told, "callbackURL").filter(|url| !url.is_empty())?,
            new_user_url: optional("newUserURL")?,
            user: user.clone(),
            account_id: text(account, "accountId")?,
            tokens: TokenSet {
                access_token: secret(nullish(account, "accessToken")?),
                refresh_token: secret(nullish(account, "refreshToken")?),
                id_token: nullish(account, "idToken")?,
                ..TokenSet::default()
            },
            access_token_expires_at: date("accessTokenExpiresAt")?,
            refresh_token_expires_at: date("refreshTokenExpiresAt")?,
            scope,
            scopes,
            disable_sign_up: boolean(&told, "disableSignUp")?,
        })
    }

    /// Ends the sign-in, or the link, that began here: its state counts once, in any browser.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn end(&self, caller: &mut dyn Caller) -> Result<Ended, AuthError> {
        let way = Way {
            callback_url: &self.callback_url,
            new_user_url: self.new_user_url.as_deref(),
            error_url: self.error_url.as_deref(),
        };
        let Ok(state) = state::take_in(caller, &self.state, true)? else {
            return Ok(way.failed("state_mismatch", None));
        };
        let tokens = Kept::of(&self.tokens)?.ending(
            self.access_token_expires_at,
            self.refresh_token_expires_at,
            self.scope.clone(),
        );
        let profile = profile_of(&self.provider_id, &self.user, &self.account_id, tokens.as_tokens());
        if let Some(link) = &state.link {
            return callback::link_to(link, &profile, &self.scopes, &way);
        }
        // The rest of the provider's options are the other server's.
        let requires = providers::set_up(&self.provider_id)?
            .is_some_and(|provider| provider.is_on("requireEmailVerification"));
        let terms = Terms {
            disable_sign_up: self.disable_sign_up,
            override_user_info: false,
            require_email_verification: requires,
            sends_verification: requires,
        };
        callback::sign_in(caller, &profile, terms, &way)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn whole() -> Value {
        json!({
            "userInfo": {"id": "1", "email": "a@example.org", "name": "", "image": null, "emailVerified": true},
            "profile": {"sub": "1"},
            "account": {
                "providerId": "google", "accountId": "1", "accessToken": "a", "scope": "a,b",
                "accessTokenExpiresAt": "2026-01-02T03:04:05.678Z",
            },
            "state": "s", "callbackURL": "/c", "timestamp": 1.5,
        })
    }

    #[test]
    fn what_is_missing_may_be() {
        let told = Told::read(&whole().to_string()).unwrap();
        assert_eq!(
            (told.scopes.join(" "), told.disable_sign_up, told.error_url),
            ("a b".into(), false, None)
        );
        assert!(told.access_token_expires_at.is_some() && told.refresh_token_expires_at.is_none());
        for name in [
            "/profile",
            "/userInfo/emailVerified",
            "/userInfo/image",
            "/account/accessToken",
            "/account/scope",
        ] {
            let mut less = whole();
            let (parent, last) = name.rsplit_once('/').unwrap_or(("", name));
            less.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(last);
            assert!(Told::read(&less.to_string()).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_of_another_shape_is_nothing() {
        for (pointer, value) in [
            ("/userInfo", json!("x")),
            ("/userInfo/id", json!(1)),
            ("/userInfo/email", Value::Null),
            ("/userInfo/emailVerified", json!("true")),
            ("/userInfo/image", json!(1)),
            ("/account/accountId", json!(1)),
            ("/account/accessToken", json!({})),
            ("/account/accessTokenExpiresAt", json!(1)),
            ("/account/accessTokenExpiresAt", json!("tomorrow")),
            ("/profile", json!([])),
            ("/state", json!("")),
            ("/callbackURL", json!("")),
            ("/timestamp", json!("1")),
        ] {
            let mut other = whole();
            *other.pointer_mut(pointer).unwrap() = value;
            assert!(Told::read(&other.to_string()).is_none(), "{pointer}");
        }
        for (name, value) in [("scopes", json!("a")), ("errorURL", Value::Null), ("disableSignUp", json!(1))]
        {
            let mut other = whole();
            other[name] = value;
            assert!(Told::read(&other.to_string()).is_none(), "{name}");
        }
        assert!(Told::read("[]").is_none() && Told::read("x").is_none());
    }
}
