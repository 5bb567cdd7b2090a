//! Access tokens of a user's accounts, and what they tell: Better Auth's `getAccessToken`, `refreshToken` and
//! `accountInfo`.

use serde_json::{Map, Value};
use std::rc::Rc;
use zeroize::Zeroizing;

use super::callback::{Kept, map_profile};
use super::{Info, TokenSet, providers};
use crate::error::{AuthError, Code};
use crate::flow::session::Caller;
use crate::flow::{account_cookie, secrets};
use crate::settings;
use crate::store::account::{self, Account, StoredTokens, Whole};
use crate::store::server::Timestamp;

/// How long before its end an access token is renewed, in milliseconds.
const EARLY: i64 = 5_000;
/// What is done once: tokens are stored.
const RENEWED: &str = "renewed";

/// The account whose tokens are asked for.
pub(crate) struct Chosen {
    pub(crate) whole: Whole,
    /// What its cookie holds, if it was chosen by that.
    pub(crate) cookie: Option<Map<String, Value>>,
}

/// A good access token, and what goes with it.
pub(crate) struct Access {
    pub(crate) access_token: Zeroizing<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) scopes: Vec<String>,
    pub(crate) id_token: Option<String>,
}

/// A renewed access token, and what goes with it.
pub(crate) struct Renewed {
    pub(crate) access_token: Zeroizing<String>,
    pub(crate) refresh_token: Zeroizing<String>,
    pub(crate) access_token_expires_at: Option<Timestamp>,
    pub(crate) refresh_token_expires_at: Option<Timestamp>,
    pub(crate) id_token: Option<String>,
    /// As the account's row has them.
    stored: StoredTokens,
}

/// Better Auth's `parseStoredScopes`.
pub(crate) fn stored_scopes(scope: Option<&str>) -> Vec<String> {
    let scopes = scope.unwrap_or_default().split(',').map(str::trim).filter(|scope| !scope.is_empty());
    scopes.map(str::to_owned).collect()
}

/// A token as it is stored, decrypted where it looks encrypted: Better Auth's `decryptOAuthToken`. `None` where that
/// can't be done.
fn opened(stored: &str) -> Result<Option<Zeroizing<String>>, AuthError> {
    let is_hex = stored.len().is_multiple_of(2) && stored.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_sealed = settings::encrypt_oauth_tokens() && (stored.starts_with("$ba$") || is_hex);
    match is_sealed && !stored.is_empty() {
        true => secrets::unseal(stored, Timestamp::now()),
        false => Ok(Some(Zeroizing::new(stored.to_owned()))),
    }
}

fn not_supported(account: &Account) -> AuthError {
    AuthError::Field("PROVIDER_NOT_SUPPORTED", format!("Provider {} is not supported.", account.provider_id))
}

fn provider_of(
    caller: &mut dyn Caller,
    account: &Account,
    missing: impl FnOnce() -> AuthError,
) -> Result<Rc<providers::Known>, AuthError> {
    providers::usable(caller, &account.provider_id)?.ok_or_else(missing)
}

/// The account's access token, renewed where it is about to end.
///
/// # Errors
/// PROVIDER_NOT_SUPPORTED, FAILED_TO_GET_ACCESS_TOKEN; [`AuthError::Suspended`].
pub(crate) fn token(caller: &mut dyn Caller, chosen: &Chosen) -> Result<Access, AuthError> {
    let Whole { account, tokens: stored } = &chosen.whole;
    let provider = provider_of(caller, account, || not_supported(account))?;
    let scopes = stored_scopes(account.scope.as_deref());
    let is_ending = stored
        .access_token_expires_at
        .is_some_and(|at| at.unix_milliseconds() - Timestamp::now().unix_milliseconds() < EARLY);
    let refresh_token = stored.refresh_token.as_deref().filter(|token| !token.is_empty());
    if let Some(refresh_token) = refresh_token.filter(|_| is_ending && provider.preset.can_refresh(&provider))
    {
        let failed = || AuthError::from(Code::FAILED_TO_GET_ACCESS_TOKEN);
        let opened = opened(refresh_token)?.ok_or_else(failed)?;
        let renewed = renew(caller, &provider, chosen, &opened)?.ok_or_else(failed)?;
        keep(caller, chosen, Some(&renewed.stored))?;
        return Ok(Access {
            access_token: renewed.access_token,
            expires_at: renewed.access_token_expires_at.or(stored.access_token_expires_at),
            scopes,
            id_token: renewed.id_token,
        });
    }
    // Before the profile was fetched; this is the row that came of it.
    if caller.has_done(RENEWED) {
        keep(caller, chosen, None)?;
    }
    let access_token = opened(stored.access_token.as_ref().map_or("", |token| token.as_str()))?;
    Ok(Access {
        access_token: access_token.ok_or(Code::FAILED_TO_GET_ACCESS_TOKEN)?,
        expires_at: stored.access_token_expires_at,
        scopes,
        id_token: stored.id_token.clone(),
    })
}

