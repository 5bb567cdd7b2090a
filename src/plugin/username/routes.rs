//! The plugin's endpoints: over HTTP, and as functions for PostgREST.

use pgrx::prelude::*;

use super::flow::{self, Request};
use crate::api::http::routes::signed_in;
use crate::api::http::{Answer, Body, Context, Response, Route, post};
use crate::api::jsonb::JsonText;
use crate::api::rpc::Call;
use crate::flow::json::{self, Object};
use crate::plugin::Rpc;

pub(super) const ROUTES: &[Route] = &[
    post("signInUsername", "/sign-in/username", sign_in),
    Route { writes: false, ..post("isUsernameAvailable", "/is-username-available", is_available) },
];

pub(super) const RPC: &[Rpc] = &[
    Rpc {
        name: "sign_in_username",
        arguments: "username text, password text, remember_me boolean DEFAULT NULL, callback_url text DEFAULT NULL",
        comment: "Signs a user in by username and password.",
    },
    Rpc {
        name: "is_username_available",
        arguments: "username text",
        comment: "Whether nobody has this username yet.",
    },
];

fn sign_in(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let request = Request {
        username: body.get("username").into(),
        password: body.get("password").into(),
        remember_me: body.get("rememberMe").into(),
        callback_url: body.get("callbackURL").into(),
    };
    let outcome = flow::sign_in(context, &request)?;
    signed_in(context, outcome, |done| json::signed_in(&done.session, &done.user, done.callback_url))
}

fn is_available(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let is_available = flow::is_available(body.get("username").into())?;
    Ok(Response::json(Object::new().boolean("available", is_available).finish()))
}

#[pg_extern(sql = false)]
fn rpc_sign_in_username(
    username: Option<&str>,
    password: Option<&str>,
    remember_me: Option<bool>,
    callback_url: Option<&str>,
) -> JsonText {
    Call::with(None)
        .text("username", username)
        .text("password", password)
        .boolean("rememberMe", remember_me)
        .text("callbackURL", callback_url)
        .post("/sign-in/username")
}

#[pg_extern(sql = false)]
fn rpc_is_username_available(username: Option<&str>) -> JsonText {
    Call::with(None).text("username", username).post("/is-username-available")
}
