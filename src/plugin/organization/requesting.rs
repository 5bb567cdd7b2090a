//! What policies ask of organizations and teams: `requesting_organization_id()` and its relatives.
//!
//! They read the tables, as the tables' owner, by the user who is asking: what they say is true this instant, whatever a
//! token says, and where none of its claims but `sub` arrive. That is done once a statement: see [`Moment`].

use pgrx::iter::SetOfIterator;
use pgrx::pg_sys::{self, Datum};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::rc::Rc;

use super::permission::{is_dynamic, normalized, role_list, roles, with_own};
use super::store::{asking, role, team};
use crate::api::jsonb::{Jsonb, Member};
use crate::identity::{self, Last, Moment, copied, known, placed, value};
use crate::plugin::PolicyFunction;

const TEXT: &str = "pg_catalog.text";

/// What `migrate()` makes.
pub(super) const FUNCTIONS: &[PolicyFunction] = &[
    PolicyFunction {
        name: "requesting_organization_id",
        arguments: &[],
        names: &[],
        returns: TEXT,
        properties: "STABLE LEAKPROOF PARALLEL SAFE",
        comment: "Id of the organization that the session of the user who is asking is about; NULL without one, and where the user is no member. For row level security policies.",
    },
    PolicyFunction {
        name: "requesting_organization_ids",
        arguments: &[],
        names: &[],
        returns: "SETOF pg_catalog.text",
        properties: "STABLE PARALLEL SAFE ROWS 10",
        comment: "Ids of the organizations that the user who is asking is in. For row level security policies.",
    },
    PolicyFunction {
        name: "requesting_organization_role",
        arguments: &[TEXT],
        names: &["organization_id"],
        returns: TEXT,
        properties: "STABLE STRICT PARALLEL SAFE",
        comment: "The roles that the user who is asking has in an organization, joined by commas; NULL where the user is no member. For row level security policies.",
    },
    PolicyFunction {
        name: "requesting_user_has_permission",
        arguments: &[TEXT, "pg_catalog.jsonb"],
        names: &["organization_id", "permissions"],
        returns: "pg_catalog.bool",
        properties: "STABLE STRICT PARALLEL SAFE",
        comment: "Whether the user who is asking may do all of {\"resource\": [\"action\", ...]} in an organization; NULL without a user. For row level security policies.",
    },
    PolicyFunction {
        name: "requesting_team_id",
        arguments: &[],
        names: &[],
        returns: TEXT,
        properties: "STABLE LEAKPROOF PARALLEL SAFE",
        comment: "Id of the team that the session of the user who is asking is about; NULL without one, and where the user isn''t in it. For row level security policies.",
    },
    PolicyFunction {
        name: "requesting_team_ids",
        arguments: &[],
        names: &[],
        returns: "SETOF pg_catalog.text",
        properties: "STABLE PARALLEL SAFE ROWS 10",
        comment: "Ids of the teams that the user who is asking is in. For row level security policies.",
    },
];

unsafe extern "C-unwind" {
    fn pg_detoast_datum_packed(datum: *mut pg_sys::varlena) -> *mut pg_sys::varlena;
}

/// Whether a user may do some things in organizations.
struct Permission {
    /// As the argument has them.
    wanted: Vec<u8>,
    /// By the organization.
    is_allowed: HashMap<Vec<u8>, bool>,
}

/// For how many permissions answers are kept: a policy has few.
const PERMISSIONS: usize = 16;

/// Where the user is.
struct There {
    /// The organizations, and the roles there, joined by commas, as a value of type text.
    roles: HashMap<Vec<u8>, Vec<u8>>,
    /// What the session is about, as a value of type text; empty for nothing.
    organization: Vec<u8>,
    /// The team that it is about, whether the user is in it or not.
    team: Option<String>,
}

/// `None` where there is no user.
static THERE: Last<Option<There>> = Last::nothing();
/// The team that the session is about, as a value of type text; empty for nothing.
static TEAM: Last<Vec<u8>> = Last::nothing();
static ALLOWED: Last<Vec<Permission>> = Last::nothing();

// ── What is found ────────────────────────────────────────────────────────────────────────────────

/// Where the user who is asking is; `None` without a user.
///
/// # Safety
/// To be called by a function that PostgreSQL called, which is done with the answer before it calls anything else.
#[inline]
unsafe fn there(now: Moment) -> Option<&'static There> {
    // SAFETY: as the caller says.
    unsafe {
        if THERE.at(now).is_none() {
            find_there(now);
        }
        THERE.at(now)?.as_ref()
    }
}

