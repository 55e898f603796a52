//! The same boots with a root that only reports: what happens before root is
//! mounted, without the minute that a whole system takes.

use super::dhcp::{DHCP4_NETPLAN, dhcp4_target};
use super::static_address::{IPV4_NETPLAN, ipv4_target, remote_root};
use super::{Controller, Scenario, boots};
use crate::host::{HostKind, HostSpec};
use crate::lab::Wiring;
use crate::run::switch_on;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        ipv4(),
        dhcp4(),
        by_agent("agent-static", ipv4()),
        by_agent("agent-dhcp4", dhcp4()),
    ]
}

/// The same with the agent in the initramfs. `configure` finds the one that
/// was built beside it.
fn by_agent(name: &'static str, scripts: Scenario) -> Scenario {
    let mut host = scripts.host.clone();
    host.name = name.to_owned();
    host.configure_args = vec!["--runtime".to_owned(), "agent".to_owned()];
    Scenario {
        name,
        title: if name == "agent-static" {
            "static IPv4 by the agent, into a root that only reports"
        } else {
            "DHCPv4 by the agent, into a root that only reports"
        },
        host,
        ..scripts
    }
}

fn slim(name: &str, netplan: &str) -> HostSpec {
    HostSpec {
        kind: HostKind::Slim,
        ..remote_root(name, netplan, &[Controller::Tcp("10.77.0.1", 4420)])
    }
}

fn ipv4() -> Scenario {
    Scenario {
        name: "slim-static",
        title: "static IPv4 into a root that only reports",
        host: slim("slim-static", IPV4_NETPLAN),
        wiring: Wiring::default(),
        target: Some(ipv4_target()),
        end: boots(),
        disturbed: false,
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/24"]);
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
    }
}

fn dhcp4() -> Scenario {
    Scenario {
        name: "slim-dhcp4",
        title: "DHCPv4 into a root that only reports",
        host: slim("slim-dhcp4", DHCP4_NETPLAN),
        target: Some(dhcp4_target()),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.route(report, "default", "ens3", |r| {
                    r.gateway.as_deref() == Some("10.77.0.1")
                });
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..ipv4()
    }
}
