//! Links: mailed, and taken back once. A link's row is Better Auth's: identifier `magic-link:<stored token>`, value
//! `{"type":"magic-link","email","name"}`.

use serde_json::{Map, Value};
use url::Url;

use super::settings;
use crate::crypto::random::Alphabet;
use crate::error::{AuthError, Code};
use crate::flow::input::{Input, Issues, is_email};
use crate::flow::json::Object;
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::session::{self, Caller, Live};
use crate::flow::sign_up::MAX_EMAIL;
use crate::flow::{fields, new_user, proof};
use crate::store::server::{Timestamp, random_text};
use crate::store::user::{self, User};
use crate::store::verification;

/// The mail with a link.
const MAIL: Kind = Kind::mail("magic-link");

/// Better Auth's name for this way to sign up, and the type of what it keeps.
const METHOD: &str = "magic-link";

/// Length of Better Auth's tokens.
const TOKEN: usize = 32;

/// What a link is asked for with.
pub(super) struct Request<'a> {
    pub(super) email: Input<'a>,
    pub(super) name: Input<'a>,
    pub(super) callback_url: Input<'a>,
    pub(super) new_user_callback_url: Input<'a>,
    pub(super) error_callback_url: Input<'a>,
    pub(super) metadata: Option<&'a Value>,
}

/// `sign-in/magic-link`: mails a link, whoever has the address.
///
/// # Errors
/// VALIDATION_ERROR, a request from where it must not come, and those of mail.
pub(super) fn ask(caller: &mut dyn Caller, request: &Request<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.email("email", request.email);
    if is_email(email) && email.len() > MAX_EMAIL {
        issues.add("email", "Invalid email address");
    }
    let name = issues.optional("name", request.name);
    let callback_url = issues.optional("callbackURL", request.callback_url);
    let new_user_callback_url = issues.optional("newUserCallbackURL", request.new_user_callback_url);
    let error_callback_url = issues.optional("errorCallbackURL", request.error_callback_url);
    if let Some(metadata) = request.metadata.filter(|metadata| !metadata.is_object()) {
        let received = Input::from(Some(metadata)).kind();
        issues.add("metadata", &format!("Invalid input: expected record, received {received}"));
    }
    let metadata = request.metadata.map(Value::to_string);
    for (field, value) in [
        ("metadata", metadata.as_deref()),
        ("name", name),
        ("callbackURL", callback_url),
        ("newUserCallbackURL", new_user_callback_url),
        ("errorCallbackURL", error_callback_url),
    ] {
        issues.bounded(field, value);
    }
    issues.finish()?;
    // No user could have it, and no mail.
    if name.is_some_and(|name| name.contains('\0')) || request.metadata.is_some_and(fields::has_nul) {
        return Err(AuthError::Nul);
    }
    caller.admit()?;
    let base_url = caller.base_url()?;
    let token = random_text(Alphabet::Letters, TOKEN)?;
    let mut record = Object::new().text("type", METHOD).text("email", email);
    if let Some(name) = name {
        record = record.text("name", name);
    }
    let now = Timestamp::now();
    let expires_at = now.plus(settings::expires_in());
    verification::create(&identifier(&token), &record.finish(), expires_at, now)?;
    let callback_url = callback_url.filter(|url| !url.is_empty()).unwrap_or("/");
    let mut parameters = vec![("token", token.as_str()), ("callbackURL", callback_url)];
    for (name, url) in
        [("newUserCallbackURL", new_user_callback_url), ("errorCallbackURL", error_callback_url)]
    {
        parameters.extend(url.filter(|url| !url.is_empty()).map(|url| (name, url)));
    }
    let data = request.metadata.map(|metadata| ("metadata".to_owned(), metadata.clone()));
    mail::send(&Draft {
        kind: MAIL,
        recipient: email,
        url: &link(&base_url, &parameters)?,
        token: &token,
        user: None,
        data: Map::from_iter(data),
        expires_at,
    })
}

fn link(base_url: &str, parameters: &[(&str, &str)]) -> Result<String, AuthError> {
    let url = Url::parse(&format!("{}/magic-link/verify", base_url.trim_end_matches('/')));
    let mut url = url.map_err(|_| AuthError::Setup("better_auth.base_url is no URL".into()))?;
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(url.into())
}

/// Where the row of a token is.
fn identifier(token: &str) -> String {
    format!("{METHOD}:{}", settings::store_token().of(token))
}

/// Whom a link is for.
#[derive(PartialEq, Eq, Debug)]
struct Record {
    email: String,
    name: Option<String>,
}

