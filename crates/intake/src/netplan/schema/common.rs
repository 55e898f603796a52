//! Keys of every device, and those of hardware.

use super::{
    Care, Family, Key, LATER, PAIRS, POSITIVE, Shape, TEXTS, UINT, carried, noted, refused,
};

/// "Properties for all device types".
pub(super) const COMMON: &[Key] = &[
    carried("renderer", RENDERER),
    carried("dhcp4", Shape::Bool),
    carried("dhcp6", Shape::Bool),
    carried("ipv6-mtu", UINT),
    carried("ipv6-privacy", Shape::Bool),
    carried(
        "link-local",
        Shape::List(&Shape::AnyCase(&["ipv4", "ipv6"])),
    ),
    carried("ignore-carrier", Shape::Bool),
    carried("critical", Shape::Bool),
    carried("dhcp-identifier", Shape::AnyCase(&["duid", "mac"])),
    carried("dhcp4-overrides", Shape::Map(&[DHCP_OVERRIDES])),
    carried("dhcp6-overrides", Shape::Map(&[DHCP_OVERRIDES])),
    carried("accept-ra", Shape::Bool),
    carried("ra-overrides", Shape::Map(&[RA_OVERRIDES])),
    carried("addresses", Shape::List(&Shape::InterfaceAddress(ADDRESS))),
    carried(
        "ipv6-address-generation",
        Shape::Word(&["eui64", "stable-privacy"]),
    ),
    carried("ipv6-address-token", Shape::Address(Family::V6)),
    carried("gateway4", Shape::Address(Family::V4)),
    carried("gateway6", Shape::Address(Family::V6)),
    carried("nameservers", Shape::Map(&[NAMESERVERS])),
    carried(
        "macaddress",
        Shape::MacOr(&["permanent", "random", "stable", "stable-ssid", "preserve"]),
    ),
    carried("mtu", Shape::Number(68, 65_535)),
    carried("optional", Shape::Bool),
    carried("optional-addresses", OPTIONAL_ADDRESSES),
    carried("activation-mode", Shape::Word(&["manual", "off"])),
    carried("routes", Shape::List(&Shape::Map(&[ROUTE]))),
    carried("routing-policy", Shape::List(&Shape::Map(&[RULE]))),
    carried("neigh-suppress", Shape::Bool),
    carried("hairpin", Shape::Bool),
    carried("port-mac-learning", Shape::Bool),
    noted("networkmanager", Shape::Map(&[NETWORKMANAGER]), LATER),
    refused(
        "openvswitch",
        Shape::Map(&[OPENVSWITCH]),
        "Open vSwitch does not run in the initramfs",
    ),
];

/// "Properties for physical device types".
pub(super) const PHYSICAL: &[Key] = &[
    carried("match", Shape::Map(&[MATCH])),
    carried("set-name", Shape::InterfaceName),
    carried("wakeonlan", Shape::Bool),
    noted("wakeonwlan", Shape::List(&Shape::AnyCase(WOWLAN)), LATER),
    noted("emit-lldp", Shape::Bool, LATER),
    carried("receive-checksum-offload", Shape::Bool),
    carried("transmit-checksum-offload", Shape::Bool),
    carried("tcp-segmentation-offload", Shape::Bool),
    carried("tcp6-segmentation-offload", Shape::Bool),
    carried("generic-segmentation-offload", Shape::Bool),
    carried("generic-receive-offload", Shape::Bool),
    carried("large-receive-offload", Shape::Bool),
];

/// The network configuration tool, of one definition or of all.
pub(in super::super) const RENDERER: Shape = Shape::Word(&["networkd", "NetworkManager"]);

const OPTIONAL_ADDRESSES: Shape = Shape::List(&Shape::AnyCase(&[
    "ipv4-ll", "ipv6-ra", "dhcp4", "dhcp6", "static",
]));

const WOWLAN: &[&str] = &[
    "default",
    "any",
    "disconnect",
    "magic_pkt",
    "gtk_rekey_failure",
    "eap_identity_req",
    "four_way_handshake",
    "rfkill_release",
    "tcp",
];

const MATCH: &[Key] = &[
    carried("name", Shape::Glob),
    carried("macaddress", Shape::Mac),
    carried("driver", Shape::OneOrList(&Shape::Glob)),
];

const ADDRESS: &[Key] = &[
    carried("lifetime", Shape::AnyCase(&["0", "forever"])),
    carried("label", Shape::Text),
];

