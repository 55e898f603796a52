use std::net::IpAddr;

use nvmeroot_nbft::{
    Discovery, HfiFlags, HostFlags, SecurityFlags, SecurityProfile, SubsystemFlags, Table,
    TransportFlags,
};
use nvmeroot_plan::{
    Authority, Bond, BootPlan, Destination, Dhcp4, Interface, InterfaceAddress, LinkKind,
    MacAddress, Nqn, Origin, Reach, Route, Vlan,
};
use proptest::prelude::*;

use crate::known::has_means;
use crate::testing::{
    HOST, by_tables, card, card_by_mac, hfi, installed, leased, lines, mac, named, resolved, said,
    subsystem, table,
};
use crate::{Boot, Card, overlay};

/// `ADDRESS:PORT NQN INTERFACE`.
fn controllers(plan: &BootPlan) -> Vec<String> {
    let all = plan.controllers.iter();
    all.map(|one| {
        let nqn = one.nqn.as_ref().map_or("?", Nqn::as_str);
        let name = one.options.host_iface.as_ref();
        let name = name.map_or("-", |name| name.as_str());
        format!(
            "{} {} {name}",
            one.portal(),
            nqn.rsplit(':').next().unwrap_or_default()
        )
    })
    .collect()
}

#[test]
fn without_table_and_option_there_is_nothing_to_add() {
    let over = overlay(
        &installed("192.0.2.1", Vec::new()),
        Boot {
            command_line: "BOOT_IMAGE=/vmlinuz root=UUID=x ro quiet nvmeroot.debug",
            ..Boot::default()
        },
    );
    assert_eq!(over, crate::Overlay::default());
}

#[test]
fn a_static_card_with_a_gateway() {
    let mut one = hfi(1, "192.0.2.20", 24);
    one.gateway = std::net::IpAddr::from([192, 0, 2, 254]).into();
    one.dns[0] = std::net::IpAddr::from([192, 0, 2, 53]).into();
    let mut drive = subsystem(1, 1, "198.51.100.1");
    drive.transport_flags = TransportFlags::VALID | TransportFlags::DATA_DIGEST;
    let tables = [named("NBFT", &table(vec![one], vec![drive]))];
    let installed = installed("203.0.113.1", Vec::new());
    let over = by_tables(&installed, &tables);
    assert_eq!(said(&over), [""; 0]);
    assert_eq!(
        lines(&over),
        [
            "nbft1 mac 52:54:00:00:00:01 192.0.2.20/24, default via 192.0.2.254 metric 100, dns 192.0.2.53"
        ]
    );
    let plan = resolved(&installed, &over);
    assert_eq!(controllers(&plan), ["198.51.100.1:4420 root nbft1"]);
    let drive = &plan.controllers[0];
    assert!(drive.options.data_digest && !drive.options.hdr_digest);
    assert_eq!(drive.origin.to_string(), "NBFT `subsystem 1`");
    assert_eq!(plan.host.expect("a host").nqn.as_str(), HOST);
    let leads = &plan.paths[0].interfaces;
    assert_eq!(leads[0].interface.as_str(), "nbft1");
    assert_eq!(over.fragments[0].authority, Authority::Firmware);
}

#[test]
fn dhcp_takes_what_the_server_gives_now() {
    let mut one = leased(1, "192.0.2.77");
    one.gateway = std::net::IpAddr::from([192, 0, 2, 254]).into();
    let two = leased(2, "2001:db8::77");
    let mut none = leased(3, "0.0.0.0");
    none.dhcp_server = std::net::IpAddr::from([192, 0, 2, 1]).into();
    let mut announced = hfi(4, "2001:db8::5", 64);
    announced.flags |= HfiFlags::AUTOCONFIGURED;
    let drives = (1..=4).map(|n| subsystem(n, u8::try_from(n).unwrap_or(0), "192.0.2.1"));
    let tables = [named(
        "NBFT",
        &table(vec![one, two, none, announced], drives.collect()),
    )];
    let over = by_tables(&installed("192.0.2.1", Vec::new()), &tables);
    assert_eq!(
        lines(&over),
        [
            "nbft1 mac 52:54:00:00:00:01 dhcp4",
            "nbft2 mac 52:54:00:00:00:02 dhcp6",
            "nbft3 mac 52:54:00:00:00:03 dhcp4",
            "nbft4 mac 52:54:00:00:00:04 ra",
        ]
    );
}

