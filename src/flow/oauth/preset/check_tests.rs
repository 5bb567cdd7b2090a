//! What no vector says: set-ups that lack something, and answers that are odd.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::tests::{list, provider, tell, vectors};
use super::*;
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::oauth::token;

fn made(id: &str, options: Value) -> Provider {
    provider(&json!({"provider": id, "preset": id}), &options)
}

#[test]
fn the_id_tokens_of_codes_are_verified_where_they_say_who_it_is() {
    let full = json!({
        "clientId": "c", "clientSecret": "s", "domain": "d.example", "region": "eu-west-1", "userPoolId": "p", "clientKey": "k",
    });
    let verified: Vec<_> = SOCIAL
        .iter()
        .filter(|preset| preset.code_id_token(&made(preset.id, full.clone())).is_some())
        .map(|preset| preset.id)
        .collect();
    assert_eq!(verified, ["apple", "cognito", "facebook", "microsoft", "google", "twitch"]);
    let mut paybin = made(
        "paybin",
        json!({"clientId": "c", "discoveryUrl": "https://idp.paybin.io/.well-known/openid-configuration"}),
    );
    // Whatever the document says, the keys that are set go by what a superuser has written.
    paybin.discovery =
        json!({"issuer": "https://accounts.google.com", "jwks_uri": "/jwks"}).as_object().cloned();
    let rules = paybin.preset.code_id_token(&paybin).unwrap();
    assert_eq!(
        (rules.keys_of.as_ref(), rules.jwks_url.as_ref()),
        ("https://idp.paybin.io", "https://idp.paybin.io/jwks")
    );
    assert!(matches!(paybin.preset.id_tokens(&paybin), IdTokens::No));
}

/// docs/providers.md has a row for each: id, what is needed, scopes, id token alone, verified in the code flow, fetches.
#[test]
fn the_table_in_the_docs_is_right() {
    let docs = include_str!("../../../../docs/providers.md");
    let full = json!({"clientId": "c", "clientSecret": "s", "domain": "d", "region": "r", "userPoolId": "p"});
    for preset in SOCIAL {
        let row = docs.lines().find(|line| line.starts_with(&format!("| {} |", preset.id))).unwrap();
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, id, needed, scopes, alone, verified, _, _] = cells[..] else { unreachable!("{row}") };
        let provider = made(id, full.clone());
        assert_eq!(needed.contains("secret"), preset.secret != social::Secret::Optional, "{row}");
        assert!(preset.needs.iter().all(|option| needed.contains(&format!("`{option}`"))), "{row}");
        assert_eq!(scopes, if preset.scopes.is_empty() { "none".into() } else { preset.scopes.join(" ") });
        let is_alone = match preset.id_tokens(&provider) {
            IdTokens::No => alone == "no",
            IdTokens::Asked => alone == "asked",
            IdTokens::Signed(_) | IdTokens::SignedOrOpaque(_) => alone.starts_with("yes"),
        };
        assert!(is_alone, "{row}");
        assert_eq!(verified.starts_with("yes"), preset.code_id_token(&provider).is_some(), "{row}");
    }
    for helper in HELPERS {
        assert!(docs.contains(helper.id), "{}", helper.id);
    }
}

#[test]
fn without_an_id_token_nobody_is_told_of_open_id_connect() {
    let without = |provider: &Provider| {
        let (info, asked) = tell(
            provider,
            &json!({"accessToken": "a"}),
            &[json!([200, {"sub": "s", "email": "e@x.example"}])],
        );
        info.is_none() && asked == json!([])
    };
    for id in ["apple", "google", "microsoft", "twitch", "paybin"] {
        assert!(without(&made(id, json!({"clientId": "c", "clientSecret": "s"}))), "{id}");
    }
    let needs = |provider: Provider| provider.preset.needs_id_token(&provider);
    assert!(needs(made(
        "cognito",
        json!({"clientId": "c", "domain": "d", "region": "r", "userPoolId": "p"})
    )));
    for id in ["github", "facebook", "line", "paypal", "acme"] {
        assert!(!needs(made(id, json!({"clientId": "c", "clientSecret": "s"}))), "{id}");
    }
    for (algorithms, needed) in [(json!(["RS256"]), true), (json!([]), false)] {
        let mut acme = made("acme", json!({"clientId": "c", "discoveryUrl": "https://a.example/x"}));
        let document = json!({"issuer": "https://a.example", "jwks_uri": "/k", "id_token_signing_alg_values_supported": algorithms});
        acme.discovery = document.as_object().cloned();
        assert_eq!(needs(acme), needed);
    }
}

