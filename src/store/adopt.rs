//! What is there before anything is changed: whether every flow can work on it, and if not, all the reasons at once.

use pgrx::pg_sys;

use crate::error::AuthError;
use crate::settings;
use crate::store::catalog::{self, Column, Kind, Table, is_citext, type_name};
use crate::store::columns::neutral;
use crate::store::definition::{BOOLEAN, INTEGER, TIME, Wanted, needs_value, wanted};
use crate::store::likeness::{Site, TABLES, for_database, likenesses, settings_for, site, variants};
use crate::store::migrate::{Impostor, exists, has_index, impostors, policy_functions};
use crate::store::sql::{as_caller, run_once};
use crate::store::user::FOLDED;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Severity {
    /// A flow would fail, or an account be lost: nothing is adopted.
    Error,
    /// It works, but not as somebody would wish.
    Warning,
}

/// Something that is not as it should be.
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) object: String,
    pub(crate) message: String,
    /// SQL that mends it, where there is any.
    pub(crate) run: Option<String>,
}

/// Errs unless every flow can work on what is there once `migrate()` has added what is missing.
///
/// # Errors
/// [`AuthError::Adoption`] with all the reasons.
pub(super) fn check() -> Result<(), AuthError> {
    let mut look = Look::default();
    look.at_tables()?;
    if look.findings.is_empty() {
        return Ok(());
    }
    let reasons =
        look.findings.iter().map(|Finding { object, message, .. }| match message.contains(object) {
            true => message.clone(),
            false => format!("{object}: {message}"),
        });
    let run = look.findings.iter().filter_map(|finding| finding.run.clone());
    Err(AuthError::Adoption(reasons.collect(), run.collect()))
}

/// All that a DBA should know of, as the caller.
///
/// # Errors
/// PostgreSQL doesn't take a statement.
pub(crate) fn doctor() -> Result<Vec<Finding>, AuthError> {
    as_caller(|| {
        let mut look = Look::default();
        look.at_tables()?;
        if look.findings.is_empty() {
            look.at_what_is_missing()?;
            look.at_emails()?;
        }
        look.at_policy_functions()?;
        look.at_settings()?;
        Ok(look.findings)
    })
}

#[derive(Default)]
struct Look {
    findings: Vec<Finding>,
}

impl Look {
    fn error(&mut self, object: &str, message: String, run: Option<String>) {
        let severity = Severity::Error;
        self.findings.push(Finding { severity, object: object.to_owned(), message, run });
    }

    fn warning(&mut self, object: &str, message: String, run: Option<String>) {
        let severity = Severity::Warning;
        self.findings.push(Finding { severity, object: object.to_owned(), message, run });
    }

    /// Whether policies ask this library, and nobody else.
    fn at_policy_functions(&mut self) -> Result<(), AuthError> {
        for policy in policy_functions() {
            for Impostor { function, is_superusers, .. } in impostors(policy)? {
                if is_superusers {
                    let message = "is not the function that better_auth makes for policies".to_owned();
                    self.warning(&function, message, None);
                    continue;
                }
                let message =
                    format!("answers in place of {}() of better_auth, and is somebody else's", policy.name);
                let run = format!("ALTER FUNCTION {function} RENAME TO not_{};", policy.name);
                self.error(&function, message, Some(run));
            }
        }
        Ok(())
    }

    fn at_tables(&mut self) -> Result<(), AuthError> {
        let mut sites = Vec::new();
        for table in TABLES {
            if let Some(oid) = catalog::find(table) {
                sites.push(Site {
                    table,
                    oid,
                    sql: table.sql(),
                    name: table.name(),
                    there: catalog::describe(oid),
                });
            }
        }
        let is_there = |sites: &[Site], table| sites.iter().any(|site| site.table == table);
        for (schema, table, name) in likenesses("better_auth")? {
            if !is_there(&sites, table) {
                sites.extend(site(table, &schema, &name)?);
            }
        }
        if sites.is_empty() {
            self.at_other_schemas()?;
            return Ok(());
        }
        self.at_names(&sites);
        let definitions = wanted();
        for site in &sites {
            let definition = definitions.iter().find(|definition| definition.table == site.table);
            if let Some(definition) = definition {
                self.at_table(definition, site, &sites)?;
            }
        }
        self.at_owners(&sites)?;
        for table in catalog::OWN {
            if catalog::find(table).is_some()
                && let Err(error) = catalog::relation(table)
            {
                self.error(&table.sql(), error.message(), None);
            }
        }
        Ok(())
    }

