//! Better Auth's plugin api-key (`@better-auth/api-key`): keys by which programs act for a user or an organization, and
//! with PostgREST's `pre_request()` use the data API with a key alone.

mod flow;
mod json;
mod options;
mod routes;
mod rpc;
mod session;
mod sql;
mod store;

use crate::api::http::{Body, Context, Response, Route};
use crate::error::AuthError;
use crate::plugin::{Plugin, Rpc};
use crate::store::definition::Definition;
use crate::store::fields::Given;
use crate::store::user::User;

pub(super) use self::store::KEYS;

/// Better Auth's id of it.
const ID: &str = "api-key";

/// The plugin.
pub(super) struct ApiKey;

/// Better Auth's `API_KEY_ERROR_CODES`.
mod codes {
    crate::error::codes! {
        INVALID_METADATA_TYPE 400 ERRCODE_INVALID_PARAMETER_VALUE
            "metadata must be an object or undefined"
        REFILL_AMOUNT_AND_INTERVAL_REQUIRED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "refillAmount is required when refillInterval is provided"
        REFILL_INTERVAL_AND_AMOUNT_REQUIRED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "refillInterval is required when refillAmount is provided"
        USER_BANNED 401 ERRCODE_INSUFFICIENT_PRIVILEGE
            "User is banned"
        UNAUTHORIZED_SESSION 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Unauthorized or invalid session"
        KEY_NOT_FOUND 404 ERRCODE_INVALID_PARAMETER_VALUE
            "API Key not found"
        KEY_DISABLED 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "API Key is disabled"
        KEY_EXPIRED 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "API Key has expired"
        USAGE_EXCEEDED 429 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
            "API Key has reached its usage limit"
        EXPIRES_IN_IS_TOO_SMALL 400 ERRCODE_INVALID_PARAMETER_VALUE
            "The expiresIn is smaller than the predefined minimum value."
        EXPIRES_IN_IS_TOO_LARGE 400 ERRCODE_INVALID_PARAMETER_VALUE
            "The expiresIn is larger than the predefined maximum value."
        INVALID_PREFIX_LENGTH 400 ERRCODE_INVALID_PARAMETER_VALUE
            "The prefix length is either too large or too small."
        INVALID_NAME_LENGTH 400 ERRCODE_INVALID_PARAMETER_VALUE
            "The name length is either too large or too small."
        METADATA_DISABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Metadata is disabled."
        RATE_LIMITED 429 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
            "Rate limit exceeded."
        NO_VALUES_TO_UPDATE 400 ERRCODE_INVALID_PARAMETER_VALUE
            "No values to update."
        KEY_DISABLED_EXPIRATION 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Custom key expiration values are disabled."
        INVALID_API_KEY 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Invalid API key."
        INVALID_REFERENCE_ID_FROM_API_KEY 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "The reference id from the API key is invalid."
        SERVER_ONLY_PROPERTY 400 ERRCODE_INSUFFICIENT_PRIVILEGE
            "The property you're trying to set can only be set from the server auth instance only."
        FAILED_TO_UPDATE_API_KEY 500 ERRCODE_READ_ONLY_SQL_TRANSACTION
            "Failed to update API key"
        NAME_REQUIRED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "API Key name is required."
        ORGANIZATION_ID_REQUIRED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Organization ID is required for organization-owned API keys."
        USER_NOT_MEMBER_OF_ORGANIZATION 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You are not a member of the organization that owns this API key."
        INSUFFICIENT_API_KEY_PERMISSIONS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You do not have permission to perform this action on organization API keys."
        ORGANIZATION_PLUGIN_REQUIRED 500 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Organization plugin is required for organization-owned API keys. Please install and configure the organization plugin."
    }
}

impl Plugin for ApiKey {
    fn id(&self) -> &'static str {
        ID
    }

    fn tables(&self) -> &'static [&'static Definition] {
        &[&KEYS]
    }

    fn define_settings(&self) -> bool {
        options::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }

    fn instead(&self, context: &mut Context<'_>, _: &mut Body) -> Result<Option<Response>, AuthError> {
        session::open(context)
    }

    fn before_user_deleted(&self, user_id: &str) -> Result<(), AuthError> {
        flow::forget_user(user_id)
    }

    fn unproven(&self, user: &User, _: &mut Vec<Given>) -> Result<(), AuthError> {
        flow::forget_user(&user.id)
    }

    fn pre_request(&self) -> Result<bool, AuthError> {
        flow::pre_request::identify()
    }
}

/// Within a server: see `plugin::tests`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_has_an_error_status() {
        let mut seen = std::collections::HashSet::new();
        for code in codes::ALL {
            assert!(seen.insert(code.code), "{} twice", code.code);
            assert!((400..=500).contains(&code.status), "{}", code.code);
        }
    }
}