const DHCP_OVERRIDES: &[Key] = &[
    carried("use-dns", Shape::Bool),
    carried("use-ntp", Shape::Bool),
    carried("send-hostname", Shape::Bool),
    carried("use-hostname", Shape::Bool),
    carried("use-mtu", Shape::Bool),
    carried("hostname", Shape::Text),
    carried("use-routes", Shape::Bool),
    carried("route-metric", UINT),
    carried("use-domains", Shape::BoolOr(&["route"])),
];

const RA_OVERRIDES: &[Key] = &[
    carried("use-dns", Shape::Bool),
    carried("use-domains", Shape::BoolOr(&["route"])),
    carried("table", POSITIVE),
];

const NAMESERVERS: &[Key] = &[
    carried("addresses", Shape::List(&Shape::Address(Family::Any))),
    carried("search", TEXTS),
];

const ROUTE: &[Key] = &[
    carried("from", Shape::Network),
    carried("to", Shape::Destination),
    carried("via", Shape::Network),
    carried("on-link", Shape::Bool),
    carried("metric", UINT),
    carried("type", Shape::AnyCase(ROUTE_TYPES)),
    carried("scope", Shape::AnyCase(&["global", "link", "host"])),
    carried("table", POSITIVE),
    carried("mtu", POSITIVE),
    carried("congestion-window", POSITIVE),
    carried("advertised-receive-window", POSITIVE),
    carried("advertised-mss", POSITIVE),
];

const ROUTE_TYPES: &[&str] = &[
    "unicast",
    "anycast",
    "blackhole",
    "broadcast",
    "local",
    "multicast",
    "nat",
    "prohibit",
    "throw",
    "unreachable",
    "xresolve",
];

const RULE: &[Key] = &[
    carried("from", Shape::Network),
    carried("to", Shape::Network),
    carried("table", POSITIVE),
    carried("priority", UINT),
    carried("mark", POSITIVE),
    carried("type-of-service", Shape::Number(0, 255)),
];

pub(super) const NETWORKMANAGER: &[Key] = &[
    noted("name", Shape::Text, LATER),
    noted("uuid", Shape::Text, LATER),
    noted("stable-id", Shape::Text, LATER),
    noted("device", Shape::Text, LATER),
    noted("passthrough", PAIRS, LATER),
];

const OPENVSWITCH: &[Key] = &[
    noted("external-ids", PAIRS, LATER),
    noted("other-config", PAIRS, LATER),
    noted("lacp", Shape::Word(&["active", "passive", "off"]), LATER),
    noted("fail-mode", Shape::Word(&["secure", "standalone"]), LATER),
    noted("mcast-snooping", Shape::Bool, LATER),
    noted("rstp", Shape::Bool, LATER),
    noted("protocols", OPENFLOW, LATER),
    noted("controller", Shape::Map(&[OVS_CONTROLLER]), LATER),
];

/// OpenFlow16 is gone from netplan's reference; its parser warns and goes on.
pub(super) const OPENFLOW: Shape = Shape::List(&Shape::Word(&[
    "OpenFlow10",
    "OpenFlow11",
    "OpenFlow12",
    "OpenFlow13",
    "OpenFlow14",
    "OpenFlow15",
    "OpenFlow16",
]));

const OVS_CONTROLLER: &[Key] = &[
    noted("addresses", TEXTS, LATER),
    noted(
        "connection-mode",
        Shape::Word(&["in-band", "out-of-band"]),
        LATER,
    ),
];

/// "Authentication"; secrets, so never shown.
pub(super) const AUTH: &[Key] = &[
    auth(
        "key-management",
        Shape::Word(&[
            "none",
            "psk",
            "psk-sha256",
            "eap",
            "eap-sha256",
            "eap-suite-b-192",
            "sae",
            "802.1x",
        ]),
    ),
    auth(
        "method",
        Shape::Word(&["tls", "peap", "leap", "pwd", "ttls"]),
    ),
    auth("identity", Shape::Text),
    auth("anonymous-identity", Shape::Text),
    auth("password", Shape::Text),
    auth("ca-certificate", Shape::Text),
    auth("client-certificate", Shape::Text),
    auth("client-key", Shape::Text),
    auth("client-key-password", Shape::Text),
    auth("phase2-auth", Shape::Text),
];

const fn auth(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        care: Care::Noted(LATER),
    }
}
