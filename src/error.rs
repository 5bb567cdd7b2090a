//! Everything that can be answered instead of success: every Better Auth code once, with its message,
//! HTTP status and SQLSTATE.

use pgrx::PgSqlErrorCode;

use crate::crypto::jwt::Refusal;
use crate::crypto::password::HashError;

/// An error of Better Auth's API, or of one of its plugins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Code {
    /// The `code` of Better Auth's error body; empty where that has a message alone.
    pub(crate) code: &'static str,
    /// The `message` of Better Auth's error body.
    pub(crate) message: &'static str,
    /// The HTTP status that Better Auth answers with, in all or most routes.
    pub(crate) status: u16,
    /// What SQL callers get.
    pub(crate) sqlstate: PgSqlErrorCode,
}

/// Declares codes, each by its name, status, SQLSTATE and message: `NAME 400 ERRCODE_... "Message"`. Where the `code`
/// of the error body isn't the name, it stands after `as`. `ALL` is a list of them for tests.
macro_rules! codes {
    ($($name:ident $(as $code:literal)? $status:literal $sqlstate:ident $message:literal)*) => {
        $(
            #[doc = $message]
            pub(crate) const $name: $crate::error::Code =
                $crate::error::codes!(@new $name $($code)? ; $status $sqlstate $message);
        )*

        /// All of the above. Made anew, because in an `impl` their names would need its own.
        #[cfg(test)]
        pub(crate) const ALL: &[$crate::error::Code] =
            &[$($crate::error::codes!(@new $name $($code)? ; $status $sqlstate $message)),*];
    };
    (@new $name:ident $($code:literal)? ; $status:literal $sqlstate:ident $message:literal) => {
        $crate::error::Code {
            code: $crate::error::codes!(@code $name $($code)?),
            message: $message,
            status: $status,
            sqlstate: pgrx::PgSqlErrorCode::$sqlstate,
        }
    };
    (@code $name:ident $code:literal) => { $code };
    (@code $name:ident) => { stringify!($name) };
}
pub(crate) use codes;

/// Better Auth's own.
impl Code {
    codes! {
        ACCOUNT_NOT_FOUND 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Account not found"
        BANNED_USER 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "You have been banned from this application. Please contact support if you believe this is an error."
        BAD_JSON as "BAD_REQUEST" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Invalid JSON in request body"
        ACCESS_TOKEN_NOT_FOUND 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Access token not found"
        CALLBACK_URL_REQUIRED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "callbackURL is required"
        CHANGE_EMAIL_DISABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Change email is disabled"
        CREDENTIAL_ACCOUNT_NOT_FOUND 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Credential account not found"
        CROSS_SITE_NAVIGATION_LOGIN_BLOCKED 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Cross-site navigation login blocked. This request appears to be a CSRF attack."
        EMAIL_ALREADY_VERIFIED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Email is already verified"
        EMAIL_CAN_NOT_BE_UPDATED 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Email can not be updated"
        EMAIL_IS_THE_SAME as "" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Email is the same"
        EMAIL_MISMATCH 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Email mismatch"
        EMAIL_NOT_VERIFIED 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Email not verified"
        EMAIL_PASSWORD_DISABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Email and password is not enabled"
        EMAIL_PASSWORD_SIGN_UP_DISABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Email and password sign up is not enabled"
        FAILED_TO_CREATE_USER 422 ERRCODE_INVALID_PARAMETER_VALUE
            "Failed to create user"
        FAILED_TO_GET_ACCESS_TOKEN 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Failed to get a valid access token"
        FAILED_TO_REFRESH_ACCESS_TOKEN 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Failed to refresh access token"
        FAILED_TO_UPDATE_USER 500 ERRCODE_INVALID_PARAMETER_VALUE
            "Failed to update user"
        FAILED_TO_GET_SESSION 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Failed to get session"
        FAILED_TO_GET_USER_INFO 404 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Failed to get user info"
        FAILED_TO_UNLINK_LAST_ACCOUNT 400 ERRCODE_INVALID_PARAMETER_VALUE
            "You can't unlink your last account"
        ID_TOKEN_NOT_SUPPORTED 404 ERRCODE_FEATURE_NOT_SUPPORTED
            "id_token not supported"
        INVALID_CALLBACK_URL 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Invalid callbackURL"
        INVALID_EMAIL 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Invalid email"
        INVALID_EMAIL_OR_PASSWORD 401 ERRCODE_INVALID_PASSWORD
            "Invalid email or password"
        INVALID_ERROR_CALLBACK_URL 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Invalid errorCallbackURL"
        INVALID_NEW_USER_CALLBACK_URL 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Invalid newUserCallbackURL"
        INVALID_ORIGIN 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Invalid origin"
        INVALID_PASSWORD 400 ERRCODE_INVALID_PASSWORD
            "Invalid password"
        INVALID_REDIRECT_URL 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Invalid redirectURL"
        INVALID_TOKEN 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Invalid token"
        INVALID_USER 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Invalid user"
        LINKING_DIFFERENT_EMAILS_NOT_ALLOWED 401 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Account not linked - different emails not allowed"
        LINKING_NOT_ALLOWED 401 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Account not linked - linking not allowed"
        METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED 405 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "POST method requires deferSessionRefresh to be enabled in session config"
        MISSING_OR_NULL_ORIGIN 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Missing or null Origin"
        NO_FIELDS_TO_UPDATE as "" 400 ERRCODE_INVALID_PARAMETER_VALUE
            "No fields to update"
        NOT_FOUND 404 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Not found"
        PASSWORD_ALREADY_SET 400 ERRCODE_UNIQUE_VIOLATION
            "User already has a password set"
        PASSWORD_TOO_LONG 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Password too long"
        PASSWORD_TOO_SHORT 400 ERRCODE_INVALID_PARAMETER_VALUE
            "Password too short"
        PROVIDER_NOT_CONFIGURED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Account is not associated with a configured social provider."
        PROVIDER_NOT_FOUND 404 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Provider not found"
        RESET_PASSWORD_DISABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Reset password isn't enabled"
        SESSION_EXPIRED 400 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Session expired. Re-authenticate to perform this action."
        SESSION_NOT_FRESH 403 ERRCODE_INSUFFICIENT_PRIVILEGE
            "Session is not fresh"
        SOCIAL_ACCOUNT_ALREADY_LINKED 409 ERRCODE_UNIQUE_VIOLATION
            "Social account already linked"
        TOKEN_EXPIRED 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Token expired"
        UNAUTHORIZED 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "Unauthorized"
        USER_ALREADY_EXISTS as "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL" 422 ERRCODE_UNIQUE_VIOLATION
            "User already exists. Use another email."
        USER_EMAIL_NOT_FOUND 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
            "User email not found"
        USER_NOT_FOUND 400 ERRCODE_INVALID_PARAMETER_VALUE
            "User not found"
        VERIFICATION_EMAIL_IS_NOT_ENABLED as "" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Verification email isn't enabled"
        VERIFICATION_EMAIL_NOT_ENABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            "Verification email isn't enabled"
    }
}

