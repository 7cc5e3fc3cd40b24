//! Why: tests.
