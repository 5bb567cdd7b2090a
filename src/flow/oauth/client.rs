//! How a client says at a token endpoint who it is: RFC 6749 section 2.3.1, RFC 7523, and Apple's secret.

use base64::prelude::{BASE64_STANDARD, Engine};
use rsa::rand_core::TryCryptoRng;
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use super::Provider;
use super::token::TokenRequest;
use crate::crypto::jws::{Algorithm, Signer};
use crate::crypto::private_key::{PrivateKey, Source};
use crate::crypto::{jwk, pem, random};
use crate::flow::json::Object;

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion lives unless the option `expiresIn` says otherwise, in seconds: Better Auth's.
const ASSERTION_LIFE: i64 = 120;
/// The longest that one may: nobody takes more than a few minutes.
const MAX_LIFE: i64 = 3600;
/// How long a secret for Apple lives, in seconds. Apple would take half a year.
const APPLE_LIFE: i64 = 300;

/// A way to say it: Better Auth's `tokenEndpointAuth`, as far as it is data.
#[derive(Clone, Copy)]
pub(crate) enum Method<'p> {
    /// The secret in the header.
    Basic,
    /// The secret in the body.
    Post,
    /// The id alone.
    None,
    /// By a signature: `privateKeyJwk` or `privateKeyPem`, `kid`, `algorithm`, `expiresIn`.
    Key(&'p Map<String, Value>),
}

impl<'p> Method<'p> {
    /// The one that an option `tokenEndpointAuth` names.
    pub(crate) fn chosen(provider: &'p Provider) -> Option<Self> {
        let option = provider.options.get("tokenEndpointAuth")?.as_object()?;
        match option.get("method")?.as_str()? {
            "client_secret_basic" => Some(Self::Basic),
            "client_secret_post" => Some(Self::Post),
            "none" => Some(Self::None),
            "private_key_jwt" => Some(Self::Key(option)),
            _ => None,
        }
    }
}

/// How it says it.
#[derive(Clone, Copy)]
pub(crate) enum Proof<'p> {
    /// The secret in the body, where there is one.
    Usual,
    /// The secret in the header.
    Basic,
    Chosen(Method<'p>),
    /// TikTok's: the option `clientKey` and the secret in the body.
    ClientKey(Option<&'p str>),
}

impl<'p> Proof<'p> {
    /// As the options `tokenEndpointAuth` and `authentication` say.
    pub(crate) fn of(provider: &'p Provider) -> Self {
        match Method::chosen(provider) {
            Some(method) => Self::Chosen(method),
            None if provider.text("authentication") == Some("basic") => Self::Basic,
            None => Self::Usual,
        }
    }
}

/// Who says it.
pub(crate) struct Client<'p> {
    pub(crate) id: Option<&'p str>,
    pub(crate) secret: Option<&'p str>,
    pub(crate) proof: Proof<'p>,
}

impl<'p> Client<'p> {
    /// A provider's, with the secret that it was set up with.
    pub(crate) fn of(provider: &'p Provider, proof: Proof<'p>) -> Self {
        Self { id: provider.client_id(), secret: provider.secret(), proof }
    }

    /// Better Auth's `applyTokenEndpointAuth`. `None` where that throws: what has been set up doesn't fit together, or
    /// there is no randomness to sign with.
    pub(crate) fn prove(&self, request: &mut TokenRequest<'_>) -> Option<()> {
        let params = &mut request.params;
        if let Proof::ClientKey(key) = self.proof {
            params.set("client_key", key?);
            params.set("client_secret", self.secret?);
            return Some(());
        }
        if params.has("client_assertion") != params.has("client_assertion_type") {
            return None;
        }
        let secretless = self.secret.is_none() && !params.has("client_secret");
        if params.has("client_assertion") {
            if matches!(self.proof, Proof::Chosen(_)) || !secretless {
                return None;
            }
            params.set_some("client_id", self.id);
            return Some(());
        }
        let method = match self.proof {
            Proof::Chosen(method) => method,
            Proof::Basic => Method::Basic,
            Proof::Usual if self.secret.is_some() => Method::Post,
            Proof::Usual | Proof::ClientKey(_) => Method::None,
        };
        match method {
            Method::Basic => {
                if params.has("client_secret") {
                    return None;
                }
                request.header("authorization", basic(self.id?, self.secret?));
            }
            Method::Post => {
                let (id, secret) = (self.id?, self.secret?);
                params.set("client_id", id);
                params.set("client_secret", secret);
            }
            Method::None => {
                let id = self.id.filter(|_| secretless)?;
                params.set("client_id", id);
            }
            Method::Key(key) => {
                let id = self.id.filter(|_| secretless && !request.endpoint.is_empty())?;
                let assertion = fresh_assertion(key, id, request.endpoint)?;
                params.set("client_id", id);
                params.set("client_assertion", assertion);
                params.set("client_assertion_type", ASSERTION_TYPE);
            }
        }
        Some(())
    }
}

