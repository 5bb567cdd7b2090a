//! One-time passwords by time: RFC 6238 over HMAC-SHA1, as `@better-auth/utils/otp` makes them, and base32, in which
//! authenticator apps are given their secrets.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// The most digits a code has: Better Auth refuses more.
pub(crate) const MAX_DIGITS: u32 = 8;

/// How many steps before and after the current one count: Better Auth's `window`.
const WINDOW: u64 = 1;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret as what makes codes of it.
pub(crate) struct Key {
    state: Hmac<Sha1>,
    digits: u32,
}

impl Key {
    /// The key for a secret of any length, for codes of so many digits.
    pub(crate) fn new(secret: &[u8], digits: u32) -> Self {
        match Hmac::new_from_slice(secret) {
            Ok(state) => Self { state, digits: digits.clamp(1, MAX_DIGITS) },
            Err(error) => unreachable!("HMAC takes a key of any length: {error}"),
        }
    }

    /// The code of a step.
    pub(crate) fn code(&self, step: u64) -> String {
        let mut state = self.state.clone();
        state.update(&step.to_be_bytes());
        let hash = state.finalize().into_bytes();
        let offset = usize::from(hash[hash.len() - 1] & 15);
        let number =
            hash[offset..].iter().take(4).fold(0, |number: u32, &byte| number << 8 | u32::from(byte));
        let number = (number & 0x7fff_ffff) % 10_u32.pow(self.digits);
        format!("{number:0width$}", width = self.digits as usize)
    }

    /// The steps about `now` whose code it is, usually one or none. How long that takes doesn't depend on the code.
    pub(crate) fn steps(&self, code: &str, now: u64) -> Vec<u64> {
        let window = now.saturating_sub(WINDOW)..=now.saturating_add(WINDOW);
        window.filter(|&step| self.code(step).as_bytes().ct_eq(code.as_bytes()).into()).collect()
    }
}

/// The step of a time, both in seconds.
pub(crate) fn step(now: i64, period: i64) -> u64 {
    now.div_euclid(period.max(1)).max(0).unsigned_abs()
}

/// Base32 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    let letter = |five: u32| char::from(ALPHABET[(five & 31) as usize]);
    for &byte in bytes {
        (buffer, bits) = (buffer << 8 | u32::from(byte), bits + 8);
        while bits >= 5 {
            bits -= 5;
            text.push(letter(buffer >> bits));
        }
        buffer &= 31;
    }
    if bits > 0 {
        text.push(letter(buffer << (5 - bits)));
    }
    text
}

/// The bytes of base32 text, up to its padding; `None` for a letter that base32 doesn't have.
pub(crate) fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for letter in text.bytes().take_while(|letter| *letter != b'=') {
        let five = ALPHABET.iter().position(|known| *known == letter)?;
        (buffer, bits) = (buffer << 5 | u32::try_from(five).ok()?, bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 255).to_le_bytes()[0]);
        }
        buffer &= 255;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, for SHA-1.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let key = Key::new(b"12345678901234567890", 8);
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(key.code(step(seconds, 30)), code, "{seconds}");
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn codes_are_those_of_rfc_4226() {
        let key = Key::new(b"12345678901234567890", 6);
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(key.code(step), code, "{step}");
        }
        assert_eq!(Key::new(b"", 0).code(0).len(), 1);
        assert_eq!(Key::new(&[7; 200], 99).code(u64::MAX).len(), 8);
    }

    #[test]
    fn a_code_counts_one_step_before_and_after() {
        let key = Key::new(b"12345678901234567890", 6);
        for (now, expected) in [(4, vec![]), (5, vec![6]), (6, vec![6]), (7, vec![6]), (8, vec![])] {
            assert_eq!(key.steps("287922", now), expected, "{now}");
        }
        for wrong in ["", "28792", "2879220", " 287922", "287922 ", "２８７９２２", "28792\u{0}"] {
            assert!(key.steps(wrong, 6).is_empty(), "{wrong:?}");
        }
        assert_eq!(key.steps("755224", 0), [0]);
    }

    #[test]
    fn steps_begin_at_1970() {
        for (now, period, expected) in
            [(0, 30, 0), (29, 30, 0), (30, 30, 1), (59, 60, 0), (-1, 30, 0), (7, 0, 7)]
        {
            assert_eq!(step(now, period), expected, "{now} by {period}");
        }
    }

    /// RFC 4648, section 10, and a secret of Better Auth's with what its URI said.
    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
            ("yMSnDnPiK_iaBBa1L1hcUCS6x04Nnw6t", "PFGVG3SENZIGSS27NFQUEQTBGFGDC2DDKVBVGNTYGA2E43TXGZ2A"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
            assert_eq!(from_base32(text).as_deref(), Some(bytes.as_bytes()));
            assert_eq!(from_base32(&format!("{text}====")).as_deref(), Some(bytes.as_bytes()));
        }
        for bad in ["a", "MZ1", "MZ8W", "MZ W6", "é", "-"] {
            assert_eq!(from_base32(bad), None, "{bad}");
        }
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(from_base32(&base32(&every)), Some(every));
    }
}
