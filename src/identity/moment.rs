//! What functions for policies have found out about the user who is asking: kept for the statement, with all that it
//! depends on. A call compares these. It may run for each row, so nothing on that way is what pgrx wraps around calls
//! of PostgreSQL's.

use pgrx::pg_sys;
use std::cell::UnsafeCell;

use crate::identity::requesting_user::asking;
use crate::settings;

unsafe extern "C-unwind" {
    fn ActiveSnapshotSet() -> bool;
    fn GetActiveSnapshot() -> pg_sys::Snapshot;
    fn GetCurrentSubTransactionId() -> pg_sys::SubTransactionId;
    fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
}

/// All that what is found depends on: who asks, the statement, and what it sees of the tables.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Moment {
    /// The claims, as [`asking`] counts them.
    claims: u64,
    /// Of the settings that name columns, or say what roles allow.
    settings: u64,
    statement: pg_sys::TimestampTz,
    /// A statement may commit and go on in another transaction, where commands are counted anew.
    transaction: pg_sys::LocalTransactionId,
    subtransaction: pg_sys::SubTransactionId,
    command: pg_sys::CommandId,
    /// What others have committed since: the snapshot has another end then, or lacks one that was running.
    first: u32,
    end: u32,
    running: u32,
    subtransactions: i32,
}

impl Moment {
    /// Now; `None` where nobody asks, or nothing can be read.
    ///
    /// # Safety
    /// To be called by a function that PostgreSQL called.
    #[inline]
    pub(crate) unsafe fn now() -> Option<Self> {
        // SAFETY: as the caller says; the others read the backend's own state.
        unsafe {
            let claims = asking();
            if claims == 0 || !ActiveSnapshotSet() {
                return None;
            }
            let snapshot = GetActiveSnapshot();
            Some(Self {
                claims,
                settings: settings::field_changes(),
                statement: GetCurrentStatementStartTimestamp(),
                transaction: transaction(),
                subtransaction: GetCurrentSubTransactionId(),
                command: (*snapshot).curcid,
                first: xid((*snapshot).xmin),
                end: xid((*snapshot).xmax),
                running: (*snapshot).xcnt,
                subtransactions: (*snapshot).subxcnt,
            })
        }
    }
}

/// The number of the transaction in this backend, which one has that writes nothing too.
///
/// # Safety
/// Within a transaction.
#[inline]
unsafe fn transaction() -> pg_sys::LocalTransactionId {
    // SAFETY: a backend that runs a transaction has a place among the processes.
    unsafe {
        #[cfg(any(feature = "pg13", feature = "pg14", feature = "pg15", feature = "pg16"))]
        return (*pg_sys::MyProc).lxid;
        #[cfg(not(any(feature = "pg13", feature = "pg14", feature = "pg15", feature = "pg16")))]
        return (*pg_sys::MyProc).vxid.lxid;
    }
}

fn xid(xid: pg_sys::TransactionId) -> u32 {
    #[allow(clippy::useless_conversion, reason = "a type of its own in some versions of pgrx")]
    xid.into()
}

/// What was found last, and when.
pub(crate) struct Last<T>(UnsafeCell<Option<(Moment, T)>>);

// SAFETY: a backend is one thread.
unsafe impl<T> Sync for Last<T> {}

impl<T> Last<T> {
    pub(crate) const fn nothing() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// What was found at this moment.
    ///
    /// # Safety
    /// The reference is gone before anything is found again.
    #[inline]
    #[allow(clippy::mut_from_ref, reason = "as the safety section says")]
    pub(crate) unsafe fn at(&self, now: Moment) -> Option<&mut T> {
        // SAFETY: as the caller says; a backend is one thread.
        let last = unsafe { &mut *self.0.get() };
        last.as_mut().filter(|(at, _)| *at == now).map(|(_, found)| found)
    }

    /// Keeps what was found, in place of what was there.
    ///
    /// # Safety
    /// As of [`Last::at`].
    pub(crate) unsafe fn keep(&self, now: Moment, found: T) {
        // SAFETY: as the caller says.
        unsafe { *self.0.get() = Some((now, found)) };
    }
}
