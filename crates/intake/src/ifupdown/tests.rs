use proptest::prelude::*;

use super::*;
use crate::native::testing::{Tree, said, shown};

fn fragment(files: &[(&str, &str)]) -> Fragment {
    read(&Tree::of(files)).expect("a network").0
}

fn interfaces(text: &str) -> Fragment {
    fragment(&[(INTERFACES, text)])
}

#[test]
fn what_the_lab_s_installer_leaves_is_read() {
    let text = "\
source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

auto bond0
iface bond0 inet manual
    bond-slaves ens3 ens4
    bond-mode active-backup
    bond-miimon 100

auto bond0.7
iface bond0.7 inet static
    address 10.77.0.50/24
    gateway 10.77.0.1
    vlan-raw-device bond0
    vlan-id 7
";
    let fragment = interfaces(text);
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
    let origin = fragment.interfaces.expect("interfaces")[3].addresses[0]
        .origin
        .clone();
    let origin = origin.expect("a place").to_string();
    assert_eq!(origin, "etc/network/interfaces:14:5");
}

#[test]
fn addresses_have_their_netmask_in_either_form_or_that_of_their_class() {
    let text = "\
iface a inet static
  address 192.0.2.5
  netmask 255.255.255.128
iface b inet static
  address 172.16.0.5
iface c inet static
  address 10.0.0.5
  netmask 24
  gateway 10.9.9.9
  metric 7
iface c inet6 static
  address 2001:db8::5
  gateway fe80::1
iface c:1 inet static
  address 10.0.1.5/24
";
    assert_eq!(
        shown(&interfaces(text)),
        [
            "a, 192.0.2.5/25",
            "b, 172.16.0.5/16",
            "c, 10.0.0.5/24, 2001:db8::5/64, 10.0.1.5/24, route 0.0.0.0/0 via 10.9.9.9 metric 7 onlink, route ::/0 via fe80::1 onlink",
        ]
    );
}

#[test]
fn dhcp_and_advertisements_are_asked_for() {
    let text = "\
auto eth0
iface eth0 inet dhcp
  metric 5
  hostname box
iface eth0 inet6 auto
iface eth1 inet6 dhcp
  mtu 9000
";
    let fragment = interfaces(text);
    assert_eq!(
        shown(&fragment),
        ["eth0, dhcp4 5, ra true", "eth1, dhcp6, ra true, mtu 9000"]
    );
    let client = fragment.interfaces.expect("interfaces")[0].dhcp4.clone();
    let name = client.expect("a client").hostname;
    assert_eq!(name.map(|name| name.to_string()).as_deref(), Some("box"));
}

#[test]
fn files_are_included_by_pattern_and_by_directory_and_lines_go_on() {
    let fragment = fragment(&[
        (
            INTERFACES,
            "source interfaces.d/*.cfg\nsource-directory /etc/network/more\n",
        ),
        (
            "etc/network/interfaces.d/a.cfg",
            "iface eth0 inet \\\n  dhcp\n",
        ),
        ("etc/network/interfaces.d/b.bak", "iface eth9 inet dhcp\n"),
        (
            "etc/network/more/lan",
            "source /etc/network/interfaces\niface eth1 inet dhcp\n",
        ),
        ("etc/network/more/lan.dpkg-old", "iface eth8 inet dhcp\n"),
    ]);
    assert_eq!(shown(&fragment), ["eth0, dhcp4 100", "eth1, dhcp4 100"]);
    let origin = &fragment.interfaces.expect("interfaces")[0].origin;
    assert_eq!(origin.to_string(), "etc/network/interfaces.d/a.cfg:1:1");
}

#[test]
fn commands_of_ip_and_route_are_understood_and_others_told() {
    let text = "\
iface eth0 inet static
  address 10.0.0.5/24
  up ip route add 10.1.0.0/16 via 10.0.0.1 dev $IFACE || true
  post-up route add -net 10.2.0.0 netmask 255.255.0.0 gw 10.0.0.1
  post-up ip rule add from 10.0.0.5 table 7
  post-up ip -4 route add default via 10.0.0.1 table 7 onlink
  post-up ip addr add 10.0.0.6/24 dev eth0
  post-up /sbin/ip link set eth0 mtu 9000
  post-up iptables -A INPUT -s 1.2.3.4 -j DROP
  up ip route add 10.3.0.0/16 via 10.0.0.1; touch /secret
";
    let fragment = interfaces(text);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, 10.0.0.5/24, 10.0.0.6/24, mtu 9000, route 10.1.0.0/16 via 10.0.0.1, route 10.2.0.0/16 via 10.0.0.1, route 0.0.0.0/0 via 10.0.0.1 table 7 onlink, rule from 10.0.0.5/32 table Some(7)"
        ]
    );
    assert_eq!(
        said(&fragment),
        [
            "note etc/network/interfaces:9:3: what `post-up` does is not carried out in the initramfs",
            "note etc/network/interfaces:10:3: what `up` does is not carried out in the initramfs",
        ]
    );
}

#[test]
fn metrics_of_a_route_are_carried_or_told_of() {
    let text = "\
iface eth0 inet static
  address 10.0.0.5/24
  up ip route add 10.1.0.0/16 via 10.0.0.1 mtu lock 1400 initcwnd 20 rto_min 20ms
  up ip route add default dev eth0
  up ip -6 route add default dev eth0 metric 7
";
    let fragment = interfaces(text);
    assert_eq!(
        shown(&fragment),
        [
            "eth0, 10.0.0.5/24, route 10.1.0.0/16 via 10.0.0.1 mtu 1400 cwnd 20, route default scope link, route ::/0 metric 7"
        ]
    );
    let left = ["mtu lock", "rto_min"];
    let left = left.map(|one| {
        format!("note etc/network/interfaces:3:3: `{one}` is not carried out in the initramfs")
    });
    assert_eq!(said(&fragment), left);
}

