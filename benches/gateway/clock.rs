//! Time that two processes agree on, and a timer that is not rounded to milliseconds.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

const SECOND: u64 = 1_000_000_000;

/// `CLOCK_MONOTONIC` in nanoseconds, the same for all processes of the machine.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * SECOND + u64::try_from(time.tv_nsec).unwrap_or(0)
}

fn timespec(nanos: u64) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(nanos / SECOND).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(nanos % SECOND).unwrap_or(0),
    }
}

/// Ticks at a fixed interval. Tokio's own timers fire on whole milliseconds, which would send the
/// chunks of all streams in bursts.
pub(crate) struct Ticker(AsyncFd<OwnedFd>);

impl Ticker {
    /// Ticks every `interval` nanoseconds, `phase` nanoseconds after the interval's multiples.
    pub(crate) fn start(interval: u64, phase: u64) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        let next = (now() / interval + 1) * interval + phase;
        let times = Itimerspec {
            it_interval: timespec(interval),
            it_value: timespec(next),
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &times)?;
        #[expect(
            deprecated,
            reason = "its heir is unsafe; this one asks that the descriptor stays open, and the timer is owned"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self(timer))
    }

    /// Waits for the next tick and tells how many have passed since the last call.
    pub(crate) async fn ticks(&self) -> io::Result<u64> {
        loop {
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut count)?));
            match read {
                Ok(read) => {
                    read?;
                    return Ok(u64::from_ne_bytes(count));
                }
                Err(_) => continue,
            }
        }
    }
}
