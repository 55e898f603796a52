//! Root over links on links: VLANs and bridges; large frames; a second table;
//! several netplan files. By the agent, into roots that only report.

use super::slim::{agent_ipv4, slim};
use super::static_address::{ipv4_target, net, portal};
use super::{Controller, Faults, InstallerConfig, Outcome, Scenario, by_agent};
use crate::host_spec::{HostSpec, TreeFile};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::session::switch_on;
use crate::target::{TargetNetwork, TargetSpec};

pub(super) fn all() -> Vec<Scenario> {
    vec![vlan(), bridge(), vrf(), jumbo(), policy(), files()]
}

pub(super) fn two_cards() -> Wiring {
    Wiring {
        slots: vec![FIRST_SLOT, FIRST_SLOT + 1],
        ..Wiring::default()
    }
}

/// Root's portal at 10.77.0.1, on what the target makes of its cards.
pub(super) fn target(device: &'static str, setup: &str, cards: usize) -> TargetSpec {
    let mut target = ipv4_target();
    target.networks = vec![TargetNetwork::default(); cards];
    if let Some(last) = target.networks.last_mut() {
        last.setup = setup.to_owned();
        last.device = Some(device);
        last.addresses = vec![net("10.77.0.1/24")];
    }
    target
}

pub(super) fn scenario(name: &'static str, title: &'static str, netplan: &str) -> Scenario {
    Scenario {
        name,
        title,
        host: by_agent(slim(name, netplan, &["10.77.0.1"])),
        ..agent_ipv4()
    }
}

/// The address is there, root is connected, and a detail of a link is so.
pub(super) fn stands(
    outcome: &Outcome,
    faults: &mut Faults,
    link: &str,
    path: &str,
    expected: &str,
) {
    if let Some(report) = &outcome.report {
        faults.addresses(report, link, &["10.77.0.50/24"]);
        faults.controller(report, "10.77.0.1", 4420);
    }
    detail(outcome, faults, link, path, expected);
}

/// The same by the agent, which says so.
pub(super) fn holds(
    outcome: &Outcome,
    faults: &mut Faults,
    link: &str,
    path: &str,
    expected: &str,
) {
    stands(outcome, faults, link, path, expected);
    faults.recorded(outcome, "done");
}

pub(super) fn detail(
    outcome: &Outcome,
    faults: &mut Faults,
    link: &str,
    path: &str,
    expected: &str,
) {
    let Some(report) = &outcome.report else {
        return;
    };
    let found = report.detail(link, path).map(|value| {
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| value.to_string())
    });
    faults.expect(found.as_deref() == Some(expected), || {
        format!("`{link}` has {found:?} as `{path}`, not {expected}")
    });
}

pub(super) const MODE: &str = "/linkinfo/info_data/mode";

pub(super) fn vlan() -> Scenario {
    vlan_on("{}")
}

/// The same with what netplan is told of the card.
pub(super) fn vlan_on(card: &str) -> Scenario {
    let netplan = format!(
        "\
network:
  version: 2
  ethernets:
    ens3: {card}
  vlans:
    storage:
      id: 7
      link: ens3
      addresses: [10.77.0.50/24]
"
    );
    let setup = "ip link add link eth0 name eth0.7 type vlan id 7\nip link set eth0.7 up";
    Scenario {
        target: Some(target("eth0.7", setup, 1)),
        check: |outcome, faults| {
            holds(outcome, faults, "storage", "/linkinfo/info_data/id", "7");
        },
        ..scenario("agent-vlan", "root over a VLAN", &netplan)
    }
}

/// The target's two cards are ports of a switch.
pub(super) const SWITCH: &str = "\
ip link add name br0 type bridge
ip link set eth0 master br0
ip link set eth1 master br0
ip link set br0 up";

fn bridge() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
  bridges:
    br0:
      interfaces: [ens3]
      addresses: [10.77.0.50/24]
      parameters: {stp: true, forward-delay: 4, path-cost: {ens3: 50}}
";
    Scenario {
        check: |outcome, faults| {
            let delay = "/linkinfo/info_data/forward_delay";
            holds(outcome, faults, "br0", delay, "400");
            detail(outcome, faults, "br0", "/linkinfo/info_data/stp_state", "1");
            detail(
                outcome,
                faults,
                "ens3",
                "/linkinfo/info_slave_data/cost",
                "50",
            );
        },
        ..scenario(
            "agent-bridge",
            "root over a bridge with the spanning tree protocol",
            netplan,
        )
    }
}

/// Outside of the VRF nothing leads to the portal.
fn vrf() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/24]
  vrfs:
    storage:
      table: 100
      interfaces: [ens3]
      routes: [{to: 10.99.0.0/24, via: 10.77.0.1}]
