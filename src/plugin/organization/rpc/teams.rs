//! The functions for teams.
