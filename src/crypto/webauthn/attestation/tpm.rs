//! `tpm`: structures of the Trusted Computing Group's, signed by a key of the TPM's.

use super::Statement;
use crate::crypto::webauthn::certificate::Certificate;
use crate::crypto::webauthn::cose::{self, Hash};
use crate::crypto::webauthn::{Refusal, malformed};

const RSA: u16 = 1;
const ECC: u16 = 0x23;
const MAGIC: u32 = 0xff54_4347;
const ATTEST_CERTIFY: u16 = 0x8017;
const MANUFACTURER: &str = "2.23.133.2.1";
const MODEL: &str = "2.23.133.2.2";
const VERSION: &str = "2.23.133.2.3";
const AIK_CERTIFICATE: &str = "2.23.133.8.3";

/// Ids of the Trusted Computing Group's registry.
const MANUFACTURERS: [&str; 31] = [
    "414D4400", "414E5400", "41544D4C", "4252434D", "4353434F", "464C5953", "524F4343", "474F4F47",
    "48504900", "48504500", "48495349", "49424d00", "49424D00", "49465800", "494E5443", "4C454E00",
    "4D534654", "4E534D20", "4E545A00", "4E534700", "4E544300", "51434F4D", "534D534E", "53454345",
    "534E5300", "534D5343", "53544D20", "54584E00", "57454300", "5345414C", "FFFFF1D0",
];

/// Names of attributes of the subject, of which there may be none.
const NAMES: [&str; 4] = ["2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3"];

pub(super) fn check(statement: &Statement<'_>) -> Result<(), Refusal> {
    if statement.members.field("ver").and_then(|version| version.text()) != Some("2.0") {
        return malformed("the TPM is of another version");
    }
    let signature = statement.signature()?;
    let algorithm = statement.algorithm()?;
    let chain = statement.chain()?;
    let (Some(pub_area), Some(cert_info)) = (statement.bytes("pubArea"), statement.bytes("certInfo")) else {
        return malformed("the TPM's structures are missing");
    };
    check_key(statement, pub_area)?;
    let info = CertInfo::parse(cert_info).ok_or(Refusal::Malformed("the TPM's certInfo is too short"))?;
    if info.magic != MAGIC || info.kind != ATTEST_CERTIFY {
        return malformed("the TPM certifies something else");
    }
    let (Some(name_algorithm), Some(digest)) = (info.name.get(..2), info.name.get(2..)) else {
        return malformed("the TPM's certInfo has no name");
    };
    let hash = match name_algorithm {
        [0, 0x0b] => Hash::Sha256,
        [0, 0x0c] => Hash::Sha384,
        [0, 0x0d] => Hash::Sha512,
        _ => return malformed("the TPM's name is by an unknown hash"),
    };
    if digest != hash.digest(pub_area) {
        return malformed("the TPM certifies another key");
    }
    if info.extra_data != cose::hash_of(algorithm)?.digest(&statement.signed()) {
        return malformed("the TPM certifies another message");
    }
    let certificate = Certificate::parse(chain[0])?;
    check_certificate(statement, &certificate)?;
    certificate.check(algorithm, cert_info, signature)
}

/// Checks that the key that the TPM describes is that of the credential.
fn check_key(statement: &Statement<'_>, pub_area: &[u8]) -> Result<(), Refusal> {
    let area = PubArea::parse(pub_area).ok_or(Refusal::Malformed("the TPM's pubArea is malformed"))?;
    let key = statement.key;
    let is_same = match area.parameters {
        Parameters::Rsa { exponent } => {
            let own = key.x().unwrap_or_default();
            let byte = |place: usize| u32::from(own.get(place).copied().unwrap_or_default());
            let own = byte(0) + (byte(1) << 8) + (byte(2) << 16);
            key.kty() == Some(3)
                && key.n() == Some(area.unique.as_slice())
                && own == if exponent == 0 { 65_537 } else { exponent }
        }
        Parameters::Ecc { curve } => {
            let curve = match curve {
                3 | 0x10 | 0x20 => Some(1),
                4 => Some(2),
                5 => Some(3),
                _ => None,
            };
            let (Some(x), Some(y)) = (key.x(), key.y()) else { return malformed("the key has no point") };
            key.kty() == Some(2) && curve.is_some() && key.crv() == curve && area.unique == [x, y].concat()
        }
    };
    if is_same { Ok(()) } else { malformed("the TPM describes another key") }
}

