//! SQL functions for who sets providers up.

use pgrx::prelude::*;

use crate::api::jsonb::Jsonb;
use crate::api::raise::{OrRaise, not_null};
use crate::flow::oauth::{provider_keys, providers};
use crate::store::server::require_superuser;

/// Sets a provider up that users sign in with, in place of what there was under its id: Better Auth's
/// `socialProviders`, and `genericOAuth` for ids that it doesn't know. `options` are Better Auth's of the provider, by
/// its names, as far as they are data. The secret may come from a file instead: the option `clientSecretFile`.
///
/// Errors: 42501 for who isn't a superuser, since URLs to which secrets go come from here; 22023 for what is missing or
/// wrong.
#[pg_extern]
fn set_oauth_provider(
    id: Option<&str>,
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    options: default!(Option<Jsonb<'_>>, "'{}'"),
) {
    require_superuser("set_oauth_provider()").or_raise();
    let (id, client_id) = (not_null("id", id), not_null("client_id", client_id));
    let options = options.map(|options| options.object("options")).transpose().or_raise();
    providers::set(id, client_id, client_secret, options.unwrap_or_default()).or_raise();
}

/// Removes a provider; whether it was there. Users who have signed in with it stay, and so do their accounts.
///
/// Errors: 42501 for who isn't a superuser.
#[pg_extern]
fn delete_oauth_provider(id: Option<&str>) -> bool {
    require_superuser("delete_oauth_provider()").or_raise();
    providers::delete(not_null("id", id)).or_raise()
}

/// Makes `jwks`, a JSON Web Key Set, the keys by which id tokens of `issuer` are verified. From then on they change by
/// this function alone, for whoever fetches is not asked any more; NULL forgets them, and fetches bring others again.
///
/// Errors: 42501 for who isn't a superuser; 22023 for what is no set of public keys, or has none that verifies.
#[pg_extern]
fn set_provider_keys(issuer: Option<&str>, jwks: Option<Jsonb<'_>>) {
    require_superuser("set_provider_keys()").or_raise();
    let issuer = not_null("issuer", issuer);
    let jwks = jwks.map(|jwks| jwks.value("jwks")).transpose().or_raise();
    provider_keys::set(issuer, jwks.as_ref()).or_raise();
}
