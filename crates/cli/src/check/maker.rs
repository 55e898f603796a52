//! What makes a boot entry, and of which settings.

/// Debian's programs that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Grub,
    /// u-boot-menu, for `extlinux.conf`.
    UBoot,
    /// Nobody: the menu is written by hand.
    Hand,
    /// kernel-install, for the Boot Loader Specification's entries and unified images.
    Kernel,
}

impl Maker {
    /// Of the entry or the setting at a place.
    pub(super) fn of(place: &str) -> Self {
        let file = place.split(':').next().unwrap_or_default();
        match file.rsplit('/').next().unwrap_or_default() {
            "grub.cfg" | "grub" => Self::Grub,
            "extlinux.conf" => Self::UBoot,
            "syslinux.cfg" => Self::Hand,
            _ => Self::Kernel,
        }
    }

    /// How a word of the command line is changed.
    pub(super) fn edit(self) -> &'static str {
        match self {
            Self::Grub => "`/etc/default/grub`, then `update-grub`",
            Self::UBoot => "`/etc/default/u-boot`, then `u-boot-update`",
            Self::Hand => "`/boot/syslinux/syslinux.cfg`",
            Self::Kernel => "`/etc/kernel/cmdline`, then `kernel-install add-all`",
        }
    }

    /// How the entry is made anew.
    pub(super) fn run(self) -> &'static str {
        match self {
            Self::Grub => "`update-grub` in the root tree",
            Self::UBoot => "`u-boot-update` in the root tree",
            Self::Hand => "correct `/boot/syslinux/syslinux.cfg`",
            Self::Kernel => "`kernel-install add-all` in the root tree",
        }
    }

    /// How it gets another `root=`, which some look up.
    pub(super) fn root(self) -> &'static str {
        match self {
            Self::Kernel => {
                "correct `/etc/kernel/cmdline`, then `kernel-install add-all` in the root tree"
            }
            other => other.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_has_its_maker() {
        for (place, maker) in [
            ("boot/grub/grub.cfg:7", Maker::Grub),
            ("etc/default/grub:1", Maker::Grub),
            ("boot/extlinux/extlinux.conf:3", Maker::UBoot),
            ("boot/syslinux/syslinux.cfg:3", Maker::Hand),
            ("boot/loader/entries/grub-6.12.conf", Maker::Kernel),
            ("boot/efi/EFI/Linux/a.efi", Maker::Kernel),
            ("etc/kernel/cmdline", Maker::Kernel),
        ] {
            assert_eq!(Maker::of(place), maker, "{place}");
        }
    }
}
