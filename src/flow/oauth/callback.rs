//! A provider has sent the browser back: Better Auth's `callbackOAuth`.

use serde_json::{Map, Value};

use super::state::{self, Link};
use super::{Grant, Info, Provider, TokenSet, id_token, providers};
use crate::error::{AuthError, Code};
use crate::flow::account::{self, Profile, Terms};
use crate::flow::hooks;
use crate::flow::secrets;
use crate::flow::session::{Caller, Live};
use crate::settings;
use crate::store::account::Tokens;
use crate::store::server::Timestamp;

/// What came with the browser.
pub(crate) struct Callback<'a> {
    pub(crate) provider_id: &'a str,
    pub(crate) code: Option<&'a str>,
    /// The provider's own error.
    pub(crate) error: Option<&'a str>,
    pub(crate) error_description: Option<&'a str>,
    pub(crate) state: &'a str,
    pub(crate) device_id: Option<&'a str>,
    /// Apple's form.
    pub(crate) user: Option<&'a str>,
    pub(crate) iss: Option<&'a str>,
    pub(crate) redirect_uri: &'a str,
}

/// How it ends.
pub(crate) enum Ended {
    /// With a session, and where the browser goes.
    SignedIn(Box<Live>, String),
    /// The account is linked; where the browser goes.
    Linked(String),
    /// Better Auth's word for what is wrong, and where the browser goes with it, unless to the error page.
    Failed { error: String, description: Option<String>, error_url: Option<String> },
}

/// Ends a sign-in, or a link, with what a provider has sent.
///
/// # Errors
/// Those of the store; [`AuthError::Suspended`].
pub(crate) fn end(caller: &mut dyn Caller, callback: &Callback<'_>) -> Result<Ended, AuthError> {
    let state = match state::take(caller, callback.state)? {
        Ok(state) => state,
        Err(refused) => {
            let (error, error_url) = (refused.error.into(), refused.error_url);
            return Ok(Ended::Failed { error, description: None, error_url });
        }
    };
    let way = Way {
        callback_url: &state.callback_url,
        new_user_url: state.new_user_url.as_deref(),
        error_url: state.error_url.as_deref(),
    };
    if let Some(error) = callback.error.filter(|error| !error.is_empty()) {
        let description = callback.error_description.filter(|text| !text.is_empty());
        return Ok(way.failed(error, description));
    }
    let Some(code) = callback.code.filter(|code| !code.is_empty()) else {
        return Ok(way.failed("no_code", None));
    };
    let Some(provider) = providers::usable(caller, callback.provider_id)? else {
        return Ok(way.failed("oauth_provider_not_found", None));
    };
    let began = Began { code_verifier: &state.code_verifier, nonce: state.nonce.as_deref() };
    let exchanged = match exchange(caller, &provider, callback, code, &began)? {
        Ok(exchanged) => exchanged,
        Err(error) => return Ok(way.failed(error, None)),
    };
    let tokens = Kept::of(&exchanged.tokens)?;
    let profile = profile_of(&provider.id, &exchanged.user, &exchanged.account_id, tokens.as_tokens());
    if let Some(link) = &state.link {
        return link_to(link, &profile, &exchanged.tokens.scopes, &way);
    }
    sign_in(caller, &profile, terms(&provider, state.request_sign_up), &way)
}

/// Where the browser goes.
pub(super) struct Way<'a> {
    pub(super) callback_url: &'a str,
    /// Who is new, where it says.
    pub(super) new_user_url: Option<&'a str>,
    pub(super) error_url: Option<&'a str>,
}

impl Way<'_> {
    pub(super) fn failed(&self, error: &str, description: Option<&str>) -> Ended {
        Ended::Failed {
            error: error.into(),
            description: description.map(str::to_owned),
            error_url: self.error_url.map(str::to_owned),
        }
    }
}

