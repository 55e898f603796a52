//! A mount and what it lies on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::json::is_default;
use crate::layer::{Array, Layer};
use crate::storage::{FilesystemType, MountSource};
use crate::{MountPoint, Origin};

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
    /// What of an essential remote mount is put together between its filesystem and the
    /// drives, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// The arrays among that which can do without a member. A controller that is in
    /// none of them can't be missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrays: Vec<Array>,
    /// Who asks for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: MountSource,
    /// Where it is defined.
    pub origin: Origin,
}

impl Mount {
    /// A dataset of ZFS.
    pub fn is_zfs(&self) -> bool {
        let filesystem = self.filesystem.as_ref();
        filesystem.is_some_and(|filesystem| filesystem.as_str() == "zfs")
    }

    /// Whether it can be mounted without these controllers.
    pub(crate) fn can_do_without(&self, missing: &BTreeSet<usize>) -> bool {
        let mut own = self.controllers.iter().filter(|c| missing.contains(c));
        own.all(|c| self.arrays.iter().any(|array| array.has(*c)))
            && self
                .arrays
                .iter()
                .all(|array| array.can_do_without(missing))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{controller, root_on};

    #[test]
    fn a_dataset_is_told_by_its_filesystem_type() {
        let mut plan = root_on(vec![controller("192.0.2.1")], Vec::new());
        let root = &mut plan.mounts[0];
        assert!(!root.is_zfs());
        root.filesystem = Some("ext4".parse().expect("a type"));
        assert!(!root.is_zfs());
        root.filesystem = Some("zfs".parse().expect("a type"));
        assert!(root.is_zfs());
    }
}
