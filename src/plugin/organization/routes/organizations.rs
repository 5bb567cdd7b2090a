//! The endpoints for organizations.
