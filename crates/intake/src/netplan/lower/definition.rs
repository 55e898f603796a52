//! The definitions of interfaces, as all files together write them.

use nvmeroot_plan::Warning;

use crate::netplan::schema::{self, NETWORK, Section, SupportLevel};
use crate::netplan::value::{Entry, Map, Value};
use crate::yaml::{KeyPath, Node};

/// A definition of an interface, as all files together write it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Definition<'m, 'd> {
    pub(super) section: &'static Section,
    pub(super) entry: &'m Entry<'d>,
    /// Its place among all definitions, from 0.
    pub(super) number: usize,
    /// The renderer that is said nearest to it.
    pub(super) renderer: Option<Node<'d>>,
}

/// All definitions in the order in which they first came up, and a notice for
/// each section of `network` that nobody brings up.
pub(super) fn all<'m, 'd>(
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
                && key.support != SupportLevel::Carried
            {
                let at = entry.key.origin(&path.key(name));
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
            notices.push(Warning::at(entry.key.origin(&path.key(name)), message));
        }
    }
    found
}

fn is_reset(value: &Value<'_>) -> bool {
    matches!(value, Value::Nothing(nothing) if nothing.said)
}

pub(super) fn scalar_node<'d>(value: Option<&Value<'d>>) -> Option<Node<'d>> {
    match value {
        Some(Value::Scalar(scalar)) => Some(scalar.node()),
        _ => None,
    }
}
