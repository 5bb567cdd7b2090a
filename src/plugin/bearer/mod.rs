//! Better Auth's bearer plugin: the session token in the Authorization header, and in `set-auth-token`, for clients that
//! keep no cookies.

use crate::api::http::location::{decode_uri_component, trim};
use crate::api::http::{Answer, Context, Request};
use crate::crypto::cookie;
use crate::error::AuthError;
use crate::flow::secrets::{self, Name};
use crate::plugin::Plugin;
use crate::store::server::Timestamp;

/// The plugin.
pub(super) struct Bearer;

mod settings {
    crate::settings::settings! { "bearer_";
        flag require_signature = false,
            c"Take only signed session tokens in the Authorization header.",
            c"Better Auth: bearer, requireSignature.";
    }
}

impl Plugin for Bearer {
    fn id(&self) -> &'static str {
        "bearer"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn token(&self, request: &Request) -> Result<Option<String>, AuthError> {
        let header = request.header("authorization");
        let Some(brought) = header.as_deref().and_then(read) else { return Ok(None) };
        let signed = match brought {
            Brought::Raw(_) if settings::require_signature() => return Ok(None),
            Brought::Raw(token) => return Ok(Some(token.to_owned())),
            Brought::Signed(signed) => signed,
        };
        secrets::with_verifying_keys(Name::Cookie, Timestamp::now(), |keys| {
            let keys: Vec<_> = keys.collect();
            let keys = || keys.iter().copied();
            // A JWT, say PostgREST's, isn't: what is meant for somebody else leaves the cookie alone.
            cookie::begins_signed(keys(), &signed)
                .then(|| cookie::verify(keys(), &signed).unwrap_or_default().to_owned())
        })
    }

    fn after(&self, context: &mut Context<'_>, _: &mut Answer) -> Result<(), AuthError> {
        if let Some(signed) = context.session_cookie() {
            context.set_exposed_header("set-auth-token", signed);
        }
        Ok(())
    }
}

/// What stands behind `Bearer`.
#[derive(Debug, PartialEq, Eq)]
enum Brought<'h> {
    /// A session token.
    Raw(&'h str),
    /// It has a dot: a session token and its signature, as in the cookie, or something else's token.
    Signed(String),
}

/// What an Authorization header brings; `None` for other schemes.
fn read(header: &str) -> Option<Brought<'_>> {
    const SCHEME: &str = "bearer ";
    let (scheme, token) = header.split_at_checked(SCHEME.len())?;
    let token = trim(token);
    if !scheme.eq_ignore_ascii_case(SCHEME) || token.is_empty() {
        return None;
    }
    Some(match token.contains('.') {
        true => Brought::Signed(decode_uri_component(token).unwrap_or_else(|| token.to_owned())),
        false => Brought::Raw(token),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_brings_a_token() {
        for header in
            ["", "Bearer", "Bearer ", "Bearer\tx", "Basic eDp5", "x", "Bearerx", "Béarer x", "Token x.y"]
        {
            assert_eq!(read(header), None, "{header:?}");
        }
        for (header, token) in [
            ("Bearer x", "x"),
            ("bearer  x ", "x"),
            ("BEARER \tx", "x"),
            ("Bearer x y", "x y"),
            ("Bearer %2E", "%2E"),
        ] {
            assert_eq!(read(header), Some(Brought::Raw(token)), "{header:?}");
        }
        for (header, signed) in [
            ("Bearer x.y", "x.y"),
            ("Bearer x.y%3D", "x.y="),
            ("Bearer x.%zz", "x.%zz"),
            ("Bearer a.b.c", "a.b.c"),
        ] {
            assert_eq!(read(header), Some(Brought::Signed(signed.into())), "{header:?}");
        }
    }
}
