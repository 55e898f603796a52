//! All fragments together: the boot plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::storage::{FilesystemType, MountRequest, NodeRole, StorageGraph};
use crate::topology::Topology;
use crate::{
    Controller, ControllerPath, Fragment, HostIdentity, MountPoint, Network, Origin, Reach, Reason,
    Warning, Weight, path, portal, reach,
};

/// A mount of the installed system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where.
    pub path: MountPoint,
    /// The machine can't boot without it.
    pub essential: bool,
    /// The remote controllers that it lies on: indexes into the plan's.
    pub controllers: Vec<usize>,
    /// What is mounted, where a source says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<FilesystemType>,
    /// Where it is defined.
    pub origin: Origin,
}

/// What all fragments together mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPlan {
    /// How root is reached.
    pub reach: Reach,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The identity of the host, where a source says it.
    #[serde(default)]
    pub host: Option<HostIdentity>,
    /// The mounts, in declared order.
    pub mounts: Vec<Mount>,
    /// The remote controllers, each once, sorted by address, then port,
    /// compared as text.
    pub controllers: Vec<Controller>,
    /// The network.
    pub network: Network,
    /// Per controller, the interfaces that lead to it.
    pub paths: Vec<ControllerPath>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// What the plan needs and nobody carries out; with any of these it can
    /// be shown, not configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Warning>,
}

impl BootPlan {
    /// The interfaces that lead to a controller which the initramfs connects,
    /// and all that these need: a VLAN's parent, a bond's and a bridge's
    /// members, the VRF that holds one. In bring-up order; none where the
    /// initramfs connects nothing.
    ///
    /// It connects every controller, also one that no mount names: a disk of
    /// curtin's names a single controller, and the others may be further ways
    /// to it. A way that the running system cuts fails over at every boot.
    pub fn storage_interfaces(&self) -> Vec<&crate::Interface> {
        let topology = Topology::new(&self.network);
        let on_path = self.on_path(&topology);
        self.network
            .interfaces
            .iter()
            .zip(on_path)
            .filter_map(|(one, on_path)| on_path.then_some(one))
            .collect()
    }

    /// Of each interface, whether it is among the storage's.
    pub(crate) fn on_path(&self, topology: &Topology<'_>) -> Vec<bool> {
        if !is_by_initramfs(self.reach) {
            return vec![false; topology.interfaces.len()];
        }
        let leads: BTreeSet<_> = self
            .paths
            .iter()
            .flat_map(|p| p.interfaces.iter().map(|l| &l.interface))
            .collect();
        let leads = topology
            .interfaces
            .iter()
            .enumerate()
            .filter(|(_, one)| leads.contains(&one.name))
            .map(|(at, _)| at);
        topology.needed_by(leads)
    }
}

/// Resolves fragments, the weakest first: a later one's host identity
/// replaces an earlier one's, a later one's interface the earlier one of that
/// id. What is said of a portal fills in what its controller leaves open.
pub fn resolve(fragments: Vec<Fragment>) -> BootPlan {
    let mut warnings = Vec::new();
    let mut notices = Vec::new();
    let mut host = None;
    let mut interfaces = Vec::new();
    let mut has_network = false;
    let mut graphs = Vec::new();
    let mut portals = Vec::new();
    for fragment in fragments {
        warnings.extend(fragment.warnings);
        notices.extend(fragment.notices);
        portals.extend(fragment.portals);
        host = fragment.host.or(host);
        has_network |= fragment.interfaces.is_some();
        for interface in fragment.interfaces.into_iter().flatten() {
            interfaces.push(interface);
        }
        graphs.extend(fragment.storage);
    }
    let interfaces = last_of_each_id(interfaces);
    let network = Network::in_bring_up_order(interfaces);

    let mut storage = Storage::default();
    for graph in &graphs {
        storage.add(graph, &mut warnings);
    }
    let mut faults = Vec::new();
    let hostnqn = host.as_ref().map(|(identity, _)| &identity.nqn);
    let heard = portal::settle(&mut storage.controllers, &portals, hostnqn);
    warnings.extend(heard.warnings);
    faults.extend(heard.faults);
    let Storage {
        mut controllers,
        mounts,
        links,
    } = storage;
    if links > MOST_LINKS {
        let message = format!(
            "the mounts lie on more than {MOST_LINKS} controllers, counted once for each mount"
        );
        faults.push(Warning::general(message).with_hint("name the `device` of each mount"));
    }
    let rules = network.interfaces.iter().map(|one| one.rules.len());
    let looked_at = network.interfaces.len().saturating_add(rules.sum());
    let ways = controllers.len().saturating_mul(looked_at);
    if ways > MOST_WAYS {
        let message = format!(
            "{} controllers and {} interfaces are more than can be looked through",
            controllers.len(),
            network.interfaces.len()
        );
        faults.push(Warning::general(message));
    }
    warn_of_idle_controllers(&controllers, &mounts, &mut warnings);
    let (reach, reasons) = reach::reach(&mounts, controllers.len());
    let paths = if ways > MOST_WAYS {
        Vec::new()
    } else {
        path::paths(&mut controllers, &network)
    };
    if reach != Reach::Local {
        warn_of_missing_ways(has_network, &controllers, &mounts, &paths, &mut warnings);
    }
    let mut plan = BootPlan {
        reach,
        reasons,
        host: host.map(|(identity, _)| identity),
        mounts,
        controllers,
        network,
        paths,
        warnings,
        faults,
    };
    if is_by_initramfs(plan.reach) {
        plan.warnings.extend(notices);
    }
    judge_interfaces(&mut plan);
    plan
}

