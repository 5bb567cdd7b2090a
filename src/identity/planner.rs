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
//!
//! Another thing is done before planning, to the text as it were, in the conditions of policies alone:
//! `column IN (SELECT ...)` becomes `column = ANY (ARRAY(SELECT ...))` where what is selected is one of the sets for
//! policies, such as `requesting_organization_ids()`, and an index begins with the column. In a WHERE PostgreSQL makes a
//! join of the first, but in a policy it goes through all rows and asks of each. Both are true of the same rows.

use pgrx::pg_sys::NodeTag::{
    T_Append, T_BitmapHeapScan, T_BoolExpr, T_CustomScan, T_FuncExpr, T_HashJoin, T_MergeAppend, T_MergeJoin,
    T_NestLoop, T_OpExpr, T_Param, T_Query, T_RelabelType, T_ScalarArrayOpExpr, T_SubLink, T_SubqueryScan,
    T_Var,
};
use pgrx::pg_sys::{self, Datum, List, Node, Oid, Plan, PlannedStmt, Query};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use crate::plugin;
use crate::settings;

/// The collation that marks a call as one to be evaluated once.
pub(super) const ONCE: Oid = pg_sys::DEFAULT_COLLATION_OID;

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
    #[cfg_attr(
        not(any(feature = "pg13", feature = "pg14", feature = "pg15")),
        link_name = "query_tree_walker_impl"
    )]
    fn query_tree_walker(query: *mut Query, walker: Walker, context: *mut c_void, flags: c_int) -> bool;
    fn contain_vars_of_level(node: *mut Node, levels_up: c_int) -> bool;
    fn exprType(node: *const Node) -> Oid;
    fn get_array_type(element: Oid) -> Oid;
    fn set_opfuncid(operator: *mut pg_sys::OpExpr);
    fn palloc0(size: usize) -> *mut c_void;
    fn RelationIdGetRelation(relation: Oid) -> pg_sys::Relation;
    fn RelationGetIndexList(relation: pg_sys::Relation) -> *mut List;
    fn RelationClose(relation: pg_sys::Relation);
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
        if settings::enable_initplan() {
            let mut known = Known::nothing();
            settle(query, &mut known);
        }
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
            let mut known = Known::nothing();
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
                && (*context.cast::<Known>()).what((*call).funcid) == What::Value
            {
                (*call).inputcollid = ONCE;
                return false;
            }
        }
        expression_tree_walker(node, mark_calls, context)
    }
}

/// What a function is to this file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A text about who asks, without arguments. It heeds [`ONCE`].
    Value,
    /// A set of texts about who asks, without arguments.
    Set,
    Other,
}

/// The function that was looked up last, for a plan may call one thousands of times.
struct Known {
    function: Oid,
    what: What,
}

impl Known {
    const fn nothing() -> Self {
        Self { function: Oid::INVALID, what: What::Other }
    }

    /// What a function is, whatever its name and schema. One of another library that has such a symbol doesn't know the
    /// mark: it has no arguments that a collation could be for.
    ///
    /// # Safety
    /// To be called in a transaction.
    unsafe fn what(&mut self, function: Oid) -> What {
        if self.function != function {
            // SAFETY: as the caller says.
            unsafe { self.what = look_up(function) };
            self.function = function;
        }
        self.what
    }
}

/// # Safety
/// To be called in a transaction.
#[cold]
unsafe fn look_up(function: Oid) -> What {
    const PROCOID: c_int = pg_sys::SysCacheIdentifier::PROCOID.cast_signed();
    // SAFETY: a tuple of that cache is one of pg_proc, whose prosrc is a text. It is released after its last use.
    unsafe {
        let tuple = SearchSysCache1(PROCOID, Datum::from(function));
        if tuple.is_null() {
            return What::Other;
        }
        let row: *const pg_sys::FormData_pg_proc = pg_sys::GETSTRUCT(tuple).cast();
        let mut what = What::Other;
        if (*row).prolang.to_u32() == C_LANGUAGE {
            let mut is_null = false;
            let symbol = SysCacheGetAttr(PROCOID, tuple, pg_sys::Anum_pg_proc_prosrc as i16, &mut is_null);
            if !is_null {
                what = of_symbol(CStr::from_ptr(text_to_cstring(symbol.cast_mut_ptr())));
            }
        }
        ReleaseSysCache(tuple);
        what
    }
}

