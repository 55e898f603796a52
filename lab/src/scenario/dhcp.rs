//! Addresses from a DHCP server.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::static_address::{ipv4_target, net, portal, remote_root};
use super::{Controller, Scenario, boots, settled};
use crate::session::switch_on;
use crate::target::{TargetNetwork, TargetSpec};

pub(super) fn all() -> Vec<Scenario> {
    vec![dhcp4(), dhcp6()]
}

pub(super) const DHCP4_NETPLAN: &str = "\
network:
  version: 2
  ethernets:
    ens3: {dhcp4: true}
";

/// The target with a DHCPv4 server whose leases end within the scenario.
pub(super) fn dhcp4_target() -> TargetSpec {
    let mut target = ipv4_target();
    let router = Ipv4Addr::new(10, 77, 0, 1);
    target.networks[0].dhcp4 = Some((
        Ipv4Addr::new(10, 77, 0, 100),
        Ipv4Addr::new(10, 77, 0, 150),
        Some(router),
    ));
    target.networks[0].lease = 120;
    target
}

pub(super) fn dhcp4() -> Scenario {
    Scenario {
        name: "dhcp4",
        title: "DHCPv4, the same lease after the hand-off",
        host: remote_root(
            "dhcp4",
            DHCP4_NETPLAN,
            &[Controller::Tcp("10.77.0.1", 4420)],
        ),
        wiring: settled(),
        target: Some(dhcp4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.leased(report, "ens3", "10.77.0.0/24");
                faults.route(report, "default", "ens3", |r| {
                    r.gateway.as_deref() == Some("10.77.0.1")
                });
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
    }
}

pub(super) const DHCP6_NETPLAN: &str = "\
network:
  version: 2
  ethernets:
    ens3: {dhcp6: true}
";

/// The target with a DHCPv6 server and router advertisements.
pub(super) fn dhcp6_target() -> TargetSpec {
    let last = |word| Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, word);
    TargetSpec {
        networks: vec![TargetNetwork {
            addresses: vec![net("fd77::1/64")],
            dhcp6: Some((last(0x100), last(0x1ff))),
            lease: 120,
            ..TargetNetwork::default()
        }],
        portals: vec![portal("fd77::1")],
        ..TargetSpec::default()
    }
}

pub(super) fn dhcp6() -> Scenario {
    Scenario {
        name: "dhcp6",
        title: "DHCPv6 with router advertisements, the same lease after the hand-off",
        host: remote_root("dhcp6", DHCP6_NETPLAN, &[Controller::Tcp("fd77::1", 4420)]),
        target: Some(dhcp6_target()),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.leased(report, "ens3", "fd77::/64");
                faults.controller(report, "fd77::1", 4420);
            }
        },
        ..dhcp4()
    }
}
