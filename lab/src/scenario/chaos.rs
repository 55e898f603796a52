//! Boots drawn by lot: a kind of network, and a course of trouble before, while and
//! after root is mounted. A seed says all of it, so it repeats a run.
//!
//! What must hold is the same for each: root is mounted, or the agent says why not, each
//! in its time; under a mounted root no read and no write fails, whatever the network
//! does; in the end all is live again and the machine powers off.

mod draw;
mod episode;

use std::time::Duration;

use super::Reason;
use super::{End, Faults, Outcome, Scenario};
use crate::bond::bonds;
use crate::lab::Wiring;
use crate::trouble::Trouble;

pub use draw::{Plan, UPTIME};

use draw::LONGEST;

/// Seconds between two rounds of its heartbeat.
const PAUSE: u32 = 15;
/// Ports of a bond.
const PORTS: usize = 2;
/// Seconds that a boot may need beside the trouble itself, for each trouble: what the
/// kernel waits for an answer, and its pause before it connects again.
const RECOVERY: u64 = 60;

/// Runs whose seeds once found a fault.
const FOUND: &[u64] = &[1014, 1023];

pub(super) fn found() -> Vec<Scenario> {
    let plans = FOUND.iter().map(|seed| Plan::draw(*seed));
    plans.map(|plan| plan.scenario()).collect()
}

/// In the end every controller is live, also the second of two, and every port of a bond
/// carries.
fn all_is_live(outcome: &Outcome, faults: &mut Faults) {
    let links = outcome
        .report
        .iter()
        .map(|report| report.details.as_slice());
    for bond in links.flat_map(bonds) {
        let fine = bond.ports.len() == PORTS && bond.ports.iter().all(|port| port.carries);
        faults.expect(fine, || {
            format!("in the end a port is missing or down: {bond:?}")
        });
    }
    let controllers = outcome.report.iter().flat_map(|report| &report.controllers);
    for one in controllers.filter(|one| one.state != "live") {
        faults.add(format!("in the end a controller is {}: {one:?}", one.state));
    }
}

impl Plan {
    /// The scenario of this plan.
    pub fn scenario(&self) -> Scenario {
        let base = self.base();
        let deadline = self.deadline;
        // Names live as long as the program.
        let name: &'static str = format!("chaos-{}", self.seed).leak();
        let title: &'static str = format!("drawn by lot: {}", self.network()).leak();
        Scenario {
            name,
            title,
            seed: Some(self.seed),
            wiring: Wiring {
                settle: UPTIME,
                beat: Some(PAUSE),
                reboot_on_failure: false,
                cmdline: format!("nvmeroot.deadline={deadline}"),
                ..base.wiring.clone()
            },
            end: self.end(),
            outage: Some(LONGEST),
            trouble: self.trouble(),
            check: all_is_live,
            ..base
        }
    }

    /// Root must come where there is time for it beside all trouble of the boot.
    fn end(&self) -> End {
        let deadline = u64::from(self.deadline);
        let trouble =
            self.trouble_of_boot().as_secs() + RECOVERY * (1 + self.boot().count() as u64);
        if trouble < deadline {
            let within = Duration::from_secs(deadline + 60);
            let after = Duration::ZERO;
            return End::Boots { after, within };
        }
        // What comes up after root is mounted may meet all of it again.
        let within = Duration::from_secs(deadline + trouble);
        End::BootsOrGivesUp {
            within,
            deadline: self.deadline,
            reasons: vec![
                Reason::CARRIER,
                Reason::LEASE,
                Reason::ROUTE,
                Reason::TIMEOUT,
                Reason::REFUSED,
                Reason::PROTOCOL,
                Reason::NAMESPACE,
            ],
        }
    }

    /// What goes wrong, in the order of the plan.
    pub fn trouble(&self) -> Vec<Trouble> {
        let episodes = self.episodes.iter();
        episodes
            .flat_map(|episode| episode.trouble(self.cards()))
            .collect()
    }
}
