//! JSON Web Signatures (RFC 7515) in the compact form: how a token is taken apart and put together whatever signs it,
//! and the algorithms of public keys (RFC 7518, RFC 8037). HMAC's is in [`super::jwt`].
//!
//! A key has its algorithm, which whoever keeps the key says: a header names a key, and never chooses how it is used.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use rsa::rand_core::TryCryptoRng;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

use super::jwt::{MAX_TOKEN, Refusal};
use super::private_key::{Kind, PrivateKey};
use super::public_key::{Curve, PublicKey, Scheme};

/// The fewest bits that an RSA key signs and verifies with: RFC 7518 section 3.3.
pub(crate) const MIN_MODULUS_BITS: u32 = 2048;

/// A token in the compact form, taken apart but not verified.
pub(crate) struct Compact<'t> {
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// What was signed.
    pub(crate) signed: &'t [u8],
}

impl<'t> Compact<'t> {
    /// Takes a token apart, once `check_header` has nothing against its header.
    ///
    /// # Errors
    /// It is too long, hasn't three parts, or one that is no base64url; those of `check_header`.
    pub(crate) fn parse(
        token: &'t str,
        check_header: impl FnOnce(&str) -> Result<(), Refusal>,
    ) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::Oversized);
        }
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(Refusal::NotThreeSegments);
        };
        check_header(header)?;
        let signed = &token.as_bytes()[..header.len() + 1 + payload.len()];
        let signature = decode(signature, "signature")?;
        Ok(Self { payload: decode(payload, "payload")?, signature, signed })
    }
}

/// Takes a token apart, its header among it.
///
/// # Errors
/// Those of [`Header::read`] and [`Compact::parse`].
pub(crate) fn read(token: &str) -> Result<(Header, Compact<'_>), Refusal> {
    let mut header = None;
    let token = Compact::parse(token, |encoded| {
        header = Some(Header::read(encoded)?);
        Ok(())
    })?;
    Ok((header.ok_or(Refusal::NotJson("header"))?, token))
}

/// The bytes of a part of a token.
///
/// # Errors
/// It is no base64url.
pub(crate) fn decode(segment: &str, part: &'static str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(segment).map_err(|_| Refusal::NotBase64Url(part))
}

/// Puts a token together: `header` is in base64url, `sign` gives the signature, of `length` bytes, of what is signed.
///
/// # Errors
/// [`Refusal::Oversized`] when the token would be longer than [`Compact::parse`] takes; those of `sign`.
pub(crate) fn compact<S: AsRef<[u8]>>(
    header: &str,
    payload: &[u8],
    length: usize,
    sign: impl FnOnce(&[u8]) -> Result<S, Refusal>,
) -> Result<String, Refusal> {
    let encoded = |bytes: usize| bytes.saturating_mul(4).div_ceil(3);
    let signed = header.len() + 1 + encoded(payload.len());
    let whole = signed + 1 + encoded(length);
    if whole > MAX_TOKEN {
        return Err(Refusal::Oversized);
    }
    let mut token = String::with_capacity(whole);
    token.push_str(header);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = sign(token.as_bytes())?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// A header's JSON in base64url.
pub(crate) fn encode_header(json: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

/// What a header says: its members, each of which stands once.
#[derive(Debug)]
pub(crate) struct Header(Map<String, Value>);

impl Header {
    /// Reads the header of a token, given in base64url.
    ///
    /// # Errors
    /// It is no JSON object, has a member twice, or `crit`: RFC 7515 section 4.1.11 has a recipient refuse what it
    /// doesn't understand.
    pub(crate) fn read(encoded: &str) -> Result<Self, Refusal> {
        let header: Self =
            serde_json::from_slice(&decode(encoded, "header")?).map_err(|_| Refusal::NotJson("header"))?;
        if header.0.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        Ok(header)
    }

    /// A member, of whatever type.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A member that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Header;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Header, A::Error> {
                let mut header = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if header.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member stands twice"));
                    }
                }
                Ok(Header(header))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

macro_rules! algorithms {
    ($($name:ident $text:literal $scheme:ident $curve:expr;)*) => {
        /// An algorithm of public keys, by JOSE's name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Algorithm {
            $($name,)*
        }

        impl Algorithm {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// The algorithm of a name; `None` for others: Ed448, secp256k1, HMAC, none.
            pub(crate) fn parse(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// JOSE's name.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            const fn scheme(self) -> Scheme {
                match self {
                    $(Self::$name => Scheme::$scheme,)*
                }
            }

            /// The curve, where it is ECDSA, whose names of algorithms fix it.
            const fn curve(self) -> Option<Curve> {
                match self {
                    $(Self::$name => $curve,)*
                }
            }
        }
    };
}

