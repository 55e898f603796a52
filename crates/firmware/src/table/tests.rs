//! Tables beside what the installed system knows of the same cards.

use std::net::IpAddr;

use nvmeroot_nbft::{Discovery, HfiFlags, Table};
use nvmeroot_plan::{
    Bond, Destination, Dhcp4, Fragment, Interface, InterfaceAddress, LinkKind, MacAddress, Match,
    MountRequest, Node, NodeRole, Origin, Reach, Route, StorageGraph,
};

use crate::testing::{
    by_tables, card, card_by_mac, hfi, installed, leased, lines, mac, named, resolved, said,
    subsystem, table,
};
use crate::{Boot, Card, NamedTable, overlay};

/// A card with an address.
fn addressed(last: u8, address: &str) -> Interface {
    Interface {
        addresses: vec![InterfaceAddress::new(address.parse().expect("an address"))],
        ..card_by_mac(&format!("ens{last}"), last)
    }
}

/// The same system with a kernel of its own.
fn with_local_kernel(mut fragments: Vec<Fragment>) -> Vec<Fragment> {
    let graph = fragments[0].storage.take().expect("a graph");
    let mut nodes = Vec::from(graph);
    nodes.push(Node {
        id: "boot".to_owned(),
        kind: "test".to_owned(),
        on: Vec::new(),
        origin: Origin::whole("fstab"),
        role: NodeRole::Mount(MountRequest::new("/boot".parse().expect("a mount point"))),
    });
    fragments[0].storage = StorageGraph::new(nodes).ok();
    fragments
}

#[test]
fn what_the_firmware_has_no_address_for_keeps_that_of_the_installed_system() {
    let vlan = Interface {
        kind: LinkKind::Vlan {
            vlan: nvmeroot_plan::Vlan {
                id: 7.try_into().expect("an id"),
                link: "ens2".parse().expect("an id"),
            },
        },
        matching: None,
        ..addressed(3, "192.0.2.23/24")
    };
    let cards = vec![
        addressed(1, "192.0.2.21/24"),
        addressed(2, "192.0.2.22/24"),
        vlan,
    ];
    let installed = installed("203.0.113.1", cards);
    let nothing = hfi(1, "0.0.0.0", 0);
    let mut long = hfi(2, "192.0.2.99", 33);
    long.gateway = IpAddr::from([192, 0, 2, 254]).into();
    let mut tagged = hfi(3, "0.0.0.0", 0);
    (tagged.mac, tagged.vlan) = (nvmeroot_nbft::Mac(mac(2)), 7);
    let drives = (1..=3).map(|n| subsystem(n, u8::try_from(n).unwrap_or(0), "192.0.2.1"));
    let tables = [named(
        "NBFT",
        &table(vec![nothing, long, tagged], drives.collect()),
    )];
    let over = by_tables(&installed, &tables);
    assert_eq!(lines(&over), [""; 0], "nothing is said of them");
    assert_eq!(said(&over).len(), 3);
    let plan = resolved(&installed, &over);
    let bound = plan.controllers.iter().map(|one| {
        let name = one.options.host_iface.as_ref();
        name.map_or("-", |name| name.as_str())
    });
    assert_eq!(bound.collect::<Vec<_>>(), ["ens1", "ens2", "ens3"]);
}

/// With a local kernel nobody knows whether the firmware booted this system.
#[test]
fn with_a_local_kernel_the_table_s_address_is_added() {
    let mut router = hfi(1, "198.51.100.2", 24);
    router.gateway = IpAddr::from([198, 51, 100, 1]).into();
    let mut same = hfi(1, "192.0.2.20", 16);
    same.gateway = IpAddr::from([192, 0, 2, 254]).into();
    let mut announced = hfi(1, "2001:db8::5", 64);
    announced.flags |= HfiFlags::AUTOCONFIGURED;
    let own = "ens1 mac 52:54:00:00:00:01 192.0.2.20/24";
    let route = ", 10.0.0.0/8 via 192.0.2.254, default via 192.0.2.253 metric 200";
    for (hfi, expected) in [
        (
            router,
            format!("{own} 198.51.100.2/24{route}, default via 198.51.100.1 metric 201"),
        ),
        (
            same,
            format!("{own}{route}, default via 192.0.2.254 metric 201"),
        ),
        (leased(1, "192.0.2.77"), format!("{own}{route}")),
        (leased(1, "198.51.100.77"), format!("{own} dhcp4{route}")),
        (leased(1, "2001:db8::77"), format!("{own} dhcp6{route}")),
        (announced, format!("{own} ra{route}")),
    ] {
        let mut one = addressed(1, "192.0.2.20/24");
        for (to, via, metric) in [
            ("10.0.0.0/8", [192, 0, 2, 254], None),
            ("default", [192, 0, 2, 253], Some(200)),
        ] {
            let to: Destination = to.parse().expect("a destination");
            let mut route = Route::new(to, Origin::whole("netplan"));
            (route.via, route.metric) = (Some(via.into()), metric);
            one.routes.push(route);
        }
        let installed = with_local_kernel(installed("192.0.2.1", vec![one.clone()]));
        let tables = [named("NBFT", &table(vec![hfi], Vec::new()))];
        let over = by_tables(&installed, &tables);
        assert_eq!(lines(&over), [expected]);
        let plan = resolved(&installed, &over);
        assert_eq!(plan.reach, Reach::Initramfs);
        assert!(plan.network.interfaces[0].keeps(&one));
    }
}

