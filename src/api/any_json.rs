//! JSON of whatever type a driver sends: many declare a text as text, and not as nothing. It is one function with an
//! argument of a type that is found out, not several of one name: `GRANT ... ON FUNCTION handler` has to name one.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::nullable::Nullable;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::{PgLogLevel, PgSqlErrorCode};
use pgrx::{FromDatum, direct_function_call, pg_sys};
use std::marker::PhantomData;

use crate::api::jsonb::Jsonb;

/// An argument of type jsonb, json or text. What has no type, as a literal, is text.
pub(super) struct AnyJson<'a> {
    datum: pg_sys::Datum,
    oid: pg_sys::Oid,
    of: PhantomData<Jsonb<'a>>,
}

impl<'a> AnyJson<'a> {
    /// It as jsonb. Text that is no JSON raises PostgreSQL's own error, and so does another type: that of a function
    /// that isn't there.
    pub(super) fn read(self) -> Jsonb<'a> {
        let base = match self.oid {
            // Called without an expression that would say it.
            pg_sys::InvalidOid => self.oid,
            // SAFETY: looks up a type that is there.
            oid => unsafe { pg_sys::getBaseType(oid) },
        };
        let datum = match base {
            pg_sys::JSONBOID => Some(self.datum),
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::JSONOID => {
                // SAFETY: each of these is a varlena of text, of which a terminated copy is made. jsonb_in takes
                // one terminated string and raises on anything that isn't JSON.
                unsafe {
                    let text = pg_sys::text_to_cstring(self.datum.cast_mut_ptr());
                    direct_function_call(pg_sys::jsonb_in, &[Some(text.into())])
                }
            }
            _ => None,
        };
        // SAFETY: it is a jsonb, which lives as long as the call.
        match datum.and_then(|datum| unsafe { Jsonb::from_datum(datum, false) }) {
            Some(jsonb) => jsonb,
            None => {
                let message = "the argument must be of type jsonb, json or text";
                ErrorReport::new(PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION, message, "better_auth")
                    .report(PgLogLevel::ERROR);
                unreachable!("ERROR does not return")
            }
        }
    }
}

impl FromDatum for AnyJson<'_> {
    const GET_TYPOID: bool = true;

    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        (!is_null).then_some(Self { datum, oid, of: PhantomData })
    }
}

// SAFETY: keeps the argument as it is, with its type.
unsafe impl<'fcx> ArgAbi<'fcx> for AnyJson<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the conversion above looks at nothing.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(json) => json,
            None => pgrx::error!("a JSON argument is null"),
        }
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: any type may come, and is asked for by its Oid.
unsafe impl SqlTranslatable for AnyJson<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(AnyJson);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("anycompatible"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("anycompatible")));
}