algorithms! {
    EdDsa "EdDSA" EdDsa None;
    // RFC 9864's name of the same.
    Ed25519 "Ed25519" EdDsa None;
    Es256 "ES256" Ecdsa Some(Curve::P256);
    Es384 "ES384" Ecdsa Some(Curve::P384);
    Es512 "ES512" Ecdsa Some(Curve::P521);
    Rs256 "RS256" Rs256 None;
    Rs384 "RS384" Rs384 None;
    Rs512 "RS512" Rs512 None;
    Ps256 "PS256" Ps256 None;
    Ps384 "PS384" Ps384 None;
    Ps512 "PS512" Ps512 None;
}

impl Algorithm {
    /// What a new key for it is; `modulus` is how many bits one of RSA gets.
    pub(crate) fn kind(self, modulus: usize) -> Kind {
        match (self.curve(), self.scheme()) {
            (Some(curve), _) => Kind::Ec(curve),
            (None, Scheme::EdDsa) => Kind::Ed25519,
            (None, _) => Kind::Rsa(modulus),
        }
    }

    /// Whether a key is one for this algorithm: of its kind, of its curve, and of RSA not too small.
    pub(crate) fn fits(self, key: &PublicKey) -> bool {
        match key {
            PublicKey::Ed25519(_) => self.scheme() == Scheme::EdDsa,
            PublicKey::Rsa(_) => {
                !matches!(self.scheme(), Scheme::EdDsa | Scheme::Ecdsa)
                    && key.modulus_bits().is_some_and(|bits| bits >= MIN_MODULUS_BITS)
            }
            PublicKey::P256(_) | PublicKey::P384(_) | PublicKey::P521(_) => {
                self.curve().is_some() && self.curve() == key.curve()
            }
        }
    }

    /// The length of a signature, in bytes.
    fn signature(self, key: &PublicKey) -> usize {
        match (self.curve(), key.modulus_bits()) {
            (Some(curve), _) => 2 * curve.field(),
            (None, Some(bits)) => usize::try_from(bits).unwrap_or_default().div_ceil(8),
            (None, None) => 64,
        }
    }
}

/// A public key with the one algorithm that it is for.
pub(crate) struct Verifier {
    algorithm: Algorithm,
    key: PublicKey,
}

impl Verifier {
    /// `None` where the key is of another kind.
    pub(crate) fn new(algorithm: Algorithm, key: PublicKey) -> Option<Self> {
        algorithm.fits(&key).then_some(Self { algorithm, key })
    }

    /// Whether this key has signed a token whose header has been read.
    ///
    /// # Errors
    /// The header names another algorithm than the key's; the signature is another one's.
    pub(crate) fn verify(&self, header: &Header, token: &Compact<'_>) -> Result<(), Refusal> {
        if header.text("alg") != Some(self.algorithm.as_str()) {
            return Err(Refusal::OtherAlgorithm);
        }
        verify(self.algorithm, &self.key, token)
    }
}

/// Whether a key has signed a token by an algorithm that is one of the key's.
///
/// # Errors
/// The key is one for other algorithms; the signature is another one's.
pub(crate) fn verify(algorithm: Algorithm, key: &PublicKey, token: &Compact<'_>) -> Result<(), Refusal> {
    if !algorithm.fits(key) {
        return Err(Refusal::OtherAlgorithm);
    }
    match key.verifies(algorithm.scheme(), token.signed, &token.signature) {
        true => Ok(()),
        false => Err(Refusal::Signature),
    }
}

/// A private key with the one algorithm that it is for, and the header of its tokens.
pub(crate) struct Signer {
    algorithm: Algorithm,
    key: PrivateKey,
    /// In base64url.
    header: String,
    signature: usize,
}

impl Signer {
    /// `header` is the JSON of the header, which has to name the algorithm. `None` where the key is of another kind.
    pub(crate) fn new(algorithm: Algorithm, key: PrivateKey, header: &str) -> Option<Self> {
        let public = key.public();
        let signature = algorithm.signature(&public);
        algorithm.fits(&public).then(|| Self { algorithm, key, header: encode_header(header), signature })
    }

    /// Signs a payload.
    ///
    /// # Errors
    /// [`Refusal::Oversized`]; [`Refusal::Unsigned`] where there is no randomness.
    pub(crate) fn sign(&self, payload: &[u8], source: &mut impl TryCryptoRng) -> Result<String, Refusal> {
        compact(&self.header, payload, self.signature, |signed| {
            self.key.sign(self.algorithm.scheme(), signed, source).ok_or(Refusal::Unsigned)
        })
    }
}
