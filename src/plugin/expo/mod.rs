//! Better Auth's expo plugin (`@better-auth/expo`): apps name their origin in a header of their own, and redirects into
//! an app carry the cookies along, since an app's browser keeps them to itself.

mod routes;

use crate::api::http::location::{parse, with_parameters};
use crate::api::http::{Answer, Context, Request, Route};
use crate::error::AuthError;
use crate::plugin::Plugin;

/// The plugin.
pub(super) struct Expo;

mod settings {
    crate::settings::settings! { "expo_";
        flag disable_origin_override = false,
            c"Do not take the header expo-origin for the Origin of a request that has none.",
            c"Better Auth: expo, disableOriginOverride.";
    }
}

crate::error::codes! {
    INVALID_AUTHORIZATION_URL as "" 400 ERRCODE_INVALID_PARAMETER_VALUE "Invalid authorizationURL"
    UNEXPECTED_ERROR as "" 400 ERRCODE_INVALID_PARAMETER_VALUE "Unexpected error"
}

/// Where browsers are sent back into the app.
const LEADING: [&str; 3] = ["/callback", "/magic-link/verify", "/verify-email"];

impl Plugin for Expo {
    fn id(&self) -> &'static str {
        "expo"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn origin(&self, request: &Request) -> Option<String> {
        let brought = |name| request.header(name).filter(|value| !value.is_empty());
        if settings::disable_origin_override() || brought("origin").is_some() {
            return None;
        }
        brought("expo-origin").map(|origin| origin.into_owned())
    }

    fn after(&self, context: &mut Context<'_>, answer: &mut Answer) -> Result<(), AuthError> {
        if LEADING.iter().any(|path| context.path.starts_with(path)) {
            let location = answer.as_ref().ok().and_then(|response| response.header("location"));
            if let Some(location) = location.and_then(|location| into_the_app(context, location)) {
                context.set_header("location", location);
            }
        }
        Ok(())
    }
}

/// A location in an app that is trusted, with the answer's cookies as its parameter `cookie`.
fn into_the_app(context: &Context<'_>, location: &str) -> Option<String> {
    let is_web = |scheme: &str| matches!(scheme, "http" | "https");
    if location.contains("/oauth-proxy-callback")
        || parse(location, None).is_none_or(|url| is_web(url.scheme()))
    {
        return None;
    }
    let cookies: Vec<&str> = context.set_cookie_headers().collect();
    if cookies.is_empty() || !context.site.is_trusted(location, false) {
        return None;
    }
    with_parameters(location, &context.site.base_url, &[("cookie", &cookies.join(", "))])
}
