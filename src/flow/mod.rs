//! What Better Auth does, one file a capability. Knows no HTTP, no cookies and no SQL.

mod input;
pub(crate) mod password;
pub(crate) mod secrets;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod token;
