//! What can be wrong with a segment, and what came of it.

use std::ops::AddAssign;
use std::time::Duration;

use rand_core::Rng;

use super::filter::Filter;
use super::reset::Reset;

/// A part of all frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Share {
    millionths: u32,
}

impl Share {
    /// No frame.
    pub const NONE: Share = Share { millionths: 0 };
    /// Every frame.
    pub const ALL: Share = Share {
        millionths: 1_000_000,
    };

    /// So many of 100 frames; 100 and more are all.
    pub const fn percent(percent: u32) -> Share {
        Share::millionths(percent.saturating_mul(10_000))
    }

    /// So many of a million frames; a million and more are all.
    pub const fn millionths(millionths: u32) -> Share {
        if millionths > Share::ALL.millionths {
            Share::ALL
        } else {
            Share { millionths }
        }
    }

    /// From 0 to 1.
    pub fn part(self) -> f64 {
        f64::from(self.millionths) / f64::from(Share::ALL.millionths)
    }

    /// Whether the next frame is one of them. Draws nothing where the answer is
    /// known, so that a fault that is off changes no other.
    pub(super) fn draw(self, random: &mut impl Rng) -> bool {
        match self {
            Share::NONE => false,
            Share::ALL => true,
            // 2^32 is no multiple of a million: the bias is below 1 in 4,000.
            Share { millionths } => random.next_u32() % Share::ALL.millionths < millionths,
        }
    }
}

/// What is wrong in one [`Place`](super::Place) of a segment. By default nothing is.
///
/// Each frame meets the faults in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// Frames that are dropped for what they are.
    pub filters: Vec<Filter>,
    /// The largest IP packet, in bytes with its header, that passes. Larger ones
    /// vanish without an ICMP message, as on a path whose MTU is smaller than the
    /// card's. Frames without an IP packet pass.
    pub mtu: Option<usize>,
    /// TCP connections are reset.
    pub reset: Option<Reset>,
    /// Frames that are lost.
    pub loss: Share,
    /// Frames in which one bit is flipped, anywhere.
    pub corrupt: Share,
    /// Bits per second, and how long a frame may wait for its turn.
    pub bandwidth: Option<Bandwidth>,
    /// How much longer each frame takes.
    pub delay: Duration,
    /// Up to how much longer than that a frame takes, evenly distributed.
    pub jitter: Duration,
    /// Frames that are overtaken by those behind them.
    pub reorder: Option<Reorder>,
    /// Frames that arrive twice, one directly after the other.
    pub duplicate: Share,
}

impl Faults {
    /// Each frame takes `delay` longer.
    pub fn delay(delay: Duration) -> Faults {
        Faults {
            delay,
            ..Faults::default()
        }
    }

    /// This share of the frames is lost.
    pub fn loss(loss: Share) -> Faults {
        Faults {
            loss,
            ..Faults::default()
        }
    }

    /// What `filter` describes is dropped.
    pub fn filter(filter: Filter) -> Faults {
        Faults {
            filters: vec![filter],
            ..Faults::default()
        }
    }

    pub(super) fn reads_packets(&self) -> bool {
        !self.filters.is_empty() || self.mtu.is_some() || self.reset.is_some()
    }
}

/// How much passes in a time, for what one port sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bits per second, of frames without preamble and gap; 0 lets nothing pass.
    pub bits_per_second: u64,
    /// A frame that would have to wait longer than this is dropped.
    pub queue: Duration,
}

impl Bandwidth {
    /// How long a frame of `bytes` occupies the wire; `None` for ever.
    pub(super) fn takes(self, bytes: usize) -> Option<Duration> {
        let bits = u64::try_from(bytes).ok()?.saturating_mul(8);
        let nanos = u128::from(bits) * 1_000_000_000 / u128::from(self.bits_per_second).max(1);
        (self.bits_per_second > 0)
            .then(|| Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX)))
    }
}

/// Some frames are held back, and those behind them overtake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reorder {
    /// The frames that are held back.
    pub share: Share,
    /// For how long.
    pub by: Duration,
}

/// What became of the frames. One that reaches several ports counts once for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Given to the segment, before anything could go wrong; once, however many ports hear it.
    pub sent: u64,
    /// Arrivals, duplicates and forged frames among them.
    pub delivered: u64,
    /// Lost by [`Faults::loss`].
    pub lost: u64,
    /// Dropped by [`Faults::filters`].
    pub filtered: u64,
    /// Dropped by [`Faults::mtu`].
    pub too_big: u64,
    /// Dropped by [`Faults::bandwidth`].
    pub overflowed: u64,
    /// Late, or dropped, because of [`Faults::bandwidth`].
    pub slowed: u64,
    /// Late by [`Faults::delay`] or [`Faults::jitter`].
    pub delayed: u64,
    /// Damaged by [`Faults::corrupt`].
    pub corrupted: u64,
    /// Held back by [`Faults::reorder`].
    pub held_back: u64,
    /// Doubled by [`Faults::duplicate`].
    pub duplicated: u64,
    /// Replaced by a forged reset because of [`Faults::reset`].
    pub reset: u64,
    /// Not heard because a cable is cut.
    pub cut: u64,
    /// Not heard because of a partition.
    pub partitioned: u64,
    /// Lost at a card: its machine was off, gave no buffers or sent too many at once, or it lost its carrier. Counted
    /// by a [`Simulation`](crate::Simulation): a segment knows no machines.
    pub missed: u64,
    /// Not of frames: how often a machine looked at its card and saw no carrier. Counted by a
    /// [`Simulation`](crate::Simulation).
    pub dark: u64,
}

impl Counts {
    /// What has been counted since `earlier`.
    pub fn since(self, earlier: Counts) -> Counts {
        self.with(earlier, u64::saturating_sub)
    }

    fn with(self, other: Counts, of: impl Fn(u64, u64) -> u64) -> Counts {
        Counts {
            sent: of(self.sent, other.sent),
            delivered: of(self.delivered, other.delivered),
            lost: of(self.lost, other.lost),
            filtered: of(self.filtered, other.filtered),
            too_big: of(self.too_big, other.too_big),
            overflowed: of(self.overflowed, other.overflowed),
            slowed: of(self.slowed, other.slowed),
            delayed: of(self.delayed, other.delayed),
            corrupted: of(self.corrupted, other.corrupted),
            held_back: of(self.held_back, other.held_back),
            duplicated: of(self.duplicated, other.duplicated),
            reset: of(self.reset, other.reset),
            cut: of(self.cut, other.cut),
            partitioned: of(self.partitioned, other.partitioned),
            missed: of(self.missed, other.missed),
            dark: of(self.dark, other.dark),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        *self = self.with(other, |one, other| one + other);
    }
}
