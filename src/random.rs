//! Why: secrets are drawn in several rooms, and their tests want to choose the bytes. So whoever
//! draws is handed the source.

use std::io;

/// Fills a buffer with unpredictable bytes, or says why it cannot.
pub type Random<'a> = dyn FnMut(&mut [u8]) -> io::Result<()> + 'a;

/// Random bytes of the operating system.
pub fn os_random(buffer: &mut [u8]) -> io::Result<()> {
    getrandom::fill(buffer).map_err(|error| match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::other("no source of random bytes"),
    })
}