/// What the function with this C symbol is.
fn of_symbol(symbol: &CStr) -> What {
    let Some(name) = symbol.to_str().ok().and_then(|symbol| symbol.strip_suffix("_wrapper")) else {
        return What::Other;
    };
    if name == "requesting_user_id" {
        return What::Value;
    }
    let mut of_plugins = plugin::all().flat_map(|plugin| plugin.policy_functions());
    match of_plugins.find(|policy| policy.name == name && policy.arguments.is_empty()) {
        Some(policy) if policy.returns.starts_with("SETOF ") => What::Set,
        Some(_) => What::Value,
        None => What::Other,
    }
}

// ── Before planning ──────────────────────────────────────────────────────────────────────────────

/// Settles the conditions of the policies in a query, and in all queries within it.
///
/// # Safety
/// The query is one that the planner is about to get, which changes it as it likes.
unsafe fn settle(query: *mut Query, known: &mut Known) {
    // SAFETY: the entries of a range table are of one kind; what each has depends on that of its relation.
    unsafe {
        check_stack_depth();
        let mut has_more = (*query).hasSubLinks || !(*query).cteList.is_null();
        for entry in nodes((*query).rtable) {
            let entry: *mut pg_sys::RangeTblEntry = entry.cast();
            has_more |= (*entry).rtekind == pg_sys::RTEKind::RTE_SUBQUERY;
            if !(*entry).securityQuals.is_null() {
                settle_list((*entry).securityQuals, query, known);
            }
        }
        if has_more {
            query_tree_walker(query, settle_within, (&raw mut *known).cast(), 0);
        }
    }
}

/// Settles the queries within a query. Never ends the walk.
unsafe extern "C-unwind" fn settle_within(node: *mut Node, context: *mut c_void) -> bool {
    // SAFETY: called with nodes of a query, and the context of settle().
    unsafe {
        if node.is_null() {
            return false;
        }
        if (*node).type_ == T_Query {
            settle(node.cast(), &mut *context.cast::<Known>());
            return false;
        }
        expression_tree_walker(node, settle_within, context)
    }
}

/// Conditions where it makes no difference whether they are false or NULL.
///
/// # Safety
/// They are of a policy in `query`.
unsafe fn settle_list(conditions: *mut List, query: *mut Query, known: &mut Known) {
    if conditions.is_null() {
        return;
    }
    // SAFETY: as the caller says; a list's elements are as many as it says.
    unsafe {
        check_stack_depth();
        for place in 0..(*conditions).length.unsigned_abs() as usize {
            let cell = (*conditions).elements.add(place);
            let node: *mut Node = (*cell).ptr_value.cast();
            if node.is_null() {
                continue;
            }
            match (*node).type_ {
                T_BoolExpr => {
                    let both: *mut pg_sys::BoolExpr = node.cast();
                    if (*both).boolop != pg_sys::BoolExprType::NOT_EXPR {
                        settle_list((*both).args, query, known);
                    }
                }
                T_SubLink => {
                    let settled = settled(node.cast(), query, known);
                    if !settled.is_null() {
                        (*cell).ptr_value = settled.cast();
                    }
                }
                _ => {}
            }
        }
    }
}

/// `column = ANY (ARRAY(SELECT ...))` for `column IN (SELECT ...)`; null where that isn't what it is, or not better.
///
/// # Safety
/// It is of a policy in `query`.
unsafe fn settled(
    link: *mut pg_sys::SubLink,
    query: *mut Query,
    known: &mut Known,
) -> *mut pg_sys::ScalarArrayOpExpr {
    const NO: *mut pg_sys::ScalarArrayOpExpr = std::ptr::null_mut();
    // SAFETY: the tags of nodes tell what they are, and lists have as many elements as they say.
    unsafe {
        let test = (*link).testexpr;
        if (*link).subLinkType != pg_sys::SubLinkType::ANY_SUBLINK
            || test.is_null()
            || (*test).type_ != T_OpExpr
        {
            return NO;
        }
        let test: *mut pg_sys::OpExpr = test.cast();
        let [left, right] = match *(*test).args {
            ref args if args.length == 2 => {
                [0, 1].map(|place| (*args.elements.add(place)).ptr_value.cast::<Node>())
            }
            _ => return NO,
        };
        let subselect: *mut Query = (*link).subselect.cast();
        if (*right).type_ != T_Param
            || (*right.cast::<pg_sys::Param>()).paramkind != pg_sys::ParamKind::PARAM_SUBLINK
            || (*subselect.cast::<Node>()).type_ != T_Query
            || !begins_index(left, query)
            || !selects_set(subselect, known)
            || contain_vars_of_level(subselect.cast(), 1)
        {
            return NO;
        }
        let selected = nodes((*subselect).targetList).next().unwrap_or(std::ptr::null_mut());
        if selected.is_null() {
            return NO;
        }
        let element = exprType((*selected.cast::<pg_sys::TargetEntry>()).expr.cast());
        if element != (*right.cast::<pg_sys::Param>()).paramtype || get_array_type(element) == Oid::INVALID {
            return NO;
        }
        set_opfuncid(test);
        // What is not said is zero, as of a node that the parser has made.
        let any: *mut pg_sys::ScalarArrayOpExpr = palloc0(size_of::<pg_sys::ScalarArrayOpExpr>()).cast();
        (*any).xpr.type_ = T_ScalarArrayOpExpr;
        (*any).opno = (*test).opno;
        (*any).opfuncid = (*test).opfuncid;
        (*any).useOr = true;
        (*any).inputcollid = (*test).inputcollid;
        (*any).args = (*test).args;
        (*any).location = -1;
        (*link).subLinkType = pg_sys::SubLinkType::ARRAY_SUBLINK;
        (*link).testexpr = std::ptr::null_mut();
        (*link).operName = std::ptr::null_mut();
        (*(*(*any).args).elements.add(1)).ptr_value = link.cast();
        any
    }
}

