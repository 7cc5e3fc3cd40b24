//! Why: the one place where records reach the disk. A record that cannot be written whole is cut
//! off again and the journal closes itself: money goes on only when it is written down.

use super::book::{Backlog, Book};
use super::directory::Directory;
use super::encode::FRAME;
use super::sheet::Sheet;
use super::{HEADER, JournalError, MAX_PAYLOAD, Record, Settlements, encode};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Room for the head of a segment and the largest record.
const LEAST_SEGMENT: u64 = (HEADER + FRAME + MAX_PAYLOAD) as u64;

/// What a record survives once it is appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however sudden: the record is in the kernel's memory.
    #[default]
    Process,
    /// A power cut as well: one `fdatasync(2)` more, a thousand times slower.
    Power,
}

/// How a journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// A segment that has reached this size is closed. At least one record fits each.
    pub segment_bytes: u64,
    /// What records survive.
    pub durability: Durability,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 16 * 1024 * 1024,
            durability: Durability::Process,
        }
    }
}

/// Where a record stands. That of a settlement is to be given back with [`Journal::acknowledge`]
/// once the store has it, or its segment is kept for ever; it cannot be copied, so that this
/// happens once.
#[derive(Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// Only settlements must be acknowledged; the store never hears of the rest.
    pub(super) is_owed: bool,
}

impl Position {
    /// Number of the segment.
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// Where the record begins in it, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// The journal of this process. Shared by all threads.
#[derive(Debug)]
pub struct Journal {
    directory: Directory,
    options: JournalOptions,
    state: Mutex<State>,
    /// Mirrors `State::has_failed`, to be read without the lock.
    has_failed: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// The active segment.
    sheet: Sheet,
    book: Book,
    /// The frame at hand; kept to keep its memory.
    frame: Vec<u8>,
    /// The active segment is closed when it has reached this size.
    turn_at: u64,
}

impl Journal {
    /// Begins the journal of a process that has the number `holder`, below `root`
    /// (`<data_dir>/journal`). No two processes may ever have the same number.
    pub fn create(root: &Path, holder: i64) -> Result<Self, JournalError> {
        Self::create_with(root, holder, JournalOptions::default())
    }

    /// The same, kept in another way.
    pub fn create_with(
        root: &Path,
        holder: i64,
        options: JournalOptions,
    ) -> Result<Self, JournalError> {
        let directory = Directory::create(root, holder)?;
        let sheet = begin(&directory, options, 1, 0)
            .map_err(JournalError::io(&directory.segment(1), "created"))?;
        Ok(Self {
            directory,
            options,
            state: Mutex::new(State {
                sheet,
                book: Book::new(HEADER as u64),
                frame: Vec::new(),
                turn_at: options.segment_bytes,
            }),
            has_failed: AtomicBool::new(false),
        })
    }

    /// The number of this process.
    pub fn holder(&self) -> i64 {
        self.directory.holder
    }

    /// Writes a record. When this returns `Ok` the record survives the process; when it returns
    /// an error the record was not written, and what it tells must not happen.
    ///
    /// A settlement that is refused is owed nevertheless, since the money is spent: keep it, post
    /// it, and append it again after [`Journal::try_recover`] so that its hold is closed.
    pub fn append(&self, record: &Record) -> Result<Position, JournalError> {
        let mut state = self.lock();
        if self.is_failed() {
            return Err(self.failed());
        }
        state.book.admit(record)?;
        encode::record(&mut state.frame, record)?;
        self.turn_if_full(&mut state)?;
        self.write(&mut state)?;
        let bytes = state.frame.len() as u64;
        Ok(state.book.enter(record, bytes))
    }

    /// The store has these settlements for good.
    pub fn acknowledge(&self, positions: impl IntoIterator<Item = Position>) {
        let mut state = self.lock();
        for position in positions {
            state.book.acknowledge(&position);
        }
    }

    /// Deletes the oldest segments once all they tell has been done for `keep`, and closes a
    /// segment that has been written to for so long. To be called now and then. Returns how many
    /// segments it deleted.
    ///
    /// `keep` is how far back a database may fall when another replica takes over: that much can
    /// be sent again from [`Journal::retained`].
    pub fn prune(&self, now: Instant, keep: Duration) -> Result<usize, JournalError> {
        let due = {
            let mut state = self.lock();
            if !self.is_failed() && state.book.is_stale(now, keep, HEADER as u64) {
                self.turn(&mut state)?;
            }
            state.book.due(now, keep)
        };
        // Deleting takes its time; nobody waits for it.
        for number in due.iter().copied() {
            self.directory.delete(number)?;
            if self.options.durability == Durability::Power {
                let path = &self.directory.path;
                self.directory
                    .sync()
                    .map_err(JournalError::io(path, "synced"))?;
            }
            self.lock().book.forget(number);
        }
        Ok(due.len())
    }

