use proptest::prelude::*;

use super::*;
use crate::native::testing::{Tree, card, said, shown};

const PLACE: &str = "etc/systemd/network";

fn of(cards: &[Card], files: &[(&str, &str)]) -> Fragment {
    let tree = Tree::inside(PLACE, files, "");
    read(&tree, cards).expect("a network").0
}

#[test]
fn what_the_lab_s_installer_leaves_is_read() {
    let fragment = of(
        &[],
        &[
            (
                "20-ens3.network",
                "[Match]\nName=ens3\n\n[Network]\nBond=bond0\n",
            ),
            (
                "20-ens4.network",
                "[Match]\nName=ens4\n\n[Network]\nBond=bond0\n",
            ),
            (
                "20-bond0.netdev",
                "[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n",
            ),
            (
                "20-bond0.network",
                "[Match]\nName=bond0\n\n[Network]\nVLAN=bond0.7\nLinkLocalAddressing=no\n",
            ),
            (
                "20-bond0.7.netdev",
                "[NetDev]\nName=bond0.7\nKind=vlan\n[VLAN]\nId=7\n",
            ),
            (
                "20-bond0.7.network",
                "[Match]\nName=bond0.7\n\n[Network]\nAddress=10.77.0.50/24\nGateway=10.77.0.1\n",
            ),
        ],
    );
    assert!(fragment.interfaces.iter().flatten().all(|one| one.native));
    assert_eq!(
        shown(&fragment),
        [
            "ens3",
            "ens4",
            "bond0, bond active-backup of ens3+ens4",
            "bond0.7, vlan 7 on bond0, 10.77.0.50/24, route 0.0.0.0/0 via 10.77.0.1",
        ]
    );
    assert_eq!(said(&fragment), [""; 0]);
    let interfaces = fragment.interfaces.expect("interfaces");
    let nvmeroot_plan::LinkKind::Bond { bond } = &interfaces[2].kind else {
        panic!("{:?}", interfaces[2]);
    };
    let miimon = bond.parameters.mii_monitor_interval.map(u64::from);
    assert_eq!(miimon, Some(100));
    assert!(!interfaces[2].link_local.ipv6);
}

#[test]
fn sections_of_addresses_routes_and_rules_are_read() {
    let text = "\
[Match]
Name=eth0
[Link]
MTUBytes=9000
[Address]
Address=10.0.0.5/24
[Route]
Gateway=10.0.0.1
Metric=5
[Route]
Destination=10.9.0.0/16
Gateway=10.8.0.1
GatewayOnLink=yes
Table=7
[RoutingPolicyRule]
From=10.0.0.5
Table=7
[Route]
Gateway=10.0.0.1
NextHop=3
";
    let fragment = of(&[], &[("a.network", text)]);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, 10.0.0.5/24, mtu 9000, route 0.0.0.0/0 via 10.0.0.1 metric 5, route 10.9.0.0/16 via 10.8.0.1 table 7 onlink, rule from 10.0.0.5/32 table Some(7)"
        ]
    );
    assert_eq!(
        said(&fragment),
        [format!(
            "doubt {PLACE}/a.network:18:1: this route can't be read"
        )]
    );
}

#[test]
fn metrics_of_a_route_are_carried_or_told_of() {
    let text = "\
[Match]
Name=eth0
[Route]
Destination=10.9.0.0/16
Gateway=10.0.0.1
MTUBytes=1K
TCPAdvertisedMaximumSegmentSize=1360
InitialCongestionWindow=20
InitialAdvertisedReceiveWindow=30
QuickAck=no
FastOpenNoCookie=yes
TCPCongestionControlAlgorithm=bbr
TCPRetransmissionTimeoutSec=5
HopLimit=9
Protocol=static
[RoutingPolicyRule]
From=10.0.0.5
TypeOfService=16
FirewallMark=7
Table=8
[RoutingPolicyRule]
From=10.0.0.6
FirewallMark=7/255
";
    let fragment = of(&[], &[("a.network", text)]);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, route 10.9.0.0/16 via 10.0.0.1 mtu 1024 cwnd 20 rwnd 30 mss 1360, rule from 10.0.0.5/32 table Some(8) mark 7 tos 16"
        ]
    );
    let left = [
        (11, "FastOpenNoCookie"),
        (12, "TCPCongestionControlAlgorithm"),
        (13, "TCPRetransmissionTimeoutSec"),
        (14, "HopLimit"),
    ];
    let mut expected: Vec<String> = left
        .iter()
        .map(|(line, key)| {
            format!("note {PLACE}/a.network:{line}:1: `{key}` is not carried out in the initramfs")
        })
        .collect();
    expected.push(format!(
        "doubt {PLACE}/a.network:21:1: this rule can't be read"
    ));
    assert_eq!(said(&fragment), expected);
}

