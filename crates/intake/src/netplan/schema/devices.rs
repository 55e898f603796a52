//! Keys of single kinds of devices.

use super::common::{AUTH, NETWORKMANAGER};
use super::{
    Family, Key, LATER, POSITIVE, TEXTS, UINT, ValueType, carried, noted, parameters, refused,
};

/// "Properties for device type ethernets".
pub(super) const ETHERNET: &[Key] = &[
    refused(
        "auth",
        ValueType::Map(&[AUTH]),
        "nobody authenticates to the switch in the initramfs",
    ),
    refused(
        "link",
        ValueType::Id,
        "the initramfs creates no SR-IOV virtual functions",
    ),
    noted(
        "virtual-function-count",
        UINT,
        "the running system creates the virtual functions",
    ),
    refused(
        "embedded-switch-mode",
        ValueType::Word(&["switchdev", "legacy"]),
        "changing it in the running system restarts the card under the root filesystem",
    ),
    noted("delay-virtual-functions-rebind", ValueType::Bool, LATER),
    refused(
        "infiniband-mode",
        ValueType::Word(&["datagram", "connected"]),
        "the initramfs brings up no InfiniBand",
    ),
];

pub(super) const BOND: &[Key] = &[
    carried("interfaces", MEMBERS),
    carried("parameters", ValueType::Map(&[parameters::BOND])),
];

pub(super) const BRIDGE: &[Key] = &[
    carried("interfaces", MEMBERS),
    carried("parameters", ValueType::Map(&[parameters::BRIDGE])),
];

/// `renderer` stands here for its third value, `sriov`.
pub(super) const VLAN: &[Key] = &[
    carried(
        "renderer",
        ValueType::Word(&["networkd", "NetworkManager", "sriov"]),
    ),
    carried("id", ValueType::Number(0, 4094)),
    carried("link", ValueType::Id),
];

pub(super) const VRF: &[Key] = &[carried("table", POSITIVE), carried("interfaces", MEMBERS)];

const MEMBERS: ValueType = ValueType::List(&ValueType::Id);

pub(super) const VETH: &[Key] = &[noted("peer", ValueType::Id, LATER)];

pub(super) const MODEM: &[Key] = &[
    noted("apn", ValueType::Text, LATER),
    noted("auto-config", ValueType::Bool, LATER),
    noted("device-id", ValueType::Text, LATER),
    noted("network-id", ValueType::Text, LATER),
    noted("number", ValueType::Text, LATER),
    noted("password", ValueType::Text, LATER),
    noted("pin", ValueType::Text, LATER),
    noted("sim-id", ValueType::Text, LATER),
    noted("sim-operator-id", ValueType::Text, LATER),
    noted("username", ValueType::Text, LATER),
];

pub(super) const WIFI: &[Key] = &[
    noted(
        "access-points",
        ValueType::Names(&ValueType::Map(&[ACCESS_POINT])),
        LATER,
    ),
    noted("auth", ValueType::Map(&[AUTH]), LATER),
    noted("regulatory-domain", ValueType::Text, LATER),
];

const ACCESS_POINT: &[Key] = &[
    noted("password", ValueType::Text, LATER),
    noted(
        "mode",
        ValueType::Word(&["infrastructure", "ap", "adhoc"]),
        LATER,
    ),
    noted("bssid", ValueType::Mac, LATER),
    noted(
        "band",
        ValueType::Word(&["5GHz", "5G", "2.4GHz", "2.4G"]),
        LATER,
    ),
    noted("channel", UINT, LATER),
    noted("hidden", ValueType::Bool, LATER),
    noted("auth", ValueType::Map(&[AUTH]), LATER),
    noted("networkmanager", ValueType::Map(&[NETWORKMANAGER]), LATER),
];

pub(super) const TUNNEL: &[Key] = &[
    noted("mode", ValueType::Word(TUNNEL_MODES), LATER),
    noted("local", ValueType::Address(Family::Any), LATER),
    noted("remote", ValueType::Address(Family::Any), LATER),
    noted("ttl", ValueType::Number(0, 255), LATER),
    noted("key", ValueType::TextOrMap(TUNNEL_KEYS), LATER),
    noted("keys", ValueType::TextOrMap(TUNNEL_KEYS), LATER),
    // WireGuard
    noted("mark", UINT, LATER),
    noted("port", UINT, LATER),
    noted("peers", ValueType::List(&ValueType::Map(&[PEER])), LATER),
    // VXLAN
    noted("id", UINT, LATER),
    noted("link", ValueType::Id, LATER),
    noted("type-of-service", UINT, LATER),
    noted("mac-learning", ValueType::Bool, LATER),
    noted("ageing", UINT, LATER),
    noted("aging", UINT, LATER),
    noted("limit", UINT, LATER),
    noted("arp-proxy", ValueType::Bool, LATER),
    noted(
        "notifications",
        ValueType::List(&ValueType::AnyCase(&["l2-miss", "l3-miss"])),
        LATER,
    ),
    noted("short-circuit", ValueType::Bool, LATER),
    noted(
        "checksums",
        ValueType::List(&ValueType::AnyCase(&[
            "udp",
            "zero-udp6-tx",
            "zero-udp6-rx",
            "remote-tx",
            "remote-rx",
        ])),
        LATER,
    ),
    noted(
        "extensions",
        ValueType::List(&ValueType::AnyCase(&["group-policy", "generic-protocol"])),
        LATER,
    ),
    noted("port-range", ValueType::List(&UINT), LATER),
    noted("flow-label", ValueType::Number(0, 1_048_575), LATER),
    noted("do-not-fragment", ValueType::Bool, LATER),
];

const TUNNEL_MODES: &[&str] = &[
    "sit",
    "gre",
    "ip6gre",
    "ipip",
    "ipip6",
    "ip6ip6",
    "vti",
    "vti6",
    "wireguard",
    "vxlan",
    "gretap",
    "ip6gretap",
    "isatap",
];

const TUNNEL_KEYS: &[Key] = &[
    noted("input", ValueType::Text, LATER),
    noted("output", ValueType::Text, LATER),
    noted("private", ValueType::Text, LATER),
    noted(
        "private-key-flags",
        ValueType::List(&ValueType::Word(&[
            "agent-owned",
            "not-saved",
            "not-required",
        ])),
        LATER,
    ),
];

const PEER: &[Key] = &[
    noted("endpoint", ValueType::Text, LATER),
    noted("allowed-ips", TEXTS, LATER),
    noted("keepalive", UINT, LATER),
    noted("keys", ValueType::Map(&[PEER_KEYS]), LATER),
];

const PEER_KEYS: &[Key] = &[
    noted("public", ValueType::Text, LATER),
    noted("shared", ValueType::Text, LATER),
];
