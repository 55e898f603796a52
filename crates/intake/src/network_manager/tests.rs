use proptest::prelude::*;

use super::*;
use crate::native::testing::{Tree, card, said, shown};

const PLACE: &str = "etc/NetworkManager/system-connections";

fn of(cards: &[Card], files: &[(&str, &str)]) -> Fragment {
    let tree = Tree::inside(PLACE, files, ".nmconnection");
    read(&tree, cards).expect("a network").0
}

#[test]
fn what_the_lab_s_installer_leaves_is_read() {
    let no_ip = "[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n";
    let port = |name: &str| {
        format!(
            "[connection]\nid={name}\nuuid={name}-1\ntype=ethernet\ninterface-name={name}\nmaster=bond0\nslave-type=bond\n{no_ip}"
        )
    };
    let bond = format!(
        "[connection]\nid=bond0\ntype=bond\ninterface-name=bond0\n\n[bond]\nmode=active-backup\nmiimon=100\n{no_ip}"
    );
    let vlan = "[connection]\nid=bond0.7\ntype=vlan\ninterface-name=bond0.7\n\n[vlan]\nid=7\nparent=bond0\n\n[ipv4]\nmethod=manual\naddress1=10.77.0.50/24,10.77.0.1\n\n[ipv6]\nmethod=auto\n";
    let fragment = of(
        &[],
        &[
            ("a", &port("ens3")),
            ("b", &port("ens4")),
            ("c", &bond),
            ("d", vlan),
        ],
    );
    assert_eq!(
        shown(&fragment),
        [
            "ens3",
            "ens4",
            "bond0, bond active-backup of ens3+ens4, ra false",
            "bond0.7, vlan 7 on bond0, 10.77.0.50/24, ra true, route 0.0.0.0/0 via 10.77.0.1",
        ]
    );
    assert_eq!(said(&fragment), [""; 0]);
}

#[test]
fn routes_rules_and_leases_have_their_settings() {
    let text = "\
[connection]
id=lan
type=802-3-ethernet
interface-name=eth0
[802-3-ethernet]
mtu=9000
cloned-mac-address=52:54:00:00:00:07
[ipv4]
method=auto
route-metric=7
dhcp-client-id=abc
address1=10.0.0.5/24
route1=10.1.0.0/16,10.0.0.1
route2=10.2.0.0/16,10.9.0.1,5
route2_options=onlink=true,table=8
routing-rule1=priority 5 from 10.0.0.5 table 8
never-default=true
[ipv6]
method=manual
address1=2001:db8::5/64
gateway=2001:db8::1
";
    let fragment = of(&[], &[("lan", text)]);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, 10.0.0.5/24, 2001:db8::5/64, dhcp4 7, ra false, mtu 9000, mac 52:54:00:00:00:07, route 10.1.0.0/16 via 10.0.0.1 metric 7, route 10.2.0.0/16 via 10.9.0.1 metric 5 table 8 onlink, route ::/0 via 2001:db8::1, rule from 10.0.0.5/32 table Some(8)"
        ]
    );
    assert_eq!(
        said(&fragment),
        [format!(
            "note {PLACE}/lan.nmconnection:11:1: `dhcp-client-id` is not carried out: to the DHCP server the host is its card's MAC address"
        )]
    );
}

#[test]
fn options_of_a_route_are_carried_or_told_of() {
    let text = "\
[connection]
id=lan
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=10.0.0.5/24
route1=10.1.0.0/16,10.0.0.1
route1_options=mtu=1400,lock-mtu=true,advmss=1360,initcwnd=20,initrwnd=30,window=6000,cwnd=0,quickack=true,rto_min=200,lock-cwnd=false
route2=10.2.0.0/16
route2_options=type=blackhole,scope=253
route3=10.3.0.0/16
route3_options=weight=5
[ipv6]
method=disabled
";
    let fragment = of(&[], &[("lan", text)]);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, 10.0.0.5/24, ra false, route 10.1.0.0/16 via 10.0.0.1 mtu 1400 cwnd 20 rwnd 30 mss 1360, route 10.2.0.0/16 blackhole scope link"
        ]
    );
    let left = ["window", "quickack", "rto_min", "lock-mtu"];
    let mut expected = left
        .map(|one| {
            format!(
                "note {PLACE}/lan.nmconnection:8:1: `{one}` is not carried out in the initramfs"
            )
        })
        .to_vec();
    expected.push(format!(
        "doubt {PLACE}/lan.nmconnection:12:1: this route can't be read"
    ));
    assert_eq!(said(&fragment), expected);
}

