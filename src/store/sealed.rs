//! Columns whose values are encrypted under the cookie secret, in whichever tables plugins have them.

use crate::error::AuthError;
use crate::plugin::Sealed;
use crate::store::catalog::{has_column, has_relation};
use crate::store::columns::{As, compare, is, select, set};
use crate::store::sql::{Value, query_once};

/// How many rows are looked at at once.
pub(crate) const PAGE: usize = 1_000;

/// A row's id, and the value as it is stored.
pub(crate) type Stored = (String, String);

impl Sealed {
    /// Whether the column is there: `migrate()` makes those of plugins that are on.
    ///
    /// # Errors
    /// The table was dropped just now.
    pub(crate) fn is_there(&self) -> Result<bool, AuthError> {
        Ok(has_relation(&self.table.name()) && has_column(self.table, self.field)?)
    }

    /// The next rows in the order of their ids: after this one, or from the first.
    ///
    /// # Errors
    /// No such table or column.
    pub(crate) fn page(&self, after: Option<&str>) -> Result<Vec<Stored>, AuthError> {
        let table = self.table;
        let (condition, values) = match after {
            Some(id) => (format!("WHERE {}", compare(table, "r", "id", ">", 1)?), vec![Value::Text(id)]),
            None => (String::new(), Vec::new()),
        };
        let text = format!(
            "SELECT {} FROM {} r {condition} ORDER BY r.{} LIMIT {PAGE}",
            select(table, "r", &[("id", As::Text), (self.field, As::Text)])?,
            table.sql(),
            table.quoted("id"),
        );
        query_once(table, &text, &values, |row| (row.text(1), row.text(2)))
    }

    /// Stores another value, unless somebody else has done so since this one was read; whether it did.
    ///
    /// # Errors
    /// No such table or column.
    pub(crate) fn replace(&self, id: &str, old: &str, new: &str) -> Result<bool, AuthError> {
        let table = self.table;
        let text = format!(
            "UPDATE {} r SET {} WHERE {} AND {} RETURNING 1",
            table.sql(),
            set(table, self.field, 3)?,
            is(table, "r", "id", 1)?,
            is(table, "r", self.field, 2)?,
        );
        let values = [Value::Text(id), Value::Text(old), Value::Text(new)];
        Ok(!query_once(table, &text, &values, |_| ())?.is_empty())
    }
}