    /// Tables or columns that are called otherwise than the settings say.
    fn at_names(&mut self, sites: &[Site]) {
        let mut said = Vec::new();
        for site in sites {
            if site.name != site.table.name() {
                said.push(format!("{} looks like Better Auth's \"{}\"", site.sql, site.table.model()));
            }
            for (field, column) in variants(site).into_iter().filter(|(field, _)| is_core(site.table, field))
            {
                said.push(format!("{} has \"{column}\" for \"{field}\"", site.sql));
            }
        }
        if said.is_empty() {
            return;
        }
        let run = settings_for(sites);
        self.error(
            "names",
            format!("called otherwise than the settings say: {}", said.join("; ")),
            Some(run),
        );
    }

    /// Better Auth's tables in another schema, where schema `better_auth` has none.
    fn at_other_schemas(&mut self) -> Result<(), AuthError> {
        let found = likenesses("")?;
        let mut schemas: Vec<&String> = found.iter().map(|(schema, ..)| schema).collect();
        schemas.dedup();
        for schema in schemas {
            let mut sites = Vec::new();
            for (_, table, name) in found.iter().filter(|(of, ..)| of == schema) {
                sites.extend(site(*table, schema, name)?);
            }
            // One table may be anybody's. All three are Better Auth's.
            let has = |table| sites.iter().any(|site: &Site| site.table == table);
            if !(has(Table::User) && has(Table::Session) && has(Table::Account)) {
                continue;
            }
            let mut run = vec!["CREATE SCHEMA IF NOT EXISTS better_auth;".to_owned()];
            run.extend(sites.iter().map(|site| format!("ALTER TABLE {} SET SCHEMA better_auth;", site.sql)));
            if sites.iter().any(|site| site.name != site.table.name() || !variants(site).is_empty()) {
                run.push(settings_for(&sites));
            }
            run.push(format!(
                "-- or, to leave them alone and begin with no users: CREATE SCHEMA IF NOT EXISTS better_auth; CREATE TABLE {} (id text PRIMARY KEY);",
                Table::User.sql()
            ));
            let names: Vec<&str> = sites.iter().map(|site| site.sql.as_str()).collect();
            self.error(
                &format!("schema {}", pgrx::spi::quote_identifier(schema)),
                format!("Better Auth's tables are in it, not in better_auth: {}", names.join(", ")),
                Some(run.join("\n")),
            );
        }
        Ok(())
    }

    fn at_table(&mut self, definition: &Wanted, site: &Site, sites: &[Site]) -> Result<(), AuthError> {
        // SAFETY: reads a pg_class row by oid.
        let relkind = unsafe { pg_sys::get_rel_relkind(site.oid) }.cast_unsigned();
        if !matches!(relkind, b'r' | b'p') {
            self.error(&site.sql, "exists but is not a table".into(), None);
            return Ok(());
        }
        let user_id =
            sites.iter().find(|site| site.table == Table::User).and_then(|site| site.there.column("id"));
        for (field, kind) in &definition.columns {
            match site.column(field) {
                Some(column) => self.at_column(site, (field, kind), column, user_id),
                None => self.at_missing(site, field, kind)?,
            }
        }
        for column in &site.there.columns {
            let is_field =
                |(field, _): &(&str, &str)| site.column(field).is_some_and(|known| known.name == column.name);
            if !definition.columns.iter().any(is_field)
                && let Err(error) = neutral(site.table, column)
            {
                self.error(&site.sql, error.message(), None);
            }
        }
        for field in &definition.unique {
            self.at_unique(site, field, relkind == b'p')?;
        }
        if site.name == site.table.name()
            && let Err(error) = catalog::relation(site.table)
        {
            self.error(&site.sql, error.message(), None);
        }
        Ok(())
    }

