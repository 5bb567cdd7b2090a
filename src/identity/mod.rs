//! Who is asking: the claims of this request, on the hot path of other people's queries.
//!
//! The planner support function of `requesting_user_id()` will live here too.

pub(crate) mod claims;
mod requesting_user;
