//! Better Auth's multi-session plugin: several accounts in one browser, one of them active. Each session that is opened
//! gets a cookie of its own beside the active one's.

mod device;
mod routes;

use crate::api::http::{Answer, Context, Route};
use crate::error::AuthError;
use crate::plugin::Plugin;

/// The plugin.
pub(super) struct MultiSession;

mod settings {
    crate::settings::settings! { "multi_session_";
        slots maximum_sessions = 5,
            c"How many sessions of a browser may have cookies of their own.",
            c"Better Auth: multiSession.maximumSessions.";
    }
}

crate::error::codes! {
    INVALID_SESSION_TOKEN 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION "Invalid session token"
}

impl Plugin for MultiSession {
    fn id(&self) -> &'static str {
        "multi-session"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn after(&self, context: &mut Context<'_>, _: &mut Answer) -> Result<(), AuthError> {
        // A caller without cookies has no device.
        if context.request.session_token.is_some() || context.is_direct {
            return Ok(());
        }
        device::remember(context)?;
        if context.path == "/sign-out" { device::forget_all(context) } else { Ok(()) }
    }
}
