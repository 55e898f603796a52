//! Whose turn it is at `/dev/nvme-fabrics`.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::priority::Priority;

/// How much longer than a turn the rest after it is, while others need the
/// processor: there may be but one, and making a controller keeps it busy, then
/// udev, whose queue has to be empty before the initramfs goes on.
const REST: u32 = 6;

/// The longest rest. A turn that took longer waited, for the target, rather than
/// worked.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// One at a time, and who brings a namespace before who only asks.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    free: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    /// Those that wait to connect.
    connecting: usize,
    pace: Pace,
    /// When the last turn has rested, if the pace is calm.
    rested: Option<Instant>,
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
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    since: Instant,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, may: impl Fn(&State) -> bool, then: impl Fn(&mut State)) -> Turn<'_> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let rest = state.rested.and_then(|at| at.checked_duration_since(now));
            if state.taken || !may(&state) {
                let woken = self.free.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            } else if let Some(rest) = rest.filter(|_| state.pace == Pace::Calm) {
                let woken = self.free.wait_timeout(state, rest);
                (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            } else {
                break;
            }
        }
        state.taken = true;
        then(&mut state);
        if state.pace != Pace::Urgent {
            Priority::Ordinary.take();
        }
        Turn {
            turns: self,
            since: Instant::now(),
        }
    }

    /// A turn for making a controller that stays.
    pub(super) fn connect(&self) -> Turn<'_> {
        self.lock().connecting += 1;
        self.take(|_| true, |state| state.connecting -= 1)
    }

    /// A turn for asking a discovery controller: when nobody wants to connect.
    pub(super) fn discover(&self) -> Turn<'_> {
        self.take(|state| state.connecting == 0, |_| {})
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

impl Drop for Turn<'_> {
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
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn who_connects_goes_before_who_asks() {
        let turns = Arc::new(Turns::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = turns.discover();
        let mut threads = Vec::new();
        for (number, word) in ["ask", "ask", "connect", "connect"].into_iter().enumerate() {
            let (mine, order) = (Arc::clone(&turns), Arc::clone(&order));
            threads.push(thread::spawn(move || {
                let turn = match word {
                    "ask" => mine.discover(),
                    _ => mine.connect(),
                };
                order.lock().unwrap().push(word);
                drop(turn);
            }));
            // All four are there before the first turn ends.
            let wanted = number.saturating_sub(1);
            while turns.lock().connecting < wanted {
                thread::yield_now();
            }
        }
        drop(first);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["connect", "connect", "ask", "ask"]);
    }

    const TURN: Duration = Duration::from_millis(100);

    /// How long the next one waits for its turn after one of so long.
    fn waits(turns: &Turns) -> Duration {
        let turn = turns.connect();
        thread::sleep(TURN);
        drop(turn);
        let since = Instant::now();
        drop(turns.connect());
        since.elapsed()
    }

    #[test]
    fn a_calm_turn_is_followed_by_a_rest_till_root_is_mounted() {
        let turns = Turns::default();
        assert!(waits(&turns) < TURN, "urgent");
        turns.calm();
        assert!(waits(&turns) >= TURN * REST, "calm");
        turns.go_on();
        assert!(waits(&turns) < TURN, "mounted");
    }

    #[test]
    fn who_rests_goes_on_when_root_is_mounted() {
        let turns = Turns::default();
        turns.calm();
        let turn = turns.connect();
        thread::sleep(LONGEST_REST / REST);
        drop(turn);
        let since = Instant::now();
        thread::scope(|scope| {
            let next = scope.spawn(|| drop(turns.connect()));
            thread::sleep(TURN);
            turns.go_on();
            next.join().unwrap();
        });
        let took = since.elapsed();
        assert!(took >= TURN && took < LONGEST_REST / 2, "{took:?}");
    }
}
