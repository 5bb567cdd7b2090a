//! Work that may fail without taking the whole transaction with it.

use pgrx::pg_sys::PgTryBuilder;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};
use std::panic::AssertUnwindSafe;

/// An exception that undid the work.
pub(crate) struct Exception {
    pub(crate) code: PgSqlErrorCode,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
}

impl Exception {
    /// Whether it is about a value, or a constraint that it breaks.
    pub(crate) fn is_about_data(&self) -> bool {
        matches!(&class(self.code), b"22" | b"23")
    }

    /// Whether another row has a value that is to be unique.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code == PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION
    }

    /// Goes on with the exception after all.
    pub(crate) fn raise(self) -> ! {
        let mut report = ErrorReport::new(self.code, self.message, "better_auth");
        if let Some(detail) = self.detail {
            report = report.set_detail(detail);
        }
        report.report(PgLogLevel::ERROR);
        unreachable!("ERROR does not return")
    }
}

/// Runs `work` in a subtransaction, and undoes what it wrote unless its result is one that `keeps`. When it
/// raises an exception, all that it wrote is undone and the
/// exception is the answer, unless it is one that the transaction can't go on after or should not: a
/// cancelled query, a shutdown, a conflict with others that is worth a retry, no resources.
pub(crate) fn attempt<T>(work: impl FnOnce() -> T, keeps: impl FnOnce(&T) -> bool) -> Result<T, Exception> {
    attempt_unless(work, keeps, is_fatal)
}

/// The same for work that can be done without: also where the server has not got what it takes. A cancelled
/// query and a shutdown still go on.
pub(crate) fn attempt_optional<T>(work: impl FnOnce() -> T) -> Result<T, Exception> {
    attempt_unless(work, |_| true, |code| class(code) == *b"57")
}

fn attempt_unless<T>(
    work: impl FnOnce() -> T,
    keeps: impl FnOnce(&T) -> bool,
    is_fatal: fn(PgSqlErrorCode) -> bool,
) -> Result<T, Exception> {
    // SAFETY: reads the backend's own state, inside a transaction.
    let (context, owner) = unsafe { (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner) };
    let back_to_caller = || {
        // SAFETY: both are the caller's, which live longer than this call.
        unsafe {
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::CurrentResourceOwner = owner;
        }
    };
    // SAFETY: starts a subtransaction, which both paths below end; what else has to be put back after it
    // are the memory context and the resource owner, as PostgreSQL's own languages do.
    unsafe {
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
    }
    let run = || {
        let result = work();
        // SAFETY: ends the subtransaction that was started above, and no other.
        unsafe {
            if keeps(&result) {
                pg_sys::ReleaseCurrentSubTransaction();
            } else {
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
            }
        }
        back_to_caller();
        Ok(result)
    };
    let undo = |error: CaughtError| {
        // SAFETY: the work's exception left the subtransaction open; aborting it puts back the user, the
        // settings, SPI, locks and snapshots that the work took. Also before the exception goes on: who
        // catches it further out ends the subtransaction of its own, and no other.
        unsafe { pg_sys::RollbackAndReleaseCurrentSubTransaction() };
        back_to_caller();
        let exception = match &error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => Exception {
                code: report.sql_error_code(),
                message: report.message().to_owned(),
                detail: report.detail().map(str::to_owned),
            },
            CaughtError::RustPanic { .. } => error.rethrow(),
        };
        if is_fatal(exception.code) {
            error.rethrow();
        }
        Err(exception)
    };
    // What the work changed in memory is rebuilt from the catalog after an abort.
    PgTryBuilder::new(AssertUnwindSafe(run)).catch_others(undo).execute()
}

/// Whether an exception is not an answer to the request.
fn is_fatal(code: PgSqlErrorCode) -> bool {
    matches!(class(code).as_slice(), b"08" | b"40" | b"53" | b"57" | b"58")
}

/// The first two characters of an SQLSTATE.
fn class(code: PgSqlErrorCode) -> [u8; 2] {
    let [first, second, ..] = sqlstate(code as i32);
    [first, second]
}

/// The five characters of an SQLSTATE, out of PostgreSQL's packed form: six bits each.
pub(crate) fn sqlstate(code: i32) -> [u8; 5] {
    std::array::from_fn(|index| (code >> (6 * index) & 0x3F).to_le_bytes()[0] + b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_are_unpacked() {
        assert_eq!(&sqlstate(PgSqlErrorCode::ERRCODE_RAISE_EXCEPTION as i32), b"P0001");
        assert_eq!(&sqlstate(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION as i32), b"23505");
        assert_eq!(class(PgSqlErrorCode::ERRCODE_QUERY_CANCELED), *b"57");
        assert!(is_fatal(PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE));
        assert!(!is_fatal(PgSqlErrorCode::ERRCODE_CHECK_VIOLATION));
    }
}
