use nvmeroot_plan::{BondMode, Dhcp4, Interface, InterfaceAddress, LinkKind, NodeRole, Vlan};
use proptest::prelude::*;

use super::*;
use crate::testing::{by_line, card, card_by_mac, installed, lines, resolved, said};

fn none() -> Vec<Fragment> {
    installed("192.0.2.1", Vec::new())
}

/// What a line of options makes of nothing.
fn made(line: &str) -> Vec<String> {
    let over = by_line(&none(), line);
    assert_eq!(said(&over), [""; 0], "{line}");
    lines(&over)
}

/// `ip_to_var` in dracut's net-lib.sh, dracut.cmdline(7).
#[test]
fn ip_has_a_short_and_a_long_form() {
    for (line, interface) in [
        ("ip=ens3:dhcp", "ens3 dhcp4"),
        ("ip=ens3:on", "ens3 dhcp4"),
        ("ip=ens3:dhcp6", "ens3 dhcp6"),
        ("ip=ens3:dhcp,dhcp6", "ens3 dhcp4 dhcp6"),
        ("ip=ens3:auto6", "ens3 ra"),
        ("ip=ens3:either6", "ens3 dhcp6 ra"),
        ("ip=ens3:link6", "ens3"),
        ("ip=:::::ens3:dhcp", "ens3 dhcp4"),
        (
            "ip=192.0.2.2::192.0.2.254:255.255.255.0:node:ens3:none",
            "ens3 192.0.2.2/24, default via 192.0.2.254",
        ),
        (
            "ip=192.0.2.2::192.0.2.254:24::ens3:none:192.0.2.53:192.0.2.54",
            "ens3 192.0.2.2/24, default via 192.0.2.254, dns 192.0.2.53, dns 192.0.2.54",
        ),
        // As the kernel has it (nfsroot.rst).
        ("ip=192.0.2.2:::24::ens3", "ens3 192.0.2.2/24"),
        ("ip=192.0.2.2:::24::ens3:off", "ens3 192.0.2.2/24"),
        (
            "ip=[2001:db8::2]::[fe80::1]:64::ens3:none:[2001:db8::53]",
            "ens3 2001:db8::2/64 ra, default via fe80::1, dns 2001:db8::53",
        ),
        ("ip=[2001:db8::2]:::::ens3:none", "ens3 2001:db8::2/128 ra"),
    ] {
        assert_eq!(made(line), [interface], "{line}");
    }
}

#[test]
fn an_mtu_and_a_mac_address_may_follow() {
    for line in [
        "ip=ens3:dhcp:9000:52:54:00:00:00:09",
        "ip=:::::ens3:dhcp:9000:52:54:00:00:00:09",
    ] {
        let over = by_line(&none(), line);
        let one = over.fragments[0].interfaces.as_ref().expect("some")[0].clone();
        assert_eq!(one.mtu.map(u64::from), Some(9000), "{line}");
        let mac = one.mac.map(|mac| mac.to_string());
        assert_eq!(mac.as_deref(), Some("52:54:00:00:00:09"));
        assert_eq!(said(&over), [""; 0]);
    }
}

#[test]
fn what_ip_can_not_mean_is_said() {
    for (line, why) in [
        (
            "ip=ibft",
            "an iBFT is a table for iSCSI, which nvmeroot does not read",
        ),
        (
            "ip=192.0.2.2::::::none",
            "`` is no netmask and no prefix length",
        ),
        (
            "ip=192.0.2.2:::24::ens3:rarp",
            "`rarp` is no way to an address",
        ),
        (
            "ip=192.0.2:::24::ens3:none",
            "`192.0.2` is not an IP address",
        ),
        (
            "ip=192.0.2.2:::24::ens3:none:70000",
            "`70000` is no MTU: expected a whole number from 68 to 65535",
        ),
        (
            "ip=a/b:dhcp",
            "`a/b` is no interface name: it contains something else than ASCII letters, digits and `_-.+@`",
        ),
        (
            "ip=192.0.2.2:192.0.2.9::24::ens3:none",
            "the other end's address does not count: nvmeroot makes no point-to-point links",
        ),
        (
            "ip=192.0.2.2:::24::ens3:dhcp",
            "the address `192.0.2.2` does not count beside `dhcp`",
        ),
    ] {
        let said = said(&by_line(&none(), line));
        let last = said.last().unwrap_or_else(|| panic!("{line}: nothing"));
        assert_eq!(*last, format!("kernel command line `{line}`: {why}"));
    }
    for line in ["ip=off", "ip=none", "ip=", "ip=::::::off"] {
        assert_eq!(by_line(&none(), line), crate::Overlay::default(), "{line}");
    }
}

