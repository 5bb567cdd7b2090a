//! Better Auth's username plugin: a name to sign in with, beside the email, and how it is to be shown.

mod flow;
mod name;
mod routes;
mod store;

use serde_json::{Map, Value};

use crate::api::http::Route;
use crate::error::{AuthError, codes};
use crate::flow::new_user::Draft;
use crate::flow::session::Caller;
use crate::plugin::{Column, Plugin, Rpc};
use crate::store::definition::{TEXT, TEXT_UNIQUE};
use crate::store::fields::Given;
use crate::store::user::User;

/// The plugin.
pub(super) struct Username;

/// Its settings.
mod settings {
    use crate::settings::settings;
    use pgrx::PostgresGucEnum;

    /// What becomes of a name before it is stored and looked for.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
    pub(crate) enum Normalization {
        #[name = c"lowercase"]
        Lowercase,
        #[name = c"none"]
        None,
    }

    /// Whether a name is judged as it was typed, or as it is stored.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
    pub(crate) enum Order {
        #[name = c"pre-normalization"]
        Before,
        #[name = c"post-normalization"]
        After,
    }

    settings! { "username_";
        length min_username_length = 3,
            c"Shortest username, in UTF-16 code units.",
            c"Better Auth: username({ minUsernameLength }).";
        length max_username_length = 30,
            c"Longest username, in UTF-16 code units.",
            c"Better Auth: username({ maxUsernameLength }).";
        text username_validator = None,
            c"Regular expression that a username has to match.",
            c"Better Auth: username({ usernameValidator }). ASCII letters, digits, _ and . unless it is set.";
        text display_username_validator = None,
            c"Regular expression that a displayUsername has to match.",
            c"Better Auth: username({ displayUsernameValidator }). Anything unless it is set.";
        choice(Normalization) username_normalization = Normalization::Lowercase,
            c"What becomes of a username before it is stored and looked for.",
            c"Better Auth: username({ usernameNormalization }).";
        choice(Normalization) display_username_normalization = Normalization::None,
            c"What becomes of a displayUsername before it is stored.",
            c"Better Auth: username({ displayUsernameNormalization }).";
        choice(Order) validation_order_username = Order::Before,
            c"Whether a username is validated before or after normalization.",
            c"Better Auth: username({ validationOrder: { username } }).";
        choice(Order) validation_order_display_username = Order::Before,
            c"Whether a displayUsername is validated before or after normalization.",
            c"Better Auth: username({ validationOrder: { displayUsername } }).";
        flag immutable_username = false,
            c"Refuse to change a username once it is set.",
            c"Better Auth: username({ immutableUsername }).";
        column_flag display_username = true,
            c"Have a column displayUsername.",
            c"Better Auth: username({ displayUsername }).";
    }
}

codes! {
    INVALID_DISPLAY_USERNAME 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Display username is invalid"
    INVALID_USERNAME 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Username is invalid"
    INVALID_USERNAME_OR_PASSWORD 401 ERRCODE_INVALID_PASSWORD
        "Invalid username or password"
    USERNAME_IS_ALREADY_TAKEN 400 ERRCODE_UNIQUE_VIOLATION
        "Username is already taken. Please try another."
    USERNAME_IS_IMMUTABLE 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Username cannot be updated"
    USERNAME_TOO_LONG 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Username is too long"
    USERNAME_TOO_SHORT 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Username is too short"
}

impl Plugin for Username {
    fn id(&self) -> &'static str {
        "username"
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column { is_input: true, ..Column::user(flow::USERNAME, TEXT_UNIQUE) },
            Column {
                is_input: true,
                is_on: settings::display_username,
                ..Column::user(flow::DISPLAY_USERNAME, TEXT)
            },
        ];
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

    fn before(&self, caller: &mut dyn Caller, body: &mut Map<String, Value>) -> Result<(), AuthError> {
        flow::before(caller, body)
    }

    fn before_user(&self, caller: &dyn Caller, draft: &mut Draft) -> Result<(), AuthError> {
        flow::before_user(caller, draft)
    }

    fn before_user_update(
        &self,
        _: &dyn Caller,
        user: &User,
        given: &mut Vec<Given>,
    ) -> Result<(), AuthError> {
        flow::before_user_update(user, given)
    }
}
