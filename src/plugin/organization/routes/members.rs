//! The endpoints for members.
