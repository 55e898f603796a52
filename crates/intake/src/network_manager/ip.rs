//! The groups `ipv4` and `ipv6` (nm-settings-keyfile(5)).

use std::net::IpAddr;

use nvmeroot_plan::Origin;

use crate::native::ini::{Entry, Section, is_true};
use crate::native::{Family, Link, Word, ip};

/// A group that is not there is one without keys (`nm_connection_normalize`).
pub(super) fn read(link: &mut Link, v4: Option<&Section>, v6: Option<&Section>, whole: &Origin) {
    let method = |section: Option<&Section>| {
        let said = section.and_then(|one| one.get("method"));
        said.unwrap_or("auto").to_owned()
    };
    let origin =
        |section: Option<&Section>| section.map_or(whole.clone(), |one| one.origin.clone());
    let at = origin(v4);
    match method(v4).as_str() {
        "auto" => {
            link.dhcp(Family::V4, &at, metric(v4));
        }
        "manual" | "disabled" => {}
        "link-local" => {
            for family in ["ipv4", "ipv6"] {
                let word = Word::Text(family.to_owned());
                link.words.push("link-local", &at, word);
            }
        }
        other => link.unknown_method(other, &at),
    }
    let at = origin(v6);
    match method(v6).as_str() {
        "auto" => link.plain("accept-ra", &at, "true"),
        "dhcp" => {
            link.plain("accept-ra", &at, "true");
            link.dhcp(Family::V6, &at, metric(v6));
        }
        "manual" | "link-local" | "disabled" => link.plain("accept-ra", &at, "false"),
        "ignore" => {}
        other => link.unknown_method(other, &at),
    }
    for (section, family) in [(v4, Family::V4), (v6, Family::V6)] {
        if let Some(section) = section {
            let asks = matches!(section.get("method"), None | Some("auto" | "dhcp"));
            addresses(link, section, family);
            routes(link, section, family);
            for entry in section.entries.iter().filter(|one| !one.value.is_empty()) {
                let is_client = asks && family == Family::V4;
                // Where nobody asks, what a client would say is of no use.
                if !asks && entry.key.starts_with("dhcp-") || is_client && client(link, entry) {
                    continue;
                }
                other(link, entry, family);
            }
            let said = section.entry("route-table").filter(|_| asks);
            if let Some(entry) = said.filter(|_| table(section).is_some()) {
                let message = "the routes that a lease or a router brings stand in the main table in the initramfs";
                link.note(&entry.origin, message);
            }
        }
    }
}

/// The table of routes that name none; 0 is NetworkManager's own choice, the main one.
fn table(section: &Section) -> Option<&str> {
    section.get("route-table").filter(|table| *table != "0")
}

fn metric(section: Option<&Section>) -> Option<&str> {
    let said = section?.get("route-metric")?;
    // -1: NetworkManager's own choice.
    said.parse::<u32>().is_ok().then_some(said)
}

/// What the DHCPv4 client is told, if it is that.
fn client(link: &mut Link, Entry { key, value, origin }: &Entry) -> bool {
    let (key, word) = match key.as_str() {
        "dhcp-hostname" => ("hostname", Word::Text(value.clone())),
        "dhcp-send-hostname" => ("send-hostname", Word::Plain(is_true(value).to_string())),
        "ignore-auto-routes" => ("use-routes", Word::Plain((!is_true(value)).to_string())),
        "ignore-auto-dns" => ("use-dns", Word::Plain((!is_true(value)).to_string())),
        _ => return false,
    };
    let words = link.words.map("dhcp4-overrides", origin);
    words.set(key, origin, word);
    true
}

/// `address`, `address1` and so on.
fn numbered<'s>(
    section: &'s Section,
    names: &'static [&'static str],
) -> impl Iterator<Item = &'s Entry> {
    let entries = section.entries.iter();
    entries.filter(move |entry| is_numbered(&entry.key, names))
}

