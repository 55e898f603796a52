//! Addresses, routes and rules of `.network` files.

use std::net::IpAddr;

use nvmeroot_plan::Origin;

use super::file::{File, bytes, is_true};
use crate::native::ini::{Entry, Section};
use crate::native::{Link, Map, ip};

pub(super) fn read(link: &mut Link, file: &File) {
    for entry in file.entries("Network") {
        if entry.key == "Address" {
            match ip::network(&entry.value) {
                Some(address) => link.address(&entry.origin, address),
                None => link.doubt(&entry.origin, "this is no address with a prefix"),
            }
        }
    }
    for section in file.named("Address") {
        address(link, section);
    }
    for entry in file.entries("Network") {
        if entry.key == "Gateway" {
            match entry.value.parse::<IpAddr>() {
                Ok(via) => link.route(&entry.origin, ip::default_route(via, &entry.origin)),
                // The one that a lease or a router names: there is a route to it then.
                Err(_) if matches!(entry.value.as_str(), "_dhcp4" | "_ipv6ra") => {}
                Err(_) => link.doubt(&entry.origin, "this is no gateway"),
            }
        }
    }
    for section in file.named("Route") {
        route(link, section);
    }
    for section in file.named("RoutingPolicyRule") {
        rule(link, section);
    }
}

/// Keys of `[Address]` that are read, and those that make no difference to who reaches the
/// storage.
const KNOWN: [&str; 11] = [
    "Address",
    "AutoJoin",
    "Broadcast",
    "DuplicateAddressDetection",
    "HomeAddress",
    "Label",
    "ManageTemporaryAddress",
    "NFTSet",
    "NetLabel",
    "Peer",
    "PreferredLifetime",
];

fn address(link: &mut Link, section: &Section) {
    let origin = &section.origin;
    let Some(address) = section.get("Address").and_then(ip::network) else {
        return link.doubt(origin, "this section has no address with a prefix");
    };
    if section.get("Peer").is_some() {
        return link.refuse(origin, "the initramfs sets no address of a peer");
    }
    let mut said = Map::default();
    if let Some(label) = section.get("Label").filter(|_| address.addr().is_ipv4()) {
        said.text("label", origin, label);
    }
    if section.get("PreferredLifetime") == Some("0") {
        said.plain("lifetime", origin, "0");
    }
    link.address_with(origin, address, said);
    for Entry { key, value, origin } in &section.entries {
        let is_usual = key == "AddPrefixRoute" && is_true(value);
        if !is_usual && !value.is_empty() && !KNOWN.contains(&key.as_str()) {
            link.not_carried_out(key, origin);
        }
    }
}

fn route(link: &mut Link, section: &Section) {
    let mut left = Vec::new();
    match route_words(section, &mut left) {
        Some(route) => {
            for entry in left {
                link.not_carried_out(&entry.key, &entry.origin);
            }
            link.ip_route(&section.origin, route);
        }
        None => link.doubt(&section.origin, "this route can't be read"),
    }
}

/// The route, and the entries that it can do without.
fn route_words<'s>(section: &'s Section, left: &mut Vec<&'s Entry>) -> Option<ip::Route> {
    let gateway = section.get("Gateway");
    let via: Option<IpAddr> = match gateway {
        Some("_dhcp4" | "_ipv6ra") => return None,
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    let to = match section.get("Destination") {
        Some(to) => ip::network(to)?.to_string(),
        None => ip::everything(via?).to_owned(),
    };
    let mut words = Vec::new();
    if let Some(kind) = section.get("Type") {
        words.push(kind.to_owned());
    }
    words.push(to);
    words.extend(via.map(|via| format!("via {via}")));
    for entry in &section.entries {
        let value = entry.value.as_str();
        match entry.key.as_str() {
            _ if value.is_empty() => {}
            "Metric" => words.push(format!("metric {value}")),
            "Table" => words.push(format!("table {value}")),
            "PreferredSource" => words.push(format!("src {value}")),
            "Scope" => words.push(format!("scope {value}")),
            "MTUBytes" => words.push(format!("mtu {}", bytes::<u32>(value)?)),
            "TCPAdvertisedMaximumSegmentSize" => {
                words.push(format!("advmss {}", bytes::<u32>(value)?));
            }
            "InitialCongestionWindow" => words.push(format!("initcwnd {value}")),
            "InitialAdvertisedReceiveWindow" => words.push(format!("initrwnd {value}")),
            "GatewayOnLink" | "GatewayOnlink" if is_true(value) => words.push("onlink".to_owned()),
            "QuickAck" | "FastOpenNoCookie" if is_true(value) => left.push(entry),
            "TCPCongestionControlAlgorithm" | "TCPRetransmissionTimeoutSec" | "HopLimit" => {
                left.push(entry);
            }
            // What is read above, who set it, and what routers say of themselves.
            "Gateway" | "Destination" | "Type" | "GatewayOnLink" | "GatewayOnlink" | "QuickAck"
            | "FastOpenNoCookie" | "Protocol" | "IPv6Preference" => {}
            _ => return None,
        }
    }
    ip::route(&words.join(" "), &section.origin)
}

fn rule(link: &mut Link, section: &Section) {
    let origin: &Origin = &section.origin;
    let words = rule_words(section);
    match words.and_then(|words| ip::rule(&words, origin)) {
        Some(rule) => link.rule(origin, rule),
        None => link.doubt(origin, "this rule can't be read"),
    }
}

fn rule_words(section: &Section) -> Option<String> {
    let mut words = Vec::new();
    for entry in &section.entries {
        let value = entry.value.as_str();
        words.push(match entry.key.as_str() {
            _ if value.is_empty() => continue,
            "From" => format!("from {value}"),
            "To" => format!("to {value}"),
            "Table" => format!("table {value}"),
            "Priority" => format!("priority {value}"),
            "FirewallMark" => format!("fwmark {value}"),
            "TypeOfService" => format!("tos {:#x}", value.parse::<u8>().ok()?),
            "Family" => continue,
            _ => return None,
        });
    }
    Some(words.join(" "))
}
