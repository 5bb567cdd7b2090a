//! The plugin's function for PostgREST.

use pgrx::prelude::*;

use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[Rpc {
    name: "one_tap_callback",
    arguments: "id_token text",
    comment: "Sign in with the id token of Google One Tap; sets the session cookie: {token, user}",
}];

#[pg_extern(sql = false)]
fn rpc_one_tap_callback(id_token: Option<&str>) -> JsonText {
    Call::with(None).text("idToken", id_token).post("/one-tap/callback")
}
