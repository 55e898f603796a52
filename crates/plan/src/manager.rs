//! Who keeps the network once the system runs, and how a root tree shows it.

use std::collections::BTreeSet;

/// How the names of the files in `/run/systemd/network` begin by which the boot keeps
/// root's network: before netplan's (`10-netplan-…`) and what administrators number, for
/// the first file that fits a link is the one.
pub const BOOT_NETWORK: &str = "05-nvmeroot-";

/// What the boot's drop-in beside a file of networkd's is called: `nvmeroot.conf` below
/// `/etc`, which `configure` writes, would hide one of that name in `/run`.
pub const BOOT_DROP_IN: &str = "nvmeroot-boot.conf";

/// How those of NetworkManager's profiles and settings in `/run` begin.
pub const BOOT_PROFILE: &str = "nvmeroot-";

/// A network manager of the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Manager {
    /// systemd-networkd(8).
    Networkd,
    /// NetworkManager(8).
    NetworkManager,
    /// ifup(8) of Debian's package `ifupdown`.
    Ifupdown,
    /// ifup of the package `ifupdown2`.
    Ifupdown2,
    /// ifup of the package `ifupdown-ng`.
    IfupdownNg,
}

impl Manager {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Networkd,
        Self::NetworkManager,
        Self::Ifupdown,
        Self::Ifupdown2,
        Self::IfupdownNg,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Networkd => "systemd-networkd",
            Self::NetworkManager => "NetworkManager",
            Self::Ifupdown => "ifupdown",
            Self::Ifupdown2 => "ifupdown2",
            Self::IfupdownNg => "ifupdown-ng",
        }
    }

    /// The ways in which a root tree has it: all files of one of them are there, or
    /// links of that name. That networkd's program is there is no sign: every systemd
    /// brings it along.
    const fn ways(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Networkd => &[
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
            ],
            Self::NetworkManager => &[&["usr/sbin/NetworkManager"]],
            Self::Ifupdown => &[&["usr/lib/ifupdown"], &["lib/ifupdown"]],
            Self::Ifupdown2 => &[&["usr/share/ifupdown2"]],
            Self::IfupdownNg => &[&["usr/libexec/ifupdown-ng"], &["usr/lib/ifupdown-ng"]],
        }
    }

    /// Those that a root tree has; `has` says whether a file is in it.
    ///
    /// # Errors
    /// Those of `has`.
    pub fn of_tree<E>(
        mut has: impl FnMut(&'static str) -> Result<bool, E>,
    ) -> Result<BTreeSet<Self>, E> {
        let mut found = BTreeSet::new();
        for manager in Self::ALL {
            for way in manager.ways() {
                let mut all = true;
                for file in *way {
                    all = all && has(file)?;
                }
                if all {
                    found.insert(manager);
                }
            }
        }
        Ok(found)
    }

    /// Root's interfaces are ifupdown's: where another is there too, it is that one's
    /// that netplan or the installer gave them to.
    pub fn is_left_to_ifupdown(managers: &BTreeSet<Self>) -> bool {
        let others = [Self::Networkd, Self::NetworkManager];
        managers.contains(&Self::Ifupdown) && !others.iter().any(|one| managers.contains(one))
    }

    /// It listens to routers by itself; the others leave that to the kernel.
    pub const fn listens_to_routers(self) -> bool {
        matches!(self, Self::Networkd | Self::NetworkManager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> Vec<Manager> {
        let has = |file: &str| Ok::<_, ()>(files.contains(&file));
        Manager::of_tree(has).expect("found").into_iter().collect()
    }

    #[test]
    fn those_that_listen_to_routers_are_named() {
        let listen = Manager::ALL
            .into_iter()
            .filter(|one| one.listens_to_routers());
        let names: Vec<_> = listen.map(Manager::name).collect();
        assert_eq!(names, ["systemd-networkd", "NetworkManager"]);
    }

    #[test]
    fn a_manager_is_known_by_its_files() {
        let enabled = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
        assert_eq!(of(&[enabled]), [Manager::Networkd]);
        assert_eq!(of(&["usr/sbin/NetworkManager"]), [Manager::NetworkManager]);
        let netplan = "usr/lib/systemd/system-generators/netplan";
        let program = "usr/lib/systemd/systemd-networkd";
        assert_eq!(of(&[netplan, program]), [Manager::Networkd]);
        assert_eq!(
            of(&[netplan, program, "usr/sbin/NetworkManager"]),
            [Manager::Networkd, Manager::NetworkManager]
        );
        // Not enabled, nobody to start.
        assert_eq!(of(&[program]), []);
        assert_eq!(of(&[netplan]), []);
    }

    #[test]
    fn the_programs_named_ifup_are_told_apart() {
        assert_eq!(of(&["usr/lib/ifupdown"]), [Manager::Ifupdown]);
        assert_eq!(of(&["usr/share/ifupdown2"]), [Manager::Ifupdown2]);
        assert_eq!(of(&["usr/libexec/ifupdown-ng"]), [Manager::IfupdownNg]);
    }

    #[test]
    fn ifupdown_has_what_no_other_has() {
        let is_left = |managers: &[Manager]| {
            Manager::is_left_to_ifupdown(&managers.iter().copied().collect())
        };
        assert!(is_left(&[Manager::Ifupdown]));
        assert!(!is_left(&[Manager::Ifupdown, Manager::Networkd]));
        assert!(!is_left(&[Manager::NetworkManager, Manager::Ifupdown]));
        assert!(!is_left(&[Manager::Ifupdown2]));
        assert!(!is_left(&[]));
    }

    #[test]
    fn what_cannot_be_looked_at_is_no_answer() {
        assert_eq!(Manager::of_tree(|_| Err("unreadable")), Err("unreadable"));
    }
}
