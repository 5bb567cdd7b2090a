//! Better Auth's `symmetricEncodeJWT`: an encrypted JWT (RFC 7516 and 7519) under a key of the cookie secret, `alg`
//! `dir` and `enc` `A256CBC-HS512` (RFC 7518, section 5.2.5). Its `symmetricDecodeJWT` takes `A256GCM` too, by name
//! alone: no key of 64 bytes is one of those.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// How long the initialization vector is, in bytes.
pub(crate) const IV: usize = 16;
/// How long each of the two keys is, and the tag, in bytes.
const HALF: usize = 32;
/// How far clocks may be apart, in seconds.
const TOLERANCE: f64 = 15.0;
/// Better Auth's label of these keys.
const INFO: &[u8] = b"BetterAuth.js Generated Encryption Key";
const ALG: &str = "dir";
const ENC: &str = "A256CBC-HS512";

/// A secret as what encrypts with it, for one purpose.
pub(crate) struct Key {
    /// The one that signs.
    mac: Zeroizing<[u8; HALF]>,
    /// The one that encrypts.
    aes: Zeroizing<[u8; HALF]>,
    /// Its name: the thumbprint of both (RFC 7638).
    kid: String,
}

impl Key {
    /// The key of a secret of any length; `salt` is Better Auth's name of the purpose.
    pub(crate) fn new(secret: &[u8], salt: &str) -> Self {
        let mut derived = Zeroizing::new([0; 2 * HALF]);
        let expanded =
            Hkdf::<Sha256>::new(Some(salt.as_bytes()), secret).expand(INFO, derived.as_mut_slice());
        debug_assert!(expanded.is_ok(), "64 bytes are two blocks");
        let jwk = Zeroizing::new(format!(
            r#"{{"k":"{}","kty":"oct"}}"#,
            Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(derived.as_slice())).as_str()
        ));
        let kid = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(jwk.as_bytes()));
        let (mut mac, mut aes) = (Zeroizing::new([0; HALF]), Zeroizing::new([0; HALF]));
        let (first, second) = derived.split_at(HALF);
        mac.copy_from_slice(first);
        aes.copy_from_slice(second);
        Self { mac, aes, kid }
    }

    /// Encrypts claims. No vector may ever be used twice; the caller brings random bytes.
    pub(crate) fn encode(&self, claims: &[u8], iv: [u8; IV]) -> String {
        let header = format!(r#"{{"alg":"{ALG}","enc":"{ENC}","kid":"{}"}}"#, self.kid);
        let header = BASE64_URL_SAFE_NO_PAD.encode(header);
        let encryptor = cbc::Encryptor::<Aes256>::new(&(*self.aes).into(), &iv.into());
        let ciphertext = encryptor.encrypt_padded_vec::<Pkcs7>(claims);
        let tag = self.mac(&header, &iv, &ciphertext).finalize().into_bytes();
        let [iv, ciphertext, tag] =
            [&iv, ciphertext.as_slice(), &tag[..HALF]].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        format!("{header}..{iv}.{ciphertext}.{tag}")
    }

    /// The claims of a token that is good at the time `now`, in seconds since 1970; `None` for what was not encrypted
    /// under this key, was changed since, or has expired.
    pub(crate) fn decode(&self, token: &str, now: i64) -> Option<Map<String, Value>> {
        let mut parts = token.split('.');
        let mut part = || parts.next();
        let (header, "", iv, ciphertext, tag) = (part()?, part()?, part()?, part()?, part()?) else {
            return None;
        };
        if part().is_some() || !self.is_for(header)? {
            return None;
        }
        let iv = <[u8; IV]>::try_from(bytes(iv)?).ok()?;
        let (ciphertext, tag) = (bytes(ciphertext)?, <[u8; HALF]>::try_from(bytes(tag)?).ok()?);
        // Before anything is decrypted: the padding tells nothing to who has no key.
        self.mac(header, &iv, &ciphertext).verify_truncated_left(&tag).ok()?;
        let decryptor = cbc::Decryptor::<Aes256>::new(&(*self.aes).into(), &iv.into());
        let text = Zeroizing::new(decryptor.decrypt_padded_vec::<Pkcs7>(&ciphertext).ok()?);
        let claims: Map<String, Value> = serde_json::from_slice(&text).ok()?;
        is_timely(&claims, now).then_some(claims)
    }

    /// Whether a header names this key, or none.
    fn is_for(&self, header: &str) -> Option<bool> {
        let header: Map<String, Value> = serde_json::from_slice(&bytes(header)?).ok()?;
        let is = |name: &str, value: &str| header.get(name).and_then(Value::as_str) == Some(value);
        let is_ours = header.get("kid").is_none_or(|kid| kid.as_str() == Some(&self.kid));
        let asks_more = ["crit", "zip"].iter().any(|name| header.contains_key(*name));
        Some(is("alg", ALG) && is("enc", ENC) && is_ours && !asks_more)
    }

    fn mac(&self, header: &str, iv: &[u8; IV], ciphertext: &[u8]) -> Hmac<Sha512> {
        let mut state = match Hmac::<Sha512>::new_from_slice(self.mac.as_slice()) {
            Ok(state) => state,
            Err(error) => unreachable!("HMAC takes a key of any length: {error}"),
        };
        let bits = (header.len() as u64).wrapping_mul(8).to_be_bytes();
        for part in [header.as_bytes(), iv, ciphertext, &bits] {
            state.update(part);
        }
        state
    }
}

