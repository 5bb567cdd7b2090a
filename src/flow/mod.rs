//! What Better Auth does, one file a capability. Knows no HTTP, no cookies and no SQL.

pub(crate) mod account;
pub(crate) mod account_cookie;
pub(crate) mod bridge_keys;
pub(crate) mod email_verification;

pub(crate) mod fetch;
pub(crate) mod fetch_outbox;
pub(crate) mod fields;
pub(crate) mod guess;
pub(crate) mod hash;
pub(crate) mod hooks;
pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod mail;
pub(crate) mod new_user;

pub(crate) mod oauth;
pub(crate) mod password;
pub(crate) mod proof;
pub(crate) mod secrets;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod token;
pub(crate) mod url;
pub(crate) mod user;
