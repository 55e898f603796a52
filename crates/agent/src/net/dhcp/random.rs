//! Random numbers for transaction ids and jitter.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

/// A random source (splitmix64). Transaction ids keep exchanges apart, they
/// are no secret: whoever can answer on the link can also read them.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// With a given seed: the same numbers each time.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Seeded by the system. The standard library's hash keys come from
    /// `getrandom(2)` without blocking, also before the kernel's pool is
    /// initialized, as it often isn't in an initramfs.
    pub fn from_system() -> Self {
        Self(RandomState::new().hash_one(std::process::id()))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `base`, 10 % more or less (RFC 8415, section 15; RFC 2131 spreads by a
    /// second, which is more than our first waits).
    pub fn jitter(&mut self, base: Duration) -> Duration {
        let tenth = u64::try_from(base.as_micros() / 10).unwrap_or(u64::MAX / 2);
        let spread = self.bits() % (2 * tenth + 1);
        (base + Duration::from_micros(spread)).saturating_sub(Duration::from_micros(tenth))
    }
}

/// Waits between tries: a quarter of a second, doubled up to 4 s, jittered.
#[derive(Clone, Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(4);

    pub(super) const fn new() -> Self {
        Self(Self::FIRST)
    }

    /// The wait after this try.
    pub(super) fn step(&mut self, random: &mut Random) -> Duration {
        let wait = random.jitter(self.0);
        self.0 = (self.0 * 2).min(Self::LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_four_seconds() {
        let mut random = Random::seeded(7);
        let mut backoff = Backoff::new();
        for base in [250, 500, 1000, 2000, 4000, 4000] {
            let wait = backoff.step(&mut random).as_millis();
            assert!(
                (base * 9 / 10..=base * 11 / 10).contains(&wait),
                "{wait} ms is not about {base} ms"
            );
        }
    }

    #[test]
    fn two_sources_differ() {
        assert_ne!(Random::from_system().bits(), Random::from_system().bits());
    }
}
