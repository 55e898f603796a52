//! Keys of every device, and those of hardware.

use nvmeroot_plan::{RouteScope, RouteType};

use super::{Family, Key, PAIRS, POSITIVE, TEXTS, UINT, ValueType, carried, later, left, refused};

/// "Properties for all device types".
pub(super) const COMMON: &[Key] = &[
    carried("renderer", RENDERER),
    carried("dhcp4", ValueType::Bool),
    carried("dhcp6", ValueType::Bool),
    carried("ipv6-mtu", UINT),
    carried("ipv6-privacy", ValueType::Bool),
    carried(
        "link-local",
        ValueType::List(&ValueType::AnyCase(&["ipv4", "ipv6"])),
    ),
    later("ignore-carrier", ValueType::Bool),
    later("critical", ValueType::Bool),
    carried("dhcp-identifier", ValueType::AnyCase(&["duid", "mac"])),
    carried("dhcp4-overrides", ValueType::Map(&[DHCP4_OVERRIDES])),
    carried("dhcp6-overrides", ValueType::Map(&[DHCP6_OVERRIDES])),
    carried("accept-ra", ValueType::Bool),
    carried("ra-overrides", ValueType::Map(&[RA_OVERRIDES])),
    carried(
        "addresses",
        ValueType::List(&ValueType::InterfaceAddress(&[ADDRESS])),
    ),
    carried(
        "ipv6-address-generation",
        ValueType::Word(&["eui64", "stable-privacy"]),
    ),
    carried("ipv6-address-token", ValueType::Address(Family::V6)),
    carried("gateway4", ValueType::Address(Family::V4)),
    carried("gateway6", ValueType::Address(Family::V6)),
    later("nameservers", ValueType::Map(&[NAMESERVERS])),
    carried(
        "macaddress",
        ValueType::MacOr(&["permanent", "random", "stable", "stable-ssid", "preserve"]),
    ),
    carried("mtu", ValueType::Number(68, 65_535)),
    later("optional", ValueType::Bool),
    later("optional-addresses", OPTIONAL_ADDRESSES),
    carried("activation-mode", ValueType::Word(&["manual", "off"])),
    carried("routes", ValueType::List(&ValueType::Map(&[ROUTE]))),
    carried("routing-policy", ValueType::List(&ValueType::Map(&[RULE]))),
    carried("neigh-suppress", ValueType::Bool),
    carried("hairpin", ValueType::Bool),
    carried("port-mac-learning", ValueType::Bool),
    left("networkmanager", ValueType::Map(&[NETWORKMANAGER])),
    refused(
        "openvswitch",
        ValueType::Map(&[OPENVSWITCH]),
        "Open vSwitch does not run in the initramfs",
    ),
];

/// "Properties for physical device types".
pub(super) const PHYSICAL: &[Key] = &[
    carried("match", ValueType::Map(&[MATCH])),
    carried("set-name", ValueType::InterfaceName),
    left("wakeonlan", ValueType::Bool),
    left("wakeonwlan", ValueType::List(&ValueType::AnyCase(WOWLAN))),
    left("emit-lldp", ValueType::Bool),
    carried("receive-checksum-offload", ValueType::Bool),
    carried("transmit-checksum-offload", ValueType::Bool),
    carried("tcp-segmentation-offload", ValueType::Bool),
    carried("tcp6-segmentation-offload", ValueType::Bool),
    carried("generic-segmentation-offload", ValueType::Bool),
    carried("generic-receive-offload", ValueType::Bool),
    carried("large-receive-offload", ValueType::Bool),
];

/// The network configuration tool, of one definition or of all.
pub(in super::super) const RENDERER: ValueType = ValueType::Word(&["networkd", "NetworkManager"]);

