//! Better Auth's plugin captcha: requests to some paths have to bring what a captcha service has given a person's browser,
//! and the service is asked whether it has.

mod service;

use std::path::Path;
use zeroize::Zeroizing;

use self::service::{Asked, Provider};
use crate::api::http::{Context, Response, glob};
use crate::error::{AuthError, codes};
use crate::flow::json::Object;
use crate::flow::secrets;
use crate::flow::session::Caller;
use crate::plugin::Plugin;
use crate::settings::parts;
use crate::store::function;
use crate::store::server::warn;
use crate::store::subtransaction::attempt;

/// What `set_secret()` calls the key.
const SECRET: &str = "captcha";

mod settings {
    use super::service::Provider;

    crate::settings::settings! {
        "captcha_";
        choice(Provider) provider = Provider::None,
            c"The service: cloudflare-turnstile, google-recaptcha, hcaptcha, captchafox or vercel-botid.",
            c"Better Auth: captcha({ provider }). Without one, what is protected answers nobody.";
        text endpoints = Some(c"/sign-up/email,/sign-in/email,/request-password-reset"),
            c"Paths that are protected, without the base path, separated by commas.",
            c"Better Auth: captcha({ endpoints }). * is a wildcard within a segment, ** as a segment one for several.";
        https_url site_verify_url_override = None,
            c"The address that is asked, in place of the service's own; it begins with https.",
            c"Better Auth: captcha({ siteVerifyURLOverride }).";
        share min_score = 0.5,
            c"The least score that Google's reCAPTCHA v3 has to give, from 0 to 1.",
            c"Better Auth: captcha({ minScore }).";
        text expected_action = None,
            c"The action that Google or Cloudflare has to name.",
            c"Better Auth: captcha({ expectedAction }).";
        text allowed_hostnames = None,
            c"The hosts of which Google or Cloudflare has to name one, separated by commas.",
            c"Better Auth: captcha({ allowedHostnames }).";
        text site_key = None,
            c"The site key that hCaptcha or CaptchaFox is to compare.",
            c"Better Auth: captcha({ siteKey }).";
        text validate_request_function = None,
            c"Function that says of a request whether a person has made it: schema.name, from jsonb to boolean.",
            c"Better Auth: captcha({ checkBotId, validateRequest }) of vercel-botid. It is given {method, path, headers, ipAddress} and runs as its owner.";
        text @Sighup | SUPERUSER_ONLY secret_key_file = None,
            c"File that holds the service's secret key, read by the server's operating system user.",
            c"Better Auth: captcha({ secretKey }). Comes before the one of set_secret('captcha', ...).";
    }
}

codes! {
    VERIFICATION_FAILED 403 ERRCODE_INSUFFICIENT_PRIVILEGE "Captcha verification failed"
    MISSING_RESPONSE 400 ERRCODE_INVALID_PARAMETER_VALUE "Missing CAPTCHA response"
    UNKNOWN_ERROR 500 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE "Something went wrong"
}

/// The plugin.
pub(super) struct Captcha;

impl Plugin for Captcha {
    fn id(&self) -> &'static str {
        "captcha"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn on_request(&self, context: &mut Context<'_>) -> Result<Option<Response>, AuthError> {
        let endpoints = settings::endpoints();
        let endpoints =
            endpoints.as_deref().unwrap_or("/sign-up/email,/sign-in/email,/request-password-reset");
        let path = normalized(context.request.url.path(), context.site.base_path());
        if !parts(endpoints).any(|endpoint| is_at(endpoint, &path)) {
            return Ok(None);
        }
        let refused = match attempt(|| verify(context, &path), |_| true) {
            Ok(Ok(())) => return Ok(None),
            Ok(Err(AuthError::Suspended)) => return Err(AuthError::Suspended),
            Ok(Err(error)) if error.status().is_some() => error,
            // As in Better Auth: who can't be judged gets no further, whatever the reason.
            Ok(Err(error)) => unknown(&error.message()),
            Err(exception) => unknown(&exception.message),
        };
        Ok(Some(Response::refusal(&refused)))
    }
}

fn unknown(why: &str) -> AuthError {
    warn(UNKNOWN_ERROR.sqlstate, &format!("captcha: {why}"));
    UNKNOWN_ERROR.into()
}

