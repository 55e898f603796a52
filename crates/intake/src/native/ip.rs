//! Routes and rules in the words of ip-route(8) and ip-rule(8).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use nvmeroot_plan::Origin;

use super::{Map, Word};

/// The words of `ip route add` as netplan's, and the interface that they name. `None`
/// where there is a word that means something else.
pub(crate) fn route(words: &str, origin: &Origin) -> Option<(Map, Option<String>)> {
    let mut route = Map::default();
    let mut device = None;
    let mut words = words.split_whitespace();
    let mut to = words.next()?;
    if let "blackhole" | "unreachable" | "prohibit" | "throw" | "unicast" = to {
        route.set("type", origin, Word::Plain(to.to_owned()));
        to = words.next()?;
    }
    let mut destination = to.to_owned();
    while let Some(word) = words.next() {
        match word {
            "via" => {
                let via: IpAddr = words.next()?.parse().ok()?;
                if destination == "default" {
                    destination = everything(via).to_owned();
                }
                route.set("via", origin, Word::Text(via.to_string()));
            }
            "dev" => device = Some(words.next()?.to_owned()),
            "netmask" => {
                let mask: Ipv4Addr = words.next()?.parse().ok()?;
                let length = ipnet::ipv4_mask_to_prefix(mask).ok()?;
                destination = format!("{destination}/{length}");
            }
            "metric" | "priority" | "preference" => {
                let metric: u32 = words.next()?.parse().ok()?;
                route.set("metric", origin, Word::Plain(metric.to_string()));
            }
            "table" => {
                let table = table(words.next()?)?;
                route.set("table", origin, Word::Plain(table.to_string()));
            }
            "src" => {
                let from: IpAddr = words.next()?.parse().ok()?;
                route.set("from", origin, Word::Text(from.to_string()));
            }
            "mtu" => {
                let mtu: u32 = words.next()?.parse().ok()?;
                route.set("mtu", origin, Word::Plain(mtu.to_string()));
            }
            "scope" => {
                let scope = words.next()?;
                if !matches!(scope, "global" | "link" | "host") {
                    return None;
                }
                route.set("scope", origin, Word::Plain(scope.to_owned()));
            }
            "onlink" => route.set("on-link", origin, Word::Plain("true".to_owned())),
            "proto" | "protocol" => {
                words.next()?;
            }
            _ => return None,
        }
    }
    if destination != "default" {
        network(&destination)?;
    }
    route.set("to", origin, Word::Text(destination));
    Some((route, device))
}

/// The default route to a gateway, as netplan has it.
pub(crate) fn default_route(via: IpAddr, origin: &Origin) -> Map {
    let mut route = Map::default();
    route.set("to", origin, Word::Text(everything(via).to_owned()));
    route.set("via", origin, Word::Text(via.to_string()));
    route
}

/// All that can be reached over a gateway.
pub(crate) fn everything(via: IpAddr) -> &'static str {
    if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" }
}

/// An address with its prefix; without one it is the address alone.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(alone)
}

/// The words of `ip rule add` as netplan's.
pub(crate) fn rule(words: &str, origin: &Origin) -> Option<Map> {
    let mut rule = Map::default();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "from" | "to" => match words.next()? {
                "all" | "any" => {}
                said => {
                    network(said)?;
                    rule.set(word, origin, Word::Text(said.to_owned()));
                }
            },
            "table" | "lookup" => {
                let table = table(words.next()?)?;
                rule.set("table", origin, Word::Plain(table.to_string()));
            }
            "priority" | "preference" | "pref" | "prio" => {
                let priority: u32 = words.next()?.parse().ok()?;
                rule.set("priority", origin, Word::Plain(priority.to_string()));
            }
            "fwmark" => {
                let mark: u32 = words.next()?.parse().ok()?;
                rule.set("mark", origin, Word::Plain(mark.to_string()));
            }
            _ => return None,
        }
    }
    (rule.has("from") || rule.has("to")).then_some(rule)
}

/// A routing table by its number, or by the names that are always there.
pub(crate) fn table(text: &str) -> Option<u32> {
    match text {
        "main" => Some(254),
        "default" => Some(253),
        "local" => Some(255),
        number => number.parse().ok(),
    }
}
