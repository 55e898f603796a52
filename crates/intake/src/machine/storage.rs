//! What a root tree's filesystems stand on, as a graph down to the controllers.

mod warnings;

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{
    Controller, Fragment, HostIdentity, MountPoint, MountRequest, MountSource, Node, NodeRole,
    Origin, OtherRemote, Reference, StorageGraph, Warning,
};

use super::devices::{Devices, layer};
use super::mountinfo::{self, Mounted};
use super::{CONTROLLERS, Machine, NvmeController};
use crate::IntakeError;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::fstab::{Entry, Spec, pool};

/// A root tree, as a running machine has it.
#[derive(Clone, Copy, Debug)]
pub struct RootTree<'a> {
    /// Where it is on that machine, without symbolic links: `/`, `/mnt`.
    pub path: &'a str,
    /// What its `etc/fstab` says; `None`: it has none.
    pub fstab: Option<&'a [Entry]>,
    /// Controllers that other files of the tree name. Which drives they have is not known
    /// here, so they count only for a filesystem that is on no drive of this machine.
    pub named: &'a [Controller],
}

/// Reads what the tree's filesystems stand on. `etc/fstab` says what is mounted when the
/// tree boots; what holds the tree itself shows where it is mounted now.
///
/// # Errors
/// The machine's files contradict themselves, or say something of a controller below what
/// the boot needs that is none.
pub fn storage(tree: RootTree<'_>, machine: &Machine) -> Result<Fragment, IntakeError> {
    let mounted = mountinfo::below(tree.path, &machine.mountinfo);
    let mut reader = Reader {
        tree,
        machine,
        devices: Devices::new(machine),
        mounted,
        nodes: Vec::new(),
        blocks: BTreeMap::new(),
        unusable: BTreeMap::new(),
        warned: BTreeSet::new(),
        warnings: Vec::new(),
        errors: Vec::new(),
    };
    reader.mounts();
    if tree.path == "/" {
        for at in 0..machine.controllers.len() {
            reader.controller(at);
        }
    }
    reader.finish()
}

