//! The endpoints for roles and permissions.
