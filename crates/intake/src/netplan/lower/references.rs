//! Ids, and who refers to them.

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{DefinitionId, Origin, Warning};

use super::definition::Definition;
use crate::diagnostic::{Excerpt, nearest};
use crate::netplan::findings::Findings;
use crate::netplan::schema::Kind;
use crate::netplan::value::{Item, List, Map, Value};
use crate::yaml::{KeyPath, Node};

/// Looking for the nearest of thousands of ids takes its time.
const MAX_HINTS: usize = 10;

/// The ids that are defined, and the references to check when all are known.
#[derive(Debug)]
pub(super) struct References<'d> {
    ids: BTreeSet<&'d str>,
    defined: BTreeMap<&'d str, (&'static str, Node<'d>)>,
    /// Those of them that are VRFs.
    vrfs: BTreeSet<&'d str>,
    /// The bond or bridge, and the VRF, that holds an interface, and where
    /// that is said.
    holders: BTreeMap<(&'d str, bool), (&'d str, Origin)>,
    /// The bond whose primary an interface is.
    primaries: BTreeMap<&'d str, &'d str>,
    open: Vec<Reference<'d>>,
}

#[derive(Debug)]
struct Reference<'d> {
    to: Node<'d>,
    at: Origin,
}

impl<'d> References<'d> {
    pub(super) fn new(network: &Map<'d>, definitions: &[Definition<'_, 'd>]) -> Self {
        let mut ids: BTreeSet<&str> = definitions.iter().map(|d| d.entry.name()).collect();
        ids.extend(patch_ports(network));
        let vrfs = definitions.iter().filter(|d| d.section.kind == Kind::Vrf);
        Self {
            ids,
            vrfs: vrfs.map(|d| d.entry.name()).collect(),
            defined: BTreeMap::new(),
            holders: BTreeMap::new(),
            primaries: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    /// Takes note of a definition; an id belongs to one section.
    pub(super) fn define(
        &mut self,
        definition: &Definition<'_, 'd>,
        path: &KeyPath<'_>,
        findings: &mut Findings<'d>,
    ) {
        let (id, key) = (definition.entry.name(), definition.entry.key);
        if let Some((section, first)) = self.defined.get(id) {
            let message = format!("`{}` is already defined in `{section}`", Excerpt(id));
            let place = first.origin(&KeyPath::ROOT);
            findings.error(key, path, message, |d| {
                d.expected("an id of its own")
                    .hint(format!("the other one is at {place}"))
            });
        } else {
            self.defined.insert(id, (definition.section.name, key));
        }
    }

    /// A single reference; `must_exist` is what netplan demands of it.
    pub(super) fn one(
        &mut self,
        value: &Value<'d>,
        path: &KeyPath<'_>,
        must_exist: bool,
    ) -> Option<DefinitionId> {
        let Value::Scalar(scalar) = value else {
            return None;
        };
        if must_exist && !self.ids.contains(scalar.text()) {
            self.open.push(Reference {
                to: scalar.node(),
                at: scalar.node().origin(path),
            });
        }
        scalar.text().parse().ok()
    }

    /// The members of a bond, a bridge or a VRF, each once.
    pub(super) fn members(
        &mut self,
        of: &Definition<'_, 'd>,
        list: &List<'d>,
        path: &KeyPath<'_>,
        findings: &mut Findings<'d>,
    ) -> Vec<DefinitionId> {
        let mut members = Vec::with_capacity(list.items.len());
        let mut seen = BTreeSet::new();
        let holder = of.entry.name();
        for Item { index, node } in &list.items {
            let path = path.index(*index);
            let name = node.text().unwrap_or_default();
            if !seen.insert(name) {
                continue;
            }
            members.extend(self.one(&Value::of(*node), &path, true));
            let is_vrf = of.section.kind == Kind::Vrf;
            match self.holders.get(&(name, is_vrf)) {
                Some((other, _)) => {
                    let message = format!(
                        "`{}` is already held by `{}`",
                        Excerpt(name),
                        Excerpt(other)
                    );
                    findings.misfit(*node, &path, message, "an interface that nobody else holds");
                }
                None => {
                    let place = node.origin(&path);
                    self.holders.insert((name, is_vrf), (holder, place));
                }
            }
        }
        members
    }

    /// The primary member of a bond; an interface is that of one.
    pub(super) fn primary(
        &mut self,
        of: &'d str,
        value: &Value<'d>,
        path: &KeyPath<'_>,
        findings: &mut Findings<'d>,
    ) -> Option<DefinitionId> {
        let id = self.one(value, path, true)?;
        let name = value.node().text()?;
        match self.primaries.get(name) {
            Some(other) => {
                let (name, other) = (Excerpt(name), Excerpt(other));
                let message = format!("`{name}` is already the primary member of `{other}`");
                findings.error(value.node(), path, message, |d| {
                    d.expected("a member that is no other bond's primary")
                });
            }
            None => drop(self.primaries.insert(name, of)),
        }
        Some(id)
    }

    /// A warning where a VRF is what something else holds or stands on: the
    /// kernel makes it neither a member nor a VLAN's parent.
    pub(super) fn not_a_vrf(&self, node: Node<'d>, path: &KeyPath<'_>) -> Option<Warning> {
        let name = node.text().filter(|name| self.vrfs.contains(name))?;
        let message = format!(
            "`{}` is a VRF, which can't be part of another interface",
            Excerpt(name)
        );
        Some(Warning::at(node.origin(path), message))
    }

    /// The interfaces that a bond or bridge and a VRF hold, with a warning
    /// about the VRF.
    pub(super) fn held_twice(&self) -> BTreeMap<&'d str, Warning> {
        let by_vrfs = self.holders.iter().filter(|((_, is_vrf), _)| *is_vrf);
        by_vrfs
            .filter_map(|((name, _), (vrf, place))| {
                let (master, _) = self.holders.get(&(*name, false))?;
                let message = format!(
                    "`{}` is held by `{}` and by `{}`, and the kernel knows one of them",
                    Excerpt(name),
                    Excerpt(master),
                    Excerpt(vrf)
                );
                let hint = format!("let the VRF hold `{}` alone", Excerpt(master));
                Some((*name, Warning::at(place.clone(), message).with_hint(hint)))
            })
            .collect()
    }

    /// Reports the references to ids that nobody defines.
    pub(super) fn check(self, findings: &mut Findings<'d>) {
        for (count, reference) in self.open.iter().enumerate() {
            let name = reference.to.text().unwrap_or_default();
            let near = (count < MAX_HINTS)
                .then(|| nearest(name, self.ids.iter().copied()))
                .flatten();
            let path = KeyPath::ROOT;
            let message = format!("no interface is defined as `{}`", Excerpt(name));
            findings.error(reference.to, &path, message, |mut d| {
                d.origin = reference.at.clone();
                let d = d.expected("the id of another definition");
                match near {
                    Some(near) => d.hint(format!("did you mean `{near}`?")),
                    None => d.hint(format!("define it, if only as `{}: {{}}`", Excerpt(name))),
                }
            });
        }
    }
}

/// Open vSwitch's patch ports are interfaces without a definition.
fn patch_ports<'d>(network: &Map<'d>) -> Vec<&'d str> {
    let Some(Value::Map(openvswitch)) = network.get("openvswitch") else {
        return Vec::new();
    };
    let Some(Value::List(ports)) = openvswitch.get("ports") else {
        return Vec::new();
    };
    let pairs = ports
        .items
        .iter()
        .filter_map(|item| item.node.as_sequence());
    pairs
        .flat_map(|pair| pair.iter().filter_map(Node::text))
        .collect()
}
