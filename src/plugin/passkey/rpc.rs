//! The plugin's functions for PostgREST. The two that ask are called by POST as well: a challenge is kept.

use pgrx::prelude::*;

use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc {
        name: "generate_passkey_registration_options",
        arguments: "authenticator_attachment text DEFAULT NULL, name text DEFAULT NULL, context text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "What a browser is asked for a new passkey; sets the cookie of the challenge",
    },
    Rpc {
        name: "generate_passkey_authentication_options",
        arguments: "session_token text DEFAULT NULL",
        comment: "What a browser is asked for a sign-in by a passkey; sets the cookie of the challenge",
    },
    Rpc {
        name: "verify_passkey_registration",
        arguments: "response jsonb, name text DEFAULT NULL, create_session boolean DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Register the passkey that the browser made: the passkey",
    },
    Rpc {
        name: "verify_passkey_authentication",
        arguments: "response jsonb",
        comment: "Sign in by a passkey; sets the session cookie: {session, user}",
    },
    Rpc { name: "list_passkeys", arguments: "session_token text DEFAULT NULL", comment: "The own passkeys" },
    Rpc {
        name: "delete_passkey",
        arguments: "id text, session_token text DEFAULT NULL",
        comment: "Delete a passkey: {status}",
    },
    Rpc {
        name: "update_passkey",
        arguments: "id text, name text, session_token text DEFAULT NULL",
        comment: "Name a passkey: {passkey}",
    },
];

#[pg_extern(sql = false)]
fn rpc_generate_passkey_registration_options(
    authenticator_attachment: Option<&str>,
    name: Option<&str>,
    context: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let given = [("authenticatorAttachment", authenticator_attachment), ("name", name), ("context", context)];
    let query: Vec<_> = given.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    Call::with(session_token).call("GET", "/passkey/generate-register-options", &query)
}

#[pg_extern(sql = false)]
fn rpc_generate_passkey_authentication_options(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/passkey/generate-authenticate-options")
}

#[pg_extern(sql = false)]
fn rpc_verify_passkey_registration(
    response: Option<Jsonb<'_>>,
    name: Option<&str>,
    create_session: Option<bool>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .object("response", response)
        .text("name", name)
        .boolean("createSession", create_session)
        .post("/passkey/verify-registration")
}

#[pg_extern(sql = false)]
fn rpc_verify_passkey_authentication(response: Option<Jsonb<'_>>) -> JsonText {
    Call::with(None).object("response", response).post("/passkey/verify-authentication")
}

#[pg_extern(sql = false)]
fn rpc_list_passkeys(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/passkey/list-user-passkeys")
}

#[pg_extern(sql = false)]
fn rpc_delete_passkey(id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("id", id).post("/passkey/delete-passkey")
}

#[pg_extern(sql = false)]
fn rpc_update_passkey(id: Option<&str>, name: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("id", id).text("name", name).post("/passkey/update-passkey")
}