fn bytes(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}

/// The rules of jose's `jwtDecrypt` for claims of time: what is no number is refused.
#[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn is_timely(claims: &Map<String, Value>, now: i64) -> bool {
    let now = now as f64;
    let holds = |name: &str, rule: &dyn Fn(f64) -> bool| {
        claims.get(name).is_none_or(|value| value.as_f64().is_some_and(rule))
    };
    holds("iat", &|_| true)
        && holds("nbf", &|at| at <= now + TOLERANCE)
        && holds("exp", &|at| at > now - TOLERANCE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const SECRET: &[u8] = b"a secret that is thirty-two bytes long";
    const SALT: &str = "better-auth-account";
    const NOW: i64 = 1_800_000_000;
    /// Made by Better Auth 1.7.25's `symmetricEncodeJWT` at that time, for 300 seconds.
    const REAL: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiZjhTeFR4RDJqWkl4LVRiTTd3S3N2VjlqT2dWYnF5SE1Qb1pvZU0tMGY2ayJ9..mImVJ-_J5_8miD3Cs_uWYg.lpxNvc3IOoeVoa45kqO2IQA76uicWG2yswed-hyIpVcO01n5IIa30PD0lx2qOWB7cADhgbanaFMuWNsg9zj2rORc5ZuJHPruuK4PteJ9ae1RV_VlHl5mWpZ-Xe3OmVf3K5TcP_KOwbH5G7eeRZlmHPSjUgJnc4RQYOZ08LXWS5I.cSHMwRrxhOmkzyTtk6-V0WL5seLgfMaWzRTNgXFIOeY";
    /// The header that jose writes without a `kid`.
    const PLAIN: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0";

    fn key() -> Key {
        Key::new(SECRET, SALT)
    }

    fn decode(token: &str, now: i64) -> Option<Value> {
        key().decode(token, now).map(Value::Object)
    }

    #[test]
    fn what_better_auth_has_encrypted() {
        let claims = json!({
            "id": "1", "userId": "u", "accessToken": "é", "iat": NOW, "exp": NOW + 300,
            "jti": "3ae552c0-2c6d-4c28-bfce-096d15aabdb6",
        });
        for now in [0, NOW, NOW + 314] {
            assert_eq!(decode(REAL, now), Some(claims.clone()), "{now}");
        }
        assert_eq!(decode(REAL, NOW + 315), None);
        assert!(Key::new(SECRET, "better-auth-session").decode(REAL, NOW).is_none());
        assert!(Key::new(b"another", SALT).decode(REAL, NOW).is_none());
    }

    #[test]
    fn the_same_bytes_as_better_auth() {
        let iv = <[u8; IV]>::try_from(bytes(REAL.split('.').nth(2).unwrap()).unwrap()).unwrap();
        let claims = format!(
            r#"{{"id":"1","userId":"u","accessToken":"é","iat":{NOW},"exp":{},"jti":"3ae552c0-2c6d-4c28-bfce-096d15aabdb6"}}"#,
            NOW + 300
        );
        assert_eq!(key().encode(claims.as_bytes(), iv), REAL);
    }

    /// Made by jose under the same key; what Better Auth says of each at that time.
    #[test]
    fn verdicts_are_better_auths() {
        for (rest, expected) in [
            (
                "ZbDITBjWPKKRuT-n04KOMQ.OmfBFZITWg_GHa5NS3Zihn9LUO68RhuEHJzMDGs_HGk.5fGM5U96EDlMQJvBo8k25jJQPkRq5ojg4d1ckqVpr_U",
                Some(json!({"a": 1, "exp": NOW + 300})),
            ),
            (
                "KWXkR8EcK6dSckMKK5cKYw.0ApGqGqJjFca2LuslaETFw.nhzHoZEG3MZzT8OOtT4oczEpNUnG7eUE5z4fgrS_TIY",
                Some(json!({"a": 1})),
            ),
            (
                "j2O1TSXcqgW6jXfYkxWtOw.laAnjgWQzEn17c-PutoEEKxLBeI4YOZzYI5cEdvacbA.04fyiHUxi6yhP-wth9qGWKQuA_hVrNLAJdF_pwJohVg",
                Some(json!({"exp": NOW - 14})),
            ),
            // exp is 15 seconds ago.
            (
                "38CrUtfapFtShBqcKQOAvQ.omJeJrogtnXWiIM2v8u9ivtfF1jFjEWbjnZJItJy5ZU.jmygiWjogKVYP_-aYxxfsC3WdvcT_hVOllTtlz_xjiA",
                None,
            ),
            (
                "6hRgrnjjzRUpYwX29AW79w.Qa6MkQPxU76AIyW_z48Xd_5qjFCmdipOM2KgGMLtits.tv0qhH6iXGlZb76G668QqUJkmGRxGvZMCpxGPoQwJHo",
                Some(json!({"nbf": NOW + 15})),
            ),
            // nbf is 16 seconds ahead.
            (
                "oYriNCavssAIlPL0xAvQUw.0iSvksihVDpPbdDsOHZvUvR-VJXxGVxjj7bTMhMxbNs.HzI1lSrlykcwl5lkIj3k_n6VoO1HyCXZZEiml50z964",
                None,
            ),
            // exp, iat and nbf are texts.
            (
                "LiIIffNVI4BzlobODcESnw.V3YTdiNcou4CIScWjGQGfA.Elyr9i3ttI2avzAUyxWh2gfRIMmxoJKo7uXww6dDXBg",
                None,
            ),
            (
                "PxLlF_LSjaj0XzLNfKvdFQ.Sa-rtiHcgugiqyv48aBW6Q.3IKcMFT4m1X_Q5YikhuhUWhLd4V1DuFikutkPqeF5rw",
                None,
            ),
            (
                "a2ezJcmd8FxjxzWJSRLxPg.y16T1IE7efEasSbVk6y0fg.-gkWn-IPKnBYwMT9GBM7MiJBz_4fAc7x6GAp6XjgxBY",
                None,
            ),
            // A list, and no JSON.
            (
                "GnbjkM1iDLusvlQKXb06_g.QTDycnjDy1uANWhcckP4Yw.K_kC0gdSLeatWFqYIwp8UO-5SSX5jMZ78ubaH4lBVew",
                None,
            ),
            (
                "7wJouLaCs_vMC2PzN8tkYQ.K6dqSToYAoAz902HYqmC-A.ibdB3Z96znngxAlPSqv55PFXUbWTxlvYxF-0qkLf9Jo",
                None,
            ),
        ] {
            assert_eq!(decode(&format!("{PLAIN}..{rest}"), NOW), expected, "{rest}");
        }
        for token in [
            // Another kid; null for one.
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoieCJ9..6jQUdBlJdNTttySIp_6j9A.a0Ari6pEqbeL213j4W3S7w.LueeNfoPU5EcLYT2W3NiD9zJp4UTR4jAFhlPOcpYyfo",
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjpudWxsfQ..6sYwtwnHuiLSKcAZCyNbbw.YcJwSs4PaaZaHSDvr0Etng.1tfvTKCoJBlNladzI7JDZOSScXSIPvjzAbYGdO29nk4",
            // What must be understood, and isn't.
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwiY3JpdCI6WyJ4Il0sIngiOjF9..GMcC8guL3wiMJvm9o152lg.xpaJsbH2x9G-dm4xEirCIA.H_A2kUT-tE8vo2cZjnvafqcni-gk004e4bL6IUuNVgU",
            // Encrypted otherwise, with either half of the key.
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..ZPFvCARBIqYTHA2X.VGMPu2M6IA.0fiKS_pPD9AOeJUZDkIeMQ",
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0..HkIwFLRz4nZrm05Q4cBNiw.W5ICtT-oa8ZK1fAg-Zm1MQ.Pz3Z_BtmWt_rcvlm5-ZImg",
        ] {
            assert_eq!(decode(token, NOW), None, "{token}");
        }
    }

    #[test]
    fn what_was_changed_is_refused() {
        let parts: Vec<&str> = REAL.split('.').collect();
        let with = |index: usize, part: &str| {
            let mut parts = parts.clone();
            parts[index] = part;
            parts.join(".")
        };
        for (index, part) in parts.iter().enumerate() {
            for (at, byte) in part.bytes().enumerate() {
                let mut changed = part.as_bytes().to_vec();
                changed[at] = if byte == b'A' { b'B' } else { b'A' };
                let token = with(index, std::str::from_utf8(&changed).unwrap());
                assert_eq!(decode(&token, NOW), None, "{index} {at}");
            }
            if !part.is_empty() {
                assert_eq!(decode(&with(index, &part[..part.len() - 4]), NOW), None, "{index} short");
            }
        }
        for token in ["", ".", "....", "x", &with(1, "AA"), &with(4, ""), &format!("{REAL}."), "..\u{e9}.."] {
            assert_eq!(decode(token, NOW), None, "{token}");
        }
    }
}