#[test]
fn a_vlan_stands_on_its_card() {
    let mut one = hfi(1, "192.0.2.20", 24);
    one.vlan = 7;
    // The same card without the VLAN, and an address of the other family in it.
    let mut two = hfi(2, "198.51.100.2", 24);
    two.mac = one.mac;
    let mut three = hfi(3, "2001:db8::2", 64);
    (three.mac, three.vlan) = (one.mac, 7);
    let tables = [named(
        "NBFT",
        &table(vec![one, two, three], vec![subsystem(1, 3, "2001:db8::1")]),
    )];
    let over = by_tables(&installed("192.0.2.1", Vec::new()), &tables);
    assert_eq!(said(&over), [""; 0]);
    assert_eq!(
        lines(&over),
        [
            "nbft1 mac 52:54:00:00:00:01 198.51.100.2/24",
            "nbft1.7 vlan 7 on nbft1 192.0.2.20/24 2001:db8::2/64",
        ]
    );
}

#[test]
fn two_cards_are_two_ways_to_one_drive_each_bound_to_its_card() {
    let cards = [1, 2].map(|n| {
        let mut one = hfi(n, &format!("192.0.2.2{n}"), 24);
        one.gateway = std::net::IpAddr::from([192, 0, 2, 254]).into();
        one
    });
    let mut drive = subsystem(1, 1, "192.0.2.1");
    drive.hfis = vec![1, 2];
    // A second namespace of it is no further way; the third is unreached.
    let mut second = subsystem(2, 1, "192.0.2.1");
    second.nsid = 2;
    let mut third = subsystem(3, 2, "192.0.2.9");
    third.nqn = "nqn.2024-01.example:third".to_owned();
    third.flags = SubsystemFlags::VALID | SubsystemFlags::UNAVAILABLE;
    let tables = [named(
        "NBFT",
        &table(cards.into(), vec![drive, second, third]),
    )];
    let installed = installed("203.0.113.1", Vec::new());
    let over = by_tables(&installed, &tables);
    let plan = resolved(&installed, &over);
    assert_eq!(
        controllers(&plan),
        [
            "192.0.2.1:4420 root nbft1",
            "192.0.2.1:4420 root nbft2",
            "192.0.2.9:4420 third nbft2",
        ]
    );
    assert_eq!(plan.requirements[0].any_of, [0, 1]);
    assert_eq!(
        plan.requirements.len(),
        1,
        "what was not reached is not needed"
    );
    let metrics: Vec<_> = lines(&over);
    assert!(metrics[0].ends_with("metric 100") && metrics[1].ends_with("metric 101"));
}

#[test]
fn the_firmware_s_default_route_comes_first() {
    let gateway = |n: u8, flags, metric| {
        let mut one = hfi(n, &format!("192.0.2.2{n}"), 24);
        one.gateway = std::net::IpAddr::from([198, 51, 100, n]).into();
        one.flags |= flags;
        one.metric = metric;
        one
    };
    let cards = vec![
        gateway(1, HfiFlags::empty(), 0),
        gateway(2, HfiFlags::DEFAULT_ROUTE, 0),
        gateway(3, HfiFlags::empty(), 20),
    ];
    let tables = [named("NBFT", &table(cards, Vec::new()))];
    let over = by_tables(&installed("192.0.2.1", Vec::new()), &tables);
    let routes: Vec<String> = lines(&over)
        .iter()
        .map(|line| line.split_once(", ").expect("a route").1.to_owned())
        .collect();
    assert_eq!(
        routes,
        [
            "default via 198.51.100.1 metric 101 onlink",
            "default via 198.51.100.2 metric 100 onlink",
            "default via 198.51.100.3 metric 20 onlink",
        ]
    );
}

