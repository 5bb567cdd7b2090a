//! Certificates of attestations.

use x509_cert::Certificate as Parsed;
use x509_cert::der::asn1::{Any, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;

use super::cose::{self, Hash};
use super::{Refusal, der, malformed};
use crate::crypto::public_key::{Curve, PublicKey};

/// The longest certificate, in bytes: what is done with the names in it grows with their square.
const MAX_CERTIFICATE: usize = 8 * 1024;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
const AUTHORITY_KEY: &str = "2.5.29.35";
const SUBJECT_KEY: &str = "2.5.29.14";
const FIDO_AAGUID: &str = "1.3.6.1.4.1.45724.1.1.4";

/// The algorithm of COSE for that of a certificate's own signature.
fn algorithm_of(oid: &ObjectIdentifier) -> Option<i64> {
    const ALGORITHMS: [(&str, i64); 7] = [
        ("1.2.840.10045.4.3.2", -7),
        ("1.2.840.10045.4.3.3", -35),
        ("1.2.840.10045.4.3.4", -36),
        ("1.2.840.113549.1.1.11", -257),
        ("1.2.840.113549.1.1.12", -258),
        ("1.2.840.113549.1.1.13", -259),
        ("1.2.840.113549.1.1.5", -65535),
    ];
    ALGORITHMS.iter().find(|(known, _)| ObjectIdentifier::new_unwrap(known) == *oid).map(|(_, alg)| *alg)
}

/// A certificate, and the bytes of it.
pub(super) struct Certificate<'a> {
    pub(super) bytes: &'a [u8],
    /// What its issuer has signed.
    tbs: &'a [u8],
    parsed: Parsed,
}

