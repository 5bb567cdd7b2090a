//! Statements: prepared once a backend, run as the owner of their table with a fixed `search_path`.

use pgrx::pg_sys::PgTryBuilder;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::{FromDatum, IntoDatum, PgLogLevel, PgSqlErrorCode, pg_sys};
use std::cell::RefCell;
use std::ffi::CStr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use crate::error::AuthError;
use crate::store::catalog::{self, Table, relation};
use crate::store::server::{self, Timestamp};

/// A parameter, or a column of a result.
pub(crate) enum Value<'a> {
    Text(&'a str),
    OptionalText(Option<&'a str>),
    OptionalTime(Option<Timestamp>),
    Time(Timestamp),
    Boolean(bool),
    Integer(i64),
    OptionalInteger(Option<i64>),
}

impl Value<'_> {
    fn type_oid(&self) -> pg_sys::Oid {
        match self {
            Self::Text(_) | Self::OptionalText(_) => pg_sys::TEXTOID,
            Self::Time(_) | Self::OptionalTime(_) => pg_sys::TIMESTAMPTZOID,
            Self::Boolean(_) => pg_sys::BOOLOID,
            Self::Integer(_) | Self::OptionalInteger(_) => pg_sys::INT8OID,
        }
    }

    fn datum(&self) -> Option<pg_sys::Datum> {
        match self {
            Self::Text(text) => text.into_datum(),
            Self::OptionalText(text) => text.and_then(IntoDatum::into_datum),
            Self::Time(time) => time.0.into_datum(),
            Self::OptionalTime(time) => time.and_then(|time| time.0.into_datum()),
            Self::Boolean(value) => value.into_datum(),
            Self::Integer(value) => value.into_datum(),
            Self::OptionalInteger(value) => value.and_then(IntoDatum::into_datum),
        }
    }

    /// PostgreSQL's text ends at a NUL character, wherever its length says.
    fn has_nul(&self) -> bool {
        match self {
            Self::Text(text) | Self::OptionalText(Some(text)) => text.as_bytes().contains(&0),
            _ => false,
        }
    }
}

/// A row of a result. Its columns are what [`select`](super::columns::select) makes of them: text,
/// timestamptz or boolean.
pub(crate) struct Row {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
}

impl Row {
    /// The column at `position`, from 1. The caller names the type that
    /// [`select`](super::columns::select) gave it.
    fn get<T: FromDatum>(&self, position: i32) -> Option<T> {
        let mut is_null = true;
        // SAFETY: the tuple and its descriptor are those of SPI's current result; SPI checks the
        // position. The type is the one that the statement's text casts the column to.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, position, &raw mut is_null);
            T::from_datum(datum, is_null)
        }
    }

    pub(crate) fn optional_text(&self, position: i32) -> Option<String> {
        self.get(position)
    }

    /// Calls `work` with the text of a column, without a copy; with none where the row has no such column, or one that
    /// isn't text, as where a trigger changed the settings under the statement.
    pub(super) fn with_text<T>(&self, position: i32, work: impl FnOnce(Option<&str>) -> T) -> T {
        match self.is_text(position) {
            true => work(self.get(position)),
            false => work(None),
        }
    }

    /// Whether [`Row::with_text`] has none.
    pub(super) fn is_null_text(&self, position: i32) -> bool {
        let mut is_null = true;
        if self.is_text(position) {
            // SAFETY: as of get().
            unsafe { pg_sys::SPI_getbinval(self.tuple, self.columns, position, &raw mut is_null) };
        }
        is_null
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> i32 {
        // SAFETY: the descriptor is that of SPI's current result.
        unsafe { (*self.columns).natts }
    }

    /// A column as it is; `None` for NULL.
    pub(super) fn datum(&self, position: i32) -> Option<pg_sys::Datum> {
        let mut is_null = true;
        // SAFETY: the tuple and its descriptor are those of SPI's current result; SPI checks the position.
        let datum = unsafe { pg_sys::SPI_getbinval(self.tuple, self.columns, position, &raw mut is_null) };
        (!is_null).then_some(datum)
    }

    fn is_text(&self, position: i32) -> bool {
        // SAFETY: the descriptor is that of SPI's current result; SPI checks the position.
        unsafe { pg_sys::SPI_gettypeid(self.columns, position) == pg_sys::TEXTOID }
    }

    /// NULL, which a foreign writer may have left, reads as the empty string.
    pub(crate) fn text(&self, position: i32) -> String {
        self.get(position).unwrap_or_default()
    }

    pub(crate) fn time(&self, position: i32) -> Timestamp {
        self.optional_time(position).unwrap_or(Timestamp(i64::MIN))
    }

    /// In the whole milliseconds that JavaScript's dates have: what is compared is what Better Auth compares.
    pub(crate) fn optional_time(&self, position: i32) -> Option<Timestamp> {
        self.get(position).map(|time: i64| Timestamp(time.div_euclid(1_000).saturating_mul(1_000)))
    }

    pub(crate) fn boolean(&self, position: i32) -> bool {
        self.get(position).unwrap_or_default()
    }

    pub(crate) fn integer(&self, position: i32) -> i64 {
        self.get(position).unwrap_or_default()
    }
}