";
    let base = scenario("agent-vrf", "root in a VRF, behind a router", netplan);
    let mut target = target("eth0", "ip address add 10.99.0.1/32 dev lo", 1);
    target.portals = vec![portal("10.99.0.1")];
    Scenario {
        host: by_agent(slim("agent-vrf", netplan, &["10.99.0.1"])),
        target: Some(target),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/24"]);
                faults.controller(report, "10.99.0.1", 4420);
                faults.route(report, "10.99.0.0/24", "ens3", |route| {
                    route.table.as_deref() == Some("100")
                });
            }
            detail(outcome, faults, "ens3", "/master", "storage");
            detail(
                outcome,
                faults,
                "storage",
                "/linkinfo/info_data/table",
                "100",
            );
            faults.recorded(outcome, "done");
        },
        ..base
    }
}

/// What is asserted is a packet, not a setting: 8,900 bytes that may not be
/// fragmented, there and back.
fn jumbo() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
  vlans:
    storage:
      id: 7
      link: ens3
      mtu: 9000
      addresses: [10.77.0.50/24]
";
    let setup = "\
ip link set eth0 mtu 9000
ip link add link eth0 name eth0.7 type vlan id 7
ip link set eth0.7 up";
    Scenario {
        wiring: Wiring {
            // With 28 bytes of headers.
            cmdline: "lab.ping=10.77.0.1,8872".to_owned(),
            ..Wiring::default()
        },
        target: Some(target("eth0.7", setup, 1)),
        check: |outcome, faults| {
            holds(outcome, faults, "storage", "/mtu", "9000");
            detail(outcome, faults, "ens3", "/mtu", "9000");
            if let Some(report) = &outcome.report {
                let back = report
                    .ping
                    .iter()
                    .any(|line| line.starts_with("8880 bytes from"));
                faults.expect(back, || format!("no answer: {:?}", report.ping));
            }
        },
        ..scenario(
            "agent-jumbo",
            "packets of 8,900 bytes, the card raised to what its VLAN says",
            netplan,
        )
    }
}

/// What comes from the address goes by a table of its own.
fn policy() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/24]
      routes:
      - {to: 10.77.0.0/24, scope: link, table: 200}
      - {to: default, via: 10.77.0.1, table: 200}
      routing-policy:
      - {from: 10.77.0.50, table: 200, priority: 500}
";
    Scenario {
        check: |outcome, faults| {
            let Some(report) = &outcome.report else {
                return;
            };
            faults.addresses(report, "ens3", &["10.77.0.50/24"]);
            faults.controller(report, "10.77.0.1", 4420);
            faults.route(report, "default", "ens3", |route| {
                route.table.as_deref() == Some("200")
            });
            let rule = |line: &String| {
                line.starts_with("500:") && line.contains("from 10.77.0.50 lookup 200")
            };
            faults.expect(report.rules.iter().any(rule), || {
                format!("no such rule among {:?}", report.rules)
            });
        },
        ..scenario("agent-policy", "a rule and a second table", netplan)
    }
}

/// The address comes from the first file, its route from the second, the MTU
/// that counts from the third.
fn files() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3:
      mtu: 1400
      addresses: [10.77.0.50/24]
";
    let file = |name: &str, text: &str| {
        TreeFile::new(
            format!("etc/netplan/{name}"),
            0o600,
            format!("network:\n  ethernets:\n    ens3:\n      {text}\n"),
        )
    };
    let files = vec![
        file(
            "50-routes.yaml",
            "routes: [{to: 10.99.0.0/24, via: 10.77.0.1}]",
        ),
        file("90-mtu.yaml", "mtu: 1450"),
    ];
    let base = scenario("agent-files", "three netplan files, merged", netplan);
    let mut target = target("eth0", "ip address add 10.99.0.1/32 dev lo", 1);
    target.portals = vec![portal("10.99.0.1")];
    let installer = InstallerConfig {
        controllers: vec![Controller::Tcp("10.99.0.1", 4420)],
        remote_root: true,
        netplan: Some(netplan.to_owned()),
        files: files.clone(),
        ..InstallerConfig::default()
    };
    Scenario {
        host: HostSpec {
            curtin: installer.yaml(),
            files,
            ..base.host
        },
        target: Some(target),
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/24"]);
                faults.route(report, "10.99.0.0/24", "ens3", |_| true);
                faults.controller(report, "10.99.0.1", 4420);
            }
            detail(outcome, faults, "ens3", "/mtu", "1450");
            faults.recorded(outcome, "done");
        },
        ..base
    }
}
