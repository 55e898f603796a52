//! One row of the fault table, and its scenario on a network.

use std::time::Duration;

use super::networks::Network;
use crate::lab::Wiring;
use crate::scenario::{End, Reason, Scenario};
use crate::trouble::Trouble;

/// Seconds that the agent is given where root can't be mounted.
pub(super) const DEADLINE: u32 = 45;

/// A fault, where it makes sense, and what must come of it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) on: &'static [Network],
    pub(super) trouble: fn(Network) -> Vec<Trouble>,
    pub(super) must: Must,
}

/// What must come of a fault.
#[derive(Clone, Copy)]
pub(super) enum Must {
    /// Root is mounted after so many seconds from switching on at least, and reports
    /// within so many.
    Root(u64, u64),
    /// It reports within so many seconds, with a heartbeat of so many seconds afterwards that meets the fault.
    Beat(u64, u32),
    /// The agent gives up, with this reason.
    Report(fn(Network) -> Reason),
}

/// Seconds between two rounds of the heartbeat.
const PAUSE: u32 = 2;

impl Row {
    pub(super) fn scenario(&self, network: Network) -> Scenario {
        let base = match self.must {
            Must::Beat(..) => network.lasting_scenario(),
            Must::Root(..) | Must::Report(_) => network.scenario(),
        };
        let trouble = (self.trouble)(network);
        let boots = |after: u64, within: u64| End::Boots {
            after: Duration::from_secs(after),
            within: Duration::from_secs(within),
        };
        match self.must {
            Must::Root(after, within) => Scenario {
                trouble,
                end: boots(after, within),
                // The path goes away for a part of that.
                outage: Some(0),
                ..base
            },
            Must::Beat(within, settle) => Scenario {
                trouble,
                end: boots(0, within),
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
