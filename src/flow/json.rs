//! Better Auth's JSON: members in its order, declared fields first and `id` last, dates in ISO 8601 with
//! milliseconds and `Z`.

use serde_json::{Map, Value};

use crate::crypto::jwt::write_json;
use crate::flow::email_verification::Verified;
use crate::flow::input::js_number_text;
use crate::flow::session::Live;
use crate::store::account::Account;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::User;

/// JSON text of an object, member by member in the order that they are added.
pub(crate) struct Object(Vec<u8>);

impl Object {
    /// No members yet.
    pub(crate) fn new() -> Self {
        let mut json = Vec::with_capacity(512);
        json.push(b'{');
        Self(json)
    }

    fn add<T: ?Sized + serde::Serialize>(mut self, name: &str, value: &T) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_json(&mut self.0, name);
        self.0.push(b':');
        write_json(&mut self.0, value);
        self
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.add(name, value)
    }

    /// null where there is none.
    pub(crate) fn optional(self, name: &str, value: Option<&str>) -> Self {
        self.add(name, &value)
    }

    pub(crate) fn boolean(self, name: &str, value: bool) -> Self {
        self.add(name, &value)
    }

    pub(crate) fn number(self, name: &str, value: i64) -> Self {
        self.add(name, &value)
    }

    /// As JavaScript's `toISOString` writes it; null for one that JavaScript could not hold.
    pub(crate) fn date(self, name: &str, time: Timestamp) -> Self {
        self.add(name, &time.to_iso_string())
    }

    /// null where there is none.
    pub(crate) fn optional_date(self, name: &str, time: Option<Timestamp>) -> Self {
        self.add(name, &time.and_then(Timestamp::to_iso_string))
    }

    /// A value that is JSON text already.
    pub(crate) fn json(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_json(&mut self.0, name);
        self.0.push(b':');
        self.0.extend_from_slice(json.as_bytes());
        self
    }

    /// All members of another object.
    pub(crate) fn members(mut self, object: &Map<String, Value>) -> Self {
        for (name, value) in object {
            self = self.add(name, value);
        }
        self
    }

    /// The additional fields of a row, which are an object without spaces.
    pub(crate) fn additional(mut self, object: Option<&str>) -> Self {
        let members = object.and_then(|object| object.strip_prefix('{')?.strip_suffix('}'));
        if let Some(members) = members.filter(|members| !members.is_empty()) {
            if self.0.len() > 1 {
                self.0.push(b',');
            }
            self.0.extend_from_slice(members.as_bytes());
        }
        self
    }

    /// The object's text.
    pub(crate) fn finish(mut self) -> String {
        self.0.push(b'}');
        // All that was written is text.
        String::from_utf8(self.0).unwrap_or_default()
    }
}

/// JSON text of a value as JavaScript's `JSON.stringify` writes what `JSON.parse` read: numbers that are doubles, and
/// members whose names are small whole numbers first.
pub(crate) fn stringify(value: &Value) -> String {
    let mut json = Vec::new();
    write_as_javascript(&mut json, value);
    // All that was written is text.
    String::from_utf8(json).unwrap_or_default()
}

fn write_as_javascript(json: &mut Vec<u8>, value: &Value) {
    let separate = |json: &mut Vec<u8>, index: usize| {
        if index > 0 {
            json.push(b',');
        }
    };
    match value {
        Value::Number(number) => {
            json.extend_from_slice(js_number_text(number.as_f64().unwrap_or_default()).as_bytes());
        }
        Value::Array(items) => {
            json.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(json, index);
                write_as_javascript(json, item);
            }
            json.push(b']');
        }
        Value::Object(members) => {
            let place = |name: &str| {
                let place: u32 = name.parse().ok()?;
                (place < u32::MAX && place.to_string() == name).then_some(place)
            };
            let mut members: Vec<_> =
                members.iter().map(|(name, value)| (place(name), name, value)).collect();
            members.sort_by_key(|(place, ..)| place.map_or(u64::MAX, u64::from));
            json.push(b'{');
            for (index, (_, name, value)) in members.into_iter().enumerate() {
                separate(json, index);
                write_json(json, name);
                json.push(b':');
                write_as_javascript(json, value);
            }
            json.push(b'}');
        }
        other => write_json(json, other),
    }
}

