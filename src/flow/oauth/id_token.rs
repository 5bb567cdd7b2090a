//! Id tokens (OpenID Connect Core 1.0, section 3.1.3.7), verified by the keys that the provider publishes: Better Auth's
//! `verifyProviderIdToken`.

use serde_json::{Map, Value};
use url::Url;

use super::providers::with_discovery_headers;
use super::{IdTokenRules, Provider, provider_keys};
use crate::crypto::id_token::{Expected, IdToken, KeySet};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::session::Caller;
use crate::store::server::Timestamp;

/// The claims of a good id token; `None` for any other. `nonce` is what the sign-in was begun with, where it was. Keys
/// that are missing are fetched, where the caller can.
///
/// # Errors
/// Those of the caller's fetches; no table.
pub(super) fn verify(
    caller: &mut dyn Caller,
    provider: &Provider,
    rules: &IdTokenRules<'_>,
    token: &str,
    nonce: Option<&str>,
) -> Result<Option<Map<String, Value>>, AuthError> {
    // A discovery document that came by a fetch doesn't say whose keys a superuser has set.
    if let Some(issuer) = set_issuer(provider)?
        && !rules.issuers.iter().all(|named| provider_keys::without_slash(named) == issuer)
    {
        return Ok(None);
    }
    let Ok(token) = IdToken::read(token, &rules.algorithms) else { return Ok(None) };
    let known = |keys: &KeySet| token.is_known(keys);
    let fetch = fetch_keys(provider, &rules.jwks_url);
    let Some(keys) = provider_keys::of(caller, &rules.keys_of, fetch, known)? else { return Ok(None) };
    let expected = Expected {
        issuers: &rules.issuers,
        audiences: &rules.audiences,
        max_age: rules.max_age,
        nonce,
        nonce_may_be_hashed: rules.nonce_may_be_hashed,
        now: Timestamp::now().unix_seconds(),
    };
    let claims = token.verify(&keys, &expected).ok();
    Ok(claims.filter(|claims| (rules.check)(provider, claims)))
}

/// The request for a provider's keys. What its discovery document was asked for with goes to no other server.
fn fetch_keys(provider: &Provider, url: &str) -> Fetch {
    let fetch = Fetch::get(url).with("accept", "application/json, application/jwk-set+json".into());
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let is_same = provider.text("discoveryUrl").and_then(origin).is_some_and(|at| Some(at) == origin(url));
    if is_same { with_discovery_headers(fetch, provider) } else { fetch }
}

/// The issuer of a discovered provider whose keys a superuser has set.
///
/// # Errors
/// No table.
pub(super) fn set_issuer(provider: &Provider) -> Result<Option<String>, AuthError> {
    let url = provider.preset.discovery_url(provider);
    url.map_or(Ok(None), |url| provider_keys::set_issuer(&url))
}

