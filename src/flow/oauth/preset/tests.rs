//! The presets do as Better Auth's providers do: vectors.json is what those asked and answered, recorded by
//! pg_test/tools/providers_vectors.mjs.
#![allow(clippy::unwrap_used)]

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use zeroize::Zeroizing;

use super::*;
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::input::js_string;
use crate::flow::oauth::answer;

pub(super) fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

pub(super) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A provider that has been set up with Better Auth's options.
pub(super) fn provider(vector: &Value, options: &Value) -> Provider {
    let mut options = options.as_object().unwrap().clone();
    let client_ids = match options.shift_remove("clientId") {
        Some(Value::Array(ids)) => ids.iter().map(|id| text(id).unwrap().to_owned()).collect(),
        Some(Value::String(id)) => vec![id],
        _ => Vec::new(),
    };
    let secret = options.shift_remove("clientSecret").and_then(|secret| js_string(&secret));
    Provider {
        id: text(&vector["provider"]).unwrap().to_owned(),
        client_ids,
        client_secret: secret.map(Zeroizing::new),
        options,
        preset: find(text(&vector["preset"]).unwrap()),
        discovery: vector["discovery"].as_object().cloned(),
    }
}

/// The outside world: what it answers in turn, and what it was asked.
struct World {
    answers: Vec<Value>,
    asked: Vec<Value>,
}

impl World {
    fn new(answers: &[Value]) -> Self {
        Self { answers: answers.iter().rev().cloned().collect(), asked: Vec::new() }
    }

    fn fetch(&mut self, fetch: Fetch) -> Result<Fetched, AuthError> {
        let headers: BTreeMap<_, _> = fetch.headers.into_iter().collect();
        let (url, body) = (fetch.url, fetch.body.map(|body| body.to_string()));
        self.asked.push(json!({"method": fetch.method, "url": url, "headers": headers, "body": body}));
        Ok(match self.answers.pop() {
            Some(Value::Array(answer)) => {
                let body = text(&answer[1]).map_or_else(|| answer[1].to_string(), str::to_owned);
                Fetched::Answer { status: u16::try_from(answer[0].as_u64().unwrap()).unwrap(), body }
            }
            _ => Fetched::Failed,
        })
    }
}

/// What goes wrong, to be told all at once.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn compare(&mut self, what: impl Fn() -> String, ours: &Value, theirs: &Value) {
        // With the order of members.
        let (ours, theirs) = (ours.to_string(), theirs.to_string());
        if ours != theirs {
            self.0.push(format!("{}\n    ours   {ours}\n    theirs {theirs}", what()));
        }
    }

    fn end(self) {
        assert!(
            self.0.is_empty(),
            "{} differences:\n{}",
            self.0.len(),
            self.0[..self.0.len().min(12)].join("\n")
        );
    }
}

/// Every provider with every set of options, once Better Auth takes them.
fn each(vectors: &Value, mut work: impl FnMut(&Value, &Value, &Provider, &str)) {
    for vector in list(&vectors["providers"]) {
        for set in list(&vector["sets"]) {
            let provider = provider(vector, &set["options"]);
            let name = format!("{} {}", provider.id, set["options"]);
            if set["refused"] == true {
                assert!(
                    provider.preset.check(&provider).is_err() || !provider.preset.is_usable(&provider),
                    "{name}"
                );
            } else {
                assert!(provider.preset.is_usable(&provider), "{name}");
                work(vector, set, &provider, &name);
            }
        }
    }
}

#[test]
fn every_provider_is_there() {
    let vectors = vectors();
    let recorded: HashSet<_> =
        list(&vectors["providers"]).iter().map(|vector| text(&vector["preset"]).unwrap()).collect();
    let known: Vec<_> = names().collect();
    assert_eq!(known.len(), 46);
    for name in &known {
        assert!(recorded.contains(name), "{name} isn't recorded");
        assert_eq!(find(name).id(), *name);
    }
    assert_eq!(known.iter().collect::<HashSet<_>>().len(), known.len());
    assert_eq!(find("acme").id(), "generic");
}