    fn at_missing(&mut self, site: &Site, field: &str, kind: &str) -> Result<(), AuthError> {
        if needs_value(kind) && exists(&format!("SELECT FROM {}", site.sql))? {
            let column = site.table.column(field);
            self.error(&site.sql, format!("has rows, but no column \"{column}\", which they need"), None);
        }
        Ok(())
    }

    fn at_column(
        &mut self,
        site: &Site,
        (field, kind): (&str, &str),
        column: &Column,
        user_id: Option<&Column>,
    ) {
        let object = format!("{}.{}", site.sql, pgrx::spi::quote_identifier(&column.name));
        let is = type_name(column.type_oid).replace("pg_catalog.", "");
        let alter = |to: &str| {
            let name = pgrx::spi::quote_identifier(&column.name);
            Some(format!("ALTER TABLE {} ALTER COLUMN {name} TYPE {to};", site.sql))
        };
        if field == "id" {
            let is_number = matches!(column.base, pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID);
            if !is_number && !matches!(column.kind, Kind::Text | Kind::Uuid) {
                self.error(&object, format!("an id can't be of type {is}"), None);
            } else if is_number && !column.filled {
                self.error(&object, "nothing counts it: it has no default and is no identity".into(), None);
            }
        } else if column.generated {
            self.error(&object, "is generated, so no value can be stored in it".into(), None);
        }
        let wanted = match field {
            "id" => None,
            "userId" => match user_id {
                Some(id) if class(id) != class(column) => {
                    let id = type_name(id.type_oid).replace("pg_catalog.", "");
                    self.error(&object, format!("is of type {is}, and the user's id of type {id}"), None);
                    None
                }
                _ => None,
            },
            _ if kind.starts_with(BOOLEAN) => (column.base != pg_sys::BOOLOID).then_some("boolean"),
            "count" => (!matches!(column.base, pg_sys::INT4OID | pg_sys::INT8OID | pg_sys::NUMERICOID))
                .then_some("integer"),
            "lastRequest" => {
                (!matches!(column.base, pg_sys::INT8OID | pg_sys::NUMERICOID)).then_some("bigint")
            }
            "ipAddress" if column.base == pg_sys::INETOID => None,
            "providerId" if is_enum(column) => {
                if !has_label(column, "credential") {
                    self.error(
                        &object,
                        "its type lacks the value 'credential'".into(),
                        Some(format!("ALTER TYPE {} ADD VALUE 'credential';", type_name(column.base))),
                    );
                }
                None
            }
            _ if kind.starts_with(INTEGER) => (column.kind != Kind::Number).then_some("integer"),
            _ if kind.starts_with(TIME) => {
                (!matches!(column.kind, Kind::Timestamp | Kind::TimestampTz)).then_some("timestamptz")
            }
            _ => (column.kind != Kind::Text).then_some("text"),
        };
        if let Some(wanted) = wanted {
            self.error(&object, format!("is of type {is}; {wanted} is needed"), alter(wanted));
        }
        if let Some(length) = column.length
            && let Some(needed) = needed_length(field, column)
            && length < needed
        {
            self.error(&object, format!("takes {length} characters; {needed} are needed"), alter("text"));
        }
        let is_optional = matches!(field, "accessTokenExpiresAt" | "refreshTokenExpiresAt")
            || field == "ipAddress" && column.base == pg_sys::INETOID;
        if column.not_null && is_optional {
            let name = pgrx::spi::quote_identifier(&column.name);
            let run = format!("ALTER TABLE {} ALTER COLUMN {name} DROP NOT NULL;", site.sql);
            self.error(&object, "is NOT NULL, and not always known".into(), Some(run));
        }
    }