impl<'a> Certificate<'a> {
    /// # Errors
    /// It is none, or too long.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let refusal = Refusal::Malformed("a certificate is malformed");
        if bytes.len() > MAX_CERTIFICATE {
            return Err(refusal);
        }
        let parsed = Parsed::from_der(bytes).map_err(|_| refusal)?;
        let tbs = der::first(bytes).and_then(|whole| der::first(whole.value)).map(|tbs| tbs.whole);
        Ok(Self { bytes, tbs: tbs.ok_or(refusal)?, parsed })
    }

    /// Whether it is of X.509's third version.
    pub(super) fn is_version_3(&self) -> bool {
        self.parsed.tbs_certificate().version() == x509_cert::certificate::Version::V3
    }

    /// Whether it is valid at a time, in milliseconds since 1970.
    pub(super) fn is_valid_at(&self, now: i64) -> bool {
        let validity = self.parsed.tbs_certificate().validity();
        let [from, until] = [validity.not_before, validity.not_after]
            .map(|time| i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX));
        (from..=until).contains(&now)
    }

    /// The value of an extension.
    pub(super) fn extension(&self, oid: &str) -> Option<&[u8]> {
        let oid = ObjectIdentifier::new(oid).ok()?;
        let mut extensions = self.parsed.tbs_certificate().extensions()?.iter();
        extensions.find(|extension| extension.extn_id == oid).map(|found| found.extn_value.as_bytes())
    }

    fn read<T>(&self, oid: &str) -> Result<Option<T>, Refusal>
    where
        T: for<'d> Decode<'d>,
    {
        match self.extension(oid).map(T::from_der) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => malformed("an extension of a certificate is malformed"),
        }
    }

    /// Whether it may issue others.
    ///
    /// # Errors
    /// The extension is malformed.
    pub(super) fn is_ca(&self) -> Result<bool, Refusal> {
        Ok(self.read::<BasicConstraints>(BASIC_CONSTRAINTS)?.is_some_and(|constraints| constraints.ca))
    }

    /// Checks that the AAGUID in it, if there is one, is this one.
    ///
    /// # Errors
    /// It is another one.
    pub(super) fn check_aaguid(&self, aaguid: &[u8]) -> Result<(), Refusal> {
        match self.read::<OctetString>(FIDO_AAGUID)? {
            Some(other) if other.as_bytes() != aaguid => malformed("the certificate is of another AAGUID"),
            _ => Ok(()),
        }
    }

    /// The last value that the subject has for a type.
    pub(super) fn subject(&self, oid: &str) -> Option<String> {
        let oid = ObjectIdentifier::new(oid).ok()?;
        let firsts = self.parsed.tbs_certificate().subject().iter_rdn().filter_map(|rdn| rdn.iter().next());
        firsts.filter(|attribute| attribute.oid == oid).last().map(|attribute| text(&attribute.value))
    }

    /// The first name of the alternative ones, where it is one of a directory: types and values.
    ///
    /// # Errors
    /// The extension is malformed.
    pub(super) fn alternative_name(&self) -> Result<Option<Vec<(String, String)>>, Refusal> {
        let names = self.read::<SubjectAltName>(SUBJECT_ALT_NAME)?;
        let Some(names) = names else { return Ok(None) };
        let Some(x509_cert::ext::pkix::name::GeneralName::DirectoryName(name)) = names.0.first() else {
            return Ok(None);
        };
        Ok(Some(attributes(name)))
    }

    /// The first usage that it is for.
    ///
    /// # Errors
    /// The extension is malformed.
    pub(super) fn usage(&self) -> Result<Option<String>, Refusal> {
        let usages = self.read::<ExtendedKeyUsage>(EXTENDED_KEY_USAGE)?;
        Ok(usages.and_then(|usages| usages.0.first().map(ToString::to_string)))
    }

    /// The bits of its public key.
    pub(super) fn key_bits(&self) -> &[u8] {
        self.parsed.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes()
    }

    /// Its public key.
    fn key(&self) -> Option<PublicKey> {
        let info = self.parsed.tbs_certificate().subject_public_key_info();
        if info.algorithm.oid == EC {
            let curve: ObjectIdentifier = info.algorithm.parameters.as_ref()?.decode_as().ok()?;
            let curve = match curve {
                P256 => Curve::P256,
                P384 => Curve::P384,
                P521 => Curve::P521,
                _ => return None,
            };
            let point = self.key_bits();
            return PublicKey::ec_point(curve, point).filter(|_| point.first() == Some(&4));
        }
        if info.algorithm.oid != RSA {
            return None;
        }
        let key = der::first(self.key_bits())?;
        let modulus = der::first(key.value)?;
        let exponent = der::first(modulus.rest)?;
        if [key.tag, modulus.tag, exponent.tag] != [0x30, 2, 2] {
            return None;
        }
        PublicKey::rsa(modulus.value, exponent.value)
    }

    /// Checks a signature of an attestation by its key, with the hash of this algorithm.
    ///
    /// # Errors
    /// No usable key, or a signature of another form; [`Refusal::Unverified`].
    pub(super) fn check(&self, algorithm: i64, data: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let own = algorithm_of(&self.parsed.tbs_certificate().signature().oid);
        let own = own.ok_or(Refusal::Malformed("the certificate's signature is of an unknown algorithm"))?;
        let hash = cose::hash_of(algorithm)?;
        let key = self.key().ok_or(Refusal::Malformed("the certificate's key is of an unknown kind"))?;
        match &key {
            PublicKey::P256(_) | PublicKey::P384(_) => cose::check_ecdsa(Some(key), hash, data, signature),
            PublicKey::Rsa(_) => cose::check_rsa(Some(key), cose::rsa_scheme(own, hash)?, data, signature),
            PublicKey::P521(_) | PublicKey::Ed25519(_) => {
                malformed("the certificate's key is of an unknown kind")
            }
        }
    }

    /// Whether the subject of `issuer` has issued it.
    pub(super) fn is_issued_by(&self, issuer: &Certificate<'_>) -> bool {
        let (tbs, above) = (self.parsed.tbs_certificate(), issuer.parsed.tbs_certificate());
        if tbs.issuer() != above.subject() {
            return false;
        }
        let wanted = self.read::<AuthorityKeyIdentifier>(AUTHORITY_KEY).ok().flatten();
        let held = issuer.read::<SubjectKeyIdentifier>(SUBJECT_KEY).ok().flatten();
        if let (Some(wanted), Some(held)) = (wanted.and_then(|wanted| wanted.key_identifier), held)
            && wanted != held.0
        {
            return false;
        }
        let outer = &self.parsed.signature_algorithm().oid;
        let algorithm = algorithm_of(outer).filter(|_| *outer == tbs.signature().oid);
        let (Some(algorithm), Some(key)) = (algorithm, issuer.key()) else { return false };
        let Some(hash) = Hash::of(algorithm) else { return false };
        let signature = self.parsed.signature().raw_bytes();
        match key {
            PublicKey::P256(_) | PublicKey::P384(_) | PublicKey::P521(_) => {
                matches!(algorithm, -7 | -35 | -36)
                    && cose::check_ecdsa(Some(key), hash, self.tbs, signature).is_ok()
            }
            PublicKey::Rsa(_) => cose::rsa_scheme(algorithm, hash)
                .is_ok_and(|scheme| key.verifies(scheme, self.tbs, signature)),
            PublicKey::Ed25519(_) => false,
        }
    }
}

fn attributes(name: &Name) -> Vec<(String, String)> {
    name.iter().map(|attribute| (attribute.oid.to_string(), text(&attribute.value))).collect()
}

/// The text of a value, of whichever kind of text.
fn text(value: &Any) -> String {
    let bytes = value.value();
    if value.tag() == Tag::BmpString {
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(bytes).into_owned()
}
