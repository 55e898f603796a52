//! DHCP servers that answer, and not with what one hopes for.

use std::net::Ipv4Addr;

use machinesim::wire::{Faults, Filter, Kind, Which};

use super::Network;
use super::phases::MARKER;
use super::row::DEADLINE;
use crate::host_spec::HostSpec;
use crate::lab::Wiring;
use crate::scenario::Reason;
use crate::scenario::slim::slim;
use crate::scenario::static_address::{net, portal};
use crate::scenario::{End, Faults as Asserted, Outcome, Scenario, by_agent, dhcp};
use crate::target::TargetSpec;
use crate::trouble::{Direction, Trouble, What};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        nak(),
        renumbered(),
        no_router(),
        far(),
        two_servers(),
        short(),
    ]
}

fn base() -> Scenario {
    Network::Dhcp4.scenario()
}

/// The server has another range now.
const OTHER_RANGE: &str = "dhcp_stop; sed -i 's/10.77.0.100,10.77.0.150/10.77.0.200,10.77.0.210/; \
$ a dhcp-authoritative' /etc/dnsmasq.conf; dhcp_start";

/// What the host accepts is refused, for the server has another range by then: its
/// first DHCPREQUEST is lost, and comes again after the change.
fn nak() -> Scenario {
    let request = Filter {
        kind: Kind::UdpTo(67),
        which: Which::Only(2),
    };
    Scenario {
        name: "fault-nak-dhcp4",
        title: "DHCPv4: the server answers the request with NAK",
        trouble: vec![
            Trouble::at(0, What::Wire(Direction::Both, Faults::filter(request))),
            Trouble::at(1, What::Command(OTHER_RANGE)),
        ],
        check: |outcome, faults| {
            (base().check)(outcome, faults);
            other_address(outcome, faults);
        },
        ..base()
    }
}

/// The server refused what the host had, which has another address since.
fn other_address(outcome: &Outcome, faults: &mut Asserted) {
    let refused = said(outcome, "DHCPNAK(");
    faults.expect(refused > 0, || "the server said no NAK".to_owned());
    let addresses = outcome.report.iter().flat_map(|report| &report.addresses);
    let of_host = addresses.filter(|a| a.ip.to_string().starts_with("10.77.0."));
    let all: Vec<String> = of_host.map(|a| a.ip.to_string()).collect();
    let is_new = |ip: &String| ip.starts_with("10.77.0.20") || ip.starts_with("10.77.0.210");
    faults.expect(all.len() == 1 && all.iter().all(is_new), || {
        format!("not one address, of the new range, but {all:?}")
    });
}

/// How many lines of the target's console have this.
fn said(outcome: &Outcome, text: &str) -> usize {
    let lines = outcome.target_console.iter();
    lines.filter(|line| line.text.contains(text)).count()
}

/// A whole system renews a lease of 120 s, and the server has another range by then: it
/// says NAK, and then gives another address. Root waits for the kernel to connect from
/// there.
fn renumbered() -> Scenario {
    let base = crate::scenario::hand_over::agent_dhcp4();
    Scenario {
        name: "fault-renumbered-dhcp4",
        title: "DHCPv4: at the renewal the server gives another address",
        wiring: Wiring {
            settle: 240,
            ..base.wiring
        },
        outage: Some(60),
        renumbered: true,
        trouble: vec![Trouble::after(MARKER, 10, What::Command(OTHER_RANGE))],
        check: |outcome, faults| {
            other_address(outcome, faults);
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.1", 4420);
            }
            faults.recorded(outcome, "done");
        },
        ..base
    }
}

fn with_dhcp4(change: impl FnOnce(&mut TargetSpec)) -> Option<TargetSpec> {
    let mut target = dhcp::dhcp4_target();
    change(&mut target);
    Some(target)
}

/// Root is on the link, so no router is needed.
fn no_router() -> Scenario {
    Scenario {
        name: "fault-no-router-dhcp4",
        title: "DHCPv4: the lease names no router, the portal is on the link",
        target: with_dhcp4(|target| {
            if let Some((_, _, router)) = &mut target.networks[0].dhcp4 {
                *router = None;
            }
        }),
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                let mut addresses = report.addresses.iter();
                let leased = addresses.any(|a| a.ip.to_string().starts_with("10.77.0.1"));
                faults.expect(leased, || format!("no lease: {:?}", report.addresses));
                faults.controller(report, "10.77.0.1", 4420);
                let default = report.routes.iter().find(|route| route.dst == "default");
                faults.expect(default.is_none(), || {
                    format!("a default route: {default:?}")
                });
            }
            faults.recorded(outcome, "done");
        },
        ..base()
    }
}