#[test]
fn keys_and_groups_that_are_unknown_are_told_of() {
    let text = "\
[connection]
id=lan
type=vlan
interface-name=v7
permissions=user:alice:;
zone=home
[vlan]
id=7
parent=eth0
flags=3
protocol=802.1ad
[ethernet]
speed=1000
duplex=full
frobnicate=1
[tc]
qdisc.root=fq
[ipv4]
method=manual
address1=10.0.0.5/24,10.0.0.1
route1=10.1.0.0/16
route2=10.2.0.0/16
route2_options=table=8
route-table=7
dns=10.0.0.1;
dhcp-client-id=abc
frobnicate=1
[ipv6]
method=auto
mtu=1400
route-table=7
ignore-auto-routes=true
dhcp-iaid=5
[proxy]
method=1
";
    let fragment = of(&[], &[("lan", text)]);
    assert_eq!(
        shown(&fragment),
        [
            "eth0",
            "v7, vlan 7 on eth0, 10.0.0.5/24, ra true, route 0.0.0.0/0 via 10.0.0.1 table 7, route 10.1.0.0/16 table 7, route 10.2.0.0/16 table 8",
        ]
    );
    let at = |severity: &str, line: u32, message: &str| {
        format!("{severity} {PLACE}/lan.nmconnection:{line}:1: {message}")
    };
    let left = |line: u32, key: &str| {
        at(
            "note",
            line,
            &format!("`{key}` is not carried out in the initramfs"),
        )
    };
    assert_eq!(
        said(&fragment),
        [
            left(10, "flags"),
            at(
                "refusal",
                11,
                "the initramfs makes no VLAN but one of 802.1Q"
            ),
            left(13, "speed"),
            left(15, "frobnicate"),
            left(16, "[tc]"),
            left(5, "permissions"),
            left(27, "frobnicate"),
            left(32, "ignore-auto-routes"),
            at(
                "note",
                33,
                "`dhcp-iaid` is not carried out: to the DHCP server the host is its card's MAC address"
            ),
            at(
                "note",
                31,
                "the routes that a lease or a router brings stand in the main table in the initramfs"
            ),
        ]
    );
    assert_eq!(
        fragment.interfaces.expect("interfaces")[1]
            .ipv6_mtu
            .map(u64::from),
        Some(1400)
    );
}

#[test]
fn a_port_has_its_card_s_settings_and_what_its_bridge_is_told() {
    let port = "[connection]\nid=p\ntype=ethernet\ninterface-name=eth0\nmaster=br0\nslave-type=bridge\n[ethernet]\nmtu=9000\n[802-1x]\neap=tls;\n[bridge-port]\npath-cost=50\npriority=64\nhairpin-mode=true\nvlans=7\n";
    let bridge = "[connection]\nid=b\ntype=bridge\ninterface-name=br0\n[bridge]\nstp=false\nmulticast-snooping=true\nfrobnicate=1\n[ipv4]\nmethod=manual\naddress1=10.0.0.5/24\n";
    let fragment = of(&[], &[("a", port), ("b", bridge)]);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, mtu 9000",
            "br0, bridge of eth0, eth0 costs 50, 10.0.0.5/24, ra true"
        ]
    );
    assert_eq!(
        said(&fragment),
        [
            format!(
                "note {PLACE}/a.nmconnection:15:1: `vlans` is not carried out in the initramfs"
            ),
            format!(
                "refusal {PLACE}/a.nmconnection:9:1: the initramfs proves nothing to a switch (802.1X)"
            ),
            format!("doubt {PLACE}/a.nmconnection:13:1: this is no value of `priority`"),
            format!(
                "note {PLACE}/b.nmconnection:8:1: `frobnicate` is not carried out in the initramfs"
            ),
        ]
    );
    let port = &fragment.interfaces.expect("interfaces")[0].bridge_port;
    assert_eq!(port.hairpin, Some(true));
}

#[test]
fn an_address_of_a_bridge_that_is_none_is_told_of() {
    let said_of = |mac: &str| {
        let text = format!(
            "[connection]\nid=b\ntype=bridge\ninterface-name=br0\n[bridge]\nmac-address={mac}\n[ipv4]\nmethod=disabled\n"
        );
        said(&of(&[], &[("b", &text)]))
    };
    let misfit = format!("doubt {PLACE}/b.nmconnection:6:1: this is no value of `mac-address`");
    assert_eq!(said_of("52:54:00:00:00"), [misfit]);
    assert_eq!(said_of("52:54:00:00:00:07"), [""; 0]);
    assert_eq!(said_of(""), [""; 0]);
}

#[test]
fn which_cards_a_profile_is_for_is_followed_or_told_of() {
    let profile = |id: &str, more: &str| format!("[connection]\nid={id}\ntype=ethernet\n{more}");
    let cards = [
        card("enp1s0", "52:54:00:00:00:01"),
        card("enp2s0", "52:54:00:00:00:02"),
        card("ens3", "52:54:00:00:00:03"),
    ];
    let matched = profile(
        "a",
        "[ethernet]\nmac-address-denylist=52:54:00:00:00:02;\n[match]\ninterface-name=enp*;\ndriver=virtio*\n",
    );
    assert_eq!(
        shown(&of(&cards, &[("a", &matched)])),
        ["enp1s0, dhcp4 100, ra true"]
    );
    let fragment = of(&[], &[("a", &matched)]);
    let card = fragment.interfaces.as_ref().expect("interfaces")[0]
        .matching
        .clone();
    assert_eq!(card.expect("a match").name.as_deref(), Some("enp*"));
    assert_eq!(
        said(&fragment),
        [format!(
            "doubt {PLACE}/a.nmconnection:5:1: which cards this is for is not followed: `mac-address-denylist` is not looked at"
        )]
    );
    for (key, value) in [("path", "pci-*"), ("interface-name", "!enp*")] {
        let by = profile("a", &format!("[match]\n{key}={value}\n"));
        let fragment = of(&cards, &[("a", &by)]);
        assert_eq!(fragment.interfaces, None);
        assert_eq!(
            fragment.warnings[0].message,
            format!(
                "which cards `{PLACE}/a.nmconnection` is for is not followed: `{key}` is not looked at"
            )
        );
    }
}

