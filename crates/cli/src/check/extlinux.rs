//! extlinux's menus, which syslinux and u-boot read, too.

use std::collections::BTreeSet;

use super::entry::{BootEntry, release};
use super::finding::{Finding, Topic};
use super::subject::Subject;

const MENUS: [&str; 2] = ["boot/extlinux/extlinux.conf", "boot/syslinux/syslinux.cfg"];

/// As many files are looked for as parts of one menu. u-boot gives up after 16, one in the
/// other (`MAX_NEST_LEVEL` in its boot/pxe_utils.c).
const MOST_FILES: usize = 64;

/// What of `menu` ends a label, as another label does.
const ENDING: [&str; 3] = ["begin", "end", "separator"];

/// The entries of all menus.
pub(super) fn all(subject: &Subject<'_>, findings: &mut Vec<Finding>) -> Vec<BootEntry> {
    let mut found = Vec::new();
    let read = |path: &str| subject.text(path);
    for path in MENUS {
        if let Some(text) = read(path) {
            let menu = Menu::read(path, &text, &read);
            found.extend(menu.entries);
            findings.extend(menu.unread.into_iter().map(|(place, file)| {
                let what = format!("`{place}` includes `{file}`, which can't be read");
                Finding::warning(Topic::EntryUnread, what)
                    .because("the boot entries in it were not looked at")
                    .mend("correct the path there, or take the line away")
            }));
        }
    }
    found
}

/// A menu with what it includes.
struct Menu<'r> {
    read: &'r dyn Fn(&str) -> Option<String>,
    /// From where paths without a `/` before them count, also in what is included.
    directory: &'r str,
    entries: Vec<BootEntry>,
    /// The label that the lines belong to.
    label: Option<Label>,
    /// What `append` says outside of labels, for those that say nothing of their own.
    append: String,
    /// What is included and can't be read: where, and the file.
    unread: Vec<(String, String)>,
    /// What was looked for: a file may include itself, and a second time has nothing new.
    seen: BTreeSet<String>,
}

/// A label, as far as it was read.
#[derive(Default)]
struct Label {
    entry: BootEntry,
    append: Option<String>,
}

impl<'r> Menu<'r> {
    fn read(path: &'r str, text: &str, read: &'r dyn Fn(&str) -> Option<String>) -> Self {
        let mut menu = Self {
            read,
            directory: path.rsplit_once('/').map_or("", |(directory, _)| directory),
            entries: Vec::new(),
            label: None,
            append: String::new(),
            unread: Vec::new(),
            seen: BTreeSet::from([path.to_owned()]),
        };
        menu.file(path, text);
        menu.end_label();
        menu.entries.retain(|entry| entry.release.is_some());
        menu
    }

    /// The kernels of a file, each with the `initrd` and the `append` of its label. What is
    /// included stands in the place of the line that says it.
    fn file(&mut self, path: &str, text: &str) {
        let mut is_help = false;
        for (number, line) in (1..).zip(text.lines()) {
            let Some((key, value)) = keyword(line) else {
                continue;
            };
            if is_help {
                is_help = key != "endtext";
                continue;
            }
            let place = format!("{path}:{number}");
            match (key.as_str(), &mut self.label) {
                ("include", _) => self.include(&place, value),
                ("text", _) => is_help = keyword(value).is_some_and(|(key, _)| key == "help"),
                ("menu", _) => match keyword(value) {
                    // With a title it is a menu of its own.
                    Some((key, value))
                        if key == "include" && value.contains(char::is_whitespace) =>
                    {
                        self.end_label();
                        self.include(&place, value);
                        self.end_label();
                    }
                    Some((key, value)) if key == "include" => self.include(&place, value),
                    Some((key, _)) if ENDING.contains(&key.as_str()) => self.end_label(),
                    _ => {}
                },
                ("label", _) => {
                    self.end_label();
                    let label = self.label.insert(Label::default());
                    label.entry.place = place;
                }
                ("linux" | "kernel", Some(label)) => label.entry.release = release(value),
                ("initrd", Some(label)) => label.entry.has_initrd = !value.is_empty(),
                ("append", Some(label)) => label.append = Some(value.to_owned()),
                ("append", None) => value.clone_into(&mut self.append),
                _ => {}
            }
        }
    }

