//! Hosts that can't come up with the agent: its report names the layer, and
//! the initramfs goes on by itself.

use std::time::Duration;

use super::gave_up::gave_up_after;
use super::slim::{SECRET, agent_dhcp4, agent_ipv4, portal_known, secretive_target};
use super::{End, Faults, Outcome, Scenario};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::session::switch_on;
use crate::target::SUBSYSTEM;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        refused(),
        denied(),
        no_namespace(),
        no_card(),
        no_carrier(),
        no_lease(),
        wrong_nqn(),
        wrong_secret(),
    ]
}

/// Seconds that the agent is given: enough for a busy machine to find its card.
const DEADLINE: f64 = 45.0;

/// The target gives up a controller whose secret is wrong, and at times before it
/// has answered the host, whose kernel waits a minute for that (`admin_timeout`).
const SLOW_DEADLINE: f64 = 110.0;

/// The agent gave up in time and its report names the layer (as in the record)
/// in this line; then the initramfs gave up in its own way.
fn gave_up(outcome: &Outcome, faults: &mut Faults, layer: &str, line: &str) {
    gave_up_after(DEADLINE, outcome, faults, layer, line);
}

fn wiring(deadline: f64) -> Wiring {
    Wiring {
        reboot_on_failure: false,
        cmdline: format!("nvmeroot.deadline={deadline:.0}"),
        ..Wiring::default()
    }
}

fn refused() -> Scenario {
    let base = agent_ipv4();
    let mut target = base.target.clone();
    for portal in target.iter_mut().flat_map(|target| &mut target.portals) {
        portal.port = 4421;
    }
    Scenario {
        name: "report-refused",
        title: "report: nothing listens at the portal's port",
        wiring: wiring(DEADLINE),
        target,
        end: End::Stops {
            within: Duration::from_secs(300),
            saying: Vec::new(),
        },
        events: switch_on,
        check: |outcome, faults| {
            let line = "`10.77.0.1:4420`: connection refused: ";
            gave_up(outcome, faults, "refused", line);
        },
        ..base
    }
}

fn denied() -> Scenario {
    let mut target = agent_ipv4().target;
    if let Some(target) = &mut target {
        target.allowed_hosts = vec!["nqn.2014-08.org.example:another".to_owned()];
    }
    Scenario {
        name: "report-denied",
        title: "report: the subsystem does not admit this host",
        target,
        check: |outcome, faults| {
            let line = "`10.77.0.1:4420`: access denied: ";
            gave_up(outcome, faults, "access-denied", line);
        },
        ..refused()
    }
}

fn no_namespace() -> Scenario {
    let mut target = agent_ipv4().target;
    if let Some(target) = &mut target {
        target.empty = true;
    }
    Scenario {
        name: "report-namespace",
        title: "report: the subsystem has no namespace",
        target,
        check: |outcome, faults| {
            let line = "no namespace: `nqn.2014-08.org.example.lab:drive` is connected";
            gave_up(outcome, faults, "no-namespace", line);
        },
        ..refused()
    }
}

fn no_card() -> Scenario {
    Scenario {
        name: "report-card",
        title: "report: no card is the one of the configuration",
        wiring: Wiring {
            slots: vec![FIRST_SLOT + 2],
            ..wiring(DEADLINE)
        },
        target: agent_ipv4().target,
        check: |outcome, faults| gave_up(outcome, faults, "no-card", "`ens3`: no such card: "),
        ..refused()
    }
}

fn no_carrier() -> Scenario {
    Scenario {
        name: "report-carrier",
        title: "report: the cable is not plugged in",
        target: agent_ipv4().target,
        events: |session| {
            switch_on(session)?;
            session.cut(0)
        },
        check: |outcome, faults| gave_up(outcome, faults, "no-carrier", "`ens3`: no carrier: "),
        ..refused()
    }
}

fn no_lease() -> Scenario {
    Scenario {
        name: "report-lease",
        title: "report: no DHCP server answers",
        host: agent_dhcp4().host,
        target: agent_dhcp4().target,
        events: |session| {
            session.start_target()?;
            session.stop_dhcp()?;
            session.start_host()
        },
        check: |outcome, faults| gave_up(outcome, faults, "no-lease", "no lease: "),
        ..refused()
    }
}

fn wrong_nqn() -> Scenario {
    Scenario {
        name: "report-nqn",
        title: "report: the portal has no subsystem of that name",
        host: portal_known("agent-nqn", "nqn.2014-08.org.example.lab:nonesuch", None),
        target: agent_ipv4().target,
        check: |outcome, faults| gave_up(outcome, faults, "wrong-nqn", "wrong NQN: "),
        ..refused()
    }
}

/// What a target asks for that the host does not know.
pub(super) const OTHER_SECRET: &str = "DHHC-1:00:d3Jvbmcga2V5IG9mIHRoZSBsYWIsIDMyIGJ5dGVzISHLBD2Q:";

fn wrong_secret() -> Scenario {
    Scenario {
        name: "report-secret",
        title: "report: the target wants another secret",
        host: portal_known("agent-secret", SUBSYSTEM, Some(SECRET)),
        target: Some(secretive_target(OTHER_SECRET)),
        wiring: wiring(SLOW_DEADLINE),
        check: |outcome, faults| {
            let line = "authentication failed: ";
            gave_up_after(SLOW_DEADLINE, outcome, faults, "authentication", line);
        },
        ..refused()
    }
}
