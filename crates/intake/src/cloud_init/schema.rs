//! The keys of version 1 (cloud-init
//! `cloudinit/config/schemas/schema-network-config-v1.json`, and what
//! `network_state.py` and curtin's `curtin/net` read beyond it).

use crate::netplan::schema::{Family, Key, ValueType, carried, noted};

/// A key whose value cloud-init does not write for netplan.
const fn left(name: &'static str, value_type: ValueType) -> Key {
    noted(name, value_type, "cloud-init does not write it for netplan")
}

/// Like netplan's own, with Python's and ifupdown's numbers.
const BOOL: ValueType = ValueType::BoolOr(&["1", "0"]);
const METRIC: ValueType = ValueType::Number(0, u32::MAX as u64);

/// Of the whole.
pub(super) const NETWORK: &[Key] = &[
    carried("version", ValueType::Text),
    carried("config", ValueType::List(&ValueType::Map(&[]))),
];

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
    carried("type", ValueType::Text),
    carried("name", ValueType::InterfaceName),
    carried("id", ValueType::Text),
    carried("config_id", ValueType::Text),
    carried("mac_address", ValueType::Mac),
    carried("mtu", ValueType::Number(0, 65_535)),
    carried("accept-ra", BOOL),
    left("wakeonlan", BOOL),
    left("optional", BOOL),
    carried("subnets", ValueType::List(&ValueType::Map(&[]))),
];

pub(super) const PHYSICAL: &[Key] = &[
    carried("keep_configuration", BOOL),
    left("params", ValueType::Map(&[])),
];

pub(super) const BOND: &[Key] = &[
    carried("bond_interfaces", ValueType::List(&ValueType::Text)),
    carried("params", ValueType::Map(&[])),
];

pub(super) const BRIDGE: &[Key] = &[
    carried("bridge_interfaces", ValueType::List(&ValueType::Text)),
    carried("params", ValueType::Map(&[])),
];

pub(super) const VLAN: &[Key] = &[
    carried("vlan_link", ValueType::Text),
    carried("vlan_id", ValueType::Number(0, 4094)),
    left("params", ValueType::Map(&[])),
];

pub(super) const SUBNET: &[Key] = &[
    carried("type", ValueType::Word(SUBNET_TYPES)),
    carried("address", ValueType::Text),
    carried("ip_address", ValueType::Text),
    carried("netmask", ValueType::Text),
    carried("prefix", ValueType::Number(0, 128)),
    carried("gateway", ValueType::Address(Family::Any)),
    carried("dns_nameservers", WORDS),
    carried("dns_search", WORDS),
    carried("metric", METRIC),
    carried("mtu", ValueType::Number(0, 65_535)),
    carried("routes", ValueType::List(&ValueType::Map(&[]))),
    carried("ipv4", BOOL),
    carried("ipv6", BOOL),
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
    carried("type", ValueType::Text),
    carried("id", ValueType::Text),
    carried("destination", ValueType::Text),
    carried("network", ValueType::Text),
    carried("netmask", ValueType::Text),
    carried("prefix", ValueType::Number(0, 128)),
    carried("gateway", ValueType::Address(Family::Any)),
    carried("metric", METRIC),
];

pub(super) const NAMESERVER: &[Key] = &[
    carried("type", ValueType::Text),
    carried("id", ValueType::Text),
    carried(
        "address",
        ValueType::OneOrList(&ValueType::Address(Family::Any)),
    ),
    carried("search", ValueType::OneOrList(&ValueType::Text)),
    carried("interface", ValueType::Text),
];