    fn at_unique(&mut self, site: &Site, field: &str, is_partitioned: bool) -> Result<(), AuthError> {
        let Some(column) = site.column(field) else { return Ok(()) };
        let (name, kind) = (column.name.clone(), column.kind);
        let object = format!("{}.{}", site.sql, pgrx::spi::quote_identifier(&name));
        if has_index(site.oid, &name, true)? {
            let deferrable = run_once(&format!(
                "SELECT pg_catalog.quote_ident(c.conname) FROM pg_catalog.pg_constraint c
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
                 WHERE c.conrelid = {}::pg_catalog.oid AND c.contype IN ('u', 'p') AND c.condeferrable AND a.attname = {}",
                site.oid.to_u32(),
                pgrx::spi::quote_literal(&name),
            ))?;
            for constraint in deferrable {
                self.error(
                    &object,
                    format!("its constraint {constraint} is DEFERRABLE; ON CONFLICT takes none that is"),
                    None,
                );
            }
        } else if is_partitioned {
            self.error(&object, "is not unique, and in a partitioned table can't be made so".into(), None);
        } else if matches!(kind, Kind::Text | Kind::Uuid | Kind::Number) {
            // Another type might run its owner's code when it is compared.
            let column = pgrx::spi::quote_identifier(&name);
            let twice = format!(
                "SELECT FROM {} WHERE {column} IS NOT NULL GROUP BY {column} HAVING pg_catalog.count(*) > 1",
                site.sql
            );
            if exists(&twice)? {
                self.error(
                    &object,
                    "has to be unique, and some values are there more than once".into(),
                    Some(format!(
                        "SELECT {column}, count(*) FROM {} GROUP BY 1 HAVING count(*) > 1;",
                        site.sql
                    )),
                );
            }
        }
        Ok(())
    }

    /// Users, sessions and accounts are read together, as one owner.
    fn at_owners(&mut self, sites: &[Site]) -> Result<(), AuthError> {
        let Some(user) = sites.iter().find(|site| site.table == Table::User) else { return Ok(()) };
        for site in sites.iter().filter(|site| matches!(site.table, Table::Session | Table::Account)) {
            if site.there.owner != user.there.owner {
                let owner = run_once(&format!(
                    "SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid({}::pg_catalog.oid))",
                    user.there.owner.to_u32()
                ))?;
                let owner = owner.concat();
                self.error(
                    &site.sql,
                    format!("belongs to another role than {}", user.sql),
                    Some(format!("ALTER TABLE {} OWNER TO {owner};", site.sql)),
                );
            }
        }
        Ok(())
    }

    /// What `migrate()` would make.
    fn at_what_is_missing(&mut self) -> Result<(), AuthError> {
        let migrate = || Some("SELECT * FROM better_auth.migrate();".to_owned());
        for definition in &wanted() {
            let table = definition.table;
            let Some(oid) = catalog::find(table) else {
                self.error(&table.sql(), "is missing".into(), migrate());
                continue;
            };
            let there = catalog::describe(oid);
            for (field, _) in &definition.columns {
                if there.column(&table.column(field)).is_none() {
                    self.error(&table.sql(), format!("has no column \"{}\"", table.column(field)), migrate());
                }
            }
            let searched = definition.searched.iter().map(|(field, _)| (field, false));
            let unique = definition.unique.iter().map(|field| (field, true));
            let indexed = definition.indexed.iter().map(|field| (field, false));
            for (field, unique) in unique.chain(indexed).chain(searched) {
                let column = table.column(field);
                if there.column(&column).is_some() && !has_index(oid, &column, unique)? {
                    let kind = if unique { "no unique index" } else { "no index" };
                    self.warning(&table.sql(), format!("has {kind} on \"{column}\""), migrate());
                }
            }
        }
        Ok(())
    }