#[test]
fn a_profile_without_a_name_is_for_the_cards_that_are_there() {
    let any = "[connection]\nid=Wired connection 1\ntype=ethernet\n";
    let cards = [
        card("eth0", "52:54:00:00:00:01"),
        card("eth1", "52:54:00:00:00:02"),
    ];
    assert_eq!(
        shown(&of(&cards, &[("any", any)])),
        ["eth0, dhcp4 100, ra true", "eth1, dhcp4 100, ra true"]
    );
    let own = "[connection]\nid=x\ntype=ethernet\nautoconnect-priority=9\n[ethernet]\nmac-address=52:54:00:00:00:02\n[ipv4]\nmethod=manual\naddress1=10.0.0.5/24\n";
    assert_eq!(
        shown(&of(&cards, &[("any", any), ("own", own)])),
        ["eth1, 10.0.0.5/24, ra true", "eth0, dhcp4 100, ra true"]
    );
    // Of cards that nobody knows there is the address alone.
    let fragment = of(&[], &[("own", own)]);
    assert!(
        shown(&fragment)[0].contains("is 52:54:00:00:00:02, 10.0.0.5/24"),
        "{:?}",
        shown(&fragment)
    );
}

#[test]
fn of_two_profiles_the_one_with_more_priority_counts() {
    let profile = |id: &str, more: &str, address: &str| {
        format!(
            "[connection]\nid={id}\ntype=ethernet\ninterface-name=eth0\n{more}\n[ipv4]\nmethod=manual\naddress1={address}\n"
        )
    };
    let first = profile("a", "autoconnect=true", "10.0.0.1/24");
    let second = profile("b", "autoconnect-priority=1", "10.0.0.2/24");
    let off = profile("c", "autoconnect=false", "10.0.0.3/24");
    let fragment = of(&[], &[("a", &first), ("b", &second), ("c", &off)]);
    assert_eq!(shown(&fragment), ["eth0, 10.0.0.2/24, ra true"]);
    assert_eq!(
        said(&fragment),
        [format!(
            "notice {PLACE}/a.nmconnection:1:1: `{PLACE}/b.nmconnection` is for `eth0` too, and comes first"
        )]
    );
}

#[test]
fn what_the_boot_has_set_up_is_not_installed() {
    let profile = |address: &str| {
        format!(
            "[connection]\nid=a\ntype=ethernet\ninterface-name=eth0\nautoconnect-priority=999\n[ipv4]\nmethod=manual\naddress1={address}\n"
        )
    };
    let (own, boots) = (profile("10.0.0.1/24"), profile("10.0.0.8/24"));
    let of_boot = "run/NetworkManager/system-connections/nvmeroot-eth0.nmconnection";
    let of_admin = format!("{PLACE}/nvmeroot-eth0.nmconnection");
    let tree = Tree::of(&[(of_boot, &boots), (&of_admin, &own)]);
    let fragment = read(&tree, &[]).expect("a network").0;
    assert_eq!(shown(&fragment), ["eth0, 10.0.0.1/24, ra true"]);
    assert_eq!(said(&fragment), [""; 0]);
}

#[test]
fn what_the_path_can_t_have_is_refused() {
    let text = "[connection]\nid=w\ntype=wifi\ninterface-name=wlan0\n";
    let secured = "[connection]\nid=s\ntype=ethernet\ninterface-name=eth0\n[802-1x]\neap=tls;\n[ipv4]\nmethod=shared\n";
    let fragment = of(&[], &[("w", text), ("s", secured)]);
    assert_eq!(shown(&fragment), ["eth0, ra true", "wlan0, foreign wifi"]);
    assert_eq!(
        said(&fragment),
        [
            format!(
                "refusal {PLACE}/s.nmconnection:5:1: the initramfs proves nothing to a switch (802.1X)"
            ),
            format!(
                "refusal {PLACE}/s.nmconnection:7:1: the initramfs brings up nothing by the method `shared`"
            ),
            format!(
                "refusal {PLACE}/w.nmconnection:1:1: `wlan0` is of a kind that the initramfs does not bring up"
            ),
        ]
    );
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(\\[(connection|ipv4|ipv6|bond|vlan|ethernet|bridge)\\]\n|(type|interface-name|master|slave-type|id|parent|address1|route1|route1_options|method|mode|gateway|stp)=|ethernet|bond|vlan|eth0|manual|10\\.0\\.0\\.1/24|,|;|\n|\\PC){0,60}") {
        let _ = read(&Tree::of(&[("etc/NetworkManager/system-connections/a", &text)]), &[]);
    }
}
