//! `requesting_user_is(role)`, for row level security: whether the user who is asking has a role.
//!
//! It reads the table, as the table's owner, not the claims, where no role arrives that could be believed. That is done
//! once a statement: what was found is kept with all that it depends on, and a call compares these. It may run for
//! each row, so nothing on that way is what pgrx wraps around calls of PostgreSQL's.

use pgrx::pg_sys::{self, Datum};
use std::cell::UnsafeCell;

use super::{admin_roles, is_admin_by_id, roles_of, store};
use crate::identity;
use crate::plugin::PolicyFunction;

/// What `migrate()` makes.
pub(super) const FUNCTIONS: &[PolicyFunction] = &[PolicyFunction {
    name: "requesting_user_is",
    arguments: &["pg_catalog.text"],
    names: &["role"],
    returns: "pg_catalog.bool",
    properties: "STABLE STRICT PARALLEL SAFE",
    comment: "Whether the user who is asking has a role of the admin plugin; NULL without a user, or for one who is banned. For row level security policies.",
}];

unsafe extern "C-unwind" {
    fn ActiveSnapshotSet() -> bool;
    fn GetActiveSnapshot() -> pg_sys::Snapshot;
    fn GetCurrentSubTransactionId() -> pg_sys::SubTransactionId;
    fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
    fn pg_detoast_datum_packed(datum: *mut pg_sys::varlena) -> *mut pg_sys::varlena;
}

/// All that what is found depends on but the user: the statement, and what it sees of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
struct Moment {
    /// The claims, as [`identity::asking`] counts them.
    claims: u64,
    statement: pg_sys::TimestampTz,
    subtransaction: pg_sys::SubTransactionId,
    command: pg_sys::CommandId,
    /// Of a transaction that commits within the statement, where snapshots are taken anew: the snapshot has another
    /// end then, or lacks one that was running.
    first: u32,
    end: u32,
    running: u32,
    subtransactions: i32,
}

impl Moment {
    /// # Safety
    /// There is a snapshot.
    #[inline]
    unsafe fn of(claims: u64) -> Self {
        // SAFETY: as the caller says; the others read the backend's own state.
        unsafe {
            let snapshot = GetActiveSnapshot();
            Self {
                claims,
                statement: GetCurrentStatementStartTimestamp(),
                subtransaction: GetCurrentSubTransactionId(),
                command: (*snapshot).curcid,
                first: xid((*snapshot).xmin),
                end: xid((*snapshot).xmax),
                running: (*snapshot).xcnt,
                subtransactions: (*snapshot).subxcnt,
            }
        }
    }
}

fn xid(xid: pg_sys::TransactionId) -> u32 {
    #[allow(clippy::useless_conversion, reason = "a type of its own in some versions of pgrx")]
    xid.into()
}

/// What was found last.
struct Found {
    at: Moment,
    /// The user's roles; `None` where there is no user.
    roles: Option<Vec<String>>,
}

struct Backend(UnsafeCell<Option<Found>>);

// SAFETY: a backend is one thread.
unsafe impl Sync for Backend {}

static FOUND: Backend = Backend(UnsafeCell::new(None));

/// Whether the user who is asking has the role.
///
/// NULL where there is no user: outside a request, and for one who is gone or banned. Never an error of its own.
///
/// # Safety
/// To be called by PostgreSQL, with one text that isn't NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_user_is_wrapper(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: the call info is PostgreSQL's. What was found is read after it was written, and nothing that is called in
    // between comes back here but find(), which is done with it then.
    unsafe {
        let claims = identity::asking();
        if claims == 0 || !ActiveSnapshotSet() {
            (*call).isnull = true;
            return Datum::null();
        }
        let now = Moment::of(claims);
        if !(*FOUND.0.get()).as_ref().is_some_and(|found| found.at == now) {
            find(now);
        }
        let Some(Found { roles: Some(roles), .. }) = &*FOUND.0.get() else {
            (*call).isnull = true;
            return Datum::null();
        };
        let argument = (*(*call).args.as_ptr()).value;
        let role = pg_detoast_datum_packed(argument.cast_mut_ptr());
        let role = pgrx::varlena_to_byte_slice(role);
        Datum::from(roles.iter().any(|known| known.as_bytes() == role))
    }
}

/// Looks the user up.
#[cold]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn find(now: Moment) {
    let roles = identity::subject().and_then(|user_id| {
        // Without the table or the column nobody has a role.
        let role = store::role(&user_id).ok().flatten()?;
        let mut roles = roles_of(role.as_deref());
        if is_admin_by_id(&user_id) {
            roles.extend(admin_roles());
        }
        Some(roles)
    });
    // SAFETY: a backend is one thread, and no reference to what was found is alive.
    unsafe { *FOUND.0.get() = Some(Found { at: now, roles }) };
}

/// Says that [`requesting_user_is_wrapper`] follows version 1 of PostgreSQL's calling convention.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_requesting_user_is_wrapper() -> *const pg_sys::Pg_finfo_record {
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}
