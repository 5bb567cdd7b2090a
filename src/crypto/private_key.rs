//! Private keys that sign: made of random bytes that the caller brings, and wiped where they end. Those of the curves
//! sign without randomness (RFC 6979, RFC 8032); RSA takes some, to blind what it computes with the key.

use ed25519_dalek::SigningKey as Ed25519;
use p256::ecdsa::signature::Signer;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey as RsaKey, pkcs1v15, pss};
use sha2::{Sha256, Sha384, Sha512};
use std::fmt;
use zeroize::Zeroizing;

use super::public_key::{Curve, MAX_MODULUS, PublicKey, Scheme};

/// The source of randomness has nothing to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dry;

impl fmt::Display for Dry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no randomness")
    }
}

impl std::error::Error for Dry {}

/// Random bytes that the caller brings: whether the slice was filled.
pub(crate) struct Source<F>(pub(crate) F);

impl<F: FnMut(&mut [u8]) -> bool> TryRng for Source<F> {
    type Error = Dry;

    fn try_next_u32(&mut self) -> Result<u32, Dry> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Dry> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Dry> {
        if self.0(bytes) { Ok(()) } else { Err(Dry) }
    }
}

impl<F: FnMut(&mut [u8]) -> bool> TryCryptoRng for Source<F> {}

/// What a new key is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Ec(Curve),
    Ed25519,
    /// With a modulus of so many bits.
    Rsa(usize),
}

/// A private key. All of them wipe their memory when they are dropped.
#[derive(Clone)]
pub(crate) enum PrivateKey {
    P256(p256::ecdsa::SigningKey),
    P384(Box<p384::ecdsa::SigningKey>),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Box<Ed25519>),
    Rsa(Box<RsaKey>),
}

