//! The merged files as the plan's interfaces.

mod definition;
mod interface;
mod link;
mod parameters;
mod references;
mod route;

use nvmeroot_plan::{Interface, Severity, Warning};

use self::definition::scalar_node;
use self::references::References;
use super::findings::Findings;
use super::value::Map;
use crate::yaml::KeyPath;

/// Lowers what is under `network`. The values have the schema's shapes; what
/// the schema can't say is checked here. The warnings are about no interface
/// more than another.
pub(super) fn lower<'d>(
    network: &Map<'d>,
    findings: &mut Findings<'d>,
) -> (Vec<Interface>, Vec<Warning>) {
    let mut notices = Vec::new();
    let definitions = definition::all(network, &mut notices);
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
        Warning::at(entry.key.origin(&path.key("renderer")), message)
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
