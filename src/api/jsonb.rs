//! jsonb arguments and results. pgrx's type parses each into a tree and back, which costs more than
//! signing a token, and panics on numbers that Rust's f64 can't hold. An argument is read where it lies,
//! and a result is JSON text that PostgreSQL parses.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, IntoDatum, direct_function_call, pg_sys};
use serde_json::{Map, Value};
use std::ffi::{CStr, CString};

use crate::api::{json, jsonb_writer};
use crate::crypto::jwt::{MAX_TOKEN, Payload, Refusal, write_json};
use crate::error::AuthError;
use crate::flow::json::Object;

/// A result: JSON text that becomes jsonb.
pub(crate) struct JsonText(String);

impl JsonText {
    /// From text that is JSON and has no NUL characters in its strings.
    pub(crate) fn from_json(json: String) -> Self {
        Self(json)
    }

    /// The same object with one more member.
    pub(crate) fn with_text(mut self, name: &str, value: &str) -> Self {
        let member = Object::new().text(name, value).finish();
        self.0.truncate(self.0.len().saturating_sub(1));
        self.0.push(',');
        self.0.push_str(member.get(1..).unwrap_or_default());
        self
    }
}

impl From<Object> for JsonText {
    fn from(object: Object) -> Self {
        Self(object.finish())
    }
}

impl IntoDatum for JsonText {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        if let Some(bytes) = jsonb_writer::write(&self.0) {
            // SAFETY: PostgreSQL's memory, of the size that is copied into it.
            return Some(unsafe {
                let copy: *mut u8 = pg_sys::palloc(bytes.len()).cast();
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
                copy.into()
            });
        }
        let text = CString::new(self.0).ok()?;
        // SAFETY: jsonb_in takes one terminated string and raises on anything that isn't JSON.
        unsafe { direct_function_call::<pg_sys::Datum>(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: returns a jsonb that jsonb_in built in the memory context of the call.
unsafe impl BoxRet for JsonText {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: as above.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: it is SQL's jsonb.
unsafe impl SqlTranslatable for JsonText {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(JsonText);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

/// An argument: the bytes of a jsonb's container, as PostgreSQL stores them.
pub(crate) struct Jsonb<'a>(Container<'a>);

/// One value inside of an argument.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a>(Element<'a>);

impl<'a> Member<'a> {
    /// It, if it is a string.
    pub(crate) fn as_str(self) -> Option<&'a str> {
        self.0.as_str()
    }

    pub(crate) fn is_null(self) -> bool {
        self.0.kind == NULL
    }

    pub(crate) fn is_true(self) -> bool {
        self.0.kind == TRUE
    }

    /// It, if it is a whole number of that size.
    pub(crate) fn as_u16(self) -> Option<u16> {
        let number = (self.0.kind == NUMERIC).then(|| small_integer(self.0.data)).flatten()?;
        u16::try_from(number).ok()
    }

    /// Its elements, if it is an array.
    pub(crate) fn elements(self) -> Option<Vec<Member<'a>>> {
        self.container(0)?.0.values()
    }

    /// Its members, if it is an object.
    pub(crate) fn members(self) -> Option<Vec<(&'a str, Member<'a>)>> {
        self.container(OBJECT)?.entries()
    }

    fn container(self, kind: u32) -> Option<Jsonb<'a>> {
        let container = Container(self.0.data);
        let is_it = self.0.kind == CONTAINER && container.header()? & (OBJECT | SCALAR) == kind;
        is_it.then_some(Jsonb(container))
    }
}

impl<'a> Jsonb<'a> {
    /// The members of an object; `None` for anything else.
    pub(crate) fn entries(&self) -> Option<Vec<(&'a str, Member<'a>)>> {
        let header = self.0.header()?;
        if header & OBJECT == 0 {
            return None;
        }
        self.0.members(header & COUNT)?.map(|(key, value)| Some((key.as_str()?, Member(value)))).collect()
    }

    /// The argument of this name as serde_json has it.
    ///
    /// # Errors
    /// It is no object, or one of more than serde_json takes or than is taken from anybody.
    pub(crate) fn object(&self, argument: &str) -> Result<Map<String, Value>, AuthError> {
        match self.value(argument)? {
            Value::Object(members) => Ok(members),
            _ => Err(AuthError::Argument(format!("{argument} must be a JSON object"))),
        }
    }

    /// The argument of this name as it is written, of whatever kind.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) fn text(&self, argument: &str) -> Result<String, AuthError> {
        let mut bytes = Vec::new();
        let written = self.0.write(&mut bytes).and_then(|()| String::from_utf8(bytes).ok());
        written.ok_or_else(|| AuthError::Argument(format!("{argument} can't be read")))
    }

