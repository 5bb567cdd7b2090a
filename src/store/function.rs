//! Functions that a DBA wrote and that a setting names: each takes one jsonb, and runs as its owner.

use pgrx::pg_sys::PgTryBuilder;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::{PgLogLevel, PgSqlErrorCode, direct_function_call, pg_sys};
use std::cell::Cell;
use std::ffi::{CStr, CString, c_void};
use std::panic::AssertUnwindSafe;

use crate::error::AuthError;
use crate::store::sql::{Value, as_owner, query_prepared};
use crate::store::subtransaction::sqlstate;

thread_local! {
    /// The SQLSTATE of the last exception that came out of such a function, which pgrx forgets where it
    /// doesn't know it.
    static SQLSTATE: Cell<i32> = const { Cell::new(0) };
}

/// What a function answered.
pub(crate) enum Answer {
    /// JSON text (`true` and `false` of a boolean), or NULL.
    Json(Option<String>),
    /// It returns something else than json, jsonb, text or a boolean.
    Other,
}

/// Calls the function `name` (`schema.name`), which `setting` names, with a JSON object.
///
/// It runs as its owner, like one that is SECURITY DEFINER: whoever may replace it gets no other rights
/// than those it has anyway.
///
/// # Errors
/// There is no such function. What it raises itself is PostgreSQL's own exception.
pub(crate) fn call(setting: &str, name: &str, argument: &str) -> Result<Answer, AuthError> {
    let missing = || {
        AuthError::Setup(format!(
            "better_auth.{setting} is \"{name}\", which is not the name (schema.name) of a function of one jsonb argument"
        ))
    };
    let oid = find(name).ok_or_else(missing)?;
    let (owner, returns) = describe(oid).ok_or_else(missing)?;
    let cast = match returns {
        pg_sys::JSONBOID | pg_sys::JSONOID | pg_sys::TEXTOID | pg_sys::BOOLOID => "::pg_catalog.text",
        _ => " IS NULL",
    };
    // SAFETY: makes the quoted, qualified name of a function that was found just now.
    let qualified = unsafe {
        let name = pg_sys::format_procedure_qualified(oid);
        CStr::from_ptr(name).to_string_lossy().into_owned()
    };
    let function = qualified.rsplit_once('(').map_or(qualified.as_str(), |(function, _)| function);
    let text = format!("SELECT ({function}($1::pg_catalog.jsonb)){cast}");
    let is_json = cast.starts_with(':');
    let run = || {
        as_owner(owner, || {
            noting_sqlstate(|| {
                query_prepared(&text, &[Value::Text(argument)], |row| is_json.then(|| row.optional_text(1)))
            })
        })
    };
    let rows = PgTryBuilder::new(AssertUnwindSafe(run)).catch_others(with_known_sqlstate).execute()?;
    Ok(match rows.into_iter().next().flatten() {
        Some(json) => Answer::Json(json),
        None => Answer::Other,
    })
}

/// Whether who is calling may execute a function of schema `better_auth`, named with its arguments. Nobody may one that
/// isn't there.
pub(crate) fn may_execute(function: &CStr) -> bool {
    // SAFETY: both are PostgreSQL's functions, and get arguments of the types that they have; the texts live as long as
    // the calls. The first one answers NULL where there is no such function.
    unsafe {
        let text = |text: &CStr| pg_sys::cstring_to_text(text.as_ptr()).into();
        // Who may not look into the schema would be refused for asking.
        let schema = [Some(text(c"better_auth")), Some(text(c"USAGE"))];
        if direct_function_call::<bool>(pg_sys::has_schema_privilege_name, &schema) != Some(true) {
            return false;
        }
        let oid = direct_function_call::<pg_sys::Oid>(pg_sys::to_regprocedure, &[Some(text(function))]);
        let privilege = Some(text(c"EXECUTE"));
        oid.is_some_and(|oid| {
            direct_function_call::<bool>(pg_sys::has_function_privilege_id, &[Some(oid.into()), privilege])
                .unwrap_or_default()
        })
    }
}

/// The SQLSTATE of the exception that came out of [`call`] since [`forget_sqlstate`], if one did, as
/// PostgreSQL packs it.
pub(crate) fn last_sqlstate() -> Option<i32> {
    Some(SQLSTATE.get()).filter(|code| *code != 0)
}

/// Forgets what came out of [`call`] before.
pub(crate) fn forget_sqlstate() {
    SQLSTATE.set(0);
}

