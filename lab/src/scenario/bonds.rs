//! Root over bonds, and over a VLAN on a bond. By the agent, one by the scripts, into
//! roots that only report; one is handed over to a whole system.

use super::links::{MODE, SWITCH, detail, holds, scenario, stands, target, two_cards};
use super::{SETTLE, Scenario};
use crate::error::Result;
use crate::host_spec::{HostKind, HostSpec};
use crate::lab::Wiring;
use crate::machine::Need;
use crate::session::Session;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        backup(),
        aggregate(),
        strictly_aggregate(),
        vlan_on_bond(),
        vlan_on_bond_by_scripts(),
        handed_over(),
    ]
}

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
        ..agent
    }
}

/// systemd-networkd finds the bond, its members and the VLAN as it would have
/// made them, and lets go of none.
pub(super) fn handed_over() -> Scenario {
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
        ..slim
    }
}
