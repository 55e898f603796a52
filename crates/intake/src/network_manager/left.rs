//! Groups and keys that make no difference to who reaches the storage, and what is left to
//! the running system.

use super::profile::Profile;
use crate::native::{Link, vlan_protocol};

/// The groups that are read, and those of proxies, queues and users.
const GROUPS: [&str; 15] = [
    "connection",
    "ethernet",
    "802-3-ethernet",
    "ipv4",
    "ipv6",
    "bond",
    "bridge",
    "bridge-port",
    "vlan",
    "match",
    "dummy",
    "hostname",
    "link",
    "proxy",
    "user",
];

/// Of `connection`: what is read, when a profile is brought up, and what comes after that.
const CONNECTION: [&str; 35] = [
    "auth-retries",
    "autoconnect",
    "autoconnect-ports",
    "autoconnect-priority",
    "autoconnect-retries",
    "autoconnect-slaves",
    "controller",
    "dns-over-tls",
    "dnssec",
    "down-on-poweroff",
    "gateway-ping-timeout",
    "id",
    "interface-name",
    "ip-ping-addresses",
    "ip-ping-addresses-require-all",
    "ip-ping-timeout",
    "lldp",
    "llmnr",
    "master",
    "mdns",
    "metered",
    "mptcp-flags",
    "mud-url",
    "multi-connect",
    "port-type",
    "read-only",
    "secondaries",
    "slave-type",
    "stable-id",
    "timestamp",
    "type",
    "uuid",
    "wait-activation-delay",
    "wait-device-timeout",
    "zone",
];

/// Of `bridge`: what a bridge that tells no VLANs apart has no use for, and multicasts.
const BRIDGE: [&str; 8] = [
    "group-address",
    "group-forward-mask",
    "interface-name",
    "vlan-default-pvid",
    "vlan-filtering",
    "vlan-protocol",
    "vlan-stats-enabled",
    "vlans",
];

pub(super) fn is_ignored_of_bridge(key: &str) -> bool {
    BRIDGE.contains(&key) || key.starts_with("multicast-")
}

/// Tells of the groups that nothing here reads, and of what `connection` says.
pub(super) fn groups(link: &mut Link, profile: &Profile) {
    for section in &profile.sections {
        match section.name.as_str() {
            "802-1x" => {
                let message = "the initramfs proves nothing to a switch (802.1X)";
                link.refuse(&section.origin, message);
            }
            name if GROUPS.contains(&name) => {}
            name => link.not_carried_out(&format!("[{name}]"), &section.origin),
        }
    }
    for entry in profile.entries("connection") {
        if !entry.value.is_empty() && !CONNECTION.contains(&entry.key.as_str()) {
            link.not_carried_out(&entry.key, &entry.origin);
        }
    }
}

/// Tells of what a VLAN is besides its number.
pub(super) fn of_vlan(link: &mut Link, profile: &Profile) {
    for entry in profile.entries("vlan") {
        let origin = &entry.origin;
        match (entry.key.as_str(), entry.value.as_str()) {
            // Flag 1, which is on by itself, is for the kernel's own use.
            ("id" | "parent" | "interface-name", _) | (_, "") | ("flags", "0" | "1") => {}
            ("protocol", protocol) => vlan_protocol(link, protocol, origin),
            (key, _) => link.not_carried_out(key, origin),
        }
    }
}
