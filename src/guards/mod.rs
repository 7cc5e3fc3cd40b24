//! Why: guards are written as configuration and run as compiled policies, one for each direction. Here the first becomes
//! the second, and a request gets what its texts and those of its answer are screened with.

mod book;
mod build;
mod callouts;
mod known;
mod sealing;
mod tools;
mod watch;

pub use book::{GuardBook, Layer, Owner, Screens, Unbuilt};
pub use build::Guards;
pub use callouts::{Asker, Callouts, Outcome, Stopped};
pub use sealing::sealed;
pub use tools::Tools;
pub use watch::{Watch, blocked};
