//! The lines of the files (`read_interfaces_defn` in ifupdown's config.c).

use std::collections::BTreeMap;

use nvmeroot_plan::{Origin, Warning, matches_glob};

use crate::lines;
use crate::native::Files;

/// As deep as files include each other, and as many of them.
const MOST_LEVELS: usize = 8;
const MOST_FILES: usize = 512;
/// As many stanzas; more has no machine, and some work grows with their square.
const MOST_ITEMS: usize = 4096;

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) items: Vec<Item>,
    pub(super) texts: BTreeMap<String, String>,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Debug)]
pub(super) enum Item {
    Interface(Stanza),
    /// A stanza's name that stands for cards of other names.
    Logical {
        name: String,
        origin: Origin,
    },
}

/// `iface NAME FAMILY METHOD`, with the lines below it.
#[derive(Debug)]
pub(super) struct Stanza {
    pub(super) name: String,
    pub(super) family: String,
    pub(super) method: String,
    pub(super) inherits: Option<String>,
    pub(super) options: Vec<OptionLine>,
    pub(super) origin: Origin,
}

/// A line of a stanza.
#[derive(Debug)]
pub(super) struct OptionLine {
    /// With `-` for `_`: to the scripts both are the same variable.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl OptionLine {
    pub(super) fn is_command(&self) -> bool {
        matches!(self.name.as_str(), "up" | "pre-up" | "post-up")
    }
}

/// The option that counts.
pub(super) fn last<'o>(options: &[&'o OptionLine], name: &str) -> Option<&'o OptionLine> {
    let mut of_name = options.iter().rev().filter(|option| option.name == name);
    of_name.next().copied()
}

pub(super) fn read(files: &dyn Files, path: &str) -> Parsed {
    let mut reader = Reader {
        files,
        parsed: Parsed::default(),
    };
    reader.file(path, 0);
    reader.parsed
}

struct Reader<'a> {
    files: &'a dyn Files,
    parsed: Parsed,
}

impl Reader<'_> {
    fn file(&mut self, path: &str, level: usize) {
        let is_known = self.parsed.texts.contains_key(path);
        if is_known || level > MOST_LEVELS || self.parsed.texts.len() >= MOST_FILES {
            return;
        }
        let Some(bytes) = self.files.read(path) else {
            return;
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.parsed.texts.insert(path.to_owned(), text.clone());
        // The options below an `iface` line of this file belong to it.
        let mut is_open = false;
        for (line, origin) in lines::read(path, &text, &['#'], Some("")) {
            let (word, rest) = first_word(&line);
            let words = rest.split_whitespace();
            match word {
                "iface" | "template" => {
                    is_open = self.stanza(rest, origin);
                }
                "mapping" => {
                    is_open = false;
                    self.logical(words, &origin);
                }
                "rename" => {
                    is_open = false;
                    let message = "which card `rename` gives another name is not followed";
                    let hint = "give the interface that leads to the storage an `iface` line of the card's own name";
                    let warning = Warning::at(origin, message).with_hint(hint);
                    self.parsed.warnings.push(warning);
                }
                // `auto CARD=STANZA` gives a card the stanza of another name.
                _ if is_class(word) => {
                    is_open = false;
                    self.logical(
                        words.filter_map(|word| Some(word.split_once('=')?.1)),
                        &origin,
                    );
                }
                "source" | "source-directory" => {
                    is_open = false;
                    let is_directory = word == "source-directory";
                    for pattern in words {
                        for found in self.named(path, pattern, is_directory, &origin) {
                            self.file(&found, level + 1);
                        }
                    }
                }
                _ if is_open => {
                    if let Some(Item::Interface(stanza)) = self.parsed.items.last_mut() {
                        stanza.options.push(OptionLine {
                            name: word.replace('_', "-"),
                            value: rest.to_owned(),
                            origin,
                        });
                    }
                }
                // Below `mapping`, or what ifup itself refuses.
                _ => {}
            }
        }
    }

    /// Whether there is one.
    fn stanza(&mut self, rest: &str, origin: Origin) -> bool {
        let mut words = rest.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let (mut family, mut method, mut inherits) = (String::new(), String::new(), None);
        while let Some(word) = words.next() {
            match word {
                "inherits" => inherits = words.next().map(str::to_owned),
                _ if family.is_empty() => family = word.to_owned(),
                _ if method.is_empty() => method = word.to_owned(),
                _ => {}
            }
        }
        if name.is_empty() || self.parsed.items.len() >= MOST_ITEMS {
            return false;
        }
        if name.starts_with('/') {
            let message = "an `iface` line with a pattern is not followed";
            let hint = "give the interface that leads to the storage a line of its own name";
            let warning = Warning::at(origin.clone(), message).with_hint(hint);
            self.parsed.warnings.push(warning);
        }
        self.parsed.items.push(Item::Interface(Stanza {
            name,
            family,
            method,
            inherits,
            options: Vec::new(),
            origin,
        }));
        true
    }

    fn logical<'w>(&mut self, names: impl Iterator<Item = &'w str>, origin: &Origin) {
        let logical = |name: &str| Item::Logical {
            name: name.to_owned(),
            origin: origin.clone(),
        };
        self.parsed.items.extend(names.map(logical));
    }

    /// The files that a `source` line names; a relative path is meant from the directory
    /// of the file that names it.
    fn named(
        &mut self,
        from: &str,
        pattern: &str,
        is_directory: bool,
        origin: &Origin,
    ) -> Vec<String> {
        let (here, _) = from.rsplit_once('/').unwrap_or_default();
        let pattern = match pattern.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("{here}/{pattern}"),
        };
        let pattern = pattern.trim_end_matches('/');
        let (directory, glob) = match is_directory {
            true => (pattern, "*"),
            false => pattern.rsplit_once('/').unwrap_or(("", pattern)),
        };
        if directory.contains(['*', '?', '[', '$', '`']) {
            let message = "which files this includes is not followed";
            let hint = "a pattern can stand in the last part of the path";
            let warning = Warning::at(origin.clone(), message).with_hint(hint);
            self.parsed.warnings.push(warning);
            return Vec::new();
        }
        if !glob.contains(['*', '?', '[']) {
            return vec![format!("{directory}/{glob}")];
        }
        let names = self.files.list(directory).into_iter();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        names
            .filter(|name| matches_glob(glob, name) && !name.starts_with('.'))
            // As run-parts(8) has it.
            .filter(|name| !is_directory || name.chars().all(plain))
            .map(|name| format!("{directory}/{name}"))
            .collect()
    }
}

/// Which interfaces come up when, and by what.
fn is_class(word: &str) -> bool {
    matches!(word, "auto" | "no-auto-down" | "no-scripts") || word.starts_with("allow-")
}

fn first_word(line: &str) -> (&str, &str) {
    match line.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (line, ""),
    }
}
