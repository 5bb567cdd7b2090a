//! Better Auth's tables under whatever names: what they look like, and which settings find them.

use pgrx::pg_sys;

use crate::error::AuthError;
use crate::names::{SNAKE_CASE, plain, snake_case};
use crate::settings;
use crate::store::catalog::{self, Column, Relation, Table};
use crate::store::sql::run_once;

/// Better Auth's models, in the order of their names.
pub(super) const TABLES: [Table; 5] =
    [Table::User, Table::Session, Table::Account, Table::Verification, Table::RateLimit];

/// A table that is there, under the name that it should have or another one.
pub(super) struct Site {
    pub(super) table: Table,
    pub(super) oid: pg_sys::Oid,
    /// As SQL wants it.
    pub(super) sql: String,
    /// Unquoted and unqualified.
    pub(super) name: String,
    pub(super) there: Relation,
}

impl Site {
    /// The column of a field, under the name that it should have or another convention's.
    pub(super) fn column(&self, field: &str) -> Option<&Column> {
        let named = self.there.column(&self.table.column(field));
        named.or_else(|| self.variant(field))
    }

    /// The column that another convention would call so, where the field's own is missing.
    fn variant(&self, field: &str) -> Option<&Column> {
        if self.there.column(&self.table.column(field)).is_some() {
            return None;
        }
        let fields = self.table.fields();
        let is_used = |name: &str| fields.iter().any(|field| self.table.column(field) == name);
        let alike = |column: &&Column| plain(&column.name) == plain(field) && !is_used(&column.name);
        self.there.columns.iter().find(alike)
    }
}

/// What a setting is to be for every connection.
pub(super) fn for_database(name: &str, value: &str) -> Result<String, AuthError> {
    let database = run_once("SELECT pg_catalog.quote_ident(pg_catalog.current_database())")?.concat();
    let value = pgrx::spi::quote_literal(value);
    Ok(format!("ALTER DATABASE {database} SET {name} = {value}; SET {name} = {value};"))
}

/// Fields whose column is missing, while one is there that another convention would call so.
pub(super) fn variants(site: &Site) -> Vec<(&'static str, String)> {
    let fields = site.table.fields().iter();
    fields.filter_map(|field| Some((*field, site.variant(field)?.name.clone()))).collect()
}

/// The settings under which these tables are found as they are.
pub(super) fn settings_for(sites: &[Site]) -> String {
    let mut models = Vec::new();
    let mut fields = Vec::new();
    let mut is_snake = true;
    for table in TABLES {
        let site = sites.iter().find(|site| site.table == table);
        let name = site.map_or_else(|| table.name(), |site| site.name.clone());
        if name != table.model() {
            models.push(format!("{}={name}", table.model()));
        }
        let found = site.map(variants).unwrap_or_default();
        for field in table.fields() {
            let variant = found.iter().find(|(of, _)| of == field).map(|(_, column)| column.clone());
            let now = table.column(field);
            let is_now = site.is_none_or(|site| site.there.column(&now).is_some());
            let column = variant.unwrap_or_else(|| if is_now { now } else { (*field).to_owned() });
            let is_there = site.is_some_and(|site| site.there.column(&column).is_some());
            is_snake &= !is_there || column == snake_case(field);
            if column != *field {
                fields.push(format!("{}.{field}={column}", table.model()));
            }
        }
    }
    let fields = if is_snake && !fields.is_empty() { SNAKE_CASE.to_owned() } else { fields.join(", ") };
    let run = [("better_auth.model_names", models.join(", ")), ("better_auth.field_names", fields)];
    let is_to_be_set = |(name, value): &&(&str, String)| !value.is_empty() || settings::is_named(name);
    let run = run.iter().filter(is_to_be_set);
    run.filter_map(|(name, value)| for_database(name, value).ok()).collect::<Vec<_>>().join("\n")
}

pub(super) fn site(table: Table, schema: &str, name: &str) -> Result<Option<Site>, AuthError> {
    let sql = format!("{}.{}", pgrx::spi::quote_identifier(schema), pgrx::spi::quote_identifier(name));
    let oid = run_once(&format!(
        "SELECT pg_catalog.to_regclass({})::pg_catalog.oid::pg_catalog.text",
        pgrx::spi::quote_literal(&sql)
    ))?;
    let oid = oid.concat().parse().ok().map(pg_sys::Oid::from_u32);
    Ok(oid.map(|oid| Site { table, oid, there: catalog::describe(oid), sql, name: name.to_owned() }))
}

/// Tables that have the columns of Better Auth's, whatever their names' convention: schema, model and name. Of one
/// schema, or of all but PostgreSQL's and `better_auth`.
pub(super) fn likenesses(schema: &str) -> Result<Vec<(String, Table, String)>, AuthError> {
    let likeness = [
        "{id,name,email,emailverified,createdat,updatedat}",
        "{id,token,expiresat,userid,ipaddress,useragent}",
        "{id,accountid,providerid,userid,accesstoken,refreshtoken,password}",
        "{id,identifier,value,expiresat}",
        "{key,count,lastrequest}",
    ];
    let which = match schema {
        // One with our own secrets was ours, and was put aside by whoever renamed it.
        "" => {
            "n.nspname NOT IN ('better_auth', 'information_schema') AND NOT pg_catalog.starts_with(n.nspname, 'pg_')
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.relnamespace = n.oid AND o.relname = 'signing_secret')"
        }
        _ => "n.nspname = 'better_auth'",
    };
    let mut found = Vec::new();
    for (table, columns) in TABLES.into_iter().zip(likeness) {
        // The one whose name is likest comes first.
        let rows = run_once(&format!(
            "SELECT pg_catalog.json_build_array(x.nspname, x.relname)::pg_catalog.text FROM (
                 SELECT DISTINCT ON (n.nspname) n.nspname, c.relname
                 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p') AND {which} AND (
                     SELECT pg_catalog.array_agg(pg_catalog.lower(pg_catalog.replace(a.attname, '_', '')))
                     FROM pg_catalog.pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) @> '{columns}'::pg_catalog.text[]
                 ORDER BY n.nspname, c.relname <> '{model}', c.relname <> '{model}s', c.relname) x",
            model = table.model(),
        ))?;
        for row in rows {
            if let Ok((schema, name)) = serde_json::from_str::<(String, String)>(&row) {
                found.push((schema, table, name));
            }
        }
    }
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    Ok(found)
}
