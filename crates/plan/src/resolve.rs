//! All fragments together: the boot plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::merge::{Merged, merge};
use crate::policy::Requirement;
use crate::storage::FilesystemType;
use crate::topology::Topology;
use crate::{
    Controller, ControllerPath, Fragment, HostIdentity, KnownPort, MountPoint, Network, Origin,
    Reach, Reason, Warning, judge, path, policy, reach, settings,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How to connect what discovery controllers may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_ports: Vec<KnownPort>,
    /// What must be connected before the essential mounts can be mounted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// The kernel modules that the initramfs needs and that no other depends
    /// on, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// The network.
    pub network: Network,
    /// Per controller, the interfaces that lead to it.
    pub paths: Vec<ControllerPath>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// What the plan needs and can't have: with any of these it is carried out
    /// by nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Warning>,
}

impl BootPlan {
    /// The interfaces that lead to a controller which the initramfs connects,
    /// and all that these need: a VLAN's parent, a bond's and a bridge's
    /// members, the VRF that holds one. In bring-up order; none where the
    /// initramfs connects nothing.
    ///
    /// It connects every controller, also one that no mount names: a disk of
    /// curtin's names a single controller, and the others may be further paths
    /// to it. A path that the running system cuts fails over at every boot.
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
        if !self.reach.is_by_initramfs() {
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
/// id. What is said of a host or a port fills in what controllers leave open.
///
/// Pure, so that the agent can run it again at boot with one more fragment. In
/// stages: merge what the fragments say, choose the routes, judge what the
/// path can't have, and last the rules of [`policy`](crate::policy), which
/// every runtime obeys. Nobody edits the plan afterwards.
pub fn resolve(fragments: Vec<Fragment>) -> BootPlan {
    let Merged {
        host,
        network,
        has_network,
        passed_over,
        mut storage,
        hosts,
        ports,
        notices,
        mut warnings,
        mut errors,
    } = merge(fragments);
    let settled = settings::apply(&mut storage, &hosts, &ports, host.as_ref());
    warnings.extend(settled.warnings);
    errors.extend(settled.errors);
    let (reach, reasons) = reach::reach(&storage.mounts, storage.controllers.len());
    let mut plan = BootPlan {
        reach,
        reasons,
        host,
        mounts: storage.mounts,
        controllers: storage.controllers,
        known_ports: settled.known_ports,
        requirements: Vec::new(),
        modules: Vec::new(),
        network,
        paths: Vec::new(),
        warnings,
        errors,
    };
    choose_routes(&mut plan);
    let sources = judge::Sources {
        has_network,
        passed_over,
        notices,
    };
    judge::judge(&mut plan, sources);
    policy::apply(&mut plan);
    plan
}

/// More pairs of a controller and an interface or rule than this are refused:
/// their number grows with a product, and no machine has as many.
const MOST_PAIRS: usize = 50_000_000;

fn choose_routes(plan: &mut BootPlan) {
    let interfaces = &plan.network.interfaces;
    let rules = interfaces.iter().map(|one| one.rules.len());
    let looked_at = interfaces.len().saturating_add(rules.sum());
    if plan.controllers.len().saturating_mul(looked_at) > MOST_PAIRS {
        let message = format!(
            "{} controllers and {} interfaces are more than can be looked through",
            plan.controllers.len(),
            interfaces.len()
        );
        plan.errors.push(Warning::general(message));
        return;
    }
    plan.paths = path::paths(&mut plan.controllers, &plan.network);
}

#[cfg(test)]
mod tests;
