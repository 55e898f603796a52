//! The merged files as the plan's interfaces.

mod interface;
mod link;
mod parameters;
mod references;
mod route;

use nvmeroot_plan::{Interface, Severity, Warning};

use self::references::References;
use super::findings::{Findings, origin};
use super::schema::{self, NETWORK, Section};
use super::value::{Entry, Map, Value};
use crate::yaml::{KeyPath, Node};

/// A definition of an interface, as all files together write it.
#[derive(Clone, Copy, Debug)]
struct Definition<'m, 'd> {
    section: &'static Section,
    entry: &'m Entry<'d>,
    /// Its place among all definitions, from 0.
    number: usize,
    /// The renderer that is said nearest to it.
    renderer: Option<Node<'d>>,
}

/// Lowers what is under `network`. The values have the schema's shapes; what
/// the schema can't say is checked here. The warnings are about no interface
/// more than another.
pub(super) fn lower<'d>(
    network: &Map<'d>,
    findings: &mut Findings<'d>,
) -> (Vec<Interface>, Vec<Warning>) {
    let mut notices = Vec::new();
    let definitions = definitions(network, &mut notices);
    let root = KeyPath::ROOT.key("network");
    let mut references = References::new(network, &definitions);
    let mut interfaces = Vec::with_capacity(definitions.len());
    for definition in &definitions {
        let section = root.key(definition.section.name);
        let path = section.key(definition.entry.name());
        references.define(definition, &path, findings);
        interfaces.extend(interface::lower(
            definition,
            &path,
            &mut references,
            findings,
        ));
    }
    refuse_second_masters(&references, &mut interfaces);
    references.check(findings);
    if definitions.is_empty() {
        notices.extend(note_network_manager(network));
    }
    (interfaces, notices)
}

/// A desktop's file says no more than this.
fn note_network_manager(network: &Map<'_>) -> Option<Warning> {
    let entry = network.entry("renderer")?;
    let node = scalar_node(Some(&entry.value))?;
    (node.text() == Some("NetworkManager")).then(|| {
        let path = KeyPath::ROOT.key("network");
        let message = "NetworkManager takes the interfaces, none is defined here, and the \
                       initramfs does not know NetworkManager's own connections";
        Warning::at(origin(entry.key, &path.key("renderer")), message)
            .with_hint("define the interface that leads to the storage")
    })
}

/// The kernel knows one master of an interface, be it a bond, a bridge or a
/// VRF.
fn refuse_second_masters(references: &References<'_>, interfaces: &mut [Interface]) {
    let mut twice = references.held_twice();
    for interface in interfaces {
        if let Some(warning) = twice.remove(interface.id.as_str()) {
            interface
                .diagnostics
                .push(Severity::Refusal.diagnostic(warning));
        }
    }
}

/// All definitions in the order in which they first came up, and a notice for
/// each section of `network` that nobody brings up.
fn definitions<'m, 'd>(
    network: &'m Map<'d>,
    notices: &mut Vec<Warning>,
) -> Vec<Definition<'m, 'd>> {
    let path = KeyPath::ROOT.key("network");
    let mut found = Vec::new();
    let general = scalar_node(network.get("renderer"));
    for entry in network.entries() {
        let name = entry.name();
        let Some(section) = schema::section(name) else {
            if let Some(key) = NETWORK.iter().find(|key| key.name == name)
                && key.support != schema::SupportLevel::Carried
            {
                let at = origin(entry.key, &path.key(name));
                notices.push(Warning::at(
                    at,
                    format!("`{name}` is not carried out in the initramfs"),
                ));
            }
            continue;
        };
        let Value::Map(map) = &entry.value else {
            continue;
        };
        let of_section = scalar_node(map.get("renderer")).or(general);
        let before = found.len();
        for definition in map.all() {
            if definition.name() == "renderer" || is_reset(&definition.value) {
                continue;
            }
            let own = match &definition.value {
                Value::Map(map) => scalar_node(map.get("renderer")),
                _ => None,
            };
            found.push(Definition {
                section,
                entry: definition,
                number: found.len(),
                renderer: own.or(of_section),
            });
        }
        if section.is_refused() && found.len() > before {
            let message = format!("the interfaces of `{name}` are not brought up in the initramfs");
            notices.push(Warning::at(origin(entry.key, &path.key(name)), message));
        }
    }
    found
}

fn is_reset(value: &Value<'_>) -> bool {
    matches!(value, Value::Nothing(nothing) if nothing.said)
}

fn scalar_node<'d>(value: Option<&Value<'d>>) -> Option<Node<'d>> {
    match value {
        Some(Value::Scalar(scalar)) => Some(scalar.node()),
        _ => None,
    }
}
