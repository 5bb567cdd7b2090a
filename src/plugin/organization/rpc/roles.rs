//! The functions for roles and permissions.
