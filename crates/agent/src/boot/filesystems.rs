//! What mounting root needs of the kernel, loaded while something else is waited for.
//!
//! Else mount(8) has the kernel load it, when everybody waits for nothing but that:
//! unpacking ext4 and its checksums takes longer than connecting.

use std::collections::BTreeSet;
use std::time::Duration;

use nvmeroot_plan::{BootPlan, inserted};

use crate::sys::modprobe::load_aliases;
use crate::sys::priority::Priority;
use crate::task::Context;

/// As the kernel asks for the filesystem of a mount (`MODULE_ALIAS_FS` in
/// include/linux/fs.h), so that nothing else is loaded by its name.
fn aliases(plan: &BootPlan) -> BTreeSet<String> {
    let mounts = plan.mounts.iter().filter(|mount| mount.essential);
    let known = mounts.filter_map(|mount| mount.filesystem.as_ref());
    inserted(known.map(|name| format!("fs-{name}")))
}

/// If root's drive is not there by then, the boot waits for the network and not for
/// the processor.
const NETWORK_IS_SLOW: Duration = Duration::from_secs(3);

/// Loads the filesystems of the plan's essential mounts, behind all others: while
/// udev comes to rest, when root's drive is there, or while the network is waited
/// for. Earlier it would delay what the drive needs.
pub(super) fn load_in_time(context: &Context) {
    let aliases = aliases(&context.plan);
    if aliases.is_empty() || !context.wait_for_root(NETWORK_IS_SLOW) {
        return;
    }
    Priority::Patient.take();
    // What the kernel has built in, or does not have, is the mount's concern.
    let _ = load_aliases(&aliases);
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::{Mount, Network, Origin, Reach};

    #[test]
    fn essential_mounts_say_what_they_need() {
        let mount = |path: &str, filesystem: Option<&str>| {
            let path: nvmeroot_plan::MountPoint = path.parse().expect("a path");
            Mount {
                essential: path.is_essential(),
                path,
                controllers: Vec::new(),
                filesystem: filesystem.map(|name| name.parse().expect("a filesystem")),
                layers: Vec::new(),
                arrays: Vec::new(),
                source: nvmeroot_plan::MountSource::Installer,
                origin: Origin::whole("test"),
            }
        };
        let plan = BootPlan {
            reach: Reach::Initramfs,
            reasons: Vec::new(),
            host: None,
            mounts: vec![
                mount("/", Some("ext4")),
                mount("/usr", Some("xfs")),
                mount("/usr/local", Some("ext4")),
                mount("/var", None),
                mount("/srv", Some("btrfs")),
            ],
            controllers: Vec::new(),
            network: Network::default(),
            paths: Vec::new(),
            warnings: Vec::new(),
            ..nvmeroot_plan::BootPlan::default()
        };
        let aliases = aliases(&plan);
        assert_eq!(Vec::from_iter(aliases), ["fs-ext4", "fs-xfs"]);
    }
}
