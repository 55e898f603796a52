//! The list of storage actions: where it is, and the graph that it makes.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use nvmeroot_plan::{
    FilesystemType, GraphError, MountPoint, MountRequest, Node, NodeRole, Reference, StorageGraph,
    Warning,
};

use super::action::{self, Action, DatasetMount};
use super::keys::misspelt;
use super::value::{misshapen, scalar};
use crate::diagnostic::{Diagnostic, Report, nearest};
use crate::fstab::Spec;
use crate::yaml::pyyaml::Value;
use crate::yaml::{KeyPath, Mapping, Node as YamlNode, Sequence};

/// As many errors as are shown.
const MAX_SUGGESTIONS: usize = 20;

/// A longer circle is not named in full.
const MAX_CYCLE: usize = 20;

/// Reads the storage configuration; `None` where there is none or it is
/// disabled.
pub(super) fn read(report: &mut Report, root: Mapping<'_>) -> Option<StorageGraph> {
    let path = KeyPath::ROOT.key("storage");
    let Some(storage) = root.get("storage") else {
        // A storage configuration of its own, as curtin's tools pass around.
        let path = KeyPath::ROOT.key("config");
        let Some(config) = root.get("config") else {
            misspelt(report, root, &KeyPath::ROOT, "storage");
            return None;
        };
        let list = actions(report, config, &path)?;
        return graph(report, list, &path);
    };
    let Some(mapping) = storage.as_mapping() else {
        if !is_disabled(storage) {
            let expected = "a mapping with `config`, or `disabled`";
            let is_list = storage.as_sequence().is_some();
            let hint = is_list.then_some("put the list under `config:`");
            misshapen(report, storage, &path, "`storage`", expected, hint);
        }
        return None;
    };
    let Some(config) = mapping.get("config") else {
        misspelt(report, mapping, &path, "config");
        return None;
    };
    let path = path.key("config");
    let list = actions(report, config, &path)?;
    graph(report, list, &path)
}

/// `disabled`, `false`, null or nothing in it.
fn is_disabled(node: YamlNode<'_>) -> bool {
    node.as_sequence().is_some_and(Sequence::is_empty)
        || matches!(
            scalar(node),
            Some(Value::Null | Value::Boolean(false) | Value::Text("disabled" | ""))
        )
}

fn actions<'d>(
    report: &mut Report,
    config: YamlNode<'d>,
    path: &KeyPath<'_>,
) -> Option<Sequence<'d>> {
    if let Some(list) = config.as_sequence() {
        return Some(list);
    }
    let is_empty = config.as_mapping().is_some_and(Mapping::is_empty);
    if !is_empty && !is_disabled(config) {
        let expected = "a list of actions, or `disabled`";
        let is_mapping = config.as_mapping().is_some();
        let hint = is_mapping.then_some("each action begins with `- ` in the list");
        misshapen(report, config, path, "`config`", expected, hint);
    }
    None
}

fn graph(report: &mut Report, list: Sequence<'_>, path: &KeyPath<'_>) -> Option<StorageGraph> {
    let mut all: Vec<Action> = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        if let Some(action) = action::read(report, item, &path.index(index)) {
            all.push(action);
        }
    }
    settle_references(&mut all);
    settle_filesystems(&mut all);
    settle_pathless(report, &mut all);
    settle_specs(&mut all);
    mark_unknown(&mut all);
    let nodes = Rc::new(nodes(all));
    // A graph of what could be read would be full of dangling ids.
    if report.has_errors() {
        return None;
    }
    StorageGraph::new(Rc::clone(&nodes))
        .map_err(|errors| {
            for (count, error) in errors.iter().enumerate() {
                // Looking for a near id among all is not free.
                let near = (count < MAX_SUGGESTIONS).then_some(nodes.as_slice());
                report.error(graph_fault(error, near.unwrap_or_default()));
            }
        })
        .ok()
}

fn graph_fault(error: &GraphError, nodes: &[Node]) -> Diagnostic {
    let origin = error.origin().clone();
    match error {
        GraphError::Dangling { id, from, .. } => {
            let others = nodes.iter().map(|node| node.id.as_str());
            let near = nearest(id, others.filter(|other| other != from));
            Diagnostic::new(origin, error.to_string())
                .expected("the id of an action")
                .maybe_hint(near.map(|near| format!("is it meant to be `{near}`?")))
        }
        GraphError::DuplicateId { .. } => {
            Diagnostic::new(origin, error.to_string()).hint("give each action an id of its own")
        }
        GraphError::Cycle { ids, .. } => {
            Diagnostic::new(origin, cycle(ids)).hint("one of them must lie on something else")
        }
        _ => Diagnostic::new(origin, error.to_string()),
    }
}

