//! What Better Auth knows of each provider: addresses, scopes, how a code is exchanged and a profile becomes a user.
//!
//! Everything is Better Auth 1.7.25's, to the letter of each request: the vectors beside this file are what that asks
//! and answers (pg_test/tools/providers_vectors.mjs). Where JavaScript would throw on a profile, there is none here.

#[cfg(test)]
mod check_tests;
mod connect;
mod generic;
mod helpers;
mod odd;
mod options;
mod regular;
mod social;
mod take;
mod tenants;
#[cfg(test)]
mod tests;
mod twice;
mod userinfo;

use super::{Fetcher, Grant, IdTokenRules, IdTokens, Info, Provider, Start, TokenSet};
use crate::error::AuthError;

/// What a provider answers, if it does.
///
/// # Errors
/// Those of `fetch`.
type Asked<T> = Result<Option<T>, AuthError>;

/// Better Auth's own, in its order.
static SOCIAL: [&social::Social; 36] = [
    &connect::APPLE,
    &regular::ATLASSIAN,
    &regular::CLOUDFLARE,
    &tenants::COGNITO,
    &odd::DISCORD,
    &twice::FACEBOOK,
    &regular::FIGMA,
    &twice::GITHUB,
    &tenants::MICROSOFT,
    &connect::GOOGLE,
    &userinfo::HUGGINGFACE,
    &userinfo::SLACK,
    &regular::SPOTIFY,
    &connect::TWITCH,
    &twice::TWITTER,
    &odd::DROPBOX,
    &regular::KICK,
    &odd::LINEAR,
    &userinfo::LINKEDIN,
    &regular::GITLAB,
    &odd::TIKTOK,
    &regular::REDDIT,
    &userinfo::ROBLOX,
    &userinfo::SALESFORCE,
    &odd::VK,
    &regular::ZOOM,
    &regular::NOTION,
    &regular::KAKAO,
    &regular::NAVER,
    &connect::LINE,
    &connect::PAYBIN,
    &odd::PAYPAL,
    &userinfo::POLAR,
    &userinfo::RAILWAY,
    &userinfo::VERCEL,
    &odd::WECHAT,
];

/// The helpers of `genericOAuth`, whose ids are theirs but where a provider built in has the same.
static HELPERS: [&generic::Generic; 10] = [
    &helpers::AUTH0,
    &helpers::GUMROAD,
    &helpers::HUBSPOT,
    &helpers::KEYCLOAK,
    &helpers::LINE,
    &helpers::MICROSOFT_ENTRA_ID,
    &helpers::OKTA,
    &helpers::PATREON,
    &helpers::SLACK,
    &helpers::YANDEX,
];

fn all() -> impl Iterator<Item = &'static dyn Preset> {
    let social = SOCIAL.iter().map(|preset| *preset as &'static dyn Preset);
    social.chain(HELPERS.iter().map(|preset| *preset as &'static dyn Preset))
}

/// The preset of an id; the generic one for any other.
pub(crate) fn find(id: &str) -> &'static dyn Preset {
    all().find(|preset| preset.id() == id).unwrap_or(&generic::GENERIC)
}

/// The ids of those that something is known of: Better Auth's own providers, then the helpers of `genericOAuth`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(Preset::id)
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

    /// Where its discovery document is, for [`Provider::discovery`] (OpenID Connect Discovery 1.0, section 4).
    fn discovery_url(&self, provider: &Provider) -> Option<String> {
        provider.text("discoveryUrl").map(str::to_owned)
    }

    /// Whether it can be used as it stands, with the discovery document that is there. Better Auth skips a provider whose
    /// document is missing, or lacks an endpoint or the keys that it has to have: there is no such provider then.
    fn is_usable(&self, _provider: &Provider) -> bool {
        true
    }

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

    /// Who a good id token, that came alone, says that it is: `getUserInfoFromIdToken`, where there is one.
    ///
    /// # Errors
    /// Those of `fetch`.
    fn user_info_of_id_token(
        &self,
        provider: &Provider,
        tokens: &TokenSet,
        fetch: &mut Fetcher<'_>,
    ) -> Result<Option<Info>, AuthError> {
        self.user_info(provider, tokens, fetch)
    }

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

    /// Whether a code's answer without an id token signs nobody in. An OpenID provider gives one (OpenID Connect Core 1.0,
    /// section 3.1.3.3), and whoever fetches might keep it back to tell a profile in its place: Better Auth would ask for
    /// that. Those whose profile is the id token need not say so.
    fn needs_id_token(&self, _provider: &Provider) -> bool {
        false
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
