//! Plain hashes.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::random::lower_hex;

/// Better Auth's `defaultKeyHasher`: SHA-256 in base64url without padding. What it stores in place of codes and tokens
/// (`storeOTP`, `storeToken`: `"hashed"`) and of API keys.
pub(crate) fn key_hash(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256_hex(text: &str) -> String {
    lower_hex(&Sha256::digest(text.as_bytes()))
}

/// SHA-1 in upper-case hexadecimal digits: for a service that knows passwords by it, not for anything to be safe.
pub(crate) fn sha1_hex_upper(text: &str) -> Zeroizing<String> {
    let hash = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(text.as_bytes())));
    Zeroizing::new(hash.iter().map(|byte| format!("{byte:02X}")).collect())
}

#[cfg(test)]
mod tests {
    use super::{key_hash, sha1_hex_upper, sha256_hex};

    /// FIPS 180-4's own examples.
    #[test]
    fn hexadecimal_hashes() {
        for (text, hash) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(sha256_hex(text), hash, "{text}");
        }
    }

    /// FIPS 180-1's own example, and what is said of the password "password".
    #[test]
    fn short_hashes_in_capitals() {
        assert_eq!(*sha1_hex_upper("abc"), "A9993E364706816ABA3E25717850C26C9CD0D89D");
        assert_eq!(*sha1_hex_upper("password"), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    }

    /// Made by Better Auth 1.7.25.
    #[test]
    fn hashes_are_better_auths() {
        for (text, hash) in [
            ("", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
            ("123456", "jZae727K08KaOmKSgOaGzww_XVqGr_PKEgIMkjrcbJI"),
            ("é", "SplVfkAzw1Od4utlRyAXytX5VX96BiWgnxw_biumnEw"),
        ] {
            assert_eq!(key_hash(text), hash, "{text}");
        }
    }
}