/// The ids of a circle in order, the middle of a long one left out.
fn cycle(ids: &[String]) -> String {
    let shown = match ids {
        [first @ .., _, _] if ids.len() > MAX_CYCLE => {
            let (head, tail) = (&first[..MAX_CYCLE - 3], &ids[ids.len() - 2..]);
            let left_out = ids.len() - head.len() - tail.len();
            format!(
                "{} → … {left_out} more … → {}",
                head.join(" → "),
                tail.join(" → ")
            )
        }
        _ => ids.join(" → "),
    };
    format!("these lie on each other in a circle: {shown}")
}

/// Drops the guessed references of unknown actions that lead nowhere, and lets a
/// dataset name its pool as ZFS does.
fn settle_references(all: &mut [Action]) {
    let loose = |action: &Action| action.is_guess || action.node.kind == "zfs";
    if !all.iter().any(loose) {
        return;
    }
    let ids: HashSet<String> = all.iter().map(|action| action.node.id.clone()).collect();
    let pools: HashMap<String, String> = all
        .iter()
        .filter_map(|action| Some((action.pool.clone()?, action.node.id.clone())))
        .collect();
    for action in all.iter_mut() {
        if action.is_guess {
            action.node.on.retain(|below| ids.contains(&below.id));
        } else if action.node.kind == "zfs" {
            for below in &mut action.node.on {
                if let Some(id) = pools.get(&below.id)
                    && !ids.contains(&below.id)
                {
                    below.id.clone_from(id);
                }
            }
        }
    }
}

/// A mount that does not say what it mounts mounts what its `format` makes.
fn settle_filesystems(all: &mut [Action]) {
    let formats: HashMap<String, FilesystemType> = all
        .iter()
        .filter(|action| action.node.kind == "format")
        .filter_map(|action| Some((action.node.id.clone(), action.filesystem.clone()?)))
        .collect();
    for action in all.iter_mut() {
        if let NodeRole::Mount(request) = &mut action.node.role
            && request.filesystem.is_none()
        {
            let mut on = action.node.on.iter();
            request.filesystem = on.find_map(|on| formats.get(&on.id).cloned());
        }
    }
}

/// A mount without a path is swap, or it is none.
fn settle_pathless(report: &mut Report, all: &mut [Action]) {
    if !all.iter().any(|action| action.pathless.is_some()) {
        return;
    }
    let swaps: HashSet<String> = all
        .iter()
        .filter(|action| action.is_swap() && action.node.kind == "format")
        .map(|action| action.node.id.clone())
        .collect();
    for action in all.iter_mut() {
        let Some(netdev) = action.pathless else {
            continue;
        };
        let swap = action.is_swap() || action.node.on.iter().any(|on| swaps.contains(&on.id));
        let origin = action.node.origin.clone();
        if let (true, Ok(path)) = (swap, "none".parse::<MountPoint>()) {
            action.node.role = NodeRole::Mount(MountRequest {
                netdev: Some(netdev),
                unknown_device: action.node.on.is_empty(),
                filesystem: action.filesystem.clone(),
                ..MountRequest::new(path)
            });
        } else if netdev {
            report.error(
                Diagnostic::new(origin, "this mount has `_netdev` and no `path`")
                    .expected("the directory that it is mounted on")
                    .hint("add `path: /` or where else it belongs"),
            );
        } else {
            report.warn(
                Warning::at(origin, "this mount has no `path`, so it is left out")
                    .with_hint("add the directory that it is mounted on"),
            );
        }
    }
}

/// A mount that lies on something of which nothing is said is as unknown as
/// that.
fn mark_unknown(all: &mut [Action]) {
    if !all.iter().any(|action| action.is_incomplete) {
        return;
    }
    let index: HashMap<&str, usize> = all
        .iter()
        .enumerate()
        .map(|(at, action)| (action.node.id.as_str(), at))
        .collect();
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (at, action) in all.iter().enumerate() {
        for below in &action.node.on {
            if let Some(&below) = index.get(below.id.as_str()) {
                above[below].push(at);
            }
        }
    }
    let mut unknown: Vec<bool> = all.iter().map(|action| action.is_incomplete).collect();
    let mut open: Vec<usize> = (0..all.len()).filter(|&at| unknown[at]).collect();
    while let Some(at) = open.pop() {
        for &over in &above[at] {
            if !unknown[over] {
                unknown[over] = true;
                open.push(over);
            }
        }
    }
    for (action, unknown) in all.iter_mut().zip(unknown) {
        if let NodeRole::Mount(request) = &mut action.node.role {
            request.unknown_device |= unknown;
        }
        action.is_incomplete = unknown;
    }
}

