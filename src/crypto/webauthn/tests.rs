//! Tests of whole messages.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

use super::roots::Roots;
use super::*;

/// A small generator of numbers (xorshift), the same ones each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap_or_default() % limit.max(1)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}

/// Messages of an authenticator in software, and what `@simplewebauthn/server` 13.3.2 says to each, and to what becomes
/// of it by a changed byte: made by pg_test/tools/webauthn_vectors.mjs.
struct Vectors {
    file: Value,
    roots: Roots,
}

impl Vectors {
    fn read() -> Self {
        let file: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
        let root: &'static [u8] = BASE64_STANDARD.decode(file["root"].as_str().unwrap()).unwrap().leak();
        let all: &'static [&'static [u8]] = vec![root].leak();
        Self { file, roots: Roots { apple: all, android: all } }
    }

    fn messages(&self) -> &Vec<Value> {
        self.file["messages"].as_array().unwrap()
    }

    fn judge(&self, vector: &Value, message: &Value) -> Result<Option<Registered>, Refusal> {
        let origins = ["http://localhost:3000".to_owned()];
        let expected = Expected {
            challenge: self.file["challenge"].as_str().unwrap(),
            origins: &origins,
            rp_id: "localhost",
            now: self.file["now"].as_i64().unwrap(),
            roots: &self.roots,
        };
        if vector["kind"] == "create" {
            return register(message, &expected).map(Some);
        }
        let public_key = BASE64_STANDARD.decode(vector["publicKey"].as_str().unwrap()).unwrap();
        let counter = vector["counter"].as_i64().unwrap();
        authenticate(message, &expected, &Credential { public_key: &public_key, counter }).map(|_| None)
    }
}

fn word<T>(verdict: &Result<T, Refusal>) -> &'static str {
    match verdict {
        Ok(_) => "verified",
        Err(Refusal::Unverified) => "unverified",
        Err(Refusal::Malformed(_)) => "malformed",
    }
}

/// The message with a part of its response changed.
fn changed(message: &Value, part: &str, change: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut message = message.clone();
    let mut bytes = base64url::decode(message["response"][part].as_str().unwrap());
    change(&mut bytes);
    message["response"][part] = base64url::encode(&bytes).into();
    message
}

/// What is refused of certificates that simplewebauthn takes: what isn't DER, where it isn't looked at.
const STRICTER: [&str; 3] = [
    "a certificate is malformed",
    "an extension of a certificate is malformed",
    "the certificate's key is of an unknown kind",
];

