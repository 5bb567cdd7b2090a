//! `requesting_user_id()`. Where the planner leaves it in a query (see `planner`), it runs for each row, and what
//! pgrx wraps around functions and around calls of PostgreSQL's would cost more than its work. So it is written
//! against the C interface.

use pgrx::pg_sys;
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_int};

use crate::identity::claims::{self, MAX_CLAIMS};

/// The claims that were last looked at, and what came of it. A backend reads the same ones over and over, so they
/// are parsed once and compared after that.
struct Seen {
    /// Terminated; empty before the first.
    claims: Vec<u8>,
    /// The subject as a value of type text, its header included; empty for none.
    text: Vec<u8>,
}

struct Backend(UnsafeCell<Seen>);

// SAFETY: a backend is one thread, and nothing that requesting_user_id() calls comes back to it.
unsafe impl Sync for Backend {}

static SEEN: Backend = Backend(UnsafeCell::new(Seen { claims: Vec::new(), text: Vec::new() }));

// pgrx's own declarations set up a catcher of PostgreSQL's errors around each call. Of these, only palloc() can
// raise one, which then leaves by way of a frame that has nothing to drop.
unsafe extern "C-unwind" {
    fn palloc(size: usize) -> *mut u8;
    fn strcmp(one: *const c_char, other: *const c_char) -> c_int;
}

/// The id of the user who is asking: the `sub` of `request.jwt.claims`. For row level security.
///
/// NULL when there is none: outside a request, and for claims that are no JSON object or whose `sub` is
/// missing, empty or not a string. Never an error. `sql/finish.sql` creates it in schema `public`.
///
/// # Safety
/// To be called by PostgreSQL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_user_id_wrapper(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the call info is PostgreSQL's. The setting's value is terminated and lives until the setting
    // changes, which nothing in here brings about.
    unsafe {
        let claims = setting::value();
        if !claims.is_null() && *claims != 0 {
            let seen = SEEN.0.get();
            if (*seen).claims.is_empty() || strcmp(claims, (*seen).claims.as_ptr().cast()) != 0 {
                see(seen, claims);
            }
            let text = &(*seen).text;
            if !text.is_empty() {
                // A copy: a value of our own would have to outlive a change of the setting within the very query
                // that still holds it. It costs next to nothing.
                let copy = palloc(text.len());
                std::ptr::copy_nonoverlapping(text.as_ptr(), copy, text.len());
                return pg_sys::Datum::from(copy);
            }
        }
        (*call).isnull = true;
        pg_sys::Datum::null()
    }
}

/// The memory, in bytes, that a backend keeps for claims that are shorter.
const KEPT: usize = 16 * 1024;

/// Remembers these claims.
#[cold]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn see(seen: *mut Seen, claims: *const c_char) {
    // SAFETY: of requesting_user_id(), which has the only pointer to what was seen.
    let (seen, claims) = unsafe { (&mut *seen, CStr::from_ptr(claims)) };
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
        let mut header = [0; 4];
        // SAFETY: the header of a value of that size; the size has a limit.
        unsafe { pgrx::set_varsize_4b(header.as_mut_ptr().cast(), (subject.len() + header.len()) as c_int) };
        seen.text.extend_from_slice(&header);
        seen.text.extend_from_slice(subject.as_bytes());
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
