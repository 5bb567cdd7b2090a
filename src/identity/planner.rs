//! The planner support function of `requesting_user_id()`. In a query that scans a table it puts `(SELECT
//! requesting_user_id())` in the place of the call, which the planner makes an InitPlan: evaluated once for the
//! statement, and compared with an index or in parallel as a constant would be. So a policy is fast as it is
//! written, `user_id = requesting_user_id()`.
//!
//! What must be left alone, and why:
//! - Expressions that are planned without a query: defaults, CHECK constraints, indexes. Nobody would make an
//!   InitPlan of the sub-select. There, the request has no `root`.
//! - Queries without a table in their FROM: PL/pgSQL takes the plan of its simple expressions apart, and crashes
//!   on an InitPlan. Besides, there is no row to save a call for. The sub-select itself is such a query, so that
//!   it isn't replaced in turn.
//! - Queries with an EXISTS in them that is none of their joins: PostgreSQL simplifies its WHERE and LIMIT in the
//!   name of the outer query (`convert_EXISTS_to_ANY`, `simplify_EXISTS_query`), and would plan the inner one
//!   without looking for a sub-select.
//! - GROUPING SETS, ROLLUP, CUBE: what is grouped by is found again by comparison, and no two InitPlans are equal.
//! - Arguments of functions in FROM: PostgreSQL inlines SQL functions there only if their arguments have no
//!   sub-selects, and does so right after it has asked us.

use pgrx::pg_sys::NodeTag::{
    T_FromExpr, T_FuncExpr, T_JoinExpr, T_Query, T_RangeTblRef, T_SubLink, T_SupportRequestSimplify,
};
use pgrx::pg_sys::{self, Datum, List, Node, Oid, Query};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use crate::settings;

type Walker = unsafe extern "C-unwind" fn(*mut Node, *mut c_void) -> bool;

// pgrx's own declarations catch PostgreSQL's errors around each call, on the stack: in a walk, which PostgreSQL lets
// go as deep as its stack allows, they would overflow it. Here an error leaves by way of frames that have nothing
// to drop.
unsafe extern "C-unwind" {
    fn palloc0(size: usize) -> *mut c_void;
    fn check_stack_depth();
    fn lappend(list: *mut List, datum: *mut c_void) -> *mut List;
    fn makeFuncExpr(
        function: Oid,
        result: Oid,
        arguments: *mut List,
        collation: Oid,
        input_collation: Oid,
        format: pg_sys::CoercionForm::Type,
    ) -> *mut pg_sys::FuncExpr;
    fn makeTargetEntry(
        expression: *mut c_void,
        number: i16,
        name: *mut c_char,
        is_junk: bool,
    ) -> *mut pg_sys::TargetEntry;
    fn makeFromExpr(from: *mut List, quals: *mut Node) -> *mut pg_sys::FromExpr;
    #[cfg_attr(
        not(any(feature = "pg13", feature = "pg14", feature = "pg15")),
        link_name = "expression_tree_walker_impl"
    )]
    fn expression_tree_walker(node: *mut Node, walker: Walker, context: *mut c_void) -> bool;
    #[cfg_attr(
        not(any(feature = "pg13", feature = "pg14", feature = "pg15")),
        link_name = "query_tree_walker_impl"
    )]
    fn query_tree_walker(query: *mut Query, walker: Walker, context: *mut c_void, flags: c_int) -> bool;
}

/// What PostgreSQL's planner asks of a function with SUPPORT, as `internal`: a new expression, or NULL for no
/// change. Of no use to anybody else, and SQL can't call it.
///
/// # Safety
/// To be called by PostgreSQL with a support request.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn requesting_user_id_support(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: the planner gives a support function one argument, a node, whose tag says which struct it is.
    unsafe {
        let argument = (&raw mut (*call).args).cast::<pg_sys::NullableDatum>();
        let request: *mut pg_sys::SupportRequestSimplify = (*argument).value.cast_mut_ptr();
        if (*request).type_ != T_SupportRequestSimplify
            || (*request).root.is_null()
            || !settings::enable_initplan()
        {
            return Datum::null();
        }
        let (root, call) = ((*request).root, (*request).fcall);
        let query = (*root).parse;
        if query.is_null()
            || !(*query).groupingSets.is_null()
            || !scans_table(query, (*query).jointree.cast())
            || is_in_from(query, (*call).funcid)
            || has_exists(query.cast(), null_mut())
            || has_exists((*root).append_rel_list.cast(), null_mut())
        {
            return Datum::null();
        }
        // The planner looks for sub-selects to plan only where this says so.
        (*query).hasSubLinks = true;
        Datum::from(selected(call))
    }
}

