//! Better Auth's plugin magic-link: a link by mail that signs in.

mod flow;
mod routes;
mod rpc;

use crate::api::http::Route;
use crate::plugin::{Limit, Plugin, Rpc};
use crate::settings::RateLimit;

mod settings {
    use crate::plugin::stored::StoreToken;

    crate::settings::settings! {
        "magic_link_";
        seconds expires_in = 300,
            c"How long a link is good.",
            c"Better Auth: magicLink.expiresIn.";
        count allowed_attempts = 1,
            c"Has no effect: a link is good once.",
            c"Better Auth: magicLink.allowedAttempts, which it passes over too.";
        choice(StoreToken) store_token = StoreToken::Plain,
            c"How the tokens of links are stored: plain or hashed.",
            c"Better Auth: magicLink.storeToken.";
        flag disable_sign_up = false,
            c"Whether a link only signs in those who have signed up.",
            c"Better Auth: magicLink.disableSignUp.";
        seconds rate_limit_window = 60,
            c"The window of the rate limit of the plugin's routes.",
            c"Better Auth: magicLink.rateLimit.window.";
        count rate_limit_max = 5,
            c"How many requests to each of the plugin's routes a client may make in that window.",
            c"Better Auth: magicLink.rateLimit.max.";
    }
}

/// The plugin.
pub(super) struct MagicLink;

impl Plugin for MagicLink {
    fn id(&self) -> &'static str {
        "magic-link"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn limits(&self) -> Vec<Limit> {
        let limit =
            RateLimit { window: settings::rate_limit_window(), max: settings::rate_limit_max().into() };
        let matches =
            |path: &str| path.starts_with("/sign-in/magic-link") || path.starts_with("/magic-link/verify");
        vec![Limit { matches, limit }]
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }
}
