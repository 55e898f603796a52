//! What is waited for takes minutes, by the clock of the machines.

use std::time::Duration;

use super::faults::UP;
use super::hand_over::{agent_dhcp4, restarts, target_gone};
use super::late::{at_once, target_after};
use super::slim::agent_ipv4;
use super::{End, Scenario};
use crate::lab::Wiring;
use crate::session::switch_on;

pub(super) fn all() -> Vec<Scenario> {
    vec![target_150(), lease(), outage()]
}

/// The target is switched on 150 s after the host, which waits 180 s by
/// default.
fn target_150() -> Scenario {
    Scenario {
        name: "late-target-150",
        title: "the target is switched on 150 s after the host",
        end: End::Boots {
            after: Duration::from_secs(150),
            within: Duration::from_secs(360),
        },
        events: |session| target_after(session, 150),
        check: |outcome, faults| {
            (agent_ipv4().check)(outcome, faults);
            at_once(outcome, faults, "lab: target ready");
        },
        ..agent_ipv4()
    }
}

/// Seconds for which the host runs with leases of 120 s.
const LEASES: u32 = 400;

/// Leases of 120 s, renewed for more than 6 minutes.
fn lease() -> Scenario {
    let base = agent_dhcp4();
    Scenario {
        name: "lease",
        title: "a lease of 120 s, renewed over more than 6 minutes",
        wiring: Wiring {
            settle: LEASES,
            ..base.wiring
        },
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            let renewed = outcome.target_console.iter();
            let renewed = renewed
                .filter(|line| line.text.contains("DHCPACK("))
                .count();
            // The agent's, and one about every 60 s.
            faults.expect(renewed >= 5, || format!("only {renewed} times DHCPACK"));
        },
        ..base
    }
}

/// Seconds of the longest outage: longer than the 600 s after which the kernel
/// gives a controller up by default (NVMF_DEF_CTRL_LOSS_TMO).
const OUTAGE: u32 = 720;

/// The target is gone for 12 minutes.
fn outage() -> Scenario {
    let base = restarts();
    Scenario {
        name: "outage",
        title: "the target is gone for 12 minutes",
        wiring: Wiring {
            settle: OUTAGE + 150,
            // Each task that hangs is told, not the first ten alone.
            cmdline: "sysctl.kernel.hung_task_warnings=-1".to_owned(),
            ..base.wiring
        },
        outage: Some(OUTAGE),
        events: |session| {
            switch_on(session)?;
            session.host_says("lab: marker", UP)?;
            target_gone(session, OUTAGE.into())
        },
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
