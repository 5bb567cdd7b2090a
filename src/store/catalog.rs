//! Where the tables are and what columns they have. Better Auth's tables are shared with whoever made
//! them: columns differ between its versions, and plugins add more.

use pgrx::{PgRelation, pg_sys};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::error::AuthError;
use crate::settings;
use crate::store::sql::{as_caller, run_once};

/// The tables that the store knows, all in schema `better_auth`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Table {
    User,
    Session,
    Account,
    Verification,
    RateLimit,
    SigningSecret,
    MailOutbox,
}

impl Table {
    const COUNT: usize = 7;

    /// The unquoted, unqualified name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Account => "account",
            Self::Verification => "verification",
            Self::RateLimit => "rateLimit",
            Self::SigningSecret => "signing_secret",
            Self::MailOutbox => "mail_outbox",
        }
    }

    /// The name as SQL wants it, qualified and quoted (`user` is a reserved word).
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::User => r#"better_auth."user""#,
            Self::Session => "better_auth.session",
            Self::Account => "better_auth.account",
            Self::Verification => "better_auth.verification",
            Self::RateLimit => r#"better_auth."rateLimit""#,
            Self::SigningSecret => "better_auth.signing_secret",
            Self::MailOutbox => "better_auth.mail_outbox",
        }
    }

    /// Whether it is one of this extension's own, which hold secrets: those are their owner's alone.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::SigningSecret | Self::MailOutbox)
    }
}

/// What a column's type means to the statements that read and write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    Uuid,
    Boolean,
    TimestampTz,
    /// Without time zone: what older Better Auth versions made; it holds UTC.
    Timestamp,
    Number,
    Json,
    Other,
}

/// One column of a table as it is in this database.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(super) type_oid: pg_sys::Oid,
    /// NOT NULL, and nothing fills it when an insert leaves it out.
    pub(crate) required: bool,
}

/// A table's identity, its owner and its columns.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) owner: pg_sys::Oid,
    pub(super) columns: Vec<Column>,
}