/// A key that nobody here knows stands in every section that is read; each is told of.
#[test]
fn a_key_that_is_unknown_is_told_of_in_every_section() {
    let sections = [
        "Link",
        "Network",
        "Address",
        "Route",
        "RoutingPolicyRule",
        "DHCPv4",
        "DHCPv6",
        "IPv6AcceptRA",
        "Bridge",
    ];
    for section in sections {
        let more = match section {
            "Address" => "Address=10.0.0.5/24\n",
            "Route" => "Gateway=10.0.0.1\n",
            "RoutingPolicyRule" => "From=10.0.0.5\n",
            _ => "",
        };
        let text =
            format!("[Match]\nName=eth0\n[Network]\nDHCP=yes\n[{section}]\n{more}Frobnicate=yes\n");
        let said = said(&of(&[], &[("a.network", &text)]));
        let key = format!(
            "note {PLACE}/a.network:{}:1: `Frobnicate` is not carried out in the initramfs",
            if more.is_empty() { 6 } else { 7 }
        );
        let whole = ["Route", "RoutingPolicyRule"].contains(&section);
        let is_told = |one: &String| match whole {
            true => one.starts_with("doubt") && one.contains("can't be read"),
            false => *one == key,
        };
        assert!(said.len() == 1 && is_told(&said[0]), "{section}: {said:?}");
    }
    for (kind, section) in [
        ("bond", "Bond"),
        ("bridge", "Bridge"),
        ("vlan", "VLAN"),
        ("dummy", "NetDev"),
    ] {
        let text =
            format!("[NetDev]\nName=x0\nKind={kind}\n[VLAN]\nId=7\n[{section}]\nFrobnicate=much\n");
        let on = "[Match]\nName=eth0\n[Network]\nVLAN=x0\n";
        let on = if kind == "vlan" { on } else { "" };
        let said = said(&of(&[], &[("a.netdev", &text), ("b.network", on)]));
        assert_eq!(
            said,
            [format!(
                "note {PLACE}/a.netdev:7:1: `Frobnicate` is not carried out in the initramfs"
            )],
            "{section}"
        );
    }
}

#[test]
fn sections_and_keys_that_are_left_to_the_running_system_are_told_of() {
    let text = "\
[Match]
Name=eth0
[Network]
DHCP=ipv6
[Address]
Address=10.0.0.5/24
Broadcast=10.0.0.255
AddPrefixRoute=yes
RouteMetric=5
[Neighbor]
Address=10.0.0.9
[IPv6Prefix]
Prefix=2001:db8::/64
[X-Mine]
Key=value
[DHCPv6]
UseDNS=no
IAID=5
[IPv6AcceptRA]
RouteTable=7
";
    let fragment = of(&[], &[("a.network", text)]);
    assert_eq!(
        said(&fragment),
        [
            format!(
                "note {PLACE}/a.network:20:1: in the initramfs, what routers advertise goes to the main table"
            ),
            format!(
                "note {PLACE}/a.network:9:1: `RouteMetric` is not carried out in the initramfs"
            ),
            format!(
                "note {PLACE}/a.network:18:1: `IAID` is not carried out: to the DHCP server the host is its card's MAC address"
            ),
            format!(
                "note {PLACE}/a.network:10:1: `[Neighbor]` is not carried out in the initramfs"
            ),
        ]
    );
    let interfaces = fragment.interfaces.expect("interfaces");
    assert_eq!(interfaces[0].ra_table, Some(7));
}