/// The function of this qualified name that takes one jsonb. Whoever calls needs no USAGE on its schema:
/// the DBA named it, and it runs as its owner.
fn find(name: &str) -> Option<pg_sys::Oid> {
    /// Number of pg_proc's column `oid`.
    const OID: i16 = 1;
    let name = CString::new(name).ok()?;
    let argument = [pg_sys::JSONBOID];
    // SAFETY: PostgreSQL splits a terminated copy of its own, in place, into names that are read while the
    // copy is there; the key of the cache is a name, a vector of types and a schema.
    unsafe {
        let mut names = std::ptr::null_mut();
        let copy = pg_sys::pstrdup(name.as_ptr());
        if !pg_sys::SplitIdentifierString(copy, b'.'.cast_signed(), &raw mut names)
            || names.is_null()
            || (*names).length != 2
        {
            return None;
        }
        let [schema, function] = [0, 1].map(|at| (*(*names).elements.add(at)).ptr_value.cast_const().cast());
        let schema = pg_sys::get_namespace_oid(schema, true);
        let arguments = pg_sys::buildoidvector(argument.as_ptr(), 1);
        let oid = pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP.cast_signed(),
            OID,
            pg_sys::Datum::from(function),
            pg_sys::Datum::from(arguments),
            pg_sys::Datum::from(schema),
            pg_sys::Datum::from(0),
        );
        (oid != pg_sys::InvalidOid).then_some(oid)
    }
}

/// A function's owner, and the type that it returns.
fn describe(function: pg_sys::Oid) -> Option<(pg_sys::Oid, pg_sys::Oid)> {
    // SAFETY: looks the pg_proc row up by oid and copies two fields of it before letting go.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::PROCOID.cast_signed(),
            pg_sys::Datum::from(function),
        );
        if tuple.is_null() {
            return None;
        }
        let row = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>();
        let found = ((*row).proowner, (*row).prorettype);
        let is_plain = !(*row).proretset && (*row).prokind.cast_unsigned() == b'f';
        pg_sys::ReleaseSysCache(tuple);
        is_plain.then_some(found)
    }
}

/// Takes a callback off PostgreSQL's list again, also when a panic passes, which is how pgrx lets an
/// exception of PostgreSQL pass through Rust: the callback's stack frame is about to end.
struct Callbacks(*mut pg_sys::ErrorContextCallback);

impl Drop for Callbacks {
    fn drop(&mut self) {
        // SAFETY: the list's head from before; what it points to outlives this frame.
        unsafe { pg_sys::error_context_stack = self.0 };
    }
}

/// Runs `work`; the SQLSTATE of what it raises is noted.
fn noting_sqlstate<T>(work: impl FnOnce() -> T) -> T {
    let mut callback = pg_sys::ErrorContextCallback {
        // SAFETY: reads and sets PostgreSQL's own list of callbacks, as its C code does on the stack.
        previous: unsafe { pg_sys::error_context_stack },
        callback: Some(note_sqlstate),
        arg: std::ptr::null_mut(),
    };
    SQLSTATE.set(0);
    let _restored = Callbacks(callback.previous);
    // SAFETY: the callback is on this stack frame, and is taken off the list before the frame ends.
    unsafe { pg_sys::error_context_stack = &raw mut callback };
    let result = work();
    // What it reported was no exception, or one that it caught itself.
    SQLSTATE.set(0);
    result
}

unsafe extern "C-unwind" fn note_sqlstate(_: *mut c_void) {
    // SAFETY: PostgreSQL calls it while it makes a report.
    let code = unsafe { pg_sys::geterrcode() };
    // A notice or a warning is a report too.
    if !matches!(&sqlstate(code)[..2], b"00" | b"01" | b"02") {
        SQLSTATE.set(code);
    }
}

/// An exception with an SQLSTATE of the DBA's own would reach the caller as an internal error.
fn with_known_sqlstate<T>(error: CaughtError) -> T {
    if let CaughtError::PostgresError(report) = &error
        && report.sql_error_code() == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR
        && SQLSTATE.get() != PgSqlErrorCode::ERRCODE_INTERNAL_ERROR as i32
    {
        let code = PgSqlErrorCode::ERRCODE_RAISE_EXCEPTION;
        let mut known = ErrorReport::new(code, report.message().to_owned(), "better_auth");
        if let Some(detail) = report.detail() {
            known = known.set_detail(detail.to_owned());
        }
        if let Some(hint) = report.hint() {
            known = known.set_hint(hint.to_owned());
        }
        known.report(PgLogLevel::ERROR);
    }
    error.rethrow()
}
