//! Where the tables are and what columns they have. Better Auth's tables are shared with whoever made
//! them: columns differ between its versions, and plugins add more.

use pgrx::{PgRelation, pg_sys};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::error::AuthError;
use crate::names::{Names, OURS, models};
use crate::plugin;
use crate::settings;
use crate::store::guard;

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
    OauthProvider,
    ProviderKey,
    FetchOutbox,
    /// One of a plugin's, by its place in `plugin::TABLES`.
    Plugin(u8),
}

/// This extension's own tables, in the order of their names in [`OURS`].
pub(super) const OWN: [Table; OURS.len()] =
    [Table::SigningSecret, Table::MailOutbox, Table::OauthProvider, Table::ProviderKey, Table::FetchOutbox];

impl Table {
    /// How many are Better Auth's own.
    const CORE: usize = 5;
    const COUNT: usize = Self::CORE + plugin::TABLES.len() + OWN.len();

    /// Better Auth's models come first, in the order of `names::models()`, and ours last.
    const fn index(self) -> usize {
        match self {
            Self::User => 0,
            Self::Session => 1,
            Self::Account => 2,
            Self::Verification => 3,
            Self::RateLimit => 4,
            Self::Plugin(place) => Self::CORE + place as usize,
            Self::SigningSecret => Self::CORE + plugin::TABLES.len(),
            Self::MailOutbox => Self::CORE + plugin::TABLES.len() + 1,
            Self::OauthProvider => Self::CORE + plugin::TABLES.len() + 2,
            Self::ProviderKey => Self::CORE + plugin::TABLES.len() + 3,
            Self::FetchOutbox => Self::CORE + plugin::TABLES.len() + 4,
        }
    }

    /// The name of one of this extension's own.
    fn own_name(self) -> Option<&'static str> {
        OURS.get(self.index().checked_sub(Self::CORE + plugin::TABLES.len())?).copied()
    }

    /// The unquoted, unqualified name that it has here.
    pub(crate) fn name(self) -> String {
        let model = || names(|names| names.model(self.index()).unwrap_or_default().to_owned());
        self.own_name().map_or_else(model, str::to_owned)
    }

    /// The name as SQL wants it, qualified and quoted (`user` is a reserved word).
    pub(crate) fn sql(self) -> String {
        format!("better_auth.{}", pgrx::spi::quote_identifier(self.name()))
    }

    /// The unquoted name that the column of one of Better Auth's fields has here.
    pub(crate) fn column(self, field: &str) -> String {
        names(|names| names.field(self.index(), field).to_owned())
    }

    /// The same, quoted.
    pub(crate) fn quoted(self, field: &str) -> String {
        pgrx::spi::quote_identifier(self.column(field))
    }

    /// Better Auth's name of the model; of our own tables, the table's.
    pub(super) fn model(self) -> &'static str {
        let model = || models().get(self.index()).map_or("", |model| model.name);
        self.own_name().unwrap_or_else(model)
    }

    /// The fields that may have another name here.
    pub(super) fn fields(self) -> &'static [&'static str] {
        models().get(self.index()).map_or(&[], |model| &model.fields)
    }

    /// Whether a trigger tells of changes to its rows, which backends keep in memory: see [`rows`].
    pub(super) const fn is_watched(self) -> bool {
        match self {
            Self::SigningSecret | Self::OauthProvider | Self::ProviderKey => true,
            Self::Plugin(place) => plugin::TABLES[place as usize].is_watched,
            _ => false,
        }
    }

    /// Whether it is one of this extension's own, which hold secrets: those are their owner's alone.
    pub(super) const fn is_ours(self) -> bool {
        self.index() >= Self::CORE + plugin::TABLES.len()
    }
}

/// Runs `work` on the names that the settings give now.
fn names<T>(work: impl FnOnce(&Names) -> T) -> T {
    thread_local! {
        static NAMES: RefCell<Option<(u64, Rc<Names>)>> = const { RefCell::new(None) };
    }
    let now = settings::field_changes();
    let known = NAMES
        .with_borrow(|known| known.as_ref().filter(|known| known.0 == now).map(|known| Rc::clone(&known.1)));
    let names = known.unwrap_or_else(|| {
        let names = Rc::new(settings::names());
        NAMES.set(Some((now, Rc::clone(&names))));
        names
    });
    work(&names)
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
    /// Its number in the table, from 1.
    pub(super) number: i16,
    pub(crate) kind: Kind,
    pub(crate) type_oid: pg_sys::Oid,
    /// The type itself; of a domain, the one under it.
    pub(crate) base: pg_sys::Oid,
    /// How many characters it takes, where its type says so.
    pub(super) length: Option<i32>,
    pub(super) not_null: bool,
    /// The database fills it when an insert leaves it out.
    pub(crate) filled: bool,
    /// Nobody else may fill it.
    pub(super) generated: bool,
    /// NOT NULL, and nothing fills it when an insert leaves it out.
    pub(crate) required: bool,
}

