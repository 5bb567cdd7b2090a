//! WebAuthn, as `@simplewebauthn/server` 13 verifies it for Better Auth's passkeys: messages of registration with their
//! attestations, and of authentication. Pure, total, and of bounded work, whatever comes.

mod attestation;
mod authenticator_data;
pub(crate) mod base64url;
mod cbor;
mod certificate;
mod client_data;
mod cose;
mod der;
mod path;
pub(crate) mod roots;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::authenticator_data::AuthenticatorData;
use self::client_data::Ceremony;
use self::cose::CoseKey;

/// The longest message that is looked at, each part in letters of base64url.
pub(crate) const MAX_PART: usize = 96 * 1024;

/// The longest id of a credential, in bytes: WebAuthn's own limit.
const MAX_CREDENTIAL_ID: usize = 1023;

/// The same in letters of base64url.
pub(crate) const MAX_ID: usize = MAX_CREDENTIAL_ID.div_ceil(3) * 4;

/// Why a message isn't taken. Better Auth answers the two differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// It isn't what WebAuthn says, or not for here; what is wrong, for the log.
    Malformed(&'static str),
    /// Its signature is wrong.
    Unverified,
}

fn malformed<T>(why: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Malformed(why))
}

/// What a message has to be for.
pub(crate) struct Expected<'a> {
    pub(crate) challenge: &'a str,
    pub(crate) origins: &'a [String],
    pub(crate) rp_id: &'a str,
    /// In milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) roots: &'a roots::Roots,
}

/// A new credential.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) format: &'static str,
    pub(crate) aaguid: String,
    pub(crate) credential_id: String,
    /// The COSE key.
    pub(crate) public_key: Vec<u8>,
    pub(crate) counter: u32,
    pub(crate) is_user_verified: bool,
    pub(crate) is_multi_device: bool,
    pub(crate) is_backed_up: bool,
}

/// A credential that was used.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) new_counter: u32,
    pub(crate) is_user_verified: bool,
    pub(crate) is_multi_device: bool,
    pub(crate) is_backed_up: bool,
}

/// A credential that is known.
pub(crate) struct Credential<'a> {
    /// The COSE key.
    pub(crate) public_key: &'a [u8],
    pub(crate) counter: i64,
}

/// The part of a message that the browser's API calls `response`, once what is around it was looked at.
fn response_of(message: &Value) -> Result<&Map<String, Value>, Refusal> {
    let id = message.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    if id.is_none() || message.get("rawId").and_then(Value::as_str) != id {
        return malformed("the message has no id of a credential in base64url");
    }
    if message.get("type").and_then(Value::as_str) != Some("public-key") {
        return malformed("the credential is no public key");
    }
    let response = message.get("response").and_then(Value::as_object);
    response.ok_or(Refusal::Malformed("the message has no response"))
}

fn part<'m>(response: &'m Map<String, Value>, name: &str) -> Result<&'m str, Refusal> {
    match response.get(name).and_then(Value::as_str) {
        Some(part) if part.len() <= MAX_PART => Ok(part),
        _ => malformed("a part of the message is missing, or too long"),
    }
}

fn check_rp(data: &AuthenticatorData<'_>, rp_id: &str) -> Result<(), Refusal> {
    if data.rp_id_hash != Sha256::digest(rp_id.as_bytes()).as_slice() {
        return malformed("the message is for another RP id");
    }
    if !data.flags.is_user_present() {
        return malformed("the user wasn't present");
    }
    Ok(())
}

/// `verifyRegistrationResponse`, with `requireUserVerification: false`.
///
/// # Errors
/// See [`Refusal`].
pub(crate) fn register(message: &Value, expected: &Expected<'_>) -> Result<Registered, Refusal> {
    let response = response_of(message)?;
    let client_data = client_data::check(part(response, "clientDataJSON")?, Ceremony::Create, expected)?;
    let object = base64url::decode(part(response, "attestationObject")?);
    let (object, _) = cbor::first(&object).ok_or(Refusal::Malformed("the attestation object is no CBOR"))?;
    let bytes = object.field("authData").and_then(cbor::Item::bytes);
    let bytes = bytes.ok_or(Refusal::Malformed("the attestation object has no authenticator data"))?;
    let data = AuthenticatorData::parse(bytes)?;
    check_rp(&data, expected.rp_id)?;
    let Some(attested) = &data.attested else { return malformed("there is no new credential") };
    if !(1..=MAX_CREDENTIAL_ID).contains(&attested.credential_id.len()) {
        return malformed("the id of the credential is empty or too long");
    }
    let key = CoseKey::parse(&attested.public_key)?;
    if !key.alg().is_some_and(|algorithm| cose::SUPPORTED.contains(&algorithm)) {
        return malformed("the public key is of an algorithm that isn't supported");
    }
    let statement = attestation::Statement {
        members: object.field("attStmt").unwrap_or(&cbor::Item::Simple(23)),
        authenticator_data: bytes,
        client_data_hash: &client_data,
        rp_id_hash: data.rp_id_hash,
        attested,
        key: &key,
        now: expected.now,
        roots: expected.roots,
    };
    let format = statement.check(object.field("fmt").and_then(cbor::Item::text))?;
    let (is_multi_device, is_backed_up) = data.flags.backup()?;
    Ok(Registered {
        format,
        aaguid: uuid(attested.aaguid),
        credential_id: base64url::encode(attested.credential_id),
        public_key: attested.public_key.clone(),
        counter: data.counter,
        is_user_verified: data.flags.is_user_verified(),
        is_multi_device,
        is_backed_up,
    })
}

/// `verifyAuthenticationResponse`, with `requireUserVerification: false`.
///
/// # Errors
/// See [`Refusal`].
pub(crate) fn authenticate(
    message: &Value,
    expected: &Expected<'_>,
    credential: &Credential<'_>,
) -> Result<Authenticated, Refusal> {
    let response = response_of(message)?;
    let client_data = client_data::check(part(response, "clientDataJSON")?, Ceremony::Get, expected)?;
    let (data, signature) = (part(response, "authenticatorData")?, part(response, "signature")?);
    if !base64url::is_valid(data) || !base64url::is_valid(signature) {
        return malformed("a part of the message is no base64url");
    }
    match response.get("userHandle") {
        // What JavaScript takes for nothing is nothing.
        None | Some(Value::Null | Value::Bool(false) | Value::String(_)) => {}
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => {}
        Some(_) => return malformed("the user handle is no text"),
    }
    let bytes = base64url::decode(data);
    let data = AuthenticatorData::parse(&bytes)?;
    check_rp(&data, expected.rp_id)?;
    let counter = i64::from(data.counter);
    if (counter > 0 || credential.counter > 0) && counter <= credential.counter {
        return malformed("the counter didn't go up");
    }
    let (is_multi_device, is_backed_up) = data.flags.backup()?;
    let signed = [bytes.as_slice(), &client_data].concat();
    CoseKey::parse(credential.public_key)?.check(&signed, &base64url::decode(signature))?;
    Ok(Authenticated {
        new_counter: data.counter,
        is_user_verified: data.flags.is_user_verified(),
        is_multi_device,
        is_backed_up,
    })
}

/// An AAGUID as text.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