#[test]
fn where_no_interface_is_named_it_is_those_that_are_known() {
    let over = by_line(&none(), "ip=dhcp");
    assert_eq!(lines(&over), ["any dhcp4"]);
    assert_eq!(
        said(&over),
        [
            "kernel command line `ip=dhcp`: it names no interface: taken for the first card that there is"
        ]
    );
    let mut ens3 = card("ens3");
    ens3.addresses = vec![InterfaceAddress::new(
        "10.0.0.2/8".parse().expect("an address"),
    )];
    let two = installed("192.0.2.1", vec![ens3, card_by_mac("ens4", 4)]);
    let over = by_line(&two, "ip=dhcp");
    assert_eq!(lines(&over), ["ens4 mac 52:54:00:00:00:04 dhcp4"]);
    assert_eq!(
        said(&over),
        ["kernel command line `ip=dhcp`: it names no interface: taken for `ens4`"]
    );
    let over = by_line(&two, "ip=192.0.2.9:::24:::none");
    assert_eq!(lines(&over), ["ens3 192.0.2.9/24"]);
}

/// Left over from another setup, it takes no card's address away.
#[test]
fn where_no_interface_is_named_what_is_configured_stays() {
    let mut fixed = card("ens3");
    fixed.addresses = vec![InterfaceAddress::new(
        "10.0.0.2/8".parse().expect("an address"),
    )];
    let mut leased = card("ens4");
    leased.dhcp4 = Some(Dhcp4::default());
    let mut announced = card("ens5");
    announced.accept_ra = Some(true);
    let all = installed("192.0.2.1", vec![fixed, leased, announced]);
    let over = by_line(&all, "ip=dhcp");
    assert_eq!(over.fragments, []);
    assert_eq!(
        said(&over),
        [
            "kernel command line `ip=dhcp`: it names no interface and changes nothing; already configured: `ens3`, `ens4`, `ens5`"
        ]
    );
    // Both cards are a bond's.
    let bond = by_line(&none(), "bond=bond0:ens3,ens4 ip=dhcp");
    assert_eq!(lines(&bond), ["ens3", "ens4", "bond0 bond of ens3,ens4"]);
    assert_eq!(
        said(&bond),
        [
            "kernel command line `ip=dhcp`: it names no interface and changes nothing: every card that is known is a member of something"
        ]
    );
}

#[test]
fn the_line_s_addresses_replace_the_installed_ones() {
    let mut ens3 = card_by_mac("ens3", 3);
    ens3.mtu = Some(9000.try_into().expect("an MTU"));
    ens3.dhcp4 = Some(Dhcp4::default());
    let installed = installed("192.0.2.1", vec![ens3]);
    let over = by_line(&installed, "ip=192.0.2.2:::24::ens3:none");
    let plan = resolved(&installed, &over);
    let one = &plan.network.interfaces[0];
    assert_eq!(one.dhcp4, None);
    assert_eq!(one.mtu.map(u64::from), Some(9000));
    assert_eq!(
        one.origin.to_string(),
        "kernel command line `ip=192.0.2.2:::24::ens3:none`"
    );
    assert_eq!(plan.paths[0].interfaces[0].interface.as_str(), "ens3");
}

/// dracut's parse-vlan.sh, and `get_vid` in its ifup.sh.
#[test]
fn a_vlan_has_its_number_in_its_name() {
    for (name, number) in [
        ("vlan0007", 7),
        ("vlan7", 7),
        ("ens3.0007", 7),
        ("ens3.70", 70),
    ] {
        assert_eq!(
            made(&format!("ip={name}:dhcp vlan={name}:ens3")),
            [
                "ens3".to_owned(),
                format!("{name} vlan {number} on ens3 dhcp4")
            ]
        );
    }
    for (line, why) in [
        (
            "vlan=storage:ens3",
            "the name must end with the VLAN's number: `vlan7`, `eth0.7`",
        ),
        (
            "vlan=vlan4095:ens3",
            "the name must end with the VLAN's number: `vlan7`, `eth0.7`",
        ),
        ("vlan=vlan7", "expected two names: `vlan=NAME:CARD`"),
    ] {
        let said = said(&by_line(&none(), line));
        assert_eq!(said, [format!("kernel command line `{line}`: {why}")]);
    }
}