impl Relation {
    /// The column of that name, if the table has it here.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Counts the changes to the shapes of Better Auth's tables that this backend was told of.
static SHAPES: AtomicU64 = AtomicU64::new(1);
/// Counts the changes to `signing_secret`, its rows among them: a trigger on it says so.
static SECRETS: AtomicU64 = AtomicU64::new(1);
/// The tables' oids, for the callback; 0 until first used.
static OIDS: [AtomicU32; Table::COUNT] = [const { AtomicU32::new(0) }; Table::COUNT];

thread_local! {
    static RELATIONS: RefCell<(u64, [Option<Rc<Relation>>; Table::COUNT])> =
        const { RefCell::new((0, [const { None }; Table::COUNT])) };
}

/// Asks PostgreSQL to tell when a table changes. For _PG_init.
pub(crate) fn init() {
    // SAFETY: the callback is a plain function that lives as long as the library, which is never unloaded.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0)) };
}

/// Runs at arbitrary moments, even while a transaction aborts: it only counts.
unsafe extern "C-unwind" fn relation_changed(_: pg_sys::Datum, relation: pg_sys::Oid) {
    let everything = relation == pg_sys::InvalidOid;
    let relation = relation.to_u32();
    for (index, oid) in OIDS.iter().enumerate() {
        if everything || oid.load(Relaxed) == relation {
            let is_secret = index == Table::SigningSecret as usize;
            SHAPES.fetch_add(1, Relaxed);
            if is_secret {
                SECRETS.fetch_add(1, Relaxed);
            }
        }
    }
}

/// Changes whenever a table may have another shape; statements built before must be built anew.
pub(super) fn shapes() -> u64 {
    // Both only grow, so the sum changes whenever either does.
    SHAPES.load(Relaxed).wrapping_add(settings::field_changes())
}

/// Changes whenever `signing_secret` may have other rows, those of other backends included.
pub(crate) fn secrets() -> u64 {
    // SAFETY: reads this backend's queue of invalidations, as every lock on a table does. Only called
    // from SQL functions, so inside a transaction.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    SECRETS.load(Relaxed)
}

/// Tells every backend, this one included, that `signing_secret` has other rows.
pub(crate) fn secrets_changed(relation: pg_sys::Oid) {
    // SAFETY: called by the trigger, which holds a lock on the table that it fires for.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}

/// Finds a table.
///
/// # Errors
/// [`AuthError::NotMigrated`] when it isn't there.
pub(super) fn relation(table: Table) -> Result<Rc<Relation>, AuthError> {
    // SAFETY: as in `secrets`. What is remembered says whose rights a statement gets.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    let now = shapes();
    let known = RELATIONS.with_borrow(|(known_at, relations)| {
        (*known_at == now).then(|| relations[table as usize].clone()).flatten()
    });
    if let Some(relation) = known {
        return Ok(relation);
    }
    let relation = Rc::new(load(table)?);
    RELATIONS.with_borrow_mut(|(known_at, relations)| {
        if *known_at != now {
            *relations = Default::default();
            *known_at = now;
        }
        relations[table as usize] = Some(Rc::clone(&relation));
    });
    Ok(relation)
}

/// The oid of schema `better_auth`, if it is there.
pub(super) fn schema() -> Option<pg_sys::Oid> {
    // SAFETY: looks a terminated name up in the system caches.
    let oid = unsafe { pg_sys::get_namespace_oid(c"better_auth".as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The oid of a table, if it is there; read from the catalog, not from what is remembered.
pub(super) fn find(table: Table) -> Option<pg_sys::Oid> {
    let mut name = [0u8; 32];
    name[..table.name().len()].copy_from_slice(table.name().as_bytes());
    // SAFETY: looks a terminated name up in the system caches.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr().cast(), schema()?) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

fn load(table: Table) -> Result<Relation, AuthError> {
    let oid = find(table).ok_or(AuthError::NotMigrated(table.name()))?;
    // Before the columns are read, so that a change from here on is noticed.
    OIDS[table as usize].store(oid.to_u32(), Relaxed);
    // SAFETY: the oid was found in pg_class just now; if it is gone since, this raises an error.
    let relation = unsafe { PgRelation::with_lock(oid, pg_sys::AccessShareLock.cast_signed()) };
    // SAFETY: rd_rel of an open relation points to its pg_class row.
    let owner = unsafe { (*(*relation.as_ptr()).rd_rel).relowner };
    // SAFETY: looks the role up.
    let is_trusted = unsafe { pg_sys::superuser_arg(owner) };
    if table.is_ours() && !is_trusted {
        return Err(AuthError::Setup(format!(
            "{} belongs to a role that is not a superuser and could read the secrets in it; drop it and run: SELECT * FROM better_auth.migrate();",
            table.sql()
        )));
    }
    if is_trusted {
        check_triggers(table, oid)?;
    }
    let columns = relation
        .tuple_desc()
        .iter()
        .filter(|attribute| !attribute.attisdropped)
        .map(|attribute| Column {
            name: attribute.name().to_owned(),
            kind: kind(attribute.atttypid),
            type_oid: attribute.atttypid,
            required: attribute.attnotnull
                && !attribute.atthasdef
                && attribute.attidentity == 0
                && attribute.attgenerated == 0,
        })
        .collect();
    Ok(Relation { owner, columns })
}

/// Statements run as the table's owner, and so do its triggers. Where that is a superuser, nobody else may
/// have a say in what they do: who may make one, or replace the function of one, would be a superuser too at
/// the next sign-in.
fn check_triggers(table: Table, oid: pg_sys::Oid) -> Result<(), AuthError> {
    let oid = oid.to_u32();
    let query = format!(
        "SELECT pg_catalog.format('role %s may make triggers on it; run: REVOKE TRIGGER ON {table} FROM %1$s',
                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
         FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
         LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
         WHERE c.oid = {oid}::pg_catalog.oid AND a.privilege_type = 'TRIGGER' AND r.rolsuper IS NOT TRUE
         UNION ALL
         SELECT pg_catalog.format('its trigger %I runs %s, which belongs to a role that is not a superuser; drop the trigger, or give the function to a superuser',
                t.tgname, t.tgfoid::pg_catalog.regprocedure)
         FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
         JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
         WHERE t.tgrelid = {oid}::pg_catalog.oid AND NOT t.tgisinternal AND NOT r.rolsuper",
        table = table.sql(),
    );
    match as_caller(|| run_once(&query))?.pop() {
        None => Ok(()),
        Some(why) => Err(AuthError::Setup(format!("{} belongs to a superuser, but {why}", table.sql()))),
    }
}

/// A column that the table must have.
///
/// # Errors
/// The table or the column isn't there: migrate() makes both.
pub(super) fn column(table: Table, name: &str) -> Result<Column, AuthError> {
    relation(table)?.column(name).cloned().ok_or_else(|| {
        AuthError::Setup(format!(
            "{} has no column \"{name}\"; run: SELECT * FROM better_auth.migrate();",
            table.sql()
        ))
    })
}

/// Whether the table has a column that not every database has.
///
/// # Errors
/// No such table.
pub(super) fn has_column(table: Table, name: &str) -> Result<bool, AuthError> {
    Ok(relation(table)?.column(name).is_some())
}

fn kind(type_oid: pg_sys::Oid) -> Kind {
    // SAFETY: looks a column's type up; that of a domain is the one under it.
    match unsafe { pg_sys::getBaseType(type_oid) } {
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => Kind::Text,
        pg_sys::UUIDOID => Kind::Uuid,
        pg_sys::BOOLOID => Kind::Boolean,
        pg_sys::TIMESTAMPTZOID => Kind::TimestampTz,
        pg_sys::TIMESTAMPOID => Kind::Timestamp,
        pg_sys::INT2OID
        | pg_sys::INT4OID
        | pg_sys::INT8OID
        | pg_sys::NUMERICOID
        | pg_sys::FLOAT4OID
        | pg_sys::FLOAT8OID => Kind::Number,
        pg_sys::JSONOID | pg_sys::JSONBOID => Kind::Json,
        _ => Kind::Other,
    }
}
