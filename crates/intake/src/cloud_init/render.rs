//! The entries of version 1 as the file that cloud-init writes for netplan.

use std::collections::BTreeMap;

use nvmeroot_plan::Origin;

use super::device::{Device, Kind, Master, Pair};
use super::network::State;
use super::route::Route;
use super::subnet::{Method, Subnet};
use super::words::{copied, list, place, placed};
use crate::native::{Map, Word};
use crate::yaml::{Document, Node};

/// The document `{network: …}`.
pub(super) fn render(state: &State<'_>) -> Document {
    let whole = place(state.node);
    let mut network = Map::default();
    network.plain("version", &whole, "2");
    for name in ["ethernets", "bonds", "bridges", "vlans"] {
        let mut section = Map::default();
        for device in &state.devices {
            if self::section(&device.kind) == Some(name) {
                section.add(device.name, place(device.node), definition(device));
            }
        }
        network.set_map(name, section);
    }
    network.into_document(&whole)
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

fn definition(device: &Device<'_>) -> Word {
    let mut map = Map::default();
    match &device.kind {
        Kind::Bond(members) | Kind::Bridge(members) => master(members, &mut map),
        Kind::Vlan { id, link } => {
            copy(&mut map, "id", *id);
            copy(&mut map, "link", *link);
        }
        Kind::Physical | Kind::Infiniband | Kind::Loopback => {}
    }
    if let Some((key, value)) = device.mac {
        let mac = value.text().unwrap_or_default().to_ascii_lowercase();
        let mac = placed(value, Word::Text(mac));
        if section(&device.kind) == Some("ethernets") {
            let mut matching = Map::default();
            matching.set("macaddress", &place(key), mac);
            map.set("match", &place(key), placed(value, Word::Map(matching)));
            map.text("set-name", &place(device.name_node), device.name);
        } else {
            map.set("macaddress", &place(key), mac);
        }
    }
    for (name, pair) in [
        ("critical", device.critical),
        ("accept-ra", device.accept_ra),
    ] {
        if let Some((key, value)) = pair {
            let word = match value.text() {
                Some("1") => placed(value, Word::Plain("true".to_owned())),
                Some("0") => placed(value, Word::Plain("false".to_owned())),
                _ => copied(value),
            };
            map.set(name, &place(key), word);
        }
    }
    addressing(device, &mut map);
    Word::Map(map)
}

fn master(master: &Master<'_>, map: &mut Map) {
    map.set(
        "interfaces",
        &place(master.key),
        list(master.members.iter().copied()),
    );
    if let Some(key) = master.parameters_key
        && !master.parameters.is_empty()
    {
        let mut parameters = Map::default();
        for parameter in &master.parameters {
            let value = parameter.value.clone();
            parameters.set(parameter.name, &place(parameter.key), value);
        }
        map.set("parameters", &place(key), Word::Map(parameters));
    }
}

/// Addresses, routes, name servers, MTU.
fn addressing(device: &Device<'_>, map: &mut Map) {
    let (mut addresses, mut routes) = (Vec::new(), Vec::new());
    let (mut servers, mut search) = (Vec::new(), Vec::new());
    let mut mtus: BTreeMap<&str, Pair<'_>> = BTreeMap::new();
    for subnet in &device.subnets {
        match subnet.method {
            Method::Static => {
                if let Some(address) = subnet.address {
                    let text = Word::Text(address.net.to_string());
                    addresses.push((place(address.node), text));
                }
                routes.extend(gateway(subnet));
                servers.extend(texts(&subnet.nameservers));
                search.extend(texts(&subnet.search));
            }
            Method::Dhcp4 => dhcp(subnet, "dhcp4", "dhcp4-overrides", map),
            Method::Dhcp6 => dhcp(subnet, "dhcp6", "dhcp6-overrides", map),
            Method::Manual => {}
        }
        if let Some((key, value, is_ipv6)) = subnet.mtu {
            mtus.insert(if is_ipv6 { "ipv6-mtu" } else { "mtu" }, (key, value));
        }
        let own = subnet.routes.iter();
        routes.extend(own.map(|route| written(route, subnet.metric)));
    }
    routes.extend(device.routes.iter().map(|route| written(route, None)));
    // A subnet's MTU comes over the interface's.
    if let Some(mtu) = device.mtu {
        mtus.entry("mtu").or_insert(mtu);
    }
    for (name, mtu) in mtus {
        copy(map, name, mtu);
    }
    map.set_list("addresses", addresses);
    map.set_list("routes", routes);
    let mut nameservers = Map::default();
    nameservers.set_list("addresses", servers);
    nameservers.set_list("search", search);
    map.set_map("nameservers", nameservers);
}

fn dhcp(subnet: &Subnet<'_>, name: &str, overrides: &str, map: &mut Map) {
    map.plain(name, &place(subnet.node), true);
    if let Some(metric) = subnet.metric {
        let mut said = Map::default();
        copy(&mut said, "route-metric", metric);
        map.set(overrides, &place(metric.0), Word::Map(said));
    }
}

/// The default route to a subnet's gateway, with its place.
fn gateway(subnet: &Subnet<'_>) -> Option<(Origin, Word)> {
    let (via, node) = subnet.gateway?;
    let origin = place(node);
    let mut map = Map::default();
    map.text("to", &origin, "default");
    map.text("via", &origin, via.to_string());
    if subnet.address.is_some_and(|own| !own.net.contains(&via)) {
        map.plain("on-link", &origin, "true");
    }
    if let Some(metric) = subnet.metric {
        copy(&mut map, "metric", metric);
    }
    Some((origin, Word::Map(map)))
}

/// A route with its place; `general` is its subnet's metric.
fn written(route: &Route<'_>, general: Option<Pair<'_>>) -> (Origin, Word) {
    let mut map = Map::default();
    map.text("to", &place(route.to_node), route.to.clone());
    map.text("via", &place(route.via_node), route.via.to_string());
    if let Some(metric) = route.metric.or(general) {
        copy(&mut map, "metric", metric);
    }
    (place(route.node), Word::Map(map))
}

fn copy(map: &mut Map, name: &str, (key, value): Pair<'_>) {
    map.set(name, &place(key), copied(value));
}

fn texts(items: &[(String, Node<'_>)]) -> Vec<(Origin, Word)> {
    let text = |(text, node): &(String, Node<'_>)| (place(*node), Word::Text(text.clone()));
    items.iter().map(text).collect()
}
