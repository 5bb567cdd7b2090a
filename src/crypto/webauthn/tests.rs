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
            if word(&verdict) != change[3] {
                wrong.push(format!("{} {change}: {verdict:?}", vector["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
