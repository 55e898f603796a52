//! The tables that a machine's firmware leaves, of the scenarios' own MACs, addresses and
//! names.

use std::net::IpAddr;

use nvmeroot_nbft::{
    Discovery, Hfi, HfiFlags, Host, NamespaceId, NamespaceIdKind, Subsystem, Table,
};

use super::super::static_address::net;
use crate::lab::host_mac;
use crate::target::{NAMESPACE_UUID, SUBSYSTEM};

/// A table of that unit with nothing but its identity.
pub(super) fn table(unit: u8) -> Table {
    Table::new(Host::new(nqn(unit), uuid(&host_id(unit))))
}

/// The host identifier that a unit's firmware knows, which is no installer's.
pub(super) fn host_id(unit: u8) -> String {
    format!("22222222-3333-4444-8555-6666666666{unit:02x}")
}

/// The NQN that goes with it.
pub(super) fn nqn(unit: u8) -> String {
    format!("nqn.2014-08.org.nvmexpress:uuid:{}", host_id(unit))
}

fn uuid(text: &str) -> [u8; 16] {
    let number = u128::from_str_radix(&text.replace('-', ""), 16);
    number.expect("scenarios name real UUIDs").to_be_bytes()
}

/// A card (0 is the first, and HFI 1) with that address, and a router, if it leads to one.
pub(super) fn hfi(unit: u8, card: u8, address: &str, router: Option<&str>) -> Hfi {
    let address = net(address);
    let mut hfi = Hfi::new(
        card + 1,
        host_mac(unit, card),
        address.addr(),
        address.prefix_len(),
    );
    if let Some(router) = router {
        hfi.gateway = ip(router).into();
        hfi.flags |= HfiFlags::DEFAULT_ROUTE;
    }
    hfi
}

/// The same with that address as a lease.
pub(super) fn leased(unit: u8, card: u8, address: &str, server: &str) -> Hfi {
    let mut hfi = hfi(unit, card, address, Some(server));
    hfi.flags |= HfiFlags::DHCP;
    // `IpPrefixOriginDhcp`.
    hfi.origin = 3;
    hfi.dhcp_server = ip(server).into();
    hfi
}

/// The lab's drive at that portal, reached by an HFI.
pub(super) fn drive(index: u16, hfi: u8, portal: &str) -> Subsystem {
    Subsystem {
        nsid: 1,
        nid: NamespaceId {
            kind: NamespaceIdKind::Uuid,
            bytes: uuid(NAMESPACE_UUID),
        },
        ..Subsystem::new(index, hfi, ip(portal), 4420, SUBSYSTEM)
    }
}

/// A discovery controller that the firmware asked.
pub(super) fn discovery(hfi: u8, portal: &str) -> Discovery {
    Discovery::new(1, hfi, format!("nvme+tcp://{portal}:4420/"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("scenarios name real addresses")
}
