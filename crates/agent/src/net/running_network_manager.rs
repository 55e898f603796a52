//! Whether the running system has a network manager that listens to routers by
//! itself, as systemd-networkd and NetworkManager do, or leaves that to the kernel.

use std::path::Path;

use crate::sys::paths::Paths;

/// Each is one way to have such a manager: all of its files are there. A link into
/// the root tree leads elsewhere from here, and counts as it is.
const MANAGERS: [&[&str]; 5] = [
    &["etc/systemd/system/multi-user.target.wants/systemd-networkd.service"],
    &["etc/systemd/system/dbus-org.freedesktop.network1.service"],
    // netplan starts it at each boot (netplan-generate(8)).
    &[
        "usr/lib/systemd/system-generators/netplan",
        "usr/lib/systemd/systemd-networkd",
    ],
    &[
        "lib/systemd/system-generators/netplan",
        "lib/systemd/systemd-networkd",
    ],
    &["usr/sbin/NetworkManager"],
];

/// The root that is mounted has such a manager. False in doubt: the kernel can
/// listen beside a manager, while without either what routers announced runs out.
pub(super) fn listens_to_routers(paths: &Paths) -> bool {
    let has = |root: &Path, file: &&str| root.join(file).symlink_metadata().is_ok();
    let in_root = |root: &Path| {
        let mut ways = MANAGERS.iter();
        ways.any(|files| files.iter().all(|file| has(root, file)))
    };
    paths.new_roots.iter().any(|root| in_root(root))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn listens(files: &[&str]) -> bool {
        let dir = tempfile::tempdir().expect("a directory");
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
            std::os::unix::fs::symlink("/nowhere", path).expect("a link");
        }
        listens_to_routers(&Paths::under(dir.path()))
    }

    #[test]
    fn a_manager_is_known_by_its_files() {
        let wanted = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
        assert!(listens(&[&format!("root/{wanted}")]));
        assert!(listens(&[&format!("sysroot/{wanted}")]));
        assert!(listens(&["root/usr/sbin/NetworkManager"]));
        let netplan = "root/usr/lib/systemd/system-generators/netplan";
        assert!(listens(&[netplan, "root/usr/lib/systemd/systemd-networkd"]));
        // Not this system, not enabled, no manager, no root.
        assert!(!listens(&[wanted]));
        assert!(!listens(&["root/usr/lib/systemd/systemd-networkd"]));
        assert!(!listens(&[netplan]));
        assert!(!listens(&["root/sbin/ifup"]));
        assert!(!listens(&[]));
    }
}
