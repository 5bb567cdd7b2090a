//! The functions for invitations.