/// Whether a query selects from one of the sets for policies: the call is what it selects, or what it selects from.
///
/// # Safety
/// It is part of the query that the planner is about to get.
unsafe fn selects_set(query: *mut Query, known: &mut Known) -> bool {
    struct Looks<'a>(&'a mut Known, bool);
    unsafe extern "C-unwind" fn look(node: *mut Node, context: *mut c_void) -> bool {
        // SAFETY: called with nodes of a query, and the context of below.
        unsafe {
            if node.is_null() {
                return false;
            }
            let looks = &mut *context.cast::<Looks<'_>>();
            if (*node).type_ == T_FuncExpr {
                let call: *const pg_sys::FuncExpr = node.cast();
                looks.1 |= (*call).funcretset && looks.0.what((*call).funcid) == What::Set;
            }
            // Other queries within it are no matter.
            looks.1 || (*node).type_ != T_Query && expression_tree_walker(node, look, context)
        }
    }
    let mut looks = Looks(known, false);
    // SAFETY: as the caller says.
    unsafe { query_tree_walker(query, look, (&raw mut looks).cast(), 0) };
    looks.1
}

/// Whether an expression is a column of a table that an index begins with.
///
/// # Safety
/// It is of a policy in `query`.
unsafe fn begins_index(mut column: *mut Node, query: *mut Query) -> bool {
    const INDEXRELID: c_int = pg_sys::SysCacheIdentifier::INDEXRELID.cast_signed();
    // SAFETY: a Var of this level is of an entry of its range table. The query has locked the table.
    unsafe {
        if (*column).type_ == T_RelabelType {
            column = (*column.cast::<pg_sys::RelabelType>()).arg.cast();
        }
        let variable: *const pg_sys::Var = column.cast();
        if (*column).type_ != T_Var || (*variable).varlevelsup != 0 {
            return false;
        }
        // Their numbers begin with one.
        #[allow(
            clippy::cast_sign_loss,
            clippy::useless_conversion,
            reason = "of another type in some versions"
        )]
        let place = ((*variable).varno as usize).wrapping_sub(1);
        let Some(entry) = nodes((*query).rtable).nth(place) else { return false };
        let entry: *const pg_sys::RangeTblEntry = entry.cast();
        if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION {
            return false;
        }
        let relation = RelationIdGetRelation((*entry).relid);
        if relation.is_null() {
            return false;
        }
        let indexes = RelationGetIndexList(relation);
        let mut begins = false;
        let count = if indexes.is_null() { 0 } else { (*indexes).length.unsigned_abs() as usize };
        for place in 0..count {
            let index = (*(*indexes).elements.add(place)).oid_value;
            let tuple = SearchSysCache1(INDEXRELID, Datum::from(index));
            if tuple.is_null() {
                continue;
            }
            let row: *const pg_sys::FormData_pg_index = pg_sys::GETSTRUCT(tuple).cast();
            begins |= (*row).indisvalid && *(*row).indkey.values.as_ptr() == (*variable).varattno;
            ReleaseSysCache(tuple);
        }
        RelationClose(relation);
        begins
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
