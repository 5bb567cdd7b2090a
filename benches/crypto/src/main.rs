//! Times the minting of a bridge token, by the extension's own source, against what no signer can do without: the
//! HMAC, keyed already, or the EdDSA signature, and base64; and the verification of a code of an authenticator app, whose
//! secret is decrypted first, against its three HMACs alone; and the verification of a passkey's message, against its
//! ES256 signature alone; and the verification of an id token, against its RS256 signature alone. Prints the medians in nanoseconds, as JSON.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Verifier;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Instant;

/// Where these files look for each other.
#[allow(dead_code)]
#[path = "../../../src/crypto"]
mod crypto {
    pub(crate) mod digest;
    pub(crate) mod id_token;
    pub(crate) mod jwk;
    pub(crate) mod jws;
    pub(crate) mod jwt;
    pub(crate) mod mac;
    pub(crate) mod private_key;
    pub(crate) mod public_key;
    pub(crate) mod random;
    pub(crate) mod seal;
    pub(crate) mod totp;
    pub(crate) mod webauthn;
}
use crypto::id_token::{Expected, IdToken, KeySet};
use crypto::jws::{Algorithm, Signer};
use crypto::jwt;
use crypto::mac::Key;
use crypto::private_key::{Kind, PrivateKey, Source};
use crypto::{jwk, seal, totp, webauthn};

const SECRET: &[u8] = b"a jwt secret of the benchmarks, 42 bytes..";
const USER: &str = "YxhjCQjUL6jxRkYFtB6dWwsW5DHVhKmn";
const SESSION: &str = "kqnVYh6AWFcrKrGY1ZnD0X9dZJQxPpQz";
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const NOW: i64 = 1_795_424_400;

const SEED: [u8; 32] = [7; 32];

/// What `flow::token::of_session` does once it has the session.
fn payload(now: i64) -> Vec<u8> {
    let mut claims = jwt::Payload::new();
    claims.text("sub", USER);
    claims.text("role", "authenticated");
    claims.text("sid", SESSION);
    claims.complete(now, now + 3600, Some("insforge-api"))
}

fn mint(key: &Key, now: i64) -> String {
    jwt::sign(key, &payload(now)).expect("a token")
}

fn mint_eddsa(key: &Signer, now: i64) -> String {
    key.sign(&payload(now), &mut Source(|_: &mut [u8]| false)).expect("a token")
}

/// The EdDSA signature of what is there already, by the crate itself.
fn bare_eddsa(key: &ed25519_dalek::SigningKey, signed: &[u8]) -> [u8; 64] {
    use ed25519_dalek::Signer;
    key.sign(signed).to_bytes()
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

const APP_SECRET: &str = "yMSnDnPiK_iaBBa1L1hcUCS6x04Nnw6t";

/// What `verify-totp` does once it has the row.
fn verify(key: &seal::Key, sealed: &str, code: &str, now: i64) -> Vec<u64> {
    let secret = key.open(sealed).expect("a secret");
    totp::Key::new(secret.as_bytes(), 6).steps(code, totp::step(now, 30))
}

/// The hashes of three steps.
fn hashes(secret: &[u8], step: u64) -> u8 {
    let key = Hmac::<sha1::Sha1>::new_from_slice(secret).expect("a key");
    (step - 1..=step + 1).fold(0, |sum, step| {
        let mut mac = key.clone();
        mac.update(&step.to_be_bytes());
        sum ^ mac.finalize().into_bytes()[19]
    })
}

/// The first vector of Web Authentication Level 3, section 16: a passkey's message, its challenge and its key.
fn passkey() -> (serde_json::Value, String, Vec<u8>) {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../src/crypto/webauthn/specification.json")).expect("JSON");
    let bytes = |value: &serde_json::Value| -> Vec<u8> {
        let digits = value.as_str().expect("a text").as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("a text"), 16).expect("digits");
        digits.chunks(2).map(byte).collect()
    };
    let given = &vectors[0]["authentication"];
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(bytes(value));
    let id = part(&vectors[0]["credentialId"]);
    let response = serde_json::json!({
        "clientDataJSON": part(&given["clientDataJSON"]),
        "authenticatorData": part(&given["authenticatorData"]),
        "signature": part(&given["signature"]),
    });
    // The COSE key is the last of the authenticator data, which ends the attestation object.
    let object = bytes(&vectors[0]["attestationObject"]);
    let key = object[object.len() - 77..].to_vec();
    let message = serde_json::json!({"id": id, "rawId": id, "type": "public-key", "response": response});
    (message, part(&given["challenge"]), key)
}

