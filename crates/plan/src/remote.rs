//! Controllers, and the mounts that lie on them, of all graphs of storage.

use std::collections::{BTreeMap, BTreeSet};

use crate::stack::{Stack, Stacks};
use crate::storage::{MountRequest, MountSource, NodeRole, OtherRemote, StorageGraph};
use crate::{ConnectionIdentity, Controller, Mount, Origin, Warning, inserted};

/// More links from mounts to controllers than this are refused: their number
/// grows with a product, and no machine has as many.
pub(crate) const MOST_LINKS: usize = 1_000_000;

/// Controllers and mounts of all graphs. Until [`Storage::sort`], controllers
/// are in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) controllers: Vec<Controller>,
    pub(crate) mounts: Vec<Mount>,
    by_identity: BTreeMap<ConnectionIdentity, usize>,
    /// Links from mounts to controllers; beyond [`MOST_LINKS`] no more are
    /// made.
    pub(crate) links: usize,
}

impl Storage {
    /// Adds a controller. Of two definitions of one connection the first one
    /// stays.
    pub(crate) fn controller(&mut self, controller: &Controller) -> usize {
        let next = self.controllers.len();
        let place = *self
            .by_identity
            .entry(controller.identity())
            .or_insert(next);
        if place == next {
            self.controllers.push(controller.clone());
        }
        place
    }

    /// Every mount that lies on the controller `old` lies on `new` too.
    pub(crate) fn mounts_also_on(&mut self, old: usize, new: usize) {
        self.each_list(|all| {
            if all.contains(&old) && !all.contains(&new) {
                all.push(new);
            }
        });
    }

    /// Adds a graph; of each of its nodes the controller that it is.
    pub(crate) fn add(
        &mut self,
        graph: &StorageGraph,
        warnings: &mut Vec<Warning>,
        errors: &mut Vec<Warning>,
    ) -> Vec<Option<usize>> {
        let of_node: Vec<Option<usize>> = graph
            .nodes()
            .iter()
            .map(|node| match &node.role {
                NodeRole::Controller(controller) => Some(self.controller(controller)),
                _ => None,
            })
            .collect();
        let below = graph.controllers_below();
        let mut stacks = Stacks::new(graph);
        for (i, node) in graph.nodes().iter().enumerate() {
            let NodeRole::Mount(request) = &node.role else {
                continue;
            };
            let mut controllers = Vec::new();
            if self.links <= MOST_LINKS {
                controllers.extend(below[i].iter().filter_map(|n| of_node[*n]));
                controllers.sort_unstable();
                controllers.dedup();
                let others = below[i]
                    .iter()
                    .filter_map(|n| match &graph.nodes()[*n].role {
                        NodeRole::OtherRemote(other) => Some(other),
                        _ => None,
                    });
                let other = others.clone().next();
                if let Some(OtherRemote::NvmeOver(transport)) = other
                    && request.path.is_essential()
                {
                    errors.push(by_another_transport(request, &node.origin, transport));
                }
                let netdev = NetdevCheck {
                    request,
                    origin: &node.origin,
                    all: self.controllers.len(),
                    is_other_remote: other.is_some(),
                };
                warnings.extend(netdev.judge(&mut controllers));
                self.links += controllers.len();
            }
            let essential = request.path.is_essential();
            let Stack { layers, mut arrays } = match essential && !controllers.is_empty() {
                true => stacks.below(i),
                false => Stack::default(),
            };
            for member in arrays.iter_mut().flat_map(|one| &mut one.members) {
                *member = member.iter().filter_map(|n| of_node[*n]).collect();
            }
            self.mounts.push(Mount {
                path: request.path.clone(),
                essential,
                controllers,
                filesystem: request.filesystem.clone(),
                layers: layers.into_iter().collect(),
                arrays,
                source: request.source,
                origin: node.origin.clone(),
            });
        }
        of_node
    }

    /// Puts the controllers into the plan's order, those that have become one
    /// connection together.
    pub(crate) fn sort(&mut self) {
        let mut sorted: BTreeMap<ConnectionIdentity, Vec<usize>> = BTreeMap::new();
        for (at, controller) in self.controllers.iter().enumerate() {
            sorted.entry(controller.identity()).or_default().push(at);
        }
        let mut place = vec![0; self.controllers.len()];
        let mut controllers = Vec::with_capacity(sorted.len());
        for (new, same) in sorted.into_values().enumerate() {
            controllers.push(self.controllers[same[0]].clone());
            for old in same {
                place[old] = new;
            }
        }
        self.controllers = controllers;
        self.each_list(|all| {
            for controller in all.iter_mut() {
                *controller = place[*controller];
            }
            all.sort_unstable();
            all.dedup();
        });
    }

