//! Better Auth's admin plugin.

use crate::error::{AuthError, Code};
use crate::plugin::{Bar, Column, Plugin};
use crate::store::catalog::{Table, has_column};
use crate::store::columns::{As, is_true, select};
use crate::store::migrate::{BOOLEAN, TEXT, TIME};

/// The plugin.
pub(super) struct Admin;

impl Plugin for Admin {
    fn id(&self) -> &'static str {
        "admin"
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column::user("role", TEXT),
            Column { default: Some("false"), ..Column::user("banned", BOOLEAN) },
            Column::user("banReason", TEXT),
            Column::user("banExpires", TIME),
            Column::session("impersonatedBy", TEXT),
        ];
        COLUMNS
    }

    fn bars(&self) -> &'static [Bar] {
        const BARS: &[Bar] = &[Bar { is_down: is_banned, of: None, refusal: || Code::BANNED_USER.into() }];
        BARS
    }
}

/// Whether a ban is in force.
fn is_banned(row: &str) -> Result<Option<String>, AuthError> {
    let Some(banned) = is_true(Table::User, row, "banned")? else { return Ok(None) };
    if !has_column(Table::User, "banExpires")? {
        return Ok(Some(banned));
    }
    let until = select(Table::User, row, &[("banExpires", As::Time)])?;
    Ok(Some(format!(
        "({banned} AND ({until} IS NULL OR {until} OPERATOR(pg_catalog.>=) pg_catalog.clock_timestamp()))"
    )))
}
