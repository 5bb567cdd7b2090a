//! Invitations: make, take back, look at, accept, reject. Better Auth's crud-invites.
