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
            v4.into_iter().for_each(|one| client(link, one));
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
            addresses(link, section, family);
            routes(link, section, family);
            if family == Family::V6 {
                generation(link, section);
            }
        }
    }
}

fn metric(section: Option<&Section>) -> Option<&str> {
    let said = section?.get("route-metric")?;
    // -1: NetworkManager's own choice.
    said.parse::<u32>().is_ok().then_some(said)
}

fn client(link: &mut Link, section: &Section) {
    for entry in &section.entries {
        let (value, origin) = (entry.value.as_str(), &entry.origin);
        let (key, word) = match entry.key.as_str() {
            "dhcp-hostname" => ("hostname", Word::Text(value.to_owned())),
            "dhcp-send-hostname" => ("send-hostname", Word::Plain(is_true(value).to_string())),
            "ignore-auto-routes" => ("use-routes", Word::Plain((!is_true(value)).to_string())),
            "ignore-auto-dns" => ("use-dns", Word::Plain((!is_true(value)).to_string())),
            "dhcp-client-id" if value != "mac" => {
                link.client_identifier("dhcp-client-id", origin);
                continue;
            }
            _ => continue,
        };
        link.words
            .map("dhcp4-overrides", origin)
            .set(key, origin, word);
    }
}

/// `address`, `address1` and so on.
fn numbered<'s>(
    section: &'s Section,
    names: &'static [&'static str],
) -> impl Iterator<Item = &'s Entry> {
    section.entries.iter().filter(move |entry| {
        let rest = names.iter().find_map(|name| entry.key.strip_prefix(name));
        rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    })
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
        link.gateway(origin, via, metric(Some(section)));
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
        match route(&entry.value, options, metric(Some(section)), &entry.origin) {
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
    metric: Option<&str>,
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
    words.extend(own.or(metric).map(|metric| format!("metric {metric}")));
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

fn generation(link: &mut Link, section: &Section) {
    for entry in &section.entries {
        let (value, origin) = (entry.value.as_str(), &entry.origin);
        match (entry.key.as_str(), value) {
            ("addr-gen-mode", "1" | "stable-privacy") => {
                link.text("ipv6-address-generation", origin, "stable-privacy");
            }
            ("ip6-privacy", "2") => link.plain("ipv6-privacy", origin, "true"),
            ("token", token) if !token.is_empty() => link.text("ipv6-address-token", origin, token),
            _ => {}
        }
    }
}
