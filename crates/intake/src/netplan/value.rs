//! A value as one file writes it, and as several files together say it.

use std::collections::BTreeMap;

use super::read;
use crate::yaml::{Kind, Mapping, Node, Scalar};

/// From this many entries on, an index pays.
const INDEX_FROM: usize = 12;

/// A value. Every part remembers the node, and by it the file, that it is from.
#[derive(Clone, Debug)]
pub(crate) enum Value<'d> {
    /// `null`, or a value that is left out.
    Nothing(Nothing<'d>),
    /// A single value.
    Scalar(Scalar<'d>),
    /// A list.
    List(List<'d>),
    /// A mapping.
    Map(Map<'d>),
}

/// The absence of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nothing<'d> {
    pub(crate) node: Node<'d>,
    /// It is written out (`null`, `~`), so it is meant.
    pub(crate) said: bool,
}

/// A list, perhaps of several files' items.
#[derive(Clone, Debug)]
pub(crate) struct List<'d> {
    pub(crate) node: Node<'d>,
    pub(crate) items: Vec<Item<'d>>,
}

/// An item of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'d> {
    /// Its place in its own file's list, from 0.
    pub(crate) index: usize,
    pub(crate) node: Node<'d>,
}

/// A mapping, perhaps of several files' entries, in the order in which its keys
/// first came up.
#[derive(Clone, Debug)]
pub(crate) struct Map<'d> {
    pub(crate) node: Node<'d>,
    entries: Vec<Entry<'d>>,
    index: BTreeMap<&'d str, usize>,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'d> {
    pub(crate) key: Node<'d>,
    pub(crate) value: Value<'d>,
}

impl<'d> Entry<'d> {
    pub(crate) fn name(&self) -> &'d str {
        self.key.text().unwrap_or_default()
    }
}

impl<'d> Value<'d> {
    /// A node's value. The depth of the recursion is bounded by the parser's
    /// [`MAX_DEPTH`](crate::yaml::MAX_DEPTH).
    pub(crate) fn of(node: Node<'d>) -> Self {
        match node.kind() {
            Kind::Scalar(scalar) => match nothing(scalar) {
                Some(said) => Self::Nothing(Nothing { node, said }),
                None => Self::Scalar(scalar),
            },
            Kind::Sequence(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, node)| Item { index, node });
                Self::List(List {
                    node,
                    items: items.collect(),
                })
            }
            Kind::Mapping(mapping) => Self::Map(Map::of(node, mapping)),
        }
    }

    pub(crate) fn node(&self) -> Node<'d> {
        match self {
            Self::Nothing(nothing) => nothing.node,
            Self::Scalar(scalar) => scalar.node(),
            Self::List(list) => list.node,
            Self::Map(map) => map.node,
        }
    }

    /// Lets a later value come over this one: mappings recurse, lists append,
    /// all else is replaced. Says whether it was replaced.
    fn merge(&mut self, later: Self) -> bool {
        match (self, later) {
            (Self::Map(map), Self::Map(later)) => {
                for entry in later.entries {
                    map.insert(entry);
                }
                false
            }
            (Self::List(list), Self::List(later)) => {
                list.items.extend(later.items);
                false
            }
            (slot, later) => {
                *slot = later;
                true
            }
        }
    }
}

impl<'d> Map<'d> {
    /// netplan does not know merge keys, and goes through a key that is there
    /// twice as through two files.
    fn of(node: Node<'d>, mapping: Mapping<'d>) -> Self {
        let declared = mapping.declared();
        let mut map = Self {
            node,
            entries: Vec::with_capacity(declared.len()),
            index: BTreeMap::new(),
        };
        for entry in declared {
            map.insert(Entry {
                key: entry.key,
                value: Value::of(entry.value),
            });
        }
        map
    }

    /// Lets another file's mapping come over this one.
    pub(crate) fn merge(&mut self, later: Self) {
        for entry in later.entries {
            self.insert(entry);
        }
    }

    fn insert(&mut self, later: Entry<'d>) {
        let name = later.name();
        match self.position(name) {
            Some(at) => {
                let entry = &mut self.entries[at];
                if entry.value.merge(later.value) {
                    entry.key = later.key;
                }
            }
            None => {
                self.entries.push(later);
                if self.entries.len() > INDEX_FROM {
                    self.index.insert(name, self.entries.len() - 1);
                } else if self.entries.len() == INDEX_FROM {
                    let names = self.entries.iter().enumerate();
                    self.index = names.map(|(at, entry)| (entry.name(), at)).collect();
                }
            }
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.index.is_empty() {
            self.entries.iter().position(|entry| entry.name() == name)
        } else {
            self.index.get(name).copied()
        }
    }

    /// The entries that say something.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<'d>> {
        let said = |entry: &&Entry<'d>| !matches!(entry.value, Value::Nothing(_));
        self.entries.iter().filter(said)
    }

    /// All entries, those without a value too.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Entry<'d>> {
        self.entries.iter()
    }

    /// The entry of a key, if it says something.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry<'d>> {
        let entry = &self.entries[self.position(name)?];
        (!matches!(entry.value, Value::Nothing(_))).then_some(entry)
    }

    /// The value of a key, if it says something.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'d>> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        read::boolean(self.text(name)?)
    }

    /// A whole number, where it is one that fits.
    pub(crate) fn number<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        read::number(self.text(name)?)?.try_into().ok()
    }

    /// A single value's text.
    pub(crate) fn text(&self, name: &str) -> Option<&'d str> {
        match self.get(name) {
            Some(Value::Scalar(scalar)) => Some(scalar.text()),
            _ => None,
        }
    }
}

/// `null` as netplan's library takes it, and the plain nothing; says whether it
/// is written out. In quotes it is a text.
fn nothing(scalar: Scalar<'_>) -> Option<bool> {
    if scalar.node().tag() == Some("tag:yaml.org,2002:null") {
        return Some(true);
    }
    if !scalar.is_plain() {
        return None;
    }
    match scalar.text() {
        "" => Some(false),
        "~" => Some(true),
        text => text.eq_ignore_ascii_case("null").then_some(true),
    }
}
