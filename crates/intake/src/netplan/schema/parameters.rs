//! Parameters of bonds and bridges.

use super::{Family, Key, Shape, UINT, carried};

/// Of a bond. Where netplan's parser takes any text, so does this.
pub(super) const BOND: &[Key] = &[
    carried("mode", Shape::Word(BOND_MODES)),
    carried("lacp-rate", Shape::Word(&["slow", "fast"])),
    carried("mii-monitor-interval", Shape::Text),
    carried("min-links", UINT),
    carried("transmit-hash-policy", Shape::Text),
    carried("ad-select", Shape::Text),
    carried("all-members-active", Shape::Bool),
    carried("all-slaves-active", Shape::Bool),
    carried("arp-interval", Shape::Text),
    carried("arp-ip-targets", Shape::List(&Shape::Address(Family::V4))),
    carried("arp-validate", Shape::Text),
    carried("arp-all-targets", Shape::Text),
    carried("up-delay", Shape::Text),
    carried("down-delay", Shape::Text),
    carried("fail-over-mac-policy", Shape::Text),
    carried("gratuitous-arp", UINT),
    carried("gratuitious-arp", UINT),
    carried("packets-per-member", UINT),
    carried("packets-per-slave", UINT),
    carried("primary-reselect-policy", Shape::Text),
    carried("resend-igmp", UINT),
    carried("learn-packet-interval", Shape::Text),
    carried("primary", Shape::Id),
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
    carried("ageing-time", Shape::Text),
    carried("aging-time", Shape::Text),
    carried("priority", UINT),
    carried("port-priority", Shape::Names(&Shape::Number(0, 63))),
    carried("forward-delay", Shape::Text),
    carried("hello-time", Shape::Text),
    carried("max-age", Shape::Text),
    carried("path-cost", Shape::Names(&UINT)),
    carried("stp", Shape::Bool),
];
