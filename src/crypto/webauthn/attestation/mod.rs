//! Attestations: what a maker of authenticators says of a new key.

mod android_key;
mod apple;
mod fido_u2f;
mod packed;
mod tpm;

use super::authenticator_data::Attested;
use super::cbor::Item;
use super::cose::{self, CoseKey};
use super::roots::Roots;
use super::{Refusal, malformed};

/// How many certificates a statement brings, root included. Real ones have up to five.
const MAX_CERTIFICATES: usize = 8;

/// An attestation statement, and what it is about.
pub(super) struct Statement<'a> {
    pub(super) members: &'a Item<'a>,
    pub(super) authenticator_data: &'a [u8],
    pub(super) client_data_hash: &'a [u8; 32],
    pub(super) rp_id_hash: &'a [u8],
    pub(super) attested: &'a Attested<'a>,
    pub(super) key: &'a CoseKey<'a>,
    /// In milliseconds since 1970.
    pub(super) now: i64,
    pub(super) roots: &'a Roots,
}

impl<'a> Statement<'a> {
    /// Checks the statement; its format.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub(super) fn check(&self, format: Option<&str>) -> Result<&'static str, Refusal> {
        let Item::Map(members) = self.members else { return malformed("the attestation has no statement") };
        let (format, check): (&'static str, fn(&Self) -> Result<(), Refusal>) = match format {
            Some("none") if members.is_empty() => return Ok("none"),
            Some("none") => return malformed("no attestation, and yet a statement"),
            Some("packed") => ("packed", packed::check),
            Some("fido-u2f") => ("fido-u2f", fido_u2f::check),
            Some("tpm") => ("tpm", tpm::check),
            Some("apple") => ("apple", apple::check),
            Some("android-key") => ("android-key", android_key::check),
            // Google ended SafetyNet in 2025: what it would sign is older than the minute that counts.
            Some("android-safetynet") => return malformed("SafetyNet attests no more"),
            _ => return malformed("the attestation is of an unknown format"),
        };
        check(self).map(|()| format)
    }

    /// What most formats sign.
    fn signed(&self) -> Vec<u8> {
        [self.authenticator_data, self.client_data_hash].concat()
    }

    /// The algorithm that the statement names.
    ///
    /// # Errors
    /// None that is known.
    fn algorithm(&self) -> Result<i64, Refusal> {
        let algorithm = self.members.field("alg").and_then(Item::integer);
        let algorithm = algorithm.filter(|algorithm| cose::KNOWN.contains(algorithm));
        algorithm.ok_or(Refusal::Malformed("the attestation has no algorithm that is known"))
    }

    fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.members.field(name).and_then(Item::bytes)
    }

    fn signature(&self) -> Result<&'a [u8], Refusal> {
        self.bytes("sig").ok_or(Refusal::Malformed("the attestation has no signature"))
    }

    /// The certificates, that of the attestation first; `None` where there are none.
    ///
    /// # Errors
    /// They are no array of bytes, an empty one, or too many.
    fn certificates(&self) -> Result<Option<Vec<&'a [u8]>>, Refusal> {
        let refusal = Refusal::Malformed("the attestation has malformed certificates, or too many");
        let array = match self.members.field("x5c") {
            None | Some(Item::Simple(20 | 22 | 23)) => return Ok(None),
            Some(Item::Array(array)) if (1..=MAX_CERTIFICATES).contains(&array.len()) => array,
            Some(_) => return Err(refusal),
        };
        array.iter().map(Item::bytes).collect::<Option<Vec<_>>>().map(Some).ok_or(refusal)
    }

    /// The certificates where there have to be some.
    ///
    /// # Errors
    /// As [`Self::certificates`], and there are none.
    fn chain(&self) -> Result<Vec<&'a [u8]>, Refusal> {
        self.certificates()?.ok_or(Refusal::Malformed("the attestation has no certificate"))
    }
}
