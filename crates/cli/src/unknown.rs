//! What the boot needs and nobody says the device of. "Not known" is not "nothing is
//! remote".

use nvmeroot_plan::{MountRequest, NodeRole, Origin};
use nvmeroot_render::PLAN_PATH;

use crate::Failure;
use crate::generator::{self, OF_SCRIPTS};
use crate::root::RootTree;
use crate::sources::Read;

/// A mount that must be there before the system is.
pub(crate) struct Doubt {
    pub(crate) path: String,
    /// Where the input speaks of it.
    pub(crate) origin: Option<Origin>,
    what: &'static str,
}

const NETDEV: &str = "`_netdev` says that it is remote, and no drive of it is found";

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

/// Those that the predicate holds for, that lie on nothing remote that is known, and that
/// the boot waits for.
fn doubts(read: &Read, what: &'static str, is: impl Fn(&MountRequest) -> bool) -> Vec<Doubt> {
    let mounts = &read.plan.mounts;
    let is_local = |request: &MountRequest| {
        let mut same = mounts.iter().filter(|one| one.path == request.path);
        same.all(|one| one.controllers.is_empty())
    };
    let mut found = Vec::new();
    for graph in read.fragments.iter().filter_map(|one| one.storage.as_ref()) {
        let nodes = graph.nodes();
        let is_other = |at: &usize| matches!(nodes[*at].role, NodeRole::OtherRemote(_));
        for (node, below) in nodes.iter().zip(graph.controllers_below()) {
            let NodeRole::Mount(one) = &node.role else {
                continue;
            };
            let is_known = !is_local(one) || below.iter().any(is_other);
            if is_waited_for(one) && is(one) && !is_known {
                found.push(Doubt {
                    path: one.path.to_string(),
                    origin: Some(node.origin.clone()),
                    what,
                });
            }
        }
    }
    found
}

/// The initramfs mounts `/` and `/usr`, whatever their options are.
fn is_waited_for(one: &MountRequest) -> bool {
    let by_initramfs = matches!(one.path.as_str(), "/" | "/usr");
    one.path.is_essential() && (by_initramfs || !one.optional)
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
    let of_network = doubts(read, NETDEV, |one| one.netdev == Some(true));
    let Some(first) = devices(read).into_iter().chain(of_network).next() else {
        return Ok(());
    };
    let (path, what) = (first.path, first.what);
    let why = match first.origin {
        Some(_) => format!("of `{path}`: {what}"),
        None => what.to_owned(),
    };
    let or = match what {
        NETDEV => ", or take `_netdev` away",
        _ => "",
    };
    Err(Failure::Usage(format!(
        "the root tree is configured to boot over the network, and this input would take that away ({why})\n\
         hint: connect the drive, or pass `--curtin FILE`, whole{or}; `nvmeroot revert` takes everything away, and so does `--force` here"
    )))
}

/// `configure` has written something for the initramfs. What is at the scripts' place may
/// be curtin's own.
fn is_configured(root: &RootTree) -> Result<bool, Failure> {
    let is_there = root.exists(PLAN_PATH)? || root.is_marked(&OF_SCRIPTS.parse()?)?;
    Ok(is_there || root.recorded()?.iter().any(|path| generator::is_read(path)))
}
