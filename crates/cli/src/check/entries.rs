//! What boot loaders will start: GRUB's menu, extlinux's (u-boot's, too), entries of the
//! Boot Loader Specification, and the command lines in unified kernel images.

use std::collections::{BTreeMap, BTreeSet};

use super::kernels::{KERNELS, Kernel, section};
use super::owner::{Owner, machine};
use super::subject::Subject;

/// GRUB's menus.
const GRUB: [&str; 3] = [
    "boot/grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "boot/efi/EFI/debian/grub.cfg",
];

/// extlinux's menus, which u-boot reads, too.
const EXTLINUX: [&str; 2] = ["boot/extlinux/extlinux.conf", "boot/syslinux/syslinux.cfg"];

/// The settings in `/etc/default/grub` that concern each entry, and not only those for a
/// repair.
const OF_ALL_ENTRIES: [&str; 2] = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"];

/// Where entries of the Boot Loader Specification are.
const ENTRIES: [&str; 3] = [
    "boot/loader/entries",
    "boot/efi/loader/entries",
    "efi/loader/entries",
];

/// Where unified kernel images are.
const UNIFIED: [&str; 3] = ["boot/EFI/Linux", "boot/efi/EFI/Linux", "efi/EFI/Linux"];

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

/// Of all entries those of the tree. `kernels`: what it has; where that is nothing, all
/// entries count.
pub(crate) fn of_tree(
    subject: &Subject<'_>,
    mut found: Vec<BootEntry>,
    kernels: &BTreeMap<String, Kernel>,
) -> Vec<BootEntry> {
    found.retain(|entry| {
        let release = entry.release.as_ref();
        let kernel = release.and_then(|release| kernels.get(release));
        kernels.is_empty() || kernel.is_some_and(|kernel| !kernel.may_be_another_s)
    });
    let owner = Owner::of(subject);
    let is_another = |entry: &BootEntry| owner.is_another(entry.machine.as_deref());
    let own = found.iter().filter(|entry| !is_another(entry));
    let own: BTreeSet<Option<String>> = own.map(|entry| entry.release.clone()).collect();
    found.retain(|entry| !is_another(entry) || !own.contains(&entry.release));
    found
}

/// All that are there, in the order of their menus.
pub(crate) fn all(subject: &Subject<'_>) -> Vec<BootEntry> {
    let mut found = Vec::new();
    for path in GRUB {
        if let Some(text) = subject.text(path) {
            found.extend(grub(path, &text));
        }
    }
    for path in EXTLINUX {
        if let Some(text) = subject.text(path) {
            found.extend(extlinux(path, &text));
        }
    }
    for directory in ENTRIES {
        for name in subject.list(directory) {
            let path = format!("{directory}/{name}");
            if name.ends_with(".conf")
                && let Some(text) = subject.text(&path)
            {
                found.extend(specification(&path, &text));
            }
        }
    }
    for directory in UNIFIED {
        for name in subject.list(directory) {
            let path = format!("{directory}/{name}");
            if name.ends_with(".efi")
                && let Some(command_line) = section(subject, &path, ".cmdline")
            {
                found.push(BootEntry {
                    release: section(subject, &path, ".uname"),
                    machine: machine(&path).map(str::to_owned),
                    place: path,
                    command_line,
                    has_initrd: true,
                });
            }
        }
    }
    found
}

/// What a shell takes for the value of an assignment: comments and quotes are none of it.
pub(super) fn shell_value(text: &str) -> String {
    let words = shlex::split(text).unwrap_or_default();
    words.into_iter().next().unwrap_or_default()
}

/// Settings of which the next menu is made.
pub(crate) fn settings(subject: &Subject<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(text) = subject.text("etc/default/grub") {
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if let Some((name, value)) = line.split_once('=')
                && OF_ALL_ENTRIES.contains(&name)
            {
                found.push((format!("etc/default/grub:{number}"), shell_value(value)));
            }
        }
    }
    if let Some(text) = subject.text("etc/kernel/cmdline") {
        found.push(("etc/kernel/cmdline".to_owned(), text.trim().to_owned()));
    }
    found
}

fn release(path: &str) -> Option<String> {
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

/// The `linux` lines of a menu, each with the `initrd` that follows.
fn grub(path: &str, text: &str) -> Vec<BootEntry> {
    let mut found: Vec<BootEntry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("linux" | "linux16" | "linuxefi") => {
                let kernel = words.next().unwrap_or_default();
                found.push(BootEntry {
                    place: format!("{path}:{number}"),
                    release: release(kernel),
                    command_line: words.collect::<Vec<_>>().join(" "),
                    ..BootEntry::default()
                });
            }
            Some("initrd" | "initrd16" | "initrdefi") => {
                if let Some(last) = found.last_mut() {
                    last.has_initrd = true;
                }
            }
            _ => {}
        }
    }
    found.retain(|entry| entry.release.is_some());
    found
}