/// The gateway is known in another table, whose metrics don't count either.
#[test]
fn the_table_s_default_route_is_the_main_table_s() {
    let mut router = hfi(1, "192.0.2.20", 24);
    router.gateway = IpAddr::from([192, 0, 2, 254]).into();
    for (table_of_route, metric, expected) in [
        (Some(100), Some(7), Some(100)),
        (None, Some(u32::MAX - 1), Some(u32::MAX)),
        (Some(254), Some(u32::MAX), None),
    ] {
        let mut one = addressed(1, "192.0.2.20/24");
        let mut route = Route::new(Destination::Default, Origin::whole("netplan"));
        let other = if table_of_route == Some(100) {
            254
        } else {
            253
        };
        route.via = Some([192, 0, 2, other].into());
        (route.table, route.metric) = (table_of_route, metric);
        one.routes.push(route.clone());
        let installed = with_local_kernel(installed("192.0.2.1", vec![one]));
        let tables = [named("NBFT", &table(vec![router.clone()], Vec::new()))];
        let over = by_tables(&installed, &tables);
        let interfaces = over.fragments[0].interfaces.as_ref().expect("interfaces");
        let routes = &interfaces[0].routes;
        assert_eq!(routes[0], route, "the installed one stays");
        assert_eq!(routes.get(1).map(|new| new.metric), expected.map(Some));
        let why = "NBFT `HFI 1`: the gateway does not count: no metric is left after that of the installed default route";
        let expected = if expected.is_none() { &[why][..] } else { &[] };
        assert_eq!(said(&over), expected);
    }
}

#[test]
fn with_a_local_kernel_a_lease_stays_what_it_is() {
    let mut by_dhcp = card_by_mac("ens1", 1);
    by_dhcp.dhcp4 = Some(Dhcp4 {
        route_metric: 7,
        ..Dhcp4::default()
    });
    let installed = with_local_kernel(installed("192.0.2.1", vec![by_dhcp.clone()]));
    let tables = [named(
        "NBFT",
        &table(vec![leased(1, "192.0.2.77")], Vec::new()),
    )];
    let over = by_tables(&installed, &tables);
    assert_eq!(over.fragments[0].interfaces, Some(vec![by_dhcp]));
}

#[test]
fn a_bond_s_member_is_known_by_its_name_s_pattern_or_driver() {
    let by = |change: fn(&mut Match)| {
        let mut wanted = Match::default();
        change(&mut wanted);
        wanted
    };
    let there = |name: &str, last: u8, driver: &str| Card {
        name: name.parse().expect("a name"),
        mac: MacAddress::new(mac(last)),
        driver: Some(driver.to_owned()),
    };
    // The first card of those that fit is the one.
    let cards = [
        there("eno1", 9, "igb"),
        there("ens3", 1, "ice"),
        there("ens4", 2, "ice"),
    ];
    for (matching, last, is_member) in [
        (by(|one| one.name = Some("ens*".to_owned())), 1, true),
        (by(|one| one.name = Some("ens*".to_owned())), 2, false),
        (by(|one| one.driver = vec!["ic?".to_owned()]), 1, true),
        (by(|one| one.driver = vec!["igb".to_owned()]), 1, false),
    ] {
        let member = Interface {
            matching: Some(matching.clone()),
            ..card("member")
        };
        let bond = Interface {
            kind: LinkKind::Bond {
                bond: Bond {
                    members: vec![member.id.clone()],
                    ..Bond::default()
                },
            },
            dhcp4: Some(Dhcp4::default()),
            ..card("bond0")
        };
        let installed = installed("203.0.113.1", vec![member, bond]);
        let mut one = hfi(1, "192.0.2.20", 24);
        one.mac = nvmeroot_nbft::Mac(mac(last));
        let tables = [named("NBFT", &table(vec![one], Vec::new()))];
        let boot = Boot {
            tables: &tables,
            cards: &cards,
            reach: Reach::Firmware,
            ..Boot::default()
        };
        let over = overlay(&installed, boot);
        assert_eq!(lines(&over).is_empty(), is_member, "{matching:?} {last}");
        assert_eq!(said(&over).len(), usize::from(is_member));
    }
}

/// As many records as a table can have, each HFI a way to each drive.
#[test]
fn more_than_any_machine_has_is_cut_off() {
    let hfis = (1..=255).map(|n| hfi(n, "192.0.2.20", 24)).collect();
    let all: Vec<u8> = (1..=255).collect();
    let drives = (1..=255).map(|n| {
        let mut one = subsystem(n, 1, "192.0.2.1");
        one.hfis.clone_from(&all);
        one
    });
    let whole = Table {
        discovery: (1..=255)
            .map(|n| Discovery::new(n, n, "nvme+tcp://192.0.2.9/"))
            .collect(),
        ..table(hfis, drives.collect())
    };
    let tables = ["NBFT1", "NBFT2"].map(|name| NamedTable {
        name: name.to_owned(),
        table: whole.clone(),
    });
    let installed = installed("203.0.113.1", Vec::new());
    let over = by_tables(&installed, &tables);
    assert_eq!(
        said(&over),
        [
            "NBFT2 `HFI 2`: this record and those after it do not count: there are more than 256 network cards",
            "NBFT1 `subsystems`: not all of its drives count: there are more than 1024",
            "NBFT2 `subsystems`: not all of its drives count: there are more than 1024",
        ]
    );
    assert_eq!(lines(&over).len(), 255);
    let plan = resolved(&installed, &over);
    assert_eq!(plan.controllers.len(), 255, "the others are the same again");
}
