//! The endpoints for teams.
