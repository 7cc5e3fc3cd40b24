//! Why: soon.
