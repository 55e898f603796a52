//! A running machine: what the files of its kernel and of udev say of the drives that a
//! root tree stands on, and of the controllers below those.
//!
//! Whoever reads the files fills in a [`Machine`]; nothing here does. So a machine can be
//! looked at from anywhere, and tests have recorded ones.

mod controller;
mod devices;
mod mountinfo;
mod storage;

#[cfg(test)]
mod tests;

pub use self::controller::{CONTROLLERS, NvmeController};
pub use self::storage::{RootTree, storage};

/// What the files say, each as it is.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
    pub mountinfo: Vec<u8>,
    /// `/sys/class/block/*`.
    pub blocks: Vec<Block>,
    /// `/sys/class/nvme/*`.
    pub controllers: Vec<NvmeController>,
    /// `/sys/fs/btrfs/*/devices`: the names of the block devices of each filesystem.
    pub btrfs: Vec<Vec<String>>,
}

/// A block device.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The kernel's name: `nvme0n1p1`.
    pub name: String,
    /// `dev`: major and minor number, `259:1`.
    pub number: String,
    /// Of a partition, `../dev`: the number of the device that it is a part of.
    pub whole: Option<String>,
    /// The names in `slaves`: what it is put together from.
    pub slaves: Vec<String>,
    /// `dm/name`.
    pub dm_name: Option<String>,
    /// `dm/uuid`: whose it is, and what that calls it.
    pub dm_uuid: Option<String>,
    /// `md/level`.
    pub md_level: Option<String>,
    /// `loop/backing_file`: the file that it is made of.
    pub backing_file: Option<String>,
    /// It is a disk of an iSCSI session (`device/../../iscsi_session`).
    pub is_iscsi: bool,
    /// udev's record of it, `/run/udev/data/b259:1`.
    pub udev: Vec<u8>,
}
