//! One way to boot, as a boot loader has it.

use super::kernels::KERNELS;

/// One way to boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BootEntry {
    /// The file that has it, and the line where that is a menu.
    pub(crate) place: String,
    /// The kernel's release, where its name tells.
    pub(crate) release: Option<String>,
    /// The kernel command line.
    pub(crate) command_line: String,
    /// It names an initramfs.
    pub(crate) has_initrd: bool,
    /// The machine that it says it is of.
    pub(crate) machine: Option<String>,
}

/// The release of the kernel at a path, where that tells.
pub(super) fn release(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let mut releases = KERNELS
        .iter()
        .filter_map(|before| name.strip_prefix(before));
    let by_name = releases.next().map(str::to_owned);
    // `/TOKEN/RELEASE/linux`
    by_name.or_else(|| match name {
        "linux" => path.rsplit('/').nth(1).map(str::to_owned),
        _ => None,
    })
}
