//! The keys of `network`, and its sections.

use super::common::{COMMON, OPENFLOW, PHYSICAL, RENDERER};
use super::{Key, Kind, LATER, PAIRS, Section, ValueType, carried, devices, noted};

/// The keys of `network` that are no sections.
pub(in super::super) const NETWORK: &[Key] = &[
    carried("version", ValueType::Text),
    carried("renderer", RENDERER),
    noted("openvswitch", ValueType::Map(&[OVS_GLOBAL]), LATER),
];

const OVS_GLOBAL: &[Key] = &[
    noted("external-ids", PAIRS, LATER),
    noted("other-config", PAIRS, LATER),
    noted("protocols", OPENFLOW, LATER),
    noted(
        "ports",
        ValueType::List(&ValueType::List(&ValueType::Text)),
        LATER,
    ),
    noted("ssl", ValueType::Map(&[OVS_SSL]), LATER),
];

const OVS_SSL: &[Key] = &[
    noted("ca-cert", ValueType::Text, LATER),
    noted("certificate", ValueType::Text, LATER),
    noted("private-key", ValueType::Text, LATER),
];

/// The mappings of definitions, in the order of netplan's reference. Where a
/// key is in two groups of a section, the first one counts.
pub(in super::super) const SECTIONS: &[Section] = &[
    Section {
        name: "bonds",
        kind: Kind::Bond,
        noun: "a bond",
        keys: &[devices::BOND, COMMON],
    },
    Section {
        name: "bridges",
        kind: Kind::Bridge,
        noun: "a bridge",
        keys: &[devices::BRIDGE, COMMON],
    },
    Section {
        name: "dummy-devices",
        kind: Kind::Dummy,
        noun: "a dummy device",
        keys: &[COMMON],
    },
    Section {
        name: "ethernets",
        kind: Kind::Ethernet,
        noun: "a network card",
        keys: &[PHYSICAL, COMMON, devices::ETHERNET],
    },
    Section {
        name: "modems",
        kind: Kind::Foreign,
        noun: "a modem",
        keys: &[devices::MODEM, PHYSICAL, COMMON],
    },
    Section {
        name: "tunnels",
        kind: Kind::Foreign,
        noun: "a tunnel",
        keys: &[devices::TUNNEL, COMMON],
    },
    Section {
        name: "virtual-ethernets",
        kind: Kind::Foreign,
        noun: "a virtual Ethernet pair",
        keys: &[devices::VETH, COMMON],
    },
    Section {
        name: "vlans",
        kind: Kind::Vlan,
        noun: "a VLAN",
        keys: &[devices::VLAN, COMMON],
    },
    Section {
        name: "vrfs",
        kind: Kind::Vrf,
        noun: "a VRF",
        keys: &[devices::VRF, COMMON],
    },
    Section {
        name: "wifis",
        kind: Kind::Foreign,
        noun: "a Wi-Fi card",
        keys: &[devices::WIFI, PHYSICAL, COMMON],
    },
    Section {
        name: "nm-devices",
        kind: Kind::Foreign,
        noun: "a device of NetworkManager's own",
        keys: &[PHYSICAL, COMMON, devices::ETHERNET],
    },
];

/// Finds a section of `network`.
pub(in super::super) fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}
