//! The entries of version 1 together.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use nvmeroot_plan::{Remark, Warning, Weight};

use super::device::{self, Device, Kind};
use super::nameserver::{self, Nameserver};
use super::route::{self, Route};
use super::schema::TYPES;
use crate::netplan::check::Check;
pub(super) use crate::netplan::check::shown;
use crate::netplan::findings::Findings;
use crate::netplan::schema::{Care, Key, Shape};
use crate::netplan::value::Value;
use crate::yaml::{KeyPath, Mapping, Node};

/// What the list says. The nodes are of a document that knows where each of
/// its nodes was written, so no key path is kept beside them.
#[derive(Debug)]
pub(super) struct State<'d> {
    /// The value under `network`.
    pub(super) node: Node<'d>,
    /// In declared order; of a name that is there twice, the last one.
    pub(super) devices: Vec<Device<'d>>,
    /// Name servers of no interface in particular.
    pub(super) nameservers: Vec<Nameserver<'d>>,
}

impl State<'_> {
    /// By the interface's name.
    pub(super) fn remarks(&self) -> BTreeMap<String, Vec<Remark>> {
        let named = self.devices.iter().filter(|d| !d.remarks.is_empty());
        named
            .map(|device| (device.name.to_owned(), device.remarks.clone()))
            .collect()
    }
}

pub(super) fn read<'d>(
    node: Node<'d>,
    network: Mapping<'d>,
    findings: &mut Findings<'d>,
) -> State<'d> {
    let mut state = State {
        node,
        devices: Vec::new(),
        nameservers: Vec::new(),
    };
    let mut unused = Vec::new();
    let fields = Fields::read(network, &[NETWORK], findings, &mut unused);
    warn_all(unused, findings);
    let Some(list) = fields.value("config").and_then(Node::as_sequence) else {
        return state;
    };
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut routes = Vec::new();
    for node in list.iter() {
        let Some(entry) = node.as_mapping() else {
            findings.error(node, &KeyPath::ROOT, "this entry is no mapping", |d| {
                d.expected("a mapping with `type`")
            });
            continue;
        };
        match type_of(node, entry, findings) {
            Some("nameserver") => state
                .nameservers
                .extend(nameserver::read(entry, node, findings)),
            Some("route") => routes.extend(route::read_global(entry, node, findings)),
            Some(kind) => {
                let Some(mut device) = device::read(kind, entry, node, findings) else {
                    continue;
                };
                if matches!(device.kind, Kind::Loopback) {
                    // It becomes no interface that could bear them.
                    warn_all(std::mem::take(&mut device.remarks), findings);
                }
                match places.get(device.name) {
                    Some(&at) => {
                        let message = format!("`{}` is here a second time", shown(device.name));
                        let warning = Warning::at(node.origin(&KeyPath::ROOT), message);
                        findings
                            .warn(warning.with_hint("keep one of the two; the last one counts"));
                        state.devices[at] = device;
                    }
                    None => {
                        places.insert(device.name, state.devices.len());
                        state.devices.push(device);
                    }
                }
            }
            None => {}
        }
    }
    device::check_references(&state.devices, &places, findings);
    nameserver::leave(&mut state, &places, findings);
    place_routes(&mut state.devices, routes, findings);
    state
}

const NETWORK: &[Key] = &[
    Key {
        name: "version",
        shape: Shape::Text,
        care: Care::Carried,
    },
    Key {
        name: "config",
        shape: Shape::List(&Shape::Map(&[])),
        care: Care::Carried,
    },
];

fn type_of<'d>(node: Node<'d>, entry: Mapping<'d>, findings: &mut Findings<'d>) -> Option<&'d str> {
    let kind = entry.get("type").filter(|node| !is_nothing(*node));
    let Some(kind) = kind else {
        findings.error(node, &KeyPath::ROOT, "this entry has no `type`", |d| {
            d.expected(one_of(&TYPES))
        });
        return None;
    };
    let text = kind.text().unwrap_or_default();
    if TYPES.contains(&text) {
        return Some(text);
    }
    let near = findings.nearest(text, TYPES);
    let message = format!("no entry has the type `{}`", shown(text));
    findings.error(kind, &KeyPath::ROOT, message, |d| {
        d.expected(one_of(&TYPES))
            .maybe_hint(near.map(|near| format!("did you mean `{near}`?")))
    });
    None
}

fn one_of(words: &[&str]) -> String {
    match words {
        [words @ .., last] => format!("`{}` or `{last}`", words.join("`, `")),
        [] => String::new(),
    }
}

