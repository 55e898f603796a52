//! What a seed stands for.

use std::fmt;
use std::time::Duration;

use machinesim::wire::{Bandwidth, Faults, Reorder, Reset, Share};
use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64;

use super::super::paths;
use super::super::table::{Network, phases};
use super::super::{Scenario, by_agent, reporting};
use super::episode::{Episode, Kind};
use crate::host_spec::HostSpec;
use crate::machine::Who;
use crate::trouble::{Direction, When};

/// Seconds that a root runs.
pub const UPTIME: u32 = 1800;
/// Seconds of the longest single disturbance.
pub(super) const LONGEST: u32 = 120;

/// How long before the end of the run all is quiet, in seconds.
const QUIET: u32 = 300;

/// A run that was drawn by lot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// From this comes everything.
    pub seed: u64,
    /// `None` is two cards with a portal each.
    network: Option<Network>,
    /// Seconds that the agent is given.
    pub(super) deadline: u32,
    pub(super) episodes: Vec<Episode>,
}

impl Plan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64) -> Plan {
        let mut dice = Dice(Pcg64::seed_from_u64(seed));
        // Each kind in turn: neighbouring seeds try all of them.
        let kinds = Network::ALL.len() as u64 + 1;
        let network = Network::ALL.get((seed % kinds) as usize).copied();
        let deadline = dice.one_of(&[180, 180, 300]);
        let cards = network.map_or(2, Network::cards);
        let mut episodes: Vec<Episode> = (0..dice.below(4)).map(|_| dice.boot(cards)).collect();
        serialise(&mut episodes);
        // What is wrong on wires takes the place of what was wrong before, so under a
        // running root there is one disturbance in each stretch of time.
        let stretches = dice.between(1, 6) as u32;
        let each = (UPTIME - QUIET) / stretches;
        episodes.extend((0..stretches).map(|number| {
            let lead = dice.between(1, u64::from(each / 3));
            let after = Duration::from_secs(u64::from(number * each) + lead);
            let room = Duration::from_secs(u64::from(each) - lead);
            let kind = dice.kind(cards, 5);
            Episode {
                begins: When::Says(phases::MARKER, after),
                lasts: dice.length().min(room),
                kind,
            }
        }));
        Plan {
            seed,
            network,
            deadline,
            episodes,
        }
    }

    /// What the host's network is.
    pub fn network(&self) -> &'static str {
        self.network.map_or("two portals", Network::title)
    }

    pub(super) fn cards(&self) -> usize {
        self.network.map_or(2, Network::cards)
    }

    /// The same host and target without trouble.
    pub(super) fn base(&self) -> Scenario {
        match self.network {
            Some(network) => network.lasting_scenario(),
            None => two_portals(),
        }
    }

    /// The disturbances of the boot.
    pub(super) fn boot(&self) -> impl Iterator<Item = &Episode> {
        self.episodes.iter().filter(|episode| episode.is_of_boot())
    }

    /// How long the boot is disturbed at most: one disturbance after the other.
    pub(super) fn trouble_of_boot(&self) -> Duration {
        self.boot().map(|episode| episode.lasts).sum()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, deadline, .. } = self;
        write!(f, "seed {seed}: {}, deadline {deadline} s", self.network())?;
        for episode in &self.episodes {
            write!(f, "\n  {episode}")?;
        }
        Ok(())
    }
}

fn two_portals() -> Scenario {
    let base = paths::two_interfaces();
    Scenario {
        host: reporting(by_agent(HostSpec {
            name: "agent-two-networks".to_owned(),
            ..base.host
        })),
        ..base
    }
}

/// Of the disturbances of wires, each begins when the one before is over.
fn serialise(episodes: &mut [Episode]) {
    let mut free = Duration::ZERO;
    for episode in episodes {
        if let (Kind::Wire(..), When::On(at)) = (&episode.kind, &mut episode.begins) {
            *at = free.max(*at);
            free = *at + episode.lasts;
        }
    }
}

