//! The keys of `network`, and its sections.

use super::common::{COMMON, OPENFLOW, PHYSICAL, RENDERER};
use super::{Key, Kind, PAIRS, Section, ValueType, carried, devices, left, of_network};

/// The keys of `network` that are no sections.
pub(in super::super) const NETWORK: &[Key] = &[
    carried("version", ValueType::Text),
    carried("renderer", RENDERER),
    left("openvswitch", ValueType::Map(&[OVS_GLOBAL])),
];

const OVS_GLOBAL: &[Key] = &[
    left("external-ids", PAIRS),
    left("other-config", PAIRS),
    left("protocols", OPENFLOW),
    left("ports", ValueType::List(&ValueType::List(&ValueType::Text))),
    left("ssl", ValueType::Map(&[OVS_SSL])),
];

const OVS_SSL: &[Key] = &[
    left("ca-cert", ValueType::Text),
    left("certificate", ValueType::Text),
    left("private-key", ValueType::Text),
];

/// The mappings of definitions, in the order of netplan's reference. Where a
/// key is in two groups of a section, the first one counts.
pub(in super::super) const SECTIONS: &[Section] = &[
    of_network("bonds", Kind::Bond, "a bond", &[devices::BOND, COMMON]),
    of_network(
        "bridges",
        Kind::Bridge,
        "a bridge",
        &[devices::BRIDGE, COMMON],
    ),
    of_network("dummy-devices", Kind::Dummy, "a dummy device", &[COMMON]),
    of_network(
        "ethernets",
        Kind::Ethernet,
        "a network card",
        &[PHYSICAL, COMMON, devices::ETHERNET],
    ),
    of_network(
        "modems",
        Kind::Foreign,
        "a modem",
        &[devices::MODEM, PHYSICAL, COMMON],
    ),
    of_network(
        "tunnels",
        Kind::Foreign,
        "a tunnel",
        &[devices::TUNNEL, COMMON],
    ),
    of_network(
        "virtual-ethernets",
        Kind::Foreign,
        "a virtual Ethernet pair",
        &[devices::VETH, COMMON],
    ),
    of_network("vlans", Kind::Vlan, "a VLAN", &[devices::VLAN, COMMON]),
    of_network("vrfs", Kind::Vrf, "a VRF", &[devices::VRF, COMMON]),
    of_network(
        "wifis",
        Kind::Foreign,
        "a Wi-Fi card",
        &[devices::WIFI, PHYSICAL, COMMON],
    ),
    of_network(
        "nm-devices",
        Kind::Foreign,
        "a device of NetworkManager's own",
        &[PHYSICAL, COMMON, devices::ETHERNET],
    ),
];

/// Finds a section of `network`.
pub(in super::super) fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}