/// The initramfs brings up a network.
fn is_by_initramfs(reach: Reach) -> bool {
    matches!(reach, Reach::Initramfs | Reach::Firmware)
}

/// Says of each interface's remarks what matters in this plan, and which
/// interfaces the path needs and can't have.
fn judge_interfaces(plan: &mut BootPlan) {
    let by_initramfs = is_by_initramfs(plan.reach);
    let topology = Topology::new(&plan.network);
    let path = plan.on_path(&topology);
    let mut warnings = Vec::new();
    let mut faults = Vec::new();
    for (at, interface) in plan.network.interfaces.iter().enumerate() {
        for remark in &interface.remarks {
            let to = match (remark.weight, path[at]) {
                (Weight::Refusal | Weight::Doubt, true) => &mut faults,
                (Weight::Note, true) | (Weight::Doubt, false) => &mut warnings,
                (Weight::Notice, _) if by_initramfs => &mut warnings,
                (Weight::Notice | Weight::Note | Weight::Refusal, _) => continue,
            };
            to.push(remark.warning.clone());
        }
        // What stands on it would only be named again.
        if path[at] && !topology.exists(at) && topology.below(at).iter().all(|p| *p >= at) {
            faults.extend(impossible(interface));
        }
    }
    plan.warnings.extend(warnings);
    plan.faults.extend(faults);
}

/// A VLAN without a parent, or on itself.
fn impossible(interface: &crate::Interface) -> Option<Warning> {
    let crate::LinkKind::Vlan { vlan } = &interface.kind else {
        return None;
    };
    let message = format!(
        "`{}` is a VLAN on `{}`, which is not defined or stands on the VLAN itself",
        interface.id, vlan.link
    );
    let warning = Warning::at(interface.origin.clone(), message);
    Some(warning.with_hint("correct `link`, the id of the interface below"))
}