    /// Changes what mounts and the members of arrays lie on.
    fn each_list(&mut self, mut change: impl FnMut(&mut Vec<usize>)) {
        for mount in &mut self.mounts {
            change(&mut mount.controllers);
            let arrays = mount.arrays.iter_mut();
            arrays
                .flat_map(|one| &mut one.members)
                .for_each(&mut change);
        }
    }

    /// What lies on the controller `old` lies on these instead.
    pub(crate) fn move_mounts(&mut self, old: usize, new: &[usize]) {
        self.each_list(|all| {
            let before = all.len();
            all.retain(|one| *one != old);
            if all.len() < before {
                all.extend(
                    new.iter()
                        .filter(|one| !all.contains(one))
                        .copied()
                        .collect::<Vec<_>>(),
                );
            }
        });
    }

    /// Takes away controllers that nothing lies on any more.
    pub(crate) fn remove(&mut self, gone: &BTreeSet<usize>) {
        let stays = |at: &usize| !gone.contains(at);
        let kept: Vec<usize> = (0..self.controllers.len()).filter(stays).collect();
        self.each_list(|all| {
            let place = |one: &usize| kept.binary_search(one).ok();
            *all = all.iter().filter_map(place).collect();
        });
        let kept = kept.into_iter().map(|at| self.controllers[at].clone());
        self.controllers = kept.collect();
        let places = self.controllers.iter().enumerate();
        self.by_identity = inserted(places.map(|(at, one)| (one.identity(), at)));
    }
}

fn by_another_transport(request: &MountRequest, origin: &Origin, transport: &str) -> Warning {
    let message = format!(
        "`{}` lies on an NVMe controller with the transport `{transport}`, which nvmeroot does not connect",
        request.path
    );
    Warning::at(origin.clone(), message).with_hint(match request.source {
        MountSource::System => {
            "let it be reached over TCP: only that can be connected in the initramfs"
        }
        MountSource::Installer => "only `transport: tcp` can be connected in the initramfs",
    })
}

/// Holds `_netdev` against the graph. The graph decides; where it does not
/// know what a mount lies on, `_netdev` does.
struct NetdevCheck<'a> {
    request: &'a MountRequest,
    origin: &'a Origin,
    /// How many NVMe/TCP controllers there are.
    all: usize,
    is_other_remote: bool,
}

impl NetdevCheck<'_> {
    fn judge(&self, controllers: &mut Vec<usize>) -> Option<Warning> {
        let path = &self.request.path;
        let at = |message: String| Warning::at(self.origin.clone(), message);
        if self.is_other_remote && controllers.is_empty() {
            let message = format!("`{path}` is remote, and not by NVMe/TCP");
            let hint = "nvmeroot configures NVMe/TCP only; whatever else connects this disk must do so in the initramfs";
            return Some(at(message).with_hint(hint)).filter(|_| self.request.path.is_essential());
        }
        if self.request.netdev == Some(true) && self.all == 0 {
            let (place, hint) = match self.request.source {
                MountSource::System => (
                    "that is known here",
                    "connect its drive where this runs, or name its portal in `etc/nvme/config.json`",
                ),
                MountSource::Installer => (
                    "in the storage configuration",
                    "add its `nvme_controller` and name it in the disk",
                ),
            };
            let message = format!(
                "`{path}` has the option `_netdev`, and there is no NVMe/TCP controller {place}"
            );
            return Some(at(message).with_hint(format!(
                "{hint}; if this is remote by other means (iSCSI, NFS), nvmeroot has nothing to do with it"
            )));
        }
        if self.request.unknown_device {
            if self.request.netdev != Some(true) {
                return None;
            }
            controllers.extend(0..self.all);
            let message = format!(
                "cannot tell which device backs `{path}`; it has `_netdev`, so assuming that it needs every controller"
            );
            let hint = match self.request.source {
                MountSource::System => "run this where its device is, or correct the line",
                MountSource::Installer => "name its `device` in the storage configuration",
            };
            return Some(at(message).with_hint(hint));
        }
        let (message, hint) = match (self.request.netdev, controllers.is_empty()) {
            (Some(false), false) => (
                format!("`{path}` lies on a remote controller and lacks the option `_netdev`"),
                "add `_netdev` to its options, so that the running system orders it after the network",
            ),
            (Some(true), true) => (
                format!("`{path}` has the option `_netdev` and lies on no remote controller"),
                "remove `_netdev`, or correct the device that it is mounted from",
            ),
            _ => return None,
        };
        Some(at(message).with_hint(hint))
    }
}
