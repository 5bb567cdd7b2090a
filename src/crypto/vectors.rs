//! Known answers: RFC 7515 appendix A, RFC 7520 section 4, RFC 7638 section 3.1, RFC 8037 appendix A; and keys and
//! signatures of every wrong kind.
#![allow(clippy::unwrap_used)]

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value};

use super::jwk;
use super::jws::{Algorithm, Compact, Header, Signer, Verifier};
use super::jwt::Refusal;
use super::private_key::{Dry, Kind, PrivateKey, Source};
use super::public_key::{Curve, PublicKey, Scheme};

const RSA: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB","d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ","p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc","q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc","dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0","dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU","qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}"#;
const RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const EC_256: &str = r#"{"kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","crv":"P-256","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
const EC_256_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const EC_521: &str = r#"{"kty":"EC","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2","crv":"P-521","d":"AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"}"#;
const EC_521_TOKEN: &str = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
const ED: &str = r#"{"crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kty":"OKP"}"#;
const ED_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
/// RFC 7520's keys and tokens of Bilbo Baggins.
const BAGGINS_RSA: &str = r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}"#;
const BAGGINS_EC: &str = r#"{"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}"#;
const BAGGINS_PAYLOAD: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

fn members(text: &str) -> Map<String, Value> {
    jwk::parse(text).unwrap()
}

fn public(text: &str) -> PublicKey {
    jwk::public(&members(text)).unwrap()
}

fn private(text: &str) -> PrivateKey {
    jwk::private(&members(text)).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn verify(algorithm: Algorithm, key: &PublicKey, token: &str) -> Result<Vec<u8>, Refusal> {
    let mut header = Err(Refusal::NotThreeSegments);
    let token = Compact::parse(token, |encoded| {
        header = Header::read(encoded);
        Ok(())
    })?;
    Verifier::new(algorithm, key.clone()).unwrap().verify(&header?, &token)?;
    Ok(token.payload)
}

/// Bytes that look random and are always the same.
fn source() -> Source<impl FnMut(&mut [u8]) -> bool> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    Source(move |bytes: &mut [u8]| {
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
        true
    })
}

#[test]
fn the_examples_of_the_specifications_verify() {
    for (algorithm, key, token) in [
        (Algorithm::Rs256, RSA, RSA_TOKEN),
        (Algorithm::Es256, EC_256, EC_256_TOKEN),
        (Algorithm::Es512, EC_521, EC_521_TOKEN),
        (Algorithm::EdDsa, ED, ED_TOKEN),
    ] {
        assert!(verify(algorithm, &public(key), token).is_ok(), "{algorithm:?}");
    }
    for (algorithm, key, header, signature) in [
        (
            Algorithm::Rs256,
            BAGGINS_RSA,
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        ),
        (
            Algorithm::Ps384,
            BAGGINS_RSA,
            "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
        ),
        (
            Algorithm::Es512,
            BAGGINS_EC,
            "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
        ),
    ] {
        let payload = verify(algorithm, &public(key), &format!("{header}.{BAGGINS_PAYLOAD}.{signature}"));
        assert!(String::from_utf8(payload.unwrap()).unwrap().contains("Frodo"), "{algorithm:?}");
    }
}

#[test]
fn what_is_no_random_signature_is_made_again() {
    for (algorithm, key, header, token) in [
        (Algorithm::Rs256, RSA, r#"{"alg":"RS256"}"#, RSA_TOKEN),
        (Algorithm::EdDsa, ED, r#"{"alg":"EdDSA"}"#, ED_TOKEN),
    ] {
        let payload = bytes(token.split('.').nth(1).unwrap());
        let signer = Signer::new(algorithm, private(key), header).unwrap();
        assert_eq!(signer.sign(&payload, &mut source()).unwrap(), token);
    }
}

#[test]
fn what_each_algorithm_signs_it_verifies_and_no_other_does() {
    let ec_384 = jwk::write(&PrivateKey::generate(Kind::Ec(Curve::P384), &mut source()).unwrap()).1;
    let key = |algorithm: Algorithm| match algorithm.kind(2048) {
        Kind::Ec(Curve::P256) => EC_256.to_owned(),
        Kind::Ec(Curve::P384) => ec_384.to_string(),
        Kind::Ec(Curve::P521) => EC_521.to_owned(),
        Kind::Ed25519 => ED.to_owned(),
        Kind::Rsa(_) => RSA.to_owned(),
    };
    let mut source = source();
    for &algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));
        let header = format!(r#"{{"alg":"{}"}}"#, algorithm.as_str());
        let signer = Signer::new(algorithm, private(&key(algorithm)), &header).unwrap();
        let token = signer.sign(b"{}", &mut source).unwrap();
        for &other in Algorithm::ALL {
            let found = verify(other, &public(&key(other)), &token);
            // The header names one algorithm, the key has another: nothing is tried.
            let wanted = if other == algorithm { Ok(b"{}".to_vec()) } else { Err(Refusal::OtherAlgorithm) };
            assert_eq!(found, wanted, "{algorithm:?} {other:?}");
            // The signature itself is none of the other's either, whatever a header says.
            let renamed = token.replacen(
                &BASE64_URL_SAFE_NO_PAD.encode(&header),
                &BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{}"}}"#, other.as_str())),
                1,
            );
            assert_eq!(verify(other, &public(&key(other)), &renamed).is_ok(), other == algorithm);
        }
    }
    for name in ["none", "HS256", "eddsa", "ES256K", "Ed448", "ECDH-ES", "RSA-OAEP", "ML-DSA-44", ""] {
        assert_eq!(Algorithm::parse(name), None, "{name}");
    }
}

