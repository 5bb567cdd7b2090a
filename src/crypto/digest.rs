//! Plain hashes.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use sha2::{Digest, Sha256};

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

#[cfg(test)]
mod tests {
    use super::{key_hash, sha256_hex};

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
