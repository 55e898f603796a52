//! The same boots with a root that only reports: what happens before root is
//! mounted, without the minute that a whole system takes.

use std::net::Ipv6Addr;

use super::dhcp::{DHCP4_NETPLAN, DHCP6_NETPLAN, dhcp4_target, dhcp6_target};
use super::paths::two_networks;
use super::static_address::{IPV4_NETPLAN, ipv4_target, net, portal, remote_root};
use super::{Controller, Scenario, boots, by_agent, reporting};
use crate::host_spec::{HOST_ID, HOST_NQN, HostSpec, TreeFile};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::machine::Need;
use crate::session::switch_on;
use crate::target::{SUBSYSTEM, TargetNetwork, TargetSpec};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        ipv4(),
        dhcp4(),
        agent_ipv4(),
        agent_dhcp4(),
        agent_dhcp6(),
        advertised(),
        cards(),
        secret(),
        digests(),
    ]
}

/// A slim host whose root is behind each of these portals.
pub(super) fn slim(name: &str, netplan: &str, portals: &[&'static str]) -> HostSpec {
    let controllers: Vec<_> = portals.iter().map(|at| Controller::Tcp(at, 4420)).collect();
    reporting(remote_root(name, netplan, &controllers))
}

fn ipv4() -> Scenario {
    Scenario {
        name: "slim-static",
        title: "static IPv4 into a root that only reports",
        host: slim("slim-static", IPV4_NETPLAN, &["10.77.0.1"]),
        wiring: Wiring::default(),
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
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
    }
}

fn dhcp4() -> Scenario {
    Scenario {
        name: "slim-dhcp4",
        title: "DHCPv4 into a root that only reports",
        host: slim("slim-dhcp4", DHCP4_NETPLAN, &["10.77.0.1"]),
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

pub(super) fn agent_ipv4() -> Scenario {
    Scenario {
        name: "agent-static",
        title: "static IPv4 by the agent, into a root that only reports",
        host: by_agent(slim("agent-static", IPV4_NETPLAN, &["10.77.0.1"])),
        check: |outcome, faults| {
            (ipv4().check)(outcome, faults);
            faults.recorded(outcome, "done");
        },
        ..ipv4()
    }
}

pub(super) fn agent_dhcp4() -> Scenario {
    Scenario {
        name: "agent-dhcp4",
        title: "DHCPv4 by the agent, into a root that only reports",
        host: by_agent(slim("agent-dhcp4", DHCP4_NETPLAN, &["10.77.0.1"])),
        check: |outcome, faults| {
            (dhcp4().check)(outcome, faults);
            faults.recorded(outcome, "done");
        },
        ..dhcp4()
    }
}

pub(super) fn agent_dhcp6() -> Scenario {
    Scenario {
        name: "agent-dhcp6",
        title: "DHCPv6 by the agent, into a root that only reports",
        host: by_agent(slim("agent-dhcp6", DHCP6_NETPLAN, &["fd77::1"])),
        target: Some(dhcp6_target()),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.controller(report, "fd77::1", 4420);
            }
            faults.recorded(outcome, "done");
            faults.step(outcome, "ens3", "dhcp6", |step| step.state == "done");
        },
        ..agent_ipv4()
    }
}

/// No DHCP server and no address in the configuration: the router says the
/// prefix, the kernel makes the address.
pub(super) fn advertised() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {accept-ra: true}
";
    let target = TargetSpec {
        networks: vec![TargetNetwork {
            addresses: vec![net("fd77::1/64")],
            advertised: Some(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0)),
            ..TargetNetwork::default()
        }],
        portals: vec![portal("fd77::1")],
        ..TargetSpec::default()
    };
    Scenario {
        name: "agent-advertised",
        title: "an address by router advertisement alone",
        host: by_agent(slim("agent-advertised", netplan, &["fd77::1"])),
        target: Some(target),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.controller(report, "fd77::1", 4420);
                // From the prefix and the card's MAC (RFC 4291, appendix A).
                faults.addresses(report, "ens3", &["fd77::5054:ff:fe4c:1/64"]);
            }
            faults.recorded(outcome, "done");
        },
        ..agent_ipv4()
    }
}

