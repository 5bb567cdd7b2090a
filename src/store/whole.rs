//! Rows that are read as a whole: for each column of a result PostgreSQL looks its type up whenever a statement starts,
//! which takes longer than all that becomes of the value. So where speed counts a statement's result is the row itself,
//! and its values are taken out of it here, without a cast. Where a column has a type that needs one, the statement
//! lists columns instead.

use pgrx::{FromDatum, PgTupleDesc, pg_sys};
use std::rc::Rc;

use crate::crypto::jwt::write_json;
use crate::error::AuthError;
use crate::store::catalog::{Column, Kind, PerShape, Table, column, is_citext, relation};
use crate::store::columns::{As, Field};
use crate::store::fields::{self, Member, NULL, member_name};
use crate::store::server::Timestamp;
use crate::store::sql::Row;

/// What is under a type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Uuid,
    Boolean,
    Integer2,
    Integer4,
    Integer8,
    /// Microseconds, of UTC in either type.
    Time,
}

/// Where a value is in a row.
#[derive(Clone, Copy)]
struct Place {
    /// From 0.
    index: usize,
    type_oid: pg_sys::Oid,
    form: Form,
}

/// Where the values of a table's rows are.
pub(super) struct Layout {
    core: Vec<Place>,
    additional: Vec<(Member, Place)>,
}

impl Place {
    /// `None` for a type that needs a cast.
    fn of(column: &Column) -> Option<Self> {
        let form = match column.base {
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Form::Text,
            pg_sys::UUIDOID => Form::Uuid,
            pg_sys::BOOLOID => Form::Boolean,
            pg_sys::INT2OID => Form::Integer2,
            pg_sys::INT4OID => Form::Integer4,
            pg_sys::INT8OID => Form::Integer8,
            pg_sys::TIMESTAMPTZOID | pg_sys::TIMESTAMPOID => Form::Time,
            other if is_citext(other) => Form::Text,
            _ => return None,
        };
        let index = usize::try_from(column.number).ok()?.checked_sub(1)?;
        Some(Self { index, type_oid: column.type_oid, form })
    }

    fn is_read_as(self, read: As) -> bool {
        match read {
            As::Text => !matches!(self.form, Form::Boolean | Form::Time),
            As::Time => self.form == Form::Time,
            As::Boolean => self.form == Form::Boolean,
        }
    }
}

/// The aliases of tables in statements that read rows as a whole.
const ALIASES: [&str; 2] = ["s", "u"];

/// Where the values of these fields and of the additional ones are; `None` where one needs a cast, or where a row has
/// more than they, which nobody wants to read along.
///
/// # Errors
/// No such table or column.
pub(super) fn layout(table: Table, core: &[Field]) -> Result<Option<Rc<Layout>>, AuthError> {
    thread_local! {
        static LAYOUTS: PerShape<Option<Rc<Layout>>> = const { PerShape::nothing() };
    }
    LAYOUTS.with(|layouts| layouts.get(table, || Ok(look(table, core)?.map(Rc::new))))
}

fn look(table: Table, fields: &[Field]) -> Result<Option<Layout>, AuthError> {
    let mut core = Vec::with_capacity(fields.len());
    for (field, read) in fields {
        match Place::of(&column(table, field)?).filter(|place| place.is_read_as(*read)) {
            Some(place) => core.push(place),
            None => return Ok(None),
        }
    }
    let place = |field: fields::Field| Some((member_name(&field.name), Place::of(field.column())?));
    let additional: Option<Vec<(Member, Place)>> = fields::list(table)?.into_iter().map(place).collect();
    let Some(additional) = additional else { return Ok(None) };
    let is_read = |column: &Column| {
        let mut places = core.iter().chain(additional.iter().map(|(_, place)| place));
        places.any(|place| Ok(place.index + 1) == usize::try_from(column.number))
    };
    // A long text that somebody else keeps there would be fetched with every row.
    let is_short = |column: &Column| {
        matches!(column.kind, Kind::Boolean | Kind::Uuid | Kind::Timestamp | Kind::TimestampTz)
    };
    // A column's name comes before that of a row.
    let hides_row = |column: &Column| ALIASES.contains(&column.name.as_str());
    let is_it = |column: &Column| (is_read(column) || is_short(column)) && !hides_row(column);
    Ok(relation(table)?.columns.iter().all(is_it).then_some(Layout { core, additional }))
}

