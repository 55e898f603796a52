//! The entries of version 1 as the file that cloud-init writes for netplan.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nvmeroot_plan::Origin;

use super::device::{Device, Kind, Master, Pair};
use super::network::State;
use super::parameters::{Parameter, Setting};
use super::route::Route;
use super::subnet::{Method, Subnet};
use crate::yaml::{KeyPath, Node, Part, Rewrite};

/// The value of the document: `{network: …}`.
pub(super) fn render(state: &State<'_>, out: &mut Rewrite) -> Part {
    let whole = place(state.node);
    let mut network = Map::default();
    let version = out.plain(whole.clone(), "2");
    network.set(out, "version", whole.clone(), version);
    for name in ["ethernets", "bonds", "bridges", "vlans"] {
        let devices = || {
            let all = state.devices.iter();
            all.filter(|device| section(&device.kind) == Some(name))
        };
        let Some(first) = devices().next() else {
            continue;
        };
        let mut map = Map::default();
        for device in devices() {
            let definition = definition(device, out);
            map.set(out, device.name, place(device.node), definition);
        }
        let origin = place(first.node);
        let definitions = map.finish(out, origin.clone());
        network.set(out, name, origin, definitions);
    }
    let network = network.finish(out, whole.clone());
    let key = out.text(whole.clone(), "network");
    out.mapping(whole, [(key, network)])
}

/// Where netplan has such an interface; it has none for `lo`.
fn section(kind: &Kind<'_>) -> Option<&'static str> {
    match kind {
        Kind::Physical | Kind::Infiniband => Some("ethernets"),
        Kind::Bond(_) => Some("bonds"),
        Kind::Bridge(_) => Some("bridges"),
        Kind::Vlan { .. } => Some("vlans"),
        Kind::Loopback => None,
    }
}

fn definition(device: &Device<'_>, out: &mut Rewrite) -> Part {
    let mut map = Map::default();
    match &device.kind {
        Kind::Physical | Kind::Infiniband => {
            if let Some((key, value)) = device.mac {
                let mut matching = Map::default();
                let mac = lower(out, value);
                matching.set(out, "macaddress", place(key), mac);
                let matching = matching.finish(out, place(value));
                map.set(out, "match", place(key), matching);
                let name = out.text(place(device.name_node), device.name);
                map.set(out, "set-name", place(device.name_node), name);
            }
        }
        Kind::Bond(members) | Kind::Bridge(members) => {
            master(members, &mut map, out);
            mac(device, &mut map, out);
        }
        Kind::Vlan { id, link } => {
            for (name, pair) in [("id", id), ("link", link)] {
                let value = copied(out, pair.1);
                map.set(out, name, place(pair.0), value);
            }
            mac(device, &mut map, out);
        }
        Kind::Loopback => {}
    }
    for (name, pair) in [
        ("critical", device.critical),
        ("accept-ra", device.accept_ra),
    ] {
        if let Some((key, value)) = pair {
            let yes = matches!(value.text(), Some("1"));
            let no = matches!(value.text(), Some("0"));
            let value = match (yes, no) {
                (true, _) => out.plain(place(value), "true"),
                (_, true) => out.plain(place(value), "false"),
                _ => copied(out, value),
            };
            map.set(out, name, place(key), value);
        }
    }
    addressing(device, &mut map, out);
    map.finish(out, place(device.node))
}

fn mac(device: &Device<'_>, map: &mut Map, out: &mut Rewrite) {
    if let Some((key, value)) = device.mac {
        let mac = lower(out, value);
        map.set(out, "macaddress", place(key), mac);
    }
}

fn master(master: &Master<'_>, map: &mut Map, out: &mut Rewrite) {
    let members: Vec<Part> = master
        .members
        .iter()
        .map(|node| copied(out, *node))
        .collect();
    let members = out.list(place(master.key), members);
    map.set(out, "interfaces", place(master.key), members);
    if let Some(key) = master.parameters_key
        && !master.parameters.is_empty()
    {
        let mut parameters = Map::default();
        for parameter in &master.parameters {
            let value = setting(parameter, out);
            parameters.set(out, parameter.name, place(parameter.key), value);
        }
        let parameters = parameters.finish(out, place(key));
        map.set(out, "parameters", place(key), parameters);
    }
}

fn setting(parameter: &Parameter<'_>, out: &mut Rewrite) -> Part {
    match &parameter.value {
        Setting::Written(node) => deep(out, *node),
        Setting::Switch(on, node) => out.plain(place(*node), on.to_string()),
        Setting::List(items, node) => texts(items, place(*node), out),
        Setting::PerPort(ports, node) => {
            let mut map = Map::default();
            for (port, number, item) in ports {
                let number = out.plain(place(*item), *number);
                map.set(out, port, place(*item), number);
            }
            map.finish(out, place(*node))
        }
    }
}

/// Addresses, routes, name servers, MTU.
fn addressing(device: &Device<'_>, map: &mut Map, out: &mut Rewrite) {
    let (mut addresses, mut routes) = (Vec::new(), Vec::new());
    let (mut servers, mut search) = (Vec::new(), Vec::new());
    let mut mtus: BTreeMap<&str, Pair<'_>> = BTreeMap::new();
    for subnet in &device.subnets {
        match subnet.method {
            Method::Static => {
                if let Some(address) = subnet.address {
                    let text = address.net.to_string();
                    addresses.push((text, address.node));
                }
                routes.extend(gateway(subnet, out));
                servers.extend(subnet.nameservers.iter().cloned());
                search.extend(subnet.search.iter().cloned());
            }
            Method::Dhcp4 => dhcp(subnet, "dhcp4", "dhcp4-overrides", map, out),
            Method::Dhcp6 => dhcp(subnet, "dhcp6", "dhcp6-overrides", map, out),
            Method::Manual => {}
        }
        if let Some((key, value, is_ipv6)) = subnet.mtu {
            mtus.insert(if is_ipv6 { "ipv6-mtu" } else { "mtu" }, (key, value));
        }
        let own = subnet.routes.iter();
        routes.extend(own.map(|route| written(route, subnet.metric, out)));
    }
    routes.extend(device.routes.iter().map(|route| written(route, None, out)));
    // A subnet's MTU comes over the interface's.
    if let Some(mtu) = device.mtu {
        mtus.entry("mtu").or_insert(mtu);
    }
    for (name, (key, value)) in mtus {
        let value = copied(out, value);
        map.set(out, name, place(key), value);
    }
    if let Some((_, first)) = addresses.first() {
        let origin = place(*first);
        let list = texts(&addresses, origin.clone(), out);
        map.set(out, "addresses", origin, list);
    }
    if let Some((origin, _)) = routes.first() {
        let origin = origin.clone();
        let items = routes.into_iter().map(|(_, part)| part);
        let list = out.list(origin.clone(), items);
        map.set(out, "routes", origin, list);
    }
    nameservers(&servers, &search, map, out);
}

type Words<'d> = [(String, Node<'d>)];

