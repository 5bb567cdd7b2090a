//! A sign-in, or a link, begins: the browser goes to the provider, or an id token is there already. Better Auth's
//! `signInSocial` and `linkSocialAccount`.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::callback::{Kept, is_subject, map_profile, profile_of, terms};
use super::state::{self, Draft, Issued};
use super::{IdTokens, Info, Provider, Start, TokenSet, id_token, providers};
use crate::error::{AuthError, Code};
use crate::flow::account::{self, Profile, SignedIn};
use crate::flow::session::Caller;
use crate::store::account::Tokens;

/// What a browser is to be sent to a provider for.
pub(crate) struct Wish<'a> {
    pub(crate) provider_id: &'a str,
    pub(crate) draft: Draft<'a>,
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) login_hint: Option<&'a str>,
    pub(crate) additional_params: &'a Map<String, Value>,
}

/// Where the browser is to go, and the state, which it is to have in a cookie.
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) state: String,
}

/// Begins a sign-in, or a link.
///
/// # Errors
/// PROVIDER_NOT_FOUND, also where nobody fetches for us: it would have no end; CALLBACK_URL_REQUIRED;
/// [`AuthError::Suspended`].
pub(crate) fn begin(caller: &mut dyn Caller, wish: &Wish<'_>) -> Result<Begun, AuthError> {
    let provider = providers::usable(caller, wish.provider_id)?.ok_or(Code::PROVIDER_NOT_FOUND)?;
    begin_at(&provider, wish)
}

fn begin_at(provider: &Provider, wish: &Wish<'_>) -> Result<Begun, AuthError> {
    let preset = provider.preset;
    let nonce = preset.requires_nonce(provider).then(state::nonce).transpose()?;
    let draft = Draft { nonce: nonce.as_deref(), ..wish.draft };
    let Issued { state, code_verifier } = state::issue(&draft)?;
    let start = Start {
        state: &state,
        code_verifier: &code_verifier,
        nonce: nonce.as_deref(),
        redirect_uri: wish.redirect_uri,
        scopes: wish.scopes,
        login_hint: wish.login_hint,
        additional_params: wish.additional_params,
    };
    let url = preset.authorization_url(provider, &start)?;
    Ok(Begun { url, state })
}

/// An id token that an application has got from a provider itself: from Google's button, say.
pub(crate) struct Given<'a> {
    pub(crate) provider_id: &'a str,
    pub(crate) token: &'a str,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) refresh_token: Option<&'a str>,
    /// What Apple tells of the user besides.
    pub(crate) user: Option<&'a Value>,
}

/// Who an id token says that it is.
struct Known {
    provider: std::rc::Rc<providers::Known>,
    user: Map<String, Value>,
    account_id: String,
}

impl Known {
    fn profile<'a>(&'a self, tokens: Tokens<'a>) -> Profile<'a> {
        profile_of(&self.provider.id, &self.user, &self.account_id, tokens)
    }
}

/// Signs in with an id token.
///
/// # Errors
/// PROVIDER_NOT_FOUND, ID_TOKEN_NOT_SUPPORTED, INVALID_TOKEN, FAILED_TO_GET_USER_INFO, USER_EMAIL_NOT_FOUND,
/// EMAIL_NOT_VERIFIED, and those of [`account::link`]; [`AuthError::Suspended`].
pub(crate) fn with_id_token(
    caller: &mut dyn Caller,
    given: &Given<'_>,
    request_sign_up: bool,
    callback_url: Option<&str>,
) -> Result<SignedIn, AuthError> {
    let known = know(caller, given)?;
    // Its refresh token isn't kept there either.
    let tokens = TokenSet {
        access_token: given.access_token.map(wiped),
        id_token: Some(given.token.into()),
        ..TokenSet::default()
    };
    let stored = Kept::of(&tokens)?;
    let profile = known.profile(Tokens { scope: None, ..stored.as_tokens() });
    let terms = account::Terms { override_user_info: false, ..terms(&known.provider, request_sign_up) };
    account::link(caller, &profile, terms, callback_url)
}

