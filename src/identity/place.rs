//! Places in a plan or an expression where a function is called, and what they keep. What was returned may still be held
//! when another answer takes its place, so it is never changed or freed: it goes with the memory of its place.

use pgrx::pg_sys::{self, Datum};
use std::ffi::c_void;

use crate::identity::planner::ONCE;

/// What a place keeps, in its `fn_extra`.
pub(super) struct Kept {
    /// Null for none.
    pub(super) answer: Datum,
    /// The claims that it is the answer to, where that matters.
    pub(super) version: u64,
    /// How many answers it has kept so far.
    pub(super) answers: u32,
}

// pgrx's own declarations set up a catcher of PostgreSQL's errors around each call. The allocators can raise one, which
// then leaves by way of a frame that has nothing to drop.
unsafe extern "C-unwind" {
    pub(super) fn palloc(size: usize) -> *mut c_void;
    fn MemoryContextAlloc(context: pg_sys::MemoryContext, size: usize) -> *mut c_void;
}

/// What a call keeps; null for nothing yet, or without a place.
///
/// # Safety
/// The call is one of PostgreSQL's, of a function whose `fn_extra` is for [`keep`] alone.
#[inline]
pub(super) unsafe fn kept(call: pg_sys::FunctionCallInfo) -> *mut Kept {
    // SAFETY: as the caller says.
    unsafe {
        let place = (*call).flinfo;
        if place.is_null() { std::ptr::null_mut() } else { (*place).fn_extra.cast() }
    }
}

/// Whether the first answer of a call is good for all of an execution.
///
/// # Safety
/// The call is one of PostgreSQL's.
#[inline]
pub(super) unsafe fn is_once(call: pg_sys::FunctionCallInfo) -> bool {
    // SAFETY: as the caller says.
    unsafe { (*call).fncollation == ONCE && !(*call).flinfo.is_null() }
}

/// The answer that a call has already. This is what runs for each row of a scan.
///
/// # Safety
/// As of [`kept`].
#[inline]
pub(crate) unsafe fn known(call: pg_sys::FunctionCallInfo) -> Option<Datum> {
    // SAFETY: as the caller says.
    unsafe {
        if !is_once(call) {
            return None;
        }
        let kept = kept(call);
        if kept.is_null() {
            return None;
        }
        (*call).isnull = (*kept).answer.is_null();
        Some((*kept).answer)
    }
}

/// Answers a call with a value of type text, its header included, or with NULL for an empty one: kept where it is good
/// for all of the execution, or else a copy.
///
/// # Safety
/// As of [`kept`].
pub(crate) unsafe fn placed(call: pg_sys::FunctionCallInfo, text: &[u8]) -> Datum {
    // SAFETY: as the caller says.
    unsafe {
        let answer = match (is_once(call), text.is_empty()) {
            (true, _) => keep((*call).flinfo, kept(call), text, 0),
            (false, true) => Datum::null(),
            (false, false) => copied(text),
        };
        (*call).isnull = answer.is_null();
        answer
    }
}

/// Makes `text` the answer that `place` keeps.
///
/// # Safety
/// `kept` is what `place` keeps, which isn't null.
#[cold]
pub(super) unsafe fn keep(
    place: *mut pg_sys::FmgrInfo,
    mut kept: *mut Kept,
    text: &[u8],
    version: u64,
) -> Datum {
    // SAFETY: what is allocated lives as long as the place, and becomes known when it is whole.
    unsafe {
        if kept.is_null() {
            kept = MemoryContextAlloc((*place).fn_mcxt, size_of::<Kept>()).cast();
            kept.write(Kept { answer: Datum::null(), version: 0, answers: 0 });
        }
        if text.is_empty() {
            (*kept).answer = Datum::null();
        } else {
            (*kept).answer = copy(MemoryContextAlloc((*place).fn_mcxt, text.len()), text);
            (*kept).answers += 1;
        }
        (*kept).version = version;
        (*place).fn_extra = kept.cast();
        (*kept).answer
    }
}

/// # Safety
/// `memory` has room for `text`.
pub(super) unsafe fn copy(memory: *mut c_void, text: &[u8]) -> Datum {
    // SAFETY: as the caller says.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), memory.cast(), text.len()) };
    Datum::from(memory)
}

/// A copy of a value of type text, for a caller.
///
/// # Safety
/// To be called by a function that PostgreSQL called.
pub(crate) unsafe fn copied(text: &[u8]) -> Datum {
    // SAFETY: there is as much memory.
    unsafe { copy(palloc(text.len()), text) }
}

/// A text as a value of type text, its header included.
pub(crate) fn value(text: &str) -> Vec<u8> {
    let mut header = [0; 4];
    // SAFETY: the header of a value of that size; PostgreSQL's texts are no longer.
    unsafe { pgrx::set_varsize_4b(header.as_mut_ptr().cast(), (text.len() + header.len()) as i32) };
    [&header, text.as_bytes()].concat()
}
