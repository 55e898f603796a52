//! Routes and rules in the words of ip-route(8) and ip-rule(8).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use nvmeroot_plan::Origin;

use super::Map;

/// A route of `ip`.
#[derive(Debug)]
pub(crate) struct Route {
    /// netplan's words for it.
    pub(crate) words: Map,
    /// The interface that it names.
    pub(crate) device: Option<String>,
    /// What netplan has no word for, and where packets go does not depend on.
    pub(crate) left: Vec<String>,
}

/// How a route's connections go about it, with netplan's words for those that it has.
/// The kernel names `congctl` and `realms` otherwise than `ip` does.
const METRICS: [(&str, Option<&str>); 19] = [
    ("mtu", Some("mtu")),
    ("advmss", Some("advertised-mss")),
    ("initcwnd", Some("congestion-window")),
    ("initrwnd", Some("advertised-receive-window")),
    ("congctl", None),
    ("congestion", None),
    ("cwnd", None),
    ("fastopen_no_cookie", None),
    ("features", None),
    ("hoplimit", None),
    ("quickack", None),
    ("realm", None),
    ("realms", None),
    ("reordering", None),
    ("rto_min", None),
    ("rtt", None),
    ("rttvar", None),
    ("ssthresh", None),
    ("window", None),
];

/// The words of `ip route add` as netplan's. `None` where there is one that means
/// something else.
pub(crate) fn route(words: &str, origin: &Origin) -> Option<Route> {
    let mut route = Map::default();
    let (mut device, mut scope, mut left) = (None, None, Vec::new());
    let mut words = words.split_whitespace();
    let mut to = words.next()?;
    if let "blackhole" | "unreachable" | "prohibit" | "throw" | "unicast" = to {
        route.plain("type", origin, to);
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
                route.text("via", origin, via.to_string());
            }
            "dev" => device = Some(words.next()?.to_owned()),
            "netmask" => {
                let mask: Ipv4Addr = words.next()?.parse().ok()?;
                let length = ipnet::ipv4_mask_to_prefix(mask).ok()?;
                destination = format!("{destination}/{length}");
            }
            "metric" | "priority" | "preference" => {
                route.number("metric", origin, words.next()?)?;
            }
            "table" => {
                route.plain("table", origin, table(words.next()?)?);
            }
            "src" => {
                let from: IpAddr = words.next()?.parse().ok()?;
                route.text("from", origin, from.to_string());
            }
            "scope" => {
                scope = words.next();
                if !matches!(scope, Some("global" | "link" | "host")) {
                    return None;
                }
            }
            "onlink" => route.plain("on-link", origin, "true"),
            // Who set it, and what routers say of themselves.
            "proto" | "protocol" | "pref" => {
                words.next()?;
            }
            word => {
                let (_, netplan) = METRICS.iter().find(|(known, _)| *known == word)?;
                let mut value = words.next()?;
                if value == "lock" {
                    left.push(format!("{word} lock"));
                    value = words.next()?;
                }
                match netplan {
                    // To the kernel that is nothing.
                    _ if value == "0" => {}
                    Some(netplan) => route.number(netplan, origin, value)?,
                    None => left.push(word.to_owned()),
                }
            }
        }
    }
    if destination != "default" {
        network(&destination)?;
    }
    let has_gateway = route.has("via");
    match scope {
        // netplan has no such route.
        Some("global") if !has_gateway => left.push("scope global".to_owned()),
        Some(scope) => route.plain("scope", origin, scope),
        // As `ip` takes it, and netplan wants it said.
        None if !has_gateway && destination == "default" => route.plain("scope", origin, "link"),
        None => {}
    }
    route.text("to", origin, destination);
    Some(Route {
        words: route,
        device,
        left,
    })
}

