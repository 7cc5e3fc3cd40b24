//! The access log: one JSON line per request on standard output, written by a thread of its own.
//!
//! A slow reader of the log must not slow requests down, so the queue is bounded and what does not
//! fit is counted and said aloud.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::logger::LogStyle;
use super::metrics::Metrics;
use super::receipt::Receipt;

/// Lines that may wait.
const QUEUE: usize = 16 * 1024;
/// How long a line may stay in the buffer.
const FLUSH: Duration = Duration::from_millis(100);

enum Message {
    Line(String),
    Flush(SyncSender<()>),
}

/// The sending side.
#[derive(Clone, Debug)]
pub struct AccessLog {
    queue: Option<SyncSender<Message>>,
    style: LogStyle,
}

impl AccessLog {
    /// A log that writes to `sink` until the last sender is gone.
    ///
    /// # Errors
    /// The writer thread cannot be started.
    pub fn start(sink: impl Write + Send + 'static, style: LogStyle) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&receiver, BufWriter::with_capacity(64 * 1024, sink)))?;
        Ok(Self {
            queue: Some(sender),
            style,
        })
    }

    /// A log that writes nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            queue: None,
            style: LogStyle::Json,
        }
    }

    /// Queues the line of a receipt; never waits.
    pub fn write(&self, receipt: &Receipt, metrics: &Metrics) {
        let Some(queue) = &self.queue else { return };
        let line = match self.style {
            LogStyle::Json => receipt.to_line(),
            LogStyle::Text => receipt.to_string(),
        };
        if let Err(TrySendError::Full(_)) = queue.try_send(Message::Line(line)) {
            metrics.access_log_dropped.inc();
        }
    }

    /// Waits until everything queued so far is written, at most `patience`.
    pub fn flush(&self, patience: Duration) {
        let Some(queue) = &self.queue else { return };
        let (done, wait) = sync_channel(1);
        if queue.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(patience);
        }
    }
}

fn write_all(receiver: &Receiver<Message>, mut sink: BufWriter<impl Write>) {
    loop {
        let written = match receiver.recv_timeout(FLUSH) {
            Ok(Message::Line(line)) => sink
                .write_all(line.as_bytes())
                .and_then(|()| sink.write_all(b"\n")),
            Ok(Message::Flush(done)) => {
                let flushed = sink.flush();
                let _ = done.try_send(());
                flushed
            }
            Err(RecvTimeoutError::Timeout) => sink.flush(),
            Err(RecvTimeoutError::Disconnected) => {
                let _ = sink.flush();
                return;
            }
        };
        if let Err(error) = written {
            log::error!("the access log cannot be written, logging stops: {error}");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_by_the_time_flush_returns() {
        let sink = Shared::default();
        let log = AccessLog::start(sink.clone(), LogStyle::Json).expect("a thread");
        let metrics = Metrics::new();
        for _ in 0..100 {
            log.write(&Receipt::default(), &metrics);
        }
        log.flush(Duration::from_secs(5));
        let text = String::from_utf8(sink.0.lock().expect("no panic").clone()).expect("text");
        assert_eq!(text.lines().count(), 100);
    }
}
