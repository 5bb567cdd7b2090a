#![allow(clippy::unwrap_used)]
use std::hint::black_box;

use super::*;
use crate::crypto::jws::Signer;
use crate::crypto::jwt::MAX_TOKEN;
use crate::crypto::private_key::{Kind, PrivateKey, Source};
use crate::crypto::public_key::Curve;

const NOW: i64 = 1_796_000_000;
const CLAIMS: &str =
    r#"{"iss":"https://issuer.example","sub":"1","aud":"client","exp":1796003600,"iat":1796000000}"#;

/// Bytes that look random and are always the same.
fn source(seed: u64) -> Source<impl FnMut(&mut [u8]) -> bool> {
    let mut state = seed | 1;
    Source(move |bytes: &mut [u8]| {
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
        true
    })
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// What jose takes and we don't: a header with `crit`, one that isn't JSON, and tokens of tomorrow.
const STRICTER: [&str; 4] = [
    "a header with crit b64",
    "a header of \"\u{feff}{\\\"alg\\\":\\\"ES256\\\"}\"",
    "iat 1796000031",
    "iat 1796086400",
];
/// Keys that jose finds, and then can't use: here they are as good as none, so others are asked for.
const ASKED_FOR: [&str; 3] =
    ["a key of key_ops verify and others", "a private key", "a private key of a curve"];

/// Made by Better Auth 1.7.25 with jose 6: pg_test/tools/id_token_vectors.mjs.
#[test]
fn what_better_auth_takes_is_taken_and_nothing_else() {
    let recorded: Value = serde_json::from_str(include_str!("id_token.json")).unwrap();
    let (mut good, mut strict, mut lax, mut known) = (0, Vec::new(), Vec::new(), Vec::new());
    for case in recorded["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let set = &recorded["sets"][usize::try_from(case["set"].as_u64().unwrap()).unwrap()];
        let keys = KeySet::read(&set.to_string());
        let issuers: Vec<Cow<'_, str>> = texts(&case["issuer"]).into_iter().map(Cow::Borrowed).collect();
        let expected = Expected {
            issuers: &issuers,
            audiences: &texts(&case["audience"]),
            max_age: case["maxTokenAge"].as_i64(),
            nonce: case["nonce"].as_str(),
            nonce_may_be_hashed: case["nonceComparison"] == "exact-or-sha256",
            now: recorded["now"].as_i64().unwrap(),
        };
        let token = IdToken::read(case["token"].as_str().unwrap(), &texts(&case["algorithms"]));
        let claims = match (&token, &keys) {
            (Ok(token), Ok(keys)) => token.verify(keys, &expected).ok(),
            _ => None,
        };
        let is_good = case["good"].as_bool().unwrap();
        good += usize::from(is_good);
        match (claims.is_some(), is_good) {
            (true, false) => lax.push(name),
            (false, true) => strict.push(name),
            _ => {}
        }
        if let (Ok(token), Ok(keys), Some(is_known)) = (&token, &keys, case["known"].as_bool())
            && token.is_known(keys) != is_known
        {
            known.push(name);
        }
    }
    assert!(lax.is_empty(), "{lax:?} taken, {strict:?} refused, {known:?}");
    assert_eq!(strict, STRICTER, "refused");
    assert_eq!(known, ASKED_FOR, "whether there is a key for it");
    assert!(good > 80);
}

/// A key pair for an algorithm: the signer, and the public key as a JWK.
fn pair(algorithm: Algorithm, kid: &str) -> (Signer, Map<String, Value>) {
    let key = PrivateKey::generate(algorithm.kind(2048), &mut source(7)).unwrap();
    let mut shown = jwk::parse(&jwk::write(&key).0).unwrap();
    shown.insert("kid".into(), kid.into());
    let header = format!(r#"{{"alg":"{}","kid":"{kid}"}}"#, algorithm.as_str());
    (Signer::new(algorithm, key, &header).unwrap(), shown)
}

fn set(keys: &[&Map<String, Value>]) -> KeySet {
    KeySet::read(&json!({ "keys": keys }).to_string()).unwrap()
}

fn expected<'e>(issuers: &'e [Cow<'e, str>]) -> Expected<'e> {
    Expected {
        issuers,
        audiences: &["client"],
        max_age: None,
        nonce: None,
        nonce_may_be_hashed: false,
        now: NOW,
    }
}

#[test]
fn what_a_signer_of_ours_signs_is_verified() {
    let issuers = ["https://issuer.example".into()];
    for algorithm in
        [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256]
    {
        let (signer, key) = pair(algorithm, "a");
        let token = signer.sign(CLAIMS.as_bytes(), &mut source(9)).unwrap();
        let verify = |keys: &KeySet| IdToken::read(&token, &[])?.verify(keys, &expected(&issuers));
        let claims = verify(&set(&[&key])).unwrap();
        assert_eq!(Value::Object(claims).to_string(), CLAIMS);
        // What is kept of a set is the set.
        assert!(verify(&KeySet::read(&set(&[&key]).to_json()).unwrap()).is_ok());
        assert_eq!(verify(&set(&[])).unwrap_err(), Refusal::UnknownKey);
        assert_eq!(verify(&set(&[&key, &key])).unwrap_err(), Refusal::SeveralKeys);
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            let found =
                IdToken::read(&other, &[]).and_then(|token| token.verify(&set(&[&key]), &expected(&issuers)));
            // RSA is slow without optimisation.
            assert!(found.is_err(), "{algorithm:?}, changed at {at}");
            if matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256) && at > 120 {
                break;
            }
        }
    }
}

#[test]
fn each_refusal_has_its_reason() {
    let issuers = ["https://issuer.example".into()];
    let (signer, key) = pair(Algorithm::EdDsa, "a");
    let keys = set(&[&key]);
    let whole: Value = serde_json::from_str(CLAIMS).unwrap();
    let refusal = |name: &str, value: Value, change: &dyn Fn(&mut Expected<'_>)| {
        let mut claims = whole.clone();
        claims[name] = value;
        let token = signer.sign(claims.to_string().as_bytes(), &mut source(9)).unwrap();
        let mut expected = expected(&issuers);
        change(&mut expected);
        IdToken::read(&token, &["EdDSA"]).unwrap().verify(&keys, &expected).err()
    };
    let same = |_: &mut Expected<'_>| {};
    assert_eq!(refusal("sub", "2".into(), &same), None);
    assert_eq!(refusal("iss", "other".into(), &same), Some(Refusal::Issuer));
    assert_eq!(refusal("aud", "other".into(), &same), Some(Refusal::Audience));
    assert_eq!(refusal("aud", json!([]), &same), Some(Refusal::Audience));
    assert_eq!(refusal("sub", "1".into(), &|e| e.audiences = &[]), Some(Refusal::Audience));
    assert_eq!(refusal("aud", "".into(), &|e| e.audiences = &[""]), Some(Refusal::Audience));
    assert_eq!(refusal("exp", (NOW - 30).into(), &same), Some(Refusal::Expired));
    assert_eq!(refusal("exp", "1".into(), &same), Some(Refusal::NotNumber("exp")));
    assert_eq!(refusal("nbf", (NOW + 31).into(), &same), Some(Refusal::InFuture("nbf")));
    assert_eq!(refusal("iat", (NOW + 31).into(), &same), Some(Refusal::InFuture("iat")));
    assert_eq!(refusal("iat", (NOW - 91).into(), &|e| e.max_age = Some(60)), Some(Refusal::TooOld));
    assert_eq!(refusal("iat", (NOW - 90).into(), &|e| e.max_age = Some(60)), None);
    assert_eq!(refusal("nonce", "n".into(), &|e| e.nonce = Some("n")), None);
    assert_eq!(refusal("nonce", "N".into(), &|e| e.nonce = Some("n")), Some(Refusal::Nonce));
    assert_eq!(refusal("sub", "1".into(), &|e| e.nonce = Some("n")), Some(Refusal::Nonce));
    assert_eq!(refusal("sub", "\0".into(), &same), Some(Refusal::NotJson("payload")));
    for claim in REQUIRED {
        let mut claims = whole.clone();
        claims.as_object_mut().unwrap().swap_remove(claim);
        let token = signer.sign(claims.to_string().as_bytes(), &mut source(9)).unwrap();
        let found = IdToken::read(&token, &[]).unwrap().verify(&keys, &expected(&issuers));
        assert_eq!(found.err(), Some(Refusal::Missing(claim)));
    }
}

#[test]
fn tokens_and_sets_are_bounded() {
    let (signer, key) = pair(Algorithm::EdDsa, "a");
    let token = signer.sign(CLAIMS.as_bytes(), &mut source(9)).unwrap();
    assert_eq!(
        IdToken::read(&format!("{token}{}", "A".repeat(MAX_TOKEN)), &[]).err(),
        Some(Refusal::Oversized)
    );
    let full = json!({ "keys": vec![&key; MOST_KEYS] }).to_string();
    assert!(KeySet::read(&full).is_ok());
    let more = json!({ "keys": vec![&key; MOST_KEYS + 1] }).to_string();
    assert_eq!(KeySet::read(&more).err(), Some(NoKeySet::TooMany));
    let mut long = full;
    long.push_str(&" ".repeat(MAX_KEY_SET - long.len()));
    assert!(KeySet::read(&long).is_ok());
    long.push(' ');
    assert_eq!(KeySet::read(&long).err(), Some(NoKeySet::TooLong));
    for text in [
        "",
        "[]",
        "{}",
        "<html>",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[]"#,
        r#"{"keys":[{"kid":"\u0000"}]}"#,
    ] {
        assert_eq!(KeySet::read(text).err(), Some(NoKeySet::Malformed), "{text}");
    }
    let deep = format!(r#"{{"keys":[{{"a":{}{}}}]}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(KeySet::read(&deep).err(), Some(NoKeySet::Malformed));
}

#[test]
fn no_private_key_stays_in_a_set() {
    let key = PrivateKey::generate(Kind::Ec(Curve::P256), &mut source(3)).unwrap();
    let (public, private) = jwk::write(&key);
    let whole = jwk::parse(&private).unwrap();
    let secret = whole["d"].as_str().unwrap().to_owned();
    let both = format!(
        r#"{{"keys":[{},{public},{{"kty":"oct","k":"c2VjcmV0"}},{{"kty":"AKP","priv":"AA"}}]}}"#,
        *private
    );
    let set = KeySet::read(&both).unwrap();
    assert!(set.has_secrets() && set.is_of_use());
    assert_eq!(set.to_json(), format!(r#"{{"keys":[{public}]}}"#));
    assert!(!set.to_json().contains(&secret));
    assert!(!KeySet::read(&format!(r#"{{"keys":[{public}]}}"#)).unwrap().has_secrets());
}

#[test]
fn a_set_is_of_use_where_a_key_of_it_verifies() {
    let (_, key) = pair(Algorithm::Es256, "a");
    let with = |member: &str, value: Value| {
        let mut key = key.clone();
        key.insert(member.into(), value);
        set(&[&key]).is_of_use()
    };
    assert!(with("use", "sig".into()) && with("alg", "ES256".into()));
    assert!(!with("use", "enc".into()) && !with("alg", "ES384".into()) && !with("crv", "P-384".into()));
    assert!(!with("y", "AA".into()) && !with("kty", "RSA".into()) && !with("key_ops", json!([])));
    assert!(!set(&[]).is_of_use());
    let weak = json!({"keys": [{"kty": "RSA", "e": "AQAB", "n": "_".repeat(171)}]});
    assert!(!KeySet::read(&weak.to_string()).unwrap().is_of_use());
}

/// What comes of random changes is nothing, and no panic: in tokens and in sets, many at a time.
#[test]
fn whatever_is_sent_ends_in_a_refusal() {
    let issuers = ["https://issuer.example".into()];
    let (signer, key) = pair(Algorithm::EdDsa, "a");
    let token = signer.sign(CLAIMS.as_bytes(), &mut source(9)).unwrap();
    let text = set(&[&key]).to_json();
    let mut random = source(11);
    let mut next = move |limit: usize| {
        let mut bytes = [0; 8];
        (random.0)(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % u64::try_from(limit).unwrap()).unwrap()
    };
    for _ in 0..3_000 {
        let mut changed = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..=next(4) {
                let at = next(bytes.len());
                match next(3) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, b"{}[]\".:,09aA\x00\\"[next(14)]),
                    _ => bytes[at] ^= 1 << next(7),
                }
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (other, keys) = (changed(&token), changed(&text));
        let verify = |token: &str, keys: &str| {
            let keys = KeySet::read(keys).ok()?;
            black_box((keys.is_of_use(), keys.to_json()));
            IdToken::read(token, &[]).ok()?.verify(&keys, &expected(&issuers)).ok()
        };
        assert!(other == token || verify(&other, &text).is_none(), "{other}");
        black_box(verify(&token, &keys));
        black_box(verify(&other, &keys));
    }
}
