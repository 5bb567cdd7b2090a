//! Whose code a table runs. Statements run as the table's owner, and so does what they set off; where the owner is a
//! superuser, nobody else may have a say in that: who has would be a superuser too at the next sign-in.
//!
//! The verdict is remembered until something that it was made of changes. PostgreSQL tells of every change to a role,
//! function, type or operator in the cluster, by the hash of its oid; here are the hashes of those that count.
//! Without that, any role could keep everybody busy with changes to itself.

use pgrx::pg_sys;
use pgrx::pg_sys::SysCacheIdentifier::{AUTHOID, OPEROID, PROCOID, TYPEOID};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::error::AuthError;
use crate::store::catalog::Table;
use crate::store::sql::{CatalogStatement, Value, as_owner};

/// Counts the changes to what a verdict, or a table's shape, was made of, as far as this backend was told of them.
static CHANGES: AtomicU64 = AtomicU64::new(1);

/// What is watched: the kind in the upper half, the hash (of a relation: the oid) in the lower. A fixed place, since
/// the callbacks run at moments when nothing may be allocated.
static WATCHED: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];
/// How many there are. More than there is room for means everything.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The kind of a relation in [`WATCHED`]; the others have the number of their cache.
const RELATION: u32 = u32::MAX;

/// Asks PostgreSQL to tell of changes. For _PG_init.
pub(super) fn init() {
    for cache in [PROCOID, AUTHOID, TYPEOID, OPEROID] {
        // SAFETY: the callback is a plain function that lives as long as the library, which is never unloaded.
        unsafe {
            pg_sys::CacheRegisterSyscacheCallback(
                cache.cast_signed(),
                Some(row_changed),
                pg_sys::Datum::from(0),
            );
        }
    }
}

/// Runs at arbitrary moments, even while a transaction aborts: it only counts. Hash 0 stands for all.
unsafe extern "C-unwind" fn row_changed(_: pg_sys::Datum, cache: i32, hash: u32) {
    if is_watched(cache.cast_unsigned(), hash) {
        CHANGES.fetch_add(1, Relaxed);
    }
}

/// For the relcache callback: counts it where the relation is one that was looked at. Oid 0 stands for all.
pub(super) fn relation_changed(relation: u32) {
    if is_watched(RELATION, relation) {
        CHANGES.fetch_add(1, Relaxed);
    }
}

/// Counts a change to the shape of a table.
pub(super) fn changed() {
    CHANGES.fetch_add(1, Relaxed);
}

/// How many changes there were.
pub(super) fn changes() -> u64 {
    CHANGES.load(Relaxed)
}

/// Forgets what was watched: when nothing that it was watched for is remembered any more.
pub(super) fn forget() {
    COUNT.store(0, Relaxed);
}

fn is_watched(kind: u32, value: u32) -> bool {
    let count = COUNT.load(Relaxed);
    match WATCHED.get(..count) {
        Some(watched) if value != 0 => {
            let wanted = entry(kind, value);
            watched.iter().any(|entry| entry.load(Relaxed) == wanted)
        }
        _ => true,
    }
}

fn entry(kind: u32, value: u32) -> u64 {
    u64::from(kind) << 32 | u64::from(value)
}

/// Watches one more; says whether it wasn't before.
fn watch(kind: u32, value: u32) -> bool {
    let count = COUNT.load(Relaxed);
    if is_watched(kind, value) {
        return false;
    }
    if let Some(free) = WATCHED.get(count) {
        free.store(entry(kind, value), Relaxed);
    }
    COUNT.store(count + 1, Relaxed);
    true
}

fn watch_row(cache: u32, oid: pg_sys::Oid) -> bool {
    let (key, none) = (pg_sys::Datum::from(oid), pg_sys::Datum::from(0));
    // SAFETY: these caches have one key, an oid.
    let hash = unsafe { pg_sys::GetSysCacheHashValue(cache.cast_signed(), key, none, none, none) };
    watch(cache, hash)
}

/// Whether the role is a superuser. Watched from now on.
pub(super) fn is_superuser(role: pg_sys::Oid) -> bool {
    watch_row(AUTHOID, role);
    // SAFETY: looks the role up.
    unsafe { pg_sys::superuser_arg(role) }
}

