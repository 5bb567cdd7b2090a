//! `requesting_user_id()`. It may run for each row, and what pgrx wraps around functions and around calls of
//! PostgreSQL's would cost more than its work. So it is written against the C interface.
//!
//! A place in a plan or an expression where it is called keeps its answer, so that the next call there returns the same
//! value without a copy. What was returned may still be held when the claims have changed, so it is never changed or
//! freed: it goes with the memory of its place. Places may outlive a statement, such as PL/pgSQL's simple
//! expressions, and see any number of users: there is a limit to what one keeps.

use pgrx::pg_sys::{self, Datum};
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_int};

use crate::identity::claims::{self, MAX_CLAIMS};
use crate::identity::place::{Kept, copied, is_once, keep, kept, known, value};
use crate::identity::verified;
use crate::settings;

/// The claims that were last looked at, and what came of it. A backend reads the same ones over and over, so they
/// are parsed once and compared after that.
struct Seen {
    /// Terminated; empty before the first.
    claims: Vec<u8>,
    /// The subject as a value of type text, its header included; empty for none.
    text: Vec<u8>,
    /// Another one for other claims, from 1.
    version: u64,
}

struct Backend(UnsafeCell<Seen>);

// SAFETY: a backend is one thread, and nothing that requesting_user_id() calls comes back to it.
unsafe impl Sync for Backend {}

static SEEN: Backend = Backend(UnsafeCell::new(Seen { claims: Vec::new(), text: Vec::new(), version: 0 }));

/// The most answers that a place keeps, and the longest, in bytes. What is beyond is copied in each call.
const ANSWERS: u32 = 8;
const LONGEST: usize = 4096;

unsafe extern "C-unwind" {
    fn strcmp(one: *const c_char, other: *const c_char) -> c_int;
}

/// The id of the user who is asking: the `sub` of `request.jwt.claims`, or with `better_auth.identity = verified` of what
/// `authenticate()` has verified. For row level security.
///
/// It is what `claims::json ->> 'sub'` says. NULL when there is none: outside a request, and for claims
/// that are no JSON object or whose `sub` is missing, null or empty. Never an error. `sql/finish.sql` creates it in
/// schema `public`.
///
/// # Safety
/// To be called by PostgreSQL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_user_id_wrapper(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: the call info is PostgreSQL's, and so are its function's place and `fn_extra`, which is for this function
    // alone.
    unsafe {
        // This is what runs for each row of a scan, so it is all there is in here.
        match known(call) {
            Some(answer) => answer,
            None => asked(call),
        }
    }
}

/// What isn't answered already.
#[inline(never)]
unsafe extern "C-unwind" fn asked(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: as in requesting_user_id_wrapper().
    unsafe {
        let answer = ask((*call).flinfo, kept(call), is_once(call));
        (*call).isnull = answer.is_null();
        answer
    }
}

/// The answer to the claims as they are now.
///
/// # Safety
/// `kept` is what `place` keeps; both may be null, but `place` not if it is to be `once`.
#[inline]
unsafe fn ask(place: *mut pg_sys::FmgrInfo, kept: *mut Kept, once: bool) -> Datum {
    // SAFETY: as the caller says. The setting's value is terminated and lives until the setting changes, which
    // nothing in here brings about.
    unsafe {
        let seen = SEEN.0.get();
        let claims = believed();
        if claims.is_null() || *claims == 0 {
            return if once { keep(place, kept, &[], 0) } else { Datum::null() };
        }
        if (*seen).claims.is_empty() || strcmp(claims, (*seen).claims.as_ptr().cast()) != 0 {
            see(seen, claims);
        }
        let (text, version) = (&(*seen).text, (*seen).version);
        if !kept.is_null() && (*kept).version == version {
            return (*kept).answer;
        }
        let keeps = once
            || text.len() <= LONGEST
                && !place.is_null()
                && (kept.is_null() || text.is_empty() || (*kept).answers < ANSWERS);
        if keeps { keep(place, kept, text, version) } else { copied(text) }
    }
}

/// Who is asking, for functions that look more of the user up: another number for other claims, and 0 for no user. It
/// may run for each row.
///
/// # Safety
/// To be called by a function that PostgreSQL called.
#[inline]
pub(crate) unsafe fn asking() -> u64 {
    // SAFETY: as of ask().
    unsafe {
        let seen = SEEN.0.get();
        let claims = believed();
        if claims.is_null() || *claims == 0 {
            return 0;
        }
        if (*seen).claims.is_empty() || strcmp(claims, (*seen).claims.as_ptr().cast()) != 0 {
            see(seen, claims);
        }
        if (*seen).text.is_empty() { 0 } else { (*seen).version }
    }
}

