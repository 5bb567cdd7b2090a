//! `apple`: a certificate that Apple made for the key, with what would be signed in it.

use sha2::{Digest, Sha256};

use super::Statement;
use crate::crypto::webauthn::certificate::Certificate;
use crate::crypto::webauthn::{Refusal, malformed, path};

const NONCE: &str = "1.2.840.113635.100.8.2";

/// The structure around the nonce: a sequence of one element [1], an octet string of 32 bytes.
const AROUND: usize = 6;

pub(super) fn check(statement: &Statement<'_>) -> Result<(), Refusal> {
    let chain = statement.chain()?;
    path::check(&chain, statement.roots.apple, statement.now)?;
    let certificate = Certificate::parse(chain[0])?;
    let nonce = certificate.extension(NONCE).and_then(|value| value.get(AROUND..));
    if nonce != Some(Sha256::digest(statement.signed()).as_slice()) {
        return malformed("Apple's certificate has another nonce");
    }
    if statement.key.point()? != certificate.key_bits() {
        return malformed("Apple's certificate is of another key");
    }
    Ok(())
}
