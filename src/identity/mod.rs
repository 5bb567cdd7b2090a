//! Who is asking: the claims of this request, on the hot path of other people's queries.

pub(crate) mod claims;
mod moment;
mod place;
mod planner;
mod requesting_user;
pub(crate) mod verified;

pub(crate) use moment::{Last, Moment};
pub(crate) use place::{copied, known, placed, value};
pub(crate) use requesting_user::subject;

/// Called once, when a backend loads the library.
pub(crate) fn init() {
    verified::init();
    planner::init();
}
