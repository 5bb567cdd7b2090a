//! How often a client may ask: Better Auth's rules, counted in its table `rateLimit`.

use super::origin::glob;
use super::response::Response;
use crate::error::AuthError;
use crate::settings::{self, RateLimit};
use crate::store::rate_limit::{self, Outcome};
use crate::store::server::{Timestamp, is_writable};

/// Stands for all clients whose address isn't known.
const NO_ADDRESS: &str = "no-trusted-ip";

/// Better Auth's own rules.
fn special(path: &str) -> Option<RateLimit> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if begins(&["/sign-in", "/sign-up", "/change-password", "/change-email"]) {
        return Some(RateLimit { window: 10, max: 3 });
    }
    let is_mailing = matches!(
        path,
        "/request-password-reset"
            | "/send-verification-email"
            | "/email-otp/send-verification-otp"
            | "/email-otp/request-password-reset"
    );
    (is_mailing || begins(&["/forget-password"])).then_some(RateLimit { window: 60, max: 3 })
}

/// The limit of a path; `None` where it has none.
fn limit(path: &str) -> Option<RateLimit> {
    let rules = settings::rate_limit_rules();
    let rule = rules
        .iter()
        .find(|(pattern, _)| if pattern.contains('*') { glob(pattern, path) } else { pattern == path });
    match rule {
        Some((_, limit)) => *limit,
        None => Some(special(path).unwrap_or_else(settings::default_rate_limit)),
    }
}

/// Counts a request to `path`, as one to `counted_as`: all that differ in a token, or lead nowhere, count as
/// one. (Better Auth counts each apart, so who guesses tokens is never stopped, the tokens stay behind in the
/// table, and anybody can fill it.) The answer to one too many.
///
/// # Errors
/// Those of the store.
pub(super) fn check(
    address: Option<&str>,
    path: &str,
    counted_as: &str,
) -> Result<Option<Response>, AuthError> {
    if address.is_none() && settings::disable_ip_tracking() || !is_writable() {
        return Ok(None);
    }
    let Some(RateLimit { window, max }) = limit(path) else { return Ok(None) };
    let key = format!("{}|{counted_as}", address.unwrap_or(NO_ADDRESS));
    let (now, window) = (Timestamp::now().unix_milliseconds(), window * 1_000);
    match rate_limit::consume(&key, now, window, max)? {
        Outcome::Allowed => Ok(None),
        Outcome::AllowedAnew => {
            rate_limit::prune(now - longest_window() * 1_000)?;
            Ok(None)
        }
        Outcome::Denied(last) => {
            let seconds = (last + window - now).max(0).unsigned_abs().div_ceil(1_000);
            let message = r#"{"message":"Too many requests. Please try again later."}"#;
            let response = Response { status: 429, ..Response::json(message.into()) };
            Ok(Some(response.with("x-retry-after", seconds.to_string())))
        }
    }
}

/// The longest window of any rule, in seconds: older rows count for nothing.
fn longest_window() -> i64 {
    let configured = settings::rate_limit_rules().into_iter().filter_map(|(_, limit)| Some(limit?.window));
    configured.chain([settings::default_rate_limit().window, 60]).max().unwrap_or(60)
}
