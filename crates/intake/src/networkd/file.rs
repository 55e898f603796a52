//! Which files there are, and which interfaces they are for.

use std::collections::BTreeMap;

use nvmeroot_plan::{BOOT_DROP_IN, BOOT_NETWORK, MacAddress, Origin};

use crate::native::ini::{self, Dialect, Entry, Section, boolean};
use crate::native::{Card, Files, Wanted as WantedCard};

/// Where files lie, the strongest first (systemd.network(5)).
const DIRECTORIES: [&str; 4] = [
    "etc/systemd/network",
    "run/systemd/network",
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
];

/// No tree has more.
const MOST_FILES: usize = 1000;

/// A file with its drop-ins.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) sections: Vec<Section>,
}

/// Which interfaces a file is for.
#[derive(Debug)]
pub(super) enum Matched {
    /// None that leads to the storage: wireless ones, and those of containers.
    Never,
    /// What this key says is not looked at.
    Unknown(String, Origin),
    These(Wanted),
}

#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) card: WantedCard,
    /// Kinds of virtual links, one of which it must be; empty: any, and cards.
    kinds: Vec<String>,
    /// Cards count too.
    takes_cards: bool,
}

/// All files with that end, in the order of their names. Of two with one name the one in
/// the stronger directory counts; an empty one masks.
pub(super) fn all(files: &dyn Files, end: &str, texts: &mut BTreeMap<String, String>) -> Vec<File> {
    let mut places: BTreeMap<String, &str> = BTreeMap::new();
    for directory in DIRECTORIES {
        for name in files.list(directory) {
            // netplan makes those of its own files.
            let is_netplans = name.starts_with("10-netplan-");
            // Nor is what the boot has set up what is installed.
            let is_boots = directory.starts_with("run/") && name.starts_with(BOOT_NETWORK);
            let is_wanted = name.ends_with(end) && !is_netplans && !is_boots;
            if is_wanted && places.len() < MOST_FILES {
                places.entry(name).or_insert(directory);
            }
        }
    }
    let mut found = Vec::new();
    for (name, directory) in places {
        let path = format!("{directory}/{name}");
        let mut sections = sections(files, &path, texts);
        if sections.is_empty() {
            continue;
        }
        for (drop_in, directory) in drop_ins(files, &name) {
            let path = format!("{directory}/{name}.d/{drop_in}");
            sections.extend(self::sections(files, &path, texts));
        }
        found.push(File {
            path,
            name,
            sections,
        });
    }
    found
}

/// The drop-ins of a file, by name, with their directories. Ours say only what keeps
/// networkd from taking root's network away, and what the boot has set up.
fn drop_ins<'a>(files: &dyn Files, name: &str) -> BTreeMap<String, &'a str> {
    let mut places = BTreeMap::new();
    for directory in DIRECTORIES {
        for drop_in in files.list(&format!("{directory}/{name}.d")) {
            let is_ours = ["nvmeroot.conf", BOOT_DROP_IN].contains(&drop_in.as_str());
            if drop_in.ends_with(".conf") && !is_ours {
                places.entry(drop_in).or_insert(directory);
            }
        }
    }
    places
}

fn sections(files: &dyn Files, path: &str, texts: &mut BTreeMap<String, String>) -> Vec<Section> {
    let Some(bytes) = files.read(path) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let sections = ini::read(path, &text, Dialect::Systemd);
    texts.insert(path.to_owned(), text);
    sections
}

impl File {
    /// Its name without the end.
    pub(super) fn stem(&self) -> &str {
        self.name
            .rsplit_once('.')
            .map_or(&self.name, |(stem, _)| stem)
    }

    pub(super) fn origin(&self) -> Origin {
        let first = self.sections.first();
        first.map_or_else(
            || Origin::whole(self.path.as_str()),
            |section| section.origin.clone(),
        )
    }

    /// All sections of that name.
    pub(super) fn named<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s Section> {
        self.sections
            .iter()
            .filter(move |section| section.name == name)
    }