#[test]
fn authorization_urls_are_better_auths() {
    let (vectors, mut wrong) = (vectors(), Wrong::default());
    each(&vectors, |_, set, provider, name| {
        for (url, start) in list(&set["urls"]).iter().zip(list(&vectors["starts"])) {
            let scopes: Vec<_> = start["scopes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|scope| text(scope).unwrap().to_owned())
                .collect();
            let additional = start["additionalParams"].as_object().cloned().unwrap_or_default();
            let redirect_uri = format!("{}{}", text(&start["redirectURI"]).unwrap(), provider.id);
            let ours = provider.preset.authorization_url(
                provider,
                &Start {
                    state: text(&start["state"]).unwrap(),
                    code_verifier: text(&start["codeVerifier"]).unwrap(),
                    nonce: text(&start["nonce"]).filter(|_| provider.preset.requires_nonce(provider)),
                    redirect_uri: &redirect_uri,
                    scopes: &scopes,
                    login_hint: text(&start["loginHint"]),
                    additional_params: &additional,
                },
            );
            wrong.compare(|| name.into(), &json!(ours.ok()), url);
        }
    });
    wrong.end();
}

/// Tokens as the vectors have them.
fn told(tokens: Option<&TokenSet>) -> Value {
    tokens.map_or(Value::Null, |tokens| {
        json!({
            "accessToken": tokens.access_token.as_ref().map(|token| token.as_str()),
            "refreshToken": tokens.refresh_token.as_ref().map(|token| token.as_str()),
            "idToken": tokens.id_token,
            "accessTokenExpiresIn": tokens.access_token_expires_in,
            "refreshTokenExpiresIn": tokens.refresh_token_expires_in,
            "scopes": tokens.scopes,
            "raw": tokens.raw,
        })
    })
}

/// The vectors' tokens as ours are kept: texts, and nothing raw of what is no JSON object. WeChat's have what was answered
/// not as a whole.
fn kept(tokens: &Value, ours: Option<&TokenSet>) -> Value {
    if tokens.is_null() {
        return Value::Null;
    }
    let is_wechat = tokens.get("openid").is_some() || tokens.get("raw").is_none();
    let raw = || tokens["raw"].as_object().cloned().unwrap_or_default();
    let said = |name: &str| tokens.get(name).filter(|said| !said.is_null()).and_then(js_string);
    let time = |name: &str| tokens.get(name).and_then(Value::as_f64);
    json!({
        "accessToken": said("accessToken"),
        "refreshToken": said("refreshToken"),
        "idToken": said("idToken"),
        "accessTokenExpiresIn": time("accessTokenExpiresIn"),
        "refreshTokenExpiresIn": time("refreshTokenExpiresIn"),
        "scopes": tokens["scopes"],
        "raw": if is_wechat { json!(ours.map(|ours| &ours.raw)) } else { raw().into() },
    })
}

#[test]
fn codes_are_exchanged_as_better_auth_does() {
    let (vectors, mut wrong) = (vectors(), Wrong::default());
    each(&vectors, |_, set, provider, name| {
        for (code, grant) in list(&set["codes"]).iter().zip(list(&vectors["grants"])) {
            let redirect_uri = format!("{}{}", text(&grant["redirectURI"]).unwrap(), provider.id);
            for (result, answer) in list(&code["results"]).iter().zip(list(&vectors["answers"])) {
                let mut world = World::new(std::slice::from_ref(answer));
                let grant = Grant {
                    code: text(&grant["code"]).unwrap(),
                    code_verifier: text(&grant["codeVerifier"]).unwrap(),
                    redirect_uri: &redirect_uri,
                    device_id: text(&grant["deviceId"]),
                };
                let ours =
                    provider.preset.exchange(provider, &grant, &mut |fetch| world.fetch(fetch)).unwrap();
                let theirs = kept(&vectors["tokens"][index(result)], ours.as_ref());
                wrong.compare(|| format!("{name} code {answer}"), &told(ours.as_ref()), &theirs);
                wrong.compare(|| format!("{name} code"), &json!(world.asked), &code["asked"]);
            }
        }
    });
    wrong.end();
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn access_tokens_are_renewed_as_better_auth_does() {
    let (vectors, mut wrong) = (vectors(), Wrong::default());
    each(&vectors, |_, set, provider, name| {
        let Some(refresh) = set.get("refresh") else {
            assert!(!provider.preset.can_refresh(provider), "{name}");
            return;
        };
        assert!(provider.preset.can_refresh(provider), "{name}");
        for (result, answer) in list(&refresh["results"]).iter().zip(list(&vectors["answers"])) {
            let mut world = World::new(std::slice::from_ref(answer));
            let token = text(&vectors["refreshToken"]).unwrap();
            let ours = provider.preset.refresh(provider, token, &mut |fetch| world.fetch(fetch)).unwrap();
            let theirs = kept(&vectors["tokens"][index(result)], ours.as_ref());
            wrong.compare(|| format!("{name} refresh {answer}"), &told(ours.as_ref()), &theirs);
            wrong.compare(|| format!("{name} refresh"), &json!(world.asked), &refresh["asked"]);
        }
    });
    wrong.end();
}

fn tokens(given: &Value) -> TokenSet {
    let id_token = match given.get("idToken") {
        Some(Value::String(token)) => Some(token.clone()),
        Some(claims) => Some(format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))),
        None => None,
    };
    let raw = given.get("openid").map(|openid| ("openid".to_owned(), openid.clone()));
    TokenSet {
        access_token: given.get("accessToken").and_then(js_string).map(Zeroizing::new),
        id_token,
        user: given.get("user").cloned(),
        raw: raw.into_iter().collect(),
        ..TokenSet::default()
    }
}

