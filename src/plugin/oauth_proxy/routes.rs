//! Where a browser comes back to from the other server.

use super::{settings, unseal};
use crate::api::http::oauth::failed;
use crate::api::http::{Answer, Body, Context, Response, Route, get};
use crate::error::Code;
use crate::flow::input::Issues;
use crate::flow::oauth::callback::Ended;
use crate::flow::oauth::proxied::Told;
use crate::flow::secrets::Purpose;
use crate::settings as core;
use crate::store::server::Timestamp;

pub(super) const ROUTES: &[Route] = &[
    Route { writes: true, ..get("oAuthProxy", "/oauth-proxy-callback", complete) },
    Route { writes: true, ..get("oAuthProxyCompletion", "/callback/*/oauth-proxy", complete) },
];

/// How far the other server's clock may be ahead, in milliseconds: Better Auth's.
const AHEAD: f64 = 10_000.0;

fn complete(context: &mut Context<'_>, _: &Body) -> Answer {
    let (url, sealed) = (context.request.query_value("callbackURL"), context.request.query_value("profile"));
    let mut issues = Issues::of_query();
    let url = issues.required("callbackURL", url.as_ref().into());
    let sealed = issues.optional("profile", sealed.as_ref().into()).filter(|sealed| !sealed.is_empty());
    issues.finish()?;
    context.site.check_redirect(url, Code::INVALID_CALLBACK_URL)?;
    let Some(sealed) = sealed else { return refused(context, None, "missing_profile", None) };
    let Some(json) = unseal(Purpose::ProxyProfile, sealed)? else {
        return refused(context, None, "invalid_profile", None);
    };
    let Some(told) = Told::read(&json) else { return refused(context, None, "invalid_payload", None) };
    let error_url = told.error_url.as_deref();
    let at = context.path.strip_prefix("/callback/").and_then(|path| path.strip_suffix("/oauth-proxy"));
    if at.is_some_and(|id| id != told.provider_id) {
        return refused(context, error_url, "provider_mismatch", None);
    }
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of this age are exact")]
    let (now, max_age) = (Timestamp::now().unix_milliseconds() as f64, settings::max_age() as f64);
    let age = now - told.timestamp;
    if age > max_age * 1_000.0 || age < -AHEAD {
        return refused(context, error_url, "payload_expired", None);
    }
    match told.end(context)? {
        Ended::SignedIn(live, to) => {
            context.set_session(&live, None)?;
            Ok(Response::redirect(to))
        }
        Ended::Linked(to) => Ok(Response::redirect(to)),
        Ended::Failed { error, description, error_url } => {
            refused(context, error_url.as_deref(), &error, description.as_deref())
        }
    }
}

/// As [`failed`], with the page that Better Auth has for these.
fn refused(context: &Context<'_>, error_url: Option<&str>, word: &str, description: Option<&str>) -> Answer {
    let base = core::base_url().unwrap_or_else(|| context.site.origin().to_owned());
    let page = format!("{}/api/auth/error", base.trim_end_matches('/'));
    failed(context, Some(error_url.unwrap_or(&page)), word, description)
}
