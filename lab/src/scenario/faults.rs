//! Things that go wrong for a while.

use std::time::Duration;

use super::dhcp::{DHCP4_NETPLAN, dhcp4_target};
use super::slim::slim;
use super::static_address::{IPV4_NETPLAN, ipv4_target, remote_root};
use super::{Controller, SETTLE, Scenario, boots};
use crate::error::Result;
use crate::lab::Wiring;
use crate::session::{Session, switch_on};

pub(super) fn all() -> Vec<Scenario> {
    vec![target_restart(), late_dhcp()]
}

pub(super) const UP: Duration = Duration::from_secs(420);

/// The target loses power for 10 s under a beating heart.
pub(super) fn target_restart() -> Scenario {
    Scenario {
        name: "target-restart",
        title: "the target restarts while the host runs",
        host: remote_root(
            "target-restart",
            IPV4_NETPLAN,
            &[Controller::Tcp("10.77.0.1", 4420)],
        ),
        // Long enough for a slow target to start again, and for a while after.
        wiring: Wiring {
            settle: 2 * SETTLE,
            ..Wiring::default()
        },
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: Some(10),
        renumbered: false,
        trouble: Vec::new(),
        events: restart_target,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.1", 4420);
                let noticed = report
                    .kernel
                    .iter()
                    .any(|line| line.contains("Reconnecting in"));
                faults.expect(noticed, || "the host did not notice".to_owned());
            }
        },
    }
}

fn restart_target(session: &mut Session) -> Result<()> {
    switch_on(session)?;
    session.host_says("lab: marker", UP)?;
    session.kill_target();
    session.run_for(Duration::from_secs(10))?;
    session.start_target()
}

/// So many seconds after the host's first question the server is there.
const LATE: u64 = 8;

/// The DHCP server is there 8 s after the host asked for the first time.
fn late_dhcp() -> Scenario {
    Scenario {
        name: "late-dhcp",
        title: "the DHCP server starts after the host",
        host: slim("slim-dhcp4", DHCP4_NETPLAN, &["10.77.0.1"]),
        wiring: Wiring::default(),
        target: Some(dhcp4_target()),
        outage: None,
        events: start_dhcp_late,
        check: |outcome, faults| {
            let marks = outcome.marks;
            let waited = marks
                .root
                .zip(marks.premount)
                .map(|(root, asked)| root - asked);
            faults.expect(waited.is_some_and(|waited| waited >= LATE as f64), || {
                format!("root was there {waited:?} s after the question, the server only {LATE} s")
            });
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..target_restart()
    }
}

fn start_dhcp_late(session: &mut Session) -> Result<()> {
    session.start_target()?;
    session.stop_dhcp()?;
    session.start_host()?;
    let asking = "Running /scripts/init-premount";
    session.host_says(asking, UP)?;
    session.run_for(Duration::from_secs(LATE))?;
    session.start_dhcp()
}
