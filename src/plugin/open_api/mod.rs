//! Better Auth's open-api plugin: the OpenAPI document of what is on, and a page that shows it.

mod document;
mod page;

use crate::api::http::{Answer, Body, Context, Response, Route, get};
use crate::error::AuthError;
use crate::plugin::Plugin;

/// The plugin.
pub(super) struct OpenApi;

mod settings {
    crate::settings::settings! {
        "open_api_";
        path path = Some(c"/reference"),
            c"Path of the page that shows the OpenAPI document.",
            c"Better Auth: openAPI.path.";
        flag disable_default_reference = false,
            c"Have no page that shows the OpenAPI document.",
            c"Better Auth: openAPI.disableDefaultReference.";
        text nonce = None,
            c"The nonce of the page's style, for a Content-Security-Policy that the HTTP layer sets.",
            c"Better Auth: openAPI.nonce.";
    }
}

impl Plugin for OpenApi {
    fn id(&self) -> &'static str {
        "open-api"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        const ROUTES: &[Route] = &[
            get("generateOpenAPISchema", "/open-api/generate-schema", schema),
            Route { at: Some(settings::path), ..get("openAPIReference", "/reference", reference) },
        ];
        ROUTES
    }
}

fn schema(context: &mut Context<'_>, _: &Body) -> Answer {
    Ok(Response::json(document::of(&context.site.base_url)?.to_string()))
}

fn reference(context: &mut Context<'_>, _: &Body) -> Answer {
    if settings::disable_default_reference() {
        return Err(AuthError::Bare(404, "the reference is disabled"));
    }
    let document = document::of(&context.site.base_url)?;
    let nonce = settings::nonce();
    let page = Response { body: page::show(&document, nonce.as_deref()), ..Response::empty(200) };
    Ok(page
        .with("content-type", "text/html;charset=UTF-8".into())
        .with("content-security-policy", page::policy(nonce.as_deref())))
}
