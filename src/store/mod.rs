//! What lasts: the only code that runs SQL, and what else it takes from the server. One file a table.
//!
//! Every statement runs as the owner of its table, with a fixed `search_path`, so the callers need no
//! privilege on the tables, and a trigger on them runs with no more rights than their owner has.

pub(crate) mod account;
pub(crate) mod adopt;
pub(crate) mod catalog;
pub(crate) mod columns;
pub(crate) mod counter;
pub(crate) mod definition;
pub(crate) mod fetch_outbox;
pub(crate) mod fields;
pub(crate) mod function;
mod guard;
mod likeness;
pub(crate) mod mail;
pub(crate) mod migrate;
pub(crate) mod oauth_provider;
mod object_name;
mod outbox;
pub(crate) mod pattern;
pub(crate) mod provider_key;
pub(crate) mod purge;
pub(crate) mod rate_limit;
pub(crate) mod rpc;
pub(crate) mod sealed;
pub(crate) mod secret;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod slot;
pub(crate) mod sql;
pub(crate) mod subtransaction;
pub(crate) mod user;
pub(crate) mod verification;
mod whole;
