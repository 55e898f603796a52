//! What a runtime asks of the initramfs, whatever generates it.

use crate::TreePath;

/// What stands at the top of a generated file.
pub(crate) const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `update-initramfs -u`.
";

/// A runtime's part of the initramfs. It is the same for every plan: what
/// depends on the plan is in the files.
pub(crate) struct Payload {
    /// What the generator's files for it are called.
    pub(crate) name: &'static str,
    /// What the generator's hook does for it, as a change's reason.
    pub(crate) why: &'static str,
    /// Files of the root tree that the initramfs has at the same path.
    pub(crate) files: &'static [&'static str],
    /// The file that lists kernel modules beside `nvme-tcp`.
    pub(crate) modules: TreePath,
    /// Shell that copies programs; it may call `fail` and `file`. Empty where
    /// the files are all.
    pub(crate) programs: &'static str,
    /// What runs, and when.
    pub(crate) scripts: &'static [BootScript],
}

/// A POSIX shell script of the initramfs.
pub(crate) struct BootScript {
    /// When it runs.
    pub(crate) moment: Moment,
    /// What for, as a change's reason.
    pub(crate) why: &'static str,
    /// It comes after the boot splash is shown.
    pub(crate) after_splash: bool,
    /// A comment, an empty line, and what it does.
    pub(crate) text: &'static str,
}

/// The moments of a boot at which a runtime does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Devices are still being found.
    DevicesAppear,
    /// Nothing has been put together yet from root's drives.
    BeforeMount,
    /// Root's device is missing: again and again, about once a second.
    RootMissing,
    /// Root is mounted, and the running system is about to start.
    BeforeSwitch,
}