    /// Emails that Better Auth itself would not find.
    fn at_emails(&mut self) -> Result<(), AuthError> {
        let Some(oid) = catalog::find(Table::User) else { return Ok(()) };
        let there = catalog::describe(oid);
        let Some(email) = there.column(&Table::User.column("email")) else { return Ok(()) };
        if is_citext(email.base) {
            return Ok(());
        }
        let (table, email) = (Table::User.sql(), Table::User.quoted("email"));
        if !catalog::has_relation(FOLDED) {
            let message = format!("has no index better_auth.{FOLDED}: emails with capitals are not found");
            self.warning(&table, message, Some("SELECT * FROM better_auth.migrate();".into()));
        }
        let text = format!("{email}::pg_catalog.text");
        let rows = run_once(&format!(
            "SELECT pg_catalog.string_agg(id::pg_catalog.text, ', ' ORDER BY id)
                 || CASE WHEN pg_catalog.count(*) > 1 THEN '; several' ELSE '' END
             FROM {table} WHERE pg_catalog.lower({text}) IN (
                 SELECT pg_catalog.lower({text}) FROM {table} WHERE {text} <> pg_catalog.lower({text}))
             GROUP BY pg_catalog.lower({text}) ORDER BY 1 LIMIT 1000"
        ))?;
        for row in rows {
            match row.strip_suffix("; several") {
                Some(ids) => self.warning(
                    &table,
                    format!("users {ids} have emails that differ only in case; only one without capitals is found, if there is one"),
                    Some(format!("SELECT id, {email} FROM {table} WHERE id::text IN ('{}');", ids.replace(", ", "', '"))),
                ),
                None => self.warning(
                    &table,
                    format!("the email of user {row} has capitals; a Better Auth server does not find it"),
                    Some(format!("UPDATE {table} SET {email} = lower({email}) WHERE id::text = {};", pgrx::spi::quote_literal(&row))),
                ),
            }
        }
        Ok(())
    }

    /// Names that are in force for this connection alone.
    fn at_settings(&mut self) -> Result<(), AuthError> {
        let session = run_once(
            "SELECT s.name FROM pg_catalog.pg_settings s
             WHERE s.name IN ('better_auth.model_names', 'better_auth.field_names') AND s.source = 'session' ORDER BY 1",
        )?;
        for name in session {
            let value = run_once(&format!("SELECT pg_catalog.current_setting('{name}')"))?.concat();
            let run = for_database(&name, &value)?;
            self.warning(
                &name,
                "is set for this session only; others look for other names".into(),
                Some(run),
            );
        }
        Ok(())
    }
}

/// Ids of one class can be compared.
fn class(column: &Column) -> u32 {
    match column.base {
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => pg_sys::TEXTOID.to_u32(),
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => pg_sys::INT8OID.to_u32(),
        other => other.to_u32(),
    }
}

/// How many characters a flow may want to store, where that is the flow's own doing.
fn needed_length(field: &str, column: &Column) -> Option<i32> {
    match field {
        "id" if column.filled => None,
        "id" | "userId" | "token" | "accountId" | "value" => Some(32),
        "password" => Some(if settings::hashes_by_scrypt() { 161 } else { 97 }),
        "identifier" | "key" => Some(64),
        "providerId" => Some(10),
        _ => None,
    }
}

fn is_enum(column: &Column) -> bool {
    // SAFETY: reads a pg_type row by oid.
    unsafe { pg_sys::get_typtype(column.base) }.cast_unsigned() == b'e'
}

fn has_label(column: &Column, label: &str) -> bool {
    let query = format!(
        "SELECT FROM pg_catalog.pg_enum e WHERE e.enumtypid = {}::pg_catalog.oid AND e.enumlabel = '{label}'",
        column.base.to_u32()
    );
    exists(&query).unwrap_or_default()
}

/// Whether it is a field without which no flow works: not a plugin's, nor another release's.
fn is_core(table: Table, field: &str) -> bool {
    let definitions = wanted();
    let definition = definitions.iter().find(|definition| definition.table == table);
    definition.is_some_and(|definition| definition.columns.iter().any(|(name, _)| *name == field))
}
