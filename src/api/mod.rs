//! The doors. So far one: SQL functions.

mod admin;
mod json;
mod jsonb;
mod raise;
mod sql;
