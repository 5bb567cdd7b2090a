//! `requesting_user_is(role)`, for row level security: whether the user who is asking has a role.
//!
//! It reads the table, as the table's owner, not the claims, where no role arrives that could be believed. That is done
//! once a statement: see [`Moment`].

use pgrx::pg_sys::{self, Datum};

use super::{admin_roles, is_admin_by_id, roles_of, store};
use crate::identity::{self, Last, Moment};
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
    fn pg_detoast_datum_packed(datum: *mut pg_sys::varlena) -> *mut pg_sys::varlena;
}

/// The user's roles; `None` where there is no user.
static ROLES: Last<Option<Vec<String>>> = Last::nothing();

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
        let roles = Moment::now().and_then(|now| {
            if ROLES.at(now).is_none() {
                find(now);
            }
            ROLES.at(now)?.as_ref()
        });
        let Some(roles) = roles else {
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
    // SAFETY: no reference to what was found is alive.
    unsafe { ROLES.keep(now, roles) };
}

/// Says that [`requesting_user_is_wrapper`] follows version 1 of PostgreSQL's calling convention.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_requesting_user_is_wrapper() -> *const pg_sys::Pg_finfo_record {
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}
