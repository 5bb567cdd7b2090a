//! Who is asking: the claims of this request, on the hot path of other people's queries.

pub(crate) mod claims;
mod planner;
mod requesting_user;

pub(crate) use requesting_user::{asking, subject};

/// Called once, when a backend loads the library.
pub(crate) fn init() {
    planner::init();
}