/// JSON text of an array of values that are JSON text already.
pub(crate) fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// `user`.
pub(crate) fn user(user: &User) -> String {
    Object::new()
        .text("name", &user.name)
        .text("email", &user.email)
        .boolean("emailVerified", user.email_verified)
        .optional("image", user.image.as_deref())
        .date("createdAt", user.created_at)
        .date("updatedAt", user.updated_at)
        .additional(user.additional.as_deref())
        .text("id", &user.id)
        .finish()
}

/// `session`.
pub(crate) fn session(session: &Session) -> String {
    Object::new()
        .date("expiresAt", session.expires_at)
        .text("token", &session.token)
        .date("createdAt", session.created_at)
        .date("updatedAt", session.updated_at)
        .optional("ipAddress", session.ip_address.as_deref())
        .optional("userAgent", session.user_agent.as_deref())
        .text("userId", &session.user_id)
        .additional(session.additional.as_deref())
        .text("id", &session.id)
        .finish()
}

/// `{user, session}` for functions of the DBA's: without the token, which is as good as the user.
pub(crate) fn told(live: &Live) -> String {
    let session: Map<String, Value> = serde_json::from_str(&session(&live.session)).unwrap_or_default();
    let session = session.into_iter().filter(|(name, _)| name != "token").collect();
    let session = Object::new().members(&session).finish();
    Object::new().json("user", &user(&live.user)).json("session", &session).finish()
}

/// What `sign-in/email` answers.
pub(crate) fn signed_in(session: &Session, signed_in: &User, callback_url: Option<&str>) -> String {
    let is_redirect = callback_url.is_some_and(|url| !url.is_empty());
    let mut answer = Object::new().boolean("redirect", is_redirect).text("token", &session.token);
    if let Some(url) = callback_url {
        answer = answer.text("url", url);
    }
    answer.json("user", &user(signed_in)).finish()
}

/// What `change-password` answers: the token of the session that was opened, if one was.
pub(crate) fn changed_password(opened: Option<&Session>, changed: &User) -> String {
    let token = opened.map(|session| session.token.as_str());
    Object::new().optional("token", token).json("user", &user(changed)).finish()
}

/// What `delete-user` answers.
pub(crate) fn deleted(is_mailed: bool) -> String {
    let message = if is_mailed { "Verification email sent" } else { "User deleted" };
    Object::new().boolean("success", true).text("message", message).finish()
}

/// What `verify-email` answers.
pub(crate) fn verified(verified: &Verified) -> String {
    let answer = Object::new().boolean("status", true);
    match verified {
        Verified::Email(_) => answer.json("user", "null").finish(),
        Verified::Confirmed => answer.finish(),
        Verified::Changed(changed, _) => answer.json("user", &user(changed)).finish(),
    }
}

/// What `get-session` answers.
pub(crate) fn live(live: &Live) -> String {
    Object::new().json("session", &session(&live.session)).json("user", &user(&live.user)).finish()
}

/// The same where it comes from the cookie cache, in the order of the schema that Better Auth reads it with.
pub(crate) fn cached_live(live: &Live) -> String {
    let Live { session, user } = live;
    let session = Object::new()
        .text("id", &session.id)
        .date("createdAt", session.created_at)
        .date("updatedAt", session.updated_at)
        .text("userId", &session.user_id)
        .date("expiresAt", session.expires_at)
        .text("token", &session.token)
        .optional("ipAddress", session.ip_address.as_deref())
        .optional("userAgent", session.user_agent.as_deref())
        .additional(session.additional.as_deref());
    Object::new().json("session", &session.finish()).json("user", &cached_user(user)).finish()
}