/// A plan that PostgreSQL keeps for us. Shared, so that a statement that is built anew while it runs
/// (a trigger may call back into this extension) does not pull the plan away from under itself.
struct Plan {
    plan: pg_sys::SPIPlanPtr,
    writes: bool,
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: the plan was kept with SPI_keepplan, or SPI is still connected; this is its last holder.
        unsafe { pg_sys::SPI_freeplan(self.plan) };
    }
}

/// Whether a plan outlives the SPI connection that it was prepared in.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Yes,
    /// And is the same whatever the values.
    Generic,
    No,
}

/// How often a statement is built anew because its table, or what the table runs, changes meanwhile. Only who owns
/// these, or a superuser, can make them change.
const ATTEMPTS: usize = 64;

/// One statement on one table. Its text depends on the columns that the table has here.
pub(crate) struct Statement {
    table: Table,
    joined: [Option<Table>; 2],
    text: fn() -> Result<String, AuthError>,
    plan: RefCell<Option<(u64, Rc<Plan>)>>,
}

impl Statement {
    pub(crate) const fn new(table: Table, text: fn() -> Result<String, AuthError>) -> Self {
        Self { table, joined: [None; 2], text, plan: RefCell::new(None) }
    }

    /// A statement that reads a second table too, which has to have the same owner: what a table does when
    /// it is read (a cast to a type of its owner's making, say) runs as who reads it.
    pub(crate) const fn joining(
        table: Table,
        joined: Table,
        text: fn() -> Result<String, AuthError>,
    ) -> Self {
        Self { table, joined: [Some(joined), None], text, plan: RefCell::new(None) }
    }

    /// The same with a third one.
    pub(crate) const fn joining_two(
        table: Table,
        [one, other]: [Table; 2],
        text: fn() -> Result<String, AuthError>,
    ) -> Self {
        Self { table, joined: [Some(one), Some(other)], text, plan: RefCell::new(None) }
    }

