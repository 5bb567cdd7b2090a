//! jsonb arguments and results, by PostgreSQL's own text of them. pgrx's type parses each into a tree
//! and back, which costs more than signing a token, and panics on numbers that Rust's f64 can't hold.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, IntoDatum, direct_function_call, pg_sys};
use serde_json::Value;
use std::ffi::{CStr, CString};

/// SQL's jsonb, as JSON text.
pub(super) struct Jsonb(String);

impl Jsonb {
    /// From text that is JSON and has no NUL characters in its strings.
    pub(super) fn from_json(json: String) -> Self {
        Self(json)
    }

    /// For an argument: `{"a": 1, "b": [2]}`, keys unique, a space after each comma and colon.
    pub(super) fn as_text(&self) -> &str {
        &self.0
    }
}

impl From<Value> for Jsonb {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

impl IntoDatum for Jsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let text = CString::new(self.0).ok()?;
        // SAFETY: jsonb_in takes one terminated string and raises on anything that isn't JSON.
        unsafe { direct_function_call::<pg_sys::Datum>(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

impl FromDatum for Jsonb {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller's datum is a jsonb, which after detoasting is a plain varlena: a header of
        // four bytes, then the container. The text is terminated, and as PostgreSQL's databases that
        // this extension installs in are UTF-8, so is the text.
        unsafe {
            let jsonb = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::Jsonb>();
            let length = i32::try_from(pgrx::varlena::varsize(jsonb.cast())).ok()?;
            let text = pg_sys::JsonbToCString(std::ptr::null_mut(), &raw mut (*jsonb).root, length);
            CStr::from_ptr(text).to_str().ok().map(|text| Self(text.to_owned()))
        }
    }
}

// SAFETY: reads the argument by the conversion above.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: PostgreSQL passes a jsonb where the function declares one.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(jsonb) => jsonb,
            None => pgrx::error!("a jsonb argument is null"),
        }
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: returns a jsonb that jsonb_in built in the memory context of the call.
unsafe impl BoxRet for Jsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: as above.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: Jsonb is SQL's jsonb.
unsafe impl SqlTranslatable for Jsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
