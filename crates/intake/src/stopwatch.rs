//! Time for tests.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What work returns, and the time that this thread computed for it: a busy
/// machine does not add to it.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = now();
    let result = work();
    (result, now() - started)
}

/// A limit for optimised code; unoptimised code gets twenty times as long.
pub(crate) fn limit(milliseconds: u64) -> Duration {
    let factor = if cfg!(debug_assertions) { 20 } else { 1 };
    Duration::from_millis(milliseconds * factor)
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).expect("since the thread began");
    Duration::new(seconds, u32::try_from(now.tv_nsec).expect("below a second"))
}
