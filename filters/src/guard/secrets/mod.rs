//! Credentials by a table of families.
