//! Members: add, remove, change, leave, list. Better Auth's crud-members.
