//! First stage: what all fragments say together.

use std::collections::BTreeMap;

use crate::precedence::Named;
use crate::remote::{MOST_LINKS, Storage};
use crate::{
    Authority, DefinitionId, Fragment, HostIdentity, HostSettings, Interface, Network,
    PortSettings, Warning,
};

/// What the fragments say together.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) host: Option<HostIdentity>,
    pub(crate) network: Network,
    /// Some source holds a network configuration.
    pub(crate) has_network: bool,
    /// Files with network configuration that nobody reads.
    pub(crate) passed_over: Vec<String>,
    pub(crate) storage: Storage,
    /// Who names which of its controllers.
    pub(crate) named: Named,
    pub(crate) hosts: Vec<HostSettings>,
    pub(crate) ports: Vec<PortSettings>,
    /// What matters only where the initramfs brings up a network.
    pub(crate) notices: Vec<Warning>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) errors: Vec<Warning>,
}

/// Merges fragments, the weakest first: a later one's host identity replaces
/// an earlier one's, a later one's interface the earlier one of that id.
pub(crate) fn merge(fragments: Vec<Fragment>) -> Merged {
    let mut merged = Merged::default();
    let mut interfaces = Vec::new();
    let mut graphs = Vec::new();
    for fragment in fragments {
        merged.warnings.extend(fragment.warnings);
        merged.notices.extend(fragment.notices);
        merged.passed_over.extend(fragment.passed_over);
        merged.hosts.extend(fragment.hosts);
        merged.ports.extend(fragment.ports);
        let host = fragment.host.map(|(host, _)| host);
        merged.host = host.or(merged.host);
        merged.has_network |= fragment.interfaces.is_some();
        interfaces.extend(fragment.interfaces.into_iter().flatten());
        merged.named.replaces_installed |= fragment.replaces_installed;
        merged.named.is_at_boot |= fragment.authority != Authority::Installed;
        graphs.extend(
            fragment
                .storage
                .map(|graph| (graph, fragment.authority, fragment.booted_from)),
        );
    }
    merged.network = Network::in_bring_up_order(last_of_each_id(interfaces));
    for (graph, authority, booted_from) in &graphs {
        let added = merged
            .storage
            .add(graph, &mut merged.warnings, &mut merged.errors);
        for (node, controller) in graph.nodes().iter().zip(added) {
            if let Some(controller) = controller {
                let is_booted_from = booted_from.contains(&node.id);
                merged.named.add(controller, *authority, is_booted_from);
            }
        }
    }
    if merged.storage.links > MOST_LINKS {
        let message = format!(
            "the mounts lie on more than {MOST_LINKS} controllers, counted once for each mount"
        );
        let error = Warning::general(message).with_hint("name the `device` of each mount");
        merged.errors.push(error);
    }
    merged
}

fn last_of_each_id(interfaces: Vec<Interface>) -> Vec<Interface> {
    let mut place: BTreeMap<DefinitionId, usize> = BTreeMap::new();
    let mut kept: Vec<Interface> = Vec::with_capacity(interfaces.len());
    for interface in interfaces {
        match place.get(&interface.id) {
            Some(&i) => kept[i] = interface,
            None => {
                place.insert(interface.id.clone(), kept.len());
                kept.push(interface);
            }
        }
    }
    kept
}
