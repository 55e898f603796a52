//! Addresses, routes and rules of `.network` files.

use std::net::IpAddr;

use nvmeroot_plan::Origin;

use super::file::{File, bytes, is_true};
use crate::native::ini::Section;
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
}

fn route(link: &mut Link, section: &Section) {
    match route_words(section) {
        Some(route) => link.route(&section.origin, route),
        None => link.doubt(&section.origin, "this route can't be read"),
    }
}

fn route_words(section: &Section) -> Option<Map> {
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
            "GatewayOnLink" | "GatewayOnlink" if is_true(value) => words.push("onlink".to_owned()),
            // Who set it, and how TCP makes use of it.
            "Gateway"
            | "Destination"
            | "Type"
            | "GatewayOnLink"
            | "GatewayOnlink"
            | "Protocol"
            | "QuickAck"
            | "FastOpenNoCookie"
            | "InitialCongestionWindow"
            | "InitialAdvertisedReceiveWindow"
            | "TCPAdvertisedMaximumSegmentSize"
            | "TCPCongestionControlAlgorithm"
            | "TCPRetransmissionTimeoutSec"
            | "HopLimit"
            | "IPv6Preference" => {}
            _ => return None,
        }
    }
    ip::route(&words.join(" "), &section.origin).map(|(route, _)| route)
}

fn rule(link: &mut Link, section: &Section) {
    let origin: &Origin = &section.origin;
    let mut words = Vec::new();
    let mut is_known = true;
    for entry in &section.entries {
        let word = match entry.key.as_str() {
            _ if entry.value.is_empty() => continue,
            "From" => "from",
            "To" => "to",
            "Table" => "table",
            "Priority" => "priority",
            "FirewallMark" => "fwmark",
            "Family" => continue,
            _ => {
                is_known = false;
                break;
            }
        };
        words.extend([word, entry.value.as_str()]);
    }
    match ip::rule(&words.join(" "), origin).filter(|_| is_known) {
        Some(rule) => link.rule(origin, rule),
        None => link.doubt(origin, "this rule can't be read"),
    }
}