#[cold]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn find_there(now: Moment) {
    let found = identity::subject().and_then(|user_id| {
        // Without a session that the claims name nothing says which one is meant.
        let session = identity::claims::of_bridge().map(|token| token.session);
        // Without the tables nobody is anywhere.
        let found = asking::find(&user_id, session.as_deref()).ok().flatten()?;
        let roles: HashMap<_, _> = found
            .organizations
            .into_iter()
            .map(|(id, roles)| (id.into_bytes(), value(&normalized(&roles))))
            .collect();
        let organization = found.organization.filter(|id| roles.contains_key(id.as_bytes()));
        let organization = organization.map(|id| value(&id)).unwrap_or_default();
        Some(There { roles, organization, team: found.team })
    });
    // SAFETY: no reference to what was found is alive.
    unsafe { THERE.keep(now, found) };
}

/// The teams that the user who is asking is in, of organizations that the user is in.
fn teams(now: Moment) -> Vec<String> {
    // An error in there leaves by way of frames that have nothing to drop; below, it is known.
    // SAFETY: nothing is done with the answer.
    let _ = unsafe { there(now) };
    let found = identity::subject().and_then(|user_id| team::teams_of(&user_id).ok()).unwrap_or_default();
    // SAFETY: nothing else is called before the answer is done with.
    let there = unsafe { there(now) };
    let is_member = |id: &str| there.is_some_and(|there| there.roles.contains_key(id.as_bytes()));
    found.into_iter().filter(|(_, organization_id)| is_member(organization_id)).map(|(id, _)| id).collect()
}

#[cold]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn find_team(now: Moment) {
    // SAFETY: nothing else is called before the answer is done with.
    let team = unsafe { there(now) }.and_then(|there| there.team.clone());
    let team = team.filter(|id| teams(now).contains(id)).map(|id| value(&id)).unwrap_or_default();
    // SAFETY: no reference to what was found is alive.
    unsafe { TEAM.keep(now, team) };
}

/// Finds out whether the user may do something in an organization that the user is in.
#[cold]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn find_permission(now: Moment, organization: Datum, permissions: Datum) {
    // SAFETY: both are values of their types that PostgreSQL has detoasted, and live as long as the call.
    let (organization_id, wanted, asked) = unsafe {
        let (organization, wanted) = (bytes(organization).to_vec(), bytes(permissions).to_vec());
        (organization, wanted, Jsonb::from_datum(permissions, false))
    };
    let is_allowed = asked.is_some_and(|asked| {
        let wanted = actions(&asked);
        // SAFETY: the roles are copied.
        let roles = unsafe { there(now) }
            .and_then(|there| there.roles.get(&organization_id)?.get(4..).map(<[u8]>::to_vec));
        let roles = roles.and_then(|roles| String::from_utf8(roles).ok()).unwrap_or_default();
        let id = String::from_utf8(organization_id.clone()).unwrap_or_default();
        wanted.is_some_and(|wanted| allows(&id, &roles, &wanted))
    });
    // SAFETY: no reference to what was found is alive, but this one from here on.
    unsafe {
        let mut found = ALLOWED.at(now).map(std::mem::take).unwrap_or_default();
        match found.iter_mut().find(|known| known.wanted == wanted) {
            Some(known) => drop(known.is_allowed.insert(organization_id, is_allowed)),
            None => {
                found.truncate(PERMISSIONS - 1);
                let is_allowed = HashMap::from([(organization_id, is_allowed)]);
                found.insert(0, Permission { wanted, is_allowed });
            }
        }
        ALLOWED.keep(now, found);
    }
}

/// The actions that are asked for; `None` where that is no object of arrays of texts.
fn actions<'a>(asked: &Jsonb<'a>) -> Option<Vec<(&'a str, Vec<&'a str>)>> {
    let list = |(resource, actions): (&'a str, Member<'a>)| {
        Some((resource, actions.elements()?.into_iter().map(Member::as_str).collect::<Option<_>>()?))
    };
    asked.entries()?.into_iter().map(list).collect()
}

/// The same as [`super::permission::allows`], but for the query that is running, and never an error: a role of an
/// organization's own that can't be read allows nothing.
fn allows(organization_id: &str, held: &str, wanted: &[(&str, Vec<&str>)]) -> bool {
    let mut all = roles();
    if is_dynamic() {
        let names: Vec<&str> = role_list(held).collect();
        for own in role::named_in_step(organization_id, &names).unwrap_or_default() {
            all = with_own(Rc::clone(&all), vec![own]).unwrap_or(all);
        }
    }
    role_list(held).any(|role| all.allows(role, wanted))
}

// ── The functions ────────────────────────────────────────────────────────────────────────────────

