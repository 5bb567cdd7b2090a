//! Turns an error of the flows into PostgreSQL's exception: Better Auth's message, its code as DETAIL,
//! and a fitting SQLSTATE.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::PgLogLevel;
use std::io::Write;

use crate::error::AuthError;

/// Raises where a flow failed.
pub(crate) trait OrRaise<T> {
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
        if let Some(detail) = error.detail() {
            report = report.set_detail(detail);
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

/// Keeps Rust's backtraces out of what clients are told. With RUST_BACKTRACE in the server's environment, pgrx's hook
/// captures one at every panic, an error of PostgreSQL's among them, and puts it into the DETAIL. This one takes its
/// place, for this library alone; where a panic of Rust's own happened goes to the server's log.
pub(crate) fn keep_backtraces() {
    std::panic::set_hook(Box::new(|panic| {
        // Errors, ours and PostgreSQL's, travel as panics of types of their own.
        let is_fault = panic.payload_as_str().is_some();
        if let Some(place) = panic.location().filter(|_| is_fault) {
            // Nothing can be done about a log that is closed.
            let _ = writeln!(std::io::stderr(), "better_auth: panicked at {place}");
        }
    }));
}
