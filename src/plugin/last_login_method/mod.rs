//! Better Auth's last-login-method plugin: how a user signed in last, in a cookie that pages can read, and in a column.

use crate::api::http::cookies::{Attributes, is_name};
use crate::api::http::{Answer, Context};
use crate::error::AuthError;
use crate::flow::new_user::Draft;
use crate::flow::session::Caller;
use crate::flow::url::encode;
use crate::plugin::{Column, Plugin};
use crate::store::catalog::Table;
use crate::store::definition::TEXT;
use crate::store::fields::Given;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::{self, Changes, User};

/// The plugin.
pub(super) struct LastLoginMethod;

/// Better Auth's name of the column.
const FIELD: &str = "lastLoginMethod";

mod settings {
    crate::settings::settings! { "last_login_method_";
        text cookie_name = Some(c"better-auth.last_used_login_method"),
            c"Name of the cookie that says how the user signed in last.",
            c"Better Auth: lastLoginMethod.cookieName.";
        seconds max_age = 2_592_000,
            c"Lifetime of that cookie.",
            c"Better Auth: lastLoginMethod.maxAge.";
        column_flag store_in_database = false,
            c"Store how a user signed in last in the column lastLoginMethod as well.",
            c"Better Auth: lastLoginMethod.storeInDatabase.";
    }
}

impl Plugin for LastLoginMethod {
    fn id(&self) -> &'static str {
        "last-login-method"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] =
            &[Column { is_on: settings::store_in_database, ..Column::user(FIELD, TEXT) }];
        COLUMNS
    }

    fn before_user(&self, caller: &dyn Caller, draft: &mut Draft) -> Result<(), AuthError> {
        match stored(caller) {
            Some(method) => draft.set(FIELD, Some(method)),
            None => Ok(()),
        }
    }

    fn changes_users_at_sign_in(&self) -> bool {
        settings::store_in_database()
    }

    fn after_session(&self, caller: &dyn Caller, user: &User, _: &Session) -> Result<(), AuthError> {
        if let Some(method) = stored(caller) {
            let given = [Given::of(Table::User, FIELD, Some(method))?];
            user::update(&user.id, &Changes { additional: &given, ..Changes::default() }, Timestamp::now())?;
        }
        Ok(())
    }

    fn after(&self, context: &mut Context<'_>, _: &mut Answer) -> Result<(), AuthError> {
        let Some(method) = method(context.path).map(encode) else { return Ok(()) };
        let session = context.session_cookie_name();
        let name = settings::cookie_name().filter(|name| is_name(name));
        if let Some(name) =
            name.filter(|_| context.set_cookie_headers().any(|header| header.contains(&session)))
        {
            let attributes = context.attributes(Some(settings::max_age()));
            context.put(name, &method, Attributes { http_only: false, ..attributes });
        }
        Ok(())
    }
}

/// The method of a sign-in, where it is to be stored.
fn stored(caller: &dyn Caller) -> Option<&str> {
    method(caller.endpoint()).filter(|_| settings::store_in_database())
}

/// The method of an endpoint that signs in: Better Auth's `defaultResolveMethod`.
fn method(path: &str) -> Option<&str> {
    if let Some(provider) = path.strip_prefix("/callback/") {
        return provider.split('/').next().filter(|provider| !provider.is_empty());
    }
    match path {
        "/one-tap/callback" => Some("google"),
        "/sign-in/email" | "/sign-up/email" => Some("email"),
        _ if path.contains("siwe") => Some("siwe"),
        _ if path.contains("/passkey/verify-authentication") => Some("passkey"),
        _ if path.starts_with("/magic-link/verify") => Some("magic-link"),
        "/sign-in/email-otp" => Some("email-otp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_better_auths() {
        for (path, expected) in [
            ("/sign-in/email", Some("email")),
            ("/sign-up/email", Some("email")),
            ("/sign-in/email-otp", Some("email-otp")),
            ("/magic-link/verify", Some("magic-link")),
            ("/callback/github", Some("github")),
            ("/callback/github/oauth-proxy", Some("github")),
            ("/callback/", None),
            ("/one-tap/callback", Some("google")),
            ("/siwe/verify", Some("siwe")),
            ("/passkey/verify-authentication", Some("passkey")),
            ("/sign-in/username", None),
            ("/sign-in/magic-link", None),
            ("/get-session", None),
            ("", None),
        ] {
            assert_eq!(method(path), expected, "{path}");
        }
    }
}
