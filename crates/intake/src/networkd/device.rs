//! `.netdev` files: virtual links (systemd.netdev(5)).

use nvmeroot_plan::MacAddress;

use super::file::{File, bytes, is_true};
use crate::native::ini::{Entry, boolean};
use crate::native::{Link, Network, bond, bridge, vlan_filtering, vlan_protocol};
use crate::netplan::read::time;

/// networkd's keys of bonds, with the kernel's names.
const BOND: [(&str, &str); 14] = [
    ("Mode", "mode"),
    ("TransmitHashPolicy", "xmit_hash_policy"),
    ("LACPTransmitRate", "lacp_rate"),
    ("AdSelect", "ad_select"),
    ("FailOverMACPolicy", "fail_over_mac"),
    ("ARPValidate", "arp_validate"),
    ("ARPIPTargets", "arp_ip_target"),
    ("ARPAllTargets", "arp_all_targets"),
    ("PrimaryReselectPolicy", "primary_reselect"),
    ("ResendIGMP", "resend_igmp"),
    ("PacketsPerSlave", "packets_per_slave"),
    ("GratuitousARP", "num_grat_arp"),
    ("AllSlavesActive", "all_slaves_active"),
    ("MinLinks", "min_links"),
];

/// In microseconds. A plain number counts seconds (systemd.time(7)).
const SECOND: u64 = 1_000_000;

/// Times, which are milliseconds to the kernel but the last.
const BOND_TIMES: [(&str, &str, u64); 5] = [
    ("MIIMonitorSec", "miimon", 1_000),
    ("UpDelaySec", "updelay", 1_000),
    ("DownDelaySec", "downdelay", 1_000),
    ("ARPIntervalSec", "arp_interval", 1_000),
    ("LearnPacketIntervalSec", "lp_interval", SECOND),
];

const BRIDGE_TIMES: [(&str, &str); 4] = [
    ("HelloTimeSec", "hello-time"),
    ("MaxAgeSec", "max-age"),
    ("ForwardDelaySec", "forward-delay"),
    ("AgeingTimeSec", "ageing-time"),
];

/// Keys of bridges that make no difference to who reaches the storage, and that which is
/// read beside them.
const BRIDGE_IGNORED: [&str; 7] = [
    "DefaultPVID",
    "GroupForwardMask",
    "MulticastIGMPVersion",
    "MulticastQuerier",
    "MulticastSnooping",
    "STP",
    "VLANProtocol",
];

/// Adds the link; its name and its kind.
pub(super) fn read(network: &mut Network, file: &File) -> Option<(String, String)> {
    let name = file.get("NetDev", "Name")?.to_owned();
    let kind = file.get("NetDev", "Kind")?.to_owned();
    let link = network.link(&name, &file.origin());
    match kind.as_str() {
        // It has its parent from that one's `VLAN=`.
        "vlan" => {
            link.become_a("vlans");
            match file.get("VLAN", "Id").and_then(|id| id.parse::<u16>().ok()) {
                Some(id @ 0..=4094) => link.plain("id", &file.origin(), id),
                _ => link.doubt(
                    &file.origin(),
                    "the id of a VLAN is a number from 0 to 4094",
                ),
            }
            for entry in file.entries("VLAN") {
                of_vlan(link, entry);
            }
        }
        "bond" => {
            link.become_a("bonds");
            for entry in file.entries("Bond") {
                of_bond(link, entry);
            }
        }
        "bridge" => {
            // The kernel's default.
            let stp = file.get("Bridge", "STP").is_some_and(is_true);
            bridge(link, "stp", &stp.to_string(), &file.origin());
            for entry in file.entries("Bridge") {
                of_bridge(link, entry);
            }
        }
        "vrf" => {
            link.become_a("vrfs");
            let table = file.get("VRF", "Table").or(file.get("VRF", "TableId"));
            match table.and_then(crate::native::ip::table) {
                Some(table) => link.plain("table", &file.origin(), table),
                None => link.doubt(&file.origin(), "this VRF has no `Table=`"),
            }
        }
        "dummy" => link.become_a("dummy-devices"),
        other => link.become_foreign(other),
    }
    for entry in file.entries("NetDev") {
        let (value, origin) = (entry.value.as_str(), &entry.origin);
        match entry.key.as_str() {
            "MTUBytes" => link.mtu(origin, bytes(value)),
            "MACAddress" => match value.parse::<MacAddress>() {
                Ok(mac) => link.text("macaddress", origin, &mac.to_string()),
                Err(_) => link.note(
                    origin,
                    "the initramfs leaves the link the address that it has",
                ),
            },
            "Name" | "Kind" | "Description" => {}
            key => link.not_carried_out(key, origin),
        }
    }
    for Entry { key, origin, .. } in file.entries("Match") {
        let message =
            format!("whether this link is made is not followed: `{key}` is not looked at");
        link.doubt(origin, message);
    }
    Some((name, kind))
}

fn of_vlan(link: &mut Link, Entry { key, value, origin }: &Entry) {
    match key.as_str() {
        // The kernel's own business, and what is read above.
        "ReorderHeader" | "Id" => {}
        "Protocol" => vlan_protocol(link, value, origin),
        _ if boolean(value) == Some(false) => {}
        key => link.not_carried_out(key, origin),
    }
}

fn of_bond(link: &mut Link, entry: &Entry) {
    let (key, value) = (entry.key.as_str(), entry.value.as_str());
    if let Some((_, kernel)) = BOND.iter().find(|(known, _)| *known == key) {
        let value = match key {
            "AllSlavesActive" => if is_true(value) { "1" } else { "0" }.to_owned(),
            _ => value.to_owned(),
        };
        bond(link, kernel, &value, &entry.origin);
    } else if let Some((_, kernel, unit)) = BOND_TIMES.iter().find(|(known, ..)| *known == key) {
        match time(value, SECOND) {
            Some(time) => {
                bond(link, kernel, &(time / unit).to_string(), &entry.origin);
            }
            None => link.misfit(key, &entry.origin),
        }
    } else {
        link.not_carried_out(key, &entry.origin);
    }
}

fn of_bridge(link: &mut Link, entry: &Entry) {
    let (key, value, origin) = (entry.key.as_str(), entry.value.as_str(), &entry.origin);
    if let Some((_, netplan)) = BRIDGE_TIMES.iter().find(|(known, _)| *known == key) {
        match time(value, SECOND) {
            Some(time) => bridge(link, netplan, &(time / SECOND).to_string(), origin),
            None => link.misfit(key, origin),
        }
        return;
    }
    match key {
        "Priority" => match value.parse::<u16>() {
            Ok(priority) => bridge(link, "priority", &priority.to_string(), origin),
            Err(_) => link.misfit(key, origin),
        },
        "VLANFiltering" if is_true(value) => vlan_filtering(link, origin),
        "VLANFiltering" => {}
        key if BRIDGE_IGNORED.contains(&key) => {}
        key => link.not_carried_out(key, origin),
    }
}
