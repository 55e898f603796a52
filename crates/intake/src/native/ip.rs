//! Routes and rules in the words of ip-route(8) and ip-rule(8).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use nvmeroot_plan::Origin;

use super::Map;

/// The words of `ip route add` as netplan's, and the interface that they name. `None`
/// where there is a word that means something else.
pub(crate) fn route(words: &str, origin: &Origin) -> Option<(Map, Option<String>)> {
    let mut route = Map::default();
    let mut device = None;
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
            "mtu" => {
                route.number("mtu", origin, words.next()?)?;
            }
            "scope" => {
                let scope = words.next()?;
                if !matches!(scope, "global" | "link" | "host") {
                    return None;
                }
                route.plain("scope", origin, scope);
            }
            "onlink" => route.plain("on-link", origin, "true"),
            "proto" | "protocol" => {
                words.next()?;
            }
            _ => return None,
        }
    }
    if destination != "default" {
        network(&destination)?;
    }
    route.text("to", origin, destination);
    Some((route, device))
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
                rule.number("mark", origin, words.next()?)?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
