//! What tables and columns there have to be.
//!
//! Better Auth's are those that `better-auth migrate` 1.7.25 makes, so that it finds nothing to do on them, constraint
//! and index names included. Plugins declare theirs in their folders.

use crate::plugin;
use crate::settings::AdditionalField;
use crate::store::catalog::Table;

/// What one table has to have.
pub(crate) struct Definition {
    pub(crate) table: Table,
    /// Better Auth's name of it, where it is a plugin's.
    pub(crate) model: &'static str,
    /// Field, type and constraints of each column, in order.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// Fields whose values are unique; the statements rely on it.
    pub(crate) unique: &'static [&'static str],
    /// Fields that Better Auth looks rows up by.
    pub(crate) indexed: &'static [&'static str],
    /// Fields that only this extension looks rows up by, and how.
    pub(crate) searched: &'static [(&'static str, &'static str)],
    /// Rows whose `expiresAt` has passed are of no use to anybody: `purge_expired()` deletes them.
    pub(crate) is_purged: bool,
    /// Backends keep its rows in memory, so a trigger tells them of each change.
    pub(crate) is_watched: bool,
    /// The setting that lists the columns which a team added, and what it lists: `additionalFields` of a plugin's.
    pub(crate) additional_fields: Option<(&'static str, fn() -> Vec<AdditionalField>)>,
    /// Whether the plugin has the table under its settings as they are.
    pub(crate) is_on: fn() -> bool,
}

impl Definition {
    /// Without columns yet.
    pub(crate) const fn of(table: Table, model: &'static str) -> Self {
        Self {
            table,
            model,
            columns: &[],
            unique: &["id"],
            indexed: &[],
            searched: &[],
            is_purged: false,
            is_watched: false,
            additional_fields: None,
            is_on: || true,
        }
    }
}

pub(crate) const BOOLEAN: &str = "pg_catalog.bool";
pub(crate) const BOOLEAN_REQUIRED: &str = "pg_catalog.bool NOT NULL";
pub(crate) const INTEGER: &str = "pg_catalog.int4";
pub(crate) const INTEGER_REQUIRED: &str = "pg_catalog.int4 NOT NULL";
pub(crate) const TIME: &str = "pg_catalog.timestamptz";
pub(crate) const TIME_NOW: &str = "pg_catalog.timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL";
pub(crate) const TIME_REQUIRED: &str = "pg_catalog.timestamptz NOT NULL";
pub(crate) const TEXT: &str = "pg_catalog.text";
pub(crate) const TEXT_REQUIRED: &str = "pg_catalog.text NOT NULL";
pub(crate) const TEXT_UNIQUE: &str = "pg_catalog.text UNIQUE";
pub(crate) const TEXT_REQUIRED_UNIQUE: &str = "pg_catalog.text NOT NULL UNIQUE";
pub(crate) const KEY: &str = "pg_catalog.text NOT NULL PRIMARY KEY";
/// What the types of unique columns end with.
pub(super) const UNIQUE: &str = " UNIQUE";
/// What stands for the id of another model's row begins with it; the type is that of the ids that are there.
pub(super) const REFERENCE: &str = "@";
/// Stands for a user's id.
pub(crate) const USER_KEY: &str = "@user";

/// What a table has to have under the settings as they are.
pub(super) struct Wanted {
    pub(super) table: Table,
    pub(super) columns: Vec<(&'static str, &'static str)>,
    pub(super) unique: Vec<&'static str>,
    pub(super) indexed: &'static [&'static str],
    pub(super) searched: &'static [(&'static str, &'static str)],
    /// What rows that are there already get in a column of a plugin's: Better Auth's `defaultValue`.
    pub(super) defaults: Vec<(&'static str, &'static str)>,
}

/// The core's tables with the columns of the plugins that are on, these plugins' tables, and our own.
pub(super) fn wanted() -> Vec<Wanted> {
    let on = plugin::on();
    let wanted = |definition: &Definition| {
        let Definition { table, indexed, searched, .. } = *definition;
        let (mut columns, mut unique) = (definition.columns.to_vec(), definition.unique.to_vec());
        let mut defaults = Vec::new();
        for added in on.iter().flat_map(|plugin| plugin.columns()) {
            if added.model == definition.model && (added.is_on)() {
                let before =
                    added.after.and_then(|after| columns.iter().position(|(name, _)| *name == after));
                columns.insert(before.map_or(columns.len(), |before| before + 1), (added.name, added.kind));
                unique.extend(added.kind.ends_with(UNIQUE).then_some(added.name));
                defaults.extend(added.default.map(|value| (added.name, value)));
            }
        }
        Wanted { table, columns, unique, indexed, searched, defaults }
    };
    let of_plugins = on.iter().flat_map(|plugin| plugin.tables()).copied().filter(|table| (table.is_on)());
    let (ours, shared): (Vec<&Definition>, Vec<&Definition>) =
        CORE.iter().partition(|definition| definition.table.is_ours());
    shared.into_iter().chain(of_plugins).chain(ours).map(wanted).collect()
}

macro_rules! secret_names {
    () => {
        "CHECK (name IN ('cookie', 'jwt', 'jwt_eddsa', 'jwt_es256', 'jwt_rs256', 'captcha', 'oauth_proxy'))"
    };
}

/// What `signing_secret` may have a secret for.
pub(super) const SECRET_NAMES: &str = secret_names!();

