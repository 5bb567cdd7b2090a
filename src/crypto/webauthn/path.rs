//! Paths of certificates: from that of an attestation to a root that is known.

use super::certificate::Certificate;
use super::{Refusal, malformed};

/// Checks that these certificates are a path to one of the roots, each valid now, and all of them of use. Without roots
/// anything is: nothing would be learnt.
///
/// The issuers have to be authorities, which simplewebauthn doesn't ask; its lists of revoked certificates, which it
/// fetches, aren't asked here.
///
/// # Errors
/// They aren't.
pub(super) fn check(x5c: &[&[u8]], roots: &[&[u8]], now: i64) -> Result<(), Refusal> {
    if roots.is_empty() {
        return Ok(());
    }
    let path = x5c.iter().map(|bytes| Certificate::parse(bytes)).collect::<Result<Vec<_>, _>>()?;
    if path.iter().any(|certificate| !certificate.is_valid_at(now)) {
        return malformed("a certificate is out of its validity");
    }
    for root in roots {
        let root = Certificate::parse(root)?;
        if root.is_valid_at(now) && leads_to(&path, &root)? {
            return Ok(());
        }
    }
    malformed("the certificates lead to no root that is known")
}

/// Whether a path in any order behind its first certificate leads to the root by all of them.
fn leads_to(path: &[Certificate<'_>], root: &Certificate<'_>) -> Result<bool, Refusal> {
    let Some((leaf, others)) = path.split_first() else { return Ok(false) };
    if path.iter().any(|certificate| certificate.bytes == root.bytes) {
        return malformed("a certificate stands twice");
    }
    let mut left: Vec<&Certificate<'_>> = others.iter().collect();
    let mut current = leaf;
    while !left.is_empty() {
        let above = left.iter().position(|issuer| current.is_issued_by(issuer));
        let Some(above) = above else { return Ok(false) };
        let issuer = left.remove(above);
        if !issuer.is_ca()? {
            return malformed("an issuer is no authority");
        }
        current = issuer;
    }
    Ok(current.is_issued_by(root))
}
