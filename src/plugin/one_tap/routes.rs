//! The plugin's route.

use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Route, post};
use crate::flow::input::Issues;
use crate::flow::json::{self, Object};
use crate::flow::session::Live;

pub(super) const ROUTES: &[Route] = &[post("oneTapCallback", "/one-tap/callback", callback)];

fn callback(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let token = issues.required("idToken", body.get("idToken").into());
    // Where it leads was looked at, for the page that goes there.
    issues.optional("callbackURL", body.get("callbackURL").into());
    issues.finish()?;
    let signed_in = super::sign_in(context, token)?;
    let live = Live { session: signed_in.session, user: signed_in.user };
    context.set_session(&live, None)?;
    object(Object::new().text("token", &live.session.token).json("user", &json::user(&live.user)))
}
