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
//! - Arguments of functions in FROM: PostgreSQL inlines SQL functions there only if their arguments have no
//!   sub-selects, and does so right after it has asked us.

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag::{
    T_FromExpr, T_FuncExpr, T_JoinExpr, T_Query, T_RangeTblRef, T_SubLink, T_SupportRequestSimplify,
};
use std::ffi::c_void;

use crate::settings;

/// What PostgreSQL's planner asks of a function with SUPPORT, as `internal`: a new expression, or NULL for no
/// change. Of no use to anybody else, and SQL can't call it.
///
/// # Safety
/// To be called by PostgreSQL with a support request.
#[unsafe(no_mangle)]
#[pgrx::pg_guard]
pub unsafe extern "C-unwind" fn requesting_user_id_support(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the planner gives a support function one argument, a node, whose tag says which struct it is.
    unsafe {
        let request: *mut pg_sys::SupportRequestSimplify = (*call).args.as_slice(1)[0].value.cast_mut_ptr();
        if (*request).type_ != T_SupportRequestSimplify
            || (*request).root.is_null()
            || !settings::enable_initplan()
        {
            return pg_sys::Datum::null();
        }
        let query = (*(*request).root).parse;
        let function = (*(*request).fcall).funcid;
        if query.is_null() || !scans_table(query, (*query).jointree.cast()) || is_in_from(query, function) {
            return pg_sys::Datum::null();
        }
        // The planner looks for sub-selects to plan only where this says so.
        (*query).hasSubLinks = true;
        pg_sys::Datum::from(selected((*request).fcall))
    }
}

/// Whether a query's FROM has a table in it.
///
/// # Safety
/// `node` is of the query's join tree.
unsafe fn scans_table(query: *const pg_sys::Query, node: *mut pg_sys::Node) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: a join tree has three kinds of nodes, which their tags tell apart, and their numbers are places in
    // the range table. PostgreSQL's own limit ends a recursion that is too deep.
    unsafe {
        pg_sys::check_stack_depth();
        match (*node).type_ {
            T_RangeTblRef => {
                let place = (*node.cast::<pg_sys::RangeTblRef>()).rtindex;
                let entry: *mut pg_sys::RangeTblEntry = pg_sys::list_nth((*query).rtable, place - 1).cast();
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
unsafe fn is_in_from(query: *const pg_sys::Query, mut function: pg_sys::Oid) -> bool {
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
unsafe extern "C-unwind" fn calls(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: called with nodes of an expression, and the context of is_in_from().
    unsafe {
        if node.is_null() {
            return false;
        }
        if (*node).type_ == T_FuncExpr
            && (*node.cast::<pg_sys::FuncExpr>()).funcid == *context.cast::<pg_sys::Oid>()
        {
            return true;
        }
        pg_sys::expression_tree_walker(node, Some(calls), context)
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
        let again = pg_sys::makeFuncExpr(
            (*call).funcid,
            (*call).funcresulttype,
            std::ptr::null_mut(),
            (*call).funccollid,
            (*call).inputcollid,
            (*call).funcformat,
        );
        let target = pg_sys::makeTargetEntry(again.cast(), 1, std::ptr::null_mut(), false);
        let query: *mut pg_sys::Query = node(T_Query);
        (*query).commandType = pg_sys::CmdType::CMD_SELECT;
        (*query).canSetTag = true;
        (*query).jointree = pg_sys::makeFromExpr(std::ptr::null_mut(), std::ptr::null_mut());
        (*query).targetList = pg_sys::lappend(std::ptr::null_mut(), target.cast());
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
        let node: *mut pg_sys::Node = pg_sys::palloc0(size_of::<T>()).cast();
        (*node).type_ = tag;
        node.cast()
    }
}

/// The nodes of a list.
///
/// # Safety
/// It is one of nodes, or null, and outlives the iterator.
unsafe fn nodes(list: *const pg_sys::List) -> impl Iterator<Item = *mut pg_sys::Node> {
    // SAFETY: as the caller says.
    unsafe {
        let length = if list.is_null() { 0 } else { (*list).length };
        (0..length).map(move |place| pg_sys::list_nth(list, place).cast())
    }
}

/// Says that [`requesting_user_id_support`] follows version 1 of PostgreSQL's calling convention.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_requesting_user_id_support() -> *const pg_sys::Pg_finfo_record {
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}
