//! The plugin's tables, one file each.

use crate::error::AuthError;
use crate::store::catalog::Table;

/// The most rows of a list that has no limit of its own: Better Auth's `defaultFindManyLimit`.
pub(super) const MOST: i64 = 100;

pub(super) mod asking;
pub(super) mod invitation;
pub(super) mod member;
pub(super) mod organization;
pub(super) mod role;
pub(super) mod team;

pub(in crate::plugin) use self::invitation::INVITATIONS;
pub(super) use self::invitation::Invitation;
pub(in crate::plugin) use self::member::MEMBERS;
pub(super) use self::member::Member;
pub(in crate::plugin) use self::organization::ORGANIZATIONS;
pub(super) use self::organization::Organization;
pub(super) use self::role::OrganizationRole;
pub(in crate::plugin) use self::role::ROLES;
pub(in crate::plugin) use self::team::{TEAM_MEMBERS, TEAMS};
pub(super) use self::team::{Team, TeamMember};

/// A new row isn't there.
fn refused(table: Table) -> AuthError {
    AuthError::Setup(format!("a trigger or rule on {} refused the row", table.sql()))
}
