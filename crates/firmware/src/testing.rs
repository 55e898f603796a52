//! Tables and installed plans for the tests, and what becomes of them.

use nvmeroot_nbft::{Hfi, HfiFlags, Host, Subsystem, Table};
use nvmeroot_plan::{
    BootPlan, Controller, Fragment, Interface, LinkKind, Match, MountRequest, Node, NodeRole,
    Origin, Reference, StorageGraph, resolve,
};

use crate::{Boot, NamedTable, Overlay, overlay};

pub(crate) const HOST: &str =
    "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";
pub(crate) const HOST_ID: [u8; 16] = [
    0x8f, 0x3c, 0x4d, 0x2a, 0x5b, 0x1e, 0x4f, 0x60, 0x9a, 0x7d, 0x0c, 0x1b, 0x2e, 0x3f, 0x4a, 0x5d,
];
pub(crate) const ROOT: &str = "nqn.2024-01.example:root";

pub(crate) fn mac(last: u8) -> [u8; 6] {
    [0x52, 0x54, 0, 0, 0, last]
}

pub(crate) fn hfi(index: u8, address: &str, prefix: u8) -> Hfi {
    Hfi::new(
        index,
        mac(index),
        address.parse().expect("an address"),
        prefix,
    )
}

pub(crate) fn leased(index: u8, address: &str) -> Hfi {
    let mut one = hfi(index, address, 24);
    one.flags |= HfiFlags::DHCP;
    one
}

pub(crate) fn subsystem(index: u16, hfi: u8, address: &str) -> Subsystem {
    let address = address.parse().expect("an address");
    Subsystem::new(index, hfi, address, 4420, ROOT)
}

/// As the parser gives it: through its bytes.
pub(crate) fn named(name: &str, table: &Table) -> NamedTable {
    let bytes = table.to_bytes().expect("a table");
    let parsed = nvmeroot_nbft::parse(&bytes).expect("its bytes");
    assert_eq!(parsed.notes, []);
    NamedTable {
        name: name.to_owned(),
        table: parsed.table,
    }
}

pub(crate) fn table(hfis: Vec<Hfi>, subsystems: Vec<Subsystem>) -> Table {
    Table {
        hfis,
        subsystems,
        ..Table::new(Host::new(HOST, HOST_ID))
    }
}

pub(crate) fn card(name: &str) -> Interface {
    let id = name.parse().expect("an id");
    let name = name.parse().expect("a name");
    Interface::new(id, name, LinkKind::Ethernet, Origin::whole("netplan"))
}

pub(crate) fn card_by_mac(name: &str, last: u8) -> Interface {
    Interface {
        matching: Some(Match {
            macaddress: Some(nvmeroot_plan::MacAddress::new(mac(last))),
            ..Match::default()
        }),
        ..card(name)
    }
}

/// Root, and all else, behind a portal.
pub(crate) fn installed(portal: &str, interfaces: Vec<Interface>) -> Vec<Fragment> {
    let origin = Origin::whole("curtin");
    let controller = Controller {
        transport: nvmeroot_plan::Transport::Tcp,
        traddr: portal.parse().expect("an address"),
        trsvcid: "4420".parse().expect("a port"),
        nqn: None,
        options: nvmeroot_plan::ConnectOptions::default(),
        origin: origin.clone(),
    };
    let root = MountRequest {
        netdev: Some(true),
        ..MountRequest::new("/".parse().expect("a mount point"))
    };
    let node = |id: &str, on: &[&str], role| Node {
        id: id.to_owned(),
        kind: "test".to_owned(),
        on: on
            .iter()
            .map(|id| Reference {
                id: (*id).to_owned(),
                origin: origin.clone(),
            })
            .collect(),
        role,
        origin: origin.clone(),
    };
    let nodes = vec![
        node("c", &[], NodeRole::Controller(Box::new(controller))),
        node("root", &["c"], NodeRole::Mount(root)),
    ];
    vec![Fragment {
        storage: Some(StorageGraph::new(nodes).expect("a graph")),
        interfaces: (!interfaces.is_empty()).then_some(interfaces),
        ..Fragment::default()
    }]
}

pub(crate) fn by_line(installed: &[Fragment], command_line: &str) -> Overlay {
    let boot = Boot {
        command_line,
        ..Boot::default()
    };
    overlay(installed, boot)
}

pub(crate) fn by_tables(installed: &[Fragment], tables: &[NamedTable]) -> Overlay {
    let boot = Boot {
        tables,
        reach: resolve(installed.to_vec()).reach,
        ..Boot::default()
    };
    overlay(installed, boot)
}

pub(crate) fn resolved(installed: &[Fragment], over: &Overlay) -> BootPlan {
    resolve(installed.iter().chain(&over.fragments).cloned().collect())
}

/// An interface in one line.
pub(crate) fn line(one: &Interface) -> String {
    let mut text = one.name.to_string();
    if let Some(mac) = one.matching.as_ref().and_then(|m| m.macaddress) {
        text += &format!(" mac {mac}");
    }
    match &one.kind {
        LinkKind::Vlan { vlan } => text += &format!(" vlan {} on {}", vlan.id, vlan.link),
        LinkKind::Bond { bond } => {
            let members: Vec<&str> = bond
                .members
                .iter()
                .map(nvmeroot_plan::DefinitionId::as_str)
                .collect();
            text += &format!(" bond of {}", members.join(","));
        }
        _ => {}
    }
    for address in &one.addresses {
        text += &format!(" {}", address.address);
    }
    for (word, is_so) in [
        (" dhcp4", one.dhcp4.is_some()),
        (" dhcp6", one.dhcp6.is_some()),
        (" ra", one.accept_ra == Some(true)),
        (" renamed", one.set_name),
    ] {
        text += if is_so { word } else { "" };
    }
    for route in &one.routes {
        let via = route
            .via
            .map_or_else(String::new, |via| format!(" via {via}"));
        let metric = route
            .metric
            .map_or_else(String::new, |m| format!(" metric {m}"));
        let on_link = if route.on_link { " onlink" } else { "" };
        text += &format!(", {}{via}{metric}{on_link}", route.to);
    }
    for server in &one.name_servers {
        text += &format!(", dns {server}");
    }
    text
}

/// The interfaces that the last fragment says, a line each.
pub(crate) fn lines(over: &Overlay) -> Vec<String> {
    let last = over.fragments.last().expect("a fragment");
    last.interfaces.iter().flatten().map(line).collect()
}

/// What was not understood, and where.
pub(crate) fn said(over: &Overlay) -> Vec<String> {
    let all = over.warnings.iter();
    all.map(|one| match &one.origin {
        Some(origin) => format!("{origin}: {}", one.message),
        None => one.message.clone(),
    })
    .collect()
}
