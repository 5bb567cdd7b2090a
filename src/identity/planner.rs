//! Has `requesting_user_id()` evaluated once a statement in the conditions of plans that scan a table, so that a
//! policy is fast as it is written, `user_id = requesting_user_id()`.
//!
//! The planner is left alone: it sees the call that was written, a stable function's, with which it estimates, inlines,
//! prunes partitions and chooses indexes as ever. Only its finished plan is looked at, and only one field of one kind
//! of node in it changes, which nothing but the function itself looks at: a call without arguments is given no
//! collation by PostgreSQL, so one that has [`ONCE`] was marked here. It survives the copies that are made of plans
//! for caches and parallel workers, and says to the function: the place in the plan where you are called is made anew
//! for each execution, so your first answer there is good for all of it.
//!
//! What isn't marked is called for each row, as any stable function:
//! - Plans that scan no table. There is no row to save a call for, and PL/pgSQL takes such plans apart for its simple
//!   expressions, which then outlive a statement.
//! - What is planned without a query: defaults, CHECK constraints, WHEN of triggers.
//! - Select lists, WITH CHECK of policies, arguments of functions in FROM: the call is the least of what they cost.

use pgrx::pg_sys::NodeTag::{
    T_Append, T_BitmapHeapScan, T_CustomScan, T_FuncExpr, T_HashJoin, T_MergeAppend, T_MergeJoin, T_NestLoop,
    T_SubqueryScan,
};
use pgrx::pg_sys::{self, Datum, List, Node, Oid, Plan, PlannedStmt, Query};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use crate::settings;

/// The collation that marks a call as one to be evaluated once.
pub(super) const ONCE: Oid = pg_sys::DEFAULT_COLLATION_OID;

/// The symbols of the functions that heed it.
const SYMBOLS: [&CStr; 1] = [c"requesting_user_id_wrapper"];

/// The oid of language C, the same in every database.
const C_LANGUAGE: u32 = 13;

/// The hook of who was here before, if any.
static PREVIOUS: OnceLock<pg_sys::planner_hook_type> = OnceLock::new();

type Walker = unsafe extern "C-unwind" fn(*mut Node, *mut c_void) -> bool;

// pgrx's own declarations catch PostgreSQL's errors around each call, on the stack: in a walk, which PostgreSQL lets
// go as deep as its stack allows, they would overflow it. Here an error leaves by way of frames that have nothing
// to drop.
unsafe extern "C-unwind" {
    fn check_stack_depth();
    fn standard_planner(
        query: *mut Query,
        text: *const c_char,
        options: c_int,
        parameters: pg_sys::ParamListInfo,
    ) -> *mut PlannedStmt;
    fn SearchSysCache1(cache: c_int, key: Datum) -> pg_sys::HeapTuple;
    fn SysCacheGetAttr(cache: c_int, tuple: pg_sys::HeapTuple, number: i16, is_null: *mut bool) -> Datum;
    fn ReleaseSysCache(tuple: pg_sys::HeapTuple);
    fn text_to_cstring(text: *const pg_sys::text) -> *mut c_char;
    #[cfg_attr(
        not(any(feature = "pg13", feature = "pg14", feature = "pg15")),
        link_name = "expression_tree_walker_impl"
    )]
    fn expression_tree_walker(node: *mut Node, walker: Walker, context: *mut c_void) -> bool;
}

/// Takes its place in PostgreSQL's planner.
pub(super) fn init() {
    // SAFETY: a backend is one thread, and the hook is a pointer of its own.
    unsafe {
        if PREVIOUS.set(pg_sys::planner_hook).is_ok() {
            pg_sys::planner_hook = Some(planned);
        }
    }
}