/// What is told, as the vectors have it, and what was asked.
pub(super) fn tell(
    provider: &Provider,
    given: &Value,
    answers: &[Value],
) -> (Option<(Info, Option<String>)>, Value) {
    let mut world = World::new(answers);
    let tokens = tokens(given);
    let info = provider.preset.user_info(provider, &tokens, &mut |fetch| world.fetch(fetch)).unwrap();
    let info = info.map(|info| {
        let subject = provider.preset.subject(provider, &tokens, &info);
        (info, subject)
    });
    (info, json!(world.asked))
}

/// A value with one place changed: `None` for a place that is dropped.
fn changed(value: &Value, place: &str, change: Option<&Value>) -> Value {
    let mut value = value.clone();
    if let Some(change) = change {
        *value.pointer_mut(place).unwrap() = change.clone();
        return value;
    }
    let (holder, name) = place.rsplit_once('/').unwrap();
    match value.pointer_mut(holder).unwrap() {
        Value::Array(list) => drop(list.remove(name.parse().unwrap())),
        Value::Object(members) => {
            drop(members.shift_remove(&name.replace("~1", "/").replace("~0", "~")).unwrap());
        }
        _ => unreachable!(),
    }
    value
}

#[test]
fn profiles_become_users_as_better_auth_has_them() {
    let (vectors, mut wrong) = (vectors(), Wrong::default());
    let mut count = 0;
    for vector in list(&vectors["providers"]) {
        for info in list(&vector["infos"]) {
            let provider = provider(vector, &vector["sets"][index(&info["options"])]["options"]);
            let name = || format!("{} {} {}", provider.id, info["tokens"], info["answers"]);
            let (ours, asked) = tell(&provider, &info["tokens"], list(&info["answers"]));
            // Where a DBA's function may give the email, it is told without.
            let is_without_email = |ours: &Option<(Info, _)>| {
                provider.id == "vk"
                    && ours.as_ref().is_some_and(|ours| answer::truthy(&ours.0.user, "/email").is_none())
            };
            let (theirs, told) =
                (&info["told"], ours.as_ref().map(|(info, subject)| json!([info.user, subject])));
            if !(theirs.is_null() && is_without_email(&ours)) {
                let user = theirs.as_object().map(|told| json!([told["user"], told["subject"]]));
                wrong.compare(name, &json!(told), &json!(user));
                let data = ours.map(|(info, _)| Value::Object(info.data));
                // Without the order of members, which nobody sees.
                if data.as_ref() != theirs.get("data") {
                    wrong.compare(name, &json!(data), &theirs["data"]);
                }
            }
            wrong.compare(name, &asked, &info["asked"]);
            for change in list(&info["changes"]) {
                let (place, results) = (text(&change[1]).unwrap(), list(&change[2]));
                let changes: Vec<Option<&Value>> = match place {
                    "" => list(&vectors["replies"]).iter().map(Some).collect(),
                    _ => [None].into_iter().chain(list(&vectors["changes"]).iter().map(Some)).collect(),
                };
                assert_eq!(changes.len(), results.len());
                for (how, result) in changes.into_iter().zip(results) {
                    let (mut given, mut answers) = (info["tokens"].clone(), list(&info["answers"]).clone());
                    match (change[0].as_u64(), place) {
                        (None, place) => given["idToken"] = changed(&given["idToken"], place, how),
                        (Some(_), "") => answers[index(&change[0])] = how.unwrap().clone(),
                        (Some(_), place) => {
                            let answer = &mut answers[index(&change[0])][1];
                            *answer = changed(answer, place, how);
                        }
                    }
                    let (ours, _) = tell(&provider, &given, &answers);
                    if result.is_null() && is_without_email(&ours) {
                        continue;
                    }
                    let theirs = result.as_u64().map_or(&Value::Null, |_| &vectors["told"][index(result)]);
                    let ours = ours.map(|(info, subject)| json!([info.user, subject]));
                    wrong.compare(|| format!("{} {place} {how:?}", name()), &json!(ours), theirs);
                    count += 1;
                }
            }
        }
    }
    wrong.end();
    assert!(count > 3_000, "{count}");
}

