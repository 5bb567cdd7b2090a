//! What members do with their organization; one file a group of Better Auth's routes.

pub(super) mod invitations;
pub(super) mod members;
pub(super) mod organizations;
pub(super) mod roles;
pub(super) mod teams;

use super::store::{Member, member};
use super::{ACTIVE_ORGANIZATION, codes};
use crate::error::AuthError;
use crate::flow::session::{Caller, Live, Need, require};

/// The session of who calls, from the table: Better Auth's `orgSessionMiddleware`. Its row isn't prolonged, since other
/// rows are held from here on.
///
/// # Errors
/// UNAUTHORIZED.
pub(super) fn actor(caller: &mut dyn Caller) -> Result<Live, AuthError> {
    require(caller, Need::Live)
}

/// The organization that a request names, or else the one that the session is about.
pub(super) fn organization_of(named: Option<&str>, live: &Live) -> Option<String> {
    let named = named.filter(|id| !id.is_empty()).map(str::to_owned);
    named.or_else(|| live.session.text_field(ACTIVE_ORGANIZATION).filter(|id| !id.is_empty()))
}

/// The membership of who calls.
///
/// # Errors
/// USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, with this status.
pub(super) fn own_membership(organization_id: &str, live: &Live, status: u16) -> Result<Member, AuthError> {
    let found = member::find(organization_id, &live.user.id)?;
    found.ok_or(AuthError::ApiWith(codes::USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, status))
}