/// dracut's parse-bond.sh; the options are the driver's (bonding.rst).
#[test]
fn a_bond_has_members_options_and_an_mtu() {
    let line = "bond=bond0:ens3,ens4:mode=1,miimon=100,primary=ens4,xmit_hash_policy=layer3+4,arp_ip_target=192.0.2.1;192.0.2.2:9000 ip=bond0:dhcp";
    let over = by_line(&none(), line);
    assert_eq!(said(&over), [""; 0]);
    assert_eq!(
        lines(&over),
        ["ens3", "ens4", "bond0 bond of ens3,ens4 dhcp4"]
    );
    let all = over.fragments[0].interfaces.as_ref().expect("some");
    let LinkKind::Bond { bond } = &all[2].kind else {
        panic!("{all:?}");
    };
    assert_eq!(bond.parameters.mode, Some(BondMode::ActiveBackup));
    assert_eq!(
        bond.primary
            .as_ref()
            .map(nvmeroot_plan::DefinitionId::as_str),
        Some("ens4")
    );
    assert_eq!(bond.parameters.arp_ip_targets.as_slice().len(), 2);
    assert_eq!(all[2].mtu.map(u64::from), Some(9000));
    assert_eq!(made("bond"), ["eth0", "eth1", "bond0 bond of eth0,eth1"]);
    let over = by_line(&none(), "bond=bond0:ens3:mode=9,tables=4");
    assert_eq!(
        said(&over),
        ["mode=9", "tables=4"].map(|word| format!(
            "kernel command line `bond=bond0:ens3:mode=9,tables=4`: `{word}` is no option of a bond, or has no such value"
        ))
    );
}

/// The words say what a link is made of.
#[test]
fn a_link_that_is_known_keeps_its_addresses() {
    let address = InterfaceAddress::new("192.0.2.2/24".parse().expect("an address"));
    let vlan = Interface {
        kind: LinkKind::Vlan {
            vlan: Vlan {
                id: 7.try_into().expect("an id"),
                link: "ens3".parse().expect("an id"),
            },
        },
        addresses: vec![address],
        ..card("ens3.7")
    };
    let mut ens3 = card("ens3");
    ens3.dhcp4 = Some(Dhcp4::default());
    let bond = Interface {
        kind: LinkKind::Bond {
            bond: nvmeroot_plan::Bond::default(),
        },
        dhcp4: Some(Dhcp4::default()),
        ..card("bond0")
    };
    let all = installed("192.0.2.1", vec![ens3, card("ens4"), vlan, bond]);
    for (line, expected) in [
        (
            "vlan=ens3.7:ens4",
            &["ens3.7 vlan 7 on ens4 192.0.2.2/24"][..],
        ),
        ("bond=bond0:ens4", &["ens4", "bond0 bond of ens4 dhcp4"]),
        // A member has none.
        ("bond=bond1:ens3", &["ens3", "bond1 bond of ens3"]),
        // Another kind of link.
        ("bond=ens3.7:ens4", &["ens4", "ens3.7 bond of ens4"]),
    ] {
        let over = by_line(&all, line);
        assert_eq!(lines(&over), expected, "{line}");
        assert_eq!(said(&over), [""; 0], "{line}");
    }
    let over = by_line(&all, "bond=bond0:ens3,a/b");
    assert_eq!(
        over.fragments,
        [],
        "no card is taken for a bond that is not made"
    );
}

/// `parse_ifname_opts` in dracut's net-lib.sh.
#[test]
fn a_card_gets_the_name_that_ifname_says() {
    assert_eq!(
        made("ip=san0:dhcp ifname=san0:52:54:00:00:00:09"),
        ["san0 mac 52:54:00:00:00:09 dhcp4 renamed"]
    );
    let mut ens3 = card_by_mac("ens3", 3);
    ens3.dhcp4 = Some(Dhcp4::default());
    let installed = installed("192.0.2.1", vec![ens3]);
    let over = by_line(&installed, "ifname=san0:52:54:00:00:00:03");
    assert_eq!(lines(&over), ["san0 mac 52:54:00:00:00:03 dhcp4 renamed"]);
    assert_eq!(resolved(&installed, &over).network.interfaces.len(), 1);
}

