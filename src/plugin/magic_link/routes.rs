//! The plugin's routes.

use std::borrow::Cow;

use super::flow::{self, Refusal, Request};
use crate::api::http::location::with_parameters;
use crate::api::http::routes::{object, status};
use crate::api::http::site::Site;
use crate::api::http::{Answer, Body, Context, Route, get, post};
use crate::error::{AuthError, Code};
use crate::flow::input::Issues;
use crate::flow::json::{self, Object};

pub(super) const ROUTES: &[Route] = &[
    Route { is_sign_in: true, ..post("signInMagicLink", "/sign-in/magic-link", ask) },
    Route { writes: true, ..get("magicLinkVerify", "/magic-link/verify", verify) },
];

fn ask(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let request = Request {
        email: body.get("email").into(),
        name: body.get("name").into(),
        callback_url: body.get("callbackURL").into(),
        new_user_callback_url: body.get("newUserCallbackURL").into(),
        error_callback_url: body.get("errorCallbackURL").into(),
        metadata: body.get("metadata"),
    };
    flow::ask(context, &request)?;
    status()
}

/// A URL of a link's query, if it has one that says something.
///
/// # Errors
/// INVALID_CALLBACK_URL.
fn judged<'u>(site: &Site, url: Option<&'u str>) -> Result<Option<Cow<'u, str>>, AuthError> {
    let url = url.filter(|url| !url.is_empty());
    url.map(|url| site.check_redirect(url, Code::INVALID_CALLBACK_URL)).transpose()
}

/// What a link leads to. The three URLs are those of its query.
fn verify(context: &mut Context<'_>, _: &Body) -> Answer {
    let [token, callback_url, error_callback_url, new_user_callback_url] =
        ["token", "callbackURL", "errorCallbackURL", "newUserCallbackURL"]
            .map(|name| context.request.query_value(name));
    let mut issues = Issues::of_query();
    let token = issues.required("token", token.as_ref().into());
    let callback_url = issues.optional("callbackURL", callback_url.as_ref().into());
    let error_callback_url = issues.optional("errorCallbackURL", error_callback_url.as_ref().into());
    let new_user_callback_url = issues.optional("newUserCallbackURL", new_user_callback_url.as_ref().into());
    issues.finish()?;
    let callback_url = judged(context.site, callback_url)?;
    let new_user_callback_url = judged(context.site, new_user_callback_url)?;
    let error_callback_url = judged(context.site, error_callback_url)?;
    let (site, base_url) = (context.site, context.site.base_url.as_str());
    let leads_to = |url: &str, parameters: &[(&str, &str)]| {
        site.redirect(with_parameters(url, base_url, parameters), Code::INVALID_CALLBACK_URL)
    };
    let to = callback_url.as_deref().unwrap_or("/");

    let done = match flow::verify(context, token) {
        Ok(done) => done,
        Err(Refusal::Answered(error)) => return Err(error),
        Err(Refusal::Told(error, description)) => {
            let mut parameters = vec![("error", error.as_str())];
            parameters.extend(description.as_deref().map(|text| ("error_description", text)));
            return leads_to(error_callback_url.as_deref().unwrap_or(to), &parameters);
        }
    };
    context.set_session(&done.live, None)?;
    if callback_url.is_none() {
        let answer = Object::new()
            .text("token", &done.live.session.token)
            .json("user", &json::user(&done.live.user))
            .json("session", &json::session(&done.live.session));
        return object(answer);
    }
    let to = if done.is_new { new_user_callback_url.as_deref().unwrap_or(to) } else { to };
    leads_to(to, &[])
}
