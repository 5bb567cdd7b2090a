//! Better Auth's plugin oauth-proxy: servers whose addresses no provider knows, as previews are, sign in by way of one whose
//! address it does. The provider sends browsers back to that one, which asks the provider, and sends them on with what
//! it was told, encrypted under a secret that both have.

mod preview;
mod production;
mod routes;

use std::path::Path;
use zeroize::Zeroizing;

use crate::api::http::{Answer, Body, Context, Response, Route};
use crate::error::AuthError;
use crate::flow::secrets::{self, Purpose};
use crate::plugin::Plugin;
use crate::store::server::Timestamp;

/// What `set_secret()` calls the secret that the servers share.
const SECRET: &str = "oauth_proxy";

mod settings {
    crate::settings::settings! {
        "oauth_proxy_";
        url current_url = None,
            c"Where this server is, for the browser that comes back.",
            c"Better Auth: oAuthProxy({ currentURL }). Without it, where a request was made to, if that is trusted, or base_url.";
        url production_url = None,
            c"The server that providers know: they send browsers there.",
            c"Better Auth: oAuthProxy({ productionURL }). Without it, base_url.";
        seconds max_age = 60,
            c"How long what the other server has told is good.",
            c"Better Auth: oAuthProxy({ maxAge }).";
        text @Sighup | SUPERUSER_ONLY secret_file = None,
            c"File that holds the secret of the servers, read by the server's operating system user.",
            c"Better Auth: oAuthProxy({ secret }). Comes before the one of set_secret('oauth_proxy', ...); without either it is the cookie secret.";
    }
}

/// The plugin.
pub(super) struct OauthProxy;

impl Plugin for OauthProxy {
    fn id(&self) -> &'static str {
        "oauth-proxy"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn instead(&self, context: &mut Context<'_>, body: &mut Body) -> Result<Option<Response>, AuthError> {
        if begins(context.path) {
            if let Some(fields) = body.fields_mut() {
                preview::begin(context, fields)?;
            }
        } else if is_callback(context.path) {
            return production::callback(context, body);
        }
        Ok(None)
    }

    fn after(&self, context: &mut Context<'_>, answer: &mut Answer) -> Result<(), AuthError> {
        let Ok(response) = answer else { return Ok(()) };
        if begins(context.path) {
            preview::pack(context, response)?;
        } else if is_callback(context.path)
            && let Some(location) = production::without_proxy(context, response)
        {
            context.set_header("location", location);
        }
        Ok(())
    }
}

/// Whether an endpoint sends a browser to a provider.
fn begins(path: &str) -> bool {
    path.starts_with("/sign-in/social") || path == "/link-social"
}

/// Whether it is where a provider sends a browser back to.
fn is_callback(path: &str) -> bool {
    path.strip_prefix("/callback/").is_some_and(|id| !id.contains('/'))
}

/// The secret of the servers; `None` for the cookie secret.
///
/// # Errors
/// Its file can't be read; no table.
fn secret() -> Result<Option<Zeroizing<String>>, AuthError> {
    match settings::secret_file() {
        Some(path) => {
            secrets::read_secret_file(Path::new(&path), "better_auth.oauth_proxy_secret_file").map(Some)
        }
        None => secrets::told(SECRET),
    }
}

/// # Errors
/// There is no usable secret, or no randomness.
fn seal(purpose: Purpose, text: &str) -> Result<String, AuthError> {
    match secret()? {
        Some(secret) => secrets::seal_under(&secret, purpose, text),
        None => secrets::seal_for(purpose, text),
    }
}

/// # Errors
/// There is no usable secret.
fn unseal(purpose: Purpose, sealed: &str) -> Result<Option<Zeroizing<String>>, AuthError> {
    match secret()? {
        Some(secret) => Ok(secrets::unseal_under(&secret, purpose, sealed)),
        None => secrets::unseal_for(purpose, sealed, Timestamp::now()),
    }
}
