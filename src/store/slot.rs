//! A limit on password hashes that run at the same time in the whole cluster, so that a flood of sign-ins leaves
//! cores to everybody else's queries.
//!
//! A slot is one of PostgreSQL's advisory locks, of no database: SQL's advisory locks are always of one, so nobody
//! can hold a slot but by hashing. The lock manager has the queue, and ends a wait with the statement: no shared
//! library has to be preloaded.

use pgrx::pg_sys;
use std::sync::OnceLock;
use std::thread::available_parallelism;

use crate::settings;

/// "auth" in ASCII: tells our locks from those of other extensions that do the same.
const KEY: u32 = 0x6175_7468;

/// The longest wait, in milliseconds, whatever `lock_timeout` says: who waits keeps a connection, and under a flood
/// the answer "try again" is worth more than one that comes too late. It is an answer, too, whose transaction
/// commits, so that the rate limit has counted it.
const LONGEST_WAIT: i32 = 5_000;

/// Runs `hash` in a slot, once there is one. It must not wait for anything else meanwhile. 55P03 where that takes
/// too long.
pub(crate) fn with_slot<T>(hash: impl FnOnce() -> T) -> T {
    let tag = acquire();
    let done = hash();
    // SAFETY: the lock is held: acquire() has it from here. An error between would have released it too, as it
    // does all of a transaction's locks.
    unsafe { pg_sys::LockRelease(&raw const tag, EXCLUSIVE, false) };
    // A cancel that came meanwhile: a hash itself, about a second at most, knows nothing of it.
    pgrx::check_for_interrupts!();
    done
}

const EXCLUSIVE: i32 = pg_sys::ExclusiveLock.cast_signed();

fn acquire() -> pg_sys::LOCKTAG {
    let count = count();
    // SAFETY: reads the backend's own number.
    let mine = unsafe { pg_sys::MyProcPid }.unsigned_abs() % count;
    let lock = |slot: u32, dont_wait| {
        let tag = tag(slot);
        // SAFETY: PostgreSQL's lock manager takes any tag; what it raises, a cancelled wait, passes through here
        // with nothing to undo.
        let result = unsafe { pg_sys::LockAcquire(&raw const tag, EXCLUSIVE, false, dont_wait) };
        (result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL).then_some(tag)
    };
    let free = (0..count).find_map(|other| lock((mine + other) % count, true));
    free.unwrap_or_else(|| {
        let _wait = LockTimeout::of(LONGEST_WAIT);
        lock(mine, false).unwrap_or_else(|| tag(mine))
    })
}

/// `lock_timeout` as it is for now; afterwards, an error's way out included, as it was.
struct LockTimeout(i32);

impl LockTimeout {
    fn of(milliseconds: i32) -> Self {
        // SAFETY: the setting's variable, which nothing else changes while a lock is waited for.
        unsafe {
            let before = Self(pg_sys::LockTimeout);
            pg_sys::LockTimeout = milliseconds;
            before
        }
    }
}

impl Drop for LockTimeout {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { pg_sys::LockTimeout = self.0 };
    }
}

fn tag(slot: u32) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: pg_sys::InvalidOid.to_u32(),
        locktag_field2: KEY,
        locktag_field3: slot,
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// How many there are: the setting, or all cores but one.
fn count() -> u32 {
    static CORES: OnceLock<u32> = OnceLock::new();
    let cores = || available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    let wanted = settings::max_concurrent_hashes();
    if wanted > 0 { wanted } else { CORES.get_or_init(cores).saturating_sub(1).max(1) }
}
