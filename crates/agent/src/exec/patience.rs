//! What is worth a line in the kernel log, and when.
//!
//! Cards, carriers, leases and routes take their time on every boot, and a line
//! about each of them would make every healthy boot look sick. Who is stuck has
//! to hear why all the same.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::subject::Subject;
use crate::fault::Layer;

/// What takes its time on every boot is not worth a word for so long.
pub(super) const QUIET: Duration = Duration::from_secs(10);

/// What was told is told again so late, if it is still so.
const REMINDER: Duration = Duration::from_secs(60);

/// What stands in the way of whom since when, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Patience(BTreeMap<Subject, Trouble>);

#[derive(Debug)]
struct Trouble {
    since: Instant,
    told: BTreeMap<Layer, Instant>,
}

impl Patience {
    /// `subject` is kept up by something of this layer. True if this is to be
    /// told now.
    pub(super) fn is_over(&mut self, subject: &Subject, layer: Layer, now: Instant) -> bool {
        let trouble = self.0.entry(subject.clone()).or_insert_with(|| Trouble {
            since: now,
            told: BTreeMap::new(),
        });
        if comes_by_itself(layer) && now < trouble.since + QUIET {
            return false;
        }
        let due = trouble
            .told
            .get(&layer)
            .is_none_or(|told| now >= *told + REMINDER);
        if due {
            trouble.told.insert(layer, now);
        }
        due
    }

    /// When to ask again about something of this layer that nothing changes.
    pub(super) fn next(&self, subject: &Subject, layer: Layer, now: Instant) -> Instant {
        let Some(trouble) = self.0.get(subject) else {
            return now + QUIET;
        };
        match trouble.told.get(&layer) {
            Some(told) => *told + REMINDER,
            None => trouble.since + QUIET,
        }
    }

    /// Nothing keeps `subject` up any more.
    pub(super) fn forget(&mut self, subject: &Subject) {
        self.0.remove(subject);
    }
}

/// On most boots it is there after a while, without anybody's help.
fn comes_by_itself(layer: Layer) -> bool {
    matches!(
        layer,
        Layer::NoCard
            | Layer::NoCarrier
            | Layer::NoLease
            | Layer::Network
            | Layer::NoRoute
            | Layer::Timeout
            | Layer::Kernel
            | Layer::NoNamespace
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_boot_is_quiet_and_a_stuck_one_is_told_seldom() {
        let subject = Subject::Interface("eth0".parse().expect("a name"));
        let mut patience = Patience::default();
        let start = Instant::now();
        let mut told_after = |layer, seconds: &[u64]| -> Vec<u64> {
            let at = |s: u64| start + Duration::from_secs(s);
            seconds
                .iter()
                .copied()
                .filter(|s| patience.is_over(&subject, layer, at(*s)))
                .collect()
        };
        let all: Vec<u64> = (0..180).collect();
        assert_eq!(told_after(Layer::NoCarrier, &all), [10, 70, 130]);
        // Another cause of the same subject is news, though not every time.
        assert_eq!(
            told_after(Layer::NoRoute, &[180, 181, 239, 240]),
            [180, 240]
        );
        // What no waiting mends is told at once.
        assert_eq!(told_after(Layer::WrongNqn, &[240, 241]), [240]);
        patience.forget(&subject);
        let later = start + Duration::from_secs(300);
        assert!(!patience.is_over(&subject, Layer::NoCarrier, later));
        assert_eq!(
            patience.next(&subject, Layer::NoCarrier, later),
            later + QUIET
        );
    }
}