/// The kernels of a menu, each with the `initrd` and the `append` of its label.
fn extlinux(path: &str, text: &str) -> Vec<BootEntry> {
    let mut found: Vec<BootEntry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((key, value)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        match (key.to_ascii_lowercase().as_str(), found.last_mut()) {
            ("label", _) => found.push(BootEntry {
                place: format!("{path}:{number}"),
                ..BootEntry::default()
            }),
            ("linux" | "kernel", Some(entry)) => entry.release = release(value.trim()),
            ("initrd", Some(entry)) => entry.has_initrd = true,
            ("append", Some(entry)) => {
                let words = value.split_whitespace();
                // syslinux has it here.
                entry.has_initrd |= value.contains("initrd=");
                entry.command_line = words.collect::<Vec<_>>().join(" ");
            }
            _ => {}
        }
    }
    found.retain(|entry| entry.release.is_some());
    found
}

/// A file of the Boot Loader Specification, type 1.
fn specification(path: &str, text: &str) -> Option<BootEntry> {
    let mut entry = BootEntry {
        place: path.to_owned(),
        machine: machine(path).map(str::to_owned),
        ..BootEntry::default()
    };
    let mut options = Vec::new();
    for line in text.lines() {
        // Blank lines, comments, and keys that say nothing are passed over.
        let Some((key, value)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        match key {
            "linux" => entry.release = release(value.trim()),
            "initrd" => entry.has_initrd = true,
            "machine-id" => entry.machine = Some(value.trim().to_owned()),
            "options" => options.push(value.trim()),
            _ => {}
        }
    }
    entry.command_line = options.join(" ");
    entry.release.is_some().then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_s_kernels_have_their_command_lines() {
        let menu = "menuentry 'Debian' {\n\tinsmod ext2\n\
                    \tlinux\t/boot/vmlinuz-6.12.1-amd64 root=UUID=1 ro  quiet\n\
                    \tinitrd\t/boot/initrd.img-6.12.1-amd64\n}\n\
                    menuentry 'memory' {\n\tlinux /boot/memtest.bin\n}\n\
                    menuentry 'bare' {\n\tlinux /vmlinuz-6.1 root=/dev/sda1\n}\n";
        let entry = |line: u32, release: &str, command_line: &str, has_initrd| BootEntry {
            place: format!("grub.cfg:{line}"),
            release: Some(release.to_owned()),
            command_line: command_line.to_owned(),
            has_initrd,
            machine: None,
        };
        assert_eq!(
            grub("grub.cfg", menu),
            [
                entry(3, "6.12.1-amd64", "root=UUID=1 ro quiet", true),
                entry(10, "6.1", "root=/dev/sda1", false),
            ]
        );
    }

    #[test]
    fn extlinux_s_labels_are_entries() {
        let menu = "default l0\n\nlabel l0\n\tmenu label Debian\n\tlinux /boot/vmlinuz-6.12\n\
                    \tinitrd /boot/initrd.img-6.12\n\tfdtdir /usr/lib/linux-image-6.12/\n\
                    \tappend root=UUID=1 ro  quiet\n\
                    LABEL m\n  KERNEL memtest\nLABEL b\n  KERNEL vmlinuz-6.1\n  APPEND initrd=i root=UUID=2\n";
        let entry = |line: u32, release: &str, command_line: &str| BootEntry {
            place: format!("e:{line}"),
            release: Some(release.to_owned()),
            command_line: command_line.to_owned(),
            has_initrd: true,
            machine: None,
        };
        assert_eq!(
            extlinux("e", menu),
            [
                entry(3, "6.12", "root=UUID=1 ro quiet"),
                entry(11, "6.1", "initrd=i root=UUID=2"),
            ]
        );
    }

    #[test]
    fn a_value_is_what_a_shell_takes_for_it() {
        for (text, value) in [
            ("\"quiet nvmeroot=on\" # nvmeroot=off", "quiet nvmeroot=on"),
            ("'a \"b c\"'", "a \"b c\""),
            ("\"a=\\\"b c\\\" d\"", "a=\"b c\" d"),
            ("quiet", "quiet"),
            ("", ""),
            ("\"open", ""),
        ] {
            assert_eq!(shell_value(text), value, "{text}");
        }
    }

    #[test]
    fn an_entry_of_the_specification_is_read() {
        let text = "title Debian\n\nversion 6.12\narchitecture\n#\nmachine-id abc\nlinux /abc/6.12/linux\ninitrd /abc/6.12/initrd\n\
                    options root=UUID=1\noptions quiet\n";
        assert_eq!(
            specification("a.conf", text),
            Some(BootEntry {
                place: "a.conf".to_owned(),
                release: Some("6.12".to_owned()),
                command_line: "root=UUID=1 quiet".to_owned(),
                has_initrd: true,
                machine: Some("abc".to_owned()),
            })
        );
        assert_eq!(specification("a.conf", "title x\nefi /shell.efi\n"), None);
    }
}