/// Better Auth's `normalizeEndpointPath`.
fn normalized(path: &str, base_path: &str) -> String {
    let below = path.strip_prefix(base_path).unwrap_or(path);
    let mut normalized = String::from("/");
    for character in below.chars() {
        if character != '/' || !normalized.ends_with('/') {
            normalized.push(character);
        }
    }
    if normalized.len() > 1 && normalized.ends_with('/') {
        normalized.pop();
    }
    normalized
}

fn is_at(endpoint: &str, path: &str) -> bool {
    if endpoint.contains('*') { glob(endpoint, path) } else { endpoint == path }
}

/// # Errors
/// MISSING_RESPONSE, VERIFICATION_FAILED, and what makes that the request can't be judged.
fn verify(context: &mut Context<'_>, path: &str) -> Result<(), AuthError> {
    let provider = settings::provider();
    let passed = match provider {
        Provider::None => return Err(AuthError::Setup("better_auth.captcha_provider is not set".into())),
        Provider::VercelBotid => is_person(context, path)?,
        _ => is_solved(context, provider)?,
    };
    if passed { Ok(()) } else { Err(VERIFICATION_FAILED.into()) }
}

fn is_solved(context: &mut Context<'_>, provider: Provider) -> Result<bool, AuthError> {
    let secret_key = secret_key()?;
    let response = context.request.header("x-captcha-response").filter(|response| !response.is_empty());
    let response = response.ok_or(MISSING_RESPONSE)?.into_owned();
    let address = context.client().ip_address.map(str::to_owned);
    let site_key = settings::site_key();
    let asked = Asked {
        provider,
        url: settings::site_verify_url_override(),
        secret_key: &secret_key,
        response: &response,
        address: address.as_deref(),
        site_key: site_key.as_deref(),
    };
    let fetched = context.fetch(asked.fetch())?;
    let hostnames = settings::allowed_hostnames().unwrap_or_default();
    let action = settings::expected_action();
    let wanted = service::Wanted {
        min_score: settings::min_score(),
        action: action.as_deref(),
        hostnames: &parts(&hostnames).collect::<Vec<_>>(),
    };
    let judged = service::judge(provider, &fetched, &wanted);
    judged.ok_or_else(|| AuthError::Setup("the service can't be reached or gives no answer".into()))
}

/// The service's secret key.
///
/// # Errors
/// There is none.
fn secret_key() -> Result<Zeroizing<String>, AuthError> {
    let key = match settings::secret_key_file() {
        Some(path) => {
            Some(secrets::read_secret_file(Path::new(&path), "better_auth.captcha_secret_key_file")?)
        }
        None => secrets::told(SECRET)?,
    };
    key.filter(|key| !key.is_empty()).ok_or_else(|| {
        AuthError::Setup(
            "there is no secret key; run: SELECT better_auth.set_secret('captcha', '...');".into(),
        )
    })
}

/// What the DBA's function says.
///
/// # Errors
/// There is none.
fn is_person(context: &Context<'_>, path: &str) -> Result<bool, AuthError> {
    const SETTING: &str = "captcha_validate_request_function";
    let name = settings::validate_request_function()
        .ok_or_else(|| AuthError::Setup(format!("better_auth.{SETTING} is not set")))?;
    let headers: serde_json::Map<_, _> =
        context.request.headers().iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let argument = Object::new()
        .text("method", &context.request.method)
        .text("path", path)
        .json("headers", &serde_json::Value::Object(headers).to_string())
        .optional("ipAddress", context.client().ip_address)
        .finish();
    match function::call(SETTING, &name, &argument)? {
        function::Answer::Json(answer) => Ok(answer.as_deref() == Some("true")),
        function::Answer::Other => {
            Err(AuthError::Setup(format!("better_auth.{SETTING} has to answer with a boolean")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn a_path_is_read_as_better_auth_reads_it() {
        for (path, normal) in [
            ("/api/auth/sign-in/email", "/sign-in/email"),
            ("/api/auth/sign-in/email/", "/sign-in/email"),
            ("/api/auth//sign-in///email//", "/sign-in/email"),
            ("/api/authsign-in/email", "/sign-in/email"),
            ("/sign-in/email", "/sign-in/email"),
            ("/other/sign-in/email", "/other/sign-in/email"),
            ("/api/auth", "/"),
            ("/", "/"),
            ("//", "/"),
        ] {
            assert_eq!(normalized(path, "/api/auth"), normal, "{path}");
        }
    }
}
