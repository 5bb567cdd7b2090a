//! An identity that nobody can just claim: `authenticate()` has verified a token, and with
//! `better_auth.identity = verified` its claims are believed, and `request.jwt.claims` isn't, which any role with a
//! connection of its own can set.
//!
//! The claims are the value of a setting that PostgreSQL takes from [`set`] alone. A setting is what has all that they
//! need: it ends with the transaction, a savepoint that is rolled back brings back what was before, and workers of
//! parallel queries get it.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, pg_sys};
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, Ordering::Relaxed};

use crate::store::server::Timestamp;

const NAME: &CStr = c"better_auth.verified_claims";

/// `<exp>:<claims>`, or nothing.
static SETTING: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Whether it is [`set`] that sets it just now.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The claims, in the setting's own memory; null for none. They stay until the setting changes.
static CLAIMS: AtomicPtr<c_char> = AtomicPtr::new(null_mut());
/// The time from which on they aren't believed any more, in microseconds since 2000, as PostgreSQL counts.
static END: AtomicI64 = AtomicI64::new(0);

unsafe extern "C-unwind" {
    fn GetCurrentTimestamp() -> pg_sys::TimestampTz;
}

/// Defines the setting.
pub(super) fn init() {
    // SAFETY: the hooks are plain functions that raise nothing.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            NAME,
            c"What authenticate() has verified in this transaction.",
            c"Nobody sets it but that function.",
            &SETTING,
            GucContext::Suset,
            GucFlags::NO_SHOW_ALL | GucFlags::SUPERUSER_ONLY | GucFlags::DISALLOW_IN_FILE,
            Some(is_taken),
            Some(assigned),
            None,
        );
    }
}

/// Whether PostgreSQL may take a value: from [`set`], and in a worker the one of the backend that it works for, as long
/// as it isn't running anything of a query yet. None is always good.
unsafe extern "C-unwind" fn is_taken(
    value: *mut *mut c_char,
    _: *mut *mut c_void,
    _: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL calls it as a check hook: the value is terminated, or null.
    unsafe {
        let is_none = (*value).is_null() || **value == 0;
        is_none || IS_OURS.load(Relaxed) || pg_sys::InitializingParallelWorker
    }
}

/// Called when there is another value, also when a transaction or a savepoint brings back the one before.
unsafe extern "C-unwind" fn assigned(value: *const c_char, _: *mut c_void) {
    // SAFETY: PostgreSQL calls it as an assign hook: the value is terminated, or null, and is the setting's from now on.
    let text = if value.is_null() { c"" } else { unsafe { CStr::from_ptr(value) } };
    let found = text.to_str().ok().and_then(|text| text.split_once(':')).and_then(|(end, claims)| {
        let end: i64 = end.parse().ok()?;
        Some((end, claims.as_ptr().cast::<c_char>().cast_mut()))
    });
    let (end, claims) = found.unwrap_or((0, null_mut()));
    END.store(end, Relaxed);
    CLAIMS.store(claims, Relaxed);
}

/// The claims that were verified in this transaction, terminated; null without any, and once they have expired.
///
/// # Safety
/// The pointer is good until the setting changes, which PostgreSQL's code alone brings about.
#[inline]
pub(super) unsafe fn claims() -> *const c_char {
    let claims = CLAIMS.load(Relaxed);
    // SAFETY: it reads the clock.
    if claims.is_null() || unsafe { GetCurrentTimestamp() } >= END.load(Relaxed) {
        return std::ptr::null();
    }
    claims
}

/// Has these claims, JSON as [`crate::crypto::jwt`] has verified it, believed until `end`, or the end of the transaction.
///
/// Raises where PostgreSQL takes no settings, as in a worker of a parallel query.
pub(crate) fn set(claims: &str, end: Timestamp) {
    // JSON has no NUL character.
    let Ok(value) = CString::new(format!("{}:{claims}", end.0)) else { return };
    let set = || {
        // SAFETY: both texts are terminated. Who may call authenticate() may do this, whatever else that role may set.
        unsafe {
            pg_sys::set_config_option(
                NAME.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_LOCAL,
                true,
                0,
                false,
            );
        }
    };
    IS_OURS.store(true, Relaxed);
    // What PostgreSQL raises must not leave the door open.
    pgrx::PgTryBuilder::new(set).finally(|| IS_OURS.store(false, Relaxed)).execute();
}