/// `route_to_var` in dracut's net-lib.sh.
#[test]
fn routes_and_name_servers_join_what_they_belong_to() {
    assert_eq!(
        made(
            "rd.route=198.51.100.0/24:192.0.2.254 nameserver=192.0.2.53 ip=192.0.2.2:::24::ens3:none rd.route=[2001:db8:3::/48]::ens3"
        ),
        ["ens3 192.0.2.2/24, 198.51.100.0/24 via 192.0.2.254, 2001:db8:3::/48, dns 192.0.2.53"]
    );
    let said = said(&by_line(
        &none(),
        "rd.route=198.51.100.0/24:192.0.2.254 bridge=br0:ens3",
    ));
    assert!(
        said[0].contains("no interface of the command line"),
        "{said:?}"
    );
    assert_eq!(
        said[1],
        "kernel command line `bridge=br0:ens3`: nvmeroot does not carry it out"
    );
}

#[test]
fn a_name_server_alone_is_known_where_there_are_addresses() {
    let mut ens3 = card("ens3");
    ens3.dhcp4 = Some(Dhcp4::default());
    let all = installed("192.0.2.1", vec![ens3, card("ens4")]);
    let over = by_line(&all, "nameserver=192.0.2.53 nameserver=192.0.2.54");
    assert_eq!(said(&over), [""; 0]);
    assert_eq!(lines(&over), ["ens3 dhcp4, dns 192.0.2.53, dns 192.0.2.54"]);
    assert_eq!(
        said(&by_line(&none(), "nameserver=192.0.2.53")),
        [
            "kernel command line `nameserver=192.0.2.53`: no interface is known over which it could be asked"
        ]
    );
}

/// `parse_nvmf_discover` in dracut's parse-nvmf-boot-connections.sh.
#[test]
fn a_portal_to_ask_has_a_transport_an_address_and_maybe_more() {
    let portals = |line: &str| -> Vec<String> {
        let over = by_line(&none(), line);
        let graph = over.fragments.last().and_then(|one| one.storage.clone());
        let nodes = graph.map(Vec::from).unwrap_or_default();
        let of = |node: nvmeroot_plan::Node| match node.role {
            NodeRole::Controller(one) => {
                let from = one.options.host_traddr.map(|from| format!(" from {from}"));
                Some(one.portal() + &from.unwrap_or_default())
            }
            _ => None,
        };
        nodes.into_iter().filter_map(of).collect()
    };
    assert_eq!(
        portals(
            "rd.nvmf.discover=tcp,192.0.2.7 rd.nvmf.discover=tcp,192.0.2.8,192.0.2.20,8009 nvmf.discover=tcp,2001:db8::7,,4421 rd.nvmf.discover=tcp,[2001:db8::8]"
        ),
        [
            "192.0.2.7:4420",
            "192.0.2.8:8009 from 192.0.2.20",
            "[2001:db8::7]:4421",
            "[2001:db8::8]:4420",
        ]
    );
    for (line, why) in [
        (
            "rd.nvmf.discover=fc,auto",
            "nvmeroot connects NVMe/TCP only, not `fc`",
        ),
        ("rd.nvmf.discover=tcp", "it names no address"),
        (
            "rd.nvmf.discover=tcp,san.example",
            "`san.example` is no IP address",
        ),
        ("rd.nvmf.discover=", "it names no transport: `tcp`"),
        (
            "rd.nvmf.discover=tcp,192.0.2.7,,4420,x",
            "expected `rd.nvmf.discover=tcp,ADDRESS,[HOST-ADDRESS],[PORT]`",
        ),
        ("rd.nvmf.discovery=x", "nvmeroot knows no such option"),
        (
            "rd.nonvmf",
            "it is for dracut's own module; nvmeroot is off by `nvmeroot=off`",
        ),
    ] {
        let said = said(&by_line(&none(), line));
        assert_eq!(said, [format!("kernel command line `{line}`: {why}")]);
    }
}

