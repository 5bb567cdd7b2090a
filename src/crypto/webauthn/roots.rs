//! Roots of makers' certificates: those that `@simplewebauthn/server` has built in.
//!
//! Each is what its maker publishes, by SHA-256 the fingerprint in the test.

/// The roots that paths have to lead to, of the formats that have some.
pub(crate) struct Roots {
    pub(crate) apple: &'static [&'static [u8]],
    pub(crate) android: &'static [&'static [u8]],
}

/// "Apple WebAuthn Root CA", and Google's roots of hardware attestation, the first of which expired in May 2026.
pub(crate) const BUILT_IN: Roots = Roots {
    apple: &[include_bytes!("roots/apple.der")],
    android: &[
        include_bytes!("roots/google-1.der"),
        include_bytes!("roots/google-2.der"),
        include_bytes!("roots/google-3.der"),
        include_bytes!("roots/google-4.der"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::webauthn::certificate::Certificate;
    use sha2::{Digest, Sha256};

    #[test]
    fn they_are_who_they_say() {
        let fingerprints = [
            "0915dd5c07a28db549d1f677bb5a75d4bfbe9561a773424327762e9e02f9bb29",
            "c1984a3ef45c1e2a918551de10603c86f7051b2249c4891cae3230eabd0c97d5",
            "1ef1a04b8ba58ab94589ac498c8982a783f24ea7307e0159a0c3a73b377d87cc",
            "ab6641178a36e179aa0c1cdddf9a16eb45fa20943e2b8cd7c7c05c26cf8b487a",
            "cedb1cb6dc896ae5ec797348bce9286753c2b38ee71ce0fbe34a9a1248800dfc",
        ];
        for (root, fingerprint) in BUILT_IN.apple.iter().chain(BUILT_IN.android).zip(fingerprints) {
            let hex: String = Sha256::digest(root).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, fingerprint);
            let root = Certificate::parse(root).ok();
            assert!(root.is_some_and(|root| root.is_issued_by(&root)), "{fingerprint}");
        }
    }
}
