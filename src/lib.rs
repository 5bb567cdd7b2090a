//! Better Auth inside PostgreSQL.
//!
//! The map: a call goes `api → flow → store | crypto`; `identity` stands beside it, on the hot path of
//! other people's queries; `plugin` adds to each room; `settings`, `names` and `error` are tables that all of them read.

mod api;
mod crypto;
mod error;
mod flow;
mod identity;
mod names;
mod plugin;
mod settings;
mod store;

#[cfg(any(test, feature = "pg_test"))]
mod in_database;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/start.sql", name = "start", bootstrap);
pgrx::extension_sql_file!("../sql/finish.sql", name = "finish", finalize);

/// PostgreSQL calls it when a backend loads the library.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    api::keep_backtraces();
    settings::init();
    store::catalog::init();
    identity::init();
}

/// What the pgrx test runner asks for.
#[cfg(test)]
pub mod pg_test {
    /// Nothing to set up.
    pub fn setup(_options: Vec<&str>) {}

    /// No settings beyond the defaults.
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