#[test]
fn a_port_of_a_bridge_and_a_vlan_have_what_their_files_say() {
    let fragment = of(
        &[],
        &[
            ("a.netdev", "[NetDev]\nName=br0\nKind=bridge\n"),
            (
                "a.network",
                "[Match]\nName=eth0\n[Network]\nBridge=br0\nVLAN=v7\n[Bridge]\nCost=50\nPriority=64\nHairPin=yes\nFastLeave=yes\nUnicastFlood=no\n",
            ),
            (
                "b.netdev",
                "[Match]\nHost=a\n[NetDev]\nName=v7\nKind=vlan\n[VLAN]\nId=7\nProtocol=802.1ad\nGVRP=no\nMVRP=yes\n",
            ),
        ],
    );
    assert_eq!(
        said(&fragment),
        [
            format!(
                "note {PLACE}/a.network:11:1: `UnicastFlood` is not carried out in the initramfs"
            ),
            format!("doubt {PLACE}/a.network:8:1: this is no value of `Priority`"),
            format!("refusal {PLACE}/b.netdev:8:1: the initramfs makes no VLAN but one of 802.1Q"),
            format!("note {PLACE}/b.netdev:10:1: `MVRP` is not carried out in the initramfs"),
            format!(
                "doubt {PLACE}/b.netdev:2:1: whether this link is made is not followed: `Host` is not looked at"
            ),
        ]
    );
    let bridge = "br0, bridge of eth0, eth0 costs 50".to_owned();
    assert!(shown(&fragment).contains(&bridge), "{:?}", shown(&fragment));
    let interfaces = fragment.interfaces.expect("interfaces");
    assert_eq!(interfaces[0].bridge_port.hairpin, Some(true));
}

#[test]
fn leases_have_networkd_s_defaults() {
    let text = "[Match]\nName=eth0\n[Network]\nDHCP=yes\n[DHCPv4]\nClientIdentifier=duid\nUseDomains=yes\n";
    let fragment = of(&[], &[("a.network", text)]);
    assert_eq!(shown(&fragment), ["eth0, dhcp4 1024, dhcp6, ra true"]);
    let client = fragment.interfaces.as_ref().expect("interfaces")[0]
        .dhcp4
        .clone();
    let client = client.expect("a client");
    assert_eq!((client.use_mtu, client.use_domains), (false, true));
    assert_eq!(
        said(&fragment),
        [format!(
            "note {PLACE}/a.network:6:1: `ClientIdentifier` is not carried out: to the DHCP server the host is its card's MAC address"
        )]
    );
}

#[test]
fn the_first_file_that_fits_a_card_sets_it_up() {
    let cards = [
        card("enp1s0", "52:54:00:00:00:01"),
        card("enp2s0", "52:54:00:00:00:02"),
    ];
    let by_mac = "[Match]\nMACAddress=52:54:00:00:00:02\n[Network]\nAddress=10.0.0.2/24\n";
    let all = "[Match]\nName=en*\n[Network]\nDHCP=ipv4\n";
    let fragment = of(
        &cards,
        &[("10-second.network", by_mac), ("20-all.network", all)],
    );
    assert_eq!(
        shown(&fragment),
        ["enp2s0, 10.0.0.2/24", "enp1s0, dhcp4 1024"]
    );
    // Of cards that nobody knows there are the address and the pattern.
    let fragment = of(
        &[],
        &[("10-second.network", by_mac), ("20-all.network", all)],
    );
    assert!(shown(&fragment)[0].contains("is 52:54:00:00:00:02, 10.0.0.2/24"));
    assert_eq!(fragment.interfaces.map(|all| all.len()), Some(2));
}