/// The default route to a gateway, as netplan has it.
pub(crate) fn default_route(via: IpAddr, origin: &Origin) -> Map {
    let mut route = Map::default();
    route.text("to", origin, everything(via));
    route.text("via", origin, via.to_string());
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

/// The length of an address's prefix: a number, or a mask of its family.
pub(crate) fn prefix_length(text: &str, of: IpAddr) -> Option<u8> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mask: IpAddr = text.parse().ok()?;
    let is_of_family = mask.is_ipv4() == of.is_ipv4();
    ipnet::ip_mask_to_prefix(mask).ok().filter(|_| is_of_family)
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
                    rule.text(word, origin, said);
                }
            },
            "table" | "lookup" => {
                rule.plain("table", origin, table(words.next()?)?);
            }
            "priority" | "preference" | "pref" | "prio" => {
                rule.number("priority", origin, words.next()?)?;
            }
            "fwmark" => {
                let said = words.next()?;
                let (mark, mask) = said.split_once('/').unwrap_or((said, "0xffffffff"));
                let mark = number(mark).filter(|mark| *mark != 0)?;
                // netplan has no word for a part of a mark.
                number(mask).filter(|mask| *mask == u32::MAX)?;
                rule.plain("mark", origin, mark);
            }
            "tos" | "dsfield" => {
                // Without `0x` it is hexadecimal to one program and decimal to the other.
                let said = words.next().filter(|said| said.starts_with("0x"))?;
                let said = u8::try_from(number(said)?).ok()?;
                rule.plain("type-of-service", origin, said);
            }
            "proto" | "protocol" => {
                words.next()?;
            }
            _ => return None,
        }
    }
    (rule.has("from") || rule.has("to")).then_some(rule)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A routing table by its number, or by the names that are always there.
pub(crate) fn table(text: &str) -> Option<u32> {
    match text {
        "main" => Some(254),
        "default" => Some(253),
        "local" => Some(255),
        // 0 is none.
        number => number.parse().ok().filter(|number| *number != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// netplan has a word for four of a route's metrics; the others are told of.
    #[test]
    fn no_metric_of_a_route_is_dropped_in_silence() {
        let origin = Origin::whole("test");
        let text = "10.1.0.0/16 via 10.0.0.1 mtu lock 1400 advmss 1360 initcwnd 20 initrwnd 30";
        let said = route(text, &origin).expect("a route");
        let mut expected = Map::default();
        expected.text("via", &origin, "10.0.0.1");
        expected.plain("mtu", &origin, 1400);
        expected.plain("advertised-mss", &origin, 1360);
        expected.plain("congestion-window", &origin, 20);
        expected.plain("advertised-receive-window", &origin, 30);
        expected.text("to", &origin, "10.1.0.0/16");
        assert_eq!(
            (said.words, said.left),
            (expected, vec!["mtu lock".to_owned()])
        );
        for (metric, netplan) in METRICS {
            let said = route(&format!("10.0.0.0/8 {metric} 7"), &origin).expect("a route");
            let is_carried = netplan.is_some_and(|netplan| said.words.has(netplan));
            assert!(is_carried || said.left == [metric], "{metric}");
            let nothing = route(&format!("10.0.0.0/8 {metric} 0"), &origin).expect("a route");
            assert!(nothing.left.is_empty(), "{metric}");
        }
        assert!(route("10.0.0.0/8 frobnicate 7", &origin).is_none());
        assert!(route("10.0.0.0/8 mtu much", &origin).is_none());
    }

    #[test]
    fn a_rule_has_its_mark_and_its_type_of_service() {
        let origin = Origin::whole("test");
        let of = |text: &str| rule(text, &origin);
        let said = of("from 10.0.0.5 fwmark 0x10/0xffffffff tos 0x10 table 7").expect("a rule");
        let mut expected = Map::default();
        expected.text("from", &origin, "10.0.0.5");
        expected.plain("mark", &origin, 16);
        expected.plain("type-of-service", &origin, 16);
        expected.plain("table", &origin, 7);
        assert_eq!(said, expected);
        for other in [
            "fwmark 5/0xff",
            "fwmark 0",
            "tos 10",
            "tos 0x100",
            "iif eth0",
            "table 0",
        ] {
            assert_eq!(of(&format!("from 10.0.0.5 {other}")), None, "{other}");
        }
    }

    #[test]
    fn a_length_is_a_number_or_a_mask() {
        let (v4, v6) = ("10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        assert_eq!(prefix_length("24", v4), Some(24));
        assert_eq!(prefix_length("255.255.254.0", v4), Some(23));
        assert_eq!(prefix_length("0.0.0.0", v4), Some(0));
        assert_eq!(prefix_length("ffff:ffff:ffff::", v6), Some(48));
        for wrong in ["", "255.0.255.0", "ffff::", "-1", "300", "x"] {
            assert_eq!(prefix_length(wrong, v4), None, "{wrong}");
        }
        assert_eq!(prefix_length("255.255.255.0", v6), None);
    }
}