impl Record {
    /// Better Auth's `parseMagicLinkRecord`, to which any other member is one too many.
    fn parse(value: &str) -> Option<Self> {
        let Ok(Value::Object(mut members)) = serde_json::from_str(value) else { return None };
        if members.remove("type")? != METHOD {
            return None;
        }
        let Value::String(email) = members.remove("email")? else { return None };
        let name = match members.remove("name") {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return None,
        };
        (members.is_empty() && is_email(&email)).then_some(Self { email, name })
    }
}

/// Why a link doesn't sign in.
pub(super) enum Refusal {
    /// What the page for errors is told: `error`, and `error_description` where there is one.
    Told(String, Option<String>),
    /// The answer.
    Answered(AuthError),
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::Answered(error)
    }
}

fn told(error: &str) -> Refusal {
    Refusal::Told(error.to_owned(), None)
}

/// Who came by a link.
pub(super) struct SignedIn {
    pub(super) live: Live,
    pub(super) is_new: bool,
}

/// `magic-link/verify`: takes the token, and signs in, or up. Of all who come by it one gets in.
///
/// # Errors
/// See [`Refusal`].
pub(super) fn verify(caller: &mut dyn Caller, token: &str) -> Result<SignedIn, Refusal> {
    let identifier = identifier(token);
    let invalid = || told("INVALID_TOKEN");
    let pending = verification::find(&identifier)?.ok_or_else(invalid)?;
    Record::parse(&pending.value).ok_or_else(invalid)?;
    let taken = verification::consume(&identifier, Timestamp::now())?.ok_or_else(invalid)?;
    let Record { email, name } = Record::parse(&taken.value).ok_or_else(invalid)?;
    let email = email.to_lowercase();
    let (user, is_new) = match user::find_by_email(&email)? {
        Some(user) => (user, false),
        None if settings::disable_sign_up() => return Err(told("new_user_signup_disabled")),
        None => sign_up(caller, &email, &name.unwrap_or_default())?,
    };
    let user = match user.email_verified {
        true => user,
        false => proof::take_over(&user)?.ok_or_else(|| told("user_not_found"))?,
    };
    let session = session::open(caller, &user, true)?;
    Ok(SignedIn { live: Live { session, user }, is_new })
}

fn sign_up(caller: &dyn Caller, email: &str, name: &str) -> Result<(User, bool), Refusal> {
    let user = User { email_verified: true, ..User::draft(name, email, None, Timestamp::now())? };
    let draft = new_user::Draft { user, additional: Vec::new() };
    match new_user::create(caller, draft, &Map::new(), METHOD, |_| Ok(())) {
        Ok(Some(user)) => Ok((user, true)),
        // Somebody else was faster.
        Ok(None) => match user::find_by_email(email)? {
            Some(user) => Ok((user, false)),
            None => Err(told(Code::FAILED_TO_CREATE_USER.code)),
        },
        Err(error) => Err(match error.code().filter(|_| error.status().is_some()) {
            Some(code) => Refusal::Told(code.to_owned(), Some(error.message())),
            None => Refusal::Answered(error),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_better_auths_to_the_letter() {
        let record = |name: Option<&str>| {
            Some(Record { email: "Ada@example.com".into(), name: name.map(str::to_owned) })
        };
        for (value, expected) in [
            (r#"{"type":"magic-link","email":"Ada@example.com"}"#, record(None)),
            (r#"{"type":"magic-link","email":"Ada@example.com","name":""}"#, record(Some(""))),
            (r#" {"name":"é","email":"Ada@example.com","type":"magic-link"} "#, record(Some("é"))),
            (r#"{"type":"magic-link","email":"Ada@example.com","name":null}"#, None),
            (r#"{"type":"magic-link","email":"Ada@example.com","more":1}"#, None),
            (r#"{"type":"other","email":"Ada@example.com"}"#, None),
            (r#"{"type":"magic-link","email":"ada"}"#, None),
            (r#"{"type":"magic-link"}"#, None),
            (r#"{"email":"Ada@example.com"}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(Record::parse(value), expected, "{value}");
        }
    }

    #[test]
    fn links_are_written_as_urls_are() {
        let written = link("https://a.example/api/auth", &[("token", "x"), ("callbackURL", "/a b?c=d&e#é")]);
        let expected =
            "https://a.example/api/auth/magic-link/verify?token=x&callbackURL=%2Fa+b%3Fc%3Dd%26e%23%C3%A9";
        assert_eq!(written.ok().as_deref(), Some(expected));
    }
}