/// A token that is wiped after use.
fn wiped(token: &str) -> Zeroizing<String> {
    Zeroizing::new(token.to_owned())
}

/// Links the account of an id token to the caller's user.
///
/// # Errors
/// Those of [`with_id_token`], and of [`account::link_to_session`].
pub(crate) fn link_id_token(caller: &mut dyn Caller, given: &Given<'_>) -> Result<(), AuthError> {
    let known = know(caller, given)?;
    let tokens = TokenSet {
        access_token: given.access_token.map(wiped),
        refresh_token: given.refresh_token.map(wiped),
        id_token: Some(given.token.into()),
        ..TokenSet::default()
    };
    let stored = Kept::of(&tokens)?;
    account::link_to_session(caller, &known.profile(Tokens { scope: None, ..stored.as_tokens() }))
}

fn know(caller: &mut dyn Caller, given: &Given<'_>) -> Result<Known, AuthError> {
    let provider = providers::find(caller, given.provider_id)?.ok_or(Code::PROVIDER_NOT_FOUND)?;
    let info = verified(caller, &provider, given)?;
    let user = map_profile(&provider, &info.1)?;
    if user.get("email").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Code::USER_EMAIL_NOT_FOUND.into());
    }
    let account_id = provider.preset.subject(&provider, &info.0, &info.1).filter(|id| is_subject(id));
    let account_id = account_id.ok_or(AuthError::ApiWith(Code::FAILED_TO_GET_USER_INFO, 401))?;
    Ok(Known { provider, user, account_id })
}

/// The profile of a good id token.
fn verified(
    caller: &mut dyn Caller,
    provider: &Provider,
    given: &Given<'_>,
) -> Result<(TokenSet, Info), AuthError> {
    let preset = provider.preset;
    let nonce = given.nonce.filter(|nonce| !nonce.is_empty());
    let is_jwt = given.token.split('.').count() == 3;
    let rules = match preset.id_tokens(provider) {
        _ if provider.is_on("disableIdTokenSignIn") => return Err(Code::ID_TOKEN_NOT_SUPPORTED.into()),
        IdTokens::No => return Err(Code::ID_TOKEN_NOT_SUPPORTED.into()),
        IdTokens::Signed(rules) => Some(rules),
        IdTokens::SignedOrOpaque(rules) => Some(rules).filter(|_| is_jwt),
        IdTokens::Asked => None,
    };
    let is_good = match rules {
        Some(rules) => id_token::verify(caller, provider, &rules, given.token, nonce)?.is_some(),
        None => preset.ask(provider, given.token, nonce, &mut |fetch| caller.fetch(fetch))?,
    };
    if !is_good {
        return Err(AuthError::ApiWith(Code::INVALID_TOKEN, 401));
    }
    let tokens = TokenSet {
        id_token: Some(given.token.into()),
        access_token: given.access_token.map(wiped),
        refresh_token: given.refresh_token.map(wiped),
        user: given.user.cloned(),
        ..TokenSet::default()
    };
    let info = preset.user_info_of_id_token(provider, &tokens, &mut |fetch| caller.fetch(fetch))?;
    let info = info.ok_or(AuthError::ApiWith(Code::FAILED_TO_GET_USER_INFO, 401))?;
    Ok((tokens, info))
}

/// Begins a sign-in that the provider has begun: where the browser goes, or nothing where the provider may not do that.
/// Better Auth's `allowIdpInitiated`.
///
/// # Errors
/// As [`begin`].
pub(crate) fn begin_again(caller: &mut dyn Caller, wish: &Wish<'_>) -> Result<Option<Begun>, AuthError> {
    let provider = providers::usable(caller, wish.provider_id)?;
    let provider = provider.filter(|provider| provider.is_on("allowIdpInitiated"));
    provider.map(|provider| begin_at(&provider, wish)).transpose()
}
