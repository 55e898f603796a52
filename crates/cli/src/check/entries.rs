//! What boot loaders will start: GRUB's menu, extlinux's (u-boot's, too), entries of the
//! Boot Loader Specification, and the command lines in unified kernel images.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{BootEntry, release};
use super::extlinux;
use super::finding::Finding;
use super::kernels::{Kernel, section};
use super::owner::{Owner, machine};
use super::shell;
use super::subject::Subject;

/// GRUB's menus.
const GRUB: [&str; 3] = [
    "boot/grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "boot/efi/EFI/debian/grub.cfg",
];

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

/// All that are there, in the order of their menus. `findings`: what of a menu can't be
/// read.
pub(crate) fn all(subject: &Subject<'_>, findings: &mut Vec<Finding>) -> Vec<BootEntry> {
    let mut found = Vec::new();
    for path in GRUB {
        if let Some(text) = subject.text(path) {
            found.extend(grub(path, &text));
        }
    }
    found.extend(extlinux::all(subject, findings));
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

/// Settings of which the next menu is made.
pub(crate) fn settings(subject: &Subject<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(text) = subject.text("etc/default/grub") {
        for (number, command) in shell::commands(&text) {
            if let Some((name, value)) = command.split_once('=')
                && OF_ALL_ENTRIES.contains(&name)
            {
                // update-grub ends at a quote without an end.
                let value = shell::value(value).unwrap_or_default();
                found.push((format!("etc/default/grub:{number}"), value));
            }
        }
    }
    if let Some(text) = subject.text("etc/kernel/cmdline") {
        found.push(("etc/kernel/cmdline".to_owned(), text.trim().to_owned()));
    }
    found
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
