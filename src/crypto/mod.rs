//! Pure Rust, without pgrx and without a server: what can be unit-tested, fuzzed and benched alone.
#![forbid(unsafe_code)]

pub(crate) mod cookie;
pub(crate) mod jwt;
pub(crate) mod mac;
pub(crate) mod password;
pub(crate) mod random;