/// A table's identity, its owner and its columns.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(super) owner: pg_sys::Oid,
    pub(super) columns: Vec<Column>,
}

impl Relation {
    /// The column of that name, if the table has it here.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Counts the changes to tables that are watched, their rows among them: a trigger on each says so.
static ROWS: [AtomicU64; Table::COUNT] = [const { AtomicU64::new(1) }; Table::COUNT];
/// Which ones these are.
static IS_WATCHED: [bool; Table::COUNT] = {
    let mut is_watched = [false; Table::COUNT];
    let mut place = 0;
    while place < OWN.len() {
        is_watched[OWN[place].index()] = OWN[place].is_watched();
        place += 1;
    }
    place = 0;
    while place < plugin::TABLES.len() {
        is_watched[Table::CORE + place] = plugin::TABLES[place].is_watched;
        place += 1;
    }
    is_watched
};
/// The tables' oids, for the callback; 0 until first used.
static OIDS: [AtomicU32; Table::COUNT] = [const { AtomicU32::new(0) }; Table::COUNT];

thread_local! {
    static RELATIONS: RefCell<[Option<(u64, Rc<Relation>)>; Table::COUNT]> =
        const { RefCell::new([const { None }; Table::COUNT]) };
    /// How many changes there were when nothing was remembered last.
    static EMPTY_AT: Cell<u64> = const { Cell::new(0) };
}

/// Asks PostgreSQL to tell when a table changes, or what it has to do with. For _PG_init.
pub(crate) fn init() {
    // SAFETY: the callback is a plain function that lives as long as the library, which is never unloaded.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0)) };
    guard::init();
}

/// Runs at arbitrary moments, even while a transaction aborts: it only counts.
unsafe extern "C-unwind" fn relation_changed(_: pg_sys::Datum, relation: pg_sys::Oid) {
    let everything = relation == pg_sys::InvalidOid;
    let relation = relation.to_u32();
    for (index, oid) in OIDS.iter().enumerate() {
        if everything || oid.load(Relaxed) == relation {
            match IS_WATCHED[index] {
                true => drop(ROWS[index].fetch_add(1, Relaxed)),
                false => guard::changed(),
            }
        }
    }
    guard::relation_changed(relation);
}

/// Changes whenever the table may have another shape; statements built before must be built anew.
pub(super) fn shapes(table: Table) -> u64 {
    // New rows of a table that is watched look like another shape, which is nothing to the other tables.
    let rows = if table.is_watched() { ROWS[table.index()].load(Relaxed) } else { 0 };
    // All of them only grow, so the sum changes whenever one does.
    guard::changes().wrapping_add(settings::field_changes()).wrapping_add(rows)
}

/// What was made of tables' shapes, kept while they are the same.
pub(super) struct PerShape<T>(RefCell<Vec<(Table, u64, T)>>);

impl<T: Clone> PerShape<T> {
    pub(super) const fn nothing() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// What is made of a table's shape.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn get(
        &self,
        table: Table,
        make: impl FnOnce() -> Result<T, AuthError>,
    ) -> Result<T, AuthError> {
        let now = shapes(table);
        let known =
            self.0.borrow().iter().find(|(of, at, _)| *of == table && *at == now).map(|(.., it)| it.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let made = make()?;
        let mut all = self.0.borrow_mut();
        all.retain(|(of, ..)| *of != table);
        all.push((table, now, made.clone()));
        Ok(made)
    }
}

/// Changes whenever a table that is watched may have other rows, those that other backends changed included.
pub(crate) fn rows(table: Table) -> u64 {
    // SAFETY: reads this backend's queue of invalidations, as every lock on a table does. Only called
    // from SQL functions, so inside a transaction.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    ROWS[table.index()].load(Relaxed)
}

/// Whether the table has the triggers that tell of its rows, and they fire whoever changes them.
///
/// # Errors
/// No table.
pub(crate) fn is_told_of_rows(table: Table) -> Result<bool, AuthError> {
    relation(table)?;
    let oid = find(table).ok_or(AuthError::NotMigrated(table.name()))?;
    // SAFETY: as in `load`.
    let relation = unsafe { PgRelation::with_lock(oid, pg_sys::AccessShareLock.cast_signed()) };
    // SAFETY: the triggers of an open relation, as many as it says.
    let enabled = unsafe {
        let triggers = (*relation.as_ptr()).trigdesc;
        if triggers.is_null() {
            return Ok(false);
        }
        let count = usize::try_from((*triggers).numtriggers).unwrap_or_default();
        let triggers = std::slice::from_raw_parts((*triggers).triggers, count);
        let label = |label: &str| format!("{}_{label}", table.model());
        ["changed", "truncated"].map(label).iter().all(|name| {
            triggers.iter().any(|trigger| {
                let called = std::ffi::CStr::from_ptr(trigger.tgname).to_str();
                called == Ok(name.as_str()) && trigger.tgenabled.cast_unsigned() == b'A'
            })
        })
    };
    Ok(enabled)
}

/// What was made of the rows of a table that is watched, kept until they change: `K` says when that was.
pub(crate) struct PerRows<K, T: ?Sized>(RefCell<Option<(K, Rc<T>)>>);

impl<K: PartialEq, T: ?Sized> PerRows<K, T> {
    pub(crate) const fn nothing() -> Self {
        Self(RefCell::new(None))
    }