/// A row, taken apart.
pub(super) struct Whole<'l> {
    layout: &'l Layout,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl<'l> Whole<'l> {
    /// The row that is at `position` of a result; `None` where it isn't of this layout, as where the table has changed
    /// under the statement.
    pub(super) fn of(layout: &'l Layout, row: &Row, position: i32) -> Option<Self> {
        let datum = row.datum(position)?;
        // SAFETY: the datum is a row, as the statement that reads with a layout has it, and lives as long as SPI's
        // result. Its type is written in its header; the arrays have room for all of that type's values.
        unsafe {
            let header: pg_sys::HeapTupleHeader = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            let of = (*header).t_choice.t_datum;
            let columns =
                PgTupleDesc::from_pg(pg_sys::lookup_rowtype_tupdesc(of.datum_typeid, of.datum_typmod));
            let is_it = |place: &Place| {
                let column = columns.get(place.index);
                column.is_some_and(|column| column.atttypid == place.type_oid && !column.attisdropped)
            };
            let mut places = layout.core.iter().chain(layout.additional.iter().map(|(_, place)| place));
            if !places.all(is_it) {
                return None;
            }
            let mut tuple = pg_sys::HeapTupleData {
                t_len: u32::try_from(pgrx::varsize_any(header.cast())).ok()?,
                t_data: header,
                ..Default::default()
            };
            let (mut values, mut nulls) =
                (vec![pg_sys::Datum::from(0); columns.len()], vec![true; columns.len()]);
            pg_sys::heap_deform_tuple(
                &raw mut tuple,
                columns.as_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            Some(Self { layout, values, nulls })
        }
    }

    fn datum(&self, place: Place) -> Option<pg_sys::Datum> {
        let is_null = self.nulls.get(place.index).copied().unwrap_or(true);
        self.values.get(place.index).copied().filter(|_| !is_null)
    }

    /// Calls `work` with a value as text.
    fn with_text<T>(&self, place: Place, work: impl FnOnce(&str) -> T) -> Option<T> {
        let datum = self.datum(place)?;
        // SAFETY: the value is of the type that the place says, which was compared with the row's, and so of this form.
        unsafe {
            match place.form {
                Form::Text => <&str>::from_datum(datum, false).map(work),
                Form::Uuid => pgrx::Uuid::from_datum(datum, false).map(|uuid| work(&uuid.to_string())),
                Form::Integer2 => i16::from_datum(datum, false).map(|number| work(&number.to_string())),
                Form::Integer4 => i32::from_datum(datum, false).map(|number| work(&number.to_string())),
                Form::Integer8 => i64::from_datum(datum, false).map(|number| work(&number.to_string())),
                Form::Boolean | Form::Time => None,
            }
        }
    }

    fn time_at(&self, place: Place) -> Option<Timestamp> {
        // SAFETY: as of with_text(); both types of time are a number of eight bytes.
        let time = unsafe { i64::from_datum(self.datum(place)?, false) }?;
        (place.form == Form::Time).then(|| Timestamp(time.div_euclid(1_000).saturating_mul(1_000)))
    }

    fn boolean_at(&self, place: Place) -> Option<bool> {
        // SAFETY: as of with_text().
        let value = unsafe { bool::from_datum(self.datum(place)?, false) };
        value.filter(|_| place.form == Form::Boolean)
    }

    fn core(&self, field: usize) -> Option<Place> {
        self.layout.core.get(field).copied()
    }

    /// The value of a field, by its place in the list that the layout was made of.
    pub(super) fn optional_text(&self, field: usize) -> Option<String> {
        self.with_text(self.core(field)?, str::to_owned)
    }

    /// NULL, which a foreign writer may have left, reads as the empty string.
    pub(super) fn text(&self, field: usize) -> String {
        self.optional_text(field).unwrap_or_default()
    }

    pub(super) fn time(&self, field: usize) -> Timestamp {
        self.core(field).and_then(|place| self.time_at(place)).unwrap_or(Timestamp(i64::MIN))
    }

    pub(super) fn boolean(&self, field: usize) -> bool {
        self.core(field).and_then(|place| self.boolean_at(place)).unwrap_or_default()
    }

    /// The additional fields as a JSON object, as [`fields::read`] makes it.
    pub(super) fn additional(&self) -> Option<String> {
        let fields = &self.layout.additional;
        if fields.is_empty() {
            return None;
        }
        Some(fields::object(fields, |json, _, place| {
            if self.write(json, *place).is_none() {
                json.extend_from_slice(NULL);
            }
        }))
    }

    fn write(&self, json: &mut Vec<u8>, place: Place) -> Option<()> {
        match place.form {
            Form::Text | Form::Uuid => self.with_text(place, |text| write_json(json, text)),
            Form::Integer2 | Form::Integer4 | Form::Integer8 => {
                self.with_text(place, |digits| json.extend_from_slice(digits.as_bytes()))
            }
            Form::Boolean => {
                let value = self.boolean_at(place)?;
                json.extend_from_slice(if value { b"true" } else { b"false" });
                Some(())
            }
            Form::Time => {
                write_json(json, &self.time_at(place)?.to_iso_string()?);
                Some(())
            }
        }
    }
}
