//! The entries of version 1 together.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use nvmeroot_plan::{InterfaceDiagnostic, Severity, Warning};

use super::device::{self, Device, Kind};
use super::fields::{Fields, Told, at, is_nothing, warn_all};
use super::nameserver;
use super::route::{self, Route};
use super::schema::{NETWORK, TYPES};
use crate::diagnostic::Excerpt;
use crate::netplan::check::one_of;
use crate::netplan::findings::Findings;
use crate::yaml::{KeyPath, Mapping, Node};

/// What the list says. The nodes are of a document that knows where each of
/// its nodes was written, so no key path is kept beside them.
#[derive(Debug)]
pub(super) struct State<'d> {
    /// The value under `network`.
    pub(super) node: Node<'d>,
    /// In declared order; of a name that is there twice, the last one.
    pub(super) devices: Vec<Device<'d>>,
}

impl State<'_> {
    /// By the interface's name.
    pub(super) fn diagnostics(&self) -> BTreeMap<String, Vec<InterfaceDiagnostic>> {
        let named = self.devices.iter().filter(|d| !d.diagnostics.is_empty());
        named
            .map(|device| (device.name.to_owned(), device.diagnostics.clone()))
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
    };
    let mut told = Told::new(findings);
    let fields = Fields::read(network, &[NETWORK], &mut told);
    told.warn_all();
    let Some(list) = fields.value("config").and_then(Node::as_sequence) else {
        return state;
    };
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut nameservers = Vec::new();
    let mut routes = Vec::new();
    for node in list.iter() {
        let Some(entry) = node.as_mapping() else {
            let (message, expected) = ("this entry is no mapping", "a mapping with `type`");
            findings.misfit(node, &KeyPath::ROOT, message, expected);
            continue;
        };
        match type_of(node, entry, findings) {
            Some("nameserver") => nameservers.extend(nameserver::interface(entry, node, findings)),
            Some("route") => routes.extend(route::read_global(entry, node, findings)),
            Some(kind) => {
                let Some(mut device) = device::read(kind, entry, node, findings) else {
                    continue;
                };
                if matches!(device.kind, Kind::Loopback) {
                    // It becomes no interface that could bear them.
                    warn_all(std::mem::take(&mut device.diagnostics), findings);
                }
                match places.get(device.name) {
                    Some(&place) => {
                        let message = format!("`{}` is here a second time", Excerpt(device.name));
                        let hint = "keep one of the two; the last one counts";
                        findings.warn(at(node, message).with_hint(hint));
                        state.devices[place] = device;
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
    nameserver::leave(&nameservers, &mut state.devices, &places, findings);
    place_routes(&mut state.devices, routes, findings);
    state
}

fn type_of<'d>(node: Node<'d>, entry: Mapping<'d>, findings: &mut Findings<'d>) -> Option<&'d str> {
    let kind = entry.get("type").filter(|node| !is_nothing(*node));
    let Some(kind) = kind else {
        let message = "this entry has no `type`";
        findings.misfit(node, &KeyPath::ROOT, message, one_of(&TYPES));
        return None;
    };
    let text = kind.text().unwrap_or_default();
    if TYPES.contains(&text) {
        return Some(text);
    }
    let meant = findings.meant(text, TYPES);
    let message = format!("no entry has the type `{}`", Excerpt(text));
    findings.error(kind, &KeyPath::ROOT, message, |d| {
        d.expected(one_of(&TYPES)).maybe_hint(meant)
    });
    None
}

/// cloud-init's netplan file has no routes but an interface's. The gateway says
/// which one's.
fn place_routes<'d>(
    devices: &mut [Device<'d>],
    routes: Vec<(Route<'d>, Vec<InterfaceDiagnostic>)>,
    findings: &mut Findings<'d>,
) {
    let mut held: BTreeMap<IpNet, usize> = BTreeMap::new();
    for (at, device) in devices.iter().enumerate() {
        for address in device.subnets.iter().filter_map(|subnet| subnet.address) {
            held.entry(address.net.trunc()).or_insert(at);
        }
    }
    let lengths: BTreeSet<u8> = held.keys().map(IpNet::prefix_len).collect();
    for (route, diagnostics) in routes {
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
                device.diagnostics.extend(diagnostics);
                device
                    .diagnostics
                    .push(Severity::Notice.diagnostic(warning));
                device.routes.push(route);
            }
            None => {
                let message = format!(
                    "no subnet holds the gateway `{}`, so this route is left aside",
                    route.via
                );
                let hint = "write it under `routes` of the subnet that its gateway is in";
                findings.warn(Warning::at(origin, message).with_hint(hint));
                warn_all(diagnostics, findings);
            }
        }
    }
}
