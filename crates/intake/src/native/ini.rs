//! Sections of keys and values: key files of GLib, which NetworkManager has, and systemd's
//! files (systemd.syntax(7)).

use nvmeroot_plan::Origin;

use crate::lines;

/// Who reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `g_key_file_load_from_data`: backslashes in values escape.
    KeyFile,
    /// systemd.syntax(7): a line that ends with a backslash goes on.
    Systemd,
}

/// A section, in the file's order; systemd's may come more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl Section {
    /// The last one counts.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    /// The value of the last one, if it has any.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let value = self.entry(key)?.value.as_str();
        Some(value).filter(|value| !value.is_empty())
    }
}

/// Reads a file. What is in no section or has no value is left out, as both readers do.
pub(crate) fn read(name: &str, text: &str, dialect: Dialect) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let joint = (dialect == Dialect::Systemd).then_some(" ");
    for (line, origin) in lines::read(name, text, &['#', ';'], joint) {
        if let Some(title) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let entries = Vec::new();
            let name = title.to_owned();
            sections.push(Section {
                name,
                origin,
                entries,
            });
            continue;
        }
        if let (Some((key, value)), Some(section)) = (line.split_once('='), sections.last_mut()) {
            let value = match dialect {
                Dialect::KeyFile => unescaped(value.trim()),
                Dialect::Systemd => value.trim().to_owned(),
            };
            let key = key.trim().to_owned();
            section.entries.push(Entry { key, value, origin });
        }
    }
    sections
}

/// `g_key_file_parse_value_as_string` in GLib's gkeyfile.c.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('s') => out.push(' '),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// A boolean of systemd's (systemd.syntax(7)) and of libnvme's.
pub(crate) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// A boolean of a key file: `g_key_file_get_boolean`, and what NetworkManager takes besides.
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1" | "yes" | "TRUE" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_their_entries_with_their_places() {
        let text = "no=section\n[a]\n# c\n k = v\\sw \n[b]\nx=1\nx=\n[a]\nk=2\n";
        let all = read("f", text, Dialect::KeyFile);
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "a"]);
        let entry = all[0].entry("k").expect("an entry");
        assert_eq!(
            (entry.value.as_str(), entry.origin.to_string()),
            ("v w", "f:4:2".to_owned())
        );
        assert_eq!(all[1].get("x"), None);
    }

    #[test]
    fn only_systemd_s_lines_go_on() {
        let text = "[Match]\nName=a \\\n  b\n";
        let systemd = read("f", text, Dialect::Systemd);
        assert_eq!(systemd[0].get("Name"), Some("a    b"));
        let key_file = read("f", text, Dialect::KeyFile);
        assert_eq!(key_file[0].get("Name"), Some("a "));
    }
}
