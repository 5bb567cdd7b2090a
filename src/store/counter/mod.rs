//! Counts in memory that all backends share: what must stay counted when the transaction that asked is rolled back.
//! Who sends a request to PostgREST can have it rolled back at will, by a filter that fails, say.
//!
//! The memory is a dynamic shared segment, made by the first backend that counts, so no library has to be preloaded.
//! Where it is stands in a few bytes of the server's main segment, which has some to spare for such. Counts end with
//! the server. What is counted isn't there: its keyed hash is, under a key that is made with the segment.

mod sets;

use pgrx::{PgSqlErrorCode, pg_sys};
use std::cell::{Cell, OnceCell};
use std::ffi::CStr;
use std::mem::size_of;
use std::time::{Duration, Instant};

use crate::crypto::mac;
use crate::error::AuthError;
use crate::store::server::{fill_random, warn};
use crate::store::subtransaction::attempt_optional;

pub(crate) use self::sets::{Counted, Limit};
use self::sets::{Key, Set};

/// 131,072 counts in 4 MiB. Better Auth's memory has 100,000.
const SETS: usize = 8_192;
const LOCKS: usize = 128;

/// What tells one layout from another: a server may have loaded two releases at once. To be changed with it.
const NAME: &CStr = c"better_auth counts 1";
const TRANCHE: &CStr = c"better_auth_counts";

/// The number of PostgreSQL's `AddinShmemInitLock`, the same from 13 to 18.
const ADDIN_SHMEM_INIT: usize = 21;

/// How soon a backend tries anew, after there was no memory.
const PAUSE: Duration = Duration::from_secs(10);

/// In the main segment, under `AddinShmemInitLock`.
#[repr(C)]
struct Anchor {
    /// 0 until the segment is there.
    handle: pg_sys::dsm_handle,
}

#[repr(C)]
struct Segment {
    secret: [u8; 32],
    tranche: i32,
    locks: [pg_sys::LWLockPadded; LOCKS],
    sets: [Set; SETS],
}

/// The segment as this backend has it, until the backend ends.
struct Counts {
    segment: *mut Segment,
    key: mac::Key,
}

thread_local! {
    static COUNTS: OnceCell<Counts> = const { OnceCell::new() };
    static FAILED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Counts one more of `what` in this database, at `now` (milliseconds since 1970). `None` where there is no memory for
/// it, of which a warning has told.
pub(crate) fn count(what: &str, now: i64, limit: Limit) -> Option<Counted> {
    with(|counts| counts.with_set(what, |set, key| sets::count(set, key, now, limit)))
}

/// Takes back what [`count`] counted last.
pub(crate) fn uncount(what: &str) {
    with(|counts| counts.with_set(what, sets::uncount));
}

/// Forgets all counts of this database.
pub(crate) fn forget_all() {
    with(Counts::forget);
}

fn with<T>(work: impl FnOnce(&Counts) -> T) -> Option<T> {
    COUNTS.with(|counts| {
        if counts.get().is_none() {
            let _ = counts.set(attach()?);
        }
        counts.get().map(work)
    })
}

/// `None`, and a warning, where the server has no memory to give. A backend asks again after a while.
fn attach() -> Option<Counts> {
    if FAILED.get().is_some_and(|failed| failed.elapsed() < PAUSE) {
        return None;
    }
    let (code, reason) = match attempt_optional(Counts::attach) {
        Ok(Ok(counts)) => return Some(counts),
        Ok(Err(error)) => (PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, error.message()),
        Err(exception) => (exception.code, exception.message),
    };
    FAILED.set(Some(Instant::now()));
    warn(
        code,
        &format!(
            "there is no shared memory for rate limits: {reason}; they are counted in the table alone, where a caller can roll them back"
        ),
    );
    None
}

impl Counts {
    /// Raises where memory is not to be had; what is held then ends with the subtransaction.
    fn attach() -> Result<Self, AuthError> {
        let mut secret = [0; 32];
        fill_random(&mut secret)?;
        // SAFETY: in a backend that runs a query, so shared memory is there. The anchor is read and written under the
        // lock alone. A segment is of this layout, since its anchor's name stands for it, and is written whole before
        // anybody can find it. Both are pinned: the segment stays until the server ends, the mapping until the
        // backend does.
        unsafe {
            let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT)).lock;
            pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
            let mut is_there = false;
            let anchor: *mut Anchor =
                pg_sys::ShmemInitStruct(NAME.as_ptr(), size_of::<Anchor>(), &raw mut is_there).cast();
            if !is_there {
                (*anchor).handle = 0;
            }
            let mapping = match (*anchor).handle {
                0 => {
                    let mapping = pg_sys::dsm_create(size_of::<Segment>(), 0);
                    let segment: *mut Segment = pg_sys::dsm_segment_address(mapping).cast();
                    // The memory may have been used before. All zeros is a segment without counts.
                    segment.write_bytes(0, 1);
                    (*segment).secret = secret;
                    (*segment).tranche = pg_sys::LWLockNewTrancheId();
                    for index in 0..LOCKS {
                        let lock = &raw mut (*segment).locks[index].lock;
                        pg_sys::LWLockInitialize(lock, (*segment).tranche);
                    }
                    pg_sys::dsm_pin_segment(mapping);
                    (*anchor).handle = pg_sys::dsm_segment_handle(mapping);
                    mapping
                }
                handle => pg_sys::dsm_attach(handle),
            };
            pg_sys::LWLockRelease(lock);
            if mapping.is_null() {
                return Err(AuthError::Resources("the segment is gone"));
            }
            pg_sys::dsm_pin_mapping(mapping);
            let segment: *mut Segment = pg_sys::dsm_segment_address(mapping).cast();
            pg_sys::LWLockRegisterTranche((*segment).tranche, TRANCHE.as_ptr());
            Ok(Self { segment, key: mac::Key::new(&(*segment).secret) })
        }
    }

    /// Runs `work` on the set of `what`, alone with it.
    fn with_set<T>(&self, what: &str, work: impl FnOnce(&mut Set, Key) -> T) -> T {
        let database = database();
        let mut named = database.to_be_bytes().to_vec();
        named.extend_from_slice(what.as_bytes());
        let [set, tag, ..] = self.key.numbers(&named);
        let index = usize::try_from(set % SETS as u64).unwrap_or_default();
        self.locked(index % LOCKS, |segment| {
            // SAFETY: the segment is there, the index within it, and whoever reaches for this set holds this lock.
            let set = unsafe { &mut (*segment).sets[index] };
            work(set, Key { tag, database })
        })
    }

    fn forget(&self) {
        for lock in 0..LOCKS {
            self.locked(lock, |segment| {
                for index in (lock..SETS).step_by(LOCKS) {
                    // SAFETY: as in `with_set`.
                    sets::forget(unsafe { &mut (*segment).sets[index] }, database());
                }
            });
        }
    }

    /// Runs `work` with a lock held. It calls nothing of PostgreSQL's.
    fn locked<T>(&self, lock: usize, work: impl FnOnce(*mut Segment) -> T) -> T {
        // SAFETY: the segment is there, and the index within it. Nothing can interrupt while the lock is held.
        let lock = unsafe { &raw mut (*self.segment).locks[lock % LOCKS].lock };
        // SAFETY: a lock that was initialised when the segment was made.
        unsafe { pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE) };
        let result = work(self.segment);
        // SAFETY: held since just now.
        unsafe { pg_sys::LWLockRelease(lock) };
        result
    }
}

fn database() -> u32 {
    // SAFETY: reads the backend's own database.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}