/// The id of the user of whom [`asking`] told last.
pub(crate) fn subject() -> Option<String> {
    // SAFETY: a backend is one thread, and nothing in here changes what was seen.
    let text = unsafe { &(*SEEN.0.get()).text };
    // Behind the header of the value.
    text.get(4..).and_then(|text| String::from_utf8(text.to_vec()).ok())
}

/// The claims that say who is asking, terminated; null for none.
///
/// # Safety
/// The pointer is good until a setting changes.
#[inline]
pub(super) unsafe fn believed() -> *const c_char {
    // SAFETY: as the caller says.
    unsafe { if settings::believes_verified() { verified::claims() } else { request() } }
}

/// `request.jwt.claims`, terminated; null where there is no such setting.
///
/// # Safety
/// As of [`believed`].
#[inline]
pub(super) unsafe fn request() -> *const c_char {
    // SAFETY: as the caller says.
    unsafe { setting::value() }
}

/// The memory, in bytes, that a backend keeps for claims that are shorter.
const KEPT: usize = 16 * 1024;

/// Remembers these claims.
#[cold]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn see(seen: *mut Seen, claims: *const c_char) {
    // SAFETY: of ask(), which has the only pointer to what was seen.
    let (seen, claims) = unsafe { (&mut *seen, CStr::from_ptr(claims)) };
    seen.version += 1;
    seen.text.clear();
    seen.claims.clear();
    // What once was long is not kept for good, and what is absurd not at all.
    seen.claims.shrink_to(KEPT);
    seen.text.shrink_to(KEPT);
    if claims.count_bytes() > MAX_CLAIMS {
        return;
    }
    seen.claims.extend_from_slice(claims.to_bytes_with_nul());
    if let Some(subject) = claims::subject(claims.to_bytes()) {
        seen.text.extend_from_slice(&value(&subject));
    }
}

/// `request.jwt.claims`.
mod setting {
    use super::{c_char, claims};

    unsafe extern "C-unwind" {
        fn GetConfigOption(name: *const c_char, missing_ok: bool, restrict_privileged: bool)
        -> *const c_char;
    }

    /// The value; null where there is no such setting.
    pub(super) unsafe fn search() -> *const c_char {
        // SAFETY: the name is terminated; with these two it raises nothing.
        unsafe { GetConfigOption(claims::SETTING.as_ptr(), true, false) }
    }

    /// PostgreSQL 16 and later find settings by a hash.
    #[cfg(not(any(feature = "pg13", feature = "pg14", feature = "pg15")))]
    pub(super) use search as value;

    /// Before, the search through the sorted names of all settings takes most of the time. So the place where it
    /// was last is looked at first.
    #[cfg(any(feature = "pg13", feature = "pg14", feature = "pg15"))]
    pub(super) unsafe fn value() -> *const c_char {
        use pgrx::pg_sys::{config_generic, config_string, config_type::PGC_STRING};
        use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

        static PLACE: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C-unwind" {
            fn get_guc_variables() -> *mut *mut config_generic;
            fn GetNumConfigOptions() -> core::ffi::c_int;
        }
        // SAFETY: the array has that many pointers to settings, and all are live: one that is replaced or removed
        // leaves the array before it is freed. So whatever is at a place has a name, and its type is what it says.
        unsafe {
            let (settings, count) = (get_guc_variables(), GetNumConfigOptions().unsigned_abs() as usize);
            let at = |place: usize| {
                let setting = *settings.add(place);
                let is_it = (*setting).vartype == PGC_STRING
                    && super::strcmp((*setting).name, claims::SETTING.as_ptr()) == 0;
                is_it.then(|| (*(*setting.cast::<config_string>()).variable).cast_const())
            };
            let last = PLACE.load(Relaxed);
            if last < count
                && let Some(value) = at(last)
            {
                return value;
            }
            let value = search();
            if !value.is_null()
                && let Some(place) = (0..count).find(|place| at(*place).is_some())
            {
                PLACE.store(place, Relaxed);
            }
            value
        }
    }
}

/// Says that [`requesting_user_id_wrapper`] follows version 1 of PostgreSQL's calling convention.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_requesting_user_id_wrapper() -> *const pg_sys::Pg_finfo_record {
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}
