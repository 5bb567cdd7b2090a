//! How often a client may ask: Better Auth's rules.
//!
//! Counted in memory, which no rollback reaches, and in Better Auth's table `rateLimit` too where the setting says so:
//! then memory alone still holds whoever has the transaction undone, and one that only reads.

use super::origin::glob;
use super::response::Response;
use crate::error::AuthError;
use crate::plugin;
use crate::settings::{self, RateLimit, RateLimitStorage};
use crate::store::counter::{self, Counted, Limit};
use crate::store::rate_limit::{self as table, Outcome};
use crate::store::server::{Timestamp, is_writable};
use crate::store::subtransaction::{Exception, attempt};

/// Stands for all clients whose address isn't known.
const NO_ADDRESS: &str = "no-trusted-ip";

/// How many old rows a request may have to delete.
const PRUNED_AT_ONCE: i64 = 100;

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
        None => {
            Some(plugin::limit(path).or_else(|| special(path)).unwrap_or_else(settings::default_rate_limit))
        }
    }
}

/// What a request is counted as, and against.
struct Count {
    key: String,
    limit: RateLimit,
    /// Milliseconds since 1970.
    now: i64,
}

/// Counts a request to `path`, as one to `counted_as`: all that differ in a token, or lead nowhere, count as
/// one. (Better Auth counts each apart, so who guesses tokens is never stopped, the tokens stay behind in the
/// table, and anybody can fill it.) The answer to one too many. An exception, where the table is no good.
///
/// # Errors
/// Those of the table.
pub(super) fn check(
    address: Option<&str>,
    path: &str,
    counted_as: &str,
) -> Result<Result<Option<Response>, AuthError>, Exception> {
    if address.is_none() && settings::disable_ip_tracking() {
        return Ok(Ok(None));
    }
    let Some(limit) = limit(path) else { return Ok(Ok(None)) };
    let key = format!("{}|{counted_as}", address.unwrap_or(NO_ADDRESS));
    let count = Count { key, limit, now: Timestamp::now().unix_milliseconds() };
    let in_memory = || count.in_memory().map(|counted| count.answer(counted));
    if settings::rate_limit_storage() == RateLimitStorage::Memory
        && let Some(answer) = in_memory()
    {
        return Ok(Ok(answer));
    }
    if !is_writable() {
        return Ok(Ok(in_memory().flatten()));
    }
    // In a subtransaction of its own: the row stays counted, whatever becomes of the request.
    let counted = attempt(|| count.in_table(), Result::is_ok)?;
    Ok(counted.map(|counted| count.answer(counted)))
}

impl Count {
    /// `None` where there is no memory.
    fn in_memory(&self) -> Option<Counted> {
        let RateLimit { window, max } = self.limit;
        counter::count(&self.key, self.now, Limit { window, max })
    }

    /// In memory first, which refuses nobody whom the table doesn't, unless what that had counted was undone.
    fn in_table(&self) -> Result<Counted, AuthError> {
        let (window, max) = (self.limit.window * 1_000, self.limit.max);
        let seen = table::look(&self.key)?;
        if let Some(last) = seen.and_then(|seen| seen.denies(self.now, window, max)) {
            return Ok(Counted::Denied(last));
        }
        if let Some(denied @ Counted::Denied(_)) = self.in_memory() {
            return Ok(denied);
        }
        Ok(match table::consume(&self.key, seen, self.now, window, max)? {
            Outcome::Allowed => Counted::Allowed,
            Outcome::AllowedAnew => {
                table::prune(oldest_needed(self.now), PRUNED_AT_ONCE)?;
                Counted::Allowed
            }
            Outcome::Denied(last) => {
                counter::uncount(&self.key);
                Counted::Denied(last)
            }
        })
    }

    fn answer(&self, counted: Counted) -> Option<Response> {
        let Counted::Denied(last) = counted else { return None };
        let seconds = (last + self.limit.window * 1_000 - self.now).max(0).unsigned_abs().div_ceil(1_000);
        let message = r#"{"message":"Too many requests. Please try again later."}"#;
        let response = Response { status: 429, ..Response::json(message.into()) };
        Some(response.with("x-retry-after", seconds.to_string()))
    }
}

/// Rows of the table whose last request was before this count for nothing, in milliseconds since 1970.
pub(in crate::api) fn oldest_needed(now: i64) -> i64 {
    now.saturating_sub(longest_window().saturating_mul(1_000))
}

/// The longest window of any rule, in seconds.
fn longest_window() -> i64 {
    let configured = settings::rate_limit_rules().into_iter().filter_map(|(_, limit)| Some(limit?.window));
    let of_plugins = plugin::on();
    let of_plugins = of_plugins.iter().flat_map(|plugin| plugin.limits()).map(|limit| limit.limit.window);
    configured.chain(of_plugins).chain([settings::default_rate_limit().window, 60]).max().unwrap_or(60)
}