    /// The same as serde_json has it.
    ///
    /// # Errors
    /// It is more than serde_json takes or than is taken from anybody.
    pub(crate) fn value(&self, argument: &str) -> Result<Value, AuthError> {
        let refused = |text: &str| AuthError::Argument(format!("{argument} {text}"));
        let mut bytes = Vec::new();
        let json = self.0.write(&mut bytes).and_then(|()| std::str::from_utf8(&bytes).ok());
        let json = json.ok_or_else(|| refused("can't be read"))?;
        let (depth, values) = json::measure(json);
        if depth > json::MAX_DEPTH {
            return Err(refused(&format!("must not be nested deeper than {} levels", json::MAX_DEPTH)));
        }
        if values > json::MANY {
            return Err(refused(&format!("must not have more than {} values", json::MANY)));
        }
        serde_json::from_str(json).map_err(|_| refused("has a number that no double can hold"))
    }
}

impl Jsonb<'_> {
    /// The object's members as the claims of a token.
    ///
    /// # Errors
    /// Not an object, too large for a token, or claims that [`Payload::claim`] refuses.
    pub(crate) fn payload(&self) -> Result<Payload, Refusal> {
        const NOT_AN_OBJECT: Refusal = Refusal::NotJson("payload");
        // Before anything is copied: more than this does not fit into a token.
        if self.0.0.len() > MAX_TOKEN {
            return Err(Refusal::Oversized);
        }
        let header = self.0.header().ok_or(NOT_AN_OBJECT)?;
        if header & OBJECT == 0 {
            return Err(NOT_AN_OBJECT);
        }
        let mut payload = Payload::new();
        for (key, value) in self.0.members(header & COUNT).ok_or(NOT_AN_OBJECT)? {
            let name = key.as_str().ok_or(NOT_AN_OBJECT)?;
            payload.claim(name, |json| value.write(json).ok_or(NOT_AN_OBJECT))?;
        }
        Ok(payload)
    }
}

// PostgreSQL's format of a jsonb on disk, src/include/utils/jsonb.h. It is the same since 9.4, and
// pg_upgrade keeps it that way. A container is a header, then one entry for each element (for an object
// all keys, then all values), then their data.
const COUNT: u32 = 0x0FFF_FFFF;
const SCALAR: u32 = 0x1000_0000;
pub(super) const OBJECT: u32 = 0x2000_0000;
pub(super) const ARRAY: u32 = 0x4000_0000;
/// An entry holds the element's length, or, every so often and with `HAS_OFFSET`, where it ends.
pub(super) const LENGTH: u32 = 0x0FFF_FFFF;
pub(super) const HAS_OFFSET: u32 = 0x8000_0000;
pub(super) const KIND: u32 = 0x7000_0000;
pub(super) const STRING: u32 = 0x0000_0000;
pub(super) const NUMERIC: u32 = 0x1000_0000;
pub(super) const FALSE: u32 = 0x2000_0000;
pub(super) const TRUE: u32 = 0x3000_0000;
pub(super) const NULL: u32 = 0x4000_0000;
pub(super) const CONTAINER: u32 = 0x5000_0000;

#[derive(Clone, Copy)]
struct Container<'a>(&'a [u8]);

/// One key, value or element.
#[derive(Clone, Copy)]
struct Element<'a> {
    kind: u32,
    /// Its bytes, padding included: numbers and containers are aligned to four within the container.
    data: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'a> Container<'a> {
    fn header(self) -> Option<u32> {
        word(self.0, 0)
    }

    /// `count` elements, from the entry at index `first` of `total`, whose data starts at `offset`.
    fn elements(
        self,
        first: usize,
        total: usize,
        count: usize,
        offset: usize,
    ) -> impl Iterator<Item = Option<Element<'a>>> {
        let base = 4 + 4 * total;
        let mut start = offset;
        (first..first + count).map(move |index| {
            let entry = word(self.0, 4 + 4 * index)?;
            let length = (entry & LENGTH) as usize;
            let end = if entry & HAS_OFFSET == 0 { start + length } else { length };
            let kind = entry & KIND;
            let aligned =
                if kind == NUMERIC || kind == CONTAINER { start.next_multiple_of(4) } else { start };
            let data = self.0.get(base + aligned..base + end)?;
            start = end;
            Some(Element { kind, data })
        })
    }

    /// Where the data of the entry at `index` ends.
    fn end(self, index: usize) -> Option<usize> {
        let mut end = 0;
        for index in 0..=index {
            let entry = word(self.0, 4 + 4 * index)?;
            let length = (entry & LENGTH) as usize;
            end = if entry & HAS_OFFSET == 0 { end + length } else { length };
        }
        Some(end)
    }

    /// The members of an object.
    fn members(self, count: u32) -> Option<impl Iterator<Item = (Element<'a>, Element<'a>)>> {
        let count = count as usize;
        let total = count.checked_mul(2)?;
        let values = if count == 0 { 0 } else { self.end(count - 1)? };
        let pairs = self.elements(0, total, count, 0).zip(self.elements(count, total, count, values));
        // A damaged entry is left for `pairs` to stop at; PostgreSQL itself would read beyond it.
        Some(pairs.map_while(|(key, value)| key.zip(value)))
    }

    /// The elements of an array.
    fn values(self) -> Option<Vec<Member<'a>>> {
        let count = (self.header()? & COUNT) as usize;
        self.elements(0, count, count, 0).map(|element| element.map(Member)).collect()
    }

    fn write(self, json: &mut Vec<u8>) -> Option<()> {
        // SAFETY: looks at the stack pointer, and raises an error when the stack is nearly used up.
        unsafe { pg_sys::check_stack_depth() };
        let header = self.header()?;
        let count = header & COUNT;
        let mut separator: &[u8] = b"";
        if header & OBJECT != 0 {
            json.push(b'{');
            for (key, value) in self.members(count)? {
                json.extend_from_slice(separator);
                separator = b",";
                write_json(json, key.as_str()?);
                json.push(b':');
                value.write(json)?;
            }
            json.push(b'}');
        } else if header & SCALAR == 0 {
            json.push(b'[');
            for element in self.elements(0, count as usize, count as usize, 0) {
                json.extend_from_slice(separator);
                separator = b",";
                element?.write(json)?;
            }
            json.push(b']');
        } else {
            self.elements(0, 1, 1, 0).next()??.write(json)?;
        }
        Some(())
    }
}