fn is_numbered(key: &str, names: &[&str]) -> bool {
    let rest = names.iter().find_map(|name| key.strip_prefix(name));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn addresses(link: &mut Link, section: &Section, family: Family) {
    let mut gateways: Vec<(IpAddr, &Origin)> = Vec::new();
    for entry in numbered(section, &["addresses", "address"]) {
        for one in entry.value.split(';').filter(|one| !one.is_empty()) {
            let mut parts = one.split(',').map(str::trim);
            let address = parts.next().and_then(ip::network);
            match address.filter(|one| is_of(one.addr(), family)) {
                Some(address) => link.address(&entry.origin, address),
                None => link.doubt(&entry.origin, "this is no address with a prefix"),
            }
            let gateway = parts.next().and_then(|text| text.parse::<IpAddr>().ok());
            gateways.extend(gateway.map(|via| (via, &entry.origin)));
        }
    }
    if let Some(entry) = section
        .entry("gateway")
        .filter(|entry| !entry.value.is_empty())
    {
        match entry.value.parse() {
            // It takes the place of those beside addresses.
            Ok(via) => gateways = vec![(via, &entry.origin)],
            Err(_) => link.doubt(&entry.origin, "this is no gateway"),
        }
    }
    let is_never = section.get("never-default").is_some_and(is_true);
    let gateway = gateways
        .into_iter()
        .find(|(via, _)| is_of(*via, family) && !via.is_unspecified());
    if let Some((via, origin)) = gateway.filter(|_| !is_never) {
        let mut route = link.gateway(origin, via, metric(Some(section)));
        if let Some(table) = table(section).and_then(ip::table) {
            route.plain("table", origin, table);
        }
        link.route(origin, route);
    }
}

fn is_of(address: IpAddr, family: Family) -> bool {
    address.is_ipv4() == (family == Family::V4)
}

fn routes(link: &mut Link, section: &Section, family: Family) {
    for entry in numbered(section, &["routes", "route"]) {
        let options = section
            .get(&format!("{}_options", entry.key))
            .unwrap_or_default();
        match route(&entry.value, options, section, &entry.origin) {
            Some((route, via)) if via.is_none_or(|via| is_of(via, family)) => {
                link.ip_route(&entry.origin, route);
            }
            _ => link.doubt(&entry.origin, "this route can't be read"),
        }
    }
    for entry in numbered(section, &["routing-rule"]) {
        match ip::rule(&entry.value, &entry.origin) {
            Some(rule) => link.rule(&entry.origin, rule),
            None => link.doubt(&entry.origin, "this rule can't be read"),
        }
    }
}

/// `DESTINATION[,NEXT HOP[,METRIC]]`, and `table=…,onlink=…` and so on
/// (`nm_ip_route_attribute_validate`), most of which are the words of `ip`.
fn route(
    value: &str,
    options: &str,
    section: &Section,
    origin: &Origin,
) -> Option<(ip::Route, Option<IpAddr>)> {
    let mut parts = value.trim_end_matches(';').split(',').map(str::trim);
    let to = ip::network(parts.next()?)?;
    let mut words = vec![to.to_string()];
    let via = parts.next().filter(|via| !via.is_empty());
    let via = via.map(str::parse::<IpAddr>).transpose().ok()?;
    let via = via.filter(|via| !via.is_unspecified());
    words.extend(via.map(|via| format!("via {via}")));
    let own = parts.next().filter(|one| !one.is_empty());
    let metric = own.or(metric(Some(section)));
    words.extend(metric.map(|metric| format!("metric {metric}")));
    // One of its own comes after it.
    words.extend(table(section).map(|table| format!("table {table}")));
    let mut locks = Vec::new();
    for option in options.split(',').filter(|one| !one.is_empty()) {
        let (key, value) = option.split_once('=')?;
        match key {
            "onlink" if is_true(value) => words.push("onlink".to_owned()),
            "onlink" => {}
            "type" => words.insert(0, value.to_owned()),
            "scope" => words.push(match value {
                "0" => "scope global".to_owned(),
                "253" => "scope link".to_owned(),
                "254" => "scope host".to_owned(),
                _ => return None,
            }),
            "quickack" => words.push(format!("quickack {}", u8::from(is_true(value)))),
            "table" | "src" | "mtu" | "advmss" | "cwnd" | "initcwnd" | "initrwnd" | "window"
            | "rto_min" => words.push(format!("{key} {value}")),
            _ if key.starts_with("lock-") => locks.extend(is_true(value).then_some(key)),
            _ => return None,
        }
    }
    let mut route = ip::route(&words.join(" "), origin)?;
    route.left.extend(locks.into_iter().map(str::to_owned));
    Some((route, via))
}

/// Keys that are read by their group, and those that make no difference to who reaches the
/// storage.
const KNOWN: [&str; 33] = [
    "auto-route-ext-gw",
    "dad-timeout",
    "dhcp-dscp",
    "dhcp-hostname",
    "dhcp-hostname-flags",
    "dhcp-pd-hint",
    "dhcp-send-hostname",
    "dhcp-send-hostname-v2",
    "dhcp-send-release",
    "dhcp-timeout",
    "dns",
    "dns-data",
    "dns-options",
    "dns-priority",
    "dns-search",
    "forwarding",
    "gateway",
    "ignore-auto-dns",
    "ip6-privacy",
    "may-fail",
    "method",
    "never-default",
    "ra-timeout",
    "required-timeout",
    "route-metric",
    "route-table",
    "routed-dns",
    "shared-dhcp-lease-time",
    "shared-dhcp-range",
    "temp-preferred-lifetime",
    "temp-valid-lifetime",
    "addr-gen-mode",
    "link-local",
];

/// What neither the client nor addresses and routes are made of.
fn other(link: &mut Link, entry: &Entry, family: Family) {
    let Entry { key, value, origin } = entry;
    const NUMBERED: [&str; 5] = ["addresses", "address", "routes", "route", "routing-rule"];
    let of_route = key.strip_suffix("_options").unwrap_or(key);
    let is_ipv6 = family == Family::V6;
    match (key.as_str(), value.as_str()) {
        ("addr-gen-mode", "1" | "stable-privacy") if is_ipv6 => {
            link.text("ipv6-address-generation", origin, "stable-privacy");
        }
        ("ip6-privacy", "2") if is_ipv6 => link.plain("ipv6-privacy", origin, "true"),
        ("token", token) if is_ipv6 => link.text("ipv6-address-token", origin, token),
        ("mtu", "0") if is_ipv6 => {}
        ("mtu", mtu) if is_ipv6 => match mtu.parse::<u32>() {
            Ok(mtu) => link.plain("ipv6-mtu", origin, mtu),
            Err(_) => link.doubt(origin, "this is no MTU"),
        },
        ("link-local", "3" | "4" | "enabled" | "fallback") => link.not_carried_out(key, origin),
        ("dhcp-client-id", "mac") => {}
        ("dhcp-client-id" | "dhcp-iaid" | "dhcp-duid", _) => link.client_identifier(key, origin),
        ("ignore-auto-routes", value) if !is_true(value) || !is_ipv6 => {}
        (key, _) if KNOWN.contains(&key) => {}
        _ if is_numbered(of_route, &NUMBERED) => {}
        (key, _) => link.not_carried_out(key, origin),
    }
}