#[test]
fn an_installed_card_keeps_its_name_and_what_stands_on_it() {
    let mut ens3 = card_by_mac("ens3", 1);
    ens3.mtu = Some(9000.try_into().expect("an MTU"));
    ens3.addresses = vec![InterfaceAddress::new(
        "10.0.0.2/8".parse().expect("an address"),
    )];
    let vlan = Interface {
        kind: LinkKind::Vlan {
            vlan: Vlan {
                id: 7.try_into().expect("an id"),
                link: "ens3".parse().expect("an id"),
            },
        },
        ..card("storage")
    };
    let mut tagged = hfi(2, "192.0.2.20", 24);
    (tagged.mac, tagged.vlan) = (nvmeroot_nbft::Mac(mac(1)), 7);
    let tables = [named(
        "NBFT",
        &table(vec![leased(1, "198.51.100.2"), tagged], Vec::new()),
    )];
    let installed = installed("192.0.2.1", vec![ens3, vlan]);
    let over = by_tables(&installed, &tables);
    assert_eq!(
        lines(&over),
        [
            "ens3 mac 52:54:00:00:00:01 dhcp4",
            "storage vlan 7 on ens3 192.0.2.20/24"
        ]
    );
    let plan = resolved(&installed, &over);
    assert_eq!(plan.network.interfaces.len(), 2);
    assert!(plan.network.interfaces[0].mtu.is_some(), "{plan:#?}");
}

#[test]
fn a_card_that_is_there_is_known_by_its_name() {
    let tables = [named(
        "NBFT",
        &table(vec![leased(1, "192.0.2.2")], Vec::new()),
    )];
    let cards = [Card {
        name: "ens3".parse().expect("a name"),
        mac: MacAddress::new(mac(1)),
        driver: None,
    }];
    let boot = Boot {
        tables: &tables,
        cards: &cards,
        ..Boot::default()
    };
    let installed = installed("192.0.2.1", vec![card("ens3"), card("ens4")]);
    assert_eq!(lines(&overlay(&installed, boot)), ["ens3 dhcp4"]);
}

#[test]
fn a_bond_s_member_stays_one() {
    let bond = Interface {
        kind: LinkKind::Bond {
            bond: Bond {
                members: vec!["ens3".parse().expect("an id")],
                ..Bond::default()
            },
        },
        dhcp4: Some(nvmeroot_plan::Dhcp4::default()),
        ..card("bond0")
    };
    let installed = installed("203.0.113.1", vec![card_by_mac("ens3", 1), bond]);
    let drive = subsystem(1, 1, "192.0.2.1");
    let tables = [named(
        "NBFT",
        &table(vec![hfi(1, "192.0.2.20", 24)], vec![drive]),
    )];
    let over = by_tables(&installed, &tables);
    assert_eq!(
        said(&over),
        [
            "NBFT `HFI 1`: the card with the MAC address `52:54:00:00:00:01` is `ens3`, a member of `bond0` in the installed system, which counts: the table's address does not"
        ]
    );
    let plan = resolved(&installed, &over);
    assert_eq!(controllers(&plan), ["192.0.2.1:4420 root -"]);
    assert_eq!(plan.paths[0].interfaces[0].interface.as_str(), "bond0");
}

#[test]
fn a_discovery_entry_is_asked_only_where_nothing_came_of_it() {
    let mut answered = subsystem(1, 1, "192.0.2.1");
    answered.discovery = Some(1);
    let mut failed = subsystem(2, 1, "192.0.2.2");
    failed.nqn = nvmeroot_nbft::DISCOVERY_NQN.to_owned();
    let table = Table {
        discovery: vec![
            Discovery::new(1, 1, "nvme+tcp://192.0.2.8:8009/"),
            Discovery::new(2, 1, "nvme+tcp://192.0.2.9:8010/"),
            Discovery::new(3, 1, "nvme+tcp://user:secret@san.example/"),
        ],
        ..table(vec![hfi(1, "192.0.2.20", 24)], vec![answered, failed])
    };
    let installed = installed("203.0.113.1", Vec::new());
    let over = by_tables(&installed, &[named("NBFT", &table)]);
    let plan = resolved(&installed, &over);
    assert_eq!(
        controllers(&plan),
        ["192.0.2.1:4420 root nbft1", "192.0.2.9:8010 ? nbft1"]
    );
    assert_eq!(
        said(&over),
        [
            "NBFT `discovery entry 3`: the record does not count: where it is does not count: it names a host, and the initramfs can't look up names"
        ]
    );
}