impl<'a> Element<'a> {
    fn as_str(self) -> Option<&'a str> {
        (self.kind == STRING).then(|| std::str::from_utf8(self.data).ok()).flatten()
    }

    fn write(self, json: &mut Vec<u8>) -> Option<()> {
        match self.kind {
            STRING => write_json(json, self.as_str()?),
            TRUE => json.extend_from_slice(b"true"),
            FALSE => json.extend_from_slice(b"false"),
            NULL => json.extend_from_slice(b"null"),
            CONTAINER => Container(self.data).write(json)?,
            NUMERIC => match small_integer(self.data) {
                Some(number) => write_json(json, &number),
                None => json.extend_from_slice(numeric_text(self.data)?.to_bytes()),
            },
            _ => return None,
        }
        Some(())
    }
}

/// The value of a numeric that is a whole number of up to 16 digits, as times are: its format
/// (src/backend/utils/adt/numeric.c) is a varlena of a short header and digits to the base 10,000.
fn small_integer(numeric: &[u8]) -> Option<i64> {
    const SHORT: u16 = 0x8000;
    const KINDS: u16 = 0xC000;
    const NEGATIVE: u16 = 0x2000;
    const SCALE_AND_NEGATIVE_WEIGHT: u16 = 0x1F80 | 0x0040;
    const WEIGHT: u16 = 0x003F;
    let half = |bytes: &[u8]| Some(u16::from_ne_bytes(bytes.try_into().ok()?));
    // A varlena of another form, packed or compressed, has another length here.
    let length = if cfg!(target_endian = "big") { word(numeric, 0)? } else { word(numeric, 0)? >> 2 };
    if length as usize != numeric.len() {
        return None;
    }
    let header = half(numeric.get(4..6)?)?;
    let weight = usize::from(header & WEIGHT);
    if header & KINDS != SHORT || header & SCALE_AND_NEGATIVE_WEIGHT != 0 || weight > 3 {
        return None;
    }
    let digits = numeric.get(6..)?;
    if digits.len() > 2 * (weight + 1) {
        return None;
    }
    let mut value = 0i64;
    for index in 0..=weight {
        let digit = match digits.get(2 * index..2 * index + 2) {
            Some(digit) => i64::from(half(digit)?),
            None => 0,
        };
        value = value * 10_000 + digit;
    }
    Some(if header & NEGATIVE == 0 { value } else { -value })
}

/// Any numeric as PostgreSQL prints it, which is as JSON writes numbers.
fn numeric_text(numeric: &[u8]) -> Option<&CStr> {
    let datum = pg_sys::Datum::from(numeric.as_ptr());
    // SAFETY: the bytes are a numeric inside a jsonb, aligned to four, and numeric_out reads no more than
    // the length in its header says. It answers with a terminated string in the call's memory context.
    unsafe { direct_function_call::<&CStr>(pg_sys::numeric_out, &[Some(datum)]) }
}

impl FromDatum for Jsonb<'_> {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller's datum is a jsonb, which after detoasting is a plain varlena: a header of
        // four bytes with the length of the whole, then the container. It lives as long as the call.
        unsafe {
            let mut jsonb: *mut pg_sys::varlena = datum.cast_mut_ptr();
            // One that was built just now needs no detoasting, nor the guard around a call for it.
            if !pgrx::varatt_is_4b_u(jsonb) {
                jsonb = pg_sys::pg_detoast_datum(jsonb);
            }
            let container =
                std::slice::from_raw_parts(pgrx::vardata_4b(jsonb).cast(), pgrx::varsize_4b(jsonb) - 4);
            Some(Self(Container(container)))
        }
    }
}

// SAFETY: reads the argument by the conversion above.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb<'fcx> {
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

// SAFETY: it is SQL's jsonb.
unsafe impl SqlTranslatable for Jsonb<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
