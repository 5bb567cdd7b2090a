//! Keys and algorithms of COSE, as far as WebAuthn has them.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Reader, SliceReader, Tag, Tagged};

use super::cbor::{self, Item};
use super::{Refusal, malformed};
use crate::crypto::public_key::{Curve, PublicKey, Scheme};

/// Algorithms of keys that are taken: all that `@simplewebauthn/server` supports. Keys of the others that it knows would
/// never have been asked for.
pub(super) const SUPPORTED: [i64; 10] = [-8, -7, -36, -37, -38, -39, -257, -258, -259, -65535];

/// Those that an attestation statement may name.
pub(super) const KNOWN: [i64; 12] = [-7, -8, -35, -36, -37, -38, -39, -47, -257, -258, -259, -65535];

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS1: i64 = -65535;

/// A hash function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The one of an algorithm.
    pub(super) fn of(algorithm: i64) -> Option<Self> {
        Some(match algorithm {
            RS1 => Self::Sha1,
            ES256 | -37 | -257 => Self::Sha256,
            -35 | -38 | -258 => Self::Sha384,
            -36 | -39 | -259 | EDDSA => Self::Sha512,
            _ => return None,
        })
    }

    pub(super) fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }
}

/// A COSE key: a map that is read where it is needed.
pub(super) struct CoseKey<'a>(Item<'a>);

impl<'a> CoseKey<'a> {
    /// # Errors
    /// No map.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        match cbor::first(bytes) {
            Some((map @ Item::Map(_), _)) => Ok(Self(map)),
            _ => malformed("the public key is no COSE key"),
        }
    }

    pub(super) fn kty(&self) -> Option<i64> {
        self.0.label(1)?.integer()
    }

    pub(super) fn alg(&self) -> Option<i64> {
        self.0.label(3)?.integer()
    }

    pub(super) fn crv(&self) -> Option<i64> {
        self.0.label(-1)?.integer()
    }

    /// The parameter -1 where it is bytes: n of an RSA key.
    pub(super) fn n(&self) -> Option<&'a [u8]> {
        self.0.label(-1)?.bytes()
    }

    /// The parameter -2: x, or e of an RSA key.
    pub(super) fn x(&self) -> Option<&'a [u8]> {
        self.0.label(-2)?.bytes()
    }

    pub(super) fn y(&self) -> Option<&'a [u8]> {
        self.0.label(-3)?.bytes()
    }

    /// The point, uncompressed.
    ///
    /// # Errors
    /// No x.
    pub(super) fn point(&self) -> Result<Vec<u8>, Refusal> {
        let x = self.x().ok_or(Refusal::Malformed("the public key has no x"))?;
        Ok([&[4], x, self.y().unwrap_or_default()].concat())
    }

    /// Checks a signature by this key, with the hash of `hash`'s algorithm where an attestation statement names one.
    /// The kind of the key and its algorithm have to belong together.
    ///
    /// # Errors
    /// No usable key, or a signature of another form; [`Refusal::Unverified`].
    pub(super) fn check(&self, data: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let algorithm = self.alg().ok_or(Refusal::Malformed("the public key has no algorithm"))?;
        match self.kty() {
            Some(2) if matches!(algorithm, ES256 | -35 | -36) => {
                let curve = match self.crv() {
                    Some(1) => Curve::P256,
                    Some(2) => Curve::P384,
                    Some(3) => Curve::P521,
                    _ => return malformed("the public key is of an unknown curve"),
                };
                let key = PublicKey::ec(curve, self.x().unwrap_or_default(), self.y().unwrap_or_default());
                check_ecdsa(key, hash_of(algorithm)?, data, signature)
            }
            Some(3) => {
                let key = PublicKey::rsa(self.n().unwrap_or_default(), self.x().unwrap_or_default());
                check_rsa(key, rsa_scheme(algorithm, hash_of(algorithm)?)?, data, signature)
            }
            Some(1) if algorithm == EDDSA && self.crv() == Some(6) => {
                let x = self.x().filter(|x| x.len() == 32);
                let x = x.ok_or(Refusal::Malformed("the public key is no key of Ed25519"))?;
                // One that is no point is found out where it is used.
                let key = PublicKey::ed25519(x).ok_or(Refusal::Unverified)?;
                verified(key.verifies(Scheme::EdDsa, data, signature))
            }
            _ => malformed("the public key is of another kind than its algorithm"),
        }
    }
}

/// # Errors
/// None is known.
pub(super) fn hash_of(algorithm: i64) -> Result<Hash, Refusal> {
    Hash::of(algorithm).ok_or(Refusal::Malformed("the algorithm is not known"))
}

/// The scheme of an RSA key for this algorithm, with a hash that may be another one's.
///
/// # Errors
/// It is no algorithm of RSA.
pub(super) fn rsa_scheme(algorithm: i64, hash: Hash) -> Result<Scheme, Refusal> {
    let is_pss = match algorithm {
        -39..=-37 => true,
        -259..=-257 | RS1 => false,
        _ => return malformed("the algorithm is none of RSA"),
    };
    Ok(match (is_pss, hash) {
        (false, Hash::Sha1) => Scheme::Rs1,
        (false, Hash::Sha256) => Scheme::Rs256,
        (false, Hash::Sha384) => Scheme::Rs384,
        (false, Hash::Sha512) => Scheme::Rs512,
        (true, Hash::Sha256) => Scheme::Ps256,
        (true, Hash::Sha384) => Scheme::Ps384,
        (true, Hash::Sha512) => Scheme::Ps512,
        (true, Hash::Sha1) => return malformed("RSASSA-PSS with SHA-1"),
    })
}

/// # Errors
/// No key, a signature that isn't ASN.1; [`Refusal::Unverified`].
pub(super) fn check_ecdsa(
    key: Option<PublicKey>,
    hash: Hash,
    data: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    let key = key.ok_or(Refusal::Malformed("the public key is no point of its curve"))?;
    let field = key.curve().map_or(0, Curve::field);
    let signature =
        fixed(signature, field).ok_or(Refusal::Malformed("the signature is no ASN.1 of ECDSA"))?;
    verified(key.verifies_digest(&hash.digest(data), &signature))
}

/// # Errors
/// No key; [`Refusal::Unverified`].
pub(super) fn check_rsa(
    key: Option<PublicKey>,
    scheme: Scheme,
    data: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    let key = key.ok_or(Refusal::Malformed("the public key is no key of RSA"))?;
    verified(key.verifies(scheme, data, signature))
}

fn verified(verifies: bool) -> Result<(), Refusal> {
    if verifies { Ok(()) } else { Err(Refusal::Unverified) }
}

/// An ECDSA signature in ASN.1 as r and s of fixed length. Some authenticators forget the zero before a high bit.
fn fixed(signature: &[u8], field: usize) -> Option<Vec<u8>> {
    let part = |number: AnyRef<'_>| -> Option<Vec<u8>> {
        let bytes = number.value();
        let bytes = match bytes {
            [0, rest @ ..] if rest.len() == field && rest[0] & 0x80 != 0 => rest,
            bytes => bytes,
        };
        let zeros = field.checked_sub(bytes.len())?;
        (number.tag() == Tag::Integer).then(|| [&vec![0; zeros], bytes].concat())
    };
    let mut reader = SliceReader::new(signature).ok()?;
    let parts: Result<_, x509_cert::der::Error> =
        reader.sequence(|inner| Ok((inner.decode::<AnyRef<'_>>()?, inner.decode::<AnyRef<'_>>()?)));
    let (r, s) = parts.ok()?;
    reader.is_finished().then_some(())?;
    Some([part(r)?, part(s)?].concat())
}