    /// Runs the statement and reads every row that it returns.
    ///
    /// # Errors
    /// A missing table. What SQL itself raises is PostgreSQL's own exception and ends the transaction.
    pub(crate) fn query<T>(
        &self,
        values: &[Value<'_>],
        read: impl Fn(&Row) -> T,
    ) -> Result<Vec<T>, AuthError> {
        self.run(values, Snapshot::OfTransaction, read)
    }

    /// The same, but sees what has been committed since, even in a transaction that otherwise doesn't:
    /// for what is remembered beyond the transaction.
    pub(crate) fn query_latest<T>(
        &self,
        values: &[Value<'_>],
        read: impl Fn(&Row) -> T,
    ) -> Result<Vec<T>, AuthError> {
        self.run(values, Snapshot::Latest, read)
    }

    /// The same, but sees what the query sees that it is called in, and changes nothing: for functions that others'
    /// queries call for each row, in parallel workers too.
    ///
    /// # Errors
    /// As [`Statement::query`].
    pub(crate) fn query_in_step<T>(
        &self,
        values: &[Value<'_>],
        read: impl Fn(&Row) -> T,
    ) -> Result<Vec<T>, AuthError> {
        self.run(values, Snapshot::OfQuery, read)
    }

    /// Runs a statement that returns nothing.
    ///
    /// # Errors
    /// As [`Statement::query`].
    pub(crate) fn execute(&self, values: &[Value<'_>]) -> Result<(), AuthError> {
        self.query(values, |_| ()).map(drop)
    }

    fn run<T>(
        &self,
        values: &[Value<'_>],
        snapshot: Snapshot,
        read: impl Fn(&Row) -> T,
    ) -> Result<Vec<T>, AuthError> {
        for _ in 0..ATTEMPTS {
            let shapes = catalog::shapes(self.table);
            let owner = self.owner()?;
            let rows = run_as(owner, values, |values| {
                let plan = self.plan(values)?;
                if plan.writes {
                    catalog::lock_for_writing(self.table);
                }
                // What was waited for may have changed what the owner's name was good for.
                match catalog::shapes(self.table) == shapes {
                    true => execute(&plan, values, snapshot, &read).map(Some),
                    false => Ok(None),
                }
            })?;
            if let Some(rows) = rows {
                return Ok(rows);
            }
        }
        Err(AuthError::Busy("better_auth's tables keep changing"))
    }

    fn owner(&self) -> Result<pg_sys::Oid, AuthError> {
        owner(self.table, self.joined)
    }

    fn plan(&self, values: &[Value<'_>]) -> Result<Rc<Plan>, AuthError> {
        let shapes = catalog::shapes(self.table);
        if let Some((built_at, plan)) = &*self.plan.borrow()
            && *built_at == shapes
        {
            return Ok(Rc::clone(plan));
        }
        let plan = Rc::new(prepare(&(self.text)()?, values, Keep::Yes)?);
        *self.plan.borrow_mut() = Some((shapes, Rc::clone(&plan)));
        Ok(plan)
    }
}

/// Who owns a table, and those that are joined to it.
fn owner(table: Table, joined: [Option<Table>; 2]) -> Result<pg_sys::Oid, AuthError> {
    let owner = relation(table)?.owner;
    for joined in joined.into_iter().flatten() {
        if relation(joined)?.owner != owner {
            return Err(AuthError::Setup(format!(
                "{} and {} belong to different roles; give them one owner",
                table.sql(),
                joined.sql()
            )));
        }
    }
    Ok(owner)
}

/// Runs a statement whose text depends on the request, on one table: prepared for this once.
///
/// # Errors
/// As [`Statement::query`].
pub(crate) fn query_once<T>(
    table: Table,
    text: &str,
    values: &[Value<'_>],
    read: impl Fn(&Row) -> T,
) -> Result<Vec<T>, AuthError> {
    query_once_joining(table, None, text, values, read)
}

/// The same on a table, and one that is joined to it: see [`Statement::joining`].
///
/// # Errors
/// As [`Statement::query`].
pub(crate) fn query_once_joining<T>(
    table: Table,
    joined: Option<Table>,
    text: &str,
    values: &[Value<'_>],
    read: impl Fn(&Row) -> T,
) -> Result<Vec<T>, AuthError> {
    if writes(text) {
        catalog::lock_for_writing(table);
    }
    run_as(owner(table, [joined, None])?, values, |values| {
        execute(&prepare(text, values, Keep::No)?, values, Snapshot::OfTransaction, &read)
    })
}

fn run_as<T>(
    owner: pg_sys::Oid,
    values: &[Value<'_>],
    work: impl Fn(&[Value<'_>]) -> Result<T, AuthError>,
) -> Result<T, AuthError> {
    if values.iter().any(Value::has_nul) {
        return Err(AuthError::Nul);
    }
    let run = || as_owner(owner, || spi(|| work(values)));
    // An exception only passes through here on its way out, so nothing has to be safe to go on with.
    PgTryBuilder::new(AssertUnwindSafe(run)).catch_others(without_row).execute()
}

/// PostgreSQL's DETAIL of a broken constraint has the whole row, for who may read it, as the tables' owner
/// may: a password hash or a session token would reach the caller and the log.
fn without_row<T>(error: CaughtError) -> T {
    if let CaughtError::PostgresError(report) = &error {
        let class = report.sql_error_code() as i32 & 0xFFF;
        if [
            PgSqlErrorCode::ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION,
            PgSqlErrorCode::ERRCODE_WITH_CHECK_OPTION_VIOLATION,
        ]
        .map(|code| code as i32 & 0xFFF)
        .contains(&class)
        {
            ErrorReport::new(report.sql_error_code(), report.message().to_owned(), "better_auth")
                .report(PgLogLevel::ERROR);
        }
    }
    error.rethrow()
}

/// Which rows a statement sees.
#[derive(Clone, Copy, PartialEq)]
enum Snapshot {
    OfTransaction,
    /// The one that is active, for a statement that only reads.
    OfQuery,
    Latest,
}

/// Runs `work` as `owner`, with a `search_path` that holds nothing but PostgreSQL's own catalog.
///
/// When `work` raises, the transaction's (or subtransaction's) abort puts the user and the settings
/// back, as it does for PostgreSQL's own referential integrity checks, which change the user likewise.
pub(crate) fn as_owner<T>(owner: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let mut user = pg_sys::InvalidOid;
    let mut context = 0;
    // SAFETY: both pairs of calls are PostgreSQL's own idiom for a local change of user and settings.
    let nest_level = unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
        let mut local = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_NOFORCE_RLS;
        if owner != user && !pg_sys::superuser_arg(owner) {
            // The tables of a role that isn't trusted with everything: nothing that its triggers do may
            // outlast this call, such as a deferred trigger, which would run as the caller.
            local |= pg_sys::SECURITY_RESTRICTED_OPERATION;
        }
        pg_sys::SetUserIdAndSecContext(owner, context | local.cast_signed());
        pg_sys::NewGUCNestLevel()
    };
    set_for_now(c"search_path", c"pg_catalog, pg_temp");
    let result = work();
    // SAFETY: the level and the user are those that were saved above. Taken back as if aborted, so that a
    // SET in a trigger doesn't stay behind in the caller's session.
    unsafe {
        pg_sys::AtEOXact_GUC(false, nest_level);
        pg_sys::SetUserIdAndSecContext(user, context);
    }
    result
}

/// Runs `work` as who is calling, but with the fixed `search_path`: for DDL.
pub(crate) fn as_caller<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: reads the backend's own state.
    as_owner(unsafe { pg_sys::GetUserId() }, work)
}

/// Runs a statement as who is set now, for [`as_owner`].
///
/// # Errors
/// PostgreSQL doesn't take the statement.
pub(crate) fn query_prepared<T>(
    text: &str,
    values: &[Value<'_>],
    read: impl Fn(&Row) -> T,
) -> Result<Vec<T>, AuthError> {
    spi(|| execute(&prepare(text, values, Keep::No)?, values, Snapshot::OfTransaction, &read))
}

/// Runs a statement that is not worth keeping, and gives the first column of its rows as text.
///
/// # Errors
/// PostgreSQL doesn't take the statement.
pub(crate) fn run_once(text: &str) -> Result<Vec<String>, AuthError> {
    query_prepared(text, &[], |row| row.text(1))
}

/// A statement on the catalogs, planned once a backend.
pub(crate) struct CatalogStatement {
    text: &'static str,
    plan: RefCell<Option<Rc<Plan>>>,
}

impl CatalogStatement {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, plan: RefCell::new(None) }
    }

    /// Runs it as who is set now, and gives the first column as text. Sees what has been committed since the
    /// transaction began.
    ///
    /// # Errors
    /// PostgreSQL doesn't take the statement.
    pub(crate) fn query_latest(&self, values: &[Value<'_>]) -> Result<Vec<String>, AuthError> {
        // The estimates of its joins would have it compiled, which takes longer than running it ever does.
        set_for_now(c"jit", c"off");
        spi(|| {
            let known = self.plan.borrow().clone();
            let plan = match known {
                Some(plan) => plan,
                None => {
                    let plan = Rc::new(prepare(self.text, values, Keep::Generic)?);
                    *self.plan.borrow_mut() = Some(Rc::clone(&plan));
                    plan
                }
            };
            execute(&plan, values, Snapshot::Latest, &|row: &Row| row.text(1))
        })
    }
}

/// Sets a setting until the end of [`as_owner`], which opened a level for it.
fn set_for_now(name: &CStr, value: &CStr) {
    server::set(name, value, pg_sys::GucAction::GUC_ACTION_SAVE);
}

/// Runs `work` between SPI_connect and SPI_finish.
fn spi<T>(work: impl FnOnce() -> Result<T, AuthError>) -> Result<T, AuthError> {
    // SAFETY: every return path below finishes what is connected here; an exception's abort does it too.
    unsafe {
        pg_sys::SPI_connect();
        let result = work();
        pg_sys::SPI_finish();
        result
    }
}

/// Whether a statement may set off triggers. LOCK doesn't, and has to come first.
fn writes(text: &str) -> bool {
    !["SELECT", "LOCK"].iter().any(|word| text.trim_start().starts_with(word))
}

fn prepare(text: &str, values: &[Value<'_>], keep: Keep) -> Result<Plan, AuthError> {
    let refused = || AuthError::Setup("PostgreSQL did not prepare a statement of better_auth".into());
    let writes = writes(text);
    let text = std::ffi::CString::new(text).map_err(|_| refused())?;
    let mut types: Vec<pg_sys::Oid> = values.iter().map(Value::type_oid).collect();
    let count = i32::try_from(types.len()).map_err(|_| refused())?;
    // SAFETY: SPI is connected; the text is terminated and the types are as many as said.
    unsafe {
        let options = if keep == Keep::Generic { pg_sys::CURSOR_OPT_GENERIC_PLAN.cast_signed() } else { 0 };
        let plan = pg_sys::SPI_prepare_cursor(text.as_ptr(), count, types.as_mut_ptr(), options);
        if plan.is_null() || keep != Keep::No && pg_sys::SPI_keepplan(plan) != 0 {
            return Err(refused());
        }
        Ok(Plan { plan, writes })
    }
}

fn execute<T>(
    plan: &Plan,
    values: &[Value<'_>],
    snapshot: Snapshot,
    read: &impl Fn(&Row) -> T,
) -> Result<Vec<T>, AuthError> {
    let (mut datums, mut nulls) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    for datum in values.iter().map(Value::datum) {
        nulls.push(if datum.is_some() { b' ' } else { b'n' }.cast_signed());
        datums.push(datum.unwrap_or(pg_sys::Datum::from(0)));
    }
    // SAFETY: SPI is connected, and the plan was prepared with these values' types. A snapshot that is
    // taken is registered while it is used, and an exception's abort lets go of it.
    let status = unsafe {
        match snapshot {
            Snapshot::OfTransaction | Snapshot::OfQuery => pg_sys::SPI_execute_plan(
                plan.plan,
                datums.as_mut_ptr(),
                nulls.as_ptr(),
                snapshot == Snapshot::OfQuery,
                0,
            ),
            Snapshot::Latest => {
                // In a parallel query PostgreSQL takes no newer snapshot of tables, but of its catalogs it does.
                let newest = match pg_sys::IsInParallelMode() {
                    true => pg_sys::GetCatalogSnapshot(pg_sys::RelationRelationId),
                    false => pg_sys::GetLatestSnapshot(),
                };
                let latest = pg_sys::RegisterSnapshot(newest);
                let none = std::ptr::null_mut();
                let status = pg_sys::SPI_execute_snapshot(
                    plan.plan,
                    datums.as_mut_ptr(),
                    nulls.as_ptr(),
                    latest,
                    none,
                    true,
                    false,
                    0,
                );
                pg_sys::UnregisterSnapshot(latest);
                status
            }
        }
    };
    if status < 0 {
        return Err(AuthError::Setup(format!(
            "PostgreSQL did not run a statement of better_auth (SPI: {status})"
        )));
    }
    // SAFETY: SPI_tuptable, if set, is the result of the statement just run, and holds SPI_processed rows.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Ok(Vec::new());
        }
        let count = usize::try_from(pg_sys::SPI_processed).unwrap_or_default();
        Ok((0..count)
            .map(|index| read(&Row { tuple: *(*table).vals.add(index), columns: (*table).tupdesc }))
            .collect())
    }
}
