//! Turns an error of the flows into PostgreSQL's exception: Better Auth's message, its code as DETAIL,
//! and a fitting SQLSTATE.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::PgLogLevel;

use crate::error::AuthError;

/// Raises where a flow failed.
pub(super) trait OrRaise<T> {
    /// The value; an error raises and does not return.
    fn or_raise(self) -> T;
}

impl<T, E: Into<AuthError>> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> T {
        let error = match self {
            Ok(value) => return value,
            Err(error) => error.into(),
        };
        let mut report = ErrorReport::new(error.sqlstate(), error.message(), "better_auth");
        if let Some(code) = error.code() {
            report = report.set_detail(code);
        }
        if let Some(hint) = error.hint() {
            report = report.set_hint(hint);
        }
        report.report(PgLogLevel::ERROR);
        unreachable!("ERROR does not return")
    }
}

/// An argument that must not be NULL. Such functions are not STRICT: a NULL that does nothing, without
/// a word, would leave a script to believe that it rotated a secret.
pub(super) fn not_null<T>(argument: &str, value: Option<T>) -> T {
    value.ok_or_else(|| AuthError::Argument(format!("{argument} must not be null"))).or_raise()
}