    /// All settlements still on disk, acknowledged or not, in the order they were written, up to
    /// now. To be sent again when the database may have lost some.
    pub fn retained(&self) -> Settlements {
        Settlements {
            directory: self.directory.path.clone(),
            holder: self.directory.holder,
            left: self.lock().book.lengths().collect(),
            is_live: true,
            current: None,
        }
    }

    /// What is open now.
    pub fn backlog(&self) -> Backlog {
        self.lock().book.backlog()
    }

    /// True since a write failed: every record is refused.
    pub fn is_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Opens a failed journal again if the disk takes writes as large as any record. Nothing
    /// happens to one that has not failed.
    pub fn try_recover(&self) -> Result<(), JournalError> {
        let mut state = self.lock();
        if !self.is_failed() {
            return Ok(());
        }
        let (number, length) = state.book.active();
        let path = self.directory.segment(number);
        let cut = state.sheet.cut(length);
        cut.map_err(JournalError::io(&path, "cut"))?;
        self.directory.delete(number + 1)?;
        encode::filler(&mut state.frame)?;
        let tried = self.put(&state, length);
        let cut = state.sheet.cut(length);
        cut.and(tried).map_err(JournalError::io(&path, "written"))?;
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> JournalError {
        JournalError::Failed {
            path: self.directory.path.clone(),
        }
    }

    /// Writes the frame at hand, or cuts off what was written of it and closes the journal.
    fn write(&self, state: &mut State) -> Result<(), JournalError> {
        let (number, length) = state.book.active();
        let Err(source) = self.put(state, length) else {
            return Ok(());
        };
        self.has_failed.store(true, Ordering::Release);
        // If this fails too, a start reads a torn record, and `try_recover` cuts again.
        let _ = state.sheet.cut(length);
        Err(JournalError::io(&self.directory.segment(number), "written")(source))
    }

    fn put(&self, state: &State, at: u64) -> io::Result<()> {
        state.sheet.put(&state.frame, at)?;
        match self.options.durability {
            Durability::Process => Ok(()),
            Durability::Power => state.sheet.sync(),
        }
    }

    fn turn_if_full(&self, state: &mut State) -> Result<(), JournalError> {
        let (_, length) = state.book.active();
        let is_full = length + state.frame.len() as u64 > state.turn_at;
        match is_full && length > HEADER as u64 {
            true => self.turn(state),
            false => Ok(()),
        }
    }

    /// Closes the active segment and begins the next. When that is not possible (too many open
    /// files) the active one grows on; only a half-made segment that cannot be removed again is
    /// an error, because it would make the active one look complete.
    fn turn(&self, state: &mut State) -> Result<(), JournalError> {
        let (number, length) = state.book.active();
        let fails = || self.has_failed.store(true, Ordering::Release);
        // First of all: a closed segment ends where the next one says it does.
        let cut = state.sheet.cut(length).inspect_err(|_| fails());
        cut.map_err(JournalError::io(&self.directory.segment(number), "cut"))?;
        match begin(&self.directory, self.options, number + 1, length) {
            Ok(sheet) => {
                state.sheet = sheet;
                state.book.turn(HEADER as u64);
                state.turn_at = self.options.segment_bytes;
                Ok(())
            }
            Err(_) => {
                state.turn_at = length + self.options.segment_bytes / 16;
                let deleted = self.directory.delete(number + 1);
                deleted.inspect_err(|_| fails())
            }
        }
    }
}

/// Gives back the space that was reserved.
impl Drop for Journal {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (_, length) = state.book.active();
        let _ = state.sheet.cut(length);
    }
}

/// Makes segment `number`, which follows on one of `previous` bytes.
fn begin(
    directory: &Directory,
    options: JournalOptions,
    number: u64,
    previous: u64,
) -> io::Result<Sheet> {
    let path = directory.segment(number);
    // A write that waits for the disk gains nothing from being a copy in memory.
    let reserve = match options.durability {
        Durability::Process => Some(options.segment_bytes.max(LEAST_SEGMENT)),
        Durability::Power => None,
    };
    let sheet = Sheet::new(&path, reserve)?;
    sheet.put(&encode::header(directory.holder, number, previous), 0)?;
    if options.durability == Durability::Power {
        sheet.sync_new()?;
        directory.sync()?;
    }
    Ok(sheet)
}