/// The plan of a query, marked.
unsafe extern "C-unwind" fn planned(
    query: *mut Query,
    text: *const c_char,
    options: c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut PlannedStmt {
    // SAFETY: called by PostgreSQL as it calls its own planner, whose plan is a tree that nobody else has yet: the
    // expressions in it are copies that the planner made.
    unsafe {
        let statement = match PREVIOUS.get() {
            Some(Some(previous)) => previous(query, text, options, parameters),
            _ => standard_planner(query, text, options, parameters),
        };
        // `invalItems` lists the functions in the plan that aren't PostgreSQL's own. Most have none.
        if !statement.is_null()
            && !(*statement).invalItems.is_null()
            && !(*statement).relationOids.is_null()
            && settings::enable_initplan()
        {
            let mut known = Known { function: Oid::INVALID, heeds: false };
            mark_plan((*statement).planTree, &mut known);
            for plan in nodes((*statement).subplans) {
                mark_plan(plan.cast(), &mut known);
            }
        }
        statement
    }
}

/// Marks the calls in the conditions of a plan's nodes.
///
/// # Safety
/// `plan` is a finished one, or null.
unsafe fn mark_plan(plan: *mut Plan, known: &mut Known) {
    if plan.is_null() {
        return;
    }
    // SAFETY: a plan's nodes begin with what all have in common, and their tags tell what they are.
    unsafe {
        check_stack_depth();
        mark((*plan).qual, known);
        match (*plan).type_ {
            T_NestLoop | T_MergeJoin | T_HashJoin => mark((*plan.cast::<pg_sys::Join>()).joinqual, known),
            T_BitmapHeapScan => mark((*plan.cast::<pg_sys::BitmapHeapScan>()).bitmapqualorig, known),
            T_Append => mark_plans((*plan.cast::<pg_sys::Append>()).appendplans, known),
            T_MergeAppend => mark_plans((*plan.cast::<pg_sys::MergeAppend>()).mergeplans, known),
            #[cfg(feature = "pg13")]
            pg_sys::NodeTag::T_ModifyTable => mark_plans((*plan.cast::<pg_sys::ModifyTable>()).plans, known),
            T_SubqueryScan => mark_plan((*plan.cast::<pg_sys::SubqueryScan>()).subplan, known),
            T_CustomScan => mark_plans((*plan.cast::<pg_sys::CustomScan>()).custom_plans, known),
            _ => {}
        }
        mark_plan((*plan).lefttree, known);
        mark_plan((*plan).righttree, known);
    }
}

/// # Safety
/// As [`mark_plan`], for a list of them.
unsafe fn mark_plans(plans: *const List, known: &mut Known) {
    // SAFETY: as the caller says.
    unsafe {
        for plan in nodes(plans) {
            mark_plan(plan.cast(), known);
        }
    }
}

/// # Safety
/// `conditions` are of a finished plan.
unsafe fn mark(conditions: *mut List, known: &mut Known) {
    if !conditions.is_null() {
        // SAFETY: a list is a node. The context is what mark_calls() expects.
        unsafe { mark_calls(conditions.cast(), (&raw mut *known).cast()) };
    }
}

/// Marks the calls in an expression. Never ends the walk.
unsafe extern "C-unwind" fn mark_calls(node: *mut Node, context: *mut c_void) -> bool {
    // SAFETY: called with nodes of an expression, and the context of mark().
    unsafe {
        if node.is_null() {
            return false;
        }
        if (*node).type_ == T_FuncExpr {
            let call: *mut pg_sys::FuncExpr = node.cast();
            if (*call).args.is_null()
                && (*call).funcresulttype == pg_sys::TEXTOID
                && !(*call).funcretset
                && (*context.cast::<Known>()).heeds((*call).funcid)
            {
                (*call).inputcollid = ONCE;
                return false;
            }
        }
        expression_tree_walker(node, mark_calls, context)
    }
}

/// The function that was looked up last, for a plan may call one thousands of times.
struct Known {
    function: Oid,
    heeds: bool,
}

impl Known {
    /// Whether a function is one of [`SYMBOLS`], whatever its name and schema. One of another library that has such a
    /// symbol doesn't know the mark: it has no arguments that a collation could be for.
    ///
    /// # Safety
    /// To be called in a transaction.
    unsafe fn heeds(&mut self, function: Oid) -> bool {
        if self.function != function {
            // SAFETY: the tuple is released after its last use.
            unsafe { self.heeds = is_ours(function) };
            self.function = function;
        }
        self.heeds
    }
}

/// # Safety
/// To be called in a transaction.
#[cold]
unsafe fn is_ours(function: Oid) -> bool {
    const PROCOID: c_int = pg_sys::SysCacheIdentifier::PROCOID.cast_signed();
    // SAFETY: a tuple of that cache is one of pg_proc, whose prosrc is a text. It is released after its last use.
    unsafe {
        let tuple = SearchSysCache1(PROCOID, Datum::from(function));
        if tuple.is_null() {
            return false;
        }
        let row: *const pg_sys::FormData_pg_proc = pg_sys::GETSTRUCT(tuple).cast();
        let mut is_ours = false;
        if (*row).prolang.to_u32() == C_LANGUAGE {
            let mut is_null = false;
            let symbol = SysCacheGetAttr(PROCOID, tuple, pg_sys::Anum_pg_proc_prosrc as i16, &mut is_null);
            is_ours = !is_null && SYMBOLS.contains(&CStr::from_ptr(text_to_cstring(symbol.cast_mut_ptr())));
        }
        ReleaseSysCache(tuple);
        is_ours
    }
}

/// The nodes of a list.
///
/// # Safety
/// It is one of nodes, or null, and outlives the iterator.
unsafe fn nodes(list: *const List) -> impl Iterator<Item = *mut Node> {
    // SAFETY: as the caller says.
    unsafe {
        let length = if list.is_null() { 0 } else { (*list).length.unsigned_abs() as usize };
        (0..length).map(move |place| (*(*list).elements.add(place)).ptr_value.cast())
    }
}

/// What 0.1.0 named as the planner support function of `requesting_user_id()`. A database whose extension isn't
/// updated yet still has it in its catalog, and loads this library: it is answered that there is nothing to change.
///
/// # Safety
/// To be called by PostgreSQL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_user_id_support(_call: pg_sys::FunctionCallInfo) -> Datum {
    Datum::null()
}

/// Says that [`requesting_user_id_support`] follows version 1 of PostgreSQL's calling convention.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_requesting_user_id_support() -> *const pg_sys::Pg_finfo_record {
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}
