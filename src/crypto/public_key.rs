//! Signatures by public keys: those of JSON Web Keys (RFC 7518, RFC 8037) and of COSE (RFC 9053). A key never chooses
//! how it is used: the caller names the [`Scheme`], and a key of another kind verifies nothing by it.

use ed25519_dalek::VerifyingKey as Ed25519;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;
use rsa::PublicKey as RsaPublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{pkcs1v15, pss};
use sha2::{Sha256, Sha384, Sha512};

/// The largest RSA modulus, in bytes: what verifying costs grows with its square.
pub(crate) const MAX_MODULUS: usize = 512;

/// A public key. Larger than most of what is kept beside it, so it is boxed by those who keep many.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(Ed25519),
    Rsa(RsaPublicKey),
}

/// An elliptic curve for ECDSA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// How a message is signed. ECDSA takes any curve by any hash in COSE, where the names of JOSE fix the curve: the
/// caller compares [`PublicKey::curve`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    /// ECDSA with the hash of the curve: SHA-256 for P-256, SHA-384 for P-384, SHA-512 for P-521.
    Ecdsa,
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-1: old TPMs, in attestation alone.
    Rs1,
    Rs256,
    Rs384,
    Rs512,
    /// RSASSA-PSS with a salt as long as the hash.
    Ps256,
    Ps384,
    Ps512,
}

impl Curve {
    /// The length of a coordinate, in bytes.
    pub(crate) const fn field(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl PublicKey {
    /// The point (x, y); `None` if it isn't on the curve, or a coordinate isn't as long as the field.
    pub(crate) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != curve.field() || y.len() != curve.field() {
            return None;
        }
        let point = [&[4], x, y].concat();
        Self::ec_point(curve, &point)
    }

    /// A point in the form of SEC 1; `None` if it isn't one of the curve.
    pub(crate) fn ec_point(curve: Curve, point: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P256),
            Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P384),
            Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P521),
        }
    }

    /// An Ed25519 key of 32 bytes; `None` if it is no point, or one of small order, by which anything would verify.
    pub(crate) fn ed25519(x: &[u8]) -> Option<Self> {
        let key = Ed25519::from_bytes(x.try_into().ok()?).ok()?;
        (!key.is_weak()).then_some(Self::Ed25519(key))
    }

    /// An RSA key of big-endian modulus and exponent; `None` if it is smaller than 1024 bits, larger than
    /// [`MAX_MODULUS`], or no key.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let modulus = without_zeros(modulus);
        let exponent = without_zeros(exponent);
        if !(128..=MAX_MODULUS).contains(&modulus.len()) || exponent.len() > 4 {
            return None;
        }
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        RsaPublicKey::new(number(modulus), number(exponent)).ok().map(Self::Rsa)
    }

    /// The coordinates (x, y) of a key for ECDSA, each as long as the field, and its curve; `None` of others.
    pub(crate) fn coordinates(&self) -> Option<(Vec<u8>, Vec<u8>, Curve)> {
        let point = match self {
            Self::P256(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            Self::P521(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            Self::Ed25519(_) | Self::Rsa(_) => return None,
        };
        let curve = self.curve()?;
        let (x, y) = point.get(1..)?.split_at_checked(curve.field())?;
        Some((x.to_vec(), y.to_vec(), curve))
    }

    /// The 32 bytes of an Ed25519 key; `None` of others.
    pub(crate) fn ed25519_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(key) => Some(key.to_bytes().to_vec()),
            _ => None,
        }
    }

    /// How many bits the modulus of an RSA key has; `None` of others.
    pub(crate) fn modulus_bits(&self) -> Option<u32> {
        match self {
            Self::Rsa(key) => Some(key.n().bit_width()),
            _ => None,
        }
    }

    /// The curve of a key for ECDSA.
    pub(crate) fn curve(&self) -> Option<Curve> {
        match self {
            Self::P256(_) => Some(Curve::P256),
            Self::P384(_) => Some(Curve::P384),
            Self::P521(_) => Some(Curve::P521),
            Self::Ed25519(_) | Self::Rsa(_) => None,
        }
    }

    /// Whether this key has signed a message so. Of an ECDSA signature r and s are each as long as the curve's field.
    pub(crate) fn verifies(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        macro_rules! ecdsa {
            ($curve:ident, $key:expr) => {
                $curve::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| $key.verify(message, &signature).is_ok())
            };
        }
        match (self, scheme) {
            (Self::P256(key), Scheme::Ecdsa) => ecdsa!(p256, key),
            (Self::P384(key), Scheme::Ecdsa) => ecdsa!(p384, key),
            (Self::P521(key), Scheme::Ecdsa) => ecdsa!(p521, key),
            (Self::Ed25519(key), Scheme::EdDsa) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            (Self::Rsa(key), scheme) => rsa_verifies(key, scheme, message, signature),
            _ => false,
        }
    }

    /// Whether this key has signed the message with this digest by ECDSA; r and s are of fixed length. COSE takes any
    /// hash on any curve.
    pub(crate) fn verifies_digest(&self, digest: &[u8], signature: &[u8]) -> bool {
        // As a number it is the same with zeros before it, and short ones are refused without.
        let field = self.curve().map_or(0, Curve::field);
        let digest = [&vec![0; field.saturating_sub(digest.len())], digest].concat();
        macro_rules! ecdsa {
            ($curve:ident, $key:expr) => {
                $curve::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| $key.verify_prehash(&digest, &signature).is_ok())
            };
        }
        match self {
            Self::P256(key) => ecdsa!(p256, key),
            Self::P384(key) => ecdsa!(p384, key),
            Self::P521(key) => ecdsa!(p521, key),
            Self::Ed25519(_) | Self::Rsa(_) => false,
        }
    }
}

fn rsa_verifies(key: &RsaPublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
    let key = key.clone();
    let pkcs1 = pkcs1v15::Signature::try_from(signature);
    let pss = pss::Signature::try_from(signature);
    let (Ok(pkcs1), Ok(pss)) = (pkcs1, pss) else { return false };
    match scheme {
        Scheme::Rs1 => pkcs1v15::VerifyingKey::<sha1::Sha1>::new(key).verify(message, &pkcs1).is_ok(),
        Scheme::Rs256 => pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &pkcs1).is_ok(),
        Scheme::Rs384 => pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(message, &pkcs1).is_ok(),
        Scheme::Rs512 => pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(message, &pkcs1).is_ok(),
        Scheme::Ps256 => pss::VerifyingKey::<Sha256>::new(key).verify(message, &pss).is_ok(),
        Scheme::Ps384 => pss::VerifyingKey::<Sha384>::new(key).verify(message, &pss).is_ok(),
        Scheme::Ps512 => pss::VerifyingKey::<Sha512>::new(key).verify(message, &pss).is_ok(),
        Scheme::Ecdsa | Scheme::EdDsa => false,
    }
}

fn without_zeros(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}
