//! The schema: makes what is missing, adopts what is there, drops nothing.
//!
//! The definitions of Better Auth's tables are those that `better-auth migrate` 1.7.25 executes,
//! so that it finds nothing to do on them, constraint and index names included.

use pgrx::pg_sys;

use crate::error::AuthError;
use crate::plugin::{self, PolicyFunction};
use crate::store::adopt;
use crate::store::catalog::{self, Table, is_citext, type_name};
use crate::store::object_name::object_name;
use crate::store::secret;
use crate::store::sql::{as_caller, run_once};
use crate::store::user::FOLDED;

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
}

impl Definition {
    /// Without columns yet.
    pub(crate) const fn of(table: Table, model: &'static str) -> Self {
        Self { table, model, columns: &[], unique: &["id"], indexed: &[], searched: &[], is_purged: false }
    }
}

pub(crate) const BOOLEAN: &str = "pg_catalog.bool";
pub(crate) const BOOLEAN_REQUIRED: &str = "pg_catalog.bool NOT NULL";
pub(crate) const INTEGER: &str = "pg_catalog.int4";
pub(crate) const TIME: &str = "pg_catalog.timestamptz";
pub(crate) const TIME_NOW: &str = "pg_catalog.timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL";
pub(crate) const TIME_REQUIRED: &str = "pg_catalog.timestamptz NOT NULL";
pub(crate) const TEXT: &str = "pg_catalog.text";
pub(crate) const TEXT_REQUIRED: &str = "pg_catalog.text NOT NULL";
pub(crate) const TEXT_UNIQUE: &str = "pg_catalog.text UNIQUE";
pub(crate) const TEXT_REQUIRED_UNIQUE: &str = "pg_catalog.text NOT NULL UNIQUE";
pub(crate) const KEY: &str = "pg_catalog.text NOT NULL PRIMARY KEY";
/// Stands for a user's id, whose type is that of the ids that are there.
pub(crate) const USER_KEY: &str = "user";

/// What a table has to have under the settings as they are.
pub(super) struct Wanted {
    pub(super) table: Table,
    pub(super) columns: Vec<(&'static str, &'static str)>,
    pub(super) unique: Vec<&'static str>,
    pub(super) indexed: &'static [&'static str],
    pub(super) searched: &'static [(&'static str, &'static str)],
}

/// The core's tables with the columns of the plugins that are on, these plugins' tables, and our own.
pub(super) fn wanted() -> Vec<Wanted> {
    let on = plugin::on();
    let wanted = |definition: &Definition| {
        let Definition { table, indexed, searched, .. } = *definition;
        let (mut columns, mut unique) = (definition.columns.to_vec(), definition.unique.to_vec());
        for added in on.iter().flat_map(|plugin| plugin.columns()) {
            if added.model == definition.model && (added.is_on)() {
                columns.push((added.name, added.kind));
                unique.extend(added.kind.ends_with("UNIQUE").then_some(added.name));
            }
        }
        Wanted { table, columns, unique, indexed, searched }
    };
    let of_plugins = on.iter().flat_map(|plugin| plugin.tables()).copied();
    let (ours, shared): (Vec<&Definition>, Vec<&Definition>) =
        CORE.iter().partition(|definition| definition.table.is_ours());
    shared.into_iter().chain(of_plugins).chain(ours).map(wanted).collect()
}

const CORE: [Definition; 7] = [
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
            ("name", "pg_catalog.text NOT NULL CHECK (name IN ('cookie', 'jwt'))"),
            ("value", "pg_catalog.text NOT NULL CHECK (value <> '')"),
            ("created_at", TIME_NOW),
            ("valid_until", TIME),
        ],
        ..Definition::of(Table::SigningSecret, "signing_secret")
    },
];

/// One thing that [`migrate`] did.
pub(crate) struct Step {
    pub(crate) action: &'static str,
    pub(crate) object: String,
}

/// Brings schema `better_auth` to what this release needs, as the caller, who has to own the schema and
/// the tables (or be a superuser). Safe to run at any time, by many at once: they take turns.
///
/// # Errors
/// A table that can't be adopted, with the reason. PostgreSQL's own exceptions come through.
pub(crate) fn migrate() -> Result<Vec<Step>, AuthError> {
    as_caller(|| {
        lock_schema()?;
        adopt::check()?;
        let mut steps = Vec::new();
        for definition in &wanted() {
            match catalog::find(definition.table) {
                None => create(definition, &mut steps)?,
                Some(table) => adopt(definition, table, &mut steps)?,
            }
            search(definition, &mut steps)?;
        }
        finish_signing_secret(&mut steps)?;
        make_policy_function(&REQUESTING_USER_ID, &mut steps)?;
        for function in plugin::all().flat_map(|plugin| plugin.policy_functions()) {
            make_policy_function(function, &mut steps)?;
        }
        Ok(steps)
    })
}

