//! The endpoints of the plugin, in Better Auth's order; one file a group of them.

mod invitations;
mod members;
mod organizations;
mod roles;
mod teams;

use crate::api::http::Route;

pub(super) const ROUTES: &[Route] = &[
    // Organizations.

    // Invitations.

    // Members.

    // Teams, where there are any.

    // Roles of an organization's own, where there may be any.

    // Permissions.
];
