//! PostgREST's door: functions in an exposed schema, each a route of `handler()` under a name and arguments
//! of its own. What PostgREST knows of the request comes in by settings, status and headers go out by them.

use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::api::http::{Door, Response, answer_forwarded, call_route};
use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::{OrRaise, not_null};
use crate::error::AuthError;
use crate::flow::json::Object;
use crate::flow::token;
use crate::identity;
use crate::plugin;
use crate::store::{rpc as store, server};

/// Makes the RPC functions in `schema`, which PostgREST exposes, and grants them to its anonymous role and
/// the role of bridge tokens. Idempotent. PostgREST is told to look.
///
/// Errors: 55000 for a schema or a role that isn't there, and where another function has such a name.
#[pg_extern]
fn enable_rpc(
    schema: default!(Option<&str>, "'public'"),
    anon_role: default!(Option<&str>, "'anon'"),
    user_role: default!(Option<&str>, "'authenticated'"),
) {
    let roles = [not_null("anon_role", anon_role), not_null("user_role", user_role)];
    store::enable(not_null("schema", schema), &roles).or_raise();
}

/// Removes the RPC functions from `schema`.
#[pg_extern]
fn disable_rpc(schema: default!(Option<&str>, "'public'")) {
    store::disable(not_null("schema", schema)).or_raise();
}

/// Whether the request's bridge token is of a session that is still there, and what plugins have added to it still true;
/// true without such a token, unless a plugin turns the request away. What the function `pre_request()` asks, which
/// PostgREST calls before each request if its `db-pre-request` says so.
#[pg_extern(sql = false)]
fn rpc_session_is_live() -> bool {
    token::stands(identity::claims::of_request().as_ref()).or_raise() && plugin::pre_request().or_raise()
}

/// One call: the route's body out of the arguments that were given.
pub(crate) struct Call<'a> {
    session_token: Option<&'a str>,
    body: Map<String, Value>,
}

impl<'a> Call<'a> {
    pub(crate) fn with(session_token: Option<&'a str>) -> Self {
        Self { session_token, body: Map::new() }
    }

    /// A field of the body; NULL is left out.
    pub(crate) fn text(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.body.insert(name.into(), value.into());
        }
        self
    }

    pub(crate) fn boolean(mut self, name: &str, value: Option<bool>) -> Self {
        if let Some(value) = value {
            self.body.insert(name.into(), value.into());
        }
        self
    }

    /// A field that is an object.
    pub(crate) fn object(mut self, name: &str, value: Option<Jsonb<'_>>) -> Self {
        if let Some(value) = value {
            self.body.insert(name.into(), value.object(name).or_raise().into());
        }
        self
    }

    /// A field of any kind.
    pub(crate) fn value(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.body.insert(name.into(), value);
        }
        self
    }

    /// The members of an object, where they don't hide a field.
    pub(crate) fn additional(mut self, fields: Option<Jsonb<'_>>) -> Self {
        let fields = fields.map_or_else(|| Ok(Map::new()), |fields| fields.object("additional_fields"));
        for (name, value) in fields.or_raise() {
            self.body.entry(name).or_insert(value);
        }
        self
    }

    pub(crate) fn post(self, path: &str) -> JsonText {
        self.call("POST", path, &[])
    }

    pub(crate) fn get(self, path: &str) -> JsonText {
        self.call("GET", path, &[])
    }

    pub(crate) fn call(self, method: &'static str, path: &str, query: &[(&str, &str)]) -> JsonText {
        let door = Door {
            method,
            path,
            query,
            headers: server::request_headers(),
            body: (method == "POST").then(|| Value::Object(self.body).to_string()),
            session_token: self.session_token,
        };
        let response = without_redirect(call_route(&door));
        // PostgREST runs a GET in a read-only transaction.
        let status = match response.status {
            503 if !server::is_writable() => 405,
            status => status,
        };
        let mut headers = uncached(&response);
        // PostgREST itself says what the body is.
        headers.retain(|(name, _)| *name != "content-type");
        server::set_response(status, &headers).or_raise();
        JsonText::from_json(if response.body.is_empty() { body_of(status).into() } else { response.body })
    }
}

