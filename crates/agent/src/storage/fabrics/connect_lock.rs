//! The lock around writes to `/dev/nvme-fabrics`, which connect.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sys::priority::Priority;

/// How much longer than a write the rest after it is, while others need the
/// processor: there may be but one, and making a controller keeps it busy, then
/// udev, whose queue has to be empty before the initramfs goes on.
const REST: u32 = 6;

/// The longest rest. A turn that took longer waited, for the target, rather than
/// worked.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Serialises device writes. Those of controllers that failed less often go
/// first, so that a target that keeps failing, slowly, does not keep the others
/// from being connected; among equals, connects go before discovery.
#[derive(Debug, Default)]
pub(super) struct ConnectLock {
    state: Mutex<State>,
    free: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    waiting: BTreeSet<Place>,
    next: u64,
    pace: Pace,
    /// When the last turn has rested, if the pace is calm.
    rested: Option<Instant>,
}

/// A place in the queue; the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    failures: u32,
    purpose: Purpose,
    /// Counts who came before.
    number: u64,
}

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    /// A controller that stays.
    Connect,
    /// A discovery controller.
    Discover,
}

/// How eagerly controllers are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pace {
    /// Root waits for them.
    #[default]
    Urgent,
    /// Root's drive is there, and wants the processor for being mounted.
    Calm,
    /// Root is mounted.
    Ordinary,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct ConnectGuard<'a> {
    turns: &'a ConnectLock,
    since: Instant,
}

impl ConnectLock {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, failures: u32, purpose: Purpose) -> ConnectGuard<'_> {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let place = Place {
            failures,
            purpose,
            number,
        };
        state.waiting.insert(place);
        loop {
            let now = Instant::now();
            let rest = state.rested.and_then(|at| at.checked_duration_since(now));
            if state.taken || state.waiting.first() != Some(&place) {
                let woken = self.free.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            } else if let Some(rest) = rest.filter(|_| state.pace == Pace::Calm) {
                let woken = self.free.wait_timeout(state, rest);
                (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            } else {
                break;
            }
        }
        state.waiting.remove(&place);
        state.taken = true;
        if state.pace != Pace::Urgent {
            Priority::Ordinary.take();
        }
        ConnectGuard {
            turns: self,
            since: Instant::now(),
        }
    }

    /// A turn for making a controller that stays. `failures`: how often that
    /// failed before for the controller of the plan that led to it.
    pub(super) fn connect(&self, failures: u32) -> ConnectGuard<'_> {
        self.take(failures, Purpose::Connect)
    }

    /// A turn for asking a discovery controller.
    pub(super) fn discover(&self) -> ConnectGuard<'_> {
        self.take(0, Purpose::Discover)
    }

    /// Nobody waits for what is still to be connected, and others need the
    /// processor: from now on a rest follows each turn.
    pub(super) fn calm(&self) {
        self.lock().pace = Pace::Calm;
    }

    /// No rests any more.
    pub(super) fn go_on(&self) {
        self.lock().pace = Pace::Ordinary;
        self.free.notify_all();
    }
}

impl Drop for ConnectGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        let rest = (self.since.elapsed() * REST).min(LONGEST_REST);
        state.rested = Some(Instant::now() + rest);
        state.taken = false;
        drop(state);
        self.turns.free.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// In which order these get their turn, which come while another one has it.
    fn order(come: &[(u32, Purpose, &'static str)]) -> Vec<&'static str> {
        let turns = ConnectLock::default();
        let order = Mutex::new(Vec::new());
        let first = turns.discover();
        thread::scope(|scope| {
            for (number, (failures, purpose, word)) in come.iter().enumerate() {
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let turn = turns.take(*failures, *purpose);
                    order.lock().unwrap().push(*word);
                    drop(turn);
                });
                while turns.lock().waiting.len() <= number {
                    thread::yield_now();
                }
            }
            drop(first);
        });
        order.into_inner().unwrap()
    }

    #[test]
    fn connects_go_before_discovery_and_the_first_come_first() {
        let order = order(&[
            (0, Purpose::Discover, "ask"),
            (0, Purpose::Connect, "connect"),
            (0, Purpose::Discover, "ask too"),
            (0, Purpose::Connect, "connect too"),
        ]);
        assert_eq!(order, ["connect", "connect too", "ask", "ask too"]);
    }

    #[test]
    fn what_failed_before_comes_last() {
        let order = order(&[
            (2, Purpose::Connect, "failed twice"),
            (1, Purpose::Connect, "failed once"),
            (0, Purpose::Discover, "ask"),
        ]);
        assert_eq!(order, ["ask", "failed once", "failed twice"]);
    }

    const TURN: Duration = Duration::from_millis(100);

    /// How long the next one waits for its turn after one of so long.
    fn waits(turns: &ConnectLock) -> Duration {
        let turn = turns.connect(0);
        thread::sleep(TURN);
        drop(turn);
        let since = Instant::now();
        drop(turns.connect(0));
        since.elapsed()
    }

    #[test]
    fn a_calm_turn_is_followed_by_a_rest_till_root_is_mounted() {
        let turns = ConnectLock::default();
        assert!(waits(&turns) < TURN, "urgent");
        turns.calm();
        assert!(waits(&turns) >= TURN * REST, "calm");
        turns.go_on();
        assert!(waits(&turns) < TURN, "mounted");
    }

    #[test]
    fn who_rests_goes_on_when_root_is_mounted() {
        let turns = ConnectLock::default();
        turns.calm();
        let turn = turns.connect(0);
        thread::sleep(LONGEST_REST / REST);
        drop(turn);
        let since = Instant::now();
        thread::scope(|scope| {
            let next = scope.spawn(|| drop(turns.connect(0)));
            thread::sleep(TURN);
            turns.go_on();
            next.join().unwrap();
        });
        let took = since.elapsed();
        assert!(took >= TURN && took < LONGEST_REST / 2, "{took:?}");
    }
}
