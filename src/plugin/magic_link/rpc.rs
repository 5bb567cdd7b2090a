//! The plugin's functions for PostgREST.

use pgrx::prelude::*;

use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc {
        name: "sign_in_magic_link",
        arguments: "email text, name text DEFAULT NULL, callback_url text DEFAULT NULL, new_user_callback_url text DEFAULT NULL, error_callback_url text DEFAULT NULL, metadata jsonb DEFAULT NULL",
        comment: "Send a link that signs in: {status}",
    },
    Rpc {
        name: "verify_magic_link",
        arguments: "token text",
        comment: "Sign in, or up, with the token of a link; sets the session cookie: {token, user, session}",
    },
];

#[pg_extern(sql = false)]
fn rpc_sign_in_magic_link(
    email: Option<&str>,
    name: Option<&str>,
    callback_url: Option<&str>,
    new_user_callback_url: Option<&str>,
    error_callback_url: Option<&str>,
    metadata: Option<Jsonb<'_>>,
) -> JsonText {
    Call::with(None)
        .text("email", email)
        .text("name", name)
        .text("callbackURL", callback_url)
        .text("newUserCallbackURL", new_user_callback_url)
        .text("errorCallbackURL", error_callback_url)
        .object("metadata", metadata)
        .post("/sign-in/magic-link")
}

#[pg_extern(sql = false)]
fn rpc_verify_magic_link(token: Option<&str>) -> JsonText {
    Call::with(None).call("GET", "/magic-link/verify", &[("token", token.unwrap_or_default())])
}
