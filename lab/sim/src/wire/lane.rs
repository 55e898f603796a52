//! One place that frames from one port pass, with its faults.

use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::faults::{Bandwidth, Counts, Faults};
use super::filter::Filters;
use super::packet::Packet;
use super::reset::{Connections, Resets};

/// A frame on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moving {
    pub(super) at: Duration,
    pub(super) frame: Vec<u8>,
    /// Those behind it may overtake it.
    pub(super) held_back: bool,
}

/// What a lane makes of a frame.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// What goes on: nothing, the frame, or it twice.
    pub(super) onward: Vec<Moving>,
    /// What goes back to the port that the frame came from.
    pub(super) back: Option<Vec<u8>>,
}

/// What a frame's content means for it.
enum Read {
    Passes,
    Dropped,
    Reset(Resets),
}

/// Faults, and what they have to remember.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    faults: Faults,
    random: Pcg64Mcg,
    filters: Filters,
    connections: Connections,
    /// Until when the bandwidth is used up.
    busy: Duration,
    counts: Counts,
}

impl Lane {
    /// A lane without faults.
    ///
    /// Its random numbers depend on the seed and on what names it, and not on how many
    /// others there are.
    pub(super) fn new(seed: u64, name: [u64; 3]) -> Lane {
        // Each step mixes well, so lanes with similar names are independent.
        let seed = name.iter().fold(seed, |seed, part| {
            Pcg64Mcg::seed_from_u64(seed ^ part).next_u64()
        });
        Lane {
            faults: Faults::default(),
            random: Pcg64Mcg::seed_from_u64(seed),
            filters: Filters::default(),
            connections: Connections::default(),
            busy: Duration::ZERO,
            counts: Counts::default(),
        }
    }

    /// Filters and connections count from 0 again.
    pub(super) fn set(&mut self, faults: Faults) {
        self.filters = Filters::new(&faults.filters);
        self.connections = Connections::default();
        self.busy = Duration::ZERO;
        self.faults = faults;
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn pass(&mut self, mut moving: Moving) -> Passed {
        let mut passed = Passed::default();
        if self.faults.reads_packets() {
            match self.read(&moving.frame) {
                Read::Passes => {}
                Read::Dropped => return passed,
                Read::Reset(Resets { onward, back }) => {
                    passed.back = Some(back);
                    moving.frame = onward;
                }
            }
        }
        if self.faults.loss.draw(&mut self.random) {
            self.counts.lost += 1;
            return passed;
        }
        self.damage(&mut moving.frame);
        let left = self.leaves(moving.at, moving.frame.len());
        self.counts.slowed += u64::from(left != Some(moving.at));
        let Some(left) = left else {
            self.counts.overflowed += 1;
            return passed;
        };
        moving.at = left + self.faults.delay + self.jitter();
        self.counts.delayed += u64::from(moving.at > left);
        if let Some(reorder) = self.faults.reorder
            && reorder.share.draw(&mut self.random)
        {
            self.counts.held_back += 1;
            moving.at += reorder.by;
            moving.held_back = true;
        }
        if self.faults.duplicate.draw(&mut self.random) {
            self.counts.duplicated += 1;
            passed.onward.push(moving.clone());
        }
        passed.onward.push(moving);
        passed
    }

    fn read(&mut self, frame: &[u8]) -> Read {
        let Some(packet) = Packet::new(frame) else {
            return Read::Passes;
        };
        if self.filters.drops(&packet) {
            self.counts.filtered += 1;
            return Read::Dropped;
        }
        if let Some((len, mtu)) = packet.ip_len().zip(self.faults.mtu)
            && len > mtu
        {
            self.counts.too_big += 1;
            return Read::Dropped;
        }
        let rule = self.faults.reset;
        match rule.and_then(|rule| self.connections.follow(rule, frame, &packet)) {
            Some(resets) => {
                self.counts.reset += 1;
                Read::Reset(resets)
            }
            None => Read::Passes,
        }
    }

    fn damage(&mut self, frame: &mut [u8]) {
        if !frame.is_empty() && self.faults.corrupt.draw(&mut self.random) {
            self.counts.corrupted += 1;
            let bit = self.random.next_u64() % (frame.len() as u64 * 8);
            frame[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
    }

    /// When a frame that comes at `at` has left the wire; `None` when it would wait too
    /// long.
    fn leaves(&mut self, at: Duration, len: usize) -> Option<Duration> {
        let Some(Bandwidth { queue, .. }) = self.faults.bandwidth else {
            return Some(at);
        };
        let begins = self.busy.max(at);
        let ends = begins.checked_add(self.faults.bandwidth?.takes(len)?)?;
        if begins - at > queue {
            return None;
        }
        self.busy = ends;
        Some(ends)
    }

    fn jitter(&mut self) -> Duration {
        let most = u64::try_from(self.faults.jitter.as_nanos()).unwrap_or(u64::MAX);
        match most {
            0 => Duration::ZERO,
            most => Duration::from_nanos(self.random.next_u64() % most.saturating_add(1)),
        }
    }
}
