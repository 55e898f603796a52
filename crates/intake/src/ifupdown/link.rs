//! Bonds (package ifenslave), bridges (bridge-utils) and VLANs (ifupdown's link.defn and
//! package vlan).

use nvmeroot_plan::{MacAddress, Origin};

use super::file::{OptionLine, last};
use crate::native::{Link, Network, bond, bridge, bridge_port, vlan_filtering, vlan_protocol};

/// Options of a bridge (bridge-utils-interfaces(5)), with netplan's names; times are in
/// seconds in both.
const BRIDGE: [(&str, &str); 5] = [
    ("bridge-ageing", "ageing-time"),
    ("bridge-bridgeprio", "priority"),
    ("bridge-fd", "forward-delay"),
    ("bridge-hello", "hello-time"),
    ("bridge-maxage", "max-age"),
];

/// How long the scripts wait, what they tidy up, and how they read names: it makes no
/// difference to who reaches the storage.
const IGNORED: [&str; 9] = [
    "bond-give-a-chance",
    "bond-give-a-change",
    "bridge-gcint",
    "bridge-maxwait",
    "bridge-ports-condone-regex",
    "bridge-vlan-aware",
    "bridge-waitport",
    // `vlan` reads them.
    "vlan-id",
    "vlan-raw-device",
];

pub(super) fn kind(network: &mut Network, name: &str, whole: &Origin, options: &[&OptionLine]) {
    vlan(network, name, whole, options);
    for option in options {
        let (text, origin) = (option.value.as_str(), &option.origin);
        match option.name.as_str() {
            "bond-slaves" | "slaves" => {
                network.link(name, origin).become_a("bonds");
                let members = text.split_whitespace().filter(|one| *one != "none");
                for member in members {
                    network.hold(name, "bonds", member, origin);
                }
            }
            "bond-master" => network.hold(text, "bonds", name, origin),
            "bond-primary" => {
                // The first that is there; the others stand in for it.
                let first = text.split_whitespace().next().unwrap_or_default();
                bond(network.link(name, origin), "primary", first, origin);
            }
            "bridge-ports" => ports(network, name, text, origin),
            "bridge-stp" => {
                let on = is_on(text).to_string();
                bridge(network.link(name, origin), "stp", &on, origin);
            }
            "bridge-vlan-aware" if is_on(text) => {
                vlan_filtering(network.link(name, origin), origin);
            }
            other => of_link(network.link(name, origin), other, text, origin),
        }
    }
    // The script turns it off where nothing is said; netplan would turn it on.
    if let (Some(ports), None) = (last(options, "bridge-ports"), last(options, "bridge-stp")) {
        let origin = &ports.origin;
        bridge(network.link(name, origin), "stp", "false", origin);
    }
}

/// The other options that begin with what they are for.
fn of_link(link: &mut Link, option: &str, text: &str, origin: &Origin) {
    if let Some((_, netplan)) = BRIDGE.iter().find(|(known, _)| *known == option) {
        // A fraction makes no difference to who reaches the storage.
        let whole = text.split('.').next().unwrap_or_default();
        match whole.parse::<u32>() {
            Ok(number) => bridge(link, netplan, &number.to_string(), origin),
            Err(_) => link.misfit(option, origin),
        }
        return;
    }
    match option {
        _ if IGNORED.contains(&option) => {}
        "bridge-hw" if text.parse::<MacAddress>().is_ok() => link.mac(origin, text),
        "bridge-pathcost" | "bridge-portprio" => {
            let mut words = text.split_whitespace();
            let (port, value) = (words.next(), words.next());
            let name = match option {
                "bridge-pathcost" => "path-cost",
                _ => "port-priority",
            };
            let said = (port.unwrap_or_default(), option, value.unwrap_or_default());
            bridge_port(link, name, said, origin);
        }
        "vlan-protocol" => vlan_protocol(link, text, origin),
        _ if option.starts_with("bridge-") || option.starts_with("vlan-") => {
            link.not_carried_out(option, origin);
        }
        _ => {
            if let Some(parameter) = option.strip_prefix("bond-")
                && !bond(link, parameter, text, origin)
            {
                link.doubt(origin, format!("`{option}` is unknown to ifenslave"));
            }
        }
    }
}

fn is_on(text: &str) -> bool {
    matches!(text, "on" | "yes" | "1" | "true")
}

fn ports(network: &mut Network, name: &str, text: &str, origin: &Origin) {
    network.link(name, origin).become_a("bridges");
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "none" => {}
            "all" | "regex" => {
                let message = "which cards the bridge holds is known only when it is made";
                network.link(name, origin).refuse(origin, message);
                if word == "regex" {
                    words.next();
                }
            }
            port => network.hold(name, "bridges", port, origin),
        }
    }
}

/// A VLAN is one by its name (`eth0.7`, `vlan7`) or by its options.
fn vlan(network: &mut Network, name: &str, whole: &Origin, options: &[&OptionLine]) {
    let device = last(options, "vlan-raw-device");
    let id = last(options, "vlan-id");
    let of_name = name
        .rsplit_once('.')
        .or_else(|| name.strip_prefix("vlan").map(|id| ("", id)))
        .filter(|(_, id)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    let lower = device.map(|option| option.value.as_str());
    let lower = lower.or(of_name
        .map(|(lower, _)| lower)
        .filter(|lower| !lower.is_empty()));
    let number = id.map(|option| option.value.as_str());
    let number = number.or(of_name.map(|(_, id)| id));
    if let (Some(lower), Some(number)) = (lower, number) {
        let said = device.or(id).map_or(whole, |option| &option.origin);
        network.vlan(name, number, lower, said);
    }
}
