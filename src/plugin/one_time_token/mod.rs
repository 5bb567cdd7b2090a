//! Better Auth's plugin one-time-token: a token that hands a session on, once.

mod flow;
mod routes;
mod rpc;

use crate::api::http::{Answer, Context, Route};
use crate::error::{AuthError, codes};
use crate::plugin::{Plugin, Rpc};
use crate::store::server::is_writable;

mod settings {
    use crate::plugin::stored::StoreToken;

    crate::settings::settings! {
        "one_time_token_";
        seconds expires_in = 180,
            c"How long a token is good.",
            c"Better Auth: oneTimeToken.expiresIn, which is in minutes.";
        choice(StoreToken) store_token = StoreToken::Plain,
            c"How tokens are stored: plain or hashed.",
            c"Better Auth: oneTimeToken.storeToken.";
        flag disable_client_request = false,
            c"Whether tokens are made for callers of SQL alone, not for requests.",
            c"Better Auth: oneTimeToken.disableClientRequest.";
        flag disable_set_session_cookie = false,
            c"Whether who brings a token is told the session without getting its cookie.",
            c"Better Auth: oneTimeToken.disableSetSessionCookie.";
        flag set_ott_header_on_new_session = false,
            c"Whether each answer that opens a session has a token in a header set-ott.",
            c"Better Auth: oneTimeToken.setOttHeaderOnNewSession.";
    }
}

codes! {
    CLIENT_REQUESTS_DISABLED as "" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE "Client requests are disabled"
    INVALID_TOKEN as "" 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION "Invalid token"
    SESSION_EXPIRED as "" 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION "Session expired"
    SESSION_NOT_FOUND as "" 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION "Session not found"
}

/// The plugin.
pub(super) struct OneTimeToken;

impl Plugin for OneTimeToken {
    fn id(&self) -> &'static str {
        "one-time-token"
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

    fn after(&self, context: &mut Context<'_>, _: &mut Answer) -> Result<(), AuthError> {
        let Some(live) = &context.new_session else { return Ok(()) };
        if settings::set_ott_header_on_new_session() && is_writable() {
            let token = flow::generate(live)?;
            context.set_exposed_header("set-ott", token);
        }
        Ok(())
    }
}
