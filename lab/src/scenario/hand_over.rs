//! The running system takes over from the agent, and what may happen to it
//! then.

use std::time::Duration;

use super::dhcp::{dhcp4, dhcp6};
use super::faults::{UP, target_restart};
use super::paths::two_interfaces;
use super::{SETTLE, Scenario, by_agent};
use crate::error::Result;
use crate::host_spec::HostSpec;
use crate::lab::Wiring;
use crate::machine::Need;
use crate::session::{Session, switch_on};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        restarts(),
        returning(),
        reconfigured(),
        ipv4(),
        agent_dhcp4(),
        agent_dhcp6(),
    ]
}

/// The host of a scenario, its image under another name, with the agent.
fn host(scripts: &Scenario, name: &str) -> HostSpec {
    by_agent(HostSpec {
        name: name.to_owned(),
        ..scripts.host.clone()
    })
}

fn ipv4() -> Scenario {
    let scripts = two_interfaces();
    Scenario {
        name: "handover-static",
        title: "static addresses by the agent, two interfaces, handed over",
        needs: &[Need::DebianKernel],
        host: host(&scripts, "handover-static"),
        check: |outcome, faults| {
            (two_interfaces().check)(outcome, faults);
            faults.recorded(outcome, "done");
        },
        ..scripts
    }
}

/// One of two portals is dead while the host boots and returns when it is up:
/// the running system connects it.
fn returning() -> Scenario {
    Scenario {
        name: "returning-path",
        title: "a portal that is dead at boot returns: the second path comes up",
        events: |session| {
            session.start_target()?;
            session.command("ip address del 10.78.0.1/24 dev eth1")?;
            session.start_host()?;
            session.host_says("lab: marker", UP)?;
            session.run_for(Duration::from_secs(10))?;
            session.command("ip address add 10.78.0.1/24 dev eth1")
        },
        check: |outcome, faults| {
            (two_interfaces().check)(outcome, faults);
            faults.recorded(outcome, "done");
            faults.missing(outcome, "10.78.0.1:4420");
        },
        needs: &[],
        ..ipv4()
    }
}

pub(super) fn agent_dhcp4() -> Scenario {
    let scripts = dhcp4();
    Scenario {
        name: "handover-dhcp4",
        title: "DHCPv4 by the agent, the same lease after the hand-off",
        host: host(&scripts, "handover-dhcp4"),
        check: |outcome, faults| {
            (dhcp4().check)(outcome, faults);
            faults.recorded(outcome, "done");
        },
        ..scripts
    }
}

pub(super) fn agent_dhcp6() -> Scenario {
    let scripts = dhcp6();
    Scenario {
        name: "handover-dhcp6",
        title: "DHCPv6 by the agent, the same lease after the hand-off",
        host: host(&scripts, "handover-dhcp6"),
        check: |outcome, faults| {
            (dhcp6().check)(outcome, faults);
            faults.recorded(outcome, "done");
        },
        ..scripts
    }
}

/// The target goes away for 10 s, comes back, and goes away for 60 s, under a
/// beating heart.
pub(super) fn restarts() -> Scenario {
    let scripts = target_restart();
    Scenario {
        name: "target-restarts",
        title: "the target restarts for 10 s and for 60 s",
        host: host(&scripts, "handover-ipv4"),
        wiring: Wiring {
            settle: 210,
            ..Wiring::default()
        },
        outage: Some(60),
        events: |session| {
            switch_on(session)?;
            session.host_says("lab: marker", UP)?;
            target_gone(session, 10)?;
            session.run_for(Duration::from_secs(10))?;
            target_gone(session, 60)
        },
        check: |outcome, faults| {
            (target_restart().check)(outcome, faults);
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                let lines = report.kernel.iter();
                let back = lines.filter(|l| l.contains("Successfully reconnected"));
                let count = back.count();
                faults.expect(count >= 2, || {
                    format!("reconnected {count} times, not twice")
                });
            }
        },
        ..scripts
    }
}

/// The target loses power for so many seconds; returns when the host has found
/// it again.
pub(super) fn target_gone(session: &mut Session, seconds: u64) -> Result<()> {
    let from = session.host_lines();
    session.kill_target();
    session.run_for(Duration::from_secs(seconds))?;
    session.start_target()?;
    session
        .host_says_any(&["Successfully reconnected"], from, UP)
        .map(drop)
}

/// systemd-networkd is restarted, then `netplan apply` is run, as an
/// administrator would.
fn reconfigured() -> Scenario {
    let base = agent_dhcp4();
    Scenario {
        name: "reconfigured",
        title: "networkd restarted and `netplan apply` on the running root",
        wiring: Wiring {
            // `netplan apply` has networkd (257) configure the card twice within
            // half a second. The second time it keeps the lease and waits for the
            // next word of the server, which comes with the renewal after 60 s,
            // before it calls the card configured.
            settle: SETTLE,
            cmdline: "lab.reconfigure".to_owned(),
            ..Wiring::default()
        },
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            if let Some(report) = &outcome.report {
                for mark in ["networkd restarted", "netplan applied"] {
                    let word = mark.replace(' ', "-");
                    faults.expect(report.marks.contains_key(&word), || {
                        format!("the host did not say `{mark}`")
                    });
                }
            }
        },
        ..base
    }
}
