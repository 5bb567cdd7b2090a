//! Better Auth's anonymous plugin: users without credentials, who become others when they sign in or up.

mod flow;
mod routes;

use crate::api::http::{Answer, Context, Route};
use crate::error::{AuthError, codes};
use crate::plugin::{Column, Plugin, Rpc};
use crate::store::definition::BOOLEAN;

/// The plugin.
pub(super) struct Anonymous;

/// Its settings.
mod settings {
    use crate::settings::settings;

    settings! { "anonymous_";
        text email_domain_name = None,
            c"Domain of the emails of anonymous users.",
            c"Better Auth: anonymous({ emailDomainName }). anonymous.placeholder.invalid unless it is set.";
        text name = None,
            c"Name of anonymous users.",
            c"Better Auth: anonymous({ generateName }). Anonymous unless it is set.";
        flag disable_delete_anonymous_user = false,
            c"Keep anonymous users who have signed in or up.",
            c"Better Auth: anonymous({ disableDeleteAnonymousUser }).";
        text link_account_function = None,
            c"Function that moves what an anonymous user has to the user who it has become.",
            c"Better Auth: anonymous({ onLinkAccount }). It is called with {anonymousUser, newUser}, each {user, session}.";
    }
}

codes! {
    ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Anonymous users cannot sign in again anonymously"
    DELETE_ANONYMOUS_USER_DISABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Deleting anonymous users is disabled"
    INVALID_EMAIL_FORMAT 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Email was not generated in a valid format"
    USER_IS_NOT_ANONYMOUS 403 ERRCODE_INSUFFICIENT_PRIVILEGE
        "User is not anonymous"
}

impl Plugin for Anonymous {
    fn id(&self) -> &'static str {
        "anonymous"
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] =
            &[Column { default: Some("false"), ..Column::user(flow::ANONYMOUS, BOOLEAN) }];
        COLUMNS
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn rpc(&self) -> &'static [Rpc] {
        routes::RPC
    }

    fn after(&self, context: &mut Context<'_>, _: &mut Answer) -> Result<(), AuthError> {
        routes::link(context)
    }
}
