//! Id tokens (OpenID Connect Core 1.0, section 3.1.3.7).

use serde_json::{Map, Value};

use super::{IdTokenRules, Provider};
use crate::error::AuthError;
use crate::flow::session::Caller;

/// The claims of a good id token of the provider's.
pub(super) fn verify(
    _caller: &mut dyn Caller,
    _provider: &Provider,
    _rules: &IdTokenRules<'_>,
    _token: &str,
    _nonce: Option<&str>,
) -> Result<Option<Map<String, Value>>, AuthError> {
    Ok(None)
}