const OPTIONAL_ADDRESSES: ValueType = ValueType::List(&ValueType::AnyCase(&[
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
    carried("name", ValueType::Glob),
    carried("macaddress", ValueType::Mac),
    carried("driver", ValueType::OneOrList(&ValueType::Glob)),
];

const ADDRESS: &[Key] = &[
    carried("lifetime", ValueType::AnyCase(&["0", "forever"])),
    carried("label", ValueType::Text),
];

const DHCP4_OVERRIDES: &[Key] = &[
    carried("use-dns", ValueType::Bool),
    later("use-ntp", ValueType::Bool),
    carried("send-hostname", ValueType::Bool),
    carried("use-hostname", ValueType::Bool),
    carried("use-mtu", ValueType::Bool),
    carried("hostname", ValueType::HostName),
    carried("use-routes", ValueType::Bool),
    carried("route-metric", UINT),
    carried("use-domains", ValueType::BoolOr(&["route"])),
];

/// Of a DHCPv6 answer the initramfs uses addresses, name servers and domains; the
/// metric is that of the routes that routers announce.
const DHCP6_OVERRIDES: &[Key] = &[
    carried("use-dns", ValueType::Bool),
    later("use-ntp", ValueType::Bool),
    later("send-hostname", ValueType::Bool),
    later("use-hostname", ValueType::Bool),
    later("use-mtu", ValueType::Bool),
    later("hostname", ValueType::HostName),
    later("use-routes", ValueType::Bool),
    carried("route-metric", UINT),
    carried("use-domains", ValueType::BoolOr(&["route"])),
];

const RA_OVERRIDES: &[Key] = &[
    later("use-dns", ValueType::Bool),
    later("use-domains", ValueType::BoolOr(&["route"])),
    carried("table", POSITIVE),
];

const NAMESERVERS: &[Key] = &[
    carried(
        "addresses",
        ValueType::List(&ValueType::Address(Family::Any)),
    ),
    carried("search", TEXTS),
];

const ROUTE: &[Key] = &[
    carried("from", ValueType::Network),
    carried("to", ValueType::Destination),
    carried("via", ValueType::Network),
    carried("on-link", ValueType::Bool),
    carried("metric", UINT),
    carried("type", ValueType::AnyCase(RouteType::WORDS)),
    carried("scope", ValueType::AnyCase(RouteScope::WORDS)),
    carried("table", POSITIVE),
    carried("mtu", POSITIVE),
    carried("congestion-window", POSITIVE),
    carried("advertised-receive-window", POSITIVE),
    carried("advertised-mss", POSITIVE),
];

const RULE: &[Key] = &[
    carried("from", ValueType::Network),
    carried("to", ValueType::Network),
    carried("table", POSITIVE),
    carried("priority", UINT),
    carried("mark", POSITIVE),
    carried("type-of-service", ValueType::Number(0, 255)),
];

pub(super) const NETWORKMANAGER: &[Key] = &[
    left("name", ValueType::Text),
    left("uuid", ValueType::Text),
    left("stable-id", ValueType::Text),
    left("device", ValueType::Text),
    left("passthrough", PAIRS),
];

const OPENVSWITCH: &[Key] = &[
    left("external-ids", PAIRS),
    left("other-config", PAIRS),
    left("lacp", ValueType::Word(&["active", "passive", "off"])),
    left("fail-mode", ValueType::Word(&["secure", "standalone"])),
    left("mcast-snooping", ValueType::Bool),
    left("rstp", ValueType::Bool),
    left("protocols", OPENFLOW),
    left("controller", ValueType::Map(&[OVS_CONTROLLER])),
];

/// OpenFlow16 is gone from netplan's reference; its parser warns and goes on.
pub(super) const OPENFLOW: ValueType = ValueType::List(&ValueType::Word(&[
    "OpenFlow10",
    "OpenFlow11",
    "OpenFlow12",
    "OpenFlow13",
    "OpenFlow14",
    "OpenFlow15",
    "OpenFlow16",
]));

const OVS_CONTROLLER: &[Key] = &[
    left("addresses", TEXTS),
    left(
        "connection-mode",
        ValueType::Word(&["in-band", "out-of-band"]),
    ),
];

/// "Authentication"; secrets, so never shown.
pub(super) const AUTH: &[Key] = &[
    left(
        "key-management",
        ValueType::Word(&[
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
    left(
        "method",
        ValueType::Word(&["tls", "peap", "leap", "pwd", "ttls"]),
    ),
    left("identity", ValueType::Text),
    left("anonymous-identity", ValueType::Text),
    left("password", ValueType::Text),
    left("ca-certificate", ValueType::Text),
    left("client-certificate", ValueType::Text),
    left("client-key", ValueType::Text),
    left("client-key-password", ValueType::Text),
    left("phase2-auth", ValueType::Text),
];
