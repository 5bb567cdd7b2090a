//! The functions for members.