/// Better Auth's `encodeBasicCredentials`.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

/// A private key in an option: a JSON Web Key, or PKCS#8 in PEM, whose line breaks may be written `\n`.
pub(crate) fn private_key(option: &Value) -> Option<PrivateKey> {
    match option {
        Value::Object(key) => jwk::private(key),
        Value::String(text) => match text.trim_start().starts_with('{') {
            true => jwk::private(&jwk::parse(text)?),
            false => pem::private_key(&text.replace("\\n", "\n")),
        },
        _ => None,
    }
}

/// What a client signs with, and the name of the key: Better Auth's `signPrivateKeyJwtClientAssertion`. `None` where
/// the options are no key for a known algorithm.
pub(crate) fn assertion_signer(options: &Map<String, Value>) -> Option<Signer> {
    let key = options.get("privateKeyJwk").or_else(|| options.get("privateKeyPem"))?;
    let said = |name: &str| key.get(name).and_then(Value::as_str);
    let option = |name: &str| options.get(name).and_then(Value::as_str);
    let algorithm = option("algorithm").or(said("alg")).unwrap_or("RS256");
    if said("alg").is_some_and(|alg| alg != algorithm) {
        return None;
    }
    let mut header = Object::new().text("alg", algorithm).text("typ", "JWT");
    if let Some(kid) = option("kid").or(said("kid")) {
        header = header.text("kid", kid);
    }
    Signer::new(Algorithm::parse(algorithm)?, private_key(key)?, &header.finish())
}

fn assertion(
    options: &Map<String, Value>,
    client_id: &str,
    endpoint: &str,
    (now, id): (i64, &str),
    source: &mut impl TryCryptoRng,
) -> Option<String> {
    let life = options.get("expiresIn").and_then(Value::as_i64).unwrap_or(ASSERTION_LIFE);
    let payload = Object::new()
        .text("iss", client_id)
        .text("sub", client_id)
        .text("aud", endpoint)
        .number("iat", now)
        .number("exp", now.saturating_add(life.clamp(1, MAX_LIFE)))
        .text("jti", id)
        .finish();
    assertion_signer(options)?.sign(payload.as_bytes(), source).ok()
}

fn fresh_assertion(options: &Map<String, Value>, client_id: &str, endpoint: &str) -> Option<String> {
    let id = random::uuid(|bytes| if server::fill(bytes) { Ok(()) } else { Err(()) }).ok()?;
    assertion(options, client_id, endpoint, (server::now(), &id), &mut Source(server::fill))
}

/// What the server has to give: its clock, in seconds since 1970, and its randomness.
#[cfg(not(test))]
mod server {
    use crate::store::server::{Timestamp, fill_random};

    pub(super) fn now() -> i64 {
        Timestamp::now().unix_seconds()
    }

    pub(super) fn fill(bytes: &mut [u8]) -> bool {
        fill_random(bytes).is_ok()
    }
}

/// Unit tests have no server.
#[cfg(test)]
mod server {
    pub(super) fn now() -> i64 {
        1_768_478_400
    }

    pub(super) fn fill(bytes: &mut [u8]) -> bool {
        bytes.fill(7);
        true
    }
}

/// Whether a provider's options say how a secret for Apple is made: `teamId`, `keyId`, `privateKey`.
pub(crate) fn has_apple_key(provider: &Provider) -> bool {
    apple_signer(provider).is_some() && provider.text("teamId").is_some()
}

fn apple_signer(provider: &Provider) -> Option<Signer> {
    let key = private_key(provider.options.get("privateKey")?)?;
    let header = Object::new().text("alg", "ES256").text("kid", provider.text("keyId")?).finish();
    Signer::new(Algorithm::Es256, key, &header)
}

fn apple_secret(provider: &Provider, now: i64, source: &mut impl TryCryptoRng) -> Option<String> {
    let payload = Object::new()
        .text("iss", provider.text("teamId")?)
        .number("iat", now)
        .number("exp", now.saturating_add(APPLE_LIFE))
        .text("aud", "https://appleid.apple.com")
        .text("sub", provider.client_id()?)
        .finish();
    apple_signer(provider)?.sign(payload.as_bytes(), source).ok()
}