/// Within a server: the keys are in a table.
#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use pgrx::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::crypto::jwk;
    use crate::crypto::jws::{Algorithm, Signer};
    use crate::crypto::private_key::{PrivateKey, Source};
    use crate::flow::fetch::Fetched;
    use crate::flow::oauth::preset::Preset;
    use crate::flow::oauth::{Fetcher, Grant, Info, Start, TokenSet};
    use crate::flow::session::{Client, Live};
    use crate::store::server::Timestamp;

    /// Somebody whose requests are played again after each fetch, as `handler()` and `resume()` do.
    #[derive(Default)]
    struct Layer {
        can_fetch: bool,
        /// What is at the address that is asked, and the status; 0 where there is no answer.
        there: String,
        status: u16,
        fetched: Option<Fetched>,
        done: Vec<(&'static str, Value)>,
        fetches: usize,
    }

    impl Caller for Layer {
        fn endpoint(&self) -> &str {
            "/sign-in/social"
        }

        fn session(&mut self, _: bool) -> Result<Option<Live>, AuthError> {
            Ok(None)
        }

        fn can_fetch(&self) -> bool {
            self.can_fetch
        }

        fn fetch(&mut self, fetch: Fetch) -> Result<Fetched, AuthError> {
            assert!(self.can_fetch && fetch.url.ends_with(".example/jwks") && fetch.method == "GET");
            self.fetched.clone().ok_or(AuthError::Suspended)
        }

        fn once(
            &mut self,
            name: &'static str,
            work: &mut dyn FnMut() -> Result<Value, AuthError>,
        ) -> Result<Value, AuthError> {
            if let Some((_, value)) = self.done.iter().find(|(done, _)| *done == name) {
                return Ok(value.clone());
            }
            let value = work()?;
            self.done.push((name, value.clone()));
            Ok(value)
        }

        fn client(&self) -> Client<'_> {
            Client::default()
        }

        fn base_url(&self) -> Result<String, AuthError> {
            Ok("http://localhost/api/auth".into())
        }
    }

    /// A provider of which only the keys matter.
    struct Issuer;

    impl Preset for Issuer {
        fn id(&self) -> &'static str {
            "issuer"
        }
        fn check(&self, _: &Provider) -> Result<(), AuthError> {
            Ok(())
        }
        fn authorization_url(&self, _: &Provider, _: &Start<'_>) -> Result<String, AuthError> {
            Ok(String::new())
        }
        fn exchange(
            &self,
            _: &Provider,
            _: &Grant<'_>,
            _: &mut Fetcher<'_>,
        ) -> Result<Option<TokenSet>, AuthError> {
            Ok(None)
        }
        fn can_refresh(&self, _: &Provider) -> bool {
            false
        }
        fn refresh(&self, _: &Provider, _: &str, _: &mut Fetcher<'_>) -> Result<Option<TokenSet>, AuthError> {
            Ok(None)
        }
        fn user_info(
            &self,
            _: &Provider,
            _: &TokenSet,
            _: &mut Fetcher<'_>,
        ) -> Result<Option<Info>, AuthError> {
            Ok(None)
        }
        fn subject(&self, _: &Provider, _: &TokenSet, _: &Info) -> Option<String> {
            None
        }
    }

    /// A token and the key set that its key is in.
    fn issue(kid: &str, seed: u8, hd: Option<&str>) -> (String, String) {
        let key = PrivateKey::ed25519(&[seed; 32]).unwrap();
        let mut shown = jwk::parse(&jwk::write(&key).0).unwrap();
        shown.insert("kid".into(), kid.into());
        let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
        let now = Timestamp::now().unix_seconds();
        let claims = json!({
            "iss": "https://issuer.example", "sub": "1", "aud": "client", "exp": now + 60, "iat": now, "hd": hd,
        });
        let signer = Signer::new(Algorithm::EdDsa, key, &header).unwrap();
        let token = signer.sign(claims.to_string().as_bytes(), &mut Source(|_: &mut [u8]| false)).unwrap();
        (token, json!({ "keys": [shown] }).to_string())
    }

    fn provider(options: Value) -> Provider {
        Provider {
            id: "issuer".into(),
            client_ids: vec!["client".into()],
            client_secret: None,
            options: options.as_object().cloned().unwrap(),
            preset: &Issuer,
            discovery: None,
        }
    }

    /// Whether a token is good, in the end.
    fn is_good(layer: &mut Layer, token: &str) -> bool {
        is_good_at(layer, token, "https://issuer.example/jwks")
    }

    fn is_good_at(layer: &mut Layer, token: &str, url: &str) -> bool {
        let provider = provider(json!({}));
        let rules = IdTokenRules {
            keys_of: "https://issuer.example".into(),
            jwks_url: url.into(),
            issuers: vec!["https://issuer.example".into()],
            audiences: vec!["client"],
            algorithms: Vec::new(),
            max_age: Some(3_600),
            nonce_may_be_hashed: false,
            check: |_, claims| claims.get("hd") != Some(&"elsewhere.example".into()),
        };
        (layer.fetched, layer.done) = (None, Vec::new());
        let mut play = |layer: &mut Layer| verify(layer, &provider, &rules, token, None);
        let answer = match play(layer) {
            Err(AuthError::Suspended) => {
                layer.fetches += 1;
                let answer = Fetched::Answer { status: layer.status, body: layer.there.clone() };
                layer.fetched = Some(if layer.status == 0 { Fetched::Failed } else { answer });
                play(layer)
            }
            answer => answer,
        };
        // Where another fetch follows, it is played again, and nothing is done twice.
        let done = layer.done.len();
        assert_eq!(play(layer), answer);
        assert_eq!(layer.done.len(), done);
        answer.unwrap().is_some()
    }

    /// As if it had been so many seconds ago that somebody was sent, and that something came.
    fn time_passes(tried: i32, fetched: i32) {
        Spi::run(&format!(
            "UPDATE better_auth.provider_key SET tried_at = tried_at - interval '{tried} seconds', fetched_at = fetched_at - interval '{fetched} seconds'"
        ))
        .unwrap();
    }

    fn layer(there: &str) -> Layer {
        Layer { can_fetch: true, there: there.into(), status: 200, ..Layer::default() }
    }

    #[test]
    fn the_headers_of_discovery_go_to_its_own_server_alone() {
        let provider = provider(json!({
            "discoveryUrl": "https://issuer.example/.well-known/openid-configuration",
            "discoveryHeaders": {"Authorization": "Basic x", "Accept": "application/json", "n": 1},
        }));
        let headers = |url| fetch_keys(&provider, url).headers;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let all = [pair("authorization", "Basic x"), pair("accept", "application/json")];
        for own in ["https://issuer.example/jwks", "https://issuer.example:443/other"] {
            assert_eq!(headers(own), all, "{own}");
        }
        let usual = [pair("accept", "application/json, application/jwk-set+json")];
        for other in
            ["https://keys.example/jwks", "http://issuer.example/jwks", "https://issuer.example:8443/", "x"]
        {
            assert_eq!(headers(other), usual, "{other}");
        }
    }

    #[pg_test]
    fn keys_that_are_missing_are_fetched_once() {
        let (token, set) = issue("a", 1, None);
        let mut layer = layer(&set);
        for _ in 0..3 {
            assert!(is_good(&mut layer, &token));
        }
        assert_eq!(layer.fetches, 1);
        // Who can't fetch has them as well, however old they are.
        time_passes(1_000_000, 1_000_000);
        assert!(is_good(&mut Layer::default(), &token));
        // Who can asks anew for what is old.
        assert!(is_good(&mut layer, &token));
        assert_eq!(layer.fetches, 2);
        let elsewhere = issue("a", 1, Some("elsewhere.example")).0;
        assert!(!is_good(&mut layer, &elsewhere), "the provider's own check");
    }

    #[pg_test]
    fn a_key_that_is_not_known_is_asked_for_once_in_a_while() {
        let (token, set) = issue("a", 1, None);
        let (next, next_set) = issue("b", 2, None);
        let mut layer = layer(&set);
        assert!(is_good(&mut layer, &token));
        layer.there = next_set;
        for _ in 0..5 {
            assert!(!is_good(&mut layer, &next), "somebody was sent just now");
        }
        assert_eq!(layer.fetches, 1);
        time_passes(31, 31);
        assert!(is_good(&mut layer, &next));
        assert!(!is_good(&mut layer, &token), "what the provider has no longer");
        assert_eq!(layer.fetches, 2);
        // One that nobody has: one fetch, not a flood.
        time_passes(31, 31);
        for seed in 3..9 {
            assert!(!is_good(&mut layer, &issue(&format!("forged-{seed}"), seed, None).0));
        }
        assert_eq!(layer.fetches, 3);
        // By another key under a known name: no reason to ask.
        time_passes(31, 31);
        assert!(!is_good(&mut layer, &issue("b", 9, None).0));
        assert_eq!(layer.fetches, 3);
    }

    #[pg_test]
    fn what_is_no_key_set_leaves_the_keys_as_they_were() {
        let (token, set) = issue("a", 1, None);
        let mut layer = layer(&set);
        assert!(is_good(&mut layer, &token));
        let before = Spi::get_one::<String>("SELECT jwks::text FROM better_auth.provider_key").unwrap();
        for (status, there) in [
            (200, "<html>sign in first</html>"),
            (200, ""),
            (200, "{}"),
            (200, r#"{"keys": {}}"#),
            (200, r#"{"keys": [1]}"#),
            (200, r#"{"keys": [{"kid": "\u0000"}]}"#),
            (302, set.as_str()),
            (500, set.as_str()),
            (0, ""),
        ] {
            time_passes(4_000, 4_000);
            (layer.status, layer.there) = (status, there.into());
            assert!(is_good(&mut layer, &token), "{there}");
            assert!(is_good(&mut layer, &token), "nobody is sent again at once");
        }
        assert_eq!(layer.fetches, 10);
        let after = Spi::get_one::<String>("SELECT jwks::text FROM better_auth.provider_key").unwrap();
        assert_eq!(before, after);
    }

    #[pg_test]
    fn who_calls_itself_another_issuer_does_not_get_to_its_keys() {
        let (token, set) = issue("a", 1, None);
        let (forged, others) = issue("a", 2, None);
        assert!(is_good(&mut layer(&set), &token));
        assert!(is_good_at(&mut layer(&others), &forged, "https://other.example/jwks"));
        time_passes(4_000, 4_000);
        assert!(is_good_at(&mut layer(&others), &forged, "https://other.example/jwks"));
        assert!(!is_good(&mut Layer::default(), &forged) && is_good(&mut Layer::default(), &token));
    }

    #[pg_test]
    fn who_can_not_fetch_sends_nobody() {
        let (token, _) = issue("a", 1, None);
        assert!(!is_good(&mut Layer::default(), &token));
        let rows = Spi::get_one::<i64>("SELECT count(*) FROM better_auth.provider_key").unwrap();
        assert_eq!(rows, Some(0), "no try was claimed");
    }

    #[pg_test]
    fn keys_that_a_superuser_has_set_are_nobody_elses_to_change() {
        let (token, set) = issue("a", 1, None);
        let (other, others) = issue("b", 2, None);
        let mut layer = layer(&others);
        let set_keys = |set: &str| {
            let call = format!("SELECT better_auth.set_provider_keys('https://issuer.example', {set})");
            Spi::run(&call).unwrap();
        };
        set_keys(&format!("'{set}'"));
        assert!(is_good(&mut layer, &token) && !is_good(&mut layer, &other));
        Spi::run("UPDATE better_auth.provider_key SET fetched_at = fetched_at - interval '1 year'").unwrap();
        assert!(is_good(&mut layer, &token) && !is_good(&mut layer, &other));
        assert_eq!(layer.fetches, 0);
        // Given back, whoever fetches is asked again.
        set_keys("NULL");
        assert!(is_good(&mut layer, &other) && !is_good(&mut layer, &token));
        assert_eq!(layer.fetches, 1);
        // The name is the same with a slash at its end.
        Spi::run(&format!("SELECT better_auth.set_provider_keys('https://issuer.example/', '{set}')"))
            .unwrap();
        assert!(is_good(&mut layer, &token) && !is_good(&mut layer, &other));
    }
}