static CORE: [Definition; 10] = [
    Definition {
        columns: &[
            ("id", KEY),
            ("name", TEXT_REQUIRED),
            ("email", TEXT_REQUIRED_UNIQUE),
            ("emailVerified", BOOLEAN_REQUIRED),
            ("image", TEXT),
            ("createdAt", TIME_NOW),
            ("updatedAt", TIME_NOW),
        ],
        unique: &["id", "email"],
        ..Definition::of(Table::User, "user")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("expiresAt", TIME_REQUIRED),
            ("token", TEXT_REQUIRED_UNIQUE),
            ("createdAt", TIME_NOW),
            ("updatedAt", TIME_REQUIRED),
            ("ipAddress", TEXT),
            ("userAgent", TEXT),
            ("userId", USER_KEY),
        ],
        unique: &["id", "token"],
        indexed: &["userId"],
        ..Definition::of(Table::Session, "session")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("accountId", TEXT_REQUIRED),
            ("providerId", TEXT_REQUIRED),
            ("userId", USER_KEY),
            ("accessToken", TEXT),
            ("refreshToken", TEXT),
            ("idToken", TEXT),
            ("accessTokenExpiresAt", TIME),
            ("refreshTokenExpiresAt", TIME),
            ("scope", TEXT),
            ("password", TEXT),
            ("createdAt", TIME_NOW),
            ("updatedAt", TIME_REQUIRED),
        ],
        indexed: &["userId"],
        // By its hash: an index on the values themselves would refuse long ones.
        searched: &[("accountId", "hash")],
        ..Definition::of(Table::Account, "account")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("identifier", TEXT_REQUIRED),
            ("value", TEXT_REQUIRED),
            ("expiresAt", TIME_REQUIRED),
            ("createdAt", TIME_NOW),
            ("updatedAt", TIME_NOW),
        ],
        indexed: &["identifier"],
        searched: &[("value", "hash"), ("expiresAt", "btree")],
        ..Definition::of(Table::Verification, "verification")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("key", TEXT_REQUIRED_UNIQUE),
            ("count", "pg_catalog.int4 NOT NULL"),
            ("lastRequest", "pg_catalog.int8 NOT NULL"),
        ],
        unique: &["id", "key"],
        // Better Auth goes through the whole table for what is old.
        searched: &[("lastRequest", "btree")],
        ..Definition::of(Table::RateLimit, "rateLimit")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("kind", TEXT_REQUIRED),
            ("recipient", TEXT_REQUIRED),
            ("url", TEXT_REQUIRED),
            ("token", TEXT_REQUIRED),
            ("data", "pg_catalog.jsonb NOT NULL"),
            ("created_at", TIME_REQUIRED),
            ("expires_at", TIME_REQUIRED),
            ("available_at", TIME_REQUIRED),
            ("attempts", "pg_catalog.int4 NOT NULL DEFAULT 0"),
            ("last_error", TEXT),
            ("channel", "pg_catalog.text DEFAULT 'mail' NOT NULL"),
        ],
        indexed: &["available_at"],
        ..Definition::of(Table::MailOutbox, "mail_outbox")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("name", concat!("pg_catalog.text NOT NULL ", secret_names!())),
            ("value", "pg_catalog.text NOT NULL CHECK (value <> '')"),
            ("created_at", TIME_NOW),
            ("valid_until", TIME),
        ],
        ..Definition::of(Table::SigningSecret, "signing_secret")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("client_id", TEXT_REQUIRED),
            ("client_secret", TEXT),
            ("options", "pg_catalog.jsonb NOT NULL"),
            // The document of its discoveryUrl.
            ("discovery", "pg_catalog.jsonb"),
            ("discovered_at", TIME),
            ("created_at", TIME_REQUIRED),
            ("updated_at", TIME_REQUIRED),
        ],
        ..Definition::of(Table::OauthProvider, "oauth_provider")
    },
    Definition {
        columns: &[
            // The issuer, where a superuser has set them; otherwise where they were fetched.
            ("id", KEY),
            // A JSON Web Key Set.
            ("jwks", "pg_catalog.jsonb"),
            ("fetched_at", TIME),
            // When somebody was sent for them last.
            ("tried_at", TIME),
        ],
        ..Definition::of(Table::ProviderKey, "provider_key")
    },
    Definition {
        columns: &[
            ("id", KEY),
            ("method", TEXT_REQUIRED),
            ("url", TEXT_REQUIRED),
            ("headers", "pg_catalog.jsonb NOT NULL"),
            ("body", "pg_catalog.jsonb"),
            ("created_at", TIME_REQUIRED),
            ("expires_at", TIME_REQUIRED),
            ("available_at", TIME_REQUIRED),
            ("attempts", "pg_catalog.int4 NOT NULL DEFAULT 0"),
            ("last_error", TEXT),
        ],
        indexed: &["available_at"],
        ..Definition::of(Table::FetchOutbox, "fetch_outbox")
    },
];

/// What a table has to have, whatever the settings say.
pub(super) fn of(table: Table) -> Option<&'static Definition> {
    let mut all = CORE.iter().chain(plugin::TABLES.iter().copied());
    all.find(|definition| definition.table == table)
}

/// The table of a model.
pub(super) fn table_of(model: &str) -> Option<Table> {
    let mut all = CORE.iter().chain(plugin::TABLES.iter().copied());
    all.find(|definition| definition.model == model).map(|definition| definition.table)
}

/// What rows that are there already get in a column that is added.
pub(super) fn default_of(kind: &str) -> &'static str {
    match kind {
        BOOLEAN_REQUIRED => " DEFAULT false",
        TIME_REQUIRED => " DEFAULT CURRENT_TIMESTAMP",
        _ => "",
    }
}

/// Whether a column that is added needs a value that nobody can guess.
pub(super) fn needs_value(kind: &str) -> bool {
    kind.starts_with(REFERENCE)
        || kind.contains("NOT NULL") && !kind.contains("DEFAULT") && default_of(kind).is_empty()
}
