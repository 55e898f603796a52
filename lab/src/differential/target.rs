//! The other end of the cables: what each card of the machines finds there.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::target::{TargetNetwork, TargetSpec};

/// A VLAN on the fourth card, with a DHCP server.
const VLAN: &str = "\
ip address add 10.77.3.1/24 dev eth3
ip address add fd77:3::1/64 dev eth3
ip link add link eth3 name eth3.7 type vlan id 7
ip link set eth3.7 up";

/// Nothing serves NVMe: the agent brings the network up and finds no portal.
///
/// - `ens3`: DHCPv4 with a router, no advertisements;
/// - `ens4`: DHCPv4 without a router, router advertisements;
/// - `ens5`: DHCPv6 and router advertisements;
/// - `ens6`: nothing, and on its VLAN 7 DHCPv4 with a router.
pub(super) fn target() -> TargetSpec {
    let networks = vec![
        TargetNetwork {
            addresses: addresses(&["10.77.0.1/24", "fd77::1/64"]),
            dhcp4: Some(leases(0, true)),
            ..served()
        },
        TargetNetwork {
            addresses: addresses(&["10.77.1.1/24", "fd77:1::1/64"]),
            dhcp4: Some(leases(1, false)),
            advertised: Some(Ipv6Addr::new(0xfd77, 1, 0, 0, 0, 0, 0, 0)),
            ..served()
        },
        TargetNetwork {
            addresses: addresses(&["10.77.2.1/24", "fd77:2::1/64"]),
            dhcp6: Some((
                Ipv6Addr::new(0xfd77, 2, 0, 0, 0, 0, 0, 0x100),
                Ipv6Addr::new(0xfd77, 2, 0, 0, 0, 0, 0, 0x1ff),
            )),
            ..served()
        },
        TargetNetwork {
            setup: VLAN.to_owned(),
            device: Some("eth3.7"),
            addresses: addresses(&["10.77.7.1/24", "fd77:7::1/64"]),
            dhcp4: Some(leases(7, true)),
            ..served()
        },
    ];
    TargetSpec {
        networks,
        ..TargetSpec::default()
    }
}

fn served() -> TargetNetwork {
    TargetNetwork {
        offers_at_once: true,
        lease: 7200,
        ..TargetNetwork::default()
    }
}

fn addresses(all: &[&str]) -> Vec<ipnet::IpNet> {
    all.iter().filter_map(|text| text.parse().ok()).collect()
}

fn leases(third: u8, router: bool) -> (Ipv4Addr, Ipv4Addr, Option<Ipv4Addr>) {
    let at = |last| Ipv4Addr::new(10, 77, third, last);
    (at(100), at(150), router.then(|| at(1)))
}
