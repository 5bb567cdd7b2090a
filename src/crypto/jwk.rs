//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037): in, and out with their members in the order in which
//! Better Auth's `exportJWK` writes them.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::private_key::{Kind, PrivateKey};
use super::public_key::{Curve, PublicKey};

/// The longest text of a key that is looked at, in bytes: an RSA key of 4096 bits has about 3200.
pub(crate) const MAX_JWK: usize = 16 * 1024;

/// Members that make a key a private or a secret one.
pub(crate) const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The members of a key; `None` if the text is no JSON object, or one of an absurd size.
pub(crate) fn parse(text: &str) -> Option<Map<String, Value>> {
    if text.len() > MAX_JWK { None } else { serde_json::from_str(text).ok() }
}

/// Wipes what is secret of a key that is done with.
pub(crate) fn forget(mut jwk: Map<String, Value>) {
    for name in SECRET {
        if let Some(Value::String(text)) = jwk.get_mut(name) {
            text.zeroize();
        }
    }
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Option<&'j str> {
    jwk.get(name)?.as_str()
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Option<Zeroizing<Vec<u8>>> {
    BASE64_URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok().map(Zeroizing::new)
}

const fn name_of(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "P-256",
        Curve::P384 => "P-384",
        Curve::P521 => "P-521",
    }
}

fn curve(jwk: &Map<String, Value>) -> Option<Curve> {
    let name = text(jwk, "crv")?;
    [Curve::P256, Curve::P384, Curve::P521].into_iter().find(|curve| name_of(*curve) == name)
}

/// Whether a JWK says that it is one of that kind.
pub(crate) fn is_of(jwk: &Map<String, Value>, kind: Kind) -> bool {
    let is = |kty: &str, crv: Option<&str>| {
        text(jwk, "kty") == Some(kty) && crv.is_none_or(|crv| text(jwk, "crv") == Some(crv))
    };
    match kind {
        Kind::Ec(curve) => is("EC", Some(name_of(curve))),
        Kind::Ed25519 => is("OKP", Some("Ed25519")),
        Kind::Rsa(_) => is("RSA", None),
    }
}

/// The public key of a JWK, private or not; `None` if it is of another kind, or no key.
pub(crate) fn public(jwk: &Map<String, Value>) -> Option<PublicKey> {
    match text(jwk, "kty")? {
        "EC" => PublicKey::ec(curve(jwk)?, &bytes(jwk, "x")?, &bytes(jwk, "y")?),
        "OKP" if text(jwk, "crv")? == "Ed25519" => PublicKey::ed25519(&bytes(jwk, "x")?),
        "RSA" => PublicKey::rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?),
        _ => None,
    }
}

/// The private key of a JWK; `None` if it is of another kind, no key, or not the one of the public key beside it.
pub(crate) fn private(jwk: &Map<String, Value>) -> Option<PrivateKey> {
    let public = public(jwk)?;
    let d = bytes(jwk, "d")?;
    let key = match &public {
        PublicKey::Ed25519(_) => PrivateKey::ed25519(&d)?,
        PublicKey::Rsa(_) if jwk.contains_key("oth") => return None,
        PublicKey::Rsa(_) => {
            PrivateKey::rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?, &d, &bytes(jwk, "p")?, &bytes(jwk, "q")?)?
        }
        PublicKey::P256(_) | PublicKey::P384(_) | PublicKey::P521(_) => PrivateKey::ec(curve(jwk)?, &d)?,
    };
    (key.public() == public).then_some(key)
}

/// An object whose members are texts that need no escapes.
fn object(members: &[(&str, &str)]) -> Zeroizing<String> {
    let length: usize = members.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
    // Of the right size from the beginning: a buffer that grows leaves copies behind.
    let mut json = Zeroizing::new(String::with_capacity(length + 2));
    json.push('{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        for part in ["\"", name, "\":\"", value, "\""] {
            json.push_str(part);
        }
    }
    json.push('}');
    json
}

fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A key as a JWK: the text of the public one, and that of the private one.
pub(crate) fn write(key: &PrivateKey) -> (String, Zeroizing<String>) {
    let public = key.public();
    let d = key.scalar().map(|scalar| encode(&scalar)).unwrap_or_default();
    if let Some((x, y, curve)) = public.coordinates() {
        let (x, y, curve) = (encode(&x), encode(&y), name_of(curve));
        let shown = [("kty", "EC"), ("x", x.as_str()), ("y", y.as_str()), ("crv", curve)];
        let whole = [shown.as_slice(), &[("d", d.as_str())]].concat();
        return (object(&shown).to_string(), object(&whole));
    }
    let Some(numbers) = key.rsa_numbers() else {
        let x = encode(&public.ed25519_bytes().unwrap_or_default());
        let (crv, x, kty) = (("crv", "Ed25519"), ("x", x.as_str()), ("kty", "OKP"));
        return (object(&[crv, x, kty]).to_string(), object(&[crv, ("d", &d), x, kty]));
    };
    let (n, e) = (encode(&numbers.n), encode(&numbers.e));
    let shown = [("kty", "RSA"), ("n", n.as_str()), ("e", e.as_str())];
    let secret = numbers.secret.each_ref().map(|(name, number)| (*name, encode(number)));
    let secret = secret.each_ref().map(|(name, number)| (*name, number.as_str()));
    (object(&shown).to_string(), object(&[shown.as_slice(), &secret].concat()))
}

/// RFC 7638's thumbprint of a key: a name that follows from it.
pub(crate) fn thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let names: &[&str] = match text(jwk, "kty")? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let members = names.iter().map(|name| Some((*name, text(jwk, name)?))).collect::<Option<Vec<_>>>()?;
    Some(encode(&Sha256::digest(object(&members).as_bytes())).to_string())
}