thread_local! {
    /// What table $1 (by name: $2) has to do with: a line for each object that is to be watched (its kind and oid)
    /// or stands in the way (`!` and why).
    ///
    /// The walk begins with the table and those that inherit from it, and follows pg_depend: down to what hangs on
    /// an object, and up to what an object needs. How far it goes on is `mode`: 0 it ends here, 1 up, 2 up and down,
    /// 3 nobody said that this is harmless. What a superuser's own functions call is theirs to know. Row security
    /// doesn't apply to a table's owner, and publications run nothing in a statement.
    static VERDICT: CatalogStatement = const { CatalogStatement::new(
        "WITH RECURSIVE tables (oid) AS (
             SELECT $1::pg_catalog.oid
             UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tables t ON i.inhparent = t.oid),
         walk (class, oid, mode, for_class, for_oid) AS (
             SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, t.oid, 2, 0::pg_catalog.oid, 0::pg_catalog.oid
             FROM tables t
             UNION SELECT n.class, n.oid, n.mode, w.class, w.oid FROM walk w CROSS JOIN LATERAL (
                 SELECT d.classid, d.objid, CASE d.classid
                     WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN
                         (SELECT CASE WHEN c.relkind IN ('i', 'I', 'c') THEN 1 WHEN c.relkind IN ('S', 't', 'r', 'p') THEN 0 ELSE 3 END
                          FROM pg_catalog.pg_class c WHERE c.oid = d.objid)
                     WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_opclass'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_amop'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_amproc'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_cast'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN 2
                     WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN 2
                     WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_publication_rel'::pg_catalog.regclass THEN 0
                     ELSE 3 END
                 FROM pg_catalog.pg_depend d
                 WHERE w.mode = 2 AND d.refclassid = w.class AND d.refobjid = w.oid AND d.deptype IN ('a', 'i', 'P', 'S')
                 UNION ALL SELECT d.refclassid, d.refobjid, CASE d.refclassid
                     WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_operator'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_am'::pg_catalog.regclass THEN 1
                     WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN 2
                     WHEN 'pg_catalog.pg_opclass'::pg_catalog.regclass THEN 2
                     WHEN 'pg_catalog.pg_opfamily'::pg_catalog.regclass THEN 2
                     WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN
                         CASE WHEN w.class = 'pg_catalog.pg_type'::pg_catalog.regclass THEN 1 ELSE 0 END
                     WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_collation'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_namespace'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_language'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_ts_config'::pg_catalog.regclass THEN 0
                     WHEN 'pg_catalog.pg_ts_dict'::pg_catalog.regclass THEN 0
                     ELSE 3 END
                 FROM pg_catalog.pg_depend d
                 WHERE w.mode IN (1, 2) AND d.classid = w.class AND d.objid = w.oid AND d.deptype IN ('n', 'a', 'i')
             ) n (class, oid, mode)),
         types (oid) AS (
             SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN tables t ON a.attrelid = t.oid WHERE a.attnum > 0
             UNION SELECT w.oid FROM walk w WHERE w.class = 'pg_catalog.pg_type'::pg_catalog.regclass),
         met (class, oid, mode, for_class, for_oid) AS (
             SELECT * FROM walk
             UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, g.tgfoid, 0, 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid
             FROM pg_catalog.pg_trigger g JOIN tables t ON g.tgrelid = t.oid
             UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, c.castfunc, 0, 'pg_catalog.pg_cast'::pg_catalog.regclass, c.oid
             FROM pg_catalog.pg_cast c
             JOIN pg_catalog.pg_type s ON s.oid = c.castsource JOIN pg_catalog.pg_authid sr ON sr.oid = s.typowner
             JOIN pg_catalog.pg_type y ON y.oid = c.casttarget JOIN pg_catalog.pg_authid yr ON yr.oid = y.typowner
             WHERE c.castfunc >= 16384 AND sr.rolsuper AND yr.rolsuper
               AND (c.castsource IN (SELECT y.oid FROM types y)
                 OR c.casttarget IN (SELECT y.oid FROM types y))),
         owned (class, oid, owner, for_class, for_oid) AS (
             SELECT m.class, m.oid, x.owner, m.for_class, m.for_oid FROM met m CROSS JOIN LATERAL (
                 SELECT p.proowner FROM pg_catalog.pg_proc p
                 WHERE m.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = m.oid
                 UNION ALL SELECT y.typowner FROM pg_catalog.pg_type y
                 WHERE m.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = m.oid
                 UNION ALL SELECT o.oprowner FROM pg_catalog.pg_operator o
                 WHERE m.class = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = m.oid
                 UNION ALL SELECT o.opcowner FROM pg_catalog.pg_opclass o
                 WHERE m.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND o.oid = m.oid
                 UNION ALL SELECT o.opfowner FROM pg_catalog.pg_opfamily o
                 WHERE m.class = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND o.oid = m.oid
                 UNION ALL SELECT c.relowner FROM pg_catalog.pg_class c
                 WHERE m.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = m.oid AND m.mode <> 0
             ) x (owner)),
         granted (oid, role) AS (
             SELECT c.oid, a.grantee FROM tables t JOIN pg_catalog.pg_class c ON c.oid = t.oid
             CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER')
         SELECT CASE o.class WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'p'
                    WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN 't'
                    WHEN 'pg_catalog.pg_operator'::pg_catalog.regclass THEN 'o'
                    WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN 'c' END || o.oid::pg_catalog.text
         FROM owned o WHERE o.oid >= 16384 AND o.oid <> $1::pg_catalog.oid AND o.class NOT IN ('pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass)
         UNION SELECT 'r' || o.owner::pg_catalog.text FROM owned o
         UNION SELECT 'r' || g.role::pg_catalog.text FROM granted g WHERE g.role <> 0
         UNION SELECT pg_catalog.format('!role %s may make triggers on it; run: REVOKE TRIGGER ON %s FROM %1$s',
                CASE g.role WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.role)) END,
                CASE g.oid WHEN $1::pg_catalog.oid THEN $2 ELSE g.oid::pg_catalog.regclass::pg_catalog.text END)
         FROM granted g LEFT JOIN pg_catalog.pg_authid r ON r.oid = g.role WHERE r.rolsuper IS NOT TRUE
         UNION SELECT pg_catalog.format('!%s is not a plain or partitioned table', c.oid::pg_catalog.regclass)
         FROM tables t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relkind NOT IN ('r', 'p')
         UNION SELECT pg_catalog.format('!%s is none of the things that may hang on it; drop it',
                pg_catalog.pg_describe_object(m.class, m.oid, 0))
         FROM met m WHERE m.mode = 3
         UNION SELECT pg_catalog.format('!%s belongs to a role that is not a superuser, and %s; give it to a superuser, or drop what uses it',
                pg_catalog.pg_describe_object(o.class, o.oid, 0),
                CASE WHEN o.for_oid = 0 THEN 'inherits from it'
                     WHEN o.for_oid = $1::pg_catalog.oid THEN 'is used by it'
                     ELSE 'is used by ' || pg_catalog.pg_describe_object(o.for_class, o.for_oid, 0) END)
         FROM owned o LEFT JOIN pg_catalog.pg_authid r ON r.oid = o.owner WHERE r.rolsuper IS NOT TRUE",
    ) };
}

