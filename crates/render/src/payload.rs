//! What a runtime asks of the initramfs, whatever generates it.

use nvmeroot_plan::BootPlan;

use crate::{FileSet, Mode, TreePath};

/// What every generated file that can have a comment says of itself.
pub(crate) const MARK: &str = "This file was written by nvmeroot.";

/// Whose the files are that are the same for every plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The machine's own configuration.
    Machine,
    /// A package.
    Package,
}

impl Owner {
    /// What stands at the top of such a file. `command` makes the initramfs anew.
    pub(crate) fn header(self, command: &str) -> String {
        match self {
            Self::Machine => format!(
                "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `{command}`.
"
            ),
            Self::Package => "# This file belongs to the package `nvmeroot`.\n".to_owned(),
        }
    }
}

/// A runtime's part of the initramfs. It is the same for every plan: what
/// depends on the plan is in the files.
pub(crate) struct Payload {
    /// What the generator's files for it are called.
    pub(crate) name: &'static str,
    /// What the generator's hook does for it, as a change's reason.
    pub(crate) why: &'static str,
    /// Files of the root tree that the initramfs has at the same path.
    pub(crate) files: &'static [&'static str],
    /// The one of them that is there as long as the runtime is wanted.
    pub(crate) wanted: &'static str,
    /// The file that lists kernel modules beside `nvme-tcp`.
    pub(crate) modules: TreePath,
    /// Shell that copies programs; it may call `fail` and `file`. Empty where
    /// the files are all.
    pub(crate) programs: &'static str,
    /// What runs, and when.
    pub(crate) scripts: &'static [BootScript],
    /// What an initramfs that systemd runs (bootup(7)) has in the scripts' place;
    /// empty where the runtime has none.
    pub(crate) units: &'static [InitrdUnit],
}

impl Payload {
    /// Adds the list of kernel modules, or takes it away where none is needed.
    pub(crate) fn add_modules(&self, plan: &BootPlan, set: &mut FileSet) {
        if plan.modules.is_empty() {
            let why = "root needs no kernel modules of its own (any more)";
            set.absent([self.modules.clone()], why);
        } else {
            let lines = plan.modules.iter().map(|name| format!("{name}\n"));
            let why = "says which kernel modules root's links and connections need";
            set.file(self.modules.clone(), Mode::Config, why, lines.collect());
        }
    }
}

/// A systemd unit of the initramfs, which its `initrd.target` wants.
pub(crate) struct InitrdUnit {
    /// Its file's name.
    pub(crate) name: &'static str,
    /// What for, as a change's reason.
    pub(crate) why: &'static str,
    /// Its text, below the header.
    pub(crate) text: &'static str,
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