#[test]
fn id_tokens_are_verified_as_better_auth_does() {
    let (vectors, mut wrong) = (vectors(), Wrong::default());
    each(&vectors, |_, set, provider, name| {
        let preset = provider.preset;
        assert_eq!(set["nonce"], preset.requires_nonce(provider), "{name}");
        assert_eq!(set["issuer"].as_str(), preset.issuer(provider), "{name}");
        let shown = |rules: &IdTokenRules<'_>, opaque: bool| {
            let claims = list(&set["rules"]["claims"])
                .iter()
                .map(|claim| json!([claim[0], (rules.check)(provider, claim[0].as_object().unwrap())]));
            json!({
                "jwks": rules.jwks_url,
                "issuer": rules.issuers,
                "audience": rules.audiences,
                "algorithms": rules.algorithms,
                "maxTokenAge": rules.max_age.map(|age| if age == 3600 { "1h" } else { "" }),
                "hashed": rules.nonce_may_be_hashed,
                "opaque": opaque,
                "claims": claims.collect::<Vec<_>>(),
            })
        };
        let ours = match preset.id_tokens(provider) {
            IdTokens::No => Value::Null,
            IdTokens::Asked => json!({"asked": true}),
            IdTokens::Signed(rules) => shown(&rules, false),
            IdTokens::SignedOrOpaque(rules) => shown(&rules, true),
        };
        let mut theirs = set["rules"].clone();
        if theirs["audience"] == json!([""]) {
            theirs["audience"] = json!([]);
        }
        wrong.compare(|| name.into(), &ours, &theirs);
    });
    for vector in list(&vectors["providers"]) {
        let provider = provider(vector, &vector["sets"][0]["options"]);
        for ask in list(&vector["asks"]) {
            let mut world = World::new(list(&ask["answers"]));
            let (token, nonce) = (text(&ask["token"]).unwrap(), text(&ask["nonce"]));
            let ours = provider.preset.ask(&provider, token, nonce, &mut |fetch| world.fetch(fetch)).unwrap();
            wrong.compare(
                || ask.to_string(),
                &json!([ours, world.asked]),
                &json!([ask["result"], ask["asked"]]),
            );
        }
    }
    wrong.end();
}
