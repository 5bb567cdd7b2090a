//! Better Auth's device-authorization plugin: the device flow of RFC 8628, by which a CLI or a television gets a session
//! that its user grants elsewhere.

mod flow;
mod routes;
mod store;

use crate::api::http::Route;
use crate::error::AuthError;
use crate::plugin::{Limit, Plugin, Rpc};
use crate::settings::RateLimit;
use crate::store::definition::Definition;

pub(super) use self::store::CODES;

/// The plugin.
pub(super) struct DeviceAuthorization;

mod settings {
    crate::settings::settings! {
        "device_authorization_";
        seconds expires_in = 1800,
            c"Lifetime of device codes.",
            c"Better Auth: deviceAuthorization.expiresIn.";
        seconds interval = 5,
            c"How long a device has to wait between polls.",
            c"Better Auth: deviceAuthorization.interval.";
        key_length device_code_length = 40,
            c"Length of device codes, in characters of [a-zA-Z0-9].",
            c"Better Auth: deviceAuthorization.deviceCodeLength.";
        key_length user_code_length = 8,
            c"Length of user codes, in characters of 32 that don't look alike.",
            c"Better Auth: deviceAuthorization.userCodeLength.";
        text verification_uri = None,
            c"The page where users type their codes in: a URL, or a path on the host of base_url; empty for /device.",
            c"Better Auth: deviceAuthorization.verificationUri.";
        text validate_client_function = None,
            c"Function (schema.name) that says whether a client is known: jsonb {client_id}, returns boolean.",
            c"Better Auth: deviceAuthorization.validateClient.";
        text on_device_auth_request_function = None,
            c"Function (schema.name) that is called when a device asks for codes: jsonb {client_id, scope}.",
            c"Better Auth: deviceAuthorization.onDeviceAuthRequest.";
        text generate_device_code_function = None,
            c"Function (schema.name) that makes device codes: jsonb {}, returns text.",
            c"Better Auth: deviceAuthorization.generateDeviceCode.";
        text generate_user_code_function = None,
            c"Function (schema.name) that makes user codes: jsonb {}, returns text.",
            c"Better Auth: deviceAuthorization.generateUserCode.";
    }
}

crate::error::codes! {
    TOO_MANY_GUESSES as "" 429 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        "Too many requests. Please try again later."
}

impl Plugin for DeviceAuthorization {
    fn id(&self) -> &'static str {
        "device-authorization"
    }

    fn tables(&self) -> &'static [&'static Definition] {
        &[&CODES]
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn limits(&self) -> Vec<Limit> {
        let limit = RateLimit { window: settings::expires_in(), max: 5 };
        vec![Limit { matches: |path| path == "/device", limit }]
    }

    fn sessions_end(&self, user_id: &str) -> Result<(), AuthError> {
        store::delete_of_user(user_id)
    }

    fn rpc(&self) -> &'static [Rpc] {
        &[
            Rpc {
                name: "device_code",
                arguments: "client_id text, scope text DEFAULT NULL, user_id text DEFAULT NULL",
                comment: "Codes for a device: {device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval}",
            },
            Rpc {
                name: "device_token",
                arguments: "device_code text, client_id text, grant_type text DEFAULT 'urn:ietf:params:oauth:grant-type:device_code'",
                comment: "What a device polls: {access_token, token_type, expires_in, scope} once its user has said yes",
            },
            Rpc {
                name: "device_verify",
                arguments: "user_code text, session_token text DEFAULT NULL",
                comment: "What the code that a user has typed in is for: {user_code, status, client_id, scope}",
            },
            Rpc {
                name: "device_approve",
                arguments: "user_code text, session_token text DEFAULT NULL",
                comment: "Say yes to a device: {success}",
            },
            Rpc {
                name: "device_deny",
                arguments: "user_code text, session_token text DEFAULT NULL",
                comment: "Say no to a device: {success}",
            },
        ]
    }
}
