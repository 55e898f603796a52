//! What the boot needs and nobody says the device of. "Not known" is not "nothing is
//! remote".

use nvmeroot_plan::{MountRequest, NodeRole, Origin, StorageGraph};
use nvmeroot_render::PLAN_PATH;

use crate::Failure;
use crate::generator::{self, OF_SCRIPTS};
use crate::root::RootTree;
use crate::sources::Read;

/// A mount that must be there before the system is.
pub(crate) struct Doubt {
    path: String,
    /// Where the input speaks of it.
    pub(crate) origin: Option<Origin>,
    what: &'static str,
}

/// The essential mounts of which it is not known what they lie on.
pub(crate) fn devices(read: &Read) -> Vec<Doubt> {
    let has_root = read.plan.mounts.iter().any(|one| one.path.as_str() == "/");
    let root = (!has_root).then(|| Doubt {
        path: "/".to_owned(),
        origin: None,
        what: "what `/` lies on is not known",
    });
    let unknown = doubts(read, "its device is not known", |one| one.unknown_device);
    root.into_iter().chain(unknown).collect()
}

/// Those that the predicate holds for, and that lie on no controller.
fn doubts(read: &Read, what: &'static str, is: impl Fn(&MountRequest) -> bool) -> Vec<Doubt> {
    let mounts = &read.plan.mounts;
    let is_local = |request: &MountRequest| {
        let mut same = mounts.iter().filter(|one| one.path == request.path);
        same.all(|one| one.controllers.is_empty())
    };
    let graphs = read.fragments.iter().filter_map(|one| one.storage.as_ref());
    graphs
        .flat_map(StorageGraph::nodes)
        .filter_map(|node| match &node.role {
            NodeRole::Mount(one) if one.path.is_essential() && is(one) && is_local(one) => {
                Some(Doubt {
                    path: one.path.to_string(),
                    origin: Some(node.origin.clone()),
                    what,
                })
            }
            _ => None,
        })
        .collect()
}

/// A tree that boots by the initramfs keeps what it boots by, unless the input says that
/// nothing of what it needs is remote any more.
///
/// # Errors
/// The input does not say that.
pub(crate) fn refuse_to_undo(root: &RootTree, read: &Read) -> Result<(), Failure> {
    if read.plan.reach.is_by_initramfs() || !is_configured(root)? {
        return Ok(());
    }
    let netdev = "`_netdev` says that it is remote, and no drive of it is found";
    let of_network = doubts(read, netdev, |one| one.netdev == Some(true));
    let Some(first) = devices(read).into_iter().chain(of_network).next() else {
        return Ok(());
    };
    let (path, what) = (first.path, first.what);
    let why = match first.origin {
        Some(_) => format!("of `{path}`: {what}"),
        None => what.to_owned(),
    };
    Err(Failure::Usage(format!(
        "the root tree is configured to boot over the network, and this input would take that away ({why})\n\
         hint: connect the drive, or pass `--curtin FILE`, whole; `nvmeroot revert` takes everything away, and so does `--force` here"
    )))
}

/// `configure` has written something for the initramfs.
fn is_configured(root: &RootTree) -> Result<bool, Failure> {
    let is_there = root.exists(PLAN_PATH)? || root.exists(OF_SCRIPTS)?;
    Ok(is_there || root.recorded()?.iter().any(|path| generator::is_read(path)))
}
