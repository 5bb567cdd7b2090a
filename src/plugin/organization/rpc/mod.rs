//! The plugin for PostgREST: a function for each route; one file a group of them.

mod invitations;
mod members;
mod organizations;
mod roles;
mod teams;

use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    // Organizations.

    // Invitations.

    // Members.

    // Teams.

    // Roles of an organization's own, and permissions.
];
