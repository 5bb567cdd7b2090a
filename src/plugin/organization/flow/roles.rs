//! Roles of an organization's own, and what a member may do. Better Auth's crud-access-control.
