//! What the machines of one kind are built from: Debian's tree, the kernel that
//! runs it, and the target made of both.

use std::path::PathBuf;

use crate::cache::{Cache, Key};
use crate::error::Result;
use crate::target;
use crate::tree::Tree;

/// A tree with one kernel.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    /// The tree, as the archive has it.
    pub(crate) tree: Tree,
    /// What lies on top of it: another kernel's modules, and the names of cards.
    pub(crate) layer: Option<PathBuf>,
    /// Of all of it.
    pub(crate) key: Key,
    /// The kernel's release, as `/lib/modules` names it.
    pub(crate) release: String,
    /// The kernel.
    pub(crate) kernel: PathBuf,
    /// The target's initramfs, without settings.
    pub(crate) target: PathBuf,
}

impl Platform {
    /// Debian's tree with its own kernel.
    pub(crate) fn debian(cache: &Cache, tree: Tree) -> Result<Self> {
        Ok(Platform {
            layer: None,
            key: tree.key.clone(),
            release: tree.release.clone(),
            kernel: tree.kernel(),
            target: target::base_image(cache, &tree)?,
            tree,
        })
    }
}