/// A redirect that tells of an error in its address, as an answer: nobody here is a browser that follows it.
fn without_redirect(response: Response) -> Response {
    let location = response.header("location").filter(|_| (300..400).contains(&response.status));
    let parameter = |name: &str| {
        let query = location?.split_once('?')?.1;
        url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value)
    };
    let Some(code) = parameter("error") else { return response };
    let message = parameter("error_description").unwrap_or_else(|| code.clone());
    let body = Object::new().text("message", &message).text("code", &code.to_uppercase()).finish();
    let mut headers = response.headers;
    headers.retain(|(name, _)| *name != "location");
    Response { status: 400, headers, body }
}

/// The headers of an answer, which nothing on the way may keep: PostgREST is often behind a cache, and Better Auth
/// says so of the session only.
fn uncached(response: &Response) -> Vec<(&'static str, String)> {
    let mut headers = response.plain_headers();
    if !headers.iter().any(|(name, _)| *name == "cache-control") {
        headers.push(("cache-control", "no-store".into()));
    }
    headers
}

/// What stands for an empty body: clients of PostgREST take an error whose body is `null` for none.
fn body_of(status: u16) -> &'static str {
    match status {
        404 => r#"{"message":"Not found","code":"NOT_FOUND"}"#,
        405 => r#"{"message":"Method not allowed","code":"METHOD_NOT_ALLOWED"}"#,
        400..500 => r#"{"message":"Bad request","code":"BAD_REQUEST"}"#,
        503 => r#"{"message":"Service unavailable","code":"SERVICE_UNAVAILABLE"}"#,
        500.. => r#"{"message":"Internal server error","code":"INTERNAL_SERVER_ERROR"}"#,
        _ => "null",
    }
}

/// `handler()` for a proxy in front of PostgREST, which runs only POSTs in a transaction that may write. So the
/// proxy makes every request one, with the body as it is, and method, URL and type of the body in headers of
/// its own: `X-Better-Auth-Method`, `X-Better-Auth-URL` (path and query), `X-Better-Auth-Content-Type`,
/// `X-Better-Auth-Cookie`, since PostgREST keeps one cookie of each name, and `X-Better-Auth-Authorization`, since
/// `Authorization` is PostgREST's own.
///
/// Errors: 22023 without those headers.
#[pg_extern(sql = false)]
fn rpc_better_auth_handler(body: Option<&[u8]>) -> Vec<u8> {
    let mut headers = server::request_headers();
    let mut take = |name: &str| {
        let at = headers.iter().position(|(header, _)| header == name)?;
        Some(headers.swap_remove(at).1)
    };
    let (method, url) = (take("x-better-auth-method"), take("x-better-auth-url"));
    let (content_type, cookie) = (take("x-better-auth-content-type"), take("x-better-auth-cookie"));
    let authorization = take("x-better-auth-authorization");
    let answer = || -> Result<Response, AuthError> {
        let missing = |name| {
            AuthError::Argument(format!(
                "the header {name} is missing: only a proxy that sets it can call this"
            ))
        };
        let method = method.ok_or_else(|| missing("X-Better-Auth-Method"))?;
        let url = url.ok_or_else(|| missing("X-Better-Auth-URL"))?;
        // It is PostgREST that wanted this type.
        headers.retain(|(name, _)| name != "content-type" && (name != "cookie" || cookie.is_none()));
        for (name, value) in
            [("content-type", content_type), ("cookie", cookie), ("authorization", authorization)]
        {
            headers.extend(value.map(|value| (name.to_owned(), value)));
        }
        let response = answer_forwarded(&method, &url, headers, body.unwrap_or_default())?;
        server::set_response(response.status, &uncached(&response))?;
        Ok(response)
    };
    answer().or_raise().body.into_bytes()
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, reason = "PostgREST passes them by name")]
fn rpc_sign_up_email(
    email: Option<&str>,
    password: Option<&str>,
    name: Option<&str>,
    image: Option<&str>,
    callback_url: Option<&str>,
    remember_me: Option<bool>,
    additional_fields: Option<Jsonb<'_>>,
) -> JsonText {
    Call::with(None)
        .text("email", email)
        .text("password", password)
        .text("name", name)
        .text("image", image)
        .text("callbackURL", callback_url)
        .boolean("rememberMe", remember_me)
        .additional(additional_fields)
        .post("/sign-up/email")
}

#[pg_extern(sql = false)]
fn rpc_sign_in_email(
    email: Option<&str>,
    password: Option<&str>,
    remember_me: Option<bool>,
    callback_url: Option<&str>,
) -> JsonText {
    Call::with(None)
        .text("email", email)
        .text("password", password)
        .boolean("rememberMe", remember_me)
        .text("callbackURL", callback_url)
        .post("/sign-in/email")
}

