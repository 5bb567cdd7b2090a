//! The doors: SQL functions, and HTTP requests as one of them.

mod admin;
mod any_json;
mod endpoint;
pub(crate) mod http;
mod json;
mod jsonb;
pub(crate) mod jsonb_writer;
mod raise;
mod rpc;
mod sql;

pub(crate) use raise::keep_backtraces;
