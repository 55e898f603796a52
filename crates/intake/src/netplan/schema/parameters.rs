//! Parameters of bonds and bridges.

use super::{Family, Key, UINT, ValueType, carried};

/// Of a bond. Where netplan's parser takes any text, so does this.
pub(super) const BOND: &[Key] = &[
    carried("mode", ValueType::Word(BOND_MODES)),
    carried("lacp-rate", ValueType::Word(&["slow", "fast"])),
    carried("mii-monitor-interval", ValueType::Text),
    carried("min-links", UINT),
    carried("transmit-hash-policy", ValueType::Text),
    carried("ad-select", ValueType::Text),
    carried("all-members-active", ValueType::Bool),
    carried("all-slaves-active", ValueType::Bool),
    carried("arp-interval", ValueType::Text),
    carried(
        "arp-ip-targets",
        ValueType::List(&ValueType::Address(Family::V4)),
    ),
    carried("arp-validate", ValueType::Text),
    carried("arp-all-targets", ValueType::Text),
    carried("up-delay", ValueType::Text),
    carried("down-delay", ValueType::Text),
    carried("fail-over-mac-policy", ValueType::Text),
    carried("gratuitous-arp", UINT),
    carried("gratuitious-arp", UINT),
    carried("packets-per-member", UINT),
    carried("packets-per-slave", UINT),
    carried("primary-reselect-policy", ValueType::Text),
    carried("resend-igmp", UINT),
    carried("learn-packet-interval", ValueType::Text),
    carried("primary", ValueType::Id),
];

/// The last two are Open vSwitch's own.
const BOND_MODES: &[&str] = &[
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
    "balance-tcp",
    "balance-slb",
];

/// Of a bridge.
pub(super) const BRIDGE: &[Key] = &[
    carried("ageing-time", ValueType::Text),
    carried("aging-time", ValueType::Text),
    carried("priority", UINT),
    carried("port-priority", ValueType::Names(&ValueType::Number(0, 63))),
    carried("forward-delay", ValueType::Text),
    carried("hello-time", ValueType::Text),
    carried("max-age", ValueType::Text),
    carried("path-cost", ValueType::Names(&UINT)),
    carried("stp", ValueType::Bool),
];
