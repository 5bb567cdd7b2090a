//! The endpoints for invitations.
