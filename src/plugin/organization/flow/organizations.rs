//! Organizations: create, change, delete, look at, make active. Better Auth's crud-org.
