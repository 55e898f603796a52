//! The fault table: kinds of network × what can go wrong, with what must come of it.
//! Roots that only report; what concerns the running system is in [`running`].
//!
//! Each [`Row`] is one fault, on the networks where it makes sense. A scenario's name is
//! `fault-ROW-NETWORK`. All scenarios of a network share its image.

mod leases;
mod networks;
pub(super) mod phases;
mod rows;
mod running;

use std::sync::LazyLock;
use std::time::Duration;

use super::gave_up::Reason;
use super::{End, Scenario};
use crate::lab::Wiring;
use crate::trouble::Trouble;
pub(super) use networks::Network;

/// Seconds that the agent is given where root can't be mounted.
const DEADLINE: u32 = 45;

/// A fault, where it makes sense, and what must come of it.
struct Row {
    name: &'static str,
    title: &'static str,
    on: &'static [Network],
    trouble: fn(Network) -> Vec<Trouble>,
    must: Must,
}

/// What must come of a fault.
#[derive(Clone, Copy)]
enum Must {
    /// Root is mounted and reports within so many seconds from switching on.
    Root(u64),
    /// The same, with a heartbeat of so many seconds afterwards that meets the fault.
    Beat(u64, u32),
    /// The agent gives up, with this reason.
    Report(fn(Network) -> Reason),
}

/// Seconds between two rounds of the heartbeat.
const PAUSE: u32 = 2;

pub(super) fn all() -> Vec<Scenario> {
    // Names live as long as the program.
    static CASES: LazyLock<Vec<(String, String, &'static Row, Network)>> = LazyLock::new(|| {
        let rows = rows::ROWS.iter();
        let cases = rows.flat_map(|row| row.on.iter().map(move |network| (row, *network)));
        let named = cases.map(|(row, network)| {
            let name = format!("fault-{}-{}", row.name, network.name());
            (
                name,
                format!("{}: {}", network.title(), row.title),
                row,
                network,
            )
        });
        named.collect()
    });
    let cases = CASES.iter().map(|(name, title, row, network)| Scenario {
        name,
        title,
        ..row.scenario(*network)
    });
    cases.chain(leases::all()).chain(running::all()).collect()
}

impl Row {
    fn scenario(&self, network: Network) -> Scenario {
        let base = match self.must {
            Must::Beat(..) => network.lasting_scenario(),
            Must::Root(_) | Must::Report(_) => network.scenario(),
        };
        let trouble = (self.trouble)(network);
        let seconds = Duration::from_secs;
        match self.must {
            Must::Root(within) => Scenario {
                trouble,
                end: End::Boots {
                    within: seconds(within),
                },
                // The path goes away for a part of that.
                outage: Some(0),
                ..base
            },
            Must::Beat(within, settle) => Scenario {
                trouble,
                end: End::Boots {
                    within: seconds(within),
                },
                wiring: Wiring {
                    settle,
                    beat: Some(PAUSE),
                    ..base.wiring
                },
                outage: Some(settle / 2),
                ..base
            },
            Must::Report(reason) => Scenario {
                trouble,
                wiring: Wiring {
                    reboot_on_failure: false,
                    cmdline: format!("nvmeroot.deadline={DEADLINE}"),
                    ..base.wiring
                },
                end: End::GivesUp {
                    deadline: DEADLINE,
                    reasons: vec![reason(network)],
                },
                check: |_, _| {},
                ..base
            },
        }
    }
}
