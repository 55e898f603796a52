//! Keys of single kinds of devices.

use super::common::{AUTH, NETWORKMANAGER};
use super::{
    Family, Key, POSITIVE, TEXTS, UINT, ValueType, carried, left, noted, parameters, refused,
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
    left("delay-virtual-functions-rebind", ValueType::Bool),
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

pub(super) const VETH: &[Key] = &[left("peer", ValueType::Id)];

pub(super) const MODEM: &[Key] = &[
    left("apn", ValueType::Text),
    left("auto-config", ValueType::Bool),
    left("device-id", ValueType::Text),
    left("network-id", ValueType::Text),
    left("number", ValueType::Text),
    left("password", ValueType::Text),
    left("pin", ValueType::Text),
    left("sim-id", ValueType::Text),
    left("sim-operator-id", ValueType::Text),
    left("username", ValueType::Text),
];

pub(super) const WIFI: &[Key] = &[
    left(
        "access-points",
        ValueType::Names(&ValueType::Map(&[ACCESS_POINT])),
    ),
    left("auth", ValueType::Map(&[AUTH])),
    left("regulatory-domain", ValueType::Text),
];

const ACCESS_POINT: &[Key] = &[
    left("password", ValueType::Text),
    left("mode", ValueType::Word(&["infrastructure", "ap", "adhoc"])),
    left("bssid", ValueType::Mac),
    left("band", ValueType::Word(&["5GHz", "5G", "2.4GHz", "2.4G"])),
    left("channel", UINT),
    left("hidden", ValueType::Bool),
    left("auth", ValueType::Map(&[AUTH])),
    left("networkmanager", ValueType::Map(&[NETWORKMANAGER])),
];

pub(super) const TUNNEL: &[Key] = &[
    left("mode", ValueType::Word(TUNNEL_MODES)),
    left("local", ValueType::Address(Family::Any)),
    left("remote", ValueType::Address(Family::Any)),
    left("ttl", ValueType::Number(0, 255)),
    left("key", ValueType::TextOrMap(&[TUNNEL_KEYS])),
    left("keys", ValueType::TextOrMap(&[TUNNEL_KEYS])),
    // WireGuard
    left("mark", UINT),
    left("port", UINT),
    left("peers", ValueType::List(&ValueType::Map(&[PEER]))),
    // VXLAN
    left("id", UINT),
    left("link", ValueType::Id),
    left("type-of-service", UINT),
    left("mac-learning", ValueType::Bool),
    left("ageing", UINT),
    left("aging", UINT),
    left("limit", UINT),
    left("arp-proxy", ValueType::Bool),
    left(
        "notifications",
        ValueType::List(&ValueType::AnyCase(&["l2-miss", "l3-miss"])),
    ),
    left("short-circuit", ValueType::Bool),
    left(
        "checksums",
        ValueType::List(&ValueType::AnyCase(&[
            "udp",
            "zero-udp6-tx",
            "zero-udp6-rx",
            "remote-tx",
            "remote-rx",
        ])),
    ),
    left(
        "extensions",
        ValueType::List(&ValueType::AnyCase(&["group-policy", "generic-protocol"])),
    ),
    left("port-range", ValueType::List(&UINT)),
    left("flow-label", ValueType::Number(0, 1_048_575)),
    left("do-not-fragment", ValueType::Bool),
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
    left("input", ValueType::Text),
    left("output", ValueType::Text),
    left("private", ValueType::Text),
    left(
        "private-key-flags",
        ValueType::List(&ValueType::Word(&[
            "agent-owned",
            "not-saved",
            "not-required",
        ])),
    ),
];

const PEER: &[Key] = &[
    left("endpoint", ValueType::Text),
    left("allowed-ips", TEXTS),
    left("keepalive", UINT),
    left("keys", ValueType::Map(&[PEER_KEYS])),
];

const PEER_KEYS: &[Key] = &[
    left("public", ValueType::Text),
    left("shared", ValueType::Text),
];