/// Signs in who a provider has said that it is.
///
/// # Errors
/// Those of the store.
pub(super) fn sign_in(
    caller: &mut dyn Caller,
    profile: &Profile<'_>,
    terms: Terms,
    way: &Way<'_>,
) -> Result<Ended, AuthError> {
    if profile.email.is_empty() {
        return Ok(way.failed("email_not_found", None));
    }
    match account::link(caller, profile, terms, Some(way.callback_url)) {
        Ok(done) => {
            let to = way.new_user_url.filter(|url| done.is_register && !url.is_empty());
            let live = Live { session: done.session, user: done.user };
            Ok(Ended::SignedIn(Box::new(live), to.unwrap_or(way.callback_url).to_owned()))
        }
        Err(AuthError::OAuth(reason)) => Ok(way.failed(&reason.replace(' ', "_"), None)),
        Err(AuthError::Api(Code::EMAIL_NOT_VERIFIED)) => Ok(way.failed("email_not_verified", None)),
        Err(error) if error.status().is_some() => {
            let code = error.code().unwrap_or("unable_to_create_user");
            Ok(way.failed(code, Some(&error.message())))
        }
        Err(error) => Err(error),
    }
}

/// Better Auth's options of a provider, for a request that may ask for a sign-up.
pub(super) fn terms(provider: &Provider, request_sign_up: bool) -> Terms {
    let requires = provider.is_on("requireEmailVerification");
    Terms {
        disable_sign_up: provider.is_on("disableImplicitSignUp") && !request_sign_up
            || provider.is_on("disableSignUp"),
        override_user_info: provider.is_on("overrideUserInfoOnSignIn") || provider.is_on("overrideUserInfo"),
        require_email_verification: requires,
        sends_verification: requires,
    }
}

/// What Better Auth's user of a provider's profile tells.
pub(super) fn profile_of<'a>(
    provider_id: &'a str,
    user: &'a Map<String, Value>,
    account_id: &'a str,
    tokens: Tokens<'a>,
) -> Profile<'a> {
    let text = |name: &str| user.get(name).and_then(Value::as_str);
    Profile {
        provider_id,
        account_id,
        email: text("email").unwrap_or_default(),
        name: text("name").unwrap_or_default(),
        image: text("image"),
        email_verified: is_true(user.get("emailVerified")),
        tokens,
        additional: user,
    }
}

/// Better Auth's `parseStringBoolean`, where what it doesn't know is false.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Bool(true))) || value.and_then(Value::as_str) == Some("true")
}

/// Links a provider's account to the user who has asked for it.
///
/// # Errors
/// Those of the store.
pub(super) fn link_to(
    link: &Link,
    profile: &Profile<'_>,
    scopes: &[String],
    way: &Way<'_>,
) -> Result<Ended, AuthError> {
    if !link.is_live(Timestamp::now())? {
        return Ok(way.failed("unable_to_link_account", None));
    }
    Ok(match account::link_to_user(&link.user_id, &link.email, profile, scopes)? {
        Ok(()) => Ended::Linked(way.callback_url.to_owned()),
        Err(error) => way.failed(error, None),
    })
}

/// What a sign-in has begun with.
pub(super) struct Began<'a> {
    pub(super) code_verifier: &'a str,
    pub(super) nonce: Option<&'a str>,
}

/// Who it is, and the tokens.
pub(super) struct Exchanged {
    pub(super) tokens: TokenSet,
    pub(super) user: Map<String, Value>,
    pub(super) account_id: String,
    /// The provider's profile.
    pub(super) data: Map<String, Value>,
}