struct Dice(Pcg64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end.max(1)
    }

    fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn millis(&mut self, first: u64, last: u64) -> Duration {
        Duration::from_millis(self.between(first, last))
    }

    /// A disturbance of a boot.
    fn boot(&mut self, cards: usize) -> Episode {
        let kind = self.kind(cards, 6);
        let begins = match (&kind, self.below(2)) {
            // At a time, so that no two of them meet.
            (Kind::Wire(..), _) | (_, 0) => When::On(self.millis(0, 1500)),
            _ => When::Says(self.one_of(phases::OF_BOOT), Duration::ZERO),
        };
        Episode {
            begins,
            lasts: self.length(),
            kind,
        }
    }

    /// Long ones are rare.
    fn length(&mut self) -> Duration {
        let most = self.one_of(&[5, 20, 40, LONGEST]);
        self.millis(1000, u64::from(most) * 1000)
    }

    /// One of the first so many kinds.
    fn kind(&mut self, cards: usize, kinds: u64) -> Kind {
        match self.below(kinds) {
            0 => Kind::Target,
            1 if cards > 1 && self.below(2) == 0 => Kind::Cable(self.below(cards as u64) as usize),
            1 => Kind::Cables,
            2..=4 => Kind::Wire(self.direction(), self.faults()),
            _ => Kind::Dhcp,
        }
    }

    fn direction(&mut self) -> Direction {
        let all = [
            Direction::Both,
            Direction::Both,
            Direction::From(Who::Host),
            Direction::From(Who::Target),
        ];
        self.one_of(&all)
    }

    fn faults(&mut self) -> Faults {
        let none = Faults::default();
        let share = Share::percent(self.between(1, 60) as u32);
        match self.below(8) {
            0 => Faults::loss(Share::ALL),
            1 => Faults::loss(share),
            2 => Faults {
                delay: self.millis(1, 500),
                jitter: self.millis(0, 300),
                ..none
            },
            3 => Faults {
                duplicate: share,
                reorder: Some(Reorder {
                    share,
                    by: self.millis(1, 50),
                }),
                ..none
            },
            4 => Faults {
                corrupt: Share::percent(self.between(1, 20) as u32),
                ..none
            },
            5 => Faults {
                mtu: Some(self.between(600, 1480) as usize),
                ..none
            },
            6 => Faults {
                reset: Some(Reset {
                    after: 1 << self.between(6, 20),
                    port: None,
                }),
                ..none
            },
            _ => Faults {
                bandwidth: Some(Bandwidth {
                    bits_per_second: 100_000 << self.below(7),
                    queue: self.millis(20, 400),
                }),
                ..none
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_one_plan() {
        for seed in 0..500 {
            assert_eq!(Plan::draw(seed), Plan::draw(seed));
        }
        assert_ne!(Plan::draw(7).episodes, Plan::draw(14).episodes);
    }

    #[test]
    fn all_is_quiet_before_the_end() {
        for seed in 0..500 {
            let plan = Plan::draw(seed);
            for episode in &plan.episodes {
                assert!(episode.lasts <= Duration::from_secs(LONGEST.into()));
                if let When::Says(phases::MARKER, after) = episode.begins {
                    let over = (after + episode.lasts).as_secs();
                    assert!(over <= u64::from(UPTIME - QUIET), "{plan}");
                }
            }
        }
    }

    #[test]
    fn no_disturbance_of_a_booting_wire_ends_another() {
        for seed in 0..500 {
            let plan = Plan::draw(seed);
            let mut free = Duration::ZERO;
            for episode in plan.boot() {
                let Kind::Wire(..) = episode.kind else {
                    continue;
                };
                let When::On(at) = episode.begins else {
                    panic!("begins with a word: {plan}");
                };
                assert!(at >= free, "{plan}");
                free = at + episode.lasts;
            }
        }
    }

    /// Else the campaign would try less than it says.
    #[test]
    fn everything_is_drawn() {
        let plans: Vec<Plan> = (0..500).map(Plan::draw).collect();
        let text: String = plans.iter().map(Plan::to_string).collect();
        for word in [
            "no power",
            "all cables",
            "card 1 is out",
            "no DHCP",
            "mtu: Some",
            "reset: Some",
            "bandwidth: Some",
            "from the host",
            "from the target",
            "two portals",
            "bond",
        ] {
            assert!(text.contains(word), "{word}");
        }
    }
}
