//! Faults that a whole system meets while it takes over, and once it runs.

use super::rows::restart;
use crate::lab::Wiring;
use crate::scenario::{Scenario, hand_over};

pub(super) fn all() -> Vec<Scenario> {
    vec![take_over_static(), take_over_dhcp4()]
}

/// systemd is about to start the network manager.
const TAKES_OVER: &str = "Starting systemd-networkd.service";

/// The target is gone while the running system takes over.
fn take_over_static() -> Scenario {
    let base = hand_over::restarts();
    Scenario {
        name: "fault-target-takeover-static",
        title: "static address: the target restarts while networkd takes over",
        wiring: Wiring {
            settle: 60,
            ..base.wiring
        },
        outage: Some(20),
        trouble: restart(TAKES_OVER, 20),
        events: crate::switch_on,
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/24"]);
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..base
    }
}

/// The DHCP server is gone with the target, and comes back without its leases.
fn take_over_dhcp4() -> Scenario {
    let base = hand_over::agent_dhcp4();
    Scenario {
        name: "fault-target-takeover-dhcp4",
        title: "DHCPv4: the target restarts while networkd takes over",
        outage: Some(20),
        trouble: restart(TAKES_OVER, 20),
        ..base
    }
}
