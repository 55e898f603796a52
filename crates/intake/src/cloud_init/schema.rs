//! The keys of version 1 (cloud-init
//! `cloudinit/config/schemas/schema-network-config-v1.json`, and what
//! `network_state.py` and curtin's `curtin/net` read beyond it).

use crate::netplan::schema::{Care, Family, Key, Shape};

/// A key that becomes part of netplan's file, or says what the entry is.
const fn read(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        care: Care::Carried,
    }
}

/// A key whose value cloud-init does not write for netplan.
const fn left(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        care: Care::Noted("cloud-init does not write it for netplan"),
    }
}

/// Like netplan's own, with Python's and ifupdown's numbers.
const BOOL: Shape = Shape::BoolOr(&["1", "0"]);
const METRIC: Shape = Shape::Number(0, u32::MAX as u64);

/// The types of entries.
pub(super) const TYPES: [&str; 8] = [
    "physical",
    "bond",
    "bridge",
    "vlan",
    "nameserver",
    "route",
    "infiniband",
    "loopback",
];

/// Of every interface. Those that are mappings or lists of them are read key
/// by key.
pub(super) const DEVICE: &[Key] = &[
    read("type", Shape::Text),
    read("name", Shape::InterfaceName),
    read("id", Shape::Text),
    read("config_id", Shape::Text),
    read("mac_address", Shape::Mac),
    read("mtu", Shape::Number(0, 65_535)),
    read("accept-ra", BOOL),
    left("wakeonlan", BOOL),
    left("optional", BOOL),
    read("subnets", Shape::List(&Shape::Map(&[]))),
];

pub(super) const PHYSICAL: &[Key] = &[
    read("keep_configuration", BOOL),
    left("params", Shape::Map(&[])),
];

pub(super) const BOND: &[Key] = &[
    read("bond_interfaces", Shape::List(&Shape::Text)),
    read("params", Shape::Map(&[])),
];

pub(super) const BRIDGE: &[Key] = &[
    read("bridge_interfaces", Shape::List(&Shape::Text)),
    read("params", Shape::Map(&[])),
];

pub(super) const VLAN: &[Key] = &[
    read("vlan_link", Shape::Text),
    read("vlan_id", Shape::Number(0, 4094)),
    left("params", Shape::Map(&[])),
];

pub(super) const SUBNET: &[Key] = &[
    read("type", Shape::Word(SUBNET_TYPES)),
    read("address", Shape::Text),
    read("ip_address", Shape::Text),
    read("netmask", Shape::Text),
    read("prefix", Shape::Number(0, 128)),
    read("gateway", Shape::Address(Family::Any)),
    read("dns_nameservers", WORDS),
    read("dns_search", WORDS),
    read("metric", METRIC),
    read("mtu", Shape::Number(0, 65_535)),
    read("routes", Shape::List(&Shape::Map(&[]))),
    read("ipv4", BOOL),
    read("ipv6", BOOL),
    left("control", Shape::Word(&["auto", "manual", "hotplug"])),
    left("broadcast", Shape::Text),
    left("pointopoint", Shape::Text),
    left("scope", Shape::Text),
];

/// Words in one text, or a list of them.
const WORDS: Shape = Shape::OneOrList(&Shape::Text);

const SUBNET_TYPES: &[&str] = &[
    "dhcp4",
    "dhcp",
    "dhcp6",
    "static",
    "static6",
    "ipv6_dhcpv6-stateful",
    "ipv6_dhcpv6-stateless",
    "ipv6_slaac",
    "manual",
];

pub(super) const ROUTE: &[Key] = &[
    read("type", Shape::Text),
    read("id", Shape::Text),
    read("destination", Shape::Text),
    read("network", Shape::Text),
    read("netmask", Shape::Text),
    read("prefix", Shape::Number(0, 128)),
    read("gateway", Shape::Address(Family::Any)),
    read("metric", METRIC),
];

pub(super) const NAMESERVER: &[Key] = &[
    read("type", Shape::Text),
    read("id", Shape::Text),
    read("address", Shape::OneOrList(&Shape::Address(Family::Any))),
    read("search", Shape::OneOrList(&Shape::Text)),
    read("interface", Shape::Text),
];