    /// The entries of all sections of that name, those taken back with an empty value
    /// left out (systemd.syntax(7)).
    pub(super) fn entries(&self, name: &str) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = Vec::new();
        for entry in self.named(name).flat_map(|section| &section.entries) {
            if entry.value.is_empty() {
                found.retain(|other| other.key != entry.key);
            } else {
                found.push(entry);
            }
        }
        found
    }

    pub(super) fn get(&self, section: &str, key: &str) -> Option<&str> {
        let entries = self.entries(section);
        let mut of_key = entries.into_iter().rev().filter(|entry| entry.key == key);
        of_key.next().map(|entry| entry.value.as_str())
    }

    pub(super) fn matched(&self) -> Matched {
        let mut wanted = Wanted {
            takes_cards: true,
            ..Wanted::default()
        };
        for entry in self.entries("Match") {
            let words = entry.value.split_whitespace().map(str::to_owned);
            let is_inverted = entry.value.starts_with('!');
            match entry.key.as_str() {
                "Name" | "Driver" if is_inverted => {
                    return Matched::Unknown(entry.key.clone(), entry.origin.clone());
                }
                "Name" => wanted.card.names.extend(words),
                "Driver" => wanted.card.drivers.extend(words),
                "MACAddress" | "PermanentMACAddress" => {
                    let macs = words.filter_map(|word| word.parse::<MacAddress>().ok());
                    wanted.card.macs.extend(macs);
                }
                "Type" | "Kind" => {
                    let kinds: Vec<String> = words.collect();
                    wanted.takes_cards &=
                        entry.key == "Type" && kinds.iter().any(|one| one == "ether");
                    wanted.kinds.extend(kinds);
                }
                "SSID" | "BSSID" | "WLANInterfaceType" | "Virtualization" => return Matched::Never,
                key => return Matched::Unknown(key.to_owned(), entry.origin.clone()),
            }
        }
        if self.get("Link", "Unmanaged").is_some_and(is_true) {
            return Matched::Never;
        }
        Matched::These(wanted)
    }
}

impl Wanted {
    /// The names of the interfaces: of the cards and virtual links that there are, and
    /// those that it names itself where nobody knows the cards.
    pub(super) fn names_among(
        &self,
        cards: &[Card],
        kinds: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut names = Vec::new();
        if self.takes_cards {
            let fits = cards.iter().filter(|card| self.card.fits(card));
            names.extend(fits.map(|card| card.name.clone()));
        }
        let of_kind = |kind: &String| self.kinds.is_empty() || self.kinds.contains(kind);
        let is_virtual = self.card.macs.is_empty() && self.card.drivers.is_empty();
        let links = kinds
            .iter()
            .filter(|(name, kind)| is_virtual && self.card.has_name(name) && of_kind(kind));
        names.extend(links.map(|(name, _)| name.clone()));
        if self.takes_cards {
            let literal = |name: &&String| !name.contains(['*', '?', '[']);
            let said = self.card.names.iter().filter(literal);
            let new: Vec<String> = said.filter(|name| !names.contains(name)).cloned().collect();
            names.extend(new);
        }
        names
    }

    /// It is for one link, by a name that is no pattern or by an address.
    pub(super) fn is_for_one(&self) -> bool {
        self.card.name().is_some() || self.card.macs.len() == 1
    }

    /// It may be for cards that nobody knows by name.
    pub(super) fn is_for_unknown_cards(&self) -> bool {
        let is_pattern = |name: &String| name.contains(['*', '?', '[']);
        self.takes_cards && (self.card.names.is_empty() || self.card.names.iter().any(is_pattern))
    }
}

pub(super) fn is_true(value: &str) -> bool {
    boolean(value) == Some(true)
}

/// A number of bytes, with the suffixes of 1024.
pub(super) fn bytes<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let (number, factor) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(number) => match text.chars().next_back() {
            Some('K') => (number, 1 << 10),
            Some('M') => (number, 1 << 20),
            _ => (number, 1 << 30),
        },
        None => (text, 1),
    };
    let bytes = number.trim().parse::<u64>().ok()?.checked_mul(factor)?;
    bytes.try_into().ok()
}
