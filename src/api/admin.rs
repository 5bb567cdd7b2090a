//! The SQL functions for DBAs: schema, secrets, password hashes.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use pgrx::trigger_support::{PgTrigger, PgTriggerError, PgTriggerWhen};

use crate::api::http::rate_limit::oldest_needed;
use crate::api::jsonb::JsonText;
use crate::api::raise::{OrRaise, not_null};
use crate::api::sql::seconds;
use crate::error::AuthError;
use crate::flow::secrets::{self, Name};
use crate::flow::{bridge_keys, hash, mail, token};
use crate::store::adopt::Severity;
use crate::store::server::Timestamp;
use crate::store::{adopt, catalog, counter, migrate as schema, purge, rate_limit, secret};

/// Makes what is missing of the tables and secrets, adopts what is there, drops nothing; returns what it
/// did. Idempotent. Runs with the caller's privileges.
#[pg_extern]
fn migrate() -> TableIterator<'static, (name!(action, String), name!(object, String))> {
    let steps = schema::migrate().or_raise();
    TableIterator::new(steps.into_iter().map(|step| (step.action.to_owned(), step.object)))
}

/// What is not as it should be in the tables that this extension works on: `severity` is `error` where a flow fails,
/// `warning` otherwise; `run` is SQL that mends it, where there is any. No rows where all is well. Runs with the
/// caller's privileges, and reads all users.
#[pg_extern]
#[allow(clippy::type_complexity, reason = "pgrx reads the columns out of it")]
fn doctor() -> TableIterator<
    'static,
    (name!(severity, String), name!(object, String), name!(message, String), name!(run, Option<String>)),
> {
    let findings = adopt::doctor().or_raise();
    TableIterator::new(findings.into_iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        (severity.to_owned(), finding.object, finding.message, finding.run)
    }))
}

/// Makes `value` the secret `name`: `cookie`, `jwt`, or `jwt_eddsa`, `jwt_es256`, `jwt_rs256`, whose value is a private
/// key as a JWK. The one before goes on verifying for `keep`. Or `captcha`: the secret
/// key that the service gives out; or `oauth_proxy`: the one that servers of the plugin share.
///
/// Errors: 22023 for another name, a jwt secret of fewer than 32 bytes, or one that comes from a file.
#[pg_extern]
fn set_secret(name: Option<&str>, value: Option<&str>, keep: default!(Option<Interval>, "'0'")) {
    let name = not_null("name", name);
    let keep = seconds(not_null("keep", keep)).or_raise();
    let value = not_null("value", value);
    if secrets::set_told(name, value).or_raise() {
        return;
    }
    match bridge_keys::Name::parse(name) {
        Some(name) => bridge_keys::set(name, value, keep),
        None => Name::parse(name).and_then(|name| secrets::set(name, value, keep)),
    }
    .or_raise();
}

/// Makes a fresh random secret (32 bytes, base64url) the secret `name`. The one before goes on
/// verifying for `keep`. Does not return the secret: its owner reads it in better_auth.signing_secret.
#[pg_extern]
fn rotate_secret(name: Option<&str>, keep: default!(Option<Interval>, "'1 day'")) {
    let (name, keep) = (not_null("name", name), seconds(not_null("keep", keep)).or_raise());
    match bridge_keys::Name::parse(name) {
        Some(name) => bridge_keys::rotate(name, keep),
        None => Name::parse(name).and_then(|name| secrets::rotate(name, keep)),
    }
    .or_raise();
}

/// How many rows a call may go through.
fn checked(batch: Option<i32>) -> i64 {
    let batch = not_null("batch", batch);
    if !(1..=1_000_000).contains(&batch) {
        Err(AuthError::Argument("batch must be between 1 and 1000000".into())).or_raise()
    }
    batch.into()
}

/// Encrypts anew, under the current cookie secret, what is kept encrypted under one that was rotated out: secrets of
/// second factors, backup codes, private keys, tokens of providers. Up to `batch` values; how many that were, 0 where none is left. To be
/// called after `rotate_secret('cookie')`, until it answers 0, before the secret from before is gone.
///
/// Errors: 22023 for a batch that is not between 1 and 1,000,000.
#[pg_extern]
fn reencrypt_secrets(batch: default!(Option<i32>, "10000")) -> i64 {
    secrets::reencrypt(checked(batch)).or_raise()
}

/// What PostgREST is given as its `jwt-secret` to verify bridge tokens: `{keys}`, the public keys as a JSON Web Key Set,
/// those that were rotated out while they are kept among them. With `with_secrets` the jwt secrets (HS256) too, of which
/// whoever has them can be anybody.
#[pg_extern]
fn jwks_json(with_secrets: default!(Option<bool>, "false")) -> JsonText {
    JsonText::from_json(token::jwks(with_secrets.unwrap_or(false)).or_raise())
}