/// Renews the account's access token, whether it is about to end or not.
///
/// # Errors
/// PROVIDER_NOT_SUPPORTED, TOKEN_REFRESH_NOT_SUPPORTED, REFRESH_TOKEN_NOT_FOUND, FAILED_TO_REFRESH_ACCESS_TOKEN;
/// [`AuthError::Suspended`].
pub(crate) fn refresh(caller: &mut dyn Caller, chosen: &Chosen) -> Result<Renewed, AuthError> {
    let Whole { account, tokens: stored } = &chosen.whole;
    let provider = provider_of(caller, account, || not_supported(account))?;
    if !provider.preset.can_refresh(&provider) {
        let text = format!("Provider {} does not support token refreshing.", account.provider_id);
        return Err(AuthError::Field("TOKEN_REFRESH_NOT_SUPPORTED", text));
    }
    let refresh_token = stored.refresh_token.as_deref().filter(|token| !token.is_empty());
    let refresh_token = refresh_token
        .ok_or_else(|| AuthError::Field("REFRESH_TOKEN_NOT_FOUND", "Refresh token not found".into()))?;
    let failed = || AuthError::from(Code::FAILED_TO_REFRESH_ACCESS_TOKEN);
    let opened = opened(refresh_token)?.ok_or_else(failed)?;
    let renewed = renew(caller, &provider, chosen, &opened)?.ok_or_else(failed)?;
    if chosen.cookie.is_some() {
        keep(caller, chosen, Some(&renewed.stored))?;
    }
    Ok(renewed)
}

/// Keeps what was renewed in the account's cookie, too: the row, or what there would be in one that is gone.
fn keep(caller: &mut dyn Caller, chosen: &Chosen, renewed: Option<&StoredTokens>) -> Result<(), AuthError> {
    if !settings::store_account_cookie() {
        return Ok(());
    }
    let account = &chosen.whole.account;
    let whole = match account::whole(&account.id)? {
        Some(whole) => whole,
        None => {
            let tokens = renewed.unwrap_or(&chosen.whole.tokens).clone();
            Whole { account: account.clone(), tokens }
        }
    };
    let mut kept = chosen.cookie.clone().unwrap_or_default();
    kept.extend(account_cookie::members(&whole));
    caller.keep_account(&kept)
}

/// Asks the provider for another access token, and stores what it gives.
fn renew(
    caller: &mut dyn Caller,
    provider: &providers::Known,
    chosen: &Chosen,
    refresh_token: &str,
) -> Result<Option<Renewed>, AuthError> {
    let Whole { account, tokens: stored } = &chosen.whole;
    let renewed = provider.preset.refresh(provider, refresh_token, &mut |fetch| caller.fetch(fetch))?;
    let Some(renewed) = renewed else { return Ok(None) };
    let Some(access_token) = renewed.access_token.clone() else { return Ok(None) };
    let kept = Kept::of(&renewed)?;
    // What it may do was asked for at the sign-in: an answer to this may say less.
    let tokens = account::Tokens { scope: None, ..kept.as_tokens() };
    // Kept though the profile is fetched next: the provider may have made the refresh token from before void.
    caller.once(RENEWED, &mut || {
        account::update_tokens(&account.id, &tokens, Timestamp::now())?;
        Ok(Value::Null)
    })?;
    let given = |token: Option<String>| token.filter(|token| !token.is_empty());
    let id_token = given(renewed.id_token).or_else(|| stored.id_token.clone());
    let refresh_token_expires_at = tokens.refresh_token_expires_at.or(stored.refresh_token_expires_at);
    let sealed = |token: Option<&str>| token.map(|token| Zeroizing::new(token.to_owned()));
    let stored = StoredTokens {
        access_token: sealed(tokens.access_token),
        refresh_token: sealed(tokens.refresh_token).or_else(|| stored.refresh_token.clone()),
        id_token: id_token.clone(),
        access_token_expires_at: tokens.access_token_expires_at,
        refresh_token_expires_at,
    };
    Ok(Some(Renewed {
        access_token,
        refresh_token: renewed.refresh_token.unwrap_or_else(|| Zeroizing::new(refresh_token.to_owned())),
        access_token_expires_at: tokens.access_token_expires_at,
        refresh_token_expires_at,
        id_token,
        stored,
    }))
}

/// What the provider says of an account.
///
/// # Errors
/// PROVIDER_NOT_CONFIGURED, those of [`token`], ACCESS_TOKEN_NOT_FOUND, FAILED_TO_GET_USER_INFO;
/// [`AuthError::Suspended`].
pub(crate) fn info(caller: &mut dyn Caller, chosen: &Chosen) -> Result<Info, AuthError> {
    let provider = provider_of(caller, &chosen.whole.account, || Code::PROVIDER_NOT_CONFIGURED.into())?;
    let access = token(caller, chosen)?;
    if access.access_token.is_empty() {
        return Err(Code::ACCESS_TOKEN_NOT_FOUND.into());
    }
    let tokens = TokenSet {
        access_token: Some(access.access_token),
        id_token: access.id_token,
        scopes: access.scopes,
        ..TokenSet::default()
    };
    let info = provider.preset.user_info(&provider, &tokens, &mut |fetch| caller.fetch(fetch))?;
    let info = info.ok_or(AuthError::ApiWith(Code::FAILED_TO_GET_USER_INFO, 401))?;
    Ok(Info { user: map_profile(&provider, &info)?, ..info })
}
