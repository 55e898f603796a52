//! A processor for each pair of simulated machines. In virtual time the machines and
//! the network between them take turns: spread over processors, each turn wakes another
//! one, which under a hypervisor costs as much as the turn itself.

use std::sync::{LazyLock, Mutex, PoisonError};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Those of this program.
pub(super) static PINS: LazyLock<Pins> = LazyLock::new(Pins::new);

/// The processors that this program may use, and how many pairs each has.
#[derive(Debug)]
pub(super) struct Pins {
    all: CpuSet,
    pairs: Mutex<Vec<(usize, usize)>>,
}

/// While it lives, the thread that took it and what it starts stay on one processor;
/// to be dropped by that thread.
#[derive(Debug)]
pub(super) struct Pin<'a> {
    pins: &'a Pins,
    index: usize,
}

impl Pins {
    fn new() -> Self {
        // Where the kernel does not tell, nothing is pinned.
        let all = sched_getaffinity(None).unwrap_or_default();
        let numbers = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
        let pairs = Mutex::new(numbers.map(|number| (number, 0)).collect());
        Pins { all, pairs }
    }

    /// The processor with the fewest pairs.
    pub(super) fn take(&self) -> Option<Pin<'_>> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let (index, (number, count)) = pairs
            .iter_mut()
            .enumerate()
            .min_by_key(|(_, (_, count))| *count)?;
        let mut one = CpuSet::new();
        one.set(*number);
        // Slower without, and the same otherwise.
        sched_setaffinity(None, &one).ok()?;
        *count += 1;
        Some(Pin { pins: self, index })
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        let mut pairs = self
            .pins
            .pairs
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        pairs[self.index].1 -= 1;
        // As in `take`.
        let _ = sched_setaffinity(None, &self.pins.all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> CpuSet {
        sched_getaffinity(None).unwrap()
    }

    #[test]
    fn pairs_are_spread_and_a_thread_is_free_again() {
        let before = here();
        let pins = Pins::new();
        let first = pins.take().unwrap();
        assert_eq!(here().count(), 1);
        let one = here();
        let second = pins.take().unwrap();
        if before.count() > 1 {
            assert_ne!(here(), one, "the second has another processor");
        }
        drop(first);
        drop(second);
        assert_eq!(here(), before);
    }
}
