//! The SQL functions of `fetch_outbox`: requests that the DBA's own SQL asks for, and the side of the worker that makes
//! them.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;

use crate::api::admin::time;
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::{OrRaise, not_null};
use crate::flow::fetch_outbox;

/// Has a worker make a request once the transaction commits, at least once: a webhook, say. `body` goes out as JSON. Its
/// id.
///
/// Errors: 22023 for a URL that isn't one of https or http, a method that isn't GET, POST, PUT, PATCH or DELETE, headers
/// that HTTP doesn't have, a body of more than 1 MiB.
#[pg_extern]
fn enqueue_fetch(
    url: Option<&str>,
    body: default!(Option<Jsonb<'_>>, "NULL"),
    headers: default!(Option<Jsonb<'_>>, "'{}'"),
    method: default!(Option<&str>, "'POST'"),
) -> String {
    let (url, method) = (not_null("url", url), not_null("method", method));
    let body = body.map(|body| body.text("body")).transpose().or_raise();
    let headers = headers.map(|headers| headers.object("headers")).transpose().or_raise();
    fetch_outbox::enqueue(method, url, &headers.unwrap_or_default(), body.as_deref()).or_raise()
}

/// Takes up to `batch` requests out of better_auth.fetch_outbox that are due. Nobody else gets them for
/// `better_auth.fetch_visibility_timeout`; a worker that dies gives them back that way.
///
/// Errors: 22023 for a batch that is not between 1 and 1,000.
#[pg_extern]
#[allow(clippy::type_complexity, reason = "pgrx reads the columns out of it")]
fn claim_fetch(
    batch: default!(Option<i32>, "10"),
) -> TableIterator<
    'static,
    (
        name!(id, String),
        name!(method, String),
        name!(url, String),
        name!(headers, JsonText),
        name!(body, Option<JsonText>),
        name!(attempts, i32),
        name!(created_at, TimestampWithTimeZone),
        name!(expires_at, TimestampWithTimeZone),
    ),
> {
    let claimed = fetch_outbox::claim(not_null("batch", batch)).or_raise();
    TableIterator::new(claimed.into_iter().map(|fetch| {
        (
            fetch.id,
            fetch.method,
            fetch.url,
            JsonText::from_json(fetch.headers),
            fetch.body.map(JsonText::from_json),
            i32::try_from(fetch.attempts).unwrap_or(i32::MAX),
            time(fetch.created_at),
            time(fetch.expires_at),
        )
    }))
}

/// Deletes a request that was made. Whether it was there.
#[pg_extern]
fn complete_fetch(id: Option<&str>) -> bool {
    fetch_outbox::complete(not_null("id", id)).or_raise()
}

/// Notes why a request failed. When it is given out again: later after each attempt, and NULL after the last one, or
/// where it will have expired by then.
#[pg_extern]
fn fail_fetch(id: Option<&str>, error: Option<&str>) -> Option<TimestampWithTimeZone> {
    fetch_outbox::fail(not_null("id", id), error.unwrap_or_default()).or_raise().map(time)
}
