//! The services: what each is asked, and what it has to answer. Better Auth's `verify-handlers`.

use pgrx::PostgresGucEnum;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::input::is_truthy;
use crate::flow::json::Object;

/// A service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum Provider {
    #[name = c"none"]
    None,
    #[name = c"cloudflare-turnstile"]
    CloudflareTurnstile,
    #[name = c"google-recaptcha"]
    GoogleRecaptcha,
    #[name = c"hcaptcha"]
    HCaptcha,
    #[name = c"captchafox"]
    CaptchaFox,
    #[name = c"vercel-botid"]
    VercelBotid,
}

impl Provider {
    /// Better Auth's `siteVerifyMap`.
    const fn url(self) -> &'static str {
        match self {
            Self::None | Self::VercelBotid => "",
            Self::CloudflareTurnstile => "https://challenges.cloudflare.com/turnstile/v0/siteverify",
            Self::GoogleRecaptcha => "https://www.google.com/recaptcha/api/siteverify",
            Self::HCaptcha => "https://api.hcaptcha.com/siteverify",
            Self::CaptchaFox => "https://api.captchafox.com/siteverify",
        }
    }
}

/// What a service is asked.
pub(super) struct Asked<'a> {
    pub(super) provider: Provider,
    /// In place of its own.
    pub(super) url: Option<String>,
    pub(super) secret_key: &'a str,
    /// What the browser was given.
    pub(super) response: &'a str,
    pub(super) address: Option<&'a str>,
    pub(super) site_key: Option<&'a str>,
}

impl Asked<'_> {
    pub(super) fn fetch(self) -> Fetch {
        let url = self.url.unwrap_or_else(|| self.provider.url().to_owned());
        if self.provider == Provider::CloudflareTurnstile {
            let body = Object::new().text("secret", self.secret_key).text("response", self.response);
            let body = self.address.into_iter().fold(body, |body, address| body.text("remoteip", address));
            return Fetch::post(url, "application/json", body.finish());
        }
        let has_site_key = matches!(self.provider, Provider::HCaptcha | Provider::CaptchaFox);
        let address = if self.provider == Provider::CaptchaFox { "remoteIp" } else { "remoteip" };
        let body = Serializer::new(String::new())
            .append_pair("secret", self.secret_key)
            .append_pair("response", self.response)
            .extend_pairs(self.site_key.filter(|_| has_site_key).map(|key| ("sitekey", key)))
            .extend_pairs(self.address.map(|value| (address, value)))
            .finish();
        Fetch::post(url, "application/x-www-form-urlencoded", body)
    }
}

/// What its answer has to say, where it says such things.
pub(super) struct Wanted<'a> {
    pub(super) min_score: f64,
    pub(super) action: Option<&'a str>,
    pub(super) hostnames: &'a [&'a str],
}