/// Whether a query's FROM has a table in it.
///
/// # Safety
/// `node` is of the query's join tree.
unsafe fn scans_table(query: *const Query, node: *mut Node) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: a join tree has three kinds of nodes, which their tags tell apart, and their numbers are places in
    // the range table.
    unsafe {
        check_stack_depth();
        match (*node).type_ {
            T_RangeTblRef => {
                let place = (*node.cast::<pg_sys::RangeTblRef>()).rtindex;
                let entry: *mut pg_sys::RangeTblEntry = nth((*query).rtable, place - 1).cast();
                (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
            }
            T_JoinExpr => {
                let join: *mut pg_sys::JoinExpr = node.cast();
                scans_table(query, (*join).larg) || scans_table(query, (*join).rarg)
            }
            T_FromExpr => {
                nodes((*node.cast::<pg_sys::FromExpr>()).fromlist).any(|node| scans_table(query, node))
            }
            _ => false,
        }
    }
}

/// Whether the function is called in a function's arguments in FROM, or is such a function.
///
/// # Safety
/// `query` is one that is being planned.
unsafe fn is_in_from(query: *const Query, mut function: Oid) -> bool {
    let context = (&raw mut function).cast();
    // SAFETY: a range table is a list of its entries, `functions` an expression.
    unsafe {
        nodes((*query).rtable).any(|entry| {
            let entry: *mut pg_sys::RangeTblEntry = entry.cast();
            (*entry).rtekind == pg_sys::RTEKind::RTE_FUNCTION && calls((*entry).functions.cast(), context)
        })
    }
}

/// Whether an expression calls the function that `context` points to the oid of.
unsafe extern "C-unwind" fn calls(node: *mut Node, context: *mut c_void) -> bool {
    // SAFETY: called with nodes of an expression, and the context of is_in_from().
    unsafe {
        if node.is_null() {
            return false;
        }
        if (*node).type_ == T_FuncExpr && (*node.cast::<pg_sys::FuncExpr>()).funcid == *context.cast::<Oid>()
        {
            return true;
        }
        expression_tree_walker(node, calls, context)
    }
}

/// Whether a query or an expression has an EXISTS in it, at any depth.
unsafe extern "C-unwind" fn has_exists(node: *mut Node, context: *mut c_void) -> bool {
    // SAFETY: called with nodes of a query.
    unsafe {
        if node.is_null() {
            return false;
        }
        match (*node).type_ {
            T_Query => query_tree_walker(node.cast(), has_exists, context, 0),
            T_SubLink
                if (*node.cast::<pg_sys::SubLink>()).subLinkType == pg_sys::SubLinkType::EXISTS_SUBLINK =>
            {
                true
            }
            _ => expression_tree_walker(node, has_exists, context),
        }
    }
}

/// `(SELECT call)`. The call itself lives on the planner's stack, so it is made anew.
///
/// # Safety
/// `call` is one of a function without arguments.
unsafe fn selected(call: *const pg_sys::FuncExpr) -> *mut pg_sys::SubLink {
    // SAFETY: all is allocated by PostgreSQL in the planner's memory, zeroed, which is what a parser leaves of
    // fields that say nothing.
    unsafe {
        let again = makeFuncExpr(
            (*call).funcid,
            (*call).funcresulttype,
            null_mut(),
            (*call).funccollid,
            (*call).inputcollid,
            (*call).funcformat,
        );
        let target = makeTargetEntry(again.cast(), 1, null_mut(), false);
        let query: *mut Query = node(T_Query);
        (*query).commandType = pg_sys::CmdType::CMD_SELECT;
        (*query).canSetTag = true;
        (*query).jointree = makeFromExpr(null_mut(), null_mut());
        (*query).targetList = lappend(null_mut(), target.cast());
        let link: *mut pg_sys::SubLink = node(T_SubLink);
        (*link).subLinkType = pg_sys::SubLinkType::EXPR_SUBLINK;
        (*link).subselect = query.cast();
        (*link).location = -1;
        link
    }
}

/// A zeroed node.
///
/// # Safety
/// `tag` is the tag of `T`.
unsafe fn node<T>(tag: pg_sys::NodeTag) -> *mut T {
    // SAFETY: every node begins with its tag.
    unsafe {
        let node: *mut Node = palloc0(size_of::<T>()).cast();
        (*node).type_ = tag;
        node.cast()
    }
}

/// The nodes of a list.
///
/// # Safety
/// It is one of nodes, or null, and outlives the iterator.
unsafe fn nodes(list: *const List) -> impl Iterator<Item = *mut Node> {
    // SAFETY: as the caller says.
    unsafe {
        let length = if list.is_null() { 0 } else { (*list).length };
        (0..length).map(move |place| nth(list, place))
    }
}

/// A list's node at a place, from 0.
///
/// # Safety
/// It is a list of nodes that is longer than that.
unsafe fn nth(list: *const List, place: i32) -> *mut Node {
    // SAFETY: as the caller says.
    unsafe { (*(*list).elements.add(place.unsigned_abs() as usize)).ptr_value.cast() }
}

/// Says that [`requesting_user_id_support`] follows version 1 of PostgreSQL's calling convention.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_requesting_user_id_support() -> *const pg_sys::Pg_finfo_record {
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}
