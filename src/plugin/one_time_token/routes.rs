//! The plugin's routes.

use super::{CLIENT_REQUESTS_DISABLED, SESSION_EXPIRED, flow, settings};
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Response, Route, get, post};
use crate::flow::json::{self, Object};
use crate::flow::session::{Need, require};
use crate::store::server::Timestamp;

pub(super) const ROUTES: &[Route] = &[
    Route { writes: true, ..get("generateOneTimeToken", "/one-time-token/generate", generate) },
    post("verifyOneTimeToken", "/one-time-token/verify", verify),
];

fn generate(context: &mut Context<'_>, _: &Body) -> Answer {
    // A session that was revoked meanwhile is looked for again when the token comes back.
    let live = require(context, Need::Cached)?;
    if settings::disable_client_request() && !context.is_direct {
        return Err(CLIENT_REQUESTS_DISABLED.into());
    }
    object(Object::new().text("token", &flow::generate(&live)?))
}

fn verify(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let live = flow::verify(body.get("token").into())?;
    if live.session.expires_at < Timestamp::now() {
        return Err(SESSION_EXPIRED.into());
    }
    if !settings::disable_set_session_cookie() {
        context.set_session(&live, None)?;
    }
    Ok(Response::json(json::live(&live)))
}
