//! What the firmware's table says, carried out: cards by MAC address, connections bound to
//! them, and what the running system is told.

use std::fs;
use std::time::Duration;

use nvmeroot_agent::boot::Verdict;
use nvmeroot_firmware::{Boot, NamedTable, overlay};
use nvmeroot_nbft::{Hfi, HfiFlags, Host, Subsystem, Table};
use nvmeroot_plan::{BootPlan, Fragment, MountRequest, Node, NodeRole, Reference, resolve};
use nvmeroot_record::FailureKind;

use crate::boot::{LONG, NQN, PORT, Played, origin, plan};
use crate::net::{MAC, Net, skip};

/// Root behind some portal that the table does not name: the kernel came by the firmware.
fn installed() -> Fragment {
    let base = plan(crate::boot::interface(|_| {}), "203.0.113.1", None);
    let node = |id: &str, on: &[&str], role| Node {
        id: id.to_owned(),
        kind: "test".to_owned(),
        on: on
            .iter()
            .map(|id| Reference {
                id: (*id).to_owned(),
                origin: origin(),
            })
            .collect(),
        role,
        origin: origin(),
    };
    let root = MountRequest::new("/".parse().expect("a path"));
    let controller = Box::new(base.controllers[0].clone());
    let nodes = vec![
        node("c", &[], NodeRole::Controller(controller)),
        node("root", &["c"], NodeRole::Mount(root)),
    ];
    Fragment {
        storage: nodes.try_into().ok(),
        ..Fragment::default()
    }
}

/// The plan of a boot with this table, as it is in memory.
fn plan_of(hfis: Vec<Hfi>) -> BootPlan {
    let portal = "10.9.0.1".parse().expect("an address");
    let mut drive = Subsystem::new(1, 1, portal, PORT, NQN);
    drive.hfis = hfis.iter().map(|one| one.index).collect();
    let host = Host::new("nqn.2024-01.example:host", [7; 16]);
    let table = Table {
        hfis,
        subsystems: vec![drive],
        ..Table::new(host)
    };
    let bytes = table.to_bytes().expect("a table");
    let parsed = nvmeroot_nbft::parse(&bytes).expect("its bytes");
    let tables = [NamedTable {
        name: "NBFT".to_owned(),
        table: parsed.table,
    }];
    let sources = vec![installed()];
    let boot = Boot {
        tables: &tables,
        reach: resolve(sources.clone()).reach,
        ..Boot::default()
    };
    let over = overlay(&sources, boot);
    assert_eq!(over.warnings, []);
    resolve(sources.into_iter().chain(over.fragments).collect())
}

fn hfi(index: u8, mac: [u8; 6]) -> Hfi {
    let address = "10.9.0.9".parse().expect("an address");
    Hfi::new(index, mac, address, 24)
}

#[test]
fn the_table_s_card_is_found_and_connections_are_bound_to_it() {
    if skip("the_table_s_card_is_found_and_connections_are_bound_to_it") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let plan = plan_of(vec![hfi(1, MAC.octets())]);
    let boot = net.boot(plan, Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    assert_eq!(boot.step("reach").detail, "over c from 10.9.0.9");
    let name = boot.record.interfaces.iter().next().expect("an interface");
    assert_eq!((name.0.as_str(), name.1.as_str()), ("nbft1", "c"));
    let asked = fs::read_to_string(net.path("sys/asked")).expect("what it asked for");
    assert!(
        asked.contains(",host_iface=c,") || asked.ends_with(",host_iface=c"),
        "{asked}"
    );
    assert!(
        asked.contains("hostnqn=nqn.2024-01.example:host"),
        "{asked}"
    );
    let told = net.path("run/systemd/network/05-nvmeroot-c.network");
    let told = fs::read_to_string(told).expect("a file");
    assert!(told.contains("\nKeepConfiguration=yes\n"), "{told}");
    assert!(told.contains("\nAddress=10.9.0.9/24\n"), "{told}");
}

#[test]
fn another_lease_than_the_firmware_s_is_as_good() {
    if skip("another_lease_than_the_firmware_s_is_as_good") {
        return;
    }
    let mut net = Net::up();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.59,120"]);
    net.listen("10.9.0.1:4420");
    let mut card = hfi(1, MAC.octets());
    card.flags |= HfiFlags::DHCP;
    let boot = net.boot(plan_of(vec![card]), Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    let reach = &boot.step("reach").detail;
    assert!(reach.starts_with("over c from 10.9.0.5"), "{reach}");
    let told = net.path("run/systemd/network/05-nvmeroot-c.network");
    let told = fs::read_to_string(told).expect("a file");
    assert!(told.contains("\nDHCP=ipv4\n"), "{told}");
    assert!(told.contains("\nClientIdentifier=mac\n"), "{told}");
}

#[test]
fn one_dead_card_of_two_stops_nothing_and_is_named() {
    if skip("one_dead_card_of_two_stops_nothing_and_is_named") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let absent = [2, 0, 0, 0, 0, 0x99];
    let plan = plan_of(vec![hfi(1, absent), hfi(2, MAC.octets())]);
    let boot = net.boot(plan, Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    let missing = boot.record.missing.iter();
    let cards: Vec<_> = missing
        .filter(|one| one.failure.kind == FailureKind::NoCard)
        .map(|one| one.failure.message.as_str())
        .collect();
    assert_eq!(
        cards,
        ["no network card has the MAC address `02:00:00:00:00:99`, which NBFT `HFI 1` names"]
    );
    let alone = net.boot(
        plan_of(vec![hfi(1, absent)]),
        Played::default(),
        Duration::from_secs(1),
    );
    let Verdict::Failed(report) = alone.verdict else {
        panic!("{:?}", alone.verdict);
    };
    let report = report.join("\n");
    assert!(report.contains("which NBFT `HFI 1` names"), "{report}");
}