/// The numbers of an RSA key, big-endian: what RFC 7518 section 6.3 calls n, e, d, p, q, dp, dq, qi.
pub(crate) struct RsaNumbers {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) secret: [(&'static str, Zeroizing<Vec<u8>>); 6],
}

impl PrivateKey {
    /// A new key. One of RSA takes up to some seconds.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn generate(kind: Kind, source: &mut impl TryCryptoRng) -> Result<Self, Dry> {
        let curve = match kind {
            Kind::Rsa(bits) => {
                return RsaKey::new(source, bits).map(|key| Self::Rsa(key.into())).map_err(|_| Dry);
            }
            Kind::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                source.try_fill_bytes(seed.as_mut_slice()).map_err(|_| Dry)?;
                return Ok(Self::Ed25519(Ed25519::from_bytes(&seed).into()));
            }
            Kind::Ec(curve) => curve,
        };
        let mut scalar = Zeroizing::new(vec![0; curve.field()]);
        // What is zero or not below the order is drawn again: never seen of these curves' orders.
        for _ in 0..128 {
            source.try_fill_bytes(&mut scalar).map_err(|_| Dry)?;
            if curve == Curve::P521 {
                // 521 bits: one in the first byte.
                scalar[0] &= 1;
            }
            if let Some(key) = Self::ec(curve, &scalar) {
                return Ok(key);
            }
        }
        Err(Dry)
    }

    /// The key of a scalar as long as the field; `None` if it is none of the curve's.
    pub(crate) fn ec(curve: Curve, scalar: &[u8]) -> Option<Self> {
        if scalar.len() != curve.field() {
            return None;
        }
        match curve {
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(scalar).ok().map(Self::P256),
            Curve::P384 => p384::ecdsa::SigningKey::from_slice(scalar).ok().map(|key| Self::P384(key.into())),
            Curve::P521 => p521::ecdsa::SigningKey::from_slice(scalar).ok().map(|key| Self::P521(key.into())),
        }
    }

    /// The key of 32 bytes, RFC 8032's seed.
    pub(crate) fn ed25519(seed: &[u8]) -> Option<Self> {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
        Some(Self::Ed25519(Ed25519::from_bytes(&seed).into()))
    }

    /// An RSA key of n, e, d and two primes, big-endian; `None` if they don't belong together, or the modulus is larger
    /// than [`MAX_MODULUS`].
    pub(crate) fn rsa(n: &[u8], e: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> Option<Self> {
        PublicKey::rsa(n, e)?;
        if [d, p, q].iter().any(|number| number.len() > MAX_MODULUS + 1) {
            return None;
        }
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let primes = vec![number(p), number(q)];
        RsaKey::from_components(number(n), number(e), number(d), primes).ok().map(|key| Self::Rsa(key.into()))
    }

    /// The public key that belongs to it.
    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::P256(key) => PublicKey::P256(*key.verifying_key()),
            Self::P384(key) => PublicKey::P384(*key.verifying_key()),
            Self::P521(key) => PublicKey::P521(*key.verifying_key()),
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
            Self::Rsa(key) => PublicKey::Rsa(key.to_public_key()),
        }
    }

    /// The scalar of a curve, or the seed; `None` of RSA, which has [`PrivateKey::rsa_numbers`].
    pub(crate) fn scalar(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(match self {
            Self::P256(key) => key.to_bytes().to_vec(),
            Self::P384(key) => key.to_bytes().to_vec(),
            Self::P521(key) => key.to_bytes().to_vec(),
            Self::Ed25519(key) => key.to_bytes().to_vec(),
            Self::Rsa(_) => return None,
        }))
    }

    /// The numbers of an RSA key of two primes; `None` of others.
    pub(crate) fn rsa_numbers(&self) -> Option<RsaNumbers> {
        let Self::Rsa(key) = self else { return None };
        let [p, q] = key.primes() else { return None };
        let bytes = |number: &BoxedUint| Zeroizing::new(number.to_be_bytes_trimmed_vartime().into_vec());
        Some(RsaNumbers {
            n: key.n_bytes().to_vec(),
            e: key.e_bytes().to_vec(),
            secret: [
                ("d", bytes(key.d())),
                ("p", bytes(p.as_ref())),
                ("q", bytes(q.as_ref())),
                ("dp", bytes(key.dp()?)),
                ("dq", bytes(key.dq()?)),
                ("qi", bytes(&key.crt_coefficient()?)),
            ],
        })
    }

    /// Signs a message: ECDSA's in the fixed form. `None` where a key of this kind doesn't sign so, or there is no
    /// randomness.
    pub(crate) fn sign(
        &self,
        scheme: Scheme,
        message: &[u8],
        source: &mut impl TryCryptoRng,
    ) -> Option<Vec<u8>> {
        match (self, scheme) {
            (Self::P256(key), Scheme::Ecdsa) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            (Self::P384(key), Scheme::Ecdsa) => {
                let signature: p384::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            (Self::P521(key), Scheme::Ecdsa) => {
                let signature: p521::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            (Self::Ed25519(key), Scheme::EdDsa) => Some(key.sign(message).to_bytes().to_vec()),
            (Self::Rsa(key), scheme) => rsa_signs(key, scheme, message, source),
            _ => None,
        }
    }
}

fn rsa_signs(
    key: &RsaKey,
    scheme: Scheme,
    message: &[u8],
    source: &mut impl TryCryptoRng,
) -> Option<Vec<u8>> {
    macro_rules! sign {
        ($kind:ident, $hash:ty) => {{
            let signer = $kind::SigningKey::<$hash>::new(key.clone());
            signer.try_sign_with_rng(source, message).ok().map(|signature| signature.to_vec())
        }};
    }
    match scheme {
        Scheme::Rs256 => sign!(pkcs1v15, Sha256),
        Scheme::Rs384 => sign!(pkcs1v15, Sha384),
        Scheme::Rs512 => sign!(pkcs1v15, Sha512),
        Scheme::Ps256 => sign!(pss, Sha256),
        Scheme::Ps384 => sign!(pss, Sha384),
        Scheme::Ps512 => sign!(pss, Sha512),
        // SHA-1 is verified in old attestations, and signs nothing.
        Scheme::Rs1 | Scheme::Ecdsa | Scheme::EdDsa => None,
    }
}
