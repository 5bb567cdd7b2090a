//! The keys of providers, as this backend has them parsed: kept in a table, renewed by fetches where whoever calls makes
//! some, or set by a superuser alone.
//!
//! What a superuser sets goes by the issuer's name, what is fetched by the address that it came from: a discovery document
//! may name any issuer, and must not get to the keys of another one.

use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

use crate::crypto::id_token::{KeySet, MAX_KEY_SET, MOST_KEYS, NoKeySet};
use crate::error::AuthError;
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::session::Caller;
use crate::store::catalog::{self, Table};
use crate::store::provider_key;
use crate::store::server::{Timestamp, is_writable, log};

/// How long keys are taken for the provider's current ones, in seconds. Better Auth asks anew for each token, or has
/// them for five to ten minutes in each process; here one fetch is for the whole cluster, and a sign-in waits for it.
/// Providers show a key well before they sign with it; one that isn't known is asked for at once, whatever the hour.
const FRESH: i64 = 3_600;
/// How long nobody else is sent for keys, in seconds: `jose`'s `cooldownDuration`.
const PAUSE: i64 = 30;
/// The same where there are none yet, and nobody could sign in.
const FIRST_PAUSE: i64 = 5;
/// How many sets this backend keeps in memory, those that aren't there among them: two for a provider.
const MOST_SETS: usize = 32;
/// The longest name or address of a set, in bytes: what an index takes.
const LONGEST_NAME: usize = 1_024;

/// A key set as it is kept.
#[derive(Clone)]
struct Kept {
    /// None until they have come.
    keys: Option<Rc<KeySet>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    is_set: bool,
}

impl Kept {
    /// Whether it will do at `now`: whatever a superuser has set; otherwise what is fresh, and has the key that somebody
    /// asks for.
    fn will_do(&self, now: Timestamp, is_known: impl Fn(&KeySet) -> bool) -> bool {
        self.is_set || is_within(self.fetched_at, FRESH, now) && self.keys.as_deref().is_some_and(is_known)
    }

    /// Whether somebody was sent for it just now.
    fn is_awaited(&self, now: Timestamp) -> bool {
        is_within(self.tried_at, self.pause(), now)
    }

    /// How long nobody else is sent, in seconds.
    fn pause(&self) -> i64 {
        if self.keys.is_some() { PAUSE } else { FIRST_PAUSE }
    }
}

/// Whether a time is so many seconds ago at most. One that is as far in the future is of a clock that was wrong.
fn is_within(time: Option<Timestamp>, seconds: i64, now: Timestamp) -> bool {
    time.is_some_and(|time| time > now.plus(-seconds) && time <= now.plus(seconds))
}

/// The keys of an issuer, for a token that `is_known` by them or not; `None` where there are none. Those that nobody has
/// set come by `fetch`, when they are old or don't know the token.
///
/// # Errors
/// Those of the caller's fetches; no table.
pub(super) fn of(
    caller: &mut dyn Caller,
    issuer: &str,
    fetch: Fetch,
    is_known: impl Fn(&KeySet) -> bool,
) -> Result<Option<Rc<KeySet>>, AuthError> {
    let set = kept(without_slash(issuer))?;
    if set.is_set {
        return Ok(set.keys);
    }
    let url = fetch.url.clone();
    if url.len() > LONGEST_NAME {
        return Ok(None);
    }
    let kept = kept(&url)?;
    if !caller.can_fetch() || kept.will_do(Timestamp::now(), &is_known) {
        return Ok(kept.keys);
    }
    // Once: when the request is played again, somebody has been sent.
    let claimed = caller.once("send for keys", &mut || {
        let now = Timestamp::now();
        let is_claimed =
            !kept.is_awaited(now) && is_writable() && provider_key::claim(&url, now, kept.pause())?;
        Ok(is_claimed.into())
    })?;
    if claimed != Value::Bool(true) {
        return Ok(kept.keys);
    }
    let keys = read(&caller.fetch(fetch)?);
    let renewed = caller.once("keep keys", &mut || match &keys {
        Some(keys) => Ok(provider_key::renew(&url, &keys.to_json(), Timestamp::now())?.into()),
        None => {
            log(
                pgrx::PgSqlErrorCode::ERRCODE_CONNECTION_FAILURE,
                &format!("{url} gave no JSON Web Key Set: the keys of {issuer} stay as they were"),
            );
            Ok(Value::Bool(false))
        }
    })?;
    match keys {
        Some(keys) if renewed == Value::Bool(true) => Ok(Some(Rc::new(keys))),
        // What came is of no use, or a superuser was faster.
        _ => Ok(self::kept(&url)?.keys),
    }
}

/// The issuer that a superuser has set the keys of, where it is the one whose discovery document is at this address.
///
/// # Errors
/// No table.
pub(super) fn set_issuer(discovery_url: &str) -> Result<Option<String>, AuthError> {
    let issuer = without_slash(issuer_at(discovery_url));
    Ok(kept(issuer)?.is_set.then(|| issuer.to_owned()))
}

/// The issuer whose discovery document is at an address: OpenID Connect Discovery 1.0, section 4.
pub(super) fn issuer_at(discovery_url: &str) -> &str {
    discovery_url.strip_suffix("/.well-known/openid-configuration").unwrap_or(discovery_url)
}