#[test]
fn a_key_of_another_kind_is_none_for_an_algorithm() {
    for (algorithm, key) in [
        (Algorithm::EdDsa, EC_256),
        (Algorithm::Es256, ED),
        (Algorithm::Es256, EC_521),
        (Algorithm::Es384, EC_256),
        (Algorithm::Es512, EC_256),
        (Algorithm::Es256, RSA),
        (Algorithm::Rs256, EC_256),
        (Algorithm::Ps256, ED),
        (Algorithm::EdDsa, RSA),
    ] {
        assert!(Verifier::new(algorithm, public(key)).is_none(), "{algorithm:?}");
        assert!(Signer::new(algorithm, private(key), "{}").is_none(), "{algorithm:?}");
    }
}

#[test]
fn headers_with_more_than_one_meaning_are_refused() {
    let read = |json: &str| Header::read(&BASE64_URL_SAFE_NO_PAD.encode(json)).map(|_| ());
    assert_eq!(read(r#"{"alg":"EdDSA","kid":"x","typ":"JWT"}"#), Ok(()));
    for json in [
        r#"{"alg":"EdDSA","alg":"none"}"#,
        r#"{"alg":"EdDSA","\u0061lg":"HS256"}"#,
        r#"{"kid":"a","alg":"EdDSA","kid":"b"}"#,
        r#"["EdDSA"]"#,
        r#"{"alg":"EdDSA"}x"#,
        "null",
        "",
    ] {
        assert_eq!(read(json), Err(Refusal::NotJson("header")), "{json}");
    }
    for json in
        [r#"{"alg":"EdDSA","crit":["b64"],"b64":true}"#, r#"{"alg":"EdDSA","crit":[]}"#, r#"{"crit":null}"#]
    {
        assert_eq!(read(json), Err(Refusal::Critical), "{json}");
    }
    assert_eq!(Header::read("e30=").map(|_| ()), Err(Refusal::NotBase64Url("header")));
}

#[test]
fn keys_come_out_as_they_went_in() {
    for text in [RSA, EC_256, EC_521, ED] {
        let (shown, whole) = jwk::write(&private(text));
        assert_eq!(*whole, text);
        let mut expected = members(text);
        expected.retain(|name, _| !jwk::SECRET.contains(&name.as_str()));
        assert_eq!(shown, Value::from(expected).to_string());
        assert!(public(&shown) == public(text));
    }
    let mut source = source();
    for kind in [Kind::Ed25519, Kind::Ec(Curve::P256), Kind::Ec(Curve::P384), Kind::Ec(Curve::P521)] {
        for _ in 0..20 {
            let key = PrivateKey::generate(kind, &mut source).unwrap();
            let (shown, whole) = jwk::write(&key);
            assert!(private(&whole).public() == key.public() && public(&shown) == key.public(), "{kind:?}");
        }
        assert_eq!(PrivateKey::generate(kind, &mut Source(|_: &mut [u8]| false)).err(), Some(Dry));
        // What is no scalar, for ever.
        let is_any = kind == Kind::Ed25519;
        let zeros = &mut Source(|bytes: &mut [u8]| {
            bytes.fill(0);
            true
        });
        assert_eq!(PrivateKey::generate(kind, zeros).is_ok(), is_any);
    }
}

#[test]
fn thumbprints_are_those_of_rfc_7638_and_rfc_8037() {
    let of = |text: &str| jwk::thumbprint(&members(text)).unwrap();
    assert_eq!(of(ED), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    assert_eq!(of(rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(jwk::thumbprint(&members(r#"{"kty":"oct","k":"AA"}"#)), None);
}

#[test]
fn private_keys_that_are_none_are_refused() {
    let changed = |text: &str, name: &str, value: Value| {
        let mut jwk = members(text);
        jwk.insert(name.into(), value);
        jwk::private(&jwk).is_none()
    };
    for text in [RSA, EC_256, EC_521, ED] {
        for name in ["kty", "d", "crv", "x", "n", "p"] {
            if members(text).contains_key(name) {
                for value in [Value::Null, "".into(), "AA".into(), "!".into(), 5.into()] {
                    assert!(changed(text, name, value.clone()), "{name} {value}");
                }
            }
        }
    }
    // The private key of another public key; a third prime; one twice.
    assert!(changed(EC_256, "d", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE".into()));
    assert!(changed(ED, "d", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE".into()));
    assert!(changed(RSA, "oth", Value::Array(Vec::new())));
    assert!(changed(RSA, "q", members(RSA)["p"].clone()));
    assert!(changed(RSA, "d", members(BAGGINS_RSA)["n"].clone()));
    assert!(jwk::parse(&format!(r#"{{"kty":"EC","x":"{}"}}"#, "A".repeat(20_000))).is_none());
}

#[test]
fn points_that_are_none_of_their_curve_are_no_keys() {
    let coordinate = |text: &str, name: &str| bytes(members(text)[name].as_str().unwrap());
    let (x, y) = (coordinate(EC_256, "x"), coordinate(EC_256, "y"));
    assert!(PublicKey::ec(Curve::P256, &x, &y).is_some());
    assert!(PublicKey::ec(Curve::P256, &y, &x).is_none(), "not on the curve");
    assert!(PublicKey::ec(Curve::P256, &[0; 32], &[0; 32]).is_none());
    assert!(PublicKey::ec(Curve::P256, &[0xff; 32], &y).is_none(), "not below the prime");
    assert!(PublicKey::ec(Curve::P256, &x[1..], &y).is_none());
    assert!(PublicKey::ec(Curve::P256, &[&[0], x.as_slice()].concat(), &y).is_none());
    for curve in [Curve::P384, Curve::P521] {
        assert!(PublicKey::ec(curve, &x, &y).is_none());
        let wide = |number: &[u8]| [vec![0; curve.field() - 32], number.to_vec()].concat();
        assert!(PublicKey::ec(curve, &wide(&x), &wide(&y)).is_none());
    }
    assert!(PublicKey::ec_point(Curve::P256, &[0]).is_none(), "the point at infinity");
    assert!(PublicKey::ec_point(Curve::P256, &[]).is_none());
}

#[test]
fn only_true_ecdsa_signatures_verify() {
    let key = public(EC_256);
    let message = b"message";
    let signature = private(EC_256).sign(Scheme::Ecdsa, message, &mut source()).unwrap();
    let fixed = |signature: &[u8]| key.verifies(Scheme::Ecdsa, message, signature);
    assert!(fixed(&signature));
    let (r, s) = signature.split_at(32);
    // The order of P-256.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51u8,
    ];
    for (r, s) in [
        ([0; 32].as_slice(), s),
        (r, [0; 32].as_slice()),
        (&[0; 32], &[0; 32]),
        (&order, s),
        (r, &order),
        (&[0xff; 32], s),
        (s, r),
        (r, &s[1..]),
        (&r[..0], &s[..0]),
    ] {
        assert!(!fixed(&[r, s].concat()));
    }
    assert!(!fixed(&[signature.as_slice(), &[0]].concat()));
    // The other of the two that belong to one r: JOSE and WebAuthn ask for neither.
    let mut high = order;
    let mut borrow = 0i16;
    for place in (0..32).rev() {
        let digit = i16::from(order[place]) - i16::from(s[place]) - borrow;
        borrow = i16::from(digit < 0);
        high[place] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    assert!(fixed(&[r, &high].concat()));
    assert!(!key.verifies(Scheme::Ecdsa, b"another", &signature));
    for scheme in [Scheme::EdDsa, Scheme::Rs256, Scheme::Ps256, Scheme::Rs1] {
        assert!(!key.verifies(scheme, message, &signature));
    }
    let der = p256::ecdsa::Signature::from_slice(&signature).unwrap().to_der().as_bytes().to_vec();
    let in_der = |signature: &[u8]| {
        let signature = p256::ecdsa::Signature::from_der(signature);
        signature.is_ok_and(|signature| key.verifies(Scheme::Ecdsa, message, &signature.to_bytes()))
    };
    assert!(in_der(&der));
    assert!(!in_der(&signature) && !fixed(&der), "each form is one");
    assert!(!in_der(&[der.as_slice(), &[0]].concat()), "trailing bytes");
    assert!(!in_der(&der[..der.len() - 1]) && !in_der(&[]));
    let mut longer = der.clone();
    longer.insert(1, 0x81);
    assert!(!in_der(&longer), "a length in the long form");
}

#[test]
fn weak_keys_and_other_forms_of_ed25519_are_refused() {
    // The points of small order, by which a signature verifies whatever the message.
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let order_8 = bytes("xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o");
    for weak in [[0; 32].as_slice(), &one, &minus_one, &order_8] {
        assert!(PublicKey::ed25519(weak).is_none());
    }
    assert!(PublicKey::ed25519(&[1; 31]).is_none() && PublicKey::ed25519(&[2; 32]).is_none());
    let key = public(ED);
    let signature = private(ED).sign(Scheme::EdDsa, b"message", &mut source()).unwrap();
    let verifies = |signature: &[u8]| key.verifies(Scheme::EdDsa, b"message", signature);
    assert!(verifies(&signature));
    // s and s + L are one number to the group.
    let order = bytes("7dP1XBpjEljWnPei3vneFAAAAAAAAAAAAAAAAAAAABA");
    let (mut greater, mut carry) = (signature.clone(), 0u16);
    for (place, digit) in order.iter().enumerate() {
        let sum = u16::from(greater[32 + place]) + u16::from(*digit) + carry;
        greater[32 + place] = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert!(!verifies(&greater));
    assert!(
        !verifies(&[0; 64])
            && !verifies(&signature[..63])
            && !verifies(&[signature.as_slice(), &[0]].concat())
    );
    for place in 0..64 {
        let mut changed = signature.clone();
        changed[place] ^= 1;
        assert!(!verifies(&changed), "{place}");
    }
}

#[test]
fn rsa_keys_are_of_a_size_that_is_safe() {
    let e = [1, 0, 1];
    let modulus = |bytes: usize| {
        let mut modulus = vec![0xff; bytes];
        modulus[bytes - 1] = 0xfd;
        modulus
    };
    for (bytes, is_one) in
        [(64, false), (127, false), (128, true), (256, true), (512, true), (513, false), (2048, false)]
    {
        assert_eq!(PublicKey::rsa(&modulus(bytes), &e).is_some(), is_one, "{bytes}");
    }
    // Signing and verifying tokens begins where RFC 7518 begins.
    for (bytes, is_one) in [(128, false), (255, false), (256, true), (512, true)] {
        let key = PublicKey::rsa(&modulus(bytes), &e).unwrap();
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            assert_eq!(Verifier::new(algorithm, key.clone()).is_some(), is_one, "{bytes}");
        }
    }
    let leading = [&[0, 0], modulus(256).as_slice()].concat();
    assert_eq!(PublicKey::rsa(&leading, &e).unwrap().modulus_bits(), Some(2048));
    for exponent in [[].as_slice(), &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert!(PublicKey::rsa(&modulus(256), exponent).is_none(), "{exponent:?}");
    }
    assert!(PublicKey::rsa(&[], &e).is_none());
    let (key, token) = (public(RSA), RSA_TOKEN.split('.').collect::<Vec<_>>());
    let message = format!("{}.{}", token[0], token[1]);
    let signature = bytes(token[2]);
    let verifies = |signature: &[u8]| key.verifies(Scheme::Rs256, message.as_bytes(), signature);
    assert!(verifies(&signature));
    assert!(
        !verifies(&[&[0], signature.as_slice()].concat()) && !verifies(&signature[1..]) && !verifies(&[])
    );
    assert!(!verifies(&[0; 256]) && !verifies(&[0xff; 256]));
    for scheme in [Scheme::Rs384, Scheme::Rs512, Scheme::Ps256, Scheme::Ecdsa, Scheme::EdDsa, Scheme::Rs1] {
        assert!(!key.verifies(scheme, message.as_bytes(), &signature));
    }
}
