//! Private keys as other programs keep them: PKCS#8 (RFC 5958) in PEM (RFC 7468).

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::pkcs8::DecodePrivateKey;
use zeroize::Zeroizing;

use super::jwk::MAX_JWK;
use super::private_key::PrivateKey;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The key of a text; `None` if it is encrypted, of another kind than those that sign here, or no key.
pub(crate) fn private_key(text: &str) -> Option<PrivateKey> {
    if text.len() > MAX_JWK {
        return None;
    }
    let (inside, _) = text.split_once(BEGIN)?.1.split_once(END)?;
    let base64: Zeroizing<String> = Zeroizing::new(inside.split_ascii_whitespace().collect());
    let der = Zeroizing::new(BASE64_STANDARD.decode(base64.as_bytes()).ok()?);
    let p256 = || p256::ecdsa::SigningKey::from_pkcs8_der(&der).ok().map(PrivateKey::P256);
    let p384 = || p384::ecdsa::SigningKey::from_pkcs8_der(&der).ok().map(|key| PrivateKey::P384(key.into()));
    let p521 = || p521::ecdsa::SigningKey::from_pkcs8_der(&der).ok().map(|key| PrivateKey::P521(key.into()));
    let ed25519 =
        || ed25519_dalek::SigningKey::from_pkcs8_der(&der).ok().map(|key| PrivateKey::Ed25519(key.into()));
    let rsa = || rsa::PrivateKey::from_pkcs8_der(&der).ok().map(|key| PrivateKey::Rsa(key.into()));
    p256().or_else(p384).or_else(p521).or_else(ed25519).or_else(rsa)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::pkcs8::EncodePrivateKey;

    use super::*;
    use crate::crypto::private_key::{Kind, Source};
    use crate::crypto::public_key::Curve;

    fn pem(der: &[u8]) -> String {
        let base64 = BASE64_STANDARD.encode(der);
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    #[test]
    fn keys_of_every_kind_are_read() {
        let mut next = 1u64;
        let mut source = Source(move |bytes: &mut [u8]| {
            bytes.fill_with(|| {
                next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                next.to_be_bytes()[0]
            });
            true
        });
        let curves = [Curve::P256, Curve::P384, Curve::P521].map(Kind::Ec);
        for kind in curves.into_iter().chain([Kind::Ed25519, Kind::Rsa(2048)]) {
            let key = PrivateKey::generate(kind, &mut source).unwrap();
            let der = match &key {
                PrivateKey::P256(key) => key.to_pkcs8_der(),
                PrivateKey::P384(key) => key.to_pkcs8_der(),
                PrivateKey::P521(key) => key.to_pkcs8_der(),
                PrivateKey::Ed25519(key) => key.to_pkcs8_der(),
                PrivateKey::Rsa(key) => key.to_pkcs8_der(),
            };
            let text = pem(der.unwrap().as_bytes());
            assert!(private_key(&text).unwrap().public() == key.public(), "{kind:?}");
            assert!(private_key(&text.replace('\n', "\r\n")).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            String::new(),
            pem(b""),
            pem(b"\x30\x00"),
            format!("{BEGIN}\n!\n{END}"),
            BEGIN.to_owned(),
            format!("{END}{BEGIN}"),
            format!("-----BEGIN EC PRIVATE KEY-----\nAAAA\n{END}"),
            format!("{}{BEGIN}", " ".repeat(MAX_JWK)),
        ] {
            assert!(private_key(&text).is_none(), "{:.40}", text);
        }
    }
}
