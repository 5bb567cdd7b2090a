//! What Better Auth knows of each provider: addresses, scopes, how a code is exchanged and a profile becomes a user.

use super::{Fetcher, Grant, IdTokenRules, IdTokens, Info, Provider, Start, TokenSet};
use crate::error::AuthError;

/// The preset of this id.
pub(crate) fn find(_id: &str) -> &'static dyn Preset {
    &Missing
}

/// Until they are there.
struct Missing;

impl Preset for Missing {
    fn id(&self) -> &'static str {
        "missing"
    }

    fn check(&self, _: &Provider) -> Result<(), AuthError> {
        Err(AuthError::Unsupported("no presets yet"))
    }

    fn authorization_url(&self, _: &Provider, _: &Start<'_>) -> Result<String, AuthError> {
        Err(AuthError::Unsupported("no presets yet"))
    }

    fn exchange(
        &self,
        _: &Provider,
        _: &Grant<'_>,
        _: &mut Fetcher<'_>,
    ) -> Result<Option<TokenSet>, AuthError> {
        Ok(None)
    }

    fn can_refresh(&self, _: &Provider) -> bool {
        false
    }

    fn refresh(&self, _: &Provider, _: &str, _: &mut Fetcher<'_>) -> Result<Option<TokenSet>, AuthError> {
        Ok(None)
    }

    fn user_info(&self, _: &Provider, _: &TokenSet, _: &mut Fetcher<'_>) -> Result<Option<Info>, AuthError> {
        Ok(None)
    }

    fn subject(&self, _: &Provider, _: &TokenSet, _: &Info) -> Option<String> {
        None
    }
}

/// Better Auth's `OAuthProvider`: how one provider is spoken to.
pub(crate) trait Preset: Sync {
    /// Better Auth's id of it.
    fn id(&self) -> &'static str;

    /// What is missing in a provider's set-up, for who sets it up.
    ///
    /// # Errors
    /// An option is missing, or of another type.
    fn check(&self, provider: &Provider) -> Result<(), AuthError>;

    /// Where the browser is sent: `createAuthorizationURL`.
    ///
    /// # Errors
    /// The set-up lacks something.
    fn authorization_url(&self, provider: &Provider, start: &Start<'_>) -> Result<String, AuthError>;

    /// The tokens for a code: `validateAuthorizationCode`. `None` where the provider refuses it, or answers with
    /// something else.
    ///
    /// # Errors
    /// Those of `fetch`.
    fn exchange(
        &self,
        provider: &Provider,
        grant: &Grant<'_>,
        fetch: &mut Fetcher<'_>,
    ) -> Result<Option<TokenSet>, AuthError>;

    /// Whether access tokens can be renewed.
    fn can_refresh(&self, provider: &Provider) -> bool;

    /// Another access token: `refreshAccessToken`. `None` as in [`Preset::exchange`].
    ///
    /// # Errors
    /// Those of `fetch`.
    fn refresh(
        &self,
        provider: &Provider,
        refresh_token: &str,
        fetch: &mut Fetcher<'_>,
    ) -> Result<Option<TokenSet>, AuthError>;

    /// Who it is: `getUserInfo`. An id token has been verified before, wherever the provider has keys. `None` where the
    /// provider doesn't say.
    ///
    /// # Errors
    /// Those of `fetch`.
    fn user_info(
        &self,
        provider: &Provider,
        tokens: &TokenSet,
        fetch: &mut Fetcher<'_>,
    ) -> Result<Option<Info>, AuthError>;

    /// The provider's name for the account: `accountSubject`. `None` where it has none.
    fn subject(&self, provider: &Provider, tokens: &TokenSet, info: &Info) -> Option<String>;

    /// How an id token alone signs in: `idToken`. Without the option `disableIdTokenSignIn`, which who asks heeds.
    fn id_tokens<'p>(&self, _provider: &'p Provider) -> IdTokens<'p> {
        IdTokens::No
    }

    /// How the id token that comes with a code is verified, before [`Preset::user_info`] reads it. Better Auth merely
    /// decodes those of most providers; here whoever fetches is not to be believed. `None` where it has none that says
    /// who it is, or no known keys.
    fn code_id_token<'p>(&self, provider: &'p Provider) -> Option<IdTokenRules<'p>> {
        match self.id_tokens(provider) {
            IdTokens::Signed(rules) | IdTokens::SignedOrOpaque(rules) => Some(rules),
            IdTokens::No | IdTokens::Asked => None,
        }
    }

    /// Asks the provider whether an id token is good: see [`IdTokens`].
    ///
    /// # Errors
    /// Those of `fetch`.
    fn ask(
        &self,
        _provider: &Provider,
        _token: &str,
        _nonce: Option<&str>,
        _fetch: &mut Fetcher<'_>,
    ) -> Result<bool, AuthError> {
        Ok(false)
    }

    /// Whether its id tokens are bound to the sign-in by a nonce: `requiresIdTokenNonce`.
    fn requires_nonce(&self, _provider: &Provider) -> bool {
        false
    }

    /// Its name in `iss` of the callback, where that is compared: `issuer`.
    fn issuer<'p>(&self, _provider: &'p Provider) -> Option<&'p str> {
        None
    }
}