/// A secret for Apple, made anew: a token that the team's key has signed, as "Creating a client secret" in Apple's
/// documentation says. `None` where the options don't say how.
pub(crate) fn fresh_apple_secret(provider: &Provider) -> Option<String> {
    if !provider.options.contains_key("privateKey") {
        return None;
    }
    apple_secret(provider, server::now(), &mut Source(server::fill))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::answer::claims;
    use super::*;
    use crate::crypto::jws::{Compact, Header, Verifier};
    use crate::crypto::private_key::Kind;
    use crate::crypto::public_key::Curve;
    use crate::flow::oauth::preset;

    fn source() -> Source<impl FnMut(&mut [u8]) -> bool> {
        let mut next = 1u8;
        Source(move |bytes: &mut [u8]| {
            bytes.fill_with(|| {
                next = next.wrapping_mul(5).wrapping_add(3);
                next
            });
            true
        })
    }

    /// Of this test alone: a key in PKCS#8, as Apple's p8 files have it, from `openssl genpkey`.
    const P8: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf0jnr2lpGJZC+O9l\nVeVjHBlHxTjR2kIs52m35MCvy7mhRANCAASB0TaQ5xr2DyqG6RVL3qRzfpVf2k4/\nrHwb3HB5KYU6iXNdnRE8OlBGc8JiaEUmKyzhJ3E+5Fg6Y8LuuiETdnnp\n-----END PRIVATE KEY-----\n";

    fn provider(options: Value) -> Provider {
        Provider {
            id: "apple".into(),
            client_ids: vec!["com.example.web".into()],
            client_secret: None,
            options: options.as_object().unwrap().clone(),
            preset: preset::find("apple"),
            discovery: None,
        }
    }

    fn header_of(token: &str) -> Header {
        Header::read(token.split('.').next().unwrap()).unwrap()
    }

    #[test]
    fn the_secret_for_apple_is_signed_by_the_team() {
        for key in [P8.to_owned(), P8.replace('\n', "\\n"), P8.replace('\n', "\r\n")] {
            let apple = provider(json!({"teamId": "TEAM", "keyId": "KEY", "privateKey": key}));
            assert!(has_apple_key(&apple) && apple.preset.check(&apple).is_ok());
            let secret = apple_secret(&apple, 1_000, &mut source()).unwrap();
            let header = header_of(&secret);
            assert_eq!((header.text("alg"), header.text("kid")), (Some("ES256"), Some("KEY")));
            assert_eq!(
                Value::Object(claims(&secret).unwrap()),
                json!({"iss": "TEAM", "iat": 1000, "exp": 1300, "aud": "https://appleid.apple.com", "sub": "com.example.web"})
            );
            let public = pem::private_key(P8).unwrap().public();
            let verifier = Verifier::new(Algorithm::Es256, public).unwrap();
            verifier.verify(&header, &Compact::parse(&secret, |_| Ok(())).unwrap()).unwrap();
        }
        for wrong in [
            json!({"keyId": "KEY", "privateKey": P8}),
            json!({"teamId": "TEAM", "privateKey": P8}),
            json!({"teamId": "TEAM", "keyId": "KEY", "privateKey": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"}),
            json!({"teamId": "TEAM", "keyId": "KEY", "privateKey": {"kty": "EC"}}),
            json!({"teamId": "TEAM", "keyId": "KEY"}),
        ] {
            let apple = provider(wrong.clone());
            assert_eq!(apple_secret(&apple, 1_000, &mut source()), None, "{wrong}");
            assert!(apple.preset.check(&apple).is_err(), "{wrong}");
        }
    }

    #[test]
    fn assertions_are_signed_and_name_the_endpoint() {
        for (kind, algorithm) in [(Kind::Ec(Curve::P256), "ES256"), (Kind::Ed25519, "EdDSA")] {
            let key = PrivateKey::generate(kind, &mut source()).unwrap();
            let jwk: Value = serde_json::from_str(&jwk::write(&key).1).unwrap();
            let options = json!({"privateKeyJwk": jwk, "kid": "one", "algorithm": algorithm});
            let options = options.as_object().unwrap();
            let token = "https://idp.example/token";
            let signed = assertion(options, "client", token, (50, "id"), &mut source()).unwrap();
            let header = header_of(&signed);
            assert_eq!(
                ["alg", "typ", "kid"].map(|name| header.text(name)),
                [algorithm, "JWT", "one"].map(Some)
            );
            assert_eq!(
                Value::Object(claims(&signed).unwrap()),
                json!({"iss": "client", "sub": "client", "aud": token, "iat": 50, "exp": 170, "jti": "id"})
            );
            let verifier = Verifier::new(Algorithm::parse(algorithm).unwrap(), key.public()).unwrap();
            verifier.verify(&header, &Compact::parse(&signed, |_| Ok(())).unwrap()).unwrap();
            // An algorithm of another kind of key, of none, and another than the key's own.
            for (other, alg) in [("RS256", None), ("HS256", None), ("ES256", Some("EdDSA"))] {
                let mut options = options.clone();
                options.insert("algorithm".into(), other.into());
                if let Some(alg) = alg {
                    options["privateKeyJwk"]["alg"] = alg.into();
                }
                assert!(assertion_signer(&options).is_none(), "{other} {alg:?}");
            }
        }
    }
}
