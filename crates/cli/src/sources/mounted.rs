//! What a root tree's filesystems lie on, by its `etc/fstab` and by the machine that has
//! it mounted.

use std::path::Path;

use anyhow::anyhow;
use nvmeroot_intake::{fstab, machine};
use nvmeroot_plan::{
    BootPlan, Controller, Fragment, MountSource, NodeRole, PortSettings, StorageGraph, Warning,
};

use super::SourceError;
use super::machine as files;
use crate::Failure;
use crate::diagnose::SourceMap;
use crate::root::RootTree;

const FSTAB: &str = "etc/fstab";
const LONGEST: u64 = 1 << 20;

/// A root tree and where it is.
pub(super) struct Place<'a> {
    pub(super) root: &'a RootTree,
    pub(super) path: &'a Path,
    /// Where the machine's files are; `None`: this machine's.
    pub(super) machine: Option<&'a Path>,
}

impl Place<'_> {
    /// Where the machine's files are.
    pub(super) fn files(&self) -> &Path {
        self.machine.unwrap_or(Path::new("/"))
    }

    /// Where it is, without symbolic links, as the table of mounts has it.
    fn real_path(&self) -> Result<String, Failure> {
        let shown = self.path.display();
        let path = std::fs::canonicalize(self.path)
            .map_err(|error| Failure::Usage(format!("can't look at `{shown}`: {error}")))?;
        let path = path.into_os_string().into_string();
        path.map_err(|_| Failure::Usage(format!("`{shown}` is no text")))
    }

    /// The network that leads to the tree's drives is this machine's: it is what runs, or
    /// lies on controllers that are connected here.
    pub(super) fn is_of_this_machine(&self, fragments: &[Fragment]) -> Result<bool, Failure> {
        let graphs = fragments.iter().filter_map(|one| one.storage.as_ref());
        let mut nodes = graphs.flat_map(StorageGraph::nodes);
        let is_connected = nodes.any(|node| {
            let is_controller = matches!(node.role, NodeRole::Controller(_));
            is_controller && node.origin.file.starts_with(machine::CONTROLLERS)
        });
        Ok(is_connected || self.real_path()? == "/")
    }
}

/// The plan was made of the tree's own files, and not of an installer's configuration.
pub(crate) fn is_of_tree(plan: &BootPlan) -> bool {
    let mut mounts = plan.mounts.iter();
    mounts.all(|mount| mount.source == MountSource::System)
}

/// The graph of storage. `nvme`: what the tree's `etc/nvme` says.
pub(super) fn storage(
    place: &Place<'_>,
    nvme: &[Fragment],
    source_map: &mut SourceMap,
) -> Result<Fragment, SourceError> {
    let shown = place.path.display();
    let path = place.real_path()?;
    let machine = files::read(place.files())?;
    let bytes = place.root.read(FSTAB, LONGEST).map_err(Failure::from)?;
    if bytes
        .as_ref()
        .is_some_and(|bytes| bytes.len() as u64 > LONGEST)
    {
        let why = anyhow!("`{FSTAB}` is longer than {LONGEST} bytes");
        return Err(Failure::Runtime(why).into());
    }
    let mut warnings = Vec::new();
    let entries = bytes.map(|bytes| {
        source_map.insert(FSTAB, String::from_utf8_lossy(&bytes));
        let (entries, told) = fstab::read(FSTAB, &bytes);
        warnings = told;
        entries
    });
    let named = named(nvme);
    let tree = machine::RootTree {
        path: &path,
        fstab: entries.as_deref(),
        named: &named,
    };
    let mut fragment = machine::storage(tree, &machine)?;
    let graph = fragment.storage.as_ref();
    let is_silent = graph.is_none_or(|graph| graph.nodes().is_empty());
    if entries.is_none() && is_silent {
        let message = format!(
            "`{shown}` has no `{FSTAB}` and no device of its own: nothing says what it lies on\nhint: name the directory at which the installed system is mounted, or pass `--curtin FILE`"
        );
        return Err(Failure::Usage(message).into());
    }
    warnings.append(&mut fragment.warnings);
    fragment.warnings = warnings;
    Ok(fragment)
}

/// The controllers that the tree's `etc/nvme` connects.
fn named(nvme: &[Fragment]) -> Vec<Controller> {
    let ports = nvme.iter().flat_map(|fragment| &fragment.ports);
    let is_whole = ports.clone().any(|port| port.is_connected);
    // Where subsystems are named, who else is asked for them adds nothing.
    let counts = ports.filter(|port| port.is_connected || !is_whole);
    counts.map(PortSettings::controller).collect()
}

/// What the user should know where the controllers know the host by another identity than
/// the one that it will have.
pub(super) fn another_identity(connected: &[Fragment], own: &Fragment) -> Option<Fragment> {
    let (own, _) = own.host.as_ref()?;
    let (now, origin) = connected.iter().find_map(|one| one.host.as_ref())?;
    if own == now {
        return None;
    }
    let message = format!(
        "the controllers are connected as `{}` with the id `{}`, and the root tree's identity is `{}` with the id `{}`",
        now.nqn, now.id, own.nqn, own.id
    );
    let hint = "see that the target admits that host too, or pass `--hostnqn` and `--hostid`";
    let warning = Warning::at(origin.clone(), message).with_hint(hint);
    Some(Fragment {
        // Where nothing is connected by the initramfs, the identity is nobody's business.
        notices: vec![warning],
        ..Fragment::default()
    })
}
