//! `packed`: WebAuthn's own format, signed by a key of the maker or by the new one itself.

use super::Statement;
use crate::crypto::webauthn::certificate::Certificate;
use crate::crypto::webauthn::{Refusal, malformed, path};

const COMMON_NAME: &str = "2.5.4.3";
const COUNTRY: &str = "2.5.4.6";
const ORGANIZATION: &str = "2.5.4.10";
const UNIT: &str = "2.5.4.11";

pub(super) fn check(statement: &Statement<'_>) -> Result<(), Refusal> {
    let signature = statement.signature()?;
    let algorithm = statement.algorithm()?;
    let Some(chain) = statement.certificates()? else {
        // WebAuthn says so; simplewebauthn hashes by the one and looks at the other.
        if statement.key.alg() != Some(algorithm) {
            return malformed("the attestation is of another algorithm than its key");
        }
        return statement.key.check(&statement.signed(), signature);
    };
    let certificate = Certificate::parse(chain[0])?;
    let subject = |oid| certificate.subject(oid).unwrap_or_default();
    if subject(UNIT) != "Authenticator Attestation"
        || subject(COMMON_NAME).is_empty()
        || subject(ORGANIZATION).is_empty()
        || subject(COUNTRY).encode_utf16().count() != 2
    {
        return malformed("the attestation's certificate is of another subject");
    }
    if certificate.is_ca()? || !certificate.is_version_3() || !certificate.is_valid_at(statement.now) {
        return malformed("the attestation's certificate is one of an authority, too old, or not valid now");
    }
    certificate.check_aaguid(statement.attested.aaguid)?;
    path::check(&chain, &[], statement.now)?;
    certificate.check(algorithm, &statement.signed(), signature)
}
