//! Why: a record costs a copy into memory instead of a system call when its segment is mapped. The
//! pages belong to the kernel, so that they survive the process exactly as bytes given to
//! `write(2)` do.
//!
//! Space is reserved before it is mapped: a page for which the disk has no room would end the
//! process. Where a file system reserves nothing, or has not enough left, records are written with
//! `pwrite(2)`.

use mmap_io::{MemoryMappedFile, MmapMode};
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::directory::new_segment;

/// The file of the segment that is being written.
#[derive(Debug)]
pub(super) struct Sheet {
    file: File,
    /// The same file as memory, until it is cut to what is written in it.
    map: Option<MemoryMappedFile>,
}

impl Sheet {
    /// A new, empty file. With `reserve`, this many bytes of it are mapped if that is possible.
    pub(super) fn new(path: &Path, reserve: Option<u64>) -> io::Result<Self> {
        let file = new_segment(path)?;
        let map = reserve.and_then(|bytes| mapped(&file, path, bytes));
        if reserve.is_some() && map.is_none() {
            // What was reserved in vain.
            file.set_len(0)?;
        }
        Ok(Self { file, map })
    }

    /// Writes `frame` at this place.
    pub(super) fn put(&self, frame: &[u8], at: u64) -> io::Result<()> {
        match &self.map {
            Some(map) => map.update_region(at, frame).map_err(io::Error::other),
            None => self.file.write_all_at(frame, at),
        }
    }

    /// Waits until what was written is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// The same for a file that was just made, with all that the file system knows of it.
    pub(super) fn sync_new(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Ends the file after `length` bytes; from then on it grows with every record. One that is
    /// shorter already was changed by someone else.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        // Memory behind the end of a file must not be touched, so it is given up first.
        self.map = None;
        let found = self.file.metadata()?.len();
        match found < length {
            true => Err(io::Error::other(format!(
                "{found} bytes long instead of {length}: another program cut it"
            ))),
            false if found == length => Ok(()),
            false => self.file.set_len(length),
        }
    }
}

/// `None` when the file system cannot.
fn mapped(file: &File, path: &Path, bytes: u64) -> Option<MemoryMappedFile> {
    fallocate(file, FallocateFlags::empty(), 0, bytes).ok()?;
    let file = file.try_clone().ok()?;
    MemoryMappedFile::from_file(file, MmapMode::ReadWrite, path).ok()
}
