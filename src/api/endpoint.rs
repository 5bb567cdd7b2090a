//! `api()`: Better Auth's `auth.api`, each endpoint by its name.

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::api::http::{Door, Response, call_endpoint};
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::{OrRaise, not_null};
use crate::error::AuthError;
use crate::flow::json::Object;

/// Calls one of Better Auth's endpoints, or of the plugins that are on, by its name in `auth.api`: also those that HTTP
/// doesn't reach. `input` is `{body, query, params, headers}`, each an object and optional. No rate limit counts, and
/// nobody's origin is checked. What would be a redirect is `{redirect: true, url}`; cookies aren't told.
///
/// Errors: what the endpoint refuses; 22023 for an endpoint that isn't there or an `input` of another shape.
#[pg_extern]
fn api(
    endpoint: Option<&str>,
    input: default!(Option<Jsonb<'_>>, "'{}'"),
    session_token: default!(Option<&str>, "NULL"),
    ip_address: default!(Option<&str>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> Option<JsonText> {
    let endpoint = not_null("endpoint", endpoint);
    let input = input.map_or_else(|| Ok(Map::new()), |input| input.object("input")).or_raise();
    let answer = || {
        let input = Input::read(input)?;
        // As in Better Auth: whoever hands a request's headers on acts for who made it, even where these name nobody.
        let is_own = input.headers.is_none() && session_token.is_none();
        let mut headers = input.headers.unwrap_or_default();
        headers.extend(user_agent.map(|agent| ("user-agent".to_owned(), agent.to_owned())));
        let query: Vec<(&str, &str)> =
            input.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let door =
            Door { method: "POST", path: "/", query: &query, headers, body: input.body, session_token };
        call_endpoint(endpoint, door, input.param.as_deref(), ip_address, is_own)
    };
    body(answer().or_raise())
}

/// The parts of `input`.
struct Input {
    body: Option<String>,
    query: Vec<(String, String)>,
    headers: Option<Vec<(String, String)>>,
    param: Option<String>,
}

impl Input {
    /// # Errors
    /// It has other members, or one of another shape.
    fn read(input: Map<String, Value>) -> Result<Self, AuthError> {
        let (mut body, mut query, mut headers, mut param) = (None, Vec::new(), None, None);
        for (name, value) in input {
            let refused = || AuthError::Argument(format!("input: {name} must be an object"));
            if value.is_null() {
                continue;
            }
            match name.as_str() {
                "body" => body = Some(value.to_string()),
                "query" => query = texts(value).ok_or_else(refused)?,
                "headers" => {
                    let given = texts(value).ok_or_else(refused)?;
                    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
                    headers = Some(given.into_iter().map(lower).collect());
                }
                "params" => {
                    let params = texts(value).ok_or_else(refused)?;
                    param = params.into_iter().next_back().map(|(_, value)| value);
                }
                _ => {
                    return Err(AuthError::Argument(
                        "input has the members body, query, params and headers".into(),
                    ));
                }
            }
        }
        Ok(Self { body, query, headers, param })
    }
}

/// The members of an object as texts; a list is a name that stands several times.
fn texts(value: Value) -> Option<Vec<(String, String)>> {
    let Value::Object(members) = value else { return None };
    let mut texts = Vec::new();
    for (name, value) in members {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            match value {
                Value::Null => {}
                Value::String(text) => texts.push((name.clone(), text)),
                Value::Object(_) | Value::Array(_) => return None,
                other => texts.push((name.clone(), other.to_string())),
            }
        }
    }
    Some(texts)
}

/// An answer as jsonb.
fn body(response: Response) -> Option<JsonText> {
    let header = |name| response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
    if let Some(location) = header("location").filter(|_| response.body.is_empty()) {
        return Some(Object::new().boolean("redirect", true).text("url", location).into());
    }
    let is_json = header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    match response.body {
        body if body.is_empty() || body == "null" => None,
        body if is_json => Some(JsonText::from_json(body)),
        body => Some(JsonText::from_json(Value::String(body).to_string())),
    }
}