#[test]
fn a_set_up_that_lacks_something_is_told_so() {
    for (id, options, said) in [
        ("google", json!({"clientId": "c"}), "client secret"),
        ("google", json!({"clientSecret": "s"}), "client id"),
        (
            "google",
            json!({"clientId": "c", "clientSecret": "s", "scope": "email"}),
            "a list of texts as its option scope",
        ),
        (
            "github",
            json!({"clientId": "c", "clientSecret": "s", "disableSignUp": "yes"}),
            "true or false as its option disableSignUp",
        ),
        (
            "github",
            json!({"clientId": "c", "redirectURI": "app://x"}),
            "http or https URL as its option redirectURI",
        ),
        ("apple", json!({"clientId": "c"}), "client secret"),
        ("apple", json!({"clientId": "c", "teamId": "t", "privateKey": "-"}), "client secret"),
        ("apple", json!({"clientId": "c", "clientSecret": "s", "teamId": "t"}), "option keyId"),
        ("twitter", json!({"clientId": "c"}), "client secret"),
        ("tiktok", json!({"clientId": "c", "clientSecret": "s"}), "option clientKey"),
        ("cognito", json!({"clientId": "c", "domain": "d", "userPoolId": "u"}), "option region"),
        (
            "microsoft",
            json!({"clientId": "c", "clientSecret": "s", "tokenEndpointAuth": {"method": "none"}}),
            "can't have a client secret",
        ),
        (
            "microsoft",
            json!({"clientId": "c", "tokenEndpointAuth": {"method": "private_key_jwt"}}),
            "private key",
        ),
        (
            "microsoft",
            json!({"clientId": "c", "tokenEndpointAuth": {"method": "custom"}}),
            "tokenEndpointAuth whose method",
        ),
        ("microsoft-entra-id", json!({"clientId": "c", "clientSecret": "s", "tenantId": "common"}), "UUID"),
        ("auth0", json!({"clientId": "c", "clientSecret": "s"}), "option domain"),
        ("acme", json!({"clientId": "c", "clientSecret": "s"}), "authorizationUrl, or discoveryUrl"),
        (
            "acme",
            json!({"clientId": "c", "authorizationUrl": "https://a.example/a"}),
            "tokenUrl, or discoveryUrl",
        ),
        (
            "acme",
            json!({"clientId": "c", "discoveryUrl": "https://a.example", "authentication": "basic"}),
            "client secret",
        ),
        (
            "acme",
            json!({"clientId": "c", "authorizationUrl": "https://a.example", "tokenUrl": "https://a.example", "requireIdTokenVerification": true}),
            "discoveryUrl for",
        ),
        (
            "acme",
            json!({"clientId": "c", "discoveryUrl": "https://a.example", "tokenUrlParams": {"a": 1}}),
            "an object of texts",
        ),
    ] {
        let provider = made(id, options);
        let error = provider.preset.check(&provider).unwrap_err().message();
        assert!(error.contains(said) && error.contains(id), "{error}: {said}");
    }
    for (id, options) in [
        ("google", json!({"clientId": ["a", "b"], "clientSecret": "s", "hd": "example.com", "scope": ["x"]})),
        ("microsoft", json!({"clientId": "c"})),
        ("discord", json!({"clientId": "c", "clientSecret": "s", "permissions": 8})),
        ("keycloak", json!({"clientId": "c", "clientSecret": "s", "issuer": "https://sso.example/realms/a"})),
        (
            "acme",
            json!({"clientId": "c", "discoveryUrl": "https://a.example/.well-known/openid-configuration"}),
        ),
    ] {
        let provider = made(id, options);
        provider.preset.check(&provider).unwrap();
    }
}

#[test]
fn what_a_header_cannot_hold_is_not_sent() {
    let github = made("github", json!({"clientId": "c", "clientSecret": "s"}));
    for token in ["a\r\nx: y", "a\0", "é", ""] {
        let (info, asked) = tell(&github, &json!({"accessToken": token}), &[]);
        assert!(info.is_none() && asked == json!([]), "{token:?}");
    }
}

#[test]
fn a_suspended_request_goes_out_untouched() {
    let vectors = vectors();
    for vector in list(&vectors["providers"]).iter().filter(|vector| vector["sets"][0]["refused"] != true) {
        let provider = provider(vector, &vector["sets"][0]["options"]);
        let mut suspend = |_: Fetch| Err(AuthError::Suspended);
        let grant =
            Grant { code: "c", code_verifier: "v", redirect_uri: "https://a.example", device_id: None };
        let exchanged = provider.preset.exchange(&provider, &grant, &mut suspend);
        assert!(matches!(exchanged, Err(AuthError::Suspended)), "{}", provider.id);
        let tokens = TokenSet {
            access_token: Some(Zeroizing::new("a".into())),
            raw: json!({"openid": "o"}).as_object().unwrap().clone(),
            ..TokenSet::default()
        };
        if let Ok(Some(_)) = provider.preset.user_info(&provider, &tokens, &mut suspend) {
            unreachable!("{} told without asking", provider.id);
        }
    }
}

#[test]
fn odd_answers_of_a_token_endpoint_are_no_tokens() {
    let answer = |body: &str| Fetched::Answer { status: 200, body: body.into() };
    assert!(token::read(&answer("null")).is_none());
    for body in ["", "[]", "5", "\"text\"", "{", "access_token=a&scope=b"] {
        let tokens = token::read(&answer(body)).unwrap();
        assert!(
            tokens.access_token.is_none() && tokens.id_token.is_none() && tokens.raw.is_empty(),
            "{body}"
        );
        assert!(token::read_refreshed(&answer(body)).is_none(), "{body}");
    }
    let huge =
        token::read(&answer(r#"{"access_token":"a","expires_in":"1e999","refresh_token_expires_in":-5}"#))
            .unwrap();
    assert_eq!((huge.access_token_expires_in, huge.refresh_token_expires_in), (None, Some(-5.0)));
    assert_eq!(huge.raw.len(), 3);
}