#[test]
fn bridges_and_bonds_have_what_their_scripts_read() {
    let text = "\
iface br0 inet static
  bridge_ports eth0 eth1
  bridge_fd 0
  bridge_maxwait 0
  address 10.0.0.5/24
iface eth2 inet manual
  bond-master bond1
iface bond1 inet dhcp
  bond-slaves none
  bond_mode 4
  bond_lacp_rate 1
  bond_xmit_hash_policy layer3+4
  bond-primary eth2 eth3
";
    let fragment = interfaces(text);
    assert_eq!(
        shown(&fragment),
        [
            "eth0",
            "eth1",
            "eth2",
            "bond1, bond 802.3ad of eth2, dhcp4 100",
            "br0, bridge of eth0+eth1, 10.0.0.5/24",
        ]
    );
    let interfaces = fragment.interfaces.expect("interfaces");
    let nvmeroot_plan::LinkKind::Bridge { bridge } = &interfaces[4].kind else {
        panic!("{:?}", interfaces[4]);
    };
    assert_eq!(bridge.parameters.stp, Some(false));
    let nvmeroot_plan::LinkKind::Bond { bond } = &interfaces[3].kind else {
        panic!("{:?}", interfaces[3]);
    };
    assert_eq!(
        bond.parameters.lacp_rate,
        Some(nvmeroot_plan::LacpRate::Fast)
    );
}

#[test]
fn options_of_bridges_and_vlans_that_are_unknown_are_told_of() {
    let text = "\
rename ens3=lan
iface br0 inet manual
  bridge_ports eth0
  bridge_hw 52:54:00:00:00:07
  bridge_pathcost eth0 50
  bridge_portprio eth0 64
  bridge_maxwait 5
  bridge_frobnicate 1
iface eth1.7 inet manual
  vlan_raw_device eth1
  vlan_protocol 802.1ad
  vlan_frobnicate 1
  hw_mac_address 52:54:00:00:00:08
iface bond0 inet manual
  bond_slaves none
  bond_give_a_chance 5
  bond_frobnicate 1
";
    let fragment = interfaces(text);
    let at = |severity: &str, line: u32, message: &str| {
        format!("{severity} etc/network/interfaces:{line}:3: {message}")
    };
    assert_eq!(
        said(&fragment),
        [
            at("doubt", 17, "`bond-frobnicate` is unknown to ifenslave"),
            at("doubt", 6, "this is no value of `bridge-portprio`"),
            at(
                "note",
                8,
                "`bridge-frobnicate` is not carried out in the initramfs"
            ),
            at(
                "refusal",
                11,
                "the initramfs makes no VLAN but one of 802.1Q"
            ),
            at(
                "note",
                12,
                "`vlan-frobnicate` is not carried out in the initramfs"
            ),
        ]
    );
    let macs = shown(&fragment).join("; ");
    assert!(
        macs.contains("br0, bridge of eth0, eth0 costs 50, mac 52:54:00:00:00:07"),
        "{macs}"
    );
    assert!(
        macs.contains("eth1.7, vlan 7 on eth1, mac 52:54:00:00:00:08"),
        "{macs}"
    );
    assert_eq!(
        fragment.warnings[0].message,
        "which card `rename` gives another name is not followed"
    );
}

#[test]
fn a_stanza_inherits_options_and_a_mapped_one_is_told() {
    let text = "\
iface lan inet static
  mtu 1400
iface eth0 inet static inherits lan
  address 10.0.0.5/24
iface home inet dhcp
auto eth1=home
";
    let fragment = interfaces(text);
    assert!(shown(&fragment).contains(&"eth0, 10.0.0.5/24, mtu 1400".to_owned()));
    assert!(!shown(&fragment).iter().any(|line| line.starts_with("home")));
    assert_eq!(
        fragment.warnings[0].message,
        "which card gets the stanza `home` is not followed: `mapping` and `CARD=home` are decided when ifup runs"
    );
}

#[test]
fn what_can_t_be_read_is_a_doubt_of_its_interface() {
    let text = "\
iface eth0 inet static
  address 10.0.0.500
iface eth1 inet ppp
  provider isp
iface eth2 inet static
  address 10.0.0.5/24
  bond-lacp-rate sometimes
  frobnicate yes
";
    assert_eq!(
        said(&interfaces(text)),
        [
            "doubt etc/network/interfaces:2:3: this is no address with a netmask",
            "refusal etc/network/interfaces:3:1: the initramfs brings up nothing by the method `ppp`",
            "note etc/network/interfaces:4:3: `provider` is not carried out in the initramfs",
            "doubt etc/network/interfaces:7:3: this is no value of `lacp-rate`",
            "note etc/network/interfaces:8:3: `frobnicate` is not carried out in the initramfs",
        ]
    );
}

#[test]
fn a_file_with_nothing_but_lo_is_no_network() {
    let fragment = interfaces("auto lo\niface lo inet loopback\n");
    assert_eq!(fragment.interfaces, None);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(iface|auto|source|mapping|address|up|ip route add|bond-slaves|eth0|inet|static|[ \n\\\\]|[a-z0-9./:*]{1,9}){0,60}") {
        let _ = read(&Tree::of(&[(INTERFACES, &text)]));
    }
}
