//! Entries that are interfaces.

use std::collections::BTreeMap;

use nvmeroot_plan::{InterfaceDiagnostic, Severity};

use super::fields::{Fields, Told, at, is_nothing};
use super::parameters::{self, Parameter};
use super::route::Route;
use super::schema::{BOND, BRIDGE, DEVICE, PHYSICAL, VLAN};
use super::subnet::{self, Subnet};
use crate::diagnostic::Excerpt;
use crate::netplan::findings::Findings;
use crate::netplan::schema::Key;
use crate::yaml::{KeyPath, Mapping, Node, Sequence};

/// A key and its value.
pub(super) type Pair<'d> = (Node<'d>, Node<'d>);

/// An interface.
#[derive(Debug)]
pub(super) struct Device<'d> {
    /// Its mapping.
    pub(super) node: Node<'d>,
    pub(super) name: &'d str,
    pub(super) name_node: Node<'d>,
    pub(super) kind: Kind<'d>,
    pub(super) mac: Option<Pair<'d>>,
    pub(super) mtu: Option<Pair<'d>>,
    pub(super) accept_ra: Option<Pair<'d>>,
    /// `keep_configuration`
    pub(super) critical: Option<Pair<'d>>,
    pub(super) subnets: Vec<Subnet<'d>>,
    /// Routes of their own entries.
    pub(super) routes: Vec<Route<'d>>,
    pub(super) diagnostics: Vec<InterfaceDiagnostic>,
}

/// What kind of link it is.
#[derive(Debug)]
pub(super) enum Kind<'d> {
    Physical,
    Infiniband,
    Loopback,
    Bond(Master<'d>),
    Bridge(Master<'d>),
    Vlan { id: Pair<'d>, link: Pair<'d> },
}

/// What holds others.
#[derive(Debug)]
pub(super) struct Master<'d> {
    /// The key of the members.
    pub(super) key: Node<'d>,
    pub(super) members: Vec<Node<'d>>,
    pub(super) parameters: Vec<Parameter<'d>>,
    /// The key of the parameters.
    pub(super) parameters_key: Option<Node<'d>>,
}

/// An entry of a type that is an interface; `None` where an error says why.
pub(super) fn read<'d>(
    kind: &str,
    mapping: Mapping<'d>,
    node: Node<'d>,
    findings: &mut Findings<'d>,
) -> Option<Device<'d>> {
    let own: &'static [Key] = match kind {
        "bond" => BOND,
        "bridge" => BRIDGE,
        "vlan" => VLAN,
        _ => PHYSICAL,
    };
    let mut told = Told::new(findings);
    let fields = Fields::read(mapping, &[own, DEVICE], &mut told);
    let (_, name_node) = required(&fields, "name", node, &mut told)?;
    let kind = match kind {
        "bond" => {
            let members = required(&fields, "bond_interfaces", node, &mut told);
            if mapping.get("params").is_none() {
                let message = "this bond has no `params`, and cloud-init leaves it aside";
                let expected = "`params`, such as `{bond-mode: active-backup}`";
                told.misfit(node, message, expected);
            }
            Kind::Bond(master(members?, &fields, &mut told, parameters::bond))
        }
        "bridge" => {
            let members = required(&fields, "bridge_interfaces", node, &mut told)?;
            Kind::Bridge(master(members, &fields, &mut told, parameters::bridge))
        }
        "vlan" => {
            let id = required(&fields, "vlan_id", node, &mut told);
            let link = required(&fields, "vlan_link", node, &mut told);
            let (id, link) = (id?, link?);
            Kind::Vlan { id, link }
        }
        "infiniband" => {
            let message = "the path to the storage can't stand on InfiniBand: the initramfs brings \
                           up none, and cloud-init does not write it for netplan";
            told.say(Severity::Refusal, at(node, message));
            Kind::Infiniband
        }
        "loopback" => Kind::Loopback,
        _ => Kind::Physical,
    };
    let subnets = match (&kind, fields.value("subnets")) {
        // Nobody's business: addresses of `lo` lead nowhere.
        (Kind::Loopback, _) | (_, None) => Vec::new(),
        (_, Some(list)) => subnet::read_all(list, &mut told),
    };
    Some(Device {
        node,
        name: name_node.text()?,
        name_node,
        kind,
        mac: fields.entry("mac_address"),
        mtu: mtu(&fields, &mut told),
        accept_ra: fields.entry("accept-ra"),
        critical: fields.entry("keep_configuration"),
        subnets,
        routes: Vec::new(),
        diagnostics: told.diagnostics,
    })
}

/// Empty lists count as there.
fn required<'d>(
    fields: &Fields<'d>,
    key: &str,
    node: Node<'d>,
    told: &mut Told<'_, 'd>,
) -> Option<Pair<'d>> {
    let found = fields.declared(key);
    let is_there =
        found.is_some_and(|(_, value)| key.ends_with("_interfaces") || !is_nothing(value));
    if !is_there {
        let message = format!("this entry has no `{key}`, and cloud-init leaves it aside");
        told.misfit(node, message, &format!("`{key}`"));
        return None;
    }
    found
}

fn master<'d>(
    (key, list): Pair<'d>,
    fields: &Fields<'d>,
    told: &mut Told<'_, 'd>,
    read: impl FnOnce(Mapping<'d>, &mut Told<'_, 'd>) -> Vec<Parameter<'d>>,
) -> Master<'d> {
    let members = list.as_sequence().into_iter().flat_map(Sequence::iter);
    let mut members: Vec<_> = members.collect();
    // As cloud-init sorts them.
    members.sort_by_key(|member| member.text());
    let params = fields.entry("params");
    let mapping = params.and_then(|(_, value)| value.as_mapping());
    Master {
        key,
        members,
        parameters: mapping.map_or_else(Vec::new, |mapping| read(mapping, told)),
        parameters_key: params.map(|(key, _)| key),
    }
}

/// cloud-init takes out the 0 that some clouds write.
fn mtu<'d>(fields: &Fields<'d>, told: &mut Told<'_, 'd>) -> Option<Pair<'d>> {
    let (key, value) = fields.entry("mtu")?;
    if value.text() == Some("0") {
        let warning = at(value, "`mtu: 0` says nothing").with_hint("remove it");
        told.say(Severity::Note, warning);
        return None;
    }
    Some((key, value))
}

/// Members and what VLANs stand on must be entries too: cloud-init makes up
/// empty ones otherwise, which netplan refuses.
pub(super) fn check_references<'d>(
    devices: &[Device<'d>],
    places: &BTreeMap<&'d str, usize>,
    findings: &mut Findings<'d>,
) {
    for device in devices {
        let references: &[Node<'d>] = match &device.kind {
            Kind::Bond(master) | Kind::Bridge(master) => &master.members,
            Kind::Vlan { link, .. } => std::slice::from_ref(&link.1),
            Kind::Physical | Kind::Infiniband | Kind::Loopback => &[],
        };
        for node in references {
            // What is no text has been reported.
            let Some(name) = node.text() else { continue };
            if !places.contains_key(name) {
                let others = places.keys().copied().filter(|other| *other != device.name);
                let meant = findings.meant(name, others);
                let name = Excerpt(name);
                let message = format!("no interface is called `{name}`");
                let add = || format!("add `- {{type: physical, name: {name}}}` to the list");
                findings.error(*node, &KeyPath::ROOT, message, |d| {
                    d.expected("the `name` of an entry")
                        .hint(meant.unwrap_or_else(add))
                });
            }
        }
    }
}
