//! The access log: one line per request on standard output, written by a thread of its own.
//!
//! Waking a thread costs more than serving a request does, so requests only append to a buffer and
//! the thread looks at it from time to time. A slow reader of the log must not slow requests down
//! either: the buffer is bounded, and what does not fit is counted and said aloud.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::logger::LogStyle;
use super::metrics::Metrics;
use super::receipt::Receipt;

/// Bytes that may wait.
const LIMIT: usize = 16 * 1024 * 1024;
/// How long a line may wait before it is written.
const PERIOD: Duration = Duration::from_millis(50);

/// Lines that wait, and how far writing has come.
#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Flushes asked for, and done.
    asked: u64,
    done: u64,
    /// The sink failed; nothing is taken any more.
    broken: bool,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Rung only by a flush and when one is done.
    bell: Condvar,
}

/// The sending side.
#[derive(Clone, Debug)]
pub struct AccessLog {
    shared: Option<Arc<Shared>>,
    style: LogStyle,
}

impl AccessLog {
    /// A log that writes to `sink` as long as the process lives.
    ///
    /// # Errors
    /// The writer thread cannot be started.
    pub fn start(sink: impl Write + Send + 'static, style: LogStyle) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.write_all(sink))?;
        Ok(Self {
            shared: Some(shared),
            style,
        })
    }

    /// A log that writes nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            shared: None,
            style: LogStyle::Json,
        }
    }

    /// Queues the line of a receipt; never waits for the sink.
    pub fn write(&self, receipt: &Receipt, metrics: &Metrics) {
        let Some(shared) = &self.shared else { return };
        let line = match self.style {
            LogStyle::Json => receipt.to_line(),
            LogStyle::Text => receipt.to_string(),
        };
        let mut waiting = shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.broken || waiting.lines.len() + line.len() >= LIMIT {
            metrics.access_log_dropped.inc();
            return;
        }
        waiting.lines.extend_from_slice(line.as_bytes());
        waiting.lines.push(b'\n');
    }

    /// Waits until everything queued so far is written, at most `patience`.
    pub fn flush(&self, patience: Duration) {
        let Some(shared) = &self.shared else { return };
        let deadline = Instant::now() + patience;
        let mut waiting = shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.asked += 1;
        let mine = waiting.asked;
        shared.bell.notify_all();
        while waiting.done < mine && !waiting.broken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = shared.bell.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    /// The writer thread: swaps the buffer for an empty one and writes it without the lock.
    fn write_all(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        loop {
            let asked = {
                let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let idle = |waiting: &mut Waiting| waiting.asked == waiting.done;
                let woken = self.bell.wait_timeout_while(waiting, PERIOD, idle);
                let mut waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
                std::mem::swap(&mut waiting.lines, &mut lines);
                waiting.asked
            };
            let written = sink.write_all(&lines).and_then(|()| sink.flush());
            lines.clear();
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.done = asked;
            waiting.broken = written.is_err();
            self.bell.notify_all();
            if let Err(error) = written {
                log::error!("the access log cannot be written, it ends here: {error}");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_by_the_time_flush_returns() {
        let sink = Sink::default();
        let log = AccessLog::start(sink.clone(), LogStyle::Json).expect("a thread");
        let metrics = Metrics::new();
        for round in 1..=3 {
            for _ in 0..100 {
                log.write(&Receipt::default(), &metrics);
            }
            log.flush(Duration::from_secs(5));
            let text = String::from_utf8(sink.0.lock().expect("no panic").clone()).expect("text");
            assert_eq!(text.lines().count(), 100 * round);
        }
    }

    #[test]
    fn a_full_disk_neither_blocks_requests_nor_the_end() {
        let log = AccessLog::start(Full, LogStyle::Json).expect("a thread");
        let metrics = Metrics::new();
        log.write(&Receipt::default(), &metrics);
        log.flush(Duration::from_secs(5));
        log.write(&Receipt::default(), &metrics);
        assert_eq!(metrics.access_log_dropped.get(), 1);
    }
}
