//! What an authenticator says: whose the key is, how it was asked, and the key where it is a new one.

use super::cbor::{self, Item};
use super::{Refusal, malformed};

/// Read from `authData`.
pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: &'a [u8],
    pub(super) flags: Flags,
    pub(super) counter: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// The key of a new credential.
pub(super) struct Attested<'a> {
    pub(super) aaguid: &'a [u8],
    pub(super) credential_id: &'a [u8],
    /// The COSE key, as it is stored.
    pub(super) public_key: Vec<u8>,
}

#[derive(Clone, Copy)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) fn is_user_present(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn is_user_verified(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// Whether the credential may be on several devices, and whether it is on one more.
    ///
    /// # Errors
    /// It is on one more than it may.
    pub(super) fn backup(self) -> Result<(bool, bool), Refusal> {
        match (self.0 & 1 << 3 != 0, self.0 & 1 << 4 != 0) {
            (false, true) => malformed("a credential of a single device says that it is backed up"),
            backup => Ok(backup),
        }
    }
}

/// What Firefox 117 wrote for a key of Ed25519: a map of four members that says it had three.
const FIREFOX_117: &[u8] = b"\xa3\x01\x63OKP\x03\x27\x20\x67Ed25519";

impl<'a> AuthenticatorData<'a> {
    /// # Errors
    /// It isn't what WebAuthn says.
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Refusal> {
        let short = || Refusal::Malformed("the authenticator data is too short");
        let (rp_id_hash, rest) = data.split_at_checked(32).ok_or_else(short)?;
        let [flags, a, b, c, d, rest @ ..] = rest else { return Err(short()) };
        let counter = u32::from_be_bytes([*a, *b, *c, *d]);
        let mut rest = rest;
        let mut attested = None;
        if flags & 1 << 6 != 0 {
            let (aaguid, after) = rest.split_at_checked(16).ok_or_else(short)?;
            let [high, low, after @ ..] = after else { return Err(short()) };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (credential_id, after) = after.split_at_checked(length).ok_or_else(short)?;
            let (public_key, length) = key(after)?;
            attested = Some(Attested { aaguid, credential_id, public_key });
            rest = after.get(length..).ok_or_else(short)?;
        }
        if flags & 1 << 7 != 0 {
            let (extensions, length) = shortest(rest)?;
            if !matches!(extensions, Item::Map(_)) {
                return malformed("the extensions are no map");
            }
            rest = rest.get(length..).ok_or_else(short)?;
        }
        if !rest.is_empty() {
            return malformed("bytes are left over after the authenticator data");
        }
        Ok(Self { rp_id_hash, flags: Flags(*flags), counter, attested })
    }
}

/// The first item, which has to be in its shortest form: its end is found by that.
fn shortest(input: &[u8]) -> Result<(Item<'_>, usize), Refusal> {
    match cbor::first(input) {
        Some((item, length)) if item.shortest() == length => Ok((item, length)),
        _ => malformed("the authenticator data has CBOR that is malformed"),
    }
}

/// The COSE key at the beginning, and how many bytes it takes.
fn key(input: &[u8]) -> Result<(Vec<u8>, usize), Refusal> {
    let mended = input.starts_with(FIREFOX_117).then(|| [&[0xa4], &input[1..]].concat());
    let input = mended.as_deref().unwrap_or(input);
    let (_, length) = shortest(input)?;
    Ok((input[..length].to_vec(), length))
}