/// What a mount's `spec` names, where the configuration has it.
fn settle_specs(all: &mut [Action]) {
    if all.iter().all(|action| action.spec.is_none()) {
        return;
    }
    let mut devices: HashMap<String, String> = HashMap::new();
    for action in all.iter() {
        for name in &action.names {
            devices.insert(name.clone(), action.node.id.clone());
        }
    }
    let mounts: Vec<(MountPoint, String)> = all
        .iter()
        .filter_map(|action| match &action.node.role {
            NodeRole::Mount(request) => Some((request.path.clone(), action.node.id.clone())),
            _ => None,
        })
        .collect();
    for action in all.iter_mut() {
        let Some(spec) = action.spec.take() else {
            continue;
        };
        let NodeRole::Mount(request) = &mut action.node.role else {
            continue;
        };
        let below = match &spec {
            Spec::Device(name) | Spec::Pool(name) | Spec::PoolMember(name) => devices.get(name),
            // The deepest mount that holds the directory.
            Spec::Bind(directory) => mounts
                .iter()
                .filter(|(path, id)| *id != action.node.id && path.holds(directory))
                .max_by_key(|(path, _)| path.as_str().len())
                .map(|(_, id)| id),
            Spec::Elsewhere => None,
        };
        let is_device = !matches!(spec, Spec::Bind(_) | Spec::Elsewhere);
        request.unknown_device &= is_device && below.is_none();
        // Else `_netdev` orders it after a network; it says nothing of a disk.
        request.netdev = request.netdev.filter(|_| is_device);
        if let Some(id) = below {
            let origin = action.node.origin.clone();
            let id = id.clone();
            action.node.on.push(Reference { id, origin });
        }
    }
}

/// All nodes, with the mounts that pools and datasets bring of their own.
fn nodes(all: Vec<Action>) -> Vec<Node> {
    if all.iter().all(|action| action.dataset.is_none()) {
        return all.into_iter().map(|action| action.node).collect();
    }
    let points = dataset_mounts(&all);
    let mut taken: HashSet<String> = all.iter().map(|action| action.node.id.clone()).collect();
    let mut nodes = Vec::with_capacity(all.len() + points.len());
    for (action, point) in all.into_iter().zip(points) {
        let of = action.node.id.clone();
        nodes.push(action.node);
        let (Some(path), Some(dataset)) = (point, action.dataset) else {
            continue;
        };
        let mut id = format!("{of} at {path}");
        while !taken.insert(id.clone()) {
            id.push('\'');
        }
        nodes.push(Node {
            id,
            kind: "mountpoint".into(),
            on: vec![Reference {
                id: of,
                origin: dataset.origin.clone(),
            }],
            role: NodeRole::Mount(MountRequest {
                unknown_device: action.is_incomplete,
                filesystem: "zfs".parse().ok(),
                ..MountRequest::new(path)
            }),
            origin: dataset.origin,
        });
    }
    nodes
}

/// Where each dataset is mounted. A mount point is inherited with the path
/// below the dataset that says it (zfsprops(7)); a pool without one is at its
/// own name (zpool-create(8)).
fn dataset_mounts(all: &[Action]) -> Vec<Option<MountPoint>> {
    // By pool and volume, what a dataset itself says.
    let mut said: HashMap<(&str, &str), &DatasetMount> = HashMap::new();
    let mut names: HashMap<&str, &str> = HashMap::new();
    for action in all {
        let Some(dataset) = &action.dataset else {
            continue;
        };
        if let Some(name) = &action.pool {
            names.insert(&action.node.id, name);
        }
        if let (Some(pool), Some(mount)) = (pool_of(action), &dataset.mountpoint) {
            said.insert((pool, &dataset.volume), mount);
        }
    }
    let mount = |action: &Action| -> Option<MountPoint> {
        let dataset = action
            .dataset
            .as_ref()
            .filter(|dataset| dataset.can_mount)?;
        let pool = pool_of(action)?;
        let mut at = dataset.volume.as_str();
        loop {
            let below = dataset.volume[at.len()..].trim_start_matches('/');
            let base = match said.get(&(pool, at)) {
                Some(DatasetMount::Nowhere) => return None,
                Some(DatasetMount::At(path)) => path.as_str().to_owned(),
                None if at.is_empty() => format!("/{}", names.get(pool)?),
                None => {
                    at = at.rfind('/').map_or("", |cut| &at[..cut]);
                    continue;
                }
            };
            return format!("{base}/{below}").parse().ok();
        }
    };
    all.iter().map(mount).collect()
}

/// The id of the pool that holds an action's dataset.
fn pool_of(action: &Action) -> Option<&str> {
    match action.node.kind.as_str() {
        "zpool" => Some(&action.node.id),
        _ => action.node.on.first().map(|pool| pool.id.as_str()),
    }
}
