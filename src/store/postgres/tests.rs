//! Why: x