#[test]
fn messages_are_judged_as_simplewebauthn_does() {
    let vectors = Vectors::read();
    let mut wrong = Vec::new();
    for vector in vectors.messages() {
        let verdict = vectors.judge(vector, &vector["message"]);
        if word(&verdict) != vector["verdict"] {
            wrong.push(format!("{}: {verdict:?}, not {}", vector["name"], vector["verdict"]));
        }
        if let (Ok(Some(registered)), Some(theirs)) = (&verdict, vector.get("registered")) {
            assert_eq!(theirs["aaguid"], registered.aaguid);
            assert_eq!(theirs["id"], registered.credential_id);
            assert_eq!(theirs["publicKey"], BASE64_STANDARD.encode(&registered.public_key));
            assert_eq!(theirs["counter"], registered.counter);
            assert_eq!(theirs["credentialBackedUp"], registered.is_backed_up);
            assert_eq!(theirs["credentialDeviceType"] == "multiDevice", registered.is_multi_device);
        }
        for change in vector["changes"].as_array().unwrap() {
            let part = change[0].as_str().unwrap();
            let (at, by) = (change[1].as_u64().unwrap() as usize, change[2].as_u64().unwrap() as u8);
            let verdict = vectors.judge(vector, &changed(&vector["message"], part, |bytes| bytes[at] ^= by));
            let is_stricter = matches!(&verdict, Err(Refusal::Malformed(why)) if STRICTER.contains(why));
            if word(&verdict) != change[3] && !is_stricter {
                wrong.push(format!("{} {change}: {verdict:?}", vector["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Whatever comes: no panic, no endless work, and nothing that is verified but by accident of bytes that aren't signed.
#[test]
fn a_hundred_thousand_mutations_are_survived() {
    let vectors = Vectors::read();
    let messages: Vec<&Value> =
        vectors.messages().iter().filter(|vector| vector["verdict"] == "verified").collect();
    let mut random = Random(42);
    let mut outcomes = std::collections::BTreeMap::new();
    for _ in 0..100_000 {
        let vector = messages[random.below(messages.len())];
        let parts: &[&str] = match vector["kind"] == "create" {
            true => &["attestationObject", "attestationObject", "attestationObject", "clientDataJSON"],
            false => &["authenticatorData", "signature", "clientDataJSON"],
        };
        let mutated = changed(&vector["message"], parts[random.below(parts.len())], |bytes| {
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                match random.below(6) {
                    0 if !bytes.is_empty() => bytes[at] = random.byte(),
                    1 => bytes.truncate(at),
                    2 => bytes.insert(at, random.byte()),
                    3 if !bytes.is_empty() => drop(bytes.remove(at)),
                    4 => bytes
                        .splice(at..at, vec![[0x81, 0xa1, 0x9b, 0xff][random.below(4)]; random.below(40)])
                        .for_each(drop),
                    _ => {
                        let end = at + random.below(bytes.len() - at + 1);
                        let copy = bytes[at..end].to_vec();
                        bytes.splice(at..at, copy).for_each(drop);
                    }
                }
            }
        });
        // Signatures cost the most; what is tried here is mostly found out before.
        let verdict = vectors.judge(vector, &mutated);
        *outcomes.entry(word(&verdict)).or_insert(0) += 1;
    }
    assert!(outcomes["malformed"] > 50_000, "{outcomes:?}");
}

/// Depth and size are nothing to the parser.
#[test]
fn what_is_deep_or_huge_is_refused() {
    let vectors = Vectors::read();
    let vector = &vectors.messages()[0];
    for bytes in
        [vec![0x81; 90_000], vec![0xa1; 90_000], vec![0xc1; 60_000], vec![0x5b; 60_000], vec![0xbb; 60_000]]
    {
        let verdict =
            vectors.judge(vector, &changed(&vector["message"], "attestationObject", |all| *all = bytes));
        assert_eq!(word(&verdict), "malformed");
    }
}

/// Those of the specification's own test vectors (Web Authentication Level 3, section 16) that are without certificates:
/// for `example.org`, with the challenge of a registration as its client data have it.
#[test]
fn the_specifications_vectors_are_verified() {
    let bytes = |value: &Value| -> Vec<u8> {
        let digits = value.as_str().unwrap().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    };
    let encoded = |value: &Value| base64url::encode(&bytes(value));
    let origins = ["https://example.org".to_owned()];
    let vectors: Value = serde_json::from_str(include_str!("specification.json")).unwrap();
    for vector in vectors.as_array().unwrap() {
        let id = encoded(&vector["credentialId"]);
        let message =
            |response| serde_json::json!({"id": id, "rawId": id, "type": "public-key", "response": response});
        let expected = |challenge| Expected {
            challenge,
            origins: &origins,
            rp_id: "example.org",
            now: 1_764_460_800_000,
            roots: &roots::BUILT_IN,
        };
        let client_data: Value = serde_json::from_slice(&bytes(&vector["clientDataJSON"])).unwrap();
        let registration = message(serde_json::json!({
            "clientDataJSON": encoded(&vector["clientDataJSON"]),
            "attestationObject": encoded(&vector["attestationObject"]),
        }));
        let challenge = client_data["challenge"].as_str().unwrap();
        let registered = register(&registration, &expected(challenge)).unwrap();
        assert_eq!(registered.credential_id, id, "{}", vector["section"]);
        assert_eq!(registered.aaguid.replace('-', ""), vector["aaguid"].as_str().unwrap());

        let Some(given) = vector.get("authentication") else { continue };
        let with = |signature: String| {
            message(serde_json::json!({
                "clientDataJSON": encoded(&given["clientDataJSON"]),
                "authenticatorData": encoded(&given["authenticatorData"]),
                "signature": signature,
            }))
        };
        let challenge = encoded(&given["challenge"]);
        let credential = Credential { public_key: &registered.public_key, counter: 0 };
        let signature = encoded(&given["signature"]);
        let judged = |signature| authenticate(&with(signature), &expected(&challenge), &credential);
        assert!(judged(signature).is_ok(), "{}", vector["section"]);
        let mut other = bytes(&given["signature"]);
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(judged(base64url::encode(&other)).unwrap_err(), Refusal::Unverified);
    }
}