struct Reader<'a> {
    tree: RootTree<'a>,
    machine: &'a Machine,
    devices: Devices<'a>,
    mounted: BTreeMap<MountPoint, Mounted>,
    nodes: Vec<Node>,
    /// The node of each block device that has one.
    blocks: BTreeMap<usize, String>,
    /// Controllers that nvmeroot can't connect, by the ids of their nodes, and why.
    unusable: BTreeMap<String, Warning>,
    /// Pools of ZFS that something was said of.
    warned: BTreeSet<String>,
    warnings: Vec<Warning>,
    errors: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn mounts(&mut self) {
        // Of two lines for one path the first is mounted below the second.
        let mut last: BTreeMap<&MountPoint, usize> = BTreeMap::new();
        let entries = self.tree.fstab.unwrap_or_default();
        for (at, entry) in entries.iter().enumerate() {
            last.insert(&entry.path, at);
        }
        for (at, entry) in entries.iter().enumerate() {
            if entry.path.as_str() == "swap" || last.get(&entry.path) == Some(&at) {
                self.entry(at, entry);
            }
        }
        let unsaid = |path: &MountPoint| {
            let counts = path.is_essential() || path.is_read_by_firmware();
            counts && !last.contains_key(path)
        };
        let mounted = self.mounted.iter();
        let (of_engines, mounted): (Vec<_>, Vec<_>) = mounted
            .filter(|(path, one)| unsaid(path) && !one.is_snapshot())
            .map(|(path, one)| (path.clone(), one.clone()))
            .partition(|(path, _)| mountinfo::engine(path).is_some());
        for (path, one) in mounted {
            self.only_mounted(path, &one);
        }
        self.warn_of_engines(&of_engines);
    }

    /// A line of `etc/fstab`.
    fn entry(&mut self, at: usize, entry: &Entry) {
        let mut request = MountRequest {
            netdev: Some(entry.netdev),
            optional: entry.optional,
            filesystem: entry.filesystem.clone(),
            source: MountSource::System,
            ..MountRequest::new(entry.path.clone())
        };
        let on = match &entry.spec {
            Spec::Device(spec) => {
                let found = self.devices.by_spec(spec);
                self.devices_of(entry, spec, found, &mut request)
            }
            Spec::Pool(pool) => {
                self.warn_of_pool(&entry.path, pool, &entry.origin);
                let found = self.devices.of_pool(pool);
                self.devices_of(entry, pool, found, &mut request)
            }
            Spec::PoolMember(spec) => {
                let found = self.devices.by_spec(spec);
                let pool = found.map(|all| self.devices.of_filesystem(all[0]));
                self.devices_of(entry, spec, pool, &mut request)
            }
            Spec::Bind(directory) => {
                request.netdev = None;
                self.mount_that_holds(directory, entry)
            }
            Spec::Elsewhere => {
                // `_netdev` orders it after a network; it says nothing of a disk.
                request.netdev = None;
                Vec::new()
            }
        };
        let id = format!("{} (fstab, {at})", entry.path);
        self.node(id, "mount", on, NodeRole::Mount(request), &entry.origin);
    }

    /// The nodes that a line with a device or a pool lies on. `found`: what it names.
    fn devices_of(
        &mut self,
        entry: &Entry,
        spec: &str,
        found: Option<Vec<usize>>,
        request: &mut MountRequest,
    ) -> Vec<String> {
        let is_root = entry.path.as_str() == "/";
        let mounted = self.mounted.get(&entry.path).cloned();
        let now: Option<Vec<usize>> = mounted.as_ref().and_then(|one| self.holding(one));
        if let (Some(one), true) = (&mounted, is_root) {
            request.filesystem = request
                .filesystem
                .take()
                .or_else(|| one.filesystem.parse().ok());
        }
        let devices = match (found, now) {
            (Some(all), Some(now)) if all.iter().any(|at| now.contains(at)) => {
                self.refuse_copies(entry, spec, &all, &now);
                now
            }
            // The tree's files are on what holds the tree, whatever it says itself.
            (found, Some(now)) if is_root => {
                self.warn_of_another_root(entry, spec, found, &now);
                now
            }
            (Some(all), _) => self.one_of(entry, spec, &all),
            (None, _) => {
                self.warn_of_unknown(entry, spec);
                request.unknown_device = true;
                // Whoever wrote `_netdev` says that it is remote.
                return match entry.netdev {
                    true => self.named_controllers(),
                    false => Vec::new(),
                };
            }
        };
        devices.into_iter().map(|at| self.device(at)).collect()
    }

    /// Of devices with one UUID.
    fn one_of(&mut self, entry: &Entry, spec: &str, all: &[usize]) -> Vec<usize> {
        let first = self.devices.of_filesystem(all[0]);
        self.refuse_copies(entry, spec, all, &first);
        first
    }

    /// Whichever is mounted now, at the next boot it may be the other one.
    fn refuse_copies(&mut self, entry: &Entry, spec: &str, all: &[usize], one: &[usize]) {
        let is_copy = |at: &usize| !one.iter().any(|own| self.devices.is_same(*own, *at));
        if !all.iter().any(is_copy) || entry.path.as_str() == "swap" {
            return;
        }
        let message = format!(
            "`{spec}` is {} at once, so nobody can tell which of them is mounted when the machine boots",
            self.named(all),
        );
        let hint = "give the copy an identity of its own: `tune2fs -U random`, `xfs_admin -U generate` or `btrfstune -u`";
        self.errors
            .push(Diagnostic::new(entry.origin.clone(), message).hint(hint));
    }

    /// What is mounted now and stands in no line: root, which the kernel's command line
    /// names, and what systemd finds by itself.
    fn only_mounted(&mut self, path: MountPoint, one: &Mounted) {
        let devices = self.holding(one);
        let is_zfs = one.filesystem == "zfs";
        if is_zfs {
            self.warn_of_pool(&path, pool(&one.source), &one.origin);
        }
        if devices.is_none() && !is_zfs {
            return;
        }
        let unknown_device = devices.is_none();
        let devices = devices.unwrap_or_default().into_iter();
        let on: Vec<String> = devices.map(|at| self.device(at)).collect();
        let id = format!("{path} (mounted)");
        let role = NodeRole::Mount(MountRequest {
            filesystem: one.filesystem.parse().ok(),
            unknown_device,
            source: MountSource::System,
            ..MountRequest::new(path)
        });
        self.node(id, "mount", on, role, &one.origin);
    }

    /// The devices that hold what is mounted; `None` where it has none.
    fn holding(&self, one: &Mounted) -> Option<Vec<usize>> {
        if let Some(at) = self.devices.by_number(&one.number) {
            return Some(vec![at]);
        }
        let all = match one.filesystem.as_str() {
            "zfs" => self.devices.of_pool(pool(&one.source))?,
            _ => self.devices.by_spec(&one.source)?,
        };
        all.first().map(|at| self.devices.of_filesystem(*at))
    }

    /// The deepest line before this whose directory holds that one, or the devices of what
    /// is mounted deeper and stands in no line, as datasets of ZFS do.
    fn mount_that_holds(&mut self, directory: &MountPoint, entry: &Entry) -> Vec<String> {
        let depth = |path: &MountPoint| path.as_str().len();
        let mounts = self.nodes.iter().filter_map(|node| match &node.role {
            NodeRole::Mount(request) if request.path != entry.path => Some((&request.path, node)),
            _ => None,
        });
        let deepest = mounts
            .filter(|(path, _)| path.holds(directory))
            .max_by_key(|(path, _)| depth(path));
        let line = deepest.map(|(path, node)| (depth(path), node.id.clone()));
        let lines = self.tree.fstab.unwrap_or_default();
        let mounted = self.mounted.iter().filter(|(path, _)| {
            path.holds(directory) && lines.iter().all(|line| line.path != **path)
        });
        let mounted = mounted.max_by_key(|(path, _)| depth(path));
        match (line, mounted) {
            (Some((line, id)), Some((path, _))) if line >= depth(path) => vec![id],
            (_, Some((_, one))) => {
                let devices = self.holding(one).unwrap_or_default().into_iter();
                devices.map(|at| self.device(at)).collect()
            }
            (line, None) => line.map(|(_, id)| id).into_iter().collect(),
        }
    }

    /// The node of a block device, with all that it stands on.
    fn device(&mut self, first: usize) -> String {
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            let block = self.devices.block(at);
            if self.blocks.contains_key(&at) {
                continue;
            }
            self.blocks.insert(at, block.name.clone());
            let below = self.devices.below(at);
            let origin = Origin::whole(format!("/sys/class/block/{}", block.name));
            let mut on: Vec<String> = below
                .iter()
                .map(|below| self.devices.block(*below).name.clone())
                .collect();
            on.extend(self.controllers_of(&block.name));
            if let Some(file) = &block.backing_file {
                let message = format!(
                    "`{}` is the file `{file}`, and what that lies on is not followed",
                    block.name
                );
                let hint = "put the filesystem onto a drive or a partition";
                self.warn(&origin, message, hint);
            }
            let role = match layer(block) {
                Some(layer) => NodeRole::Layer(layer),
                None if block.is_iscsi => NodeRole::OtherRemote(OtherRemote::Iscsi),
                None => NodeRole::Device,
            };
            self.node(block.name.clone(), "block device", on, role, &origin);
            open.extend(below);
        }
        self.devices.block(first).name.clone()
    }

    /// The nodes of the controllers that a disk is reached by.
    fn controllers_of(&mut self, disk: &str) -> Vec<String> {
        let has = |one: &NvmeController| one.disks().any(|name| name == disk);
        let all = self.machine.controllers.iter().enumerate();
        let of_disk: Vec<usize> = all.filter(|(_, one)| has(one)).map(|(at, _)| at).collect();
        of_disk
            .into_iter()
            .filter_map(|at| self.controller(at))
            .collect()
    }

    /// The node of a controller; none of one that only knows of others.
    fn controller(&mut self, at: usize) -> Option<String> {
        let one = &self.machine.controllers[at];
        if one.is_discovery() {
            return None;
        }
        let id = one.name.clone();
        if self.nodes.iter().any(|node| node.id == id) {
            return Some(id);
        }
        let role = match one.role() {
            Ok((role, warnings)) => {
                self.warnings.extend(warnings);
                role
            }
            Err(error) => {
                self.unusable.insert(id.clone(), error);
                NodeRole::OtherRemote(OtherRemote::NvmeOver(one.transport.clone()))
            }
        };
        self.node(id.clone(), "controller", Vec::new(), role, &one.origin());
        Some(id)
    }

    /// The nodes of the controllers that the tree's other files name.
    fn named_controllers(&mut self) -> Vec<String> {
        let mut ids = Vec::with_capacity(self.tree.named.len());
        for (i, one) in self.tree.named.iter().enumerate() {
            let id = format!("{} (named, {i})", one.portal());
            if !self.nodes.iter().any(|node| node.id == id) {
                let role = NodeRole::Controller(Box::new(one.clone()));
                self.node(id.clone(), "controller", Vec::new(), role, &one.origin);
            }
            ids.push(id);
        }
        ids
    }

    /// Who the host is to the controllers below, where all of them say the same.
    fn host(&mut self) -> Option<HostIdentity> {
        let ids: BTreeSet<&str> = self.nodes.iter().map(|node| node.id.as_str()).collect();
        let controllers = self.machine.controllers.iter();
        let by_tcp = controllers.filter(|one| {
            let is_used = ids.contains(one.name.as_str()) && !self.unusable.contains_key(&one.name);
            one.transport == "tcp" && is_used
        });
        let mut hosts: Vec<HostIdentity> = by_tcp.filter_map(NvmeController::host).collect();
        let first = hosts.pop()?;
        hosts.iter().all(|one| *one == first).then_some(first)
    }

    fn node(&mut self, id: String, kind: &str, on: Vec<String>, role: NodeRole, origin: &Origin) {
        let origin = origin.clone();
        let reference = |id| Reference {
            id,
            origin: origin.clone(),
        };
        let on = on.into_iter().map(reference).collect();
        let kind = kind.to_owned();
        self.nodes.push(Node {
            id,
            kind,
            on,
            role,
            origin,
        });
    }

    /// A controller that can't be connected is a fault where the boot needs it; another is
    /// the running system's own affair.
    fn judge_unusable(&mut self, graph: &StorageGraph) {
        let mut needed = BTreeSet::new();
        for (node, below) in graph.nodes().iter().zip(graph.controllers_below()) {
            if matches!(&node.role, NodeRole::Mount(request) if request.path.is_essential()) {
                needed.extend(below.iter().map(|at| &graph.nodes()[*at].id));
            }
        }
        for (id, error) in std::mem::take(&mut self.unusable) {
            let origin = Origin::whole(format!("{CONTROLLERS}{id}"));
            if needed.contains(&id) {
                let fault = Diagnostic::new(origin, error.message).maybe_hint(error.hint);
                self.errors.push(fault);
            } else {
                let hint = "nothing that the boot needs is on it; it is left to the running system";
                self.warnings
                    .push(Warning::at(origin, error.message).with_hint(hint));
            }
        }
    }

    fn finish(mut self) -> Result<Fragment, IntakeError> {
        let host = self.host();
        let graph = StorageGraph::new(std::mem::take(&mut self.nodes));
        let graph = graph.map_err(|errors| {
            let faults = errors.iter();
            self.errors.extend(
                faults.map(|error| Diagnostic::new(error.origin().clone(), error.to_string())),
            );
        });
        if let Ok(graph) = &graph {
            self.judge_unusable(graph);
        }
        match graph {
            Ok(graph) if self.errors.is_empty() => Ok(Fragment {
                storage: Some(graph),
                host: host.map(|host| (host, Origin::whole("/sys/class/nvme"))),
                warnings: self.warnings,
                ..Fragment::default()
            }),
            _ => Err(Diagnostics {
                shown: self.errors,
                left_out: 0,
                warnings: self.warnings,
            }
            .into()),
        }
    }
}
