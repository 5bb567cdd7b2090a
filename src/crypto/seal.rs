//! Better Auth's `symmetricEncrypt`: XChaCha20-Poly1305 under the SHA-256 of the cookie secret, in lower-case
//! hexadecimal: nonce (24 bytes), ciphertext, tag (16 bytes). What it keeps in the database so: one-time passwords
//! (`storeOTP: "encrypted"`), secrets of second factors, private keys.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::random::lower_hex;

/// How long a nonce is, in bytes. At that length random ones never meet.
pub(crate) const NONCE: usize = 24;

/// In front of what a Better Auth with several numbered secrets (its option `secrets`) has encrypted; the number and
/// another `$` follow.
const ENVELOPE: &str = "$ba$";

/// A secret as what encrypts with it.
#[derive(Clone)]
pub(crate) struct Key(XChaCha20Poly1305);

impl Key {
    /// The key for a secret of any length.
    pub(crate) fn new(secret: &[u8]) -> Self {
        let mut hash = Sha256::digest(secret);
        let cipher = XChaCha20Poly1305::new(&hash);
        zeroize::Zeroize::zeroize(hash.as_mut_slice());
        Self(cipher)
    }

    /// The key of a secret for one purpose alone: Better Auth's `derivePurposeKey` (HKDF-SHA256).
    pub(crate) fn for_purpose(secret: &[u8], purpose: &str) -> Self {
        const SALT: &[u8] = b"better-auth:oauth-encryption:v1";
        let mut derived = Zeroizing::new([0; 32]);
        let info = format!("better-auth:{purpose}:v1");
        let expanded =
            Hkdf::<Sha256>::new(Some(SALT), secret).expand(info.as_bytes(), derived.as_mut_slice());
        debug_assert!(expanded.is_ok(), "32 bytes are one block");
        Self::new(Zeroizing::new(lower_hex(derived.as_slice())).as_bytes())
    }

    /// Encrypts a text as [`Key::seal`], in base64url, which is shorter: for what nobody else reads.
    pub(crate) fn seal_short(&self, text: &str, nonce: [u8; NONCE]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.encrypt(text, nonce))
    }

    /// Decrypts what [`Key::seal_short`] has encrypted.
    pub(crate) fn open_short(&self, sealed: &str) -> Option<Zeroizing<String>> {
        self.decrypt(&BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?)
    }

    /// Encrypts a text. No nonce may ever be used twice; the caller brings random bytes.
    pub(crate) fn seal(&self, text: &str, nonce: [u8; NONCE]) -> String {
        lower_hex(&self.encrypt(text, nonce))
    }

    /// The nonce, the ciphertext and the tag.
    fn encrypt(&self, text: &str, nonce: [u8; NONCE]) -> Vec<u8> {
        match self.0.encrypt(&XNonce::from(nonce), text.as_bytes()) {
            Ok(sealed) => [nonce.as_slice(), &sealed].concat(),
            Err(error) => unreachable!("only a text of 256 GiB is too long: {error}"),
        }
    }

    /// Decrypts what [`Key::seal`], or Better Auth, has encrypted; `None` for what was not encrypted under this key, or
    /// changed since.
    pub(crate) fn open(&self, sealed: &str) -> Option<Zeroizing<String>> {
        self.decrypt(&bytes(without_envelope(sealed)?)?)
    }

    fn decrypt(&self, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
        let text = Zeroizing::new(self.0.decrypt(&XNonce::from(nonce), ciphertext).ok()?);
        std::str::from_utf8(&text).ok().map(|text| Zeroizing::new(text.to_owned()))
    }
}

/// Which of the numbered secrets it was, the keys themselves tell: only the right one decrypts.
fn without_envelope(sealed: &str) -> Option<&str> {
    let Some(rest) = sealed.strip_prefix(ENVELOPE) else { return Some(sealed) };
    let (version, ciphertext) = rest.split_once('$')?;
    let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(ciphertext)
}

/// The bytes of hexadecimal text in either case, as `@noble/ciphers` reads it.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &[u8] = b"better-auth-secret-123456789012345678901234";
    /// Made by Better Auth 1.7.25: `hello` under that secret.
    const HELLO: &str =
        "5c88142853dfa5d67c62d4167beed4aa9868c51de65f258ec717556837ef2da6b1e888c0d355e95c489b334516";

    fn open(sealed: &str) -> Option<String> {
        Key::new(SECRET).open(sealed).map(|text| text.to_string())
    }

    #[test]
    fn better_auths_vector_opens_and_is_made_again() {
        assert_eq!(open(HELLO).as_deref(), Some("hello"));
        let nonce = bytes(&HELLO[..2 * NONCE]).unwrap().try_into().unwrap();
        assert_eq!(Key::new(SECRET).seal("hello", nonce), HELLO);
    }

    #[test]
    fn texts_come_back_as_they_were() {
        for text in ["", "1", "Ladies and Gentlemen of the class of '99", "é€😀\0\n", &"x".repeat(100_000)]
        {
            for nonce in [[0; NONCE], [0xff; NONCE]] {
                let sealed = Key::new(SECRET).seal(text, nonce);
                assert_eq!(sealed.len(), 2 * (NONCE + text.len() + 16));
                assert!(sealed.starts_with(&lower_hex(&nonce)));
                assert_eq!(open(&sealed).as_deref(), Some(text));
                assert_eq!(open(&sealed.to_uppercase()).as_deref(), Some(text));
            }
        }
    }

    #[test]
    fn an_envelope_is_passed_over() {
        for version in ["0", "1", "17"] {
            assert_eq!(open(&format!("$ba${version}${HELLO}")).as_deref(), Some("hello"));
        }
        for broken in ["$ba$", "$ba$$", "$ba$x$", "$ba$-1$", "$ba$1", "$BA$1$", "$ba$1$$ba$1$"] {
            assert_eq!(open(&format!("{broken}{HELLO}")), None, "{broken}");
        }
    }

    #[test]
    fn what_was_changed_does_not_open() {
        for at in 0..HELLO.len() {
            let mut changed = HELLO.to_owned().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            if changed == HELLO.as_bytes() {
                continue;
            }
            assert_eq!(open(std::str::from_utf8(&changed).unwrap()), None, "at {at}");
        }
        for broken in ["", "0", "00", "zz", "é", &HELLO[1..], &HELLO[2..], &HELLO[..HELLO.len() - 2]] {
            assert_eq!(open(broken), None, "{broken}");
        }
        assert_eq!(open(&format!("{HELLO}00")), None);
        assert!(Key::new(b"another secret").open(HELLO).is_none());
    }
}