/// Why an operation did not happen. Flows return it; only `api` turns it into an exception or a response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum AuthError {
    /// One of Better Auth's own answers.
    Api(Code),
    /// The same where a route answers with a status of its own.
    ApiWith(Code, u16),
    /// The same with a message of its own.
    Worded(Code, String),
    /// The same, the code before it, as Better Auth writes some.
    CodeFirst(Code, String),
    /// The same with a list, under a name of its own.
    Listing(Code, &'static str, Vec<String>),
    /// The same, of what may be done so many milliseconds later: Better Auth's `details.tryAgainIn`.
    Later(Code, i64),
    /// 400 with a message that names what it is about; the code is empty where Better Auth has none.
    Field(&'static str, String),
    /// Better Auth's VALIDATION_ERROR: one issue for each field, as its schema words them.
    Validation(Vec<String>),
    /// Text with a NUL character, which PostgreSQL can't store.
    Nul,
    /// Better Auth's UNSUPPORTED_MEDIA_TYPE, with what would be supported.
    MediaType(String),
    /// An OAuth account that can't be used: Better Auth's OAUTH_LINK_ERROR.
    OAuth(&'static str),
    /// A status without a body; the text is for SQL callers.
    Bare(u16, &'static str),
    /// An error of an OAuth flow, RFC 6749 section 5.2: status, `error`, `error_description`.
    Flow(u16, &'static str, String),
    /// A token, or claims to be signed, that are refused.
    Token(Refusal),
    /// An argument of a function that Better Auth does not have.
    Argument(String),
    /// A table is missing: migrate() was not run, as after a restore.
    NotMigrated(String),
    /// The database is not as this extension needs it. The text says what and what to do.
    Setup(String),
    /// The tables that are there can't be used as they are: every reason, and what to run.
    Adoption(Vec<String>, Vec<String>),
    /// Somebody else's function is where one of this extension's belongs: what is the matter, and its definition.
    Taken(String, String),
    /// A feature of Better Auth that this release lacks, and that must not be passed over.
    Unsupported(&'static str),
    /// What a statement needs keeps changing: the transaction may be tried again.
    Busy(&'static str),
    /// The server has no memory or no randomness to give.
    Resources(&'static str),
    /// Who is calling may not do that: what, and who may.
    Privilege(String),
    /// A fetch comes first: not an error, but the way out of a request that is played again. Nobody sees it.
    Suspended,
}

impl From<Code> for AuthError {
    fn from(code: Code) -> Self {
        Self::Api(code)
    }
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        Self::Token(refusal)
    }
}

impl From<HashError> for AuthError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::OutOfMemory => Self::Resources("out of memory while hashing a password"),
            HashError::Parameters => Self::Setup("the password hash function refused its parameters".into()),
        }
    }
}

impl AuthError {
    /// What a person reads.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Api(code) | Self::ApiWith(code, _) | Self::Listing(code, ..) | Self::Later(code, _) => {
                code.message.into()
            }
            Self::Validation(issues) => issues.join("; "),
            Self::Token(refusal) => refusal.message(),
            Self::Nul => "Text must not contain NUL characters".into(),
            Self::MediaType(text)
            | Self::Field(_, text)
            | Self::Worded(_, text)
            | Self::CodeFirst(_, text)
            | Self::Flow(_, _, text)
            | Self::Argument(text)
            | Self::Privilege(text)
            | Self::Taken(text, _)
            | Self::Setup(text) => text.clone(),
            Self::NotMigrated(table) => format!("table better_auth.{table} does not exist"),
            Self::Adoption(..) => {
                "better_auth can't use the tables that are here; nothing was changed".into()
            }
            Self::OAuth(text)
            | Self::Bare(_, text)
            | Self::Unsupported(text)
            | Self::Busy(text)
            | Self::Resources(text) => (*text).into(),
            Self::Suspended => "a fetch comes first".into(),
        }
    }

    /// What a program reads: Better Auth's code, where it has one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Api(code)
            | Self::ApiWith(code, _)
            | Self::Worded(code, _)
            | Self::CodeFirst(code, _)
            | Self::Listing(code, ..)
            | Self::Later(code, _) => Some(code.code).filter(|code| !code.is_empty()),
            Self::Field(code, _) | Self::Flow(_, code, _) => Some(*code).filter(|code| !code.is_empty()),
            Self::Validation(_) | Self::Nul => Some("VALIDATION_ERROR"),
            Self::MediaType(_) => Some("UNSUPPORTED_MEDIA_TYPE"),
            Self::OAuth(_) => Some("OAUTH_LINK_ERROR"),
            Self::Token(Refusal::Expired) => Some("TOKEN_EXPIRED"),
            Self::Token(_) => Some("INVALID_TOKEN"),
            _ => None,
        }
    }

    /// The HTTP status of an answer that is meant for who asked; `None` where the server is at fault.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Api(code)
            | Self::Worded(code, _)
            | Self::CodeFirst(code, _)
            | Self::Listing(code, ..)
            | Self::Later(code, _) => Some(code.status),
            Self::ApiWith(_, status) | Self::Flow(status, ..) => Some(*status),
            Self::Field(..) | Self::Validation(_) | Self::Nul | Self::Argument(_) => Some(400),
            Self::MediaType(_) => Some(415),
            Self::OAuth(_) | Self::Token(_) => Some(401),
            Self::Bare(status, _) => Some(*status),
            Self::Unsupported(_) => Some(501),
            Self::NotMigrated(_)
            | Self::Setup(_)
            | Self::Adoption(..)
            | Self::Taken(..)
            | Self::Busy(_)
            | Self::Resources(_)
            | Self::Privilege(_)
            | Self::Suspended => None,
        }
    }

    /// More of it, for a person.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Adoption(reasons, _) => Some(reasons.join("\n")),
            Self::Taken(_, definition) => Some(definition.trim().to_owned()),
            error => error.code().map(str::to_owned),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotMigrated(_) => Some("Run: SELECT * FROM better_auth.migrate();".into()),
            Self::Adoption(_, run) if !run.is_empty() => Some(format!("Run:\n{}", run.join("\n"))),
            Self::Taken(..) => Some(
                "Look at whose it is, then drop it, or rename it: ALTER FUNCTION ... RENAME TO ...; policies and defaults go on using it by its new name. REVOKE CREATE ON SCHEMA public FROM those who are not to make functions there."
                    .into(),
            ),
            _ => None,
        }
    }

    /// The SQLSTATE of the exception that SQL callers get.
    pub(crate) fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Self::Api(code)
            | Self::ApiWith(code, _)
            | Self::Worded(code, _)
            | Self::CodeFirst(code, _)
            | Self::Listing(code, ..)
            | Self::Later(code, _) => code.sqlstate,
            Self::Field(..) | Self::Validation(_) | Self::Nul | Self::MediaType(_) | Self::Argument(_) => {
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE
            }
            Self::Token(_) => PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            Self::OAuth(_) | Self::Privilege(_) => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            Self::Flow(_, "slow_down", _) => PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            Self::Flow(401, ..) => PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            Self::Flow(403, ..) => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            Self::Flow(500.., ..) => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::Flow(..) => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Self::NotMigrated(_) => PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            Self::Bare(..) | Self::Setup(_) | Self::Adoption(..) => {
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::Taken(..) => PgSqlErrorCode::ERRCODE_DUPLICATE_FUNCTION,
            Self::Unsupported(_) | Self::Suspended => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::Busy(_) => PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            Self::Resources(_) => PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_has_an_error_status() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(code.code.is_empty() || seen.insert(code.code), "{} twice", code.code);
            assert!((400..600).contains(&code.status), "{}", code.code);
            assert!(!code.message.is_empty());
        }
    }
}