#[pg_extern(sql = false)]
fn rpc_sign_out(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/sign-out")
}

#[pg_extern(sql = false)]
fn rpc_get_session(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/get-session")
}

#[pg_extern(sql = false)]
fn rpc_bridge_token(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("")
}

#[pg_extern(sql = false)]
fn rpc_list_sessions(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/list-sessions")
}

#[pg_extern(sql = false)]
fn rpc_revoke_session(token: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("token", token).post("/revoke-session")
}

#[pg_extern(sql = false)]
fn rpc_revoke_sessions(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/revoke-sessions")
}

#[pg_extern(sql = false)]
fn rpc_revoke_other_sessions(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).post("/revoke-other-sessions")
}

#[pg_extern(sql = false)]
fn rpc_update_user(
    name: Option<&str>,
    image: Option<&str>,
    additional_fields: Option<Jsonb<'_>>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("name", name)
        .text("image", image)
        .additional(additional_fields)
        .post("/update-user")
}

#[pg_extern(sql = false)]
fn rpc_change_password(
    current_password: Option<&str>,
    new_password: Option<&str>,
    revoke_other_sessions: Option<bool>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("currentPassword", current_password)
        .text("newPassword", new_password)
        .boolean("revokeOtherSessions", revoke_other_sessions)
        .post("/change-password")
}

#[pg_extern(sql = false)]
fn rpc_request_password_reset(email: Option<&str>, redirect_to: Option<&str>) -> JsonText {
    Call::with(None).text("email", email).text("redirectTo", redirect_to).post("/request-password-reset")
}

#[pg_extern(sql = false)]
fn rpc_reset_password(token: Option<&str>, new_password: Option<&str>) -> JsonText {
    Call::with(None).text("token", token).text("newPassword", new_password).post("/reset-password")
}

#[pg_extern(sql = false)]
fn rpc_send_verification_email(
    email: Option<&str>,
    callback_url: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("email", email)
        .text("callbackURL", callback_url)
        .post("/send-verification-email")
}

#[pg_extern(sql = false)]
fn rpc_verify_email(token: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).call("GET", "/verify-email", &[("token", token.unwrap_or_default())])
}

#[pg_extern(sql = false)]
fn rpc_change_email(
    new_email: Option<&str>,
    callback_url: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("newEmail", new_email)
        .text("callbackURL", callback_url)
        .post("/change-email")
}

#[pg_extern(sql = false)]
fn rpc_delete_user(
    password: Option<&str>,
    token: Option<&str>,
    callback_url: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("password", password)
        .text("token", token)
        .text("callbackURL", callback_url)
        .post("/delete-user")
}

#[pg_extern(sql = false)]
fn rpc_list_accounts(session_token: Option<&str>) -> JsonText {
    Call::with(session_token).get("/list-accounts")
}

/// An id token as the routes take it.
fn id_token(token: Option<&str>, members: &[(&str, Option<&str>)], user: Option<Jsonb<'_>>) -> Option<Value> {
    let mut object = Map::new();
    object.insert("token".into(), token?.into());
    for (name, value) in members {
        if let Some(value) = value {
            object.insert((*name).into(), (*value).into());
        }
    }
    if let Some(user) = user {
        object.insert("user".into(), user.object("user_data").or_raise().into());
    }
    Some(object.into())
}

#[pg_extern(sql = false)]
fn rpc_sign_in_social(
    provider: Option<&str>,
    token: Option<&str>,
    nonce: Option<&str>,
    access_token: Option<&str>,
    user_data: Option<Jsonb<'_>>,
    request_sign_up: Option<bool>,
) -> JsonText {
    let token = id_token(token, &[("nonce", nonce), ("accessToken", access_token)], user_data);
    Call::with(None)
        .text("provider", provider)
        .value("idToken", token)
        .boolean("requestSignUp", request_sign_up)
        .post("/sign-in/social")
}

#[pg_extern(sql = false)]
fn rpc_link_social(
    provider: Option<&str>,
    token: Option<&str>,
    nonce: Option<&str>,
    access_token: Option<&str>,
    refresh_token: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let members = [("nonce", nonce), ("accessToken", access_token), ("refreshToken", refresh_token)];
    Call::with(session_token)
        .text("provider", provider)
        .value("idToken", id_token(token, &members, None))
        .post("/link-social")
}

#[pg_extern(sql = false)]
fn rpc_unlink_account(account_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    Call::with(session_token).text("accountId", account_id).post("/unlink-account")
}
