//! The methods of interfaces(5): how an interface comes by its addresses. What each does is
//! in ifupdown's inet.defn and inet6.defn.

use std::net::IpAddr;

use ipnet::IpNet;

use super::file::{OptionLine, Stanza, last};
use crate::native::ip::prefix_length;
use crate::native::{Family, Link, Map, Word};

/// Options of a stanza that make no difference to who reaches the storage.
const IGNORED: [&str; 17] = [
    "broadcast",
    "network",
    "dns-nameservers",
    "dns-nameserver",
    "dns-search",
    "dns-domain",
    "dad-attempts",
    "dad-interval",
    "leasehours",
    "leasetime",
    "vendor",
    "down",
    "pre-down",
    "post-down",
    "description",
    "autoconf",
    "request-prefix",
];

pub(super) fn read(link: &mut Link, stanza: &Stanza, options: &[&OptionLine]) {
    let family = match stanza.family.as_str() {
        "inet" => Family::V4,
        "inet6" => Family::V6,
        other => {
            link.become_foreign(other);
            return;
        }
    };
    let method = stanza.method.as_str();
    match (family, method) {
        (_, "static") => addresses(link, stanza, options, family),
        (_, "manual") => {}
        (Family::V4, "dhcp") => {
            link.dhcp(family, &stanza.origin, metric(options));
            if let Some(name) = last(options, "hostname") {
                let words = link.words.map("dhcp4-overrides", &name.origin);
                words.text("hostname", &name.origin, name.value.clone());
            }
            if let Some(client) = last(options, "client") {
                link.client_identifier("client", &client.origin);
            }
        }
        (Family::V6, "auto" | "dhcp") => {
            link.plain("accept-ra", &stanza.origin, "true");
            if method == "dhcp" {
                link.dhcp(family, &stanza.origin, None);
            }
        }
        _ => link.unknown_method(method, &stanza.origin),
    }
    for option in options {
        settle(link, option, family);
    }
}

fn settle(link: &mut Link, option: &OptionLine, family: Family) {
    let (value, origin) = (option.value.as_str(), &option.origin);
    match option.name.as_str() {
        "mtu" => link.mtu(origin, value.parse().ok()),
        // The latter is package vlan's.
        "hwaddress" | "hw-mac-address" => {
            // `hwaddress ether ADDRESS` is the older way.
            let address = value.strip_prefix("ether").unwrap_or(value).trim();
            link.mac(origin, address);
        }
        "accept-ra" if family == Family::V6 => {
            link.plain("accept-ra", origin, value != "0");
        }
        "privext" if value == "2" => link.plain("ipv6-privacy", origin, "true"),
        "pointopoint" | "dstaddr" => {
            link.refuse(origin, "the initramfs sets no address of a peer");
        }
        name if IGNORED.contains(&name) || is_read_elsewhere(name) => {}
        name => link.not_carried_out(name, origin),
    }
}

/// What the other modules here, or the methods above, read.
fn is_read_elsewhere(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "address", "netmask", "gateway", "metric", "hostname", "client", "slaves", "up", "pre-up",
        "post-up", "privext",
    ];
    let prefixes = ["bond-", "bridge-", "vlan-"];
    NAMES.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn metric<'o>(options: &[&'o OptionLine]) -> Option<&'o str> {
    let value = last(options, "metric")?.value.as_str();
    value.parse::<u32>().is_ok().then_some(value)
}

fn addresses(link: &mut Link, stanza: &Stanza, options: &[&OptionLine], family: Family) {
    let is_alias = stanza.name.contains(':') && stanza.name.len() <= 15 && family == Family::V4;
    let netmask = last(options, "netmask").map(|option| option.value.as_str());
    let mut is_set = false;
    for option in options.iter().filter(|option| option.name == "address") {
        is_set = true;
        match network(&option.value, netmask, family) {
            Some(address) => {
                let mut said = Map::default();
                if is_alias {
                    let label = Word::Text(stanza.name.clone());
                    said.set("label", &option.origin, label);
                }
                link.address_with(&option.origin, address, said);
            }
            None => link.doubt(&option.origin, "this is no address with a netmask"),
        }
    }
    if !is_set {
        link.doubt(&stanza.origin, "a `static` interface has no `address`");
    }
    for option in options.iter().filter(|option| option.name == "gateway") {
        match option.value.parse::<IpAddr>() {
            Ok(via) if via.is_ipv4() == (family == Family::V4) => {
                let route = link.gateway(&option.origin, via, metric(options));
                link.route(&option.origin, route);
            }
            // ifupdown's word for none.
            _ if option.value == "none" => {}
            _ => link.doubt(&option.origin, "this is no gateway of that family"),
        }
    }
}

/// An address with its prefix: in one, or by a netmask of either form. Without one it is
/// that of its class (`compute_v4_mask` in ifupdown's execute.c), and 64 for IPv6.
fn network(address: &str, netmask: Option<&str>, family: Family) -> Option<IpNet> {
    let found = match address.split_once('/') {
        Some(_) => address.parse::<IpNet>().ok()?,
        None => {
            let address: IpAddr = address.parse().ok()?;
            let length = match (netmask, address) {
                (Some(mask), _) => prefix_length(mask.trim_start_matches('/'), address)?,
                (None, IpAddr::V4(address)) => match address.octets()[0] {
                    ..128 => 8,
                    128..192 => 16,
                    _ => 24,
                },
                (None, IpAddr::V6(_)) => 64,
            };
            IpNet::new(address, length).ok()?
        }
    };
    let is_ipv4 = found.addr().is_ipv4();
    (is_ipv4 == (family == Family::V4)).then_some(found)
}
