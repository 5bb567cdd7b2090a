//! Teams and who is in them. Better Auth's crud-team.