/// Fires on better_auth.signing_secret: every backend forgets the keys that it has in memory. Before a current secret is
/// inserted, one that nobody has set gives way to it.
#[pg_trigger]
fn signing_secret_changed<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, PgTriggerError> {
    if !matches!(trigger.when()?, PgTriggerWhen::Before) {
        catalog::rows_changed(trigger.relation()?.oid());
        return Ok(None);
    }
    let row = trigger.new();
    if let Some(row) = &row
        && let Ok(Some(name)) = row.get_by_name::<String>("name")
        && let Ok(None) = row.get_by_name::<TimestampWithTimeZone>("valid_until")
    {
        secret::give_way(&name).or_raise();
    }
    Ok(row)
}

/// Fires on tables whose rows backends keep in memory, such as better_auth.jwks: every backend forgets them.
#[pg_trigger]
fn rows_changed<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, PgTriggerError> {
    catalog::rows_changed(trigger.relation()?.oid());
    Ok(trigger.new())
}

/// Deletes up to `batch` sessions, up to as many tokens of mails, that have expired, and up to as many rows of the
/// rate limit whose window has passed; returns how many rows that were, 0 when there are no more. Rows that somebody
/// is using are left for the next time, so nobody waits.
///
/// Errors: 22023 for a batch that is not between 1 and 1,000,000.
#[pg_extern]
fn purge_expired(batch: default!(Option<i32>, "10000")) -> i64 {
    let batch = checked(batch);
    let now = Timestamp::now();
    let gone = purge::purge(now, batch).or_raise();
    let limits = rate_limit::prune(oldest_needed(now.unix_milliseconds()), batch).or_raise();
    gone + i64::try_from(limits).unwrap_or(i64::MAX)
}

/// Forgets what the rate limit has counted in memory in this database: every client begins anew. With
/// `better_auth.rate_limit_storage = database`, delete the rows of better_auth."rateLimit" as well.
#[pg_extern]
fn forget_rate_limits() {
    counter::forget_all();
}

/// A hash of a password as sign-up would store it, for scripts that import users.
#[pg_extern]
fn hash_password(password: &str) -> String {
    hash::hash(password).or_raise()
}

/// Whether a password is the one of a stored hash: Better Auth's scrypt, argon2 or bcrypt. False for a
/// hash that is none of these.
#[pg_extern]
fn verify_password_hash(password: &str, hash: &str) -> bool {
    hash::verify(password, Some(hash)).or_raise()
}

/// Takes up to `batch` mails out of better_auth.mail_outbox that are due. Nobody else gets them for
/// `better_auth.mail_visibility_timeout`; a worker that dies gives them back that way.
///
/// Errors: 22023 for a batch that is not between 1 and 1,000.
#[pg_extern]
#[allow(clippy::type_complexity, reason = "pgrx reads the columns out of it")]
fn claim_mail(
    batch: default!(Option<i32>, "10"),
) -> TableIterator<
    'static,
    (
        name!(id, String),
        name!(kind, String),
        name!(recipient, String),
        name!(url, String),
        name!(token, String),
        name!(data, JsonText),
        name!(attempts, i32),
        name!(created_at, TimestampWithTimeZone),
        name!(expires_at, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(claimed(batch, "mail"))
}

/// The same with text messages, whose `recipient` is a phone number and whose `token` is the code: for a worker that
/// sends those. `complete_mail()` and `fail_mail()` take their ids too.
///
/// Errors: 22023 for a batch that is not between 1 and 1,000.
#[pg_extern]
#[allow(clippy::type_complexity, reason = "pgrx reads the columns out of it")]
fn claim_sms(
    batch: default!(Option<i32>, "10"),
) -> TableIterator<
    'static,
    (
        name!(id, String),
        name!(kind, String),
        name!(recipient, String),
        name!(url, String),
        name!(token, String),
        name!(data, JsonText),
        name!(attempts, i32),
        name!(created_at, TimestampWithTimeZone),
        name!(expires_at, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(claimed(batch, "sms"))
}

/// A message as a worker gets it.
type Claimed =
    (String, String, String, String, String, JsonText, i32, TimestampWithTimeZone, TimestampWithTimeZone);

fn claimed(batch: Option<i32>, channel: &str) -> impl Iterator<Item = Claimed> {
    let mails = mail::claim(not_null("batch", batch), channel).or_raise();
    mails.into_iter().map(|mail| {
        (
            mail.id,
            mail.kind,
            mail.recipient,
            mail.url,
            mail.token,
            JsonText::from_json(mail.data),
            i32::try_from(mail.attempts).unwrap_or(i32::MAX),
            time(mail.created_at),
            time(mail.expires_at),
        )
    })
}

/// Deletes a mail that was sent. Whether it was there.
#[pg_extern]
fn complete_mail(id: Option<&str>) -> bool {
    mail::complete(not_null("id", id)).or_raise()
}

/// Notes why a mail could not be sent. When it is given out again: later after each attempt, and NULL after
/// the last one, or where its token will have expired by then.
#[pg_extern]
fn fail_mail(id: Option<&str>, error: Option<&str>) -> Option<TimestampWithTimeZone> {
    mail::fail(not_null("id", id), error.unwrap_or_default()).or_raise().map(time)
}

pub(super) fn time(time: Timestamp) -> TimestampWithTimeZone {
    // Every time of a row is in PostgreSQL's range.
    TimestampWithTimeZone::try_from(time.0).unwrap_or(TimestampWithTimeZone::positive_infinity())
}