#[test]
fn drop_ins_add_stronger_directories_hide_and_empty_files_mask() {
    let tree = Tree::of(&[
        (
            "usr/lib/systemd/network/50.network",
            "[Match]\nName=eth0\n[Network]\nDHCP=yes\n",
        ),
        (
            "etc/systemd/network/50.network",
            "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.1/24\n",
        ),
        (
            "etc/systemd/network/50.network.d/more.conf",
            "[Network]\nAddress=\nAddress=10.0.0.2/24\n",
        ),
        (
            "etc/systemd/network/50.network.d/nvmeroot.conf",
            "[Network]\nAddress=10.0.0.9/24\n",
        ),
        (
            "run/systemd/network/50.network.d/nvmeroot-boot.conf",
            "[Network]\nAddress=10.0.0.7/24\n",
        ),
        (
            "usr/lib/systemd/network/60.network",
            "[Match]\nName=eth1\n[Network]\nDHCP=yes\n",
        ),
        ("etc/systemd/network/60.network", ""),
        (
            "run/systemd/network/10-netplan-eth2.network",
            "[Match]\nName=eth2\n",
        ),
        (
            "run/systemd/network/05-nvmeroot-eth0.network",
            "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.8/24\n",
        ),
    ]);
    let fragment = read(&tree, &[]).expect("a network").0;
    assert_eq!(shown(&fragment), ["eth0, 10.0.0.2/24"]);
}

#[test]
fn what_can_t_be_told_beforehand_is_said() {
    let fragment = of(
        &[],
        &[
            ("a.network", "[Match]\nPath=pci-*\n[Network]\nDHCP=yes\n"),
            (
                "b.network",
                "[Match]\nVirtualization=container\nName=host0\n[Network]\nDHCP=yes\n",
            ),
            (
                "c.network",
                "[Match]\nName=wg0\n[Network]\nAddress=10.0.0.1/24\n",
            ),
            ("c.netdev", "[NetDev]\nName=wg0\nKind=wireguard\n"),
        ],
    );
    assert_eq!(shown(&fragment), ["wg0, foreign wireguard"]);
    assert_eq!(
        fragment.warnings[0].message,
        format!(
            "which interfaces `{PLACE}/a.network` is for is not followed: `Path` is not looked at"
        )
    );
}

#[test]
fn a_file_for_one_link_alone_is_that_links_own() {
    let cards = [
        card("eth0", "52:54:00:00:00:01"),
        card("eth1", "52:54:00:00:00:02"),
    ];
    for (of_match, own) in [
        ("Name=eth0", Some("20-a.network")),
        (
            "PermanentMACAddress=52:54:00:00:00:01",
            Some("20-a.network"),
        ),
        ("Name=eth*", None),
        ("Name=eth0 eth1", None),
        ("Type=ether", None),
    ] {
        let text = format!("[Match]\n{of_match}\n[Network]\nDHCP=yes\n");
        let fragment = of(&cards, &[("20-a.network", &text)]);
        let mut all = fragment.interfaces.iter().flatten();
        let eth0 = all.find(|one| one.name.as_str() == "eth0").expect("a card");
        let file = eth0.networkd_file.as_ref().map(ToString::to_string);
        assert_eq!(file.as_deref(), own, "{of_match}");
    }
}

#[test]
fn sizes_have_systemd_s_units() {
    let bytes = super::file::bytes::<u16>;
    assert_eq!(bytes("9K"), Some(9216));
    assert_eq!(bytes("1500"), Some(1500));
    assert_eq!(bytes("x"), None);
    assert_eq!(bytes("64K"), None);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(\\[(Match|Network|Route|Address|Link|DHCPv4|NetDev|Bond|RoutingPolicyRule)\\]\n|(Name|Kind|Address|Gateway|Bond|VLAN|DHCP|Mode|Destination|MIIMonitorSec|Token)=|eth0|bond|en\\*|10\\.0\\.0\\.1/24|yes|5ms|\n|\\PC){0,60}") {
        let path = |end: &str| format!("{PLACE}/a.{end}");
        let (network, device) = (path("network"), path("netdev"));
        let _ = read(&Tree::of(&[(&network, &text), (&device, &text)]), &[]);
    }
}