/// Root is behind a router that the lease does not name.
fn far() -> Scenario {
    let name = "agent-dhcp4-far";
    Scenario {
        name: "fault-no-router-far-dhcp4",
        title: "DHCPv4: the lease names no router, the portal is behind one",
        host: HostSpec {
            name: name.to_owned(),
            ..by_agent(slim(name, dhcp::DHCP4_NETPLAN, &["10.99.0.1"]))
        },
        target: with_dhcp4(|target| {
            let network = &mut target.networks[0];
            if let Some((_, _, router)) = &mut network.dhcp4 {
                *router = None;
            }
            network.addresses.push(net("10.99.0.1/32"));
            target.portals = vec![portal("10.99.0.1")];
        }),
        wiring: Wiring {
            reboot_on_failure: false,
            cmdline: format!("nvmeroot.deadline={DEADLINE}"),
            ..base().wiring
        },
        end: End::GivesUp {
            deadline: DEADLINE,
            reasons: vec![Reason::ROUTE],
        },
        check: |_, _| {},
        ..base()
    }
}

/// A server of busybox's on a port of its own: leases of 60 s, which dnsmasq has not.
const UDHCPD: &str = "\
cat >/etc/udhcpd.conf <<'END'
start 10.77.0.200
end 10.77.0.210
interface DEVICE
option subnet 255.255.255.0
option router 10.77.0.ROUTER
option lease 60
min_lease 60
lease_file /run/udhcpd.leases
pidfile /run/udhcpd.pid
END
touch /run/udhcpd.leases";

fn udhcpd(device: &str, router: &str) -> String {
    UDHCPD.replace("DEVICE", device).replace("ROUTER", router)
}

/// One server says this, the other that; the host takes one at its word.
fn two_servers() -> Scenario {
    let second = udhcpd("veth0", "2");
    Scenario {
        name: "fault-two-servers-dhcp4",
        title: "DHCPv4: two servers that disagree",
        target: with_dhcp4(|target| {
            let network = &mut target.networks[0];
            network.device = Some("br0");
            network.setup = format!(
                "\
ip link add name br0 type bridge
ip link set eth0 master br0
ip link add name side type veth
ip link set side master br0
ip link set side up
ip link set br0 up
{second}
unshare -n sh -c 'until ip link set veth0 up; do sleep 0.01; done
ip address add 10.77.0.2/24 dev veth0; exec udhcpd -f /etc/udhcpd.conf' 2>/dev/console &
ip link set veth0 netns $!"
            );
        }),
        check: |outcome, faults| {
            let Some(report) = &outcome.report else {
                return;
            };
            faults.controller(report, "10.77.0.1", 4420);
            for offer in ["DHCPOFFER(", "sending OFFER to 10.77.0.2"] {
                faults.expect(said(outcome, offer) > 0, || {
                    format!("no server said `{offer}`")
                });
            }
            let of = |start: &str| {
                let mut addresses = report.addresses.iter();
                addresses.any(|a| a.interface == "ens3" && a.ip.to_string().starts_with(start))
            };
            let first = of("10.77.0.1");
            faults.expect(first != of("10.77.0.2"), || {
                format!("not one address: {:?}", report.addresses)
            });
            let router = if first { "10.77.0.1" } else { "10.77.0.2" };
            faults.route(report, "default", "ens3", |route| {
                route.gateway.as_deref() == Some(router)
            });
            faults.recorded(outcome, "done");
        },
        ..base()
    }
}

/// A whole system renews a lease of 60 s that the initramfs got.
fn short() -> Scenario {
    let base = crate::scenario::hand_over::agent_dhcp4();
    Scenario {
        name: "fault-lease60-dhcp4",
        title: "DHCPv4: a lease of 60 s, renewed for 4 minutes",
        wiring: Wiring {
            settle: 240,
            ..base.wiring
        },
        target: with_dhcp4(|target| {
            let network = &mut target.networks[0];
            network.dhcp4 = None::<(Ipv4Addr, Ipv4Addr, Option<Ipv4Addr>)>;
            network.setup = format!(
                "{}\nip address add 10.77.0.1/24 dev eth0\n\
                 udhcpd -f /etc/udhcpd.conf >/dev/console 2>&1 &",
                udhcpd("eth0", "1")
            );
            network.addresses.clear();
        }),
        check: |outcome, faults| {
            (crate::scenario::hand_over::agent_dhcp4().check)(outcome, faults);
            // Two while it boots; then one about every 30 s.
            let renewed = said(outcome, "sending ACK to");
            faults.expect(renewed >= 4, || format!("only {renewed} times ACK"));
        },
        ..base
    }
}
