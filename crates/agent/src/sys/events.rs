//! How the threads wait for the world and for one another.
//!
//! The kernel tells of changes (netlink, uevents), threads tell of theirs; both
//! only raise a counter of their kind. A thread that waits for such a change then
//! asks the kernel itself whether what it waits for is there. So no thread polls,
//! and a lost message is made good by the next one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Links, addresses, routes.
    Network,
    /// Controllers, namespaces, disks, and what udev made of a card.
    Devices,
    /// What another thread did.
    Own,
}

impl Change {
    /// For a wait that any change may end.
    pub const ALL: [Self; 3] = [Self::Network, Self::Devices, Self::Own];
}

/// The number of changes so far, of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen([u64; 3]);

impl Seen {
    /// There were changes of one of these kinds since `before`.
    pub fn differs(self, before: Self, kinds: &[Change]) -> bool {
        let mut kinds = kinds.iter().map(|kind| *kind as usize);
        kinds.any(|kind| self.0[kind] > before.0[kind])
    }
}

/// The number of changes so far, and whether to stop.
#[derive(Debug)]
pub struct Events {
    state: Mutex<State>,
    changed: Condvar,
    stop: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    changes: Seen,
    stopping: bool,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// Something changed that is waited for.
    Changed,
    /// The time is up.
    TimedOut,
    /// The program is to stop.
    Stopping,
}

impl Events {
    /// Nothing has changed yet.
    ///
    /// # Errors
    /// When there is no file descriptor left.
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            stop: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Readable when the program is to stop, for those who wait in poll(2).
    pub fn stop_fd(&self) -> BorrowedFd<'_> {
        self.stop.as_fd()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of changes so far: taken before a look at the world, given
    /// to [`Events::wait_past`] after it.
    pub fn seen(&self) -> Seen {
        self.lock().changes
    }

    /// Something changed.
    pub fn raise(&self, news: Change) {
        self.lock().changes.0[news as usize] += 1;
        self.changed.notify_all();
    }

    /// Tells every thread to stop.
    pub fn stop(&self) {
        self.lock().stopping = true;
        // Can't fail: the counter is far from its end.
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        self.changed.notify_all();
    }

    /// The program is to stop.
    pub fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Waits for a change of one of these kinds after `seen`, at most until
    /// `until`.
    pub fn wait_past(&self, seen: Seen, news: &[Change], until: Instant) -> WakeReason {
        self.wait(until, |state| state.changes.differs(seen, news))
    }

    /// Sleeps, whatever changes, unless the program is to stop.
    pub fn sleep(&self, time: Duration) -> WakeReason {
        self.wait(Instant::now() + time, |_| false)
    }

    fn wait(&self, until: Instant, enough: impl Fn(&State) -> bool) -> WakeReason {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return WakeReason::Stopping;
            }
            if enough(&state) {
                return WakeReason::Changed;
            }
            let Some(left) = until
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return WakeReason::TimedOut;
            };
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// Waiting times between tries: the first retry comes soon, later ones at
/// most every `cap`.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    cap: Duration,
}

impl Backoff {
    /// From `first`, doubled up to `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { next: first, cap }
    }

    /// The time to wait now.
    pub fn step(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.cap);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_change_before_the_wait_is_not_lost() {
        let events = Events::new().expect("a file descriptor");
        let seen = events.seen();
        events.raise(Change::Own);
        let soon = Instant::now() + Duration::from_secs(5);
        assert_eq!(
            events.wait_past(seen, &Change::ALL, soon),
            WakeReason::Changed
        );
        let now = Instant::now();
        let again = events.wait_past(events.seen(), &Change::ALL, now);
        assert_eq!(again, WakeReason::TimedOut);
        // Nobody looks because of what they don't wait for.
        let other = [Change::Network, Change::Devices];
        assert_eq!(events.wait_past(seen, &other, now), WakeReason::TimedOut);
    }

    #[test]
    fn stopping_wakes_every_wait() {
        let events = Arc::new(Events::new().expect("a file descriptor"));
        let sleeper = {
            let events = Arc::clone(&events);
            std::thread::spawn(move || events.sleep(Duration::from_secs(30)))
        };
        let started = Instant::now();
        events.stop();
        assert_eq!(sleeper.join().ok(), Some(WakeReason::Stopping));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn retries_come_soon_and_never_rarely() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(3));
        let waits: Vec<u128> = (0..8).map(|_| backoff.step().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3000, 3000, 3000]);
    }
}
