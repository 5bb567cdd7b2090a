//! Better Auth's plugin passkey: users register keys of their devices, and sign in by them, without a name where the
//! device knows it.

mod flow;
mod json;
mod options;
mod routes;
mod rpc;
mod store;

use crate::api::http::Route;
use crate::error::{AuthError, codes};
use crate::plugin::{Plugin, Rpc};
use crate::store::definition::Definition;
use crate::store::fields::Given;
use crate::store::user::User;

pub(super) use self::store::PASSKEYS;

mod settings {
    use pgrx::PostgresGucEnum;

    /// The values of `better_auth.passkey_resident_key` and `passkey_user_verification`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
    pub(crate) enum Wish {
        #[name = c"discouraged"]
        Discouraged,
        #[name = c"preferred"]
        Preferred,
        #[name = c"required"]
        Required,
    }

    impl Wish {
        pub(crate) fn name(self) -> &'static str {
            match self {
                Self::Discouraged => "discouraged",
                Self::Preferred => "preferred",
                Self::Required => "required",
            }
        }
    }

    /// The values of `better_auth.passkey_authenticator_attachment`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
    pub(crate) enum Attachment {
        #[name = c"any"]
        Any,
        #[name = c"platform"]
        Platform,
        #[name = c"cross-platform"]
        CrossPlatform,
    }

    impl Attachment {
        pub(crate) fn name(self) -> Option<&'static str> {
            match self {
                Self::Any => None,
                Self::Platform => Some("platform"),
                Self::CrossPlatform => Some("cross-platform"),
            }
        }
    }

    crate::settings::settings! {
        "passkey_";
        text rp_id = None,
            c"The domain that passkeys are for; empty for the host of base_url.",
            c"Better Auth: passkey.rpID. Passkeys that were made for another one don't sign in.";
        text rp_name = None,
            c"The name of the site, for people; empty for Better Auth.",
            c"Better Auth: passkey.rpName.";
        text origin = None,
            c"Origins whose pages may use passkeys, separated by commas; empty for that of the request.",
            c"Better Auth: passkey.origin.";
        choice(Attachment) authenticator_attachment = Attachment::Any,
            c"Which authenticators may register: any, platform (the device itself) or cross-platform.",
            c"Better Auth: passkey.authenticatorSelection.authenticatorAttachment.";
        choice(Wish) resident_key = Wish::Preferred,
            c"Whether passkeys are to sign in without a name: discouraged, preferred or required.",
            c"Better Auth: passkey.authenticatorSelection.residentKey.";
        choice(Wish) user_verification = Wish::Preferred,
            c"Whether authenticators are to ask for a PIN or a fingerprint at registration: discouraged, preferred or required.",
            c"Better Auth: passkey.authenticatorSelection.userVerification. What a browser is told; answers are taken without it.";
        text web_authn_challenge_cookie = None,
            c"The name of the cookie of a challenge, without its prefix; empty for better-auth-passkey.",
            c"Better Auth: passkey.advanced.webAuthnChallengeCookie.";
        flag registration_require_session = true,
            c"Whether passkeys are registered by who is signed in alone.",
            c"Better Auth: passkey.registration.requireSession.";
        text registration_resolve_user_function = None,
            c"Function (schema.name) that says who registers without a session: jsonb {context}, returns {id, name, displayName}.",
            c"Better Auth: passkey.registration.resolveUser.";
        text registration_after_verification_function = None,
            c"Function (schema.name) that is called with a new passkey before it is kept: jsonb {user, context, verification, clientData}.",
            c"Better Auth: passkey.registration.afterVerification. It may return {userId, name}.";
        text registration_extensions = None,
            c"WebAuthn extensions that browsers are asked for at registration, as a JSON object.",
            c"Better Auth: passkey.registration.extensions.";
        text authentication_extensions = None,
            c"WebAuthn extensions that browsers are asked for at a sign-in, as a JSON object.",
            c"Better Auth: passkey.authentication.extensions.";
        text authentication_after_verification_function = None,
            c"Function (schema.name) that is called with a passkey that was used, before its session: jsonb {verification, clientData}.",
            c"Better Auth: passkey.authentication.afterVerification.";
    }
}

codes! {
    AUTHENTICATION_FAILED 400 ERRCODE_INVALID_PASSWORD "Authentication failed"
    CHALLENGE_NOT_FOUND 400 ERRCODE_INVALID_PARAMETER_VALUE "Challenge not found"
    FAILED_TO_UPDATE_PASSKEY 500 ERRCODE_NO_DATA_FOUND "Failed to update passkey"
    FAILED_TO_VERIFY_REGISTRATION 400 ERRCODE_INVALID_PARAMETER_VALUE "Failed to verify registration"
    ORIGIN_MISSING as "" 400 ERRCODE_INVALID_PARAMETER_VALUE "origin missing"
    PASSKEY_NOT_FOUND 404 ERRCODE_NO_DATA_FOUND "Passkey not found"
    PREVIOUSLY_REGISTERED 400 ERRCODE_UNIQUE_VIOLATION "Previously registered"
    RESOLVED_USER_INVALID 400 ERRCODE_INVALID_PARAMETER_VALUE "Resolved user is invalid"
    RESOLVE_USER_REQUIRED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Passkey registration requires either an authenticated session or a resolveUser callback when requireSession is false"
    USER_NOT_FOUND 500 ERRCODE_NO_DATA_FOUND "User not found"
    USER_OF_PASSKEY_NOT_FOUND as "" 500 ERRCODE_NO_DATA_FOUND "User not found"
    YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY 401 ERRCODE_INSUFFICIENT_PRIVILEGE
        "You are not allowed to register this passkey"
}

/// The plugin.
pub(super) struct Passkey;

impl Plugin for Passkey {
    fn id(&self) -> &'static str {
        "passkey"
    }

    fn tables(&self) -> &'static [&'static Definition] {
        &[&PASSKEYS]
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn counts_beside_token(&self, cookie: &str) -> bool {
        cookie.strip_suffix(&options::cookie()).is_some_and(|prefix| prefix.ends_with('.'))
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }

    fn unproven(&self, user: &User, _: &mut Vec<Given>) -> Result<(), AuthError> {
        store::delete_of_user(&user.id)
    }
}