const CLIENT: &str = "1234987819200.apps.example.com";

/// An id token as large as Google's, by a key of 2048 bits, and the key set, of two keys, that the key is in.
fn id_token() -> (String, KeySet) {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = Source(move |bytes: &mut [u8]| {
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
        true
    });
    let (mut keys, mut token) = (Vec::new(), String::new());
    for kid in ["0d7c8bb4e1d3e4a0b6f7c4f0a2b51d6f4e3c2b1a", "9f1c2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c"] {
        let key = PrivateKey::generate(Kind::Rsa(2048), &mut random).expect("a key");
        let mut shown = jwk::parse(&jwk::write(&key).0).expect("a JWK");
        shown.extend([("kid", kid), ("use", "sig"), ("alg", "RS256")].map(|(name, value)| (name.into(), value.into())));
        keys.push(shown);
        let header = format!(r#"{{"alg":"RS256","kid":"{kid}","typ":"JWT"}}"#);
        let claims = serde_json::json!({
            "iss": "https://accounts.google.com", "azp": CLIENT, "aud": CLIENT, "sub": "110169484474386276334",
            "hd": "example.com", "email": "jane.doe@example.com", "email_verified": true,
            "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "nonce": "0394852-3190485-2490358", "name": "Jane Doe",
            "picture": "https://lh3.googleusercontent.com/a/ACg8ocJYh6n3mQ=s96-c", "given_name": "Jane",
            "family_name": "Doe", "iat": NOW, "exp": NOW + 3600,
        });
        let signer = Signer::new(Algorithm::Rs256, key, &header).expect("a signer");
        token = signer.sign(claims.to_string().as_bytes(), &mut random).expect("a token");
    }
    let set = serde_json::json!({ "keys": keys }).to_string();
    (token, KeySet::read(&set).expect("a set"))
}

/// What `flow::oauth::id_token` does once it has the keys.
fn verify_id_token(token: &str, keys: &KeySet) -> usize {
    let issuers = ["https://accounts.google.com".into(), "accounts.google.com".into()];
    let expected = Expected {
        issuers: &issuers,
        audiences: &[CLIENT],
        max_age: Some(3600),
        nonce: Some("0394852-3190485-2490358"),
        nonce_may_be_hashed: false,
        now: NOW,
    };
    let token = IdToken::read(token, &["RS256"]).expect("a token");
    assert!(token.is_known(keys), "its key is there");
    token.verify(keys, &expected).expect("a good token").len()
}

/// Nanoseconds a call.
fn time<T>(call: impl Fn() -> T) -> f64 {
    of(2_000, call)
}

/// The same for what takes longer.
fn few<T>(call: impl Fn() -> T) -> f64 {
    of(100, call)
}

fn of<T>(calls: u32, call: impl Fn() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
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
    let signer = PrivateKey::ed25519(&SEED).expect("a key");
    let header = r#"{"alg":"EdDSA","typ":"JWT","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}"#;
    let signer = Signer::new(Algorithm::EdDsa, signer, header).expect("a signer");
    let key = ed25519_dalek::SigningKey::from_bytes(&SEED);
    let token = mint_eddsa(&signer, NOW);
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    let encoded = BASE64_URL_SAFE_NO_PAD.encode(bare_eddsa(&key, signed.as_bytes()));
    assert_eq!(signature, encoded, "both sign the same token");
    let mint = || time(|| mint_eddsa(black_box(&signer), black_box(NOW)));
    let bare = || time(|| bare_eddsa(black_box(&key), black_box(signed.as_bytes())));
    let (eddsa_mints, eddsa_bares) = (0..60).map(|_| (mint(), bare())).skip(10).unzip();

    let sealing = seal::Key::new(SECRET);
    let sealed = sealing.seal(APP_SECRET, [7; seal::NONCE]);
    let code = totp::Key::new(APP_SECRET.as_bytes(), 6).code(totp::step(NOW, 30));
    assert_eq!(verify(&sealing, &sealed, &code, NOW), [totp::step(NOW, 30)], "the code is the current step's");
    let verify = || time(|| verify(black_box(&sealing), black_box(&sealed), black_box(&code), black_box(NOW)));
    let hashes = || time(|| hashes(black_box(APP_SECRET.as_bytes()), black_box(totp::step(NOW, 30))));
    let (verifies, hashed) = (0..110).map(|_| (verify(), hashes())).skip(10).unzip();

    let (message, challenge, key) = passkey();
    let origins = ["https://example.org".to_owned()];
    let expected = webauthn::Expected {
        challenge: &challenge,
        origins: &origins,
        rp_id: "example.org",
        now: NOW * 1000,
        roots: &webauthn::roots::BUILT_IN,
    };
    let credential = webauthn::Credential { public_key: &key, counter: 0 };
    assert!(webauthn::authenticate(&message, &expected, &credential).is_ok(), "the specification's message");
    let part = |name: &str| {
        BASE64_URL_SAFE_NO_PAD.decode(message["response"][name].as_str().expect("a part")).expect("base64url")
    };
    let signed = [part("authenticatorData"), Sha256::digest(part("clientDataJSON")).to_vec()].concat();
    let signature = p256::ecdsa::Signature::from_der(&part("signature")).expect("a signature");
    let point = [&[4], &key[10..42], &key[45..77]].concat();
    let bare = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).expect("a key");
    assert!(bare.verify(&signed, &signature).is_ok(), "both verify the same signature");
    let passkeys = || few(|| webauthn::authenticate(black_box(&message), &expected, &credential));
    let bares_of_passkeys = || few(|| bare.verify(black_box(&signed), &signature));
    let (passkeys, signatures) = (0..60).map(|_| (passkeys(), bares_of_passkeys())).skip(10).unzip();

    let (token, keys) = id_token();
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let signature = rsa::pkcs1v15::Signature::try_from(signature.as_slice()).expect("a signature");
    let set: serde_json::Value = serde_json::from_str(&keys.to_json()).expect("JSON");
    let number = |name: &str| {
        let text = set["keys"][1][name].as_str().expect("a number");
        rsa::BoxedUint::from_be_slice_vartime(&BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url"))
    };
    let bare = rsa::PublicKey::new(number("n"), number("e")).expect("a key");
    let bare = rsa::pkcs1v15::VerifyingKey::<Sha256>::new(bare);
    assert!(bare.verify(signed.as_bytes(), &signature).is_ok(), "both verify the same signature");
    let ours = || few(|| verify_id_token(black_box(&token), black_box(&keys)));
    let bare_rs256 = || few(|| bare.verify(black_box(signed.as_bytes()), &signature).is_ok());
    let (id_tokens, rs256) = (0..60).map(|_| (ours(), bare_rs256())).skip(10).unzip();
    println!(
        r#"{{"mint": {}, "bare": {}, "eddsaMint": {}, "eddsaBare": {}, "totp": {}, "hashes": {}, "passkey": {}, "es256": {}, "idToken": {}, "rs256": {}}}"#,
        median(mints),
        median(bares),
        median(eddsa_mints),
        median(eddsa_bares),
        median(verifies),
        median(hashed),
        median(passkeys),
        median(signatures),
        median(id_tokens),
        median(rs256)
    );
}
