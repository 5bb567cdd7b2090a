//! Identifiers and tokens in Better Auth's alphabets, from random bytes that the caller brings.

/// `generateId`'s alphabet in Better Auth: `a-z`, `A-Z`, `0-9`.
const ALPHANUMERIC: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The alphabet of Better Auth's `generateRandomString` with `0-9` and `a-z`.
const LOWER_ALPHANUMERIC: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// `length` characters of `[a-zA-Z0-9]`, every one equally likely, as Better Auth's `generateId`.
///
/// # Errors
/// Whatever `fill` returns when it has no randomness to give.
pub(crate) fn alphanumeric<E>(
    length: usize,
    fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<String, E> {
    string(ALPHANUMERIC, length, fill)
}

/// `length` characters of `[0-9a-z]`, every one equally likely.
///
/// # Errors
/// Whatever `fill` returns when it has no randomness to give.
pub(crate) fn lower_alphanumeric<E>(
    length: usize,
    fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<String, E> {
    string(LOWER_ALPHANUMERIC, length, fill)
}

/// `length` decimal digits, every one equally likely, as Better Auth's `generateRandomString(length, "0-9")`.
///
/// # Errors
/// Whatever `fill` returns when it has no randomness to give.
pub(crate) fn digits<E>(length: usize, fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<String, E> {
    string(b"0123456789", length, fill)
}

/// An alphabet of Better Auth's `generateRandomString(length, ...)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Alphabet {
    /// `"a-z", "A-Z"`.
    Letters,
    /// The one that it has where none is named: `"a-z", "0-9", "A-Z", "-_"`.
    Default,
}

impl Alphabet {
    const fn letters(self) -> &'static [u8] {
        match self {
            Self::Letters => b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::Default => b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
        }
    }
}

/// `length` characters of an alphabet, every one equally likely.
///
/// # Errors
/// Whatever `fill` returns when it has no randomness to give.
pub(crate) fn of<E>(
    alphabet: Alphabet,
    length: usize,
    fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<String, E> {
    string(alphabet.letters(), length, fill)
}

fn string<E>(
    alphabet: &[u8],
    length: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<String, E> {
    // Bytes from the largest multiple of the alphabet's length on would favour its first letters, so
    // they are drawn again.
    let unbiased = 256 / alphabet.len() * alphabet.len();
    let mut id = String::with_capacity(length);
    let mut bytes = [0u8; 48];
    while id.len() < length {
        fill(&mut bytes)?;
        let letters = bytes.iter().map(|&byte| usize::from(byte)).filter(|&byte| byte < unbiased);
        for byte in letters.take(length - id.len()) {
            id.push(char::from(alphabet[byte % alphabet.len()]));
        }
    }
    Ok(id)
}

/// A random (version 4) UUID of RFC 9562, for tables whose ids are of type `uuid`.
///
/// # Errors
/// Whatever `fill` returns when it has no randomness to give.
pub(crate) fn uuid<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<String, E> {
    let mut bytes = [0u8; 16];
    fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = lower_hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Lower-case hexadecimal, two characters a byte.
pub(crate) fn lower_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn counting() -> impl FnMut(&mut [u8]) -> Result<(), ()> {
        let mut next = 0u8;
        move |bytes| {
            bytes.fill_with(|| {
                next = next.wrapping_add(1);
                next
            });
            Ok(())
        }
    }

    #[test]
    fn ids_have_the_asked_length_and_alphabet() {
        for length in [0, 1, 24, 32, 200] {
            let id = alphanumeric(length, counting()).unwrap();
            assert_eq!(id.len(), length);
            assert!(id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
        }
    }

    #[test]
    fn alphabets_are_those_of_better_auth() {
        for (alphabet, letters) in [(Alphabet::Letters, 52), (Alphabet::Default, 64)] {
            // A round of all byte values that count has each letter as often as any other.
            let text = of(alphabet, 256 / letters * letters, counting()).unwrap();
            let mut found: Vec<u8> = text.bytes().collect();
            assert!(found.chunks(letters).count() == 256 / letters);
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), letters, "{alphabet:?}");
        }
        let digits = digits(6, counting()).unwrap();
        assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
    }

    #[test]
    fn every_letter_is_equally_likely() {
        // One round of all 256 byte values must give each of the 62 letters four times.
        let mut counts = std::collections::HashMap::new();
        let mut next = 255u8;
        let id = alphanumeric(248, |bytes| {
            bytes.fill_with(|| {
                next = next.wrapping_add(1);
                next
            });
            Ok::<(), ()>(())
        });
        for letter in id.unwrap().chars() {
            *counts.entry(letter).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|&n| n == 4), "{counts:?}");
    }

    #[test]
    fn no_randomness_is_an_error_not_an_id() {
        assert_eq!(alphanumeric(32, |_| Err("dry")), Err("dry"));
        assert_eq!(uuid(|_| Err("dry")), Err("dry"));
    }

    #[test]
    fn uuids_are_version_4_of_rfc_9562() {
        let uuid = uuid(|bytes| {
            bytes.fill(0xff);
            Ok::<(), ()>(())
        });
        assert_eq!(uuid.unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