fn nameservers(servers: &Words<'_>, search: &Words<'_>, map: &mut Map, out: &mut Rewrite) {
    let mut both = Map::default();
    for (name, words) in [("addresses", servers), ("search", search)] {
        if let Some((_, first)) = words.first() {
            let list = texts(words, place(*first), out);
            both.set(out, name, place(*first), list);
        }
    }
    if let Some((_, first)) = servers.first().or(search.first()) {
        let origin = place(*first);
        let both = both.finish(out, origin.clone());
        map.set(out, "nameservers", origin, both);
    }
}

fn dhcp(
    subnet: &Subnet<'_>,
    name: &'static str,
    overrides: &'static str,
    map: &mut Map,
    out: &mut Rewrite,
) {
    let origin = place(subnet.node);
    let yes = out.plain(origin.clone(), "true");
    map.set(out, name, origin, yes);
    if let Some((key, value)) = subnet.metric {
        let mut metric = Map::default();
        let value = copied(out, value);
        metric.set(out, "route-metric", place(key), value);
        let metric = metric.finish(out, place(key));
        map.set(out, overrides, place(key), metric);
    }
}

/// The default route to a subnet's gateway, with its place.
fn gateway(subnet: &Subnet<'_>, out: &mut Rewrite) -> Option<(Origin, Part)> {
    let (via, node) = subnet.gateway?;
    let origin = place(node);
    let mut map = Map::default();
    let to = out.text(origin.clone(), "default");
    map.set(out, "to", origin.clone(), to);
    let text = out.text(origin.clone(), via.to_string());
    map.set(out, "via", origin.clone(), text);
    let is_outside = |via: &IpAddr| subnet.address.is_some_and(|a| !a.net.contains(via));
    if is_outside(&via) {
        let yes = out.plain(origin.clone(), "true");
        map.set(out, "on-link", origin.clone(), yes);
    }
    metric(subnet.metric, &mut map, out);
    Some((origin.clone(), map.finish(out, origin)))
}

/// A route with its place; `general` is its subnet's metric.
fn written(route: &Route<'_>, general: Option<Pair<'_>>, out: &mut Rewrite) -> (Origin, Part) {
    let mut map = Map::default();
    let to = out.text(place(route.to_node), route.to.as_str());
    map.set(out, "to", place(route.to_node), to);
    let via = out.text(place(route.via_node), route.via.to_string());
    map.set(out, "via", place(route.via_node), via);
    metric(route.metric.or(general), &mut map, out);
    let origin = place(route.node);
    (origin.clone(), map.finish(out, origin))
}

fn metric(pair: Option<Pair<'_>>, map: &mut Map, out: &mut Rewrite) {
    if let Some((key, value)) = pair {
        let value = copied(out, value);
        map.set(out, "metric", place(key), value);
    }
}

/// A mapping in the making.
#[derive(Default)]
struct Map {
    entries: Vec<(Part, Part)>,
    names: BTreeMap<String, usize>,
}

impl Map {
    /// The last value of a name counts.
    fn set(&mut self, out: &mut Rewrite, name: &str, origin: Origin, value: Part) {
        let key = out.text(origin, name);
        match self.names.get(name) {
            Some(&at) => self.entries[at] = (key, value),
            None => {
                self.names.insert(name.to_owned(), self.entries.len());
                self.entries.push((key, value));
            }
        }
    }

    fn finish(self, out: &mut Rewrite, origin: Origin) -> Part {
        out.mapping(origin, self.entries)
    }
}

/// Of a node in a document that knows its places.
fn place(node: Node<'_>) -> Origin {
    node.origin(&KeyPath::ROOT)
}

fn texts(items: &Words<'_>, origin: Origin, out: &mut Rewrite) -> Part {
    let items: Vec<Part> = items
        .iter()
        .map(|(text, node)| out.text(place(*node), text.as_str()))
        .collect();
    out.list(origin, items)
}

fn copied(out: &mut Rewrite, node: Node<'_>) -> Part {
    out.resolved(node, &KeyPath::ROOT)
}

/// A value, or a list of them.
fn deep(out: &mut Rewrite, node: Node<'_>) -> Part {
    match node.as_sequence() {
        Some(items) => {
            let items: Vec<Part> = items.iter().map(|item| copied(out, item)).collect();
            out.list(place(node), items)
        }
        None => copied(out, node),
    }
}

fn lower(out: &mut Rewrite, node: Node<'_>) -> Part {
    let text = node.text().unwrap_or_default().to_ascii_lowercase();
    out.text(place(node), text)
}
