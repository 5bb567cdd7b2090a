//! Pure Rust, without pgrx and without a server: what can be unit-tested, fuzzed and benched alone.
#![deny(unsafe_code)]

pub(crate) mod cookie;
pub(crate) mod digest;
pub(crate) mod id_token;
pub(crate) mod jwe;
pub(crate) mod jwk;
pub(crate) mod jws;
pub(crate) mod jwt;
pub(crate) mod mac;
#[allow(unsafe_code, reason = "memory from the kernel")]
mod memory;
pub(crate) mod password;
pub(crate) mod pem;
pub(crate) mod private_key;
pub(crate) mod public_key;
pub(crate) mod random;
pub(crate) mod seal;
pub(crate) mod totp;
#[cfg(test)]
mod vectors;
pub(crate) mod webauthn;
