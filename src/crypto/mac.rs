//! Keyed hashes: HMAC-SHA256 (RFC 2104), for tokens and for cookies.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A secret as a keyed HMAC state: signing with it hashes the message alone, not the key again.
#[derive(Clone)]
pub(crate) struct Key(Hmac<Sha256>);

impl Key {
    /// The state for a secret. HMAC takes a key of any length.
    pub(crate) fn new(secret: &[u8]) -> Self {
        match Hmac::new_from_slice(secret) {
            Ok(state) => Self(state),
            Err(error) => unreachable!("HMAC takes a key of any length: {error}"),
        }
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut state = self.0.clone();
        state.update(message);
        state
    }

    /// The signature of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 32] {
        self.mac(message).finalize().into_bytes().into()
    }

    /// A number that nobody can tell, or choose, without the key: four of them.
    pub(crate) fn numbers(&self, message: &[u8]) -> [u64; 4] {
        let signature = self.sign(message);
        std::array::from_fn(|index| {
            signature.iter().skip(index * 8).take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
        })
    }

    /// Whether it is the message's signature, in constant time.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.mac(message).verify_slice(signature).is_ok()
    }
}
