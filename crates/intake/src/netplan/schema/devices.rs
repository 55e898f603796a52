//! Keys of single kinds of devices.

use super::common::{AUTH, NETWORKMANAGER};
use super::{
    Family, Key, LATER, POSITIVE, Shape, TEXTS, UINT, carried, noted, parameters, refused,
};

/// "Properties for device type ethernets".
pub(super) const ETHERNET: &[Key] = &[
    refused(
        "auth",
        Shape::Map(&[AUTH]),
        "nobody authenticates to the switch in the initramfs",
    ),
    refused(
        "link",
        Shape::Id,
        "the initramfs creates no SR-IOV virtual functions",
    ),
    noted(
        "virtual-function-count",
        UINT,
        "the running system creates the virtual functions",
    ),
    refused(
        "embedded-switch-mode",
        Shape::Word(&["switchdev", "legacy"]),
        "changing it in the running system restarts the card under the root filesystem",
    ),
    noted("delay-virtual-functions-rebind", Shape::Bool, LATER),
    refused(
        "infiniband-mode",
        Shape::Word(&["datagram", "connected"]),
        "the initramfs brings up no InfiniBand",
    ),
];

pub(super) const BOND: &[Key] = &[
    carried("interfaces", MEMBERS),
    carried("parameters", Shape::Map(&[parameters::BOND])),
];

pub(super) const BRIDGE: &[Key] = &[
    carried("interfaces", MEMBERS),
    carried("parameters", Shape::Map(&[parameters::BRIDGE])),
];

/// `renderer` stands here for its third value, `sriov`.
pub(super) const VLAN: &[Key] = &[
    carried(
        "renderer",
        Shape::Word(&["networkd", "NetworkManager", "sriov"]),
    ),
    carried("id", Shape::Number(0, 4094)),
    carried("link", Shape::Id),
];

pub(super) const VRF: &[Key] = &[carried("table", POSITIVE), carried("interfaces", MEMBERS)];

const MEMBERS: Shape = Shape::List(&Shape::Id);

pub(super) const VETH: &[Key] = &[noted("peer", Shape::Id, LATER)];

pub(super) const MODEM: &[Key] = &[
    noted("apn", Shape::Text, LATER),
    noted("auto-config", Shape::Bool, LATER),
    noted("device-id", Shape::Text, LATER),
    noted("network-id", Shape::Text, LATER),
    noted("number", Shape::Text, LATER),
    noted("password", Shape::Text, LATER),
    noted("pin", Shape::Text, LATER),
    noted("sim-id", Shape::Text, LATER),
    noted("sim-operator-id", Shape::Text, LATER),
    noted("username", Shape::Text, LATER),
];

pub(super) const WIFI: &[Key] = &[
    noted(
        "access-points",
        Shape::Names(&Shape::Map(&[ACCESS_POINT])),
        LATER,
    ),
    noted("auth", Shape::Map(&[AUTH]), LATER),
    noted("regulatory-domain", Shape::Text, LATER),
];

const ACCESS_POINT: &[Key] = &[
    noted("password", Shape::Text, LATER),
    noted(
        "mode",
        Shape::Word(&["infrastructure", "ap", "adhoc"]),
        LATER,
    ),
    noted("bssid", Shape::Mac, LATER),
    noted(
        "band",
        Shape::Word(&["5GHz", "5G", "2.4GHz", "2.4G"]),
        LATER,
    ),
    noted("channel", UINT, LATER),
    noted("hidden", Shape::Bool, LATER),
    noted("auth", Shape::Map(&[AUTH]), LATER),
    noted("networkmanager", Shape::Map(&[NETWORKMANAGER]), LATER),
];

pub(super) const TUNNEL: &[Key] = &[
    noted("mode", Shape::Word(TUNNEL_MODES), LATER),
    noted("local", Shape::Address(Family::Any), LATER),
    noted("remote", Shape::Address(Family::Any), LATER),
    noted("ttl", Shape::Number(0, 255), LATER),
    noted("key", Shape::TextOrMap(TUNNEL_KEYS), LATER),
    noted("keys", Shape::TextOrMap(TUNNEL_KEYS), LATER),
    // WireGuard
    noted("mark", UINT, LATER),
    noted("port", UINT, LATER),
    noted("peers", Shape::List(&Shape::Map(&[PEER])), LATER),
    // VXLAN
    noted("id", UINT, LATER),
    noted("link", Shape::Id, LATER),
    noted("type-of-service", UINT, LATER),
    noted("mac-learning", Shape::Bool, LATER),
    noted("ageing", UINT, LATER),
    noted("aging", UINT, LATER),
    noted("limit", UINT, LATER),
    noted("arp-proxy", Shape::Bool, LATER),
    noted(
        "notifications",
        Shape::List(&Shape::AnyCase(&["l2-miss", "l3-miss"])),
        LATER,
    ),
    noted("short-circuit", Shape::Bool, LATER),
    noted(
        "checksums",
        Shape::List(&Shape::AnyCase(&[
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
        Shape::List(&Shape::AnyCase(&["group-policy", "generic-protocol"])),
        LATER,
    ),
    noted("port-range", Shape::List(&UINT), LATER),
    noted("flow-label", Shape::Number(0, 1_048_575), LATER),
    noted("do-not-fragment", Shape::Bool, LATER),
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
    noted("input", Shape::Text, LATER),
    noted("output", Shape::Text, LATER),
    noted("private", Shape::Text, LATER),
    noted(
        "private-key-flags",
        Shape::List(&Shape::Word(&["agent-owned", "not-saved", "not-required"])),
        LATER,
    ),
];

const PEER: &[Key] = &[
    noted("endpoint", Shape::Text, LATER),
    noted("allowed-ips", TEXTS, LATER),
    noted("keepalive", UINT, LATER),
    noted("keys", Shape::Map(&[PEER_KEYS]), LATER),
];

const PEER_KEYS: &[Key] = &[
    noted("public", Shape::Text, LATER),
    noted("shared", Shape::Text, LATER),
];
