//! What is wrong with the way to the target at a moment. One trouble may begin before
//! another one is over: what ends is that one, and not the other.

use std::collections::BTreeMap;
use std::time::Duration;

use machinesim::wire::Faults;

use crate::machine::Who;
use crate::trouble::Direction;

/// Frames of these two ways have faults of their own.
const WAYS: [Direction; 2] = [Direction::From(Who::Host), Direction::From(Who::Target)];

/// What is wrong now, and when anything was.
#[derive(Debug, Default)]
pub(super) struct Disturbed {
    /// How many troubles keep the target without power.
    powerless: u32,
    /// How many troubles have a card's cable out.
    cut: BTreeMap<usize, u32>,
    /// What is wrong on the wires, in the order in which it began.
    wires: Vec<(Direction, Faults)>,
    /// What the wires were last told, in the order of [`WAYS`].
    told: [Faults; 2],
    times: Vec<(Duration, Option<Duration>)>,
}

impl Disturbed {
    pub(super) fn kill(&mut self) {
        self.powerless += 1;
    }

    /// One trouble less; whether the target has power then.
    pub(super) fn is_powered_again(&mut self) -> bool {
        self.powerless = self.powerless.saturating_sub(1);
        self.powerless == 0
    }

    pub(super) fn cut(&mut self, card: usize) {
        *self.cut.entry(card).or_default() += 1;
    }

    /// One trouble less; whether the cable is whole then.
    pub(super) fn is_whole_again(&mut self, card: usize) -> bool {
        let Some(count) = self.cut.get_mut(&card) else {
            return true;
        };
        *count = count.saturating_sub(1);
        let whole = *count == 0;
        if whole {
            self.cut.remove(&card);
        }
        whole
    }

    pub(super) fn begin(&mut self, direction: Direction, faults: Faults) {
        self.wires.push((direction, faults));
    }

    pub(super) fn end(&mut self, direction: Direction, faults: &Faults) {
        let over = |(d, f): &(Direction, Faults)| *d == direction && f == faults;
        if let Some(at) = self.wires.iter().position(over) {
            self.wires.remove(at);
        }
    }

    /// The ways with other faults than before: what began last counts.
    pub(super) fn changed(&mut self) -> Vec<(Direction, Faults)> {
        let mut changed = Vec::new();
        for (way, told) in WAYS.into_iter().zip(&mut self.told) {
            let mut all = self.wires.iter().rev();
            let last = all.find(|(d, _)| *d == Direction::Both || *d == way);
            let faults = last.map(|(_, faults)| faults.clone()).unwrap_or_default();
            if faults != *told {
                *told = faults.clone();
                changed.push((way, faults));
            }
        }
        changed
    }

    /// Notes whether anything is wrong with cables and wires; what has no power is known
    /// by other means.
    pub(super) fn note(&mut self, now: Duration) {
        let disturbed = !self.wires.is_empty() || !self.cut.is_empty();
        match self.times.last_mut() {
            Some((_, end @ None)) if !disturbed => *end = Some(now),
            Some((_, None)) => {}
            _ if disturbed => self.times.push((now, None)),
            _ => {}
        }
    }

    /// From when to when.
    pub(super) fn times(&self) -> &[(Duration, Option<Duration>)] {
        &self.times
    }
}

#[cfg(test)]
mod tests {
    use machinesim::wire::Share;

    use super::*;

    fn lost(percent: u32) -> Faults {
        Faults::loss(Share::percent(percent))
    }

    #[test]
    fn what_ends_is_that_trouble_and_no_other() {
        let mut now = Disturbed::default();
        let [host, target] = WAYS;
        now.begin(Direction::Both, lost(10));
        assert_eq!(now.changed(), [(host, lost(10)), (target, lost(10))]);
        now.begin(host, lost(50));
        assert_eq!(now.changed(), [(host, lost(50))]);
        now.end(Direction::Both, &lost(10));
        assert_eq!(now.changed(), [(target, Faults::default())]);
        now.end(host, &lost(50));
        assert_eq!(now.changed(), [(host, Faults::default())]);
    }

    #[test]
    fn a_cable_is_whole_when_the_last_trouble_is_over() {
        let mut now = Disturbed::default();
        now.cut(0);
        now.cut(0);
        assert!(!now.is_whole_again(0));
        assert!(now.is_whole_again(0));
        now.kill();
        now.kill();
        assert!(!now.is_powered_again());
        assert!(now.is_powered_again());
        assert!(now.is_powered_again(), "a target that comes late");
    }

    #[test]
    fn the_time_of_trouble_ends_with_the_last() {
        let seconds = Duration::from_secs;
        let mut now = Disturbed::default();
        now.begin(Direction::Both, lost(1));
        now.note(seconds(3));
        now.cut(0);
        now.note(seconds(4));
        now.end(Direction::Both, &lost(1));
        now.note(seconds(5));
        now.is_whole_again(0);
        now.note(seconds(9));
        assert_eq!(now.times(), [(seconds(3), Some(seconds(9)))]);
    }
}
