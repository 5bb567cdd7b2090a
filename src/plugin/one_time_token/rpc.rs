//! The plugin's functions for PostgREST.

use pgrx::prelude::*;

use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc {
        name: "generate_one_time_token",
        arguments: "session_token text DEFAULT NULL",
        comment: "A token that hands the session on, once: {token}",
    },
    Rpc {
        name: "verify_one_time_token",
        arguments: "token text",
        comment: "Take such a token; sets the session cookie: {session, user}",
    },
];

#[pg_extern(sql = false)]
fn rpc_generate_one_time_token(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/one-time-token/generate")
}

#[pg_extern(sql = false)]
fn rpc_verify_one_time_token(token: Option<&str>) -> JsonText {
    Call::with(None).text("token", token).post("/one-time-token/verify")
}
