//! Whose turn it is at `/dev/nvme-fabrics`.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest rest after a turn.
const LONGEST_REST: Duration = Duration::from_millis(500);

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
    /// Root is there, and wants the processor for being mounted.
    calm: bool,
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
        let mut state = self
            .free
            .wait_while(self.lock(), |state| state.taken || !may(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.taken = true;
        then(&mut state);
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

    /// From now on each turn is followed by a rest as long as itself: making a
    /// controller keeps a processor busy, and there may be but one.
    pub(super) fn calm(&self) {
        self.lock().calm = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.turns.lock().calm {
            std::thread::sleep(self.since.elapsed().min(LONGEST_REST));
        }
        self.turns.lock().taken = false;
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

    #[test]
    fn a_calm_turn_is_followed_by_a_rest() {
        let turns = Turns::default();
        turns.calm();
        let turn = turns.connect();
        thread::sleep(Duration::from_millis(30));
        let ended = Instant::now();
        drop(turn);
        assert!(ended.elapsed() >= Duration::from_millis(30));
    }
}
