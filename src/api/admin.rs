//! The SQL functions for DBAs: schema, secrets, password hashes.

use pgrx::datum::Interval;
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use pgrx::trigger_support::{PgTrigger, PgTriggerError};

use crate::api::raise::{OrRaise, not_null};
use crate::api::sql::seconds;
use crate::flow::password;
use crate::flow::secrets::{self, Name};
use crate::store::{catalog, migrate as schema};

/// Makes what is missing of the tables and secrets, adopts what is there, drops nothing; returns what it
/// did. Idempotent. Runs with the caller's privileges.
#[pg_extern]
fn migrate() -> TableIterator<'static, (name!(action, String), name!(object, String))> {
    let steps = schema::migrate().or_raise();
    TableIterator::new(steps.into_iter().map(|step| (step.action.to_owned(), step.object)))
}

/// Makes `value` the secret `name` (`cookie` or `jwt`). The one before goes on verifying for `keep`.
///
/// Errors: 22023 for another name, a jwt secret of fewer than 32 bytes, or one that comes from a file.
#[pg_extern]
fn set_secret(name: Option<&str>, value: Option<&str>, keep: default!(Option<Interval>, "'0'")) {
    let name = Name::parse(not_null("name", name)).or_raise();
    let keep = seconds(not_null("keep", keep)).or_raise();
    secrets::set(name, not_null("value", value), keep).or_raise();
}

/// Makes a fresh random secret (32 bytes, base64url) the secret `name`. The one before goes on
/// verifying for `keep`. Does not return the secret: its owner reads it in better_auth.signing_secret.
#[pg_extern]
fn rotate_secret(name: Option<&str>, keep: default!(Option<Interval>, "'1 day'")) {
    let name = Name::parse(not_null("name", name)).or_raise();
    secrets::rotate(name, seconds(not_null("keep", keep)).or_raise()).or_raise();
}

/// Fires on better_auth.signing_secret: every backend forgets the keys that it has in memory.
#[pg_trigger]
fn signing_secret_changed<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, PgTriggerError> {
    catalog::secrets_changed(trigger.relation()?.oid());
    Ok(None::<PgHeapTuple<'a, pgrx::AllocatedByRust>>)
}

/// A hash of a password as sign-up would store it, for scripts that import users.
#[pg_extern]
fn hash_password(password: &str) -> String {
    password::hash(password).or_raise()
}

/// Whether a password is the one of a stored hash: Better Auth's scrypt, argon2 or bcrypt. False for a
/// hash that is none of these.
#[pg_extern]
fn verify_password_hash(password: &str, hash: &str) -> bool {
    password::verify(password, Some(hash)).or_raise()
}
