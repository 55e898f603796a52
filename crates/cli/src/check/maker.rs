//! What makes a boot entry, and of which settings.

/// Debian's programs that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker<'p> {
    Grub,
    /// u-boot-menu, for `extlinux.conf`.
    UBoot,
    /// Nobody: the menu is written by hand, in this file.
    Hand(&'p str),
    /// kernel-install, for the Boot Loader Specification's entries and unified images.
    Kernel,
}

impl<'p> Maker<'p> {
    /// Of the entry or the setting at a place.
    pub(super) fn of(place: &'p str) -> Self {
        let file = place.split(':').next().unwrap_or_default();
        match file.rsplit('/').next().unwrap_or_default() {
            "grub.cfg" | "grub" => Self::Grub,
            "extlinux.conf" => Self::UBoot,
            "cmdline" => Self::Kernel,
            _ if file.ends_with(".efi") || file.contains("/loader/entries/") => Self::Kernel,
            _ => Self::Hand(file),
        }
    }

    /// How a word of the command line is changed.
    pub(super) fn edit(self) -> String {
        let how = match self {
            Self::Grub => "`/etc/default/grub`, then `update-grub`",
            Self::UBoot => "`/etc/default/u-boot`, then `u-boot-update`",
            Self::Hand(file) => return format!("`/{file}`"),
            Self::Kernel => "`/etc/kernel/cmdline`, then `kernel-install add-all`",
        };
        how.to_owned()
    }

    /// How the entry is made anew.
    pub(super) fn run(self) -> String {
        let how = match self {
            Self::Grub => "`update-grub` in the root tree",
            Self::UBoot => "`u-boot-update` in the root tree",
            Self::Hand(file) => return format!("correct `/{file}`"),
            Self::Kernel => "`kernel-install add-all` in the root tree",
        };
        how.to_owned()
    }

    /// How it gets another `root=`, which some look up.
    pub(super) fn root(self) -> String {
        match self {
            Self::Kernel => {
                "correct `/etc/kernel/cmdline`, then `kernel-install add-all` in the root tree"
                    .to_owned()
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
            (
                "boot/syslinux/syslinux.cfg:3",
                Maker::Hand("boot/syslinux/syslinux.cfg"),
            ),
            (
                "boot/extlinux/mine.cfg:3",
                Maker::Hand("boot/extlinux/mine.cfg"),
            ),
            ("boot/loader/entries/grub-6.12.conf", Maker::Kernel),
            ("boot/efi/EFI/Linux/a.efi", Maker::Kernel),
            ("etc/kernel/cmdline", Maker::Kernel),
        ] {
            assert_eq!(Maker::of(place), maker, "{place}");
        }
    }
}