fn last_of_each_id(interfaces: Vec<crate::Interface>) -> Vec<crate::Interface> {
    let mut place: BTreeMap<crate::DefinitionId, usize> = BTreeMap::new();
    let mut kept: Vec<crate::Interface> = Vec::with_capacity(interfaces.len());
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

/// Controllers and mounts of all graphs, indexes already in sorted order.
#[derive(Default)]
struct Storage {
    controllers: Vec<Controller>,
    mounts: Vec<Mount>,
    /// Links from mounts to controllers; beyond [`MOST_LINKS`] no more are
    /// made.
    links: usize,
}

/// More links from mounts to controllers than this are refused, and so are
/// more pairs of a controller and an interface or rule than [`MOST_WAYS`]: both grow
/// with a product, and no machine has as many.
const MOST_LINKS: usize = 1_000_000;
const MOST_WAYS: usize = 50_000_000;

impl Storage {
    fn add(&mut self, graph: &StorageGraph, warnings: &mut Vec<Warning>) {
        let before = std::mem::take(&mut self.controllers);
        let renumber_old = before.clone();
        let mut all = before;
        all.extend(graph.nodes().iter().filter_map(|node| match &node.role {
            NodeRole::Controller(c) => Some((**c).clone()),
            _ => None,
        }));
        // Stable: of two definitions of one portal the first one stays.
        all.sort_by_cached_key(|c| {
            let (address, port, nqn) = c.sort_key();
            (address, port, nqn.cloned())
        });
        all.dedup_by(|b, a| a.sort_key() == b.sort_key());
        let place: BTreeMap<_, usize> = all
            .iter()
            .enumerate()
            .map(|(i, c)| (c.sort_key(), i))
            .collect();
        for mount in &mut self.mounts {
            for controller in &mut mount.controllers {
                *controller = place[&renumber_old[*controller].sort_key()];
            }
        }
        let of_node: Vec<Option<usize>> = graph
            .nodes()
            .iter()
            .map(|node| match &node.role {
                NodeRole::Controller(c) => Some(place[&c.sort_key()]),
                _ => None,
            })
            .collect();
        let below = graph.controllers_below();
        for (i, node) in graph.nodes().iter().enumerate() {
            let NodeRole::Mount(request) = &node.role else {
                continue;
            };
            let mut controllers = Vec::new();
            if self.links <= MOST_LINKS {
                controllers.extend(below[i].iter().filter_map(|n| of_node[*n]));
                controllers.sort_unstable();
                controllers.dedup();
                judge_netdev(request, &node.origin, &mut controllers, all.len(), warnings);
                self.links += controllers.len();
            }
            self.mounts.push(Mount {
                path: request.path.clone(),
                essential: request.path.is_essential(),
                controllers,
                filesystem: request.filesystem.clone(),
                origin: node.origin.clone(),
            });
        }
        drop(place);
        self.controllers = all;
    }
}

/// Holds `_netdev` against the graph. The graph decides; where it does not
/// know what a mount lies on, `_netdev` does.
fn judge_netdev(
    request: &MountRequest,
    origin: &Origin,
    controllers: &mut Vec<usize>,
    all: usize,
    warnings: &mut Vec<Warning>,
) {
    let path = &request.path;
    if request.unknown_device {
        if request.netdev == Some(true) && all > 0 {
            controllers.extend(0..all);
            let message = format!(
                "nothing says which device `{path}` lies on; it has `_netdev`, so every controller is taken for its own"
            );
            warnings.push(
                Warning::at(origin.clone(), message)
                    .with_hint("name its `device` in the storage configuration"),
            );
        }
        return;
    }
    match (request.netdev, controllers.is_empty()) {
        (Some(false), false) => warnings.push(
            Warning::at(origin.clone(), format!("`{path}` lies on a remote controller and lacks the option `_netdev`"))
                .with_hint("add `_netdev` to its options, so that the running system orders it after the network"),
        ),
        (Some(true), true) if all > 0 => warnings.push(
            Warning::at(origin.clone(), format!("`{path}` has the option `_netdev` and lies on no remote controller"))
                .with_hint("remove `_netdev`, or correct the device that it is mounted from"),
        ),
        _ => {}
    }
}

fn warn_of_idle_controllers(
    controllers: &[Controller],
    mounts: &[Mount],
    warnings: &mut Vec<Warning>,
) {
    let mut used = vec![false; controllers.len()];
    for &controller in mounts.iter().flat_map(|m| &m.controllers) {
        used[controller] = true;
    }
    for (controller, _) in controllers.iter().zip(used).filter(|(_, used)| !used) {
        let message = format!(
            "nothing is mounted from the controller at `{}`",
            controller.portal()
        );
        warnings.push(Warning::at(controller.origin.clone(), message));
    }
}

fn warn_of_missing_ways(
    has_network: bool,
    controllers: &[Controller],
    mounts: &[Mount],
    paths: &[ControllerPath],
    warnings: &mut Vec<Warning>,
) {
    if !has_network {
        warnings.push(
            Warning::general(
                "there is no network configuration, so nothing leads to the controllers",
            )
            .with_hint("pass the installer's netplan file in `write_files`"),
        );
        return;
    }
    let mut mounts_on: Vec<Vec<&Mount>> = vec![Vec::new(); controllers.len()];
    for mount in mounts {
        for &controller in &mount.controllers {
            mounts_on[controller].push(mount);
        }
    }
    for path in paths.iter().filter(|p| p.interfaces.is_empty()) {
        let controller = &controllers[path.controller];
        let needed: Vec<String> = mounts_on[path.controller]
            .iter()
            .map(|m| format!("`{}`", m.path))
            .collect();
        let mut message = format!(
            "no interface leads to the controller at `{}`",
            controller.portal()
        );
        if !needed.is_empty() {
            message = format!("{message}, which {} needs", needed.join(", "));
        }
        warnings.push(Warning::at(controller.origin.clone(), message).with_hint(
            "give an interface an address in the portal's network, a route to it, or DHCP",
        ));
    }
}

#[cfg(test)]
mod tests;