    /// What syslinux does then (`record` in its com32/elflink/ldlinux/readconfig.c); u-boot
    /// passes over what stands outside of labels.
    fn end_label(&mut self) {
        let Some(Label { mut entry, append }) = self.label.take() else {
            return;
        };
        let append = append.as_ref().unwrap_or(&self.append);
        if append != "-" {
            let words = append.split_whitespace();
            // syslinux has it here.
            entry.has_initrd |= append.contains("initrd=");
            entry.command_line = words.collect::<Vec<_>>().join(" ");
        }
        self.entries.push(entry);
    }

    fn include(&mut self, place: &str, value: &str) {
        // A title may follow.
        let Some(file) = value.split_whitespace().next() else {
            return;
        };
        let paths = match file.strip_prefix('/') {
            // The loader's root is the filesystem that has the menu, which may be `/boot`.
            Some(path) => vec![path.to_owned(), format!("boot/{path}")],
            None => vec![format!("{}/{file}", self.directory)],
        };
        for path in paths {
            if self.seen.contains(&path) {
                return;
            }
            if self.seen.len() >= MOST_FILES {
                break;
            }
            self.seen.insert(path.clone());
            if let Some(text) = (self.read)(&path) {
                return self.file(&path, &text);
            }
        }
        self.unread.push((place.to_owned(), file.to_owned()));
    }
}

