//! Whose a kernel or a boot entry is, where several systems share `/boot` or the firmware's
//! partition.

use super::subject::Subject;

/// What kernel-install(8) calls this tree there.
const NAMES: [&str; 2] = ["etc/machine-id", "etc/kernel/entry-token"];

/// Under which names this tree has its kernels there; none where it does not say.
pub(crate) struct Owner(Vec<String>);

impl Owner {
    pub(crate) fn of(subject: &Subject<'_>) -> Self {
        let names = NAMES.iter().filter_map(|path| subject.text(path));
        let names = names.map(|name| name.trim().to_ascii_lowercase());
        // What an image has before its first boot (machine-id(5)).
        Self(
            names
                .filter(|name| !matches!(name.as_str(), "" | "uninitialized"))
                .collect(),
        )
    }

    /// It says that it is another machine's.
    pub(crate) fn is_another(&self, machine: Option<&str>) -> bool {
        let is_own = |machine: &str| self.0.contains(&machine.to_ascii_lowercase());
        !self.0.is_empty() && machine.is_some_and(|machine| !is_own(machine))
    }
}

/// The machine that a path or a name of kernel-install's has in it:
/// `/MACHINE/RELEASE/linux`, `MACHINE-RELEASE.efi`.
pub(crate) fn machine(path: &str) -> Option<&str> {
    path.split('/').find_map(|part| {
        let (machine, rest) = part.split_at_checked(32)?;
        let is_one = machine.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_one && (rest.is_empty() || rest.starts_with('-'))).then_some(machine)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789ABCDEF";

    #[test]
    fn a_machine_is_known_by_its_paths() {
        for path in [
            format!("/{ONE}/6.12/linux"),
            format!("boot/efi/EFI/Linux/{ONE}-6.12.efi"),
        ] {
            assert_eq!(machine(&path), Some(ONE));
        }
        for path in [
            "boot/efi/EFI/Linux/debian.efi",
            &format!("/{ONE}0/linux"),
            "",
        ] {
            assert_eq!(machine(path), None);
        }
        let owner = Owner(vec![ONE.to_ascii_lowercase()]);
        assert!(!owner.is_another(Some(ONE)) && !owner.is_another(None));
        assert!(owner.is_another(Some("debian")));
        assert!(!Owner(Vec::new()).is_another(Some(ONE)));
    }
}