#[test]
fn what_needs_tls_or_has_no_name_does_not_count() {
    let mut secured = subsystem(1, 1, "192.0.2.1");
    secured.flags |= SubsystemFlags::USE_SECURITY;
    secured.security = Some(3);
    let mut odd = subsystem(2, 1, "192.0.2.2");
    odd.nqn = "timberland-01".to_owned();
    let nowhere = subsystem(3, 1, "0.0.0.0");
    let table = Table {
        security: vec![SecurityProfile {
            index: 3,
            // A secure channel is required.
            flags: SecurityFlags::VALID | SecurityFlags::from_bits_retain(2 << 5),
            ..SecurityProfile::default()
        }],
        ..table(vec![hfi(1, "192.0.2.20", 24)], vec![secured, odd, nowhere])
    };
    let over = by_tables(
        &installed("203.0.113.1", Vec::new()),
        &[named("NBFT", &table)],
    );
    assert_eq!(
        said(&over),
        [
            "NBFT `subsystem 1`: the record does not count: its security profile needs TLS, which nvmeroot can't do",
            "NBFT `subsystem 2`: the record does not count: `timberland-01` is no NVMe qualified name: it does not start with `nqn.`",
            "NBFT `subsystem 3`: the record does not count: it has no address",
        ]
    );
    let storage = over.fragments[0].storage.as_ref().expect("a graph");
    assert_eq!(storage.nodes().len(), 0);
}

#[test]
fn two_tables_are_one_network_and_the_platform_s_host_counts() {
    let first = table(
        vec![hfi(1, "192.0.2.20", 24)],
        vec![subsystem(1, 1, "192.0.2.1")],
    );
    let mut other = table(
        vec![hfi(1, "192.0.2.20", 24), hfi(2, "198.51.100.2", 24)],
        vec![subsystem(1, 2, "198.51.100.1")],
    );
    other.host.nqn = "nqn.2024-01.example:platform".to_owned();
    other.host.flags |= HostFlags::PRIMARY_SELECTED;
    let tables = [named("NBFT1", &first), named("NBFT2", &other)];
    let installed = installed("203.0.113.1", Vec::new());
    let over = by_tables(&installed, &tables);
    assert_eq!(
        lines(&over),
        [
            "nbft1 mac 52:54:00:00:00:01 192.0.2.20/24",
            "nbft1-2 mac 52:54:00:00:00:02 198.51.100.2/24",
        ]
    );
    let plan = resolved(&installed, &over);
    assert_eq!(
        controllers(&plan),
        [
            "192.0.2.1:4420 root nbft1",
            "198.51.100.1:4420 root nbft1-2"
        ]
    );
    assert_eq!(plan.host.expect("a host").nqn.as_str(), other.host.nqn);
    assert_eq!(
        said(&over),
        [format!(
            "NBFT1 `host`: this host is `{HOST}` here and `{}` in `NBFT2`: the latter counts for all drives",
            other.host.nqn
        )]
    );
}

#[test]
fn odd_addresses_are_told_and_stop_nothing() {
    let nothing = hfi(1, "0.0.0.0", 0);
    let alone = hfi(2, "192.0.2.20", 0);
    let long = hfi(3, "192.0.2.21", 33);
    let mut nobody = hfi(4, "192.0.2.22", 24);
    nobody.mac = nvmeroot_nbft::Mac::default();
    let tables = [named(
        "NBFT",
        &table(vec![nothing, alone, long, nobody], Vec::new()),
    )];
    let over = by_tables(&installed("192.0.2.1", Vec::new()), &tables);
    assert_eq!(lines(&over)[1], "nbft2 mac 52:54:00:00:00:02 192.0.2.20/32");
    assert_eq!(
        said(&over),
        [
            "NBFT `HFI 1`: the firmware had no address on this card, so nothing is reached over it",
            "NBFT `HFI 3`: `192.0.2.21/33` is no address with a prefix length",
            "NBFT `HFI 4`: the record does not count: it has no MAC address, so nothing says which card it is",
        ]
    );
}