/// Others wait here until this transaction ends. The lock is on the schema itself, which creating tables in
/// it does not conflict with, and which no SQL command but DDL takes.
fn lock_schema() -> Result<(), AuthError> {
    let schema = catalog::schema().ok_or_else(|| {
        AuthError::Setup("schema better_auth does not exist; run: CREATE EXTENSION better_auth;".into())
    })?;
    let mode = pg_sys::ShareUpdateExclusiveLock.cast_signed();
    // SAFETY: locks a schema by its oid, as DDL on it does.
    unsafe { pg_sys::LockDatabaseObject(pg_sys::NamespaceRelationId, schema, 0, mode) };
    Ok(())
}

/// The type and constraints of a column that is made now, among ids as they are here.
fn column_type(table: Table, kind: &str) -> String {
    let id = catalog::find(Table::User).and_then(|user| catalog::describe(user).column("id").cloned());
    let user_id = id.as_ref().map_or("pg_catalog.text".into(), |id| type_name(id.type_oid));
    match kind {
        USER_KEY => format!("{user_id} NOT NULL REFERENCES {} (id) ON DELETE CASCADE", Table::User.sql()),
        KEY if !table.is_ours() => match id.map(|id| id.base) {
            Some(pg_sys::UUIDOID) => {
                "pg_catalog.uuid DEFAULT pg_catalog.gen_random_uuid() NOT NULL PRIMARY KEY".into()
            }
            Some(pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID) => {
                format!("{user_id} GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
            }
            _ => KEY.into(),
        },
        other => other.into(),
    }
}

fn create(definition: &Wanted, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let table = definition.table.sql();
    let column = |(field, kind): &(&str, &str)| {
        format!("{} {}", definition.table.quoted(field), column_type(definition.table, kind))
    };
    let columns: Vec<String> = definition.columns.iter().map(column).collect();
    run_once(&format!("CREATE TABLE {table} ({})", columns.join(", ")))?;
    // ALTER DEFAULT PRIVILEGES may have granted the new table to others. Password hashes are in it.
    let grantees = run_once(&format!(
        "SELECT DISTINCT CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.grantee)) END
         FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) p
         WHERE c.oid = '{table}'::pg_catalog.regclass AND p.grantee <> c.relowner"
    ))?;
    for grantee in grantees {
        run_once(&format!("REVOKE ALL ON {table} FROM {grantee}"))?;
    }
    // Better Auth's tables belong to one role, the one of the users, where that was adopted.
    if !definition.table.is_ours() {
        let owner = run_once(&format!(
            "SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) FROM pg_catalog.pg_class c
             WHERE c.oid = '{}'::pg_catalog.regclass
               AND pg_catalog.pg_get_userbyid(c.relowner) <> CURRENT_USER",
            Table::User.sql()
        ))?;
        for owner in owner {
            run_once(&format!("ALTER TABLE {table} OWNER TO {owner}"))?;
        }
    }
    steps.push(Step { action: "create table", object: table });
    for column in definition.indexed {
        create_index(definition.table, column, steps)?;
    }
    // Those that are no constraint.
    if let Some(oid) = catalog::find(definition.table) {
        make_unique(definition, oid, steps)?;
    }
    Ok(())
}

/// Better Auth's name for what makes a column unique that isn't yet: `<table>_<column>_uidx`.
fn make_unique(definition: &Wanted, oid: pg_sys::Oid, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let table = definition.table;
    for field in &definition.unique {
        let column = table.column(field);
        if !has_index(oid, &column, true)? {
            let on = format!("{} ({})", table.sql(), table.quoted(field));
            make_index("UNIQUE INDEX", [&table.name(), &column, "uidx"], &on, steps)?;
        }
    }
    Ok(())
}

/// Better Auth's name for it: `<table>_<column>_idx`.
fn create_index(table: Table, field: &str, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let parts = [&table.name(), &table.column(field), "idx"];
    make_index("INDEX", parts, &format!("{} ({})", table.sql(), table.quoted(field)), steps)
}

