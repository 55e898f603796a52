//! A mount and what it lies on.

use serde::{Deserialize, Serialize};

use crate::storage::FilesystemType;
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
    /// Where it is defined.
    pub origin: Origin,
}
