//! The keys of version 1 (cloud-init
//! `cloudinit/config/schemas/schema-network-config-v1.json`, and what
//! `network_state.py` and curtin's `curtin/net` read beyond it).

use crate::netplan::schema::{Family, Key, SupportLevel, ValueType};

/// A key that becomes part of netplan's file, or says what the entry is.
const fn read(name: &'static str, value_type: ValueType) -> Key {
    Key {
        name,
        value_type,
        support: SupportLevel::Carried,
    }
}

/// A key whose value cloud-init does not write for netplan.
const fn left(name: &'static str, value_type: ValueType) -> Key {
    Key {
        name,
        value_type,
        support: SupportLevel::Noted("cloud-init does not write it for netplan"),
    }
}

/// Like netplan's own, with Python's and ifupdown's numbers.
const BOOL: ValueType = ValueType::BoolOr(&["1", "0"]);
const METRIC: ValueType = ValueType::Number(0, u32::MAX as u64);

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
    read("type", ValueType::Text),
    read("name", ValueType::InterfaceName),
    read("id", ValueType::Text),
    read("config_id", ValueType::Text),
    read("mac_address", ValueType::Mac),
    read("mtu", ValueType::Number(0, 65_535)),
    read("accept-ra", BOOL),
    left("wakeonlan", BOOL),
    left("optional", BOOL),
    read("subnets", ValueType::List(&ValueType::Map(&[]))),
];

pub(super) const PHYSICAL: &[Key] = &[
    read("keep_configuration", BOOL),
    left("params", ValueType::Map(&[])),
];

pub(super) const BOND: &[Key] = &[
    read("bond_interfaces", ValueType::List(&ValueType::Text)),
    read("params", ValueType::Map(&[])),
];

pub(super) const BRIDGE: &[Key] = &[
    read("bridge_interfaces", ValueType::List(&ValueType::Text)),
    read("params", ValueType::Map(&[])),
];

pub(super) const VLAN: &[Key] = &[
    read("vlan_link", ValueType::Text),
    read("vlan_id", ValueType::Number(0, 4094)),
    left("params", ValueType::Map(&[])),
];

pub(super) const SUBNET: &[Key] = &[
    read("type", ValueType::Word(SUBNET_TYPES)),
    read("address", ValueType::Text),
    read("ip_address", ValueType::Text),
    read("netmask", ValueType::Text),
    read("prefix", ValueType::Number(0, 128)),
    read("gateway", ValueType::Address(Family::Any)),
    read("dns_nameservers", WORDS),
    read("dns_search", WORDS),
    read("metric", METRIC),
    read("mtu", ValueType::Number(0, 65_535)),
    read("routes", ValueType::List(&ValueType::Map(&[]))),
    read("ipv4", BOOL),
    read("ipv6", BOOL),
    left("control", ValueType::Word(&["auto", "manual", "hotplug"])),
    left("broadcast", ValueType::Text),
    left("pointopoint", ValueType::Text),
    left("scope", ValueType::Text),
];

/// Words in one text, or a list of them.
const WORDS: ValueType = ValueType::OneOrList(&ValueType::Text);

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
    read("type", ValueType::Text),
    read("id", ValueType::Text),
    read("destination", ValueType::Text),
    read("network", ValueType::Text),
    read("netmask", ValueType::Text),
    read("prefix", ValueType::Number(0, 128)),
    read("gateway", ValueType::Address(Family::Any)),
    read("metric", METRIC),
];

pub(super) const NAMESERVER: &[Key] = &[
    read("type", ValueType::Text),
    read("id", ValueType::Text),
    read(
        "address",
        ValueType::OneOrList(&ValueType::Address(Family::Any)),
    ),
    read("search", ValueType::OneOrList(&ValueType::Text)),
    read("interface", ValueType::Text),
];