/// Makes an index whose name has these parts, or one like it where that is taken.
fn make_index(
    kind: &str,
    [table, column, label]: [&str; 3],
    on: &str,
    steps: &mut Vec<Step>,
) -> Result<(), AuthError> {
    let mut name = object_name(table, column, label);
    let mut number = 1;
    while catalog::has_relation(&name) {
        name = object_name(table, column, &format!("{label}{number}"));
        number += 1;
    }
    make_named_index(kind, &name, on, steps)
}

fn make_named_index(kind: &str, name: &str, on: &str, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let name = quote_always(name);
    run_once(&format!("CREATE {kind} {name} ON {on}"))?;
    steps.push(Step { action: "create index", object: format!("better_auth.{name}") });
    Ok(())
}

fn quote_always(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The indexes that only this extension's searches need. Better Auth's own `migrate` doesn't mind them.
fn search(definition: &Wanted, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let table = definition.table;
    let Some(oid) = catalog::find(table) else { return Ok(()) };
    for (field, method) in definition.searched {
        if !has_index(oid, &table.column(field), false)? {
            let on = format!("{} USING {method} ({})", table.sql(), table.quoted(field));
            make_index("INDEX", [table.model(), field, "search_idx"], &on, steps)?;
        }
    }
    // Of emails with capitals alone, which only an import leaves: mostly empty. citext needs none.
    let email = catalog::describe(oid).column(&table.column("email")).map(|column| column.base);
    if table == Table::User && !catalog::has_relation(FOLDED) && !email.is_some_and(is_citext) {
        let email = format!("{}::pg_catalog.text", table.quoted("email"));
        let on = format!(
            "{} (pg_catalog.lower({email})) WHERE {email} OPERATOR(pg_catalog.<>) pg_catalog.lower({email})",
            table.sql()
        );
        make_named_index("INDEX", FOLDED, &on, steps)?;
    }
    Ok(())
}

/// Once [`adopt::check`] has found nothing against it.
fn adopt(definition: &Wanted, oid: pg_sys::Oid, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let table = definition.table;
    let there = catalog::describe(oid);
    for (field, kind) in &definition.columns {
        let name = quote_always(&table.column(field));
        if there.column(&table.column(field)).is_none() {
            // Rows that are there already need a value, and Better Auth's own migrate gives booleans one too.
            let kind = column_type(table, kind) + default_of(kind);
            run_once(&format!("ALTER TABLE {} ADD COLUMN {name} {kind}", table.sql()))?;
            steps.push(Step { action: "add column", object: format!("{}.{name}", table.sql()) });
        }
    }
    make_unique(definition, oid, steps)?;
    for field in definition.indexed {
        if !has_index(oid, &table.column(field), false)? {
            create_index(table, field, steps)?;
        }
    }
    Ok(())
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
    kind == USER_KEY || kind.contains("NOT NULL") && !kind.contains("DEFAULT") && default_of(kind).is_empty()
}

/// Whether an index has this column first, or, if `unique`, makes it unique all by itself.
pub(super) fn has_index(table: pg_sys::Oid, column: &str, unique: bool) -> Result<bool, AuthError> {
    let unique = if unique { "AND i.indisunique AND i.indnkeyatts = 1" } else { "" };
    let column = pgrx::spi::quote_literal(column);
    exists(&format!(
        "SELECT 1 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a
            ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
         WHERE i.indrelid = {}::pg_catalog.oid AND a.attname = {column}
           AND i.indisvalid AND i.indpred IS NULL {unique}",
        table.to_u32()
    ))
}

/// Whether a query finds anything.
pub(super) fn exists(query: &str) -> Result<bool, AuthError> {
    Ok(!run_once(&format!("SELECT 'x' WHERE EXISTS ({query})"))?.is_empty())
}

/// What `signing_secret` has besides columns: one current secret a name, the trigger that tells every
/// backend of a change, and fresh secrets, so that all works before anything is configured.
fn finish_signing_secret(steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let table = Table::SigningSecret.sql();
    if !exists("SELECT 1 WHERE pg_catalog.to_regclass('better_auth.signing_secret_current') IS NOT NULL")? {
        run_once(&format!(
            "CREATE UNIQUE INDEX signing_secret_current ON {table} (name) WHERE valid_until IS NULL"
        ))?;
        steps.push(Step { action: "create index", object: "better_auth.signing_secret_current".into() });
    }
    // For each row, because a subscription that writes the table fires no others; and TRUNCATE has no rows.
    for (name, events, each) in [
        ("signing_secret_changed", "INSERT OR UPDATE OR DELETE", "ROW"),
        ("signing_secret_truncated", "TRUNCATE", "STATEMENT"),
    ] {
        let enabled = run_once(&format!(
            "SELECT t.tgenabled::pg_catalog.text FROM pg_catalog.pg_trigger t
             WHERE t.tgrelid = '{table}'::pg_catalog.regclass AND t.tgname = '{name}'"
        ))?;
        if let Some(enabled) = enabled.first() {
            // A dump's data with --disable-triggers leaves them as ordinary ones, which a subscription doesn't fire.
            if enabled != "A" {
                run_once(&format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"))?;
                steps.push(Step { action: "enable trigger", object: format!("{name} on {table}") });
            }
            continue;
        }
        run_once(&format!(
            "CREATE TRIGGER {name} AFTER {events} ON {table}
             FOR EACH {each} EXECUTE FUNCTION better_auth.signing_secret_changed()"
        ))?;
        run_once(&format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"))?;
        // So that DROP EXTENSION takes it along, and not the table.
        run_once(&format!("ALTER TRIGGER {name} ON {table} DEPENDS ON EXTENSION better_auth"))?;
        steps.push(Step { action: "create trigger", object: format!("{name} on {table}") });
    }
    for name in ["cookie", "jwt"] {
        if secret::ensure(name)? {
            steps.push(Step { action: "create secret", object: name.into() });
        }
    }
    Ok(())
}

/// This library, as SQL that makes functions of it names it.
///
/// # Errors
/// PostgreSQL doesn't take the statement.
pub(super) fn library() -> Result<String, AuthError> {
    let found = run_once(
        "SELECT pg_catalog.quote_literal(h.probin) FROM pg_catalog.pg_proc h
         WHERE h.oid = 'better_auth.migrate()'::pg_catalog.regprocedure",
    )?;
    Ok(found.concat())
}

/// Makes a function for policies where there is none: in `public`, or, without that schema, in `better_auth`. It is no
/// member of the extension, so that dropping `public` takes the function and nothing else. What somebody else has made
/// of it stays. Only a superuser can make it.
fn make_policy_function(policy: &PolicyFunction, steps: &mut Vec<Step>) -> Result<(), AuthError> {
    let PolicyFunction { name, arguments, names, returns, properties, comment } = policy;
    let is_there = exists(&format!(
        "SELECT 1 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE p.proname = '{name}' AND p.pronargs = {} AND n.nspname = 'public'
            OR p.prosrc = '{name}_wrapper'
               AND p.prolang = (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname = 'c')",
        arguments.len(),
    ))?;
    let may_make = "SELECT 1 FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER AND r.rolsuper";
    if is_there || !exists(may_make)? {
        return Ok(());
    }
    let library = library()?;
    let has_public = exists("SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public'")?;
    let schema = if has_public { "public" } else { "better_auth" };
    let named: Vec<String> =
        names.iter().zip(*arguments).map(|(name, kind)| format!("{name} {kind}")).collect();
    let named = format!("{schema}.{name}({})", named.join(", "));
    let function = format!("{schema}.{name}({})", arguments.join(", "));
    run_once(&format!(
        "CREATE FUNCTION {named} RETURNS {returns} LANGUAGE c {properties} AS {library}, '{name}_wrapper'"
    ))?;
    run_once(&format!("COMMENT ON FUNCTION {function} IS '{comment}'"))?;
    run_once(&format!("GRANT EXECUTE ON FUNCTION {function} TO PUBLIC"))?;
    // What is made by the install script becomes a member.
    let is_member = exists(&format!(
        "SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
         AND d.objid = '{function}'::pg_catalog.regprocedure AND d.deptype = 'e'"
    ))?;
    if is_member {
        run_once(&format!("ALTER EXTENSION better_auth DROP FUNCTION {function}"))?;
    }
    // So that DROP EXTENSION takes it along.
    run_once(&format!("ALTER FUNCTION {function} DEPENDS ON EXTENSION better_auth"))?;
    steps.push(Step { action: "create function", object: function.replace("pg_catalog.", "") });
    Ok(())
}

const REQUESTING_USER_ID: PolicyFunction = PolicyFunction {
    name: "requesting_user_id",
    arguments: &[],
    names: &[],
    returns: "pg_catalog.text",
    // LEAKPROOF: it takes no argument, so it can't tell anything about a row.
    properties: "STABLE LEAKPROOF PARALLEL SAFE",
    comment: "Id of the user who is asking: the sub of request.jwt.claims, or NULL. For row level security policies.",
};
