//! Root over links on links: VLANs, bonds, bridges; large frames; a second
//! table; several netplan files. By the agent, one by the scripts, into roots
//! that only report; one is handed over to a whole system.

use super::slim::{agent_ipv4, slim};
use super::static_address::{ipv4_target, net, portal};
use super::{Controller, Faults, InstallerConfig, Outcome, SETTLE, Scenario, by_agent};
use crate::error::Result;
use crate::host_spec::{HostKind, HostSpec, TreeFile};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::machine::Need;
use crate::session::{Session, switch_on};
use crate::target::{TargetNetwork, TargetSpec};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        vlan(),
        backup(),
        aggregate(),
        strictly_aggregate(),
        vlan_on_bond(),
        vlan_on_bond_by_scripts(),
        handed_over(),
        bridge(),
        vrf(),
        jumbo(),
        policy(),
        files(),
    ]
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
fn stands(outcome: &Outcome, faults: &mut Faults, link: &str, path: &str, expected: &str) {
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

fn detail(outcome: &Outcome, faults: &mut Faults, link: &str, path: &str, expected: &str) {
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
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
  vlans:
    storage:
      id: 7
      link: ens3
      addresses: [10.77.0.50/24]
";
    let setup = "ip link add link eth0 name eth0.7 type vlan id 7\nip link set eth0.7 up";
    Scenario {
        target: Some(target("eth0.7", setup, 1)),
        check: |outcome, faults| {
            holds(outcome, faults, "storage", "/linkinfo/info_data/id", "7");
        },
        ..scenario("agent-vlan", "root over a VLAN", netplan)
    }
}

/// The target's two cards are ports of a switch.
pub(super) const SWITCH: &str = "\
ip link add name br0 type bridge
ip link set eth0 master br0
ip link set eth1 master br0
ip link set br0 up";

/// The target's two cards are a bond, as a switch's would be.
const AGGREGATE: &str = "\
ip link set eth0 down
ip link set eth1 down
echo 802.3ad >/sys/class/net/bond0/bonding/mode
echo 100 >/sys/class/net/bond0/bonding/miimon
echo fast >/sys/class/net/bond0/bonding/lacp_rate
echo +eth0 >/sys/class/net/bond0/bonding/slaves
echo +eth1 >/sys/class/net/bond0/bonding/slaves
ip link set bond0 up";

/// No packet gets anywhere before the ports are agreed on, as by a switch that lets no
/// single port pass: Linux's bond does, so whoever asks for the target's neighbour
/// hears nothing till then (`arp_ignore`, ip-sysctl.rst). 63 is all that is good:
/// active, fast, aggregated, in sync, collecting and distributing (`Actor_State`,
/// IEEE 802.1AX-2014, 6.4.2.3).
const STRICT: &str = "\
echo 8 >/proc/sys/net/ipv4/conf/all/arp_ignore
(
    until grep -A 9 'details actor' /proc/net/bonding/bond0 | grep -q 'port state: 63'; do
        sleep 0.1
    done
    echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore
) &";

/// The first cable, which is the preferred one, is not plugged in.
fn without_the_first_cable(session: &mut Session) -> Result<()> {
    session.start_target()?;
    session.start_host()?;
    session.cut(0)
}

fn backup() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
    ens4: {}
    absent: {match: {macaddress: '02:00:00:00:00:99'}}
  bonds:
    bond0:
      interfaces: [ens3, ens4, absent]
      addresses: [10.77.0.50/24]
      parameters: {mode: active-backup, mii-monitor-interval: 100, primary: ens3}
";
    Scenario {
        wiring: two_cards(),
        target: Some(target("br0", SWITCH, 2)),
        events: without_the_first_cable,
        check: |outcome, faults| {
            holds(outcome, faults, "bond0", MODE, "active-backup");
            let active = "/linkinfo/info_data/active_slave";
            detail(outcome, faults, "bond0", active, "ens4");
            detail(
                outcome,
                faults,
                "bond0",
                "/linkinfo/info_data/primary",
                "ens3",
            );
        },
        ..scenario(
            "agent-bond-backup",
            "root over a bond, one port dead and one card absent",
            netplan,
        )
    }
}