/// A line's keyword, in small letters, and what follows.
fn keyword(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (!key.is_empty()).then(|| (key.to_ascii_lowercase(), value.trim()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn entry(place: &str, release: &str, command_line: &str) -> BootEntry {
        BootEntry {
            place: place.to_owned(),
            release: Some(release.to_owned()),
            command_line: command_line.to_owned(),
            has_initrd: true,
            machine: None,
        }
    }

    #[test]
    fn labels_are_entries() {
        let text = "default l0\n\nlabel l0\n\tmenu label Debian\n\tlinux /boot/vmlinuz-6.12\n\
                    \tinitrd /boot/initrd.img-6.12\n\tfdtdir /usr/lib/linux-image-6.12/\n\
                    \tappend root=UUID=1 ro  quiet\n\
                    LABEL m\n  KERNEL memtest\nLABEL b\n  KERNEL vmlinuz-6.1\n  APPEND initrd=i root=UUID=2\n";
        let menu = Menu::read("e", text, &|_| None);
        assert_eq!(
            menu.entries,
            [
                entry("e:3", "6.12", "root=UUID=1 ro quiet"),
                entry("e:11", "6.1", "initrd=i root=UUID=2"),
            ]
        );
        assert_eq!(menu.unread, []);
    }

    #[test]
    fn labels_without_words_of_their_own_have_those_before_them() {
        let label = |name: &str, rest: &str| format!("label {name}\nlinux vmlinuz-{name}\n{rest}");
        let text = [
            "append root=UUID=1\nappend initrd=i  root=UUID=2\n".to_owned(),
            label("1", ""),
            label("2", "initrd j\nappend ro\n"),
            label("3", "initrd j\nappend -\n"),
            label("4", "initrd j\nAPPEND\nmenu end\nappend initrd=k\n"),
            label("5", "menu label x\nappend initrd=i a\n"),
            label("6", "menu separator\n"),
        ];
        let menu = Menu::read("e", &text.concat(), &|_| None);
        let entries = menu.entries.iter();
        let told = entries.map(|one| (one.release.as_deref(), &*one.command_line, one.has_initrd));
        assert_eq!(
            Vec::from_iter(told),
            [
                (Some("1"), "initrd=i root=UUID=2", true),
                (Some("2"), "ro", true),
                (Some("3"), "", true),
                (Some("4"), "", true),
                (Some("5"), "initrd=i a", true),
                (Some("6"), "initrd=k", true),
            ]
        );
    }

    #[test]
    fn help_is_no_configuration() {
        let text = "label a\nlinux vmlinuz-1\ninitrd i\nappend root=UUID=1\n\
                    TEXT HELP\nappend nvmeroot=off to skip\nlinux\nmenu end\nEndText\n\
                    text\nlabel b\nlinux vmlinuz-2\ninitrd i\n";
        let menu = Menu::read("e", text, &|_| None);
        assert_eq!(
            menu.entries,
            [entry("e:1", "1", "root=UUID=1"), entry("e:11", "2", "")]
        );
    }

    #[test]
    fn what_is_included_with_a_title_is_a_menu_of_its_own() {
        let read = |_: &str| Some("append nvmeroot=off\n".to_owned());
        let text = "label a\nlinux vmlinuz-1\ninitrd i\nappend a\nmenu include o Other\n\
                    label b\nlinux vmlinuz-2\ninitrd i\nmenu include p\n";
        let menu = Menu::read("d/e", text, &read);
        assert_eq!(
            menu.entries,
            [
                entry("d/e:1", "1", "a"),
                entry("d/e:6", "2", "nvmeroot=off")
            ]
        );
    }

    #[test]
    fn what_is_included_is_read_in_its_place() {
        let read = |path: &str| {
            let text = match path {
                "boot/extlinux/a.cfg" => "label a\nlinux vmlinuz-1\ninitrd i\nINCLUDE more/b.cfg\n",
                "boot/extlinux/more/b.cfg" => "append root=UUID=1\nmenu title x\n",
                "boot/c.cfg" => "label c\nlinux vmlinuz-2\nappend initrd=i\ninclude /gone.cfg\n",
                "etc/d.cfg" => "label d\nlinux vmlinuz-3\ninitrd i\n",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let text = "include a.cfg\nmenu include /c.cfg Others\ninclude /etc/d.cfg\nappend d\n";
        let menu = Menu::read("boot/extlinux/extlinux.conf", text, &read);
        assert_eq!(
            menu.entries,
            [
                entry("boot/extlinux/a.cfg:1", "1", "root=UUID=1"),
                entry("boot/c.cfg:1", "2", "initrd=i"),
                entry("etc/d.cfg:1", "3", "d"),
            ]
        );
        let unread = ("boot/c.cfg:4".to_owned(), "/gone.cfg".to_owned());
        assert_eq!(menu.unread, [unread]);
    }

    #[test]
    fn a_menu_that_includes_itself_comes_to_an_end() {
        let text = "include m\nlabel a\nlinux vmlinuz-1\ninitrd i\n";
        let read = |_: &str| Some(text.to_owned());
        let menu = Menu::read("d/m", text, &read);
        assert_eq!(menu.entries, [entry("d/m:2", "1", "")]);
        assert_eq!(menu.unread, []);
    }

    #[test]
    fn what_is_included_again_is_not_read_again() {
        let reads = Cell::new(0);
        let read = |path: &str| {
            reads.set(reads.get() + 1);
            (path == "d/m").then(String::new)
        };
        let text = "include m\ninclude gone\n".repeat(9);
        let menu = Menu::read("d/e", &text, &read);
        assert_eq!(reads.get(), 2);
        assert_eq!(menu.unread, [("d/e:2".to_owned(), "gone".to_owned())]);
        let text: String = (0..999).map(|i| format!("include {i}\n")).collect();
        reads.set(0);
        assert_eq!(Menu::read("d/e", &text, &read).unread.len(), 999);
        assert_eq!(reads.get(), MOST_FILES - 1);
    }
}