/// A user in the same order.
pub(crate) fn cached_user(user: &User) -> String {
    Object::new()
        .text("id", &user.id)
        .date("createdAt", user.created_at)
        .date("updatedAt", user.updated_at)
        .text("email", &user.email)
        .boolean("emailVerified", user.email_verified)
        .text("name", &user.name)
        .optional("image", user.image.as_deref())
        .additional(user.additional.as_deref())
        .finish()
}

/// A session and its user out of a cookie cache's `{session, user, ...}`; `None` when something is missing.
pub(crate) fn parse_live(cached: &Map<String, Value>) -> Option<Live> {
    let text = |object: &Map<String, Value>, name: &str| Some(object.get(name)?.as_str()?.to_owned());
    let optional = |object: &Map<String, Value>, name: &str| match object.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let time = |object: &Map<String, Value>, name: &str| Timestamp::parse(object.get(name)?.as_str()?);
    // What is not one of the declared fields is an additional one.
    let additional = |object: &Map<String, Value>, declared: &[&str]| {
        let mut rest = object.clone();
        rest.retain(|name, _| !declared.contains(&name.as_str()));
        (!rest.is_empty()).then(|| Value::Object(rest).to_string())
    };
    let (session, user) = (cached.get("session")?.as_object()?, cached.get("user")?.as_object()?);
    Some(Live {
        session: Session {
            id: text(session, "id")?,
            expires_at: time(session, "expiresAt")?,
            token: text(session, "token")?,
            created_at: time(session, "createdAt")?,
            updated_at: time(session, "updatedAt")?,
            ip_address: optional(session, "ipAddress")?,
            user_agent: optional(session, "userAgent")?,
            user_id: text(session, "userId")?,
            additional: additional(
                session,
                &["id", "expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId"],
            ),
        },
        user: User {
            id: text(user, "id")?,
            name: text(user, "name")?,
            email: text(user, "email")?,
            email_verified: user.get("emailVerified")?.as_bool()?,
            image: optional(user, "image")?,
            created_at: time(user, "createdAt")?,
            updated_at: time(user, "updatedAt")?,
            additional: additional(
                user,
                &["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"],
            ),
        },
    })
}

/// One of `list-accounts`.
pub(crate) fn account(account: &Account) -> String {
    let scopes: Vec<&str> = crate::settings::parts(account.scope.as_deref().unwrap_or_default()).collect();
    Object::new()
        .text("accountId", &account.account_id)
        .text("providerId", &account.provider_id)
        .text("userId", &account.user_id)
        .date("createdAt", account.created_at)
        .date("updatedAt", account.updated_at)
        .text("id", &account.id)
        .add("scopes", &scopes)
        .finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn members_keep_their_order() {
        let json = Object::new()
            .text("z", "\u{1}\"é")
            .additional(Some(r#"{"b":1,"a":{"y":null,"x":[true]}}"#))
            .additional(Some("{}"))
            .additional(None)
            .optional("n", None)
            .finish();
        assert_eq!(json, r#"{"z":"\u0001\"é","b":1,"a":{"y":null,"x":[true]},"n":null}"#);
        assert_eq!(array(["1".to_owned(), "2".to_owned()].into_iter()), "[1,2]");
    }

    #[test]
    fn a_cached_session_is_what_was_cached() {
        let json = r#"{"session":{"id":"s","createdAt":"2026-11-23T08:55:25.333Z","updatedAt":"2026-11-23T08:55:25.333Z","userId":"u","expiresAt":"2026-11-30T08:55:25.333Z","token":"t","ipAddress":"","userAgent":null,"device":"d"},"user":{"id":"u","createdAt":"2026-11-23T08:55:25.333Z","updatedAt":"2026-11-23T08:55:25.333Z","email":"a@b.co","emailVerified":false,"name":"A","image":null,"age":1}}"#;
        let live = parse_live(&serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!(cached_live(&live), json);
        for (from, to) in [("\"t\"", "1"), ("false", "\"no\""), ("\"A\"", "null"), ("2026-11-30", "later")] {
            assert!(parse_live(&serde_json::from_str(&json.replace(from, to)).unwrap()).is_none(), "{from}");
        }
    }
}
