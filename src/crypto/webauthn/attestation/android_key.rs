//! `android-key`: a certificate that an Android device made for the key, with how it may be used.

use super::Statement;
use crate::crypto::webauthn::certificate::Certificate;
use crate::crypto::webauthn::{Refusal, der, malformed, path};

const KEY_DESCRIPTION: &str = "1.3.6.1.4.1.11129.2.1.17";

/// The tag of `allApplications` in an `AuthorizationList`.
const ALL_APPLICATIONS: u32 = 600;

pub(super) fn check(statement: &Statement<'_>) -> Result<(), Refusal> {
    let chain = statement.chain()?;
    let signature = statement.signature()?;
    let algorithm = statement.algorithm()?;
    let certificate = Certificate::parse(chain[0])?;
    if statement.key.point()? != certificate.key_bits() {
        return malformed("Android's certificate is of another key");
    }
    let description = certificate.extension(KEY_DESCRIPTION).and_then(description);
    let Some((challenge, is_for_all)) = description else {
        return malformed("Android's certificate doesn't describe its key");
    };
    if challenge != statement.client_data_hash {
        return malformed("Android's certificate is for another challenge");
    }
    if is_for_all {
        return malformed("the key is for all applications");
    }
    // The root is part of it.
    let Some((root, path)) = chain.split_last().filter(|(_, path)| !path.is_empty()) else {
        return malformed("Android's certificates are no path");
    };
    path::check(path, &[root], statement.now)?;
    if !statement.roots.android.contains(root) {
        return malformed("Android's certificates lead to no root that is known");
    }
    certificate.check(algorithm, &statement.signed(), signature)
}

/// The challenge of a `KeyDescription`, and whether one of its two lists of authorizations says that all applications
/// may use the key.
fn description(value: &[u8]) -> Option<(&[u8], bool)> {
    let whole = der::first(value)?;
    let members = der::all(whole.value)?;
    let [_, _, _, _, challenge, _, software, hardware, ..] = members.as_slice() else { return None };
    if (whole.tag, challenge.tag, software.tag, hardware.tag) != (0x30, 4, 0x30, 0x30) {
        return None;
    }
    let is_for_all = |list: &[u8]| {
        Some(
            der::all(list)?.iter().any(|element| element.tag >> 6 == 2 && element.number == ALL_APPLICATIONS),
        )
    };
    Some((challenge.value, is_for_all(software.value)? || is_for_all(hardware.value)?))
}