/// How often a verdict is made anew because the first one met what wasn't watched yet. What has to do with a
/// superuser's table changes by a superuser's hand alone.
const ATTEMPTS: usize = 8;

/// Refuses a table of a superuser's where somebody else has a say.
///
/// Reads what is committed now, since the verdict is remembered beyond a transaction that may see less.
///
/// # Errors
/// What stands in the way.
pub(super) fn check(table: Table, oid: pg_sys::Oid, owner: pg_sys::Oid) -> Result<(), AuthError> {
    let sql = table.sql();
    let values = [Value::Integer(oid.to_u32().into()), Value::Text(&sql)];
    for _ in 0..ATTEMPTS {
        // As the owner: a server may keep its catalogs from others.
        let lines = as_owner(owner, || VERDICT.with(|statement| statement.query_latest(&values)))?;
        let mut in_the_way = None;
        let mut is_news = false;
        for line in &lines {
            if let Some(why) = line.strip_prefix('!') {
                // Whichever the plan comes to first, the same is told.
                in_the_way = Some(in_the_way.map_or(why, |other: &str| other.min(why)));
            } else if let Some((kind, Ok(oid))) =
                line.split_at_checked(1).map(|(kind, oid)| (kind, oid.parse()))
            {
                is_news |= match kind {
                    "p" => watch_row(PROCOID, pg_sys::Oid::from(oid)),
                    "t" => watch_row(TYPEOID, pg_sys::Oid::from(oid)),
                    "o" => watch_row(OPEROID, pg_sys::Oid::from(oid)),
                    "r" => watch_row(AUTHOID, pg_sys::Oid::from(oid)),
                    _ => watch(RELATION, oid),
                };
            }
        }
        if let Some(why) = in_the_way {
            return Err(AuthError::Setup(format!("{} belongs to a superuser, but {why}", sql)));
        }
        // It may have changed between the look at it and now.
        if !is_news {
            return Ok(());
        }
    }
    Err(AuthError::Busy("what hangs on better_auth's tables keeps changing"))
}
