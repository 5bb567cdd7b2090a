//! Everything that can be answered instead of success: every Better Auth code once, with its message,
//! HTTP status and SQLSTATE.

use pgrx::PgSqlErrorCode;

use crate::crypto::jwt::Refusal;
use crate::crypto::password::HashError;

macro_rules! codes {
    ($($name:ident $code:literal $status:literal $sqlstate:ident $message:literal)*) => {
        /// An error of Better Auth's API.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Code { $($name),* }

        impl Code {
            /// The `code` of Better Auth's error body.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The `message` of Better Auth's error body.
            pub(crate) const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }

            /// The HTTP status that Better Auth answers with.
            #[cfg_attr(not(test), expect(dead_code, reason = "handler() answers with it"))]
            pub(crate) const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            const fn sqlstate(self) -> PgSqlErrorCode {
                match self { $(Self::$name => PgSqlErrorCode::$sqlstate),* }
            }

            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    BannedUser "BANNED_USER" 403 ERRCODE_INSUFFICIENT_PRIVILEGE
        "You have been banned from this application. Please contact support if you believe this is an error."
    EmailPasswordDisabled "EMAIL_PASSWORD_DISABLED" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Email and password is not enabled"
    EmailPasswordSignUpDisabled "EMAIL_PASSWORD_SIGN_UP_DISABLED" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Email and password sign up is not enabled"
    EmailNotVerified "EMAIL_NOT_VERIFIED" 403 ERRCODE_INSUFFICIENT_PRIVILEGE
        "Email not verified"
    FailedToCreateUser "FAILED_TO_CREATE_USER" 422 ERRCODE_INVALID_PARAMETER_VALUE
        "Failed to create user"
    FailedToGetSession "FAILED_TO_GET_SESSION" 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        "Failed to get session"
    InvalidEmail "INVALID_EMAIL" 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Invalid email"
    InvalidEmailOrPassword "INVALID_EMAIL_OR_PASSWORD" 401 ERRCODE_INVALID_PASSWORD
        "Invalid email or password"
    PasswordTooLong "PASSWORD_TOO_LONG" 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Password too long"
    PasswordTooShort "PASSWORD_TOO_SHORT" 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Password too short"
    SessionNotFresh "SESSION_NOT_FRESH" 403 ERRCODE_INSUFFICIENT_PRIVILEGE
        "Session is not fresh"
    Unauthorized "UNAUTHORIZED" 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        "Unauthorized"
    UserAlreadyExists "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL" 422 ERRCODE_UNIQUE_VIOLATION
        "User already exists. Use another email."
}

/// Why an operation did not happen. Flows return it; only `api` turns it into an exception.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum AuthError {
    /// One of Better Auth's own answers.
    Api(Code),
    /// Better Auth's VALIDATION_ERROR: one issue for each field, as its schema words them.
    Validation(Vec<String>),
    /// A token, or claims to be signed, that are refused.
    Token(Refusal),
    /// An argument of a function that Better Auth does not have.
    Argument(String),
    /// A table is missing: migrate() was not run, as after a restore.
    NotMigrated(&'static str),
    /// The database is not as this extension needs it. The text says what and what to do.
    Setup(String),
    /// A feature of Better Auth that this release lacks, and that must not be passed over.
    Unsupported(&'static str),
    /// The server has no memory or no randomness to give.
    Resources(&'static str),
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
            Self::Api(code) => code.message().into(),
            Self::Validation(issues) => issues.join("; "),
            Self::Token(refusal) => refusal.message(),
            Self::Argument(text) | Self::Setup(text) => text.clone(),
            Self::NotMigrated(table) => format!("table better_auth.{table} does not exist"),
            Self::Unsupported(text) | Self::Resources(text) => (*text).into(),
        }
    }

    /// What a program reads: Better Auth's code, where it has one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Api(code) => Some(code.code()),
            Self::Validation(_) => Some("VALIDATION_ERROR"),
            Self::Token(Refusal::Expired) => Some("TOKEN_EXPIRED"),
            Self::Token(_) => Some("INVALID_TOKEN"),
            _ => None,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotMigrated(_) => Some("Run: SELECT * FROM better_auth.migrate();"),
            _ => None,
        }
    }

    /// The SQLSTATE of the exception that SQL callers get.
    pub(crate) fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Self::Api(code) => code.sqlstate(),
            Self::Validation(_) | Self::Argument(_) => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Self::Token(_) => PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            Self::NotMigrated(_) => PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            Self::Setup(_) => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::Unsupported(_) => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
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
            assert!(seen.insert(code.code()), "{} twice", code.code());
            assert!((400..600).contains(&code.status()), "{}", code.code());
            assert!(!code.message().is_empty());
        }
    }
}
