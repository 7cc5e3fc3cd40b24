//! Keeps cores awake: a virtual machine's core that halts costs some 40 us at the next wake-up,
//! which would be counted as the proxy's latency. Runs with the scheduling class IDLE, so whoever
//! has work to do comes first.

use std::process::Child;

use crate::machine::{self, Core};
use crate::{Outcome, SPIN};

/// The part itself.
pub(crate) fn run() -> Outcome<()> {
    loop {
        std::hint::spin_loop();
    }
}

/// A spinner on each core, until dropped.
pub(crate) struct Spinners(Vec<Child>);

impl Spinners {
    /// Starts them.
    pub(crate) fn start() -> Outcome<Self> {
        let mut spinners = Self(Vec::new());
        for core in [Core::Proxy, Core::Load] {
            let child = machine::itself(core, &["chrt", "--idle", "0"], &[SPIN])?;
            spinners.0.push(child);
        }
        Ok(spinners)
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(machine::end);
    }
}
