//! The doors: SQL functions, and HTTP requests as one of them.

mod admin;
mod any_json;
mod endpoint;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod jsonb;
pub(crate) mod jsonb_writer;
mod oauth;
mod outgoing;
pub(crate) mod raise;
pub(crate) mod rpc;
mod sql;

pub(crate) use raise::keep_backtraces;