    /// What `load` makes of a table's rows. It reads them only when `now` has changed, which has to say [`rows`] of the
    /// table among others; always, where nobody tells of changes.
    ///
    /// # Errors
    /// No table; those of `load`.
    pub(crate) fn get(
        &self,
        table: Table,
        now: impl Fn() -> K,
        load: impl FnOnce() -> Result<Rc<T>, AuthError>,
    ) -> Result<Rc<T>, AuthError> {
        // Before the read: a change meanwhile makes it stale at once.
        let at = now();
        let known =
            self.0.borrow().as_ref().filter(|(known, _)| *known == at).map(|(_, made)| Rc::clone(made));
        if let Some(made) = known {
            return Ok(made);
        }
        self.0.replace(None);
        // The first look at the table makes it known to who tells of changes.
        let is_watched = is_told_of_rows(table)?;
        let at = now();
        let made = load()?;
        if is_watched {
            self.0.replace(Some((at, Rc::clone(&made))));
        }
        Ok(made)
    }
}

/// Tells every backend, this one included, that a table has other rows.
pub(crate) fn rows_changed(relation: pg_sys::Oid) {
    // SAFETY: called by the trigger, which holds a lock on the table that it fires for.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}

/// Waits for whoever changes what a statement that writes to this table sets off, and keeps others from it
/// until the transaction's end.
pub(super) fn lock_for_writing(table: Table) {
    if let Some(oid) = find(table) {
        // SAFETY: what a statement that writes takes anyway, before it looks for triggers.
        unsafe { pg_sys::LockRelationOid(oid, pg_sys::RowExclusiveLock.cast_signed()) };
    }
}

/// Finds a table.
///
/// # Errors
/// [`AuthError::NotMigrated`] when it isn't there.
pub(super) fn relation(table: Table) -> Result<Rc<Relation>, AuthError> {
    // SAFETY: as in `secrets`. What is remembered says whose rights a statement gets.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    let changes = guard::changes();
    if EMPTY_AT.replace(changes) != changes {
        RELATIONS.take();
        guard::forget();
    }
    let now = shapes(table);
    let known = RELATIONS.with_borrow(|relations| {
        relations[table.index()]
            .as_ref()
            .filter(|(at, _)| *at == now)
            .map(|(_, relation)| Rc::clone(relation))
    });
    if let Some(relation) = known {
        return Ok(relation);
    }
    let relation = Rc::new(load(table)?);
    RELATIONS.with_borrow_mut(|relations| relations[table.index()] = Some((now, Rc::clone(&relation))));
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
    let name = std::ffi::CString::new(table.name()).ok()?;
    // SAFETY: looks a terminated name up in the system caches.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema()?) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Whether schema `better_auth` has a table, index or view of that name.
pub(crate) fn has_relation(name: &str) -> bool {
    let (Some(schema), Ok(name)) = (schema(), std::ffi::CString::new(name)) else { return false };
    // SAFETY: looks a terminated name up in the system caches.
    unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) != pg_sys::InvalidOid }
}

fn load(table: Table) -> Result<Relation, AuthError> {
    let oid = find(table).ok_or(AuthError::NotMigrated(table.name()))?;
    // Before the columns are read, so that a change from here on is noticed.
    OIDS[table.index()].store(oid.to_u32(), Relaxed);
    // SAFETY: the oid was found in pg_class just now; if it is gone since, this raises an error.
    let relation = unsafe { PgRelation::with_lock(oid, pg_sys::AccessShareLock.cast_signed()) };
    // SAFETY: rd_rel of an open relation points to its pg_class row.
    let owner = unsafe { (*(*relation.as_ptr()).rd_rel).relowner };
    let is_trusted = guard::is_superuser(owner);
    if table.is_ours() && !is_trusted {
        return Err(AuthError::Setup(format!(
            "{} belongs to a role that is not a superuser and could read the secrets in it; drop it and run: SELECT * FROM better_auth.migrate();",
            table.sql()
        )));
    }
    if is_trusted {
        guard::check(table, oid, owner)?;
    }
    let columns = columns(&relation);
    Ok(Relation { owner, columns })
}

/// The columns of a table that is locked.
fn columns(relation: &PgRelation) -> Vec<Column> {
    let column = |attribute: &pg_sys::FormData_pg_attribute| {
        let mut typmod = attribute.atttypmod;
        // SAFETY: looks the column's type up; that of a domain is the one under it, and so is what it is limited to.
        let base = unsafe { pg_sys::getBaseTypeAndTypmod(attribute.atttypid, &raw mut typmod) };
        // SAFETY: reads the type's pg_type row.
        let has_type_default = || unsafe { !pg_sys::get_typdefault(attribute.atttypid).is_null() };
        let generated = attribute.attgenerated != 0;
        let identity = attribute.attidentity.cast_unsigned();
        let filled = attribute.atthasdef && !generated || identity != 0 || !generated && has_type_default();
        let limited = typmod >= 4 && matches!(base, pg_sys::VARCHAROID | pg_sys::BPCHAROID);
        Column {
            name: attribute.name().to_owned(),
            number: attribute.attnum,
            kind: kind(base),
            type_oid: attribute.atttypid,
            base,
            length: limited.then(|| typmod - 4),
            not_null: attribute.attnotnull,
            filled,
            generated: generated || identity == b'a',
            required: attribute.attnotnull && !filled && !generated,
        }
    };
    relation.tuple_desc().iter().filter(|attribute| !attribute.attisdropped).map(column).collect()
}

/// A table as it is, whoever may have a say in it: for who looks at it before it is used.
pub(super) fn describe(oid: pg_sys::Oid) -> Relation {
    // SAFETY: as in `load`.
    let relation = unsafe { PgRelation::with_lock(oid, pg_sys::AccessShareLock.cast_signed()) };
    // SAFETY: as in `load`.
    let owner = unsafe { (*(*relation.as_ptr()).rd_rel).relowner };
    Relation { owner, columns: columns(&relation) }
}

/// The column of a field that the table must have.
///
/// # Errors
/// The table or the column isn't there: migrate() makes both.
pub(crate) fn column(table: Table, field: &str) -> Result<Column, AuthError> {
    let name = table.column(field);
    relation(table)?.column(&name).cloned().ok_or_else(|| {
        AuthError::Setup(format!(
            "{} has no column \"{name}\"; run: SELECT * FROM better_auth.migrate();",
            table.sql()
        ))
    })
}

/// Whether the table has the column of a field that not every database has.
///
/// # Errors
/// No such table.
pub(crate) fn has_column(table: Table, field: &str) -> Result<bool, AuthError> {
    Ok(relation(table)?.column(&table.column(field)).is_some())
}

fn kind(base: pg_sys::Oid) -> Kind {
    match base {
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
        other if is_citext(other) => Kind::Text,
        _ => Kind::Other,
    }
}

/// Whether a type is citext, wherever its extension was put.
pub(crate) fn is_citext(base: pg_sys::Oid) -> bool {
    type_name(base).rsplit('.').next() == Some("citext")
        // SAFETY: reads the cast's catalog row.
        && unsafe { pg_sys::IsBinaryCoercible(base, pg_sys::TEXTOID) }
}

/// The qualified, quoted name of a type. Without a length: what is too long is refused when it is assigned, where a
/// cast would cut it off.
pub(crate) fn type_name(oid: pg_sys::Oid) -> String {
    let flags = pg_sys::FORMAT_TYPE_FORCE_QUALIFY | pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN;
    // SAFETY: makes the name of a type that a column has.
    unsafe {
        let name = pg_sys::format_type_extended(oid, -1, u16::try_from(flags).unwrap_or_default());
        std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}
