//! An id token that a page has got from a provider's own dialogue. It may be for client ids of its own, and the provider
//! need not be set up, where its preset says all that is to be known.

use serde_json::{Map, Value};
use std::borrow::Cow;

use super::callback::profile_of;
use super::callback::{Kept, is_subject, map_profile, terms};
use super::{IdTokens, Provider, TokenSet, id_token, preset, providers};
use crate::error::AuthError;
use crate::flow::account::{self, SignedIn};
use crate::flow::session::Caller;

/// What somebody signs in with.
pub(crate) struct Credential<'a> {
    pub(crate) provider_id: &'a str,
    pub(crate) token: &'a str,
    /// In place of those of the provider; empty for these.
    pub(crate) client_ids: Vec<&'a str>,
    /// What a new account is said to have been asked for.
    pub(crate) scopes: &'a [&'a str],
    pub(crate) disable_sign_up: bool,
}

/// Why nobody is signed in.
pub(crate) enum Refused {
    /// Nobody has said whom tokens may be for.
    NoClientId,
    Token,
    /// The token doesn't say an email.
    Email,
}

/// Signs in.
///
/// # Errors
/// Those of [`account::link`], and of the store; [`AuthError::Suspended`].
pub(crate) fn sign_in(
    caller: &mut dyn Caller,
    credential: &Credential<'_>,
) -> Result<Result<SignedIn, Refused>, AuthError> {
    let known = providers::find(caller, credential.provider_id)?;
    let plain;
    let provider: &Provider = match &known {
        Some(known) => known,
        None => {
            plain = not_set_up(credential);
            &plain
        }
    };
    if credential.client_ids.is_empty() && known.is_none() {
        return Ok(Err(Refused::NoClientId));
    }
    let IdTokens::Signed(mut rules) = provider.preset.id_tokens(provider) else {
        return Ok(Err(Refused::Token));
    };
    if !credential.client_ids.is_empty() {
        rules.audiences.clone_from(&credential.client_ids);
    }
    let claims = id_token::verify(caller, provider, &rules, credential.token, None)?;
    let subject = claims.as_ref().and_then(|claims| claims.get("sub")?.as_str()).filter(|id| is_subject(id));
    let Some(account_id) = subject else { return Ok(Err(Refused::Token)) };
    let tokens = TokenSet {
        id_token: Some(credential.token.into()),
        scopes: credential.scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..TokenSet::default()
    };
    let info = provider.preset.user_info(provider, &tokens, &mut |fetch| caller.fetch(fetch))?;
    let Some(info) = info else { return Ok(Err(Refused::Token)) };
    let user: Cow<'_, Map<String, Value>> = match known {
        Some(_) => Cow::Owned(map_profile(provider, &info)?),
        None => Cow::Borrowed(&info.user),
    };
    if user.get("email").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Ok(Err(Refused::Email));
    }
    let stored = Kept::of(&tokens)?;
    let profile = profile_of(&provider.id, &user, account_id, stored.as_tokens());
    let mut terms = terms(provider, true);
    terms.disable_sign_up |= credential.disable_sign_up;
    account::link(caller, &profile, terms, None).map(Ok)
}

/// What is known of a provider that nobody has set up.
fn not_set_up(credential: &Credential<'_>) -> Provider {
    Provider {
        id: credential.provider_id.to_owned(),
        client_ids: credential.client_ids.iter().map(|id| (*id).to_owned()).collect(),
        client_secret: None,
        options: Map::new(),
        preset: preset::find(credential.provider_id),
        discovery: None,
    }
}
