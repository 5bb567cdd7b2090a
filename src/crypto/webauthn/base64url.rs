//! Base64 as `@simplewebauthn/server` reads it: a letter that is none counts as the first one, padding or not. What was
//! hashed and signed is what comes out, so that who sends other letters only spoils the own message.

use base64::alphabet;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

/// The bytes that a text stands for.
pub(super) fn decode(text: &str) -> Vec<u8> {
    if let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(text) {
        return bytes;
    }
    let units: Vec<u16> = text.encode_utf16().collect();
    let padding = units.iter().rev().take(2).take_while(|unit| **unit == u16::from(b'=')).count();
    let length = (units.len() * 3).saturating_sub(padding * 4) / 4;
    let letters = alphabet::URL_SAFE.as_str().as_bytes();
    let value = |unit: Option<&u16>| -> u8 {
        let place = unit.and_then(|unit| letters.iter().position(|letter| u16::from(*letter) == *unit));
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or_default()
    };
    let mut bytes = Vec::with_capacity(units.len());
    for four in units.chunks(4) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| value(four.get(place)));
        bytes.extend([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    bytes.truncate(length);
    bytes
}

/// Whether a text is base64url, with padding anywhere: `isoBase64URL.isBase64URL`.
pub(super) fn is_valid(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='))
}

/// Bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `isoBase64URL.toBuffer`.
    #[test]
    fn what_is_no_letter_counts_as_the_first() {
        for (text, bytes) in [
            ("", &[][..]),
            ("AQID", &[1, 2, 3]),
            ("AQI", &[1, 2]),
            ("AQI=", &[1, 2]),
            ("AQ==", &[1]),
            ("_-", &[0xff]),
            ("A", &[]),
            ("+/", &[0]),
            ("=", &[]),
            ("AQéD", &[1, 0, 3]),
        ] {
            assert_eq!(decode(text), bytes, "{text}");
        }
        assert!(is_valid("aZ09-_=") && is_valid("") && !is_valid("+/") && !is_valid("é"));
    }
}