#[test]
fn the_installed_drives_can_be_left_aside() {
    let over = by_line(&none(), "rd.nvmf.nostatic rd.nvmf.discover=tcp,192.0.2.7");
    let plan = resolved(&none(), &over);
    assert_eq!(plan.controllers.len(), 1);
    assert_eq!(plan.controllers[0].portal(), "192.0.2.7:4420");
    let over = by_line(&none(), "rd.nvmf.nostatic=0");
    assert_eq!(over, crate::Overlay::default());
}

#[test]
fn the_host_is_who_the_line_says() {
    let nqn = "nqn.2024-01.example:me";
    let id = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";
    let both = by_line(
        &none(),
        &format!("rd.nvmf.hostnqn={nqn} rd.nvmf.hostid={id}"),
    );
    let (host, _) = both.fragments[0].host.clone().expect("a host");
    assert_eq!((host.nqn.as_str(), host.id.to_string().as_str()), (nqn, id));
    let half = by_line(&none(), &format!("rd.nvmf.hostnqn={nqn}"));
    assert_eq!(half.fragments, []);
    assert_eq!(
        said(&half),
        [
            "kernel command line: half an identity is none: nothing says the other half of host NQN and host identifier"
        ]
    );
    let bad = by_line(&none(), "rd.nvmf.hostid=7");
    assert_eq!(bad.warnings.len(), 1);
}

/// `getargbool` in dracut's dracut-lib.sh; of several the last one counts.
#[test]
fn tables_can_be_forbidden() {
    for (line, takes) in [
        ("quiet", true),
        ("rd.nvmf.nonbft", false),
        ("rd.nvmf.nonbft=1", false),
        ("nvmf.nonbft", false),
        ("rd.nvmf.nonbft=0", true),
        ("rd.nvmf.nonbft rd.nvmf.nonbft=no", true),
        ("nvmeroot.nbft=off", false),
        ("nvmeroot.nbft=on", true),
        ("nvmeroot.nbft=off rd.nvmf.nonbft=0", false),
    ] {
        assert_eq!(takes_tables(line), takes, "{line}");
    }
}

#[test]
fn what_is_neither_on_nor_off_is_said() {
    let of = |value: &str| said(&by_line(&none(), &format!("nvmeroot.nbft{value}")));
    for value in ["", "=on", "=0", "=no"] {
        assert_eq!(of(value), [""; 0]);
    }
    assert_eq!(
        of("=false"),
        ["kernel command line `nvmeroot.nbft=false`: it is neither `on` nor `off`"]
    );
}

#[test]
fn the_cards_of_ifname_are_known_beforehand() {
    let line = "ifname=a:52:54:00:00:00:01 ifname=b ifname= ip=dhcp ifname=c:x";
    let all: Vec<_> = named_cards(line).map(|mac| mac.to_string()).collect();
    assert_eq!(all, ["52:54:00:00:00:01"]);
}

proptest! {
    /// What is on it names neither, but for the default of `bond=`: both keep their addresses.
    #[test]
    fn any_line_is_read(line in "(\\PC| (ip=(dhcp|dhcp6|auto6)|bond) | (vlan|bond|ifname|rd[.]route|nameserver|rd[.]nvmf[.]discover)=)*") {
        let address = InterfaceAddress::new("10.0.0.2/8".parse().expect("an address"));
        let kind = LinkKind::Bond { bond: nvmeroot_plan::Bond::default() };
        let known = [
            Interface { addresses: vec![address.clone()], ..card("san") },
            Interface { addresses: vec![address], kind, ..card("bond0") },
        ];
        let all = installed("192.0.2.1", known.to_vec());
        let now = resolved(&all, &by_line(&all, &line)).network.interfaces;
        for before in known {
            let now = now.iter().find(|one| one.id == before.id).expect("it is there");
            prop_assert!(now.keeps(&before), "{:?}", now);
            prop_assert_eq!(&now.dhcp4, &None);
        }
    }

    /// Nothing is dropped in silence.
    #[test]
    fn each_word_does_something_or_is_told_of(
        name in "vlan|bond|ifname|rd[.]route|nameserver|rd[.]nvmf[.](discover|hostid|hostnqn)|nvmf[.]x|bridge",
        value in "(tcp,|192.0.2.[0-9]|vlan7|ens3|:|,|[a-f0-9]{1,2}){0,6}",
    ) {
        let over = by_line(&none(), &format!("{name}={value}"));
        prop_assert!(over != crate::Overlay::default(), "{}={}", name, value);
    }
}
