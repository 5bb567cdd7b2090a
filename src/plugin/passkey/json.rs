//! Better Auth's JSON of passkeys, and of what is asked of a browser.

use super::store::Passkey;
use crate::flow::json::{Object, array, stringify};
use serde_json::Value;

/// How long a user may take, in milliseconds: simplewebauthn's own.
const TIMEOUT: i64 = 60_000;

/// `passkey`: the fields in the order of the schema, `id` last.
pub(super) fn passkey(row: &Passkey) -> Object {
    Object::new()
        .optional("name", row.name.as_deref())
        .text("publicKey", &row.public_key)
        .text("userId", &row.user_id)
        .text("credentialID", &row.credential_id)
        .number("counter", row.counter)
        .text("deviceType", &row.device_type)
        .boolean("backedUp", row.backed_up)
        .optional("transports", row.transports.as_deref())
        .optional_date("createdAt", row.created_at)
        .optional("aaguid", row.aaguid.as_deref())
        .text("id", &row.id)
}

/// The credentials that a browser is told of.
fn credentials(passkeys: &[Passkey]) -> String {
    array(passkeys.iter().map(|passkey| {
        let mut credential = Object::new().text("id", &passkey.credential_id.replace('=', ""));
        if let Some(transports) = &passkey.transports {
            let transports = transports.split(',').map(|transport| stringify(&Value::from(transport)));
            credential = credential.json("transports", &array(transports));
        }
        credential.text("type", "public-key").finish()
    }))
}

/// Who a passkey is made for, as the authenticator is told.
pub(super) struct Subject<'a> {
    pub(super) handle: &'a str,
    pub(super) name: &'a str,
    pub(super) display_name: &'a str,
}

/// What authenticators may make a passkey.
pub(super) struct Selection<'a> {
    pub(super) resident_key: &'a str,
    pub(super) user_verification: &'a str,
    pub(super) attachment: Option<&'a str>,
}

/// `PublicKeyCredentialCreationOptionsJSON`.
pub(super) fn creation(
    challenge: &str,
    (rp_id, rp_name): (&str, &str),
    subject: &Subject<'_>,
    known: &[Passkey],
    selection: &Selection<'_>,
    extensions: Object,
) -> String {
    // EdDSA, ES256, RS256.
    let algorithms = [-8, -7, -257]
        .map(|algorithm| Object::new().number("alg", algorithm).text("type", "public-key").finish());
    let mut selected = Object::new()
        .text("residentKey", selection.resident_key)
        .text("userVerification", selection.user_verification);
    if let Some(attachment) = selection.attachment {
        selected = selected.text("authenticatorAttachment", attachment);
    }
    let selected = selected.boolean("requireResidentKey", selection.resident_key == "required");
    let user = Object::new()
        .text("id", subject.handle)
        .text("name", subject.name)
        .text("displayName", subject.display_name);
    Object::new()
        .text("challenge", challenge)
        .json("rp", &Object::new().text("name", rp_name).text("id", rp_id).finish())
        .json("user", &user.finish())
        .json("pubKeyCredParams", &array(algorithms.into_iter()))
        .number("timeout", TIMEOUT)
        .text("attestation", "none")
        .json("excludeCredentials", &credentials(known))
        .json("authenticatorSelection", &selected.finish())
        .json("extensions", &extensions.boolean("credProps", true).finish())
        .json("hints", "[]")
        .finish()
}

/// `PublicKeyCredentialRequestOptionsJSON`.
pub(super) fn request(challenge: &str, rp_id: &str, known: &[Passkey], extensions: Option<Object>) -> String {
    let mut options = Object::new().text("rpId", rp_id).text("challenge", challenge);
    if !known.is_empty() {
        options = options.json("allowCredentials", &credentials(known));
    }
    let options = options.number("timeout", TIMEOUT).text("userVerification", "preferred");
    match extensions {
        Some(extensions) => options.json("extensions", &extensions.finish()).finish(),
        None => options.finish(),
    }
}