/// cloud-init's netplan file has no routes but an interface's. The gateway says
/// which one's.
fn place_routes<'d>(
    devices: &mut [Device<'d>],
    routes: Vec<(Route<'d>, Vec<Remark>)>,
    findings: &mut Findings<'d>,
) {
    let mut held: BTreeMap<IpNet, usize> = BTreeMap::new();
    for (at, device) in devices.iter().enumerate() {
        for address in device.subnets.iter().filter_map(|subnet| subnet.address) {
            held.entry(address.net.trunc()).or_insert(at);
        }
    }
    let lengths: BTreeSet<u8> = held.keys().map(IpNet::prefix_len).collect();
    for (route, remarks) in routes {
        let nearest = lengths.iter().rev().find_map(|&length| {
            let net = IpNet::new(route.via, length).ok()?;
            held.get(&net.trunc()).copied()
        });
        let origin = route.node.origin(&KeyPath::ROOT);
        match nearest {
            Some(at) => {
                let device = &mut devices[at];
                let message = format!(
                    "cloud-init does not write this route for netplan; the initramfs sets it over `{}`",
                    device.name
                );
                let hint = "write it under `routes` of the subnet that its gateway is in";
                let warning = Warning::at(origin, message).with_hint(hint);
                device.remarks.extend(remarks);
                device.remarks.push(Weight::Notice.remark(warning));
                device.routes.push(route);
            }
            None => {
                let message = format!(
                    "no subnet holds the gateway `{}`, so this route is left aside",
                    route.via
                );
                let hint = "write it under `routes` of the subnet that its gateway is in";
                findings.warn(Warning::at(origin, message).with_hint(hint));
                warn_all(remarks, findings);
            }
        }
    }
}

/// Remarks on what is no interface.
pub(super) fn warn_all(remarks: Vec<Remark>, findings: &mut Findings<'_>) {
    for remark in remarks {
        findings.warn(remark.warning);
    }
}

/// A mapping's entries that say something, each held against its key.
#[derive(Debug)]
pub(super) struct Fields<'d> {
    entries: Vec<(&'d str, Node<'d>, Node<'d>)>,
}

impl<'d> Fields<'d> {
    pub(super) fn read(
        mapping: Mapping<'d>,
        keys: &[&'static [Key]],
        findings: &mut Findings<'d>,
        remarks: &mut Vec<Remark>,
    ) -> Self {
        let root = &KeyPath::ROOT;
        let mut entries = Vec::with_capacity(mapping.len());
        for entry in mapping.entries() {
            let name = entry.name();
            let known = keys.iter().flat_map(|group| group.iter());
            let mut check = Check::new(findings);
            match known.clone().find(|key| key.name == name) {
                _ if is_nothing(entry.value) => {}
                Some(key) => {
                    if !is_read_apart(&key.shape, entry.value) {
                        check.entry(&Value::of(entry.value), &key.shape, entry.key, root);
                    }
                    if let Care::Noted(why) = key.care {
                        let message = format!("`{name}` is left aside: {why}");
                        let warning = Warning::at(entry.key.origin(root), message);
                        remarks.push(Weight::Note.remark(warning));
                    }
                }
                None => check.unknown(entry.key, root, known.map(|key| key.name)),
            }
            let doubts = check.doubts.into_iter();
            remarks.extend(doubts.map(|doubt| Weight::Doubt.remark(doubt)));
            entries.push((name, entry.key, entry.value));
        }
        Self { entries }
    }

    /// The value of a key, if it says something.
    pub(super) fn value(&self, name: &str) -> Option<Node<'d>> {
        self.entry(name).map(|(_, value)| value)
    }

    /// A key and its value, if it says something.
    pub(super) fn entry(&self, name: &str) -> Option<(Node<'d>, Node<'d>)> {
        self.declared(name).filter(|(_, value)| !is_nothing(*value))
    }

    /// A key and its value, whatever that is.
    pub(super) fn declared(&self, name: &str) -> Option<(Node<'d>, Node<'d>)> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(key, ..)| *key == name);
        found.map(|&(_, key, value)| (key, value))
    }
}

/// Mappings of other keys: who reads them checks them.
fn is_read_apart(shape: &Shape, value: Node<'_>) -> bool {
    match shape {
        Shape::Map(_) => value.as_mapping().is_some(),
        Shape::List(Shape::Map(_)) => value.as_sequence().is_some(),
        _ => false,
    }
}

pub(super) fn is_nothing(node: Node<'_>) -> bool {
    matches!(Value::of(node), Value::Nothing(_))
}
