//! Static addresses.

use super::{Controller, InstallerConfig, Scenario, boots, settled};
use crate::host_spec::HostSpec;
use crate::session::switch_on;
use crate::target::{Portal, TargetNetwork, TargetSpec};

pub(super) fn all() -> Vec<Scenario> {
    vec![ipv4(), ipv6(), on_link()]
}

/// The target's side of an IPv4 network, with one portal.
pub(super) fn ipv4_target() -> TargetSpec {
    TargetSpec {
        networks: vec![TargetNetwork {
            addresses: vec![net("10.77.0.1/24")],
            ..TargetNetwork::default()
        }],
        portals: vec![portal("10.77.0.1")],
        ..TargetSpec::default()
    }
}

pub(super) fn net(text: &str) -> ipnet::IpNet {
    text.parse().expect("scenarios name real networks")
}

pub(super) fn portal(address: &str) -> Portal {
    Portal {
        address: address.parse().expect("scenarios name real addresses"),
        port: 4420,
    }
}

/// A host with remote root, its netplan text and its controllers.
pub(super) fn remote_root(name: &str, netplan: &str, controllers: &[Controller]) -> HostSpec {
    let config = InstallerConfig {
        controllers: controllers.to_vec(),
        remote_root: true,
        netplan: Some(netplan.to_owned()),
        ..InstallerConfig::default()
    };
    HostSpec {
        name: name.to_owned(),
        curtin: config.yaml(),
        netplan: config.netplan,
        // Said, because it is not the default: what the scripts do stays tried.
        configure_args: ["--runtime", "scripts"].map(str::to_owned).to_vec(),
        ..HostSpec::default()
    }
}

pub(super) const IPV4_NETPLAN: &str = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/24]
      routes:
      - {to: default, via: 10.77.0.1}
";

pub(super) fn ipv4() -> Scenario {
    Scenario {
        name: "static-ipv4",
        title: "static IPv4 address and default route",
        // Here nvme-stas runs beside a remote root, and must leave it alone.
        host: HostSpec {
            storage_services: true,
            ..remote_root(
                "static-ipv4",
                IPV4_NETPLAN,
                &[Controller::Tcp("10.77.0.1", 4420)],
            )
        },
        wiring: settled(),
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/24"]);
                faults.route(report, "default", "ens3", |r| {
                    r.gateway.as_deref() == Some("10.77.0.1")
                });
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
    }
}

fn ipv6() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: ['fd77::50/64']
      routes:
      - {to: '::/0', via: 'fd77::1'}
";
    let mut target = ipv4_target();
    target.networks[0].addresses = vec![net("fd77::1/64")];
    target.portals = vec![portal("fd77::1")];
    Scenario {
        name: "static-ipv6",
        title: "static IPv6 address and default route",
        host: remote_root("static-ipv6", netplan, &[Controller::Tcp("fd77::1", 4420)]),
        target: Some(target),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["fd77::50/64"]);
                faults.route(report, "default", "ens3", |r| {
                    r.gateway.as_deref() == Some("fd77::1")
                });
                faults.controller(report, "fd77::1", 4420);
            }
        },
        ..ipv4()
    }
}

/// The portal lies outside the host's subnet, and its gateway does too: the
/// route must say that the gateway is on the link.
fn on_link() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/32]
      routes:
      - {to: 192.168.99.1/32, via: 10.77.1.1, on-link: true}
";
    let mut target = ipv4_target();
    target.networks[0].addresses = vec![net("10.77.1.1/16"), net("192.168.99.1/32")];
    target.portals = vec![portal("192.168.99.1")];
    Scenario {
        name: "on-link",
        title: "on-link route to a portal outside the subnet",
        host: remote_root("on-link", netplan, &[Controller::Tcp("192.168.99.1", 4420)]),
        target: Some(target),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/32"]);
                faults.route(report, "192.168.99.1", "ens3", |r| {
                    r.gateway.as_deref() == Some("10.77.1.1") && r.flags.contains(&"onlink".into())
                });
                faults.controller(report, "192.168.99.1", 4420);
            }
        },
        ..ipv4()
    }
}
