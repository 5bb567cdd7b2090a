//! Better Auth's plugin one-tap: Google's own dialogue in the page gives an id token, and that signs in.

mod routes;
mod rpc;

use crate::api::http::Route;
use crate::error::{AuthError, Code, codes};
use crate::flow::account::SignedIn;
use crate::flow::oauth::credential::{self, Credential, Refused};
use crate::flow::session::Caller;
use crate::plugin::{Plugin, Rpc};
use crate::settings::parts;

mod settings {
    crate::settings::settings! {
        "one_tap_";
        text client_id = None,
            c"Client ids that tokens may be for, separated by commas, in place of those of the provider google.",
            c"Better Auth: oneTap({ clientId }).";
        flag disable_signup = false,
            c"Whether nobody becomes a user by it.",
            c"Better Auth: oneTap({ disableSignup }).";
    }
}

codes! {
    NO_CLIENT_ID as "" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Google client ID is required for One Tap. Set it on the oneTap plugin (clientId) or on socialProviders.google."
    INVALID_ID_TOKEN as "" 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        "invalid id token"
    NO_EMAIL as "" 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        "Email not available in token"
    NOT_LINKED as "" 401 ERRCODE_INSUFFICIENT_PRIVILEGE
        "account not linked"
}

/// The plugin.
pub(super) struct OneTap;

impl Plugin for OneTap {
    fn id(&self) -> &'static str {
        "one-tap"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }
}

/// Signs in with Google's id token.
///
/// # Errors
/// Those above, EMAIL_NOT_VERIFIED, BANNED_USER; [`AuthError::Suspended`].
fn sign_in(caller: &mut dyn Caller, token: &str) -> Result<SignedIn, AuthError> {
    let client_ids = settings::client_id().unwrap_or_default();
    let credential = Credential {
        provider_id: "google",
        token,
        client_ids: parts(&client_ids).collect(),
        scopes: &["openid", "profile", "email"],
        disable_sign_up: settings::disable_signup(),
    };
    let code: Code = match credential::sign_in(caller, &credential) {
        Ok(Ok(signed_in)) => return Ok(signed_in),
        Ok(Err(Refused::NoClientId)) => NO_CLIENT_ID,
        Ok(Err(Refused::Token)) => INVALID_ID_TOKEN,
        Ok(Err(Refused::Email)) => NO_EMAIL,
        Err(AuthError::OAuth(why)) => return Err(AuthError::Worded(NOT_LINKED, why.into())),
        Err(error) => return Err(error),
    };
    Err(code.into())
}
