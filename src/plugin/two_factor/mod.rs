//! Better Auth's two-factor plugin, which this release doesn't offer. A user who has a second factor doesn't get in by
//! a password alone all the same.

use crate::error::AuthError;
use crate::plugin::{Bar, Column, Plugin, Proof};
use crate::store::catalog::Table;
use crate::store::columns::is_true;
use crate::store::definition::BOOLEAN;

/// The plugin.
pub(super) struct TwoFactor;

impl Plugin for TwoFactor {
    fn id(&self) -> &'static str {
        "two-factor"
    }

    fn is_offered(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[Column::user("twoFactorEnabled", BOOLEAN)];
        COLUMNS
    }

    fn bars(&self) -> &'static [Bar] {
        const BARS: &[Bar] = &[Bar {
            is_down: |row| is_true(Table::User, row, "twoFactorEnabled"),
            of: Some(Proof::Password),
            refusal: || {
                AuthError::Unsupported(
                    "the user has two-factor authentication enabled, which better_auth does not support",
                )
            },
        }];
        BARS
    }
}
