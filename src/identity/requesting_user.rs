//! `requesting_user_id()`.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};

use crate::identity::claims;

/// A text value that is built already, where it has to live.
struct Text(pg_sys::Datum);

// SAFETY: the datum is a text, allocated by PostgreSQL in the memory context of the call.
unsafe impl BoxRet for Text {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        // SAFETY: as above.
        unsafe { fcinfo.return_raw_datum(self.0) }
    }
}

// SAFETY: Text is SQL's text.
unsafe impl SqlTranslatable for Text {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Text);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("text"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("text")));
}

/// The id of the user who is asking: the `sub` of `request.jwt.claims`. For row level security.
///
/// NULL when there is none: outside a request, and for claims that are no JSON object or whose `sub` is
/// missing, empty or not a string. Never an error. `sql/finish.sql` creates it in schema `public`.
#[pg_extern(sql = false)]
fn requesting_user_id() -> Option<Text> {
    // A copy in the caller's short-lived memory context: a datum of our own would have to outlive a
    // change of the setting within the very query that still holds it.
    claims::with_subject(|subject| subject.into_datum().map(Text)).flatten()
}
