//! Parameters of bonds and bridges.

use super::{Family, Key, LATER, Shape, UINT, noted, planned};

/// Of a bond. Where netplan's parser takes any text, so does this.
pub(super) const BOND: &[Key] = &[
    planned("mode", Shape::Word(BOND_MODES)),
    noted("lacp-rate", Shape::Word(&["slow", "fast"]), LATER),
    noted("mii-monitor-interval", Shape::Text, LATER),
    noted("min-links", UINT, LATER),
    noted("transmit-hash-policy", Shape::Text, LATER),
    noted("ad-select", Shape::Text, LATER),
    noted("all-members-active", Shape::Bool, LATER),
    noted("all-slaves-active", Shape::Bool, LATER),
    noted("arp-interval", Shape::Text, LATER),
    noted(
        "arp-ip-targets",
        Shape::List(&Shape::Address(Family::V4)),
        LATER,
    ),
    noted("arp-validate", Shape::Text, LATER),
    noted("arp-all-targets", Shape::Text, LATER),
    noted("up-delay", Shape::Text, LATER),
    noted("down-delay", Shape::Text, LATER),
    noted("fail-over-mac-policy", Shape::Text, LATER),
    noted("gratuitous-arp", UINT, LATER),
    noted("gratuitious-arp", UINT, LATER),
    noted("packets-per-member", UINT, LATER),
    noted("packets-per-slave", UINT, LATER),
    noted("primary-reselect-policy", Shape::Text, LATER),
    noted("resend-igmp", UINT, LATER),
    noted("learn-packet-interval", Shape::Text, LATER),
    noted("primary", Shape::Id, LATER),
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
    noted("ageing-time", Shape::Text, LATER),
    noted("aging-time", Shape::Text, LATER),
    noted("priority", UINT, LATER),
    noted("port-priority", Shape::Names(&Shape::Number(0, 63)), LATER),
    noted("forward-delay", Shape::Text, LATER),
    noted("hello-time", Shape::Text, LATER),
    noted("max-age", Shape::Text, LATER),
    noted("path-cost", Shape::Names(&UINT), LATER),
    noted("stp", Shape::Bool, LATER),
];