proptest! {
    /// Whatever parses can be resolved, and twice gives the same.
    #[test]
    fn any_table_has_a_plan(
        cards in prop::collection::vec((0u8..3, any::<[u8; 16]>(), any::<u8>(), any::<u16>(), any::<u8>()), 0..4),
        drives in prop::collection::vec((0u8..5, any::<[u8; 16]>(), any::<u16>(), any::<u16>()), 0..4),
        is_remote: bool,
        line in "(ip|vlan|bond|ifname|rd.route|rd.nvmf.discover|nameserver)=[a-z0-9:,.\\[\\]/]{0,40}",
    ) {
        let mut one = table(Vec::new(), Vec::new());
        for (n, (last, address, prefix, vlan, flags)) in (1..).zip(cards) {
            let mut card = hfi(n, "192.0.2.20", prefix);
            card.mac = nvmeroot_nbft::Mac(mac(last));
            card.address = nvmeroot_nbft::Address(address);
            card.gateway = nvmeroot_nbft::Address(address);
            card.vlan = vlan;
            card.flags |= HfiFlags::from_bits_retain(flags);
            one.hfis.push(card);
        }
        for (n, (hfi, address, port, flags)) in (1..).zip(drives) {
            let mut drive = subsystem(n, hfi, "192.0.2.1");
            drive.traddr = nvmeroot_nbft::Address(address);
            drive.trsvcid = port.to_string();
            // No profile: its index would have to be there.
            drive.flags |= SubsystemFlags::from_bits_retain(flags & !0x14);
            one.subsystems.push(drive);
        }
        let bytes = one.to_bytes().expect("a table");
        let parsed = nvmeroot_nbft::parse(&bytes).expect("its bytes");
        let tables = [crate::NamedTable { name: "NBFT".to_owned(), table: parsed.table }];
        let mut known = card_by_mac("ens3", 1);
        known.addresses = vec![InterfaceAddress::new("10.0.0.2/8".parse().expect("an address"))];
        let installed = installed("192.0.2.1", vec![known.clone()]);
        let reach = if is_remote { Reach::Firmware } else { Reach::Initramfs };
        let boot = Boot { tables: &tables, command_line: &line, reach, ..Boot::default() };
        let over = overlay(&installed, boot);
        prop_assert_eq!(&over, &overlay(&installed, boot));
        let plan = resolved(&installed, &over);
        let all = &plan.network.interfaces;
        for name in plan.controllers.iter().filter_map(|one| one.options.host_iface.as_ref()) {
            prop_assert!(all.iter().any(|one| one.name == *name), "{} in {:?}", name, all);
        }
        let now = all.iter().find(|one| one.id == known.id).expect("ens3");
        prop_assert!(has_means(now), "{:?}", now);
        // An address without an interface is the first card's.
        let is_safe = !is_remote && !line.starts_with("ip=");
        prop_assert!(!is_safe || now.keeps(&known), "{:?}", now);
    }
}

#[test]
fn what_the_running_system_will_do_with_a_card_the_boot_does_too() {
    let mut router = hfi(1, "192.0.2.20", 24);
    router.gateway = IpAddr::from([192, 0, 2, 1]).into();
    let mut by_itself = card_by_mac("ens3", 1);
    let mut route = Route::new(Destination::Default, Origin::whole("netplan"));
    route.via = Some([192, 0, 2, 1].into());
    route.metric = Some(7);
    by_itself.routes.push(route);
    let mut by_dhcp = card_by_mac("ens4", 2);
    by_dhcp.dhcp4 = Some(Dhcp4 {
        route_metric: 200,
        ..Dhcp4::default()
    });
    let installed = installed("192.0.2.1", vec![by_itself, by_dhcp.clone()]);
    let hfis = vec![router, leased(2, "192.0.2.2")];
    let over = by_tables(&installed, &[named("NBFT", &table(hfis, Vec::new()))]);
    let interfaces: Vec<_> = over
        .fragments
        .iter()
        .flat_map(|one| &one.interfaces)
        .flatten()
        .collect();
    let [one, two] = interfaces[..] else {
        panic!("{interfaces:#?}");
    };
    assert_eq!(one.routes[0].metric, Some(7), "{one:#?}");
    assert_eq!(two.dhcp4, by_dhcp.dhcp4);
}