fn aggregate() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
    ens4: {}
  bonds:
    bond0:
      interfaces: [ens3, ens4]
      addresses: [10.77.0.50/24]
      parameters:
        mode: 802.3ad
        lacp-rate: fast
        mii-monitor-interval: 100
        transmit-hash-policy: layer3+4
        min-links: 1
";
    Scenario {
        wiring: two_cards(),
        target: Some(target("bond0", AGGREGATE, 2)),
        check: |outcome, faults| {
            holds(outcome, faults, "bond0", MODE, "802.3ad");
            let ports = "/linkinfo/info_data/ad_info/num_ports";
            detail(outcome, faults, "bond0", ports, "2");
            let policy = "/linkinfo/info_data/xmit_hash_policy";
            detail(outcome, faults, "bond0", policy, "layer3+4");
            // The target's bond takes part.
            faults.step(outcome, "bond0", "aggregate", |step| step.state == "done");
        },
        ..scenario("agent-bond-lacp", "root over a bond by LACP", netplan)
    }
}

/// The switch lets nothing pass before both sides have agreed.
fn strictly_aggregate() -> Scenario {
    let name = "agent-bond-lacp-strict";
    let setup = format!("{AGGREGATE}\n{STRICT}");
    let free = aggregate();
    Scenario {
        name,
        title: "root over a bond by LACP, nothing passes before both sides agree",
        host: HostSpec {
            name: name.to_owned(),
            ..free.host
        },
        target: Some(target("bond0", &setup, 2)),
        ..free
    }
}

fn vlan_on_bond() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
    ens4: {}
  bonds:
    bond0:
      interfaces: [ens3, ens4]
      parameters: {mode: active-backup, mii-monitor-interval: 100}
  vlans:
    bond0.7:
      id: 7
      link: bond0
      addresses: [10.77.0.50/24]
";
    const SETUP: &str = "\
ip link add name br0 type bridge
ip link set eth0 master br0
ip link set eth1 master br0
ip link set br0 up
ip link add link br0 name br0.7 type vlan id 7
ip link set br0.7 up";
    Scenario {
        wiring: two_cards(),
        target: Some(target("br0.7", SETUP, 2)),
        check: |outcome, faults| {
            holds(outcome, faults, "bond0.7", "/link", "bond0");
            detail(outcome, faults, "bond0", MODE, "active-backup");
        },
        needs: &[Need::DebianKernel],
        seed: None,
        ..scenario("agent-vlan-on-bond", "root over a VLAN on a bond", netplan)
    }
}

fn vlan_on_bond_by_scripts() -> Scenario {
    let agent = vlan_on_bond();
    Scenario {
        name: "slim-vlan-on-bond",
        title: "root over a VLAN on a bond, by the scripts",
        host: HostSpec {
            name: "slim-vlan-on-bond".to_owned(),
            configure_args: ["--runtime", "scripts"].map(str::to_owned).to_vec(),
            ..agent.host
        },
        check: |outcome, faults| {
            stands(outcome, faults, "bond0.7", "/link", "bond0");
            detail(outcome, faults, "bond0", MODE, "active-backup");
        },
        needs: &[],
        seed: None,
        ..agent
    }
}

/// systemd-networkd finds the bond, its members and the VLAN as it would have
/// made them, and lets go of none.
fn handed_over() -> Scenario {
    let slim = vlan_on_bond();
    Scenario {
        name: "handover-vlan-on-bond",
        title: "a VLAN on a bond by the agent, handed over",
        host: HostSpec {
            name: "handover-vlan-on-bond".to_owned(),
            kind: HostKind::Debian,
            ..slim.host
        },
        wiring: Wiring {
            settle: SETTLE,
            ..slim.wiring
        },
        needs: &[],
        seed: None,
        ..slim
    }
}

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
    let file = |name: &str, text: &str| TreeFile {
        path: format!("etc/netplan/{name}"),
        mode: 0o600,
        text: format!("network:\n  ethernets:\n    ens3:\n      {text}\n"),
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
