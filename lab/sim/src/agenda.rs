//! What will happen, in the order in which it does.
use std::collections::BTreeMap;

use crate::clock::{NEVER, Time};

/// Something that will happen to a machine.
#[derive(Debug)]
pub(crate) enum Due {
    /// A card receives a frame.
    Frame { device: usize, frame: Vec<u8> },
    /// The machine is told that a ring was served.
    Call { device: usize, ring: usize },
    /// There are new buffers for what waits.
    Refill { device: usize },
    /// A port receives input.
    Input { device: usize, bytes: Vec<u8> },
    /// The machine is told that a configuration space has changed.
    Config { device: usize },
}

impl Due {
    fn device(&self) -> usize {
        match self {
            Self::Frame { device, .. }
            | Self::Call { device, .. }
            | Self::Refill { device }
            | Self::Input { device, .. }
            | Self::Config { device } => *device,
        }
    }
}

/// In the order of time, and for one time in the order in which they came.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    entries: BTreeMap<(Time, u64), T>,
    number: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            number: 0,
        }
    }
}

impl<T> Agenda<T> {
    pub(crate) fn add(&mut self, at: Time, what: T) {
        self.number += 1;
        self.entries.insert((at, self.number), what);
    }

    /// The time of the first entry.
    pub(crate) fn first(&self) -> Time {
        self.entries
            .first_key_value()
            .map_or(NEVER, |((at, _), _)| *at)
    }

    /// Takes the first entry if it is due.
    pub(crate) fn take(&mut self, now: Time) -> Option<T> {
        self.take_if(now, |_| true)
    }

    /// Takes the first entry if it is due and `wanted`.
    pub(crate) fn take_if(&mut self, now: Time, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let entry = self.entries.first_entry()?;
        (entry.key().0 <= now && wanted(entry.get())).then(|| entry.remove())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

impl Agenda<Due> {
    /// What was meant for a device does not reach it any more.
    pub(crate) fn forget(&mut self, device: usize) {
        self.entries.retain(|_, due| due.device() != device);
    }

    /// Frames under way to a device are lost; how many that were.
    pub(crate) fn lose_frames(&mut self, to: usize) -> usize {
        let before = self.entries.len();
        self.entries
            .retain(|_, due| !matches!(due, Due::Frame { device, .. } if *device == to));
        before - self.entries.len()
    }
}
