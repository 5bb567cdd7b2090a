//! `fido-u2f`: keys of before WebAuthn.

use super::Statement;
use crate::crypto::webauthn::certificate::Certificate;
use crate::crypto::webauthn::{Refusal, malformed};

const ES256: i64 = -7;

pub(super) fn check(statement: &Statement<'_>) -> Result<(), Refusal> {
    let point = statement.key.point()?;
    let chain = statement.chain()?;
    let signature = statement.signature()?;
    if statement.attested.aaguid.iter().any(|byte| *byte != 0) {
        return malformed("a key of U2F has an AAGUID");
    }
    let signed =
        [&[0], statement.rp_id_hash, statement.client_data_hash, statement.attested.credential_id, &point];
    Certificate::parse(chain[0])?.check(ES256, &signed.concat(), signature)
}
