//! Times the minting of a bridge token, by the extension's own source, against what no signer can do without: the
//! HMAC, keyed already, and base64. Prints the medians in nanoseconds, as JSON.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::hint::black_box;
use std::time::Instant;

#[allow(dead_code)]
#[path = "../../../src/crypto/jwt.rs"]
mod jwt;
#[allow(dead_code)]
#[path = "../../../src/crypto/mac.rs"]
mod mac;
/// Where these files look for each other.
mod crypto {
    pub(crate) use super::mac;
}
use mac::Key;

const SECRET: &[u8] = b"a jwt secret of the benchmarks, 42 bytes..";
const USER: &str = "YxhjCQjUL6jxRkYFtB6dWwsW5DHVhKmn";
const SESSION: &str = "kqnVYh6AWFcrKrGY1ZnD0X9dZJQxPpQz";
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const NOW: i64 = 1_795_424_400;

/// What `flow::token::of_session` does once it has the session.
fn mint(key: &Key, now: i64) -> String {
    let mut claims = jwt::Payload::new();
    claims.text("sub", USER);
    claims.text("role", "authenticated");
    claims.text("sid", SESSION);
    jwt::sign(key, &claims.complete(now, now + 3600, Some("insforge-api"))).expect("a token")
}

/// The same token of a payload that is there already.
fn bare(key: &Hmac<Sha256>, payload: &[u8]) -> String {
    let mut token = String::with_capacity(512);
    token.push_str(HEADER);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let mut mac = key.clone();
    mac.update(token.as_bytes());
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
    token
}

/// Nanoseconds a call.
fn time(call: impl Fn() -> String) -> f64 {
    const CALLS: u32 = 10_000;
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(call());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let (ours, theirs) = (Key::new(SECRET), Hmac::<Sha256>::new_from_slice(SECRET).expect("a key"));
    let token = mint(&ours, NOW);
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    assert_eq!(token, bare(&theirs, &payload), "both sign the same token");

    let mint = || time(|| mint(black_box(&ours), black_box(NOW)));
    let bare = || time(|| bare(black_box(&theirs), black_box(&payload)));
    // In turns; the first pairs warm up.
    let (mints, bares) = (0..110).map(|_| (mint(), bare())).skip(10).unzip();
    println!(r#"{{"mint": {}, "bare": {}}}"#, median(mints), median(bares));
}