/// Whether a service says that a person has answered; `None` where it says nothing.
pub(super) fn judge(provider: Provider, fetched: &Fetched, wanted: &Wanted<'_>) -> Option<bool> {
    let body = fetched.ok()?;
    // What is no JSON is a text to Better Auth.
    let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| body.into());
    if !is_truthy(&answer) {
        return None;
    }
    let of = |member: &str| answer.get(member);
    let score = of("score").and_then(Value::as_f64).filter(|_| provider == Provider::GoogleRecaptcha);
    let names = matches!(provider, Provider::CloudflareTurnstile | Provider::GoogleRecaptcha);
    let is_one = |member: &str, allowed: &[&str]| {
        !names || of(member).and_then(Value::as_str).is_some_and(|value| allowed.contains(&value))
    };
    Some(
        of("success").is_some_and(is_truthy)
            && score.is_none_or(|score| score >= wanted.min_score)
            && wanted.action.is_none_or(|action| is_one("action", &[action]))
            && (wanted.hostnames.is_empty() || is_one("hostname", wanted.hostnames)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Wanted<'static> = Wanted { min_score: 0.5, action: None, hostnames: &[] };

    fn of(body: &str) -> Fetched {
        Fetched::Answer { status: 200, body: body.into() }
    }

    #[test]
    fn what_is_asked_is_what_better_auth_asks() {
        let asked = |provider| Asked {
            provider,
            url: None,
            secret_key: "s e&c",
            response: "r=\u{e9}",
            address: Some("2001:db8::"),
            site_key: Some("k"),
        };
        for (provider, url, body) in [
            (
                Provider::CloudflareTurnstile,
                "https://challenges.cloudflare.com/turnstile/v0/siteverify",
                "{\"secret\":\"s e&c\",\"response\":\"r=\u{e9}\",\"remoteip\":\"2001:db8::\"}",
            ),
            (
                Provider::GoogleRecaptcha,
                "https://www.google.com/recaptcha/api/siteverify",
                "secret=s+e%26c&response=r%3D%C3%A9&remoteip=2001%3Adb8%3A%3A",
            ),
            (
                Provider::HCaptcha,
                "https://api.hcaptcha.com/siteverify",
                "secret=s+e%26c&response=r%3D%C3%A9&sitekey=k&remoteip=2001%3Adb8%3A%3A",
            ),
            (
                Provider::CaptchaFox,
                "https://api.captchafox.com/siteverify",
                "secret=s+e%26c&response=r%3D%C3%A9&sitekey=k&remoteIp=2001%3Adb8%3A%3A",
            ),
        ] {
            let fetch = asked(provider).fetch();
            assert_eq!((fetch.method, fetch.url.as_str()), ("POST", url));
            assert_eq!(fetch.body.as_deref().map(String::as_str), Some(body));
        }
        let fetch =
            Asked { url: Some("https://mine.example".into()), address: None, ..asked(Provider::HCaptcha) }
                .fetch();
        assert_eq!(fetch.url, "https://mine.example");
        assert_eq!(
            fetch.body.as_deref().map(String::as_str),
            Some("secret=s+e%26c&response=r%3D%C3%A9&sitekey=k")
        );
    }

    #[test]
    fn what_is_no_answer_is_none() {
        use Provider::{CaptchaFox, CloudflareTurnstile, GoogleRecaptcha, HCaptcha};
        for provider in [CloudflareTurnstile, GoogleRecaptcha, HCaptcha, CaptchaFox] {
            for body in ["", "null", "0", "false", "\"\""] {
                assert_eq!(judge(provider, &of(body), &ANY), None, "{body}");
            }
            for status in [301, 400, 500] {
                let fetched = Fetched::Answer { status, body: r#"{"success":true}"#.into() };
                assert_eq!(judge(provider, &fetched, &ANY), None);
            }
            assert_eq!(judge(provider, &Fetched::Failed, &ANY), None);
            for body in
                ["<html>", "5", "[true]", "{}", r#"{"success":false}"#, r#"{"success":""}"#, "{\"success\":t"]
            {
                assert_eq!(judge(provider, &of(body), &ANY), Some(false), "{body}");
            }
            for body in [r#"{"success":true}"#, r#"{"success":1}"#, r#"{"success":"false"}"#] {
                assert_eq!(judge(provider, &of(body), &ANY), Some(true), "{body}");
            }
        }
    }

    #[test]
    fn score_action_and_host_count_where_the_service_names_them() {
        use Provider::{CaptchaFox, CloudflareTurnstile, GoogleRecaptcha, HCaptcha};
        let wanted = Wanted { min_score: 0.7, action: Some("a"), hostnames: &["x.example", "y.example"] };
        for (body, google, cloudflare) in [
            (r#"{"success":true,"score":0.7,"action":"a","hostname":"y.example"}"#, true, true),
            (r#"{"success":true,"score":0.69,"action":"a","hostname":"y.example"}"#, false, true),
            (r#"{"success":true,"score":"0.1","action":"a","hostname":"x.example"}"#, true, true),
            (r#"{"success":true,"action":"b","hostname":"x.example"}"#, false, false),
            (r#"{"success":true,"hostname":"x.example"}"#, false, false),
            (r#"{"success":true,"action":"a"}"#, false, false),
            (r#"{"success":true,"action":"a","hostname":"z.example"}"#, false, false),
            (r#"{"success":true,"action":["a"],"hostname":"x.example"}"#, false, false),
            (r#"{"success":false,"score":1,"action":"a","hostname":"x.example"}"#, false, false),
        ] {
            assert_eq!(judge(GoogleRecaptcha, &of(body), &wanted), Some(google), "{body}");
            assert_eq!(judge(CloudflareTurnstile, &of(body), &wanted), Some(cloudflare), "{body}");
            for other in [HCaptcha, CaptchaFox] {
                assert_eq!(judge(other, &of(body), &wanted), Some(body.contains("true")), "{body}");
            }
        }
    }
}
