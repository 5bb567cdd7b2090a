//! The functions for organizations.