/// An argument that isn't NULL, detoasted.
///
/// # Safety
/// The call is PostgreSQL's, of a function that is STRICT and has that many arguments, which are texts or jsonb.
#[inline]
unsafe fn argument(call: pg_sys::FunctionCallInfo, place: usize) -> Datum {
    // SAFETY: as the caller says.
    unsafe {
        let argument = (*(*call).args.as_ptr().add(place)).value;
        Datum::from(pg_detoast_datum_packed(argument.cast_mut_ptr()))
    }
}

/// The bytes of such an argument.
///
/// # Safety
/// As of [`argument`]; they live as long as the call.
#[inline]
unsafe fn bytes<'a>(argument: Datum) -> &'a [u8] {
    // SAFETY: as the caller says.
    unsafe { pgrx::varlena_to_byte_slice(argument.cast_mut_ptr()) }
}

/// The organization that the session is about.
///
/// # Safety
/// To be called by PostgreSQL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_organization_id_wrapper(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: the call info is PostgreSQL's; the answer is copied before anything else is called.
    unsafe {
        known(call).unwrap_or_else(|| {
            let there = Moment::now().and_then(|now| there(now));
            placed(call, there.map_or(&[][..], |there| there.organization.as_slice()))
        })
    }
}

/// The team that the session is about.
///
/// # Safety
/// To be called by PostgreSQL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_team_id_wrapper(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: as above.
    unsafe {
        known(call).unwrap_or_else(|| {
            let team = Moment::now().and_then(|now| {
                if TEAM.at(now).is_none() {
                    find_team(now);
                }
                TEAM.at(now)
            });
            placed(call, team.map_or(&[][..], |team| team.as_slice()))
        })
    }
}

/// The roles that the user has in an organization.
///
/// # Safety
/// To be called by PostgreSQL, with one text that isn't NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_organization_role_wrapper(
    call: pg_sys::FunctionCallInfo,
) -> Datum {
    // SAFETY: the call info is PostgreSQL's; the answer is copied before anything else is called.
    unsafe {
        let organization = bytes(argument(call, 0));
        let roles = Moment::now().and_then(|now| there(now)?.roles.get(organization));
        (*call).isnull = roles.is_none();
        roles.map_or(Datum::null(), |roles| copied(roles))
    }
}

/// Whether the user may do something in an organization.
///
/// # Safety
/// To be called by PostgreSQL, with a text and a jsonb that aren't NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_user_has_permission_wrapper(
    call: pg_sys::FunctionCallInfo,
) -> Datum {
    // SAFETY: the call info is PostgreSQL's. What was found is read after it was written, and nothing that is called in
    // between comes back here but what finds it, which is done with it then.
    unsafe {
        let (organization, permissions) = (argument(call, 0), argument(call, 1));
        let there = Moment::now().and_then(|now| Some((now, there(now)?)));
        let Some((now, there)) = there else {
            (*call).isnull = true;
            return Datum::null();
        };
        if !there.roles.contains_key(bytes(organization)) {
            return Datum::from(false);
        }
        let known = || {
            let known = ALLOWED.at(now)?.iter().find(|known| known.wanted == bytes(permissions))?;
            known.is_allowed.get(bytes(organization)).copied()
        };
        let is_allowed = known().or_else(|| {
            find_permission(now, organization, permissions);
            known()
        });
        Datum::from(is_allowed.unwrap_or_default())
    }
}

/// The organizations that the user is in.
#[pg_extern(sql = false)]
fn requesting_organization_ids() -> SetOfIterator<'static, String> {
    // SAFETY: PostgreSQL calls it; the ids are copied.
    let ids = unsafe {
        let there = Moment::now().and_then(|now| there(now));
        there.map(|there| there.roles.keys().cloned().collect::<Vec<_>>())
    };
    SetOfIterator::new(ids.unwrap_or_default().into_iter().filter_map(|id| String::from_utf8(id).ok()))
}

/// The teams that the user is in.
#[pg_extern(sql = false)]
fn requesting_team_ids() -> SetOfIterator<'static, String> {
    // SAFETY: PostgreSQL calls it.
    let now = unsafe { Moment::now() };
    SetOfIterator::new(now.map(teams).unwrap_or_default())
}

/// Says that a function follows version 1 of PostgreSQL's calling convention.
macro_rules! version_1 {
    ($($name:ident)*) => {$(
        /// Version 1.
        #[unsafe(no_mangle)]
        pub extern "C-unwind" fn $name() -> *const pg_sys::Pg_finfo_record {
            static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
    )*};
}

version_1! {
    pg_finfo_requesting_organization_id_wrapper
    pg_finfo_requesting_team_id_wrapper
    pg_finfo_requesting_organization_role_wrapper
    pg_finfo_requesting_user_has_permission_wrapper
}
