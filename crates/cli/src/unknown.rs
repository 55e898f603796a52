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
    why: Why,
}

/// Why that is not known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Device,
    Netdev,
}

impl Doubt {
    fn text(&self) -> String {
        let path = &self.path;
        match self.why {
            Why::Device => format!("what `{path}` lies on is not known"),
            Why::Netdev => {
                format!("`{path}` has the option `_netdev`, and no remote drive is found for it")
            }
        }
    }
}

/// The essential mounts of which it is not known what they lie on.
pub(crate) fn devices(read: &Read) -> Vec<Doubt> {
    let has_root = read.plan.mounts.iter().any(|one| one.path.as_str() == "/");
    let root = (!has_root).then(|| Doubt {
        path: "/".to_owned(),
        origin: None,
        why: Why::Device,
    });
    let unknown = doubts(read, Why::Device, |one| one.unknown_device);
    root.into_iter().chain(unknown).collect()
}

/// Those that the predicate holds for, that lie on nothing remote that is known, and that
/// the boot waits for.
fn doubts(read: &Read, why: Why, is: impl Fn(&MountRequest) -> bool) -> Vec<Doubt> {
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
                    why,
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
    let of_network = doubts(read, Why::Netdev, |one| one.netdev == Some(true));
    let Some(first) = devices(read).into_iter().chain(of_network).next() else {
        return Ok(());
    };
    let or = match first.why {
        Why::Netdev => ", or take `_netdev` away if it is local",
        Why::Device => "",
    };
    let doubt = first.text();
    Err(Failure::Usage(format!(
        "the root tree boots over the network, and this input would end that, but {doubt}\n\
         hint: connect the drive, or pass curtin's whole configuration by `--curtin FILE`{or}; to boot from a local drive from now on, use `nvmeroot revert`, or `--force` here"
    )))
}

/// `configure` has written something for the initramfs. What is at the scripts' place may
/// be curtin's own.
fn is_configured(root: &RootTree) -> Result<bool, Failure> {
    let is_there = root.exists(PLAN_PATH)? || root.is_marked(&OF_SCRIPTS.parse()?)?;
    Ok(is_there || root.recorded()?.iter().any(|path| generator::is_read(path)))
}
