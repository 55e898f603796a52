//! What a root tree must have installed.

use nvmeroot_plan::{BootPlan, Reach};

use crate::Runtime;
use crate::initramfs_tools::uses_dhcp;

/// A program that the files call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredProgram {
    /// Its name; it is in one of [`RequiredProgram::DIRECTORIES`].
    pub name: &'static str,
    /// Debian's package that has it.
    pub package: &'static str,
}

impl RequiredProgram {
    /// Where programs are, relative to the root tree's top.
    pub const DIRECTORIES: [&'static str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];

    const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }
}

/// The programs that a root tree needs so that what [`crate::render`] writes
/// works, in the order in which they are used.
pub fn required_programs(plan: &BootPlan, runtime: Runtime) -> Vec<RequiredProgram> {
    match (plan.reach, runtime) {
        (Reach::Local | Reach::Firmware, _) => Vec::new(),
        (Reach::Userspace, _) => vec![RequiredProgram::new("stafd", "nvme-stas")],
        // The agent is written with the files.
        (Reach::Initramfs, Runtime::Agent) => {
            vec![RequiredProgram::new("mkinitramfs", "initramfs-tools-core")]
        }
        (Reach::Initramfs, Runtime::Scripts) => {
            let mut programs = vec![
                RequiredProgram::new("mkinitramfs", "initramfs-tools-core"),
                RequiredProgram::new("ip", "iproute2"),
            ];
            if uses_dhcp(plan) {
                programs.push(RequiredProgram::new("dhcpcd", "dhcpcd-base"));
            }
            programs.push(RequiredProgram::new("nvme", "nvme-cli"));
            programs
        }
    }
}