/// The names of an issuer with and without one at the end are the same: some have it, and their discovery documents are
/// found without.
pub(super) fn without_slash(issuer: &str) -> &str {
    issuer.trim_end_matches('/')
}

/// The key set that came back.
fn read(fetched: &Fetched) -> Option<KeySet> {
    KeySet::read(fetched.ok()?).ok()
}

/// A set as it is kept. Reads no table unless it has changed.
fn kept(name: &str) -> Result<Kept, AuthError> {
    /// The count of changes to the table, and what was read at it.
    type Known = (u64, Vec<(String, Kept)>);
    thread_local! {
        static KNOWN: RefCell<Known> = const { RefCell::new((0, Vec::new())) };
    }
    let now = || catalog::rows(Table::ProviderKey);
    // Before the read: a change meanwhile makes this stale at once.
    let at = now();
    let known = KNOWN.with_borrow(|(known_at, sets)| {
        let is_it = |(known, _): &&(String, Kept)| known == name;
        (*known_at == at).then(|| sets.iter().find(is_it).map(|(_, kept)| kept.clone())).flatten()
    });
    if let Some(kept) = known {
        return Ok(kept);
    }
    // The first look at the table makes it known to who tells of changes.
    let is_watched = provider_key::is_watched()?;
    let at = now();
    let kept = match provider_key::find(name)? {
        Some(row) => Kept {
            // What somebody has written there by hand is none, if it isn't one.
            keys: row.jwks.and_then(|jwks| KeySet::read(&jwks).ok()).map(Rc::new),
            fetched_at: row.fetched_at,
            tried_at: row.tried_at,
            is_set: row.is_set,
        },
        None => Kept { keys: None, fetched_at: None, tried_at: None, is_set: false },
    };
    if is_watched {
        KNOWN.with_borrow_mut(|(known_at, sets)| {
            if *known_at != at || sets.len() >= MOST_SETS {
                sets.clear();
            }
            *known_at = at;
            sets.retain(|(known, _)| known != name);
            sets.push((name.to_owned(), kept.clone()));
        });
    }
    Ok(kept)
}

/// Makes `jwks` the keys of an issuer, which no fetch takes the place of; with none, those that were set are forgotten,
/// and fetches bring others.
///
/// # Errors
/// No name, no key set of public keys, or one of which no key verifies.
pub(crate) fn set(issuer: &str, jwks: Option<&Value>) -> Result<(), AuthError> {
    let name = without_slash(issuer);
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(AuthError::Argument(format!("issuer must be a text of 1 to {LONGEST_NAME} bytes")));
    }
    let Some(jwks) = jwks else { return provider_key::delete(name) };
    let refused = |why: &str| AuthError::Argument(format!("jwks {why}"));
    let keys = KeySet::read(&jwks.to_string()).map_err(|fault| match fault {
        NoKeySet::TooLong => refused(&format!("must not be longer than {MAX_KEY_SET} bytes")),
        NoKeySet::TooMany => refused(&format!("must not have more than {MOST_KEYS} keys")),
        NoKeySet::Malformed => refused(r#"must be a JSON Web Key Set: {"keys": [...]}, each key an object"#),
    })?;
    if keys.has_secrets() {
        return Err(refused("has a private or secret key, which belongs to nobody but the provider"));
    }
    if !keys.is_of_use() {
        return Err(refused(
            "has no key that verifies signatures: RSA of 2048 to 4096 bits, P-256, P-384, P-521 or Ed25519",
        ));
    }
    provider_key::set(name, &keys.to_json(), Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_sent_for_keys_and_when() {
        let now = Timestamp::now();
        let ago = |seconds: i64| Some(now.plus(-seconds));
        let keys = || KeySet::read(r#"{"keys":[]}"#).ok().map(Rc::new);
        let kept = |fetched_at, tried_at| Kept { keys: keys(), fetched_at, tried_at, is_set: false };
        let will_do = |kept: &Kept, is_known: bool| kept.will_do(now, |_| is_known);
        assert!(will_do(&kept(ago(3_599), None), true) && !will_do(&kept(ago(3_599), None), false));
        assert!(!will_do(&kept(ago(3_600), None), true) && !will_do(&kept(None, None), true));
        assert!(kept(None, ago(29)).is_awaited(now) && !kept(None, ago(30)).is_awaited(now));
        // There are none yet.
        let none = |tried_at| Kept { keys: None, fetched_at: ago(5), tried_at, is_set: false };
        assert!(!will_do(&none(None), true) && none(ago(0)).is_awaited(now));
        assert!(none(ago(4)).is_awaited(now));
        assert!(!none(ago(5)).is_awaited(now) && !none(None).is_awaited(now));
        // A clock that was wrong.
        assert!(!will_do(&kept(ago(-90_000), None), true) && !kept(None, ago(-90_000)).is_awaited(now));
        // What a superuser has set, however old it is.
        let set = Kept { is_set: true, ..kept(ago(90_000), Some(Timestamp(i64::MAX))) };
        assert!(will_do(&set, true) && will_do(&set, false));
    }
}