/// A slim host whose `config.json` names root's subsystem, and perhaps the
/// secret that it shares with the target.
pub(super) fn portal_known(name: &str, nqn: &str, secret: Option<&str>) -> HostSpec {
    let secret = secret.map_or_else(String::new, |s| format!(", \"dhchap_key\": \"{s}\""));
    let portals = format!(
        "[{{\"hostnqn\": \"{HOST_NQN}\", \"hostid\": \"{HOST_ID}\", \"subsystems\": [{{\"nqn\": \"{nqn}\", \
         \"ports\": [{{\"transport\": \"tcp\", \"traddr\": \"10.77.0.1\", \"trsvcid\": \"4420\"{secret}}}]}}]}}]\n"
    );
    by_agent(HostSpec {
        files: vec![TreeFile::new("etc/nvme/config.json", 0o600, portals)],
        ..slim(name, IPV4_NETPLAN, &["10.77.0.1"])
    })
}

/// A target that admits the lab's host alone, and wants it to know a secret.
pub(super) fn secretive_target(secret: &str) -> TargetSpec {
    TargetSpec {
        allowed_hosts: vec![HOST_NQN.to_owned()],
        secret: Some(secret.to_owned()),
        ..ipv4_target()
    }
}

/// What the host and the target know.
pub(super) const SECRET: &str = "DHHC-1:00:cmlnaHQga2V5IG9mIHRoZSBsYWIsIDMyIGJ5dGVzISHP8ZIq:";

/// With digests the agent has the kernel ask the portal, too; the discovery
/// controller leaves nothing behind.
fn digests() -> Scenario {
    Scenario {
        name: "agent-digests",
        title: "digests over all that is sent; the kernel asks what is offered",
        host: by_agent(HostSpec {
            files: vec![TreeFile::new(
                "etc/nvme/discovery.conf",
                0o644,
                "-t tcp -a 10.77.0.1 -s 4420 --hdr-digest --data-digest\n",
            )],
            ..slim("agent-digests", IPV4_NETPLAN, &["10.77.0.1"])
        }),
        check: |outcome, faults| {
            (agent_ipv4().check)(outcome, faults);
            if let Some(report) = &outcome.report {
                let asked = "new ctrl: NQN \"nqn.2014-08.org.nvmexpress.discovery\"";
                let by_kernel = report.kernel.iter().any(|line| line.contains(asked));
                faults.expect(by_kernel, || "the kernel asked nothing".to_owned());
                faults.expect(report.controllers.len() == 1, || {
                    format!("not one controller: {:?}", report.controllers)
                });
            }
        },
        ..agent_ipv4()
    }
}

fn secret() -> Scenario {
    Scenario {
        name: "agent-secret",
        title: "the host proves its identity with a DH-HMAC-CHAP secret",
        host: portal_known("agent-secret", SUBSYSTEM, Some(SECRET)),
        target: Some(secretive_target(SECRET)),
        check: |outcome, faults| {
            (agent_ipv4().check)(outcome, faults);
            if let Some(report) = &outcome.report {
                let lines = report.kernel.iter();
                let proven = lines
                    .filter(|line| line.contains(": authenticated"))
                    .count();
                faults.expect(proven > 0, || {
                    "the kernel does not say that it authenticated".to_owned()
                });
            }
        },
        ..agent_ipv4()
    }
}

/// Both cards have moved to other slots; the configuration knows them by their
/// MACs. One keeps the name that its new slot gives it.
fn cards() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    first:
      match: {macaddress: '52:54:00:4c:00:01'}
      addresses: [10.77.0.50/24]
    second:
      match: {macaddress: '52:54:00:4c:00:02'}
      set-name: storage1
      addresses: [10.78.0.50/24]
";
    Scenario {
        name: "agent-cards",
        title: "cards in other slots, found by MAC, one renamed",
        needs: &[Need::PciSlot],
        seed: None,
        host: by_agent(slim("agent-cards", netplan, &["10.77.0.1", "10.78.0.1"])),
        wiring: Wiring {
            slots: vec![FIRST_SLOT + 3, FIRST_SLOT + 2],
            ..Wiring::default()
        },
        target: Some(two_networks()),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens6", &["10.77.0.50/24"]);
                faults.addresses(report, "storage1", &["10.78.0.50/24"]);
                faults.controller(report, "10.77.0.1", 4420);
                faults.controller(report, "10.78.0.1", 4420);
            }
            faults.recorded(outcome, "done");
        },
        ..agent_ipv4()
    }
}