/// Better Auth's `exchangeOAuthCallback`; its word where that isn't to be.
///
/// # Errors
/// Those of the store; [`AuthError::Suspended`].
pub(super) fn exchange(
    caller: &mut dyn Caller,
    provider: &Provider,
    callback: &Callback<'_>,
    code: &str,
    began: &Began<'_>,
) -> Result<Result<Exchanged, &'static str>, AuthError> {
    const UNABLE: &str = "unable_to_get_user_info";
    let preset = provider.preset;
    let issuer = preset.issuer(provider);
    if let (Some(issuer), Some(iss)) = (issuer, callback.iss.filter(|iss| !iss.is_empty()))
        && issuer != iss
    {
        return Ok(Err("issuer_mismatch"));
    }
    let nonce = began.nonce.filter(|nonce| !nonce.is_empty());
    if preset.requires_nonce(provider) && nonce.is_none() {
        return Ok(Err("nonce_binding_missing"));
    }
    let grant = Grant {
        code,
        code_verifier: began.code_verifier,
        redirect_uri: callback.redirect_uri,
        device_id: callback.device_id,
    };
    let Some(mut tokens) = preset.exchange(provider, &grant, &mut |fetch| caller.fetch(fetch))? else {
        return Ok(Err("invalid_code"));
    };
    // Whoever fetches is believed as little as the provider's own user: an id token has to be signed.
    let rules = preset.code_id_token(provider);
    let is_good = match (&rules, &tokens.id_token) {
        (Some(rules), Some(token)) => id_token::verify(caller, provider, rules, token, nonce)?.is_some(),
        // Keys that a superuser has set are not to be passed by.
        (_, token) => {
            (token.is_some() || !preset.needs_id_token(provider)) && id_token::set_issuer(provider)?.is_none()
        }
    };
    if !is_good {
        return Ok(Err(UNABLE));
    }
    tokens.user = callback.user.and_then(|user| serde_json::from_str(user).ok());
    let info = preset.user_info(provider, &tokens, &mut |fetch| caller.fetch(fetch))?;
    let Some(info) = info else { return Ok(Err(UNABLE)) };
    let Some(account_id) = preset.subject(provider, &tokens, &info).filter(|id| is_subject(id)) else {
        return Ok(Err(UNABLE));
    };
    let user = map_profile(provider, &info)?;
    Ok(Ok(Exchanged { tokens, user, account_id, data: info.data }))
}

/// Better Auth's rule for what an account is called.
pub(super) fn is_subject(id: &str) -> bool {
    !id.trim().is_empty() && id != "undefined" && id != "null"
}

/// The user that a profile becomes: with what the DBA's function says of it.
///
/// # Errors
/// The function is missing, or answers with something else than an object.
pub(super) fn map_profile(provider: &Provider, info: &Info) -> Result<Map<String, Value>, AuthError> {
    let mut user = info.user.clone();
    user.extend(hooks::map_profile_to_user(&provider.id, &info.data)?);
    Ok(user)
}

/// When a token ends that lives for so many seconds from `now` on.
pub(super) fn end_of(now: Timestamp, lifetime: Option<f64>) -> Option<Timestamp> {
    // Some three hundred years before or after: dates that PostgreSQL has, and reads back.
    const MOST: f64 = 1e10;
    #[allow(clippy::cast_possible_truncation, reason = "it is of that size")]
    lifetime.map(|seconds| now.plus_milliseconds((seconds.clamp(-MOST, MOST) * 1_000.0) as i64))
}

/// Tokens as they are stored.
pub(super) struct Kept {
    access_token: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    access_token_expires_at: Option<Timestamp>,
    refresh_token_expires_at: Option<Timestamp>,
    scope: Option<String>,
}

impl Kept {
    /// The same tokens, which end at these times.
    pub(super) fn ending(
        self,
        access: Option<Timestamp>,
        refresh: Option<Timestamp>,
        scope: Option<String>,
    ) -> Self {
        Self { access_token_expires_at: access, refresh_token_expires_at: refresh, scope, ..self }
    }

    /// # Errors
    /// There is no usable secret, or no randomness.
    pub(super) fn of(tokens: &TokenSet) -> Result<Self, AuthError> {
        let seal = |token: &Option<zeroize::Zeroizing<String>>| match token {
            Some(token) if settings::encrypt_oauth_tokens() && !token.is_empty() => {
                secrets::seal(token).map(Some)
            }
            token => Ok(token.as_ref().map(|token| token.to_string())),
        };
        let now = Timestamp::now();
        Ok(Self {
            access_token: seal(&tokens.access_token)?,
            refresh_token: seal(&tokens.refresh_token)?,
            id_token: tokens.id_token.clone(),
            access_token_expires_at: end_of(now, tokens.access_token_expires_in),
            refresh_token_expires_at: end_of(now, tokens.refresh_token_expires_in),
            scope: Some(tokens.scopes.join(",")),
        })
    }

    pub(super) fn as_tokens(&self) -> Tokens<'_> {
        Tokens {
            access_token: self.access_token.as_deref(),
            refresh_token: self.refresh_token.as_deref(),
            id_token: self.id_token.as_deref(),
            access_token_expires_at: self.access_token_expires_at,
            refresh_token_expires_at: self.refresh_token_expires_at,
            scope: self.scope.as_deref(),
        }
    }
}
