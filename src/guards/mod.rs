//! Why: guards are written as configuration and run as compiled policies, one for each direction. Here the first becomes
//! the second, and a request gets what its texts and those of its answer are screened with.

mod build;
mod known;
mod watch;

pub use build::Guards;
pub use watch::{Watch, blocked};