fn check_certificate(statement: &Statement<'_>, certificate: &Certificate<'_>) -> Result<(), Refusal> {
    if certificate.is_ca()? || !certificate.is_version_3() || !certificate.is_valid_at(statement.now) {
        return malformed("the TPM's certificate is one of an authority, too old, or not valid now");
    }
    if NAMES.iter().any(|oid| certificate.subject(oid).is_some_and(|name| !name.is_empty())) {
        return malformed("the TPM's certificate has a subject");
    }
    let Some(names) = certificate.alternative_name()? else {
        return malformed("the TPM's certificate doesn't say which TPM it is");
    };
    let name = |oid| names.iter().rev().find(|(known, _)| known == oid).map(|(_, value)| value.as_str());
    let is_there = |oid| name(oid).is_some_and(|value: &str| !value.is_empty());
    let maker = name(MANUFACTURER).and_then(|id| id.strip_prefix("id:")).unwrap_or_default();
    if !MANUFACTURERS.contains(&maker) || !is_there(MODEL) || !is_there(VERSION) {
        return malformed("the TPM's certificate is of an unknown maker");
    }
    if certificate.usage()?.as_deref() != Some(AIK_CERTIFICATE) {
        return malformed("the TPM's certificate is for something else");
    }
    certificate.check_aaguid(statement.attested.aaguid)
}

/// A reader of big-endian structures. What is shorter than it says is what there is, as in JavaScript's `slice`.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn number(&mut self, length: usize) -> Option<u32> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn short(&mut self) -> Option<u16> {
        self.number(2).and_then(|number| u16::try_from(number).ok())
    }

    fn slice(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// What stands behind its own length.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.short()?;
        Some(self.slice(usize::from(length)))
    }
}

/// `TPMT_PUBLIC`.
struct PubArea {
    parameters: Parameters,
    unique: Vec<u8>,
}

enum Parameters {
    Rsa { exponent: u32 },
    Ecc { curve: u16 },
}

impl PubArea {
    fn parse(area: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(area);
        let kind = bytes.short()?;
        // The name's hash, attributes, and the policy.
        bytes.short()?;
        bytes.number(4)?;
        bytes.sized()?;
        // The symmetric algorithm and the scheme.
        match kind {
            RSA => {
                bytes.number(4)?;
                bytes.short()?;
                let exponent = bytes.number(4)?;
                let unique = bytes.sized()?.to_vec();
                Some(Self { parameters: Parameters::Rsa { exponent }, unique })
            }
            ECC => {
                bytes.number(4)?;
                let curve = bytes.short()?;
                bytes.short()?;
                let unique = [bytes.sized()?, bytes.sized()?].concat();
                Some(Self { parameters: Parameters::Ecc { curve }, unique })
            }
            _ => None,
        }
    }
}

/// `TPMS_ATTEST`.
struct CertInfo<'a> {
    magic: u32,
    kind: u16,
    extra_data: &'a [u8],
    name: &'a [u8],
}

impl<'a> CertInfo<'a> {
    fn parse(info: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(info);
        let (magic, kind) = (bytes.number(4)?, bytes.short()?);
        bytes.sized()?;
        let extra_data = bytes.sized()?;
        // The clock, how often it began anew, and the firmware's version.
        bytes.slice(8);
        bytes.number(4)?;
        bytes.number(4)?;
        bytes.slice(1);
        bytes.slice(8);
        let name = bytes.sized()?;
        bytes.sized()?;
        Some(Self { magic, kind, extra_data, name })
    }
}
