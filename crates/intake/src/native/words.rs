//! Mappings, lists and scalars, each with the place that it comes from.

use nvmeroot_plan::Origin;

use crate::yaml::{Document, Part, Rewrite};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// A text, as if in quotes.
    Text(String),
    /// A number, a boolean or one of a few words.
    Plain(String),
    List(Vec<(Origin, Word)>),
    Map(Map),
    /// One that does not stand where its key does.
    At(Origin, Box<Word>),
}

/// A mapping, in the order in which its keys came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Map(Vec<(String, Origin, Word)>);

impl Map {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last value of a key counts.
    pub(crate) fn set(&mut self, name: &str, origin: &Origin, word: Word) {
        match self.0.iter_mut().find(|(known, ..)| known == name) {
            Some((_, at, value)) => (*at, *value) = (origin.clone(), word),
            None => self.0.push((name.to_owned(), origin.clone(), word)),
        }
    }

    pub(crate) fn text(&mut self, name: &str, origin: &Origin, text: impl Into<String>) {
        self.set(name, origin, Word::Text(text.into()));
    }

    /// A number, a boolean or a word.
    pub(crate) fn plain(&mut self, name: &str, origin: &Origin, value: impl ToString) {
        self.set(name, origin, Word::Plain(value.to_string()));
    }

    /// A number, if it is one.
    pub(crate) fn number(&mut self, name: &str, origin: &Origin, text: &str) -> Option<()> {
        let number: u32 = text.parse().ok()?;
        self.plain(name, origin, number);
        Some(())
    }

    /// Adds a key that is not there yet, in no time however many there are.
    pub(crate) fn add(&mut self, name: &str, origin: Origin, word: Word) {
        self.0.push((name.to_owned(), origin, word));
    }

    /// A list where its first item stands; none where it has no item.
    pub(crate) fn set_list(&mut self, name: &str, items: Vec<(Origin, Word)>) {
        if let Some((origin, _)) = items.first() {
            self.set(name, &origin.clone(), Word::List(items));
        }
    }

    /// A mapping where its first entry stands; none where it has no entry.
    pub(crate) fn set_map(&mut self, name: &str, map: Map) {
        if let Some((_, origin, _)) = map.0.first() {
            self.set(name, &origin.clone(), Word::Map(map));
        }
    }

    /// The document in which this is what stands under `network`.
    pub(crate) fn into_document(self, whole: &Origin) -> Document {
        let mut top = Map::default();
        top.set("network", whole, Word::Map(self));
        let mut rewrite = Rewrite::default();
        let root = Word::Map(top).write(whole, &mut rewrite);
        rewrite.finish(root)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, ..)| known == name)
    }

    fn value(&mut self, name: &str, origin: &Origin, new: Word) -> &mut Word {
        let at = self.0.iter().position(|(known, ..)| known == name);
        let at = at.unwrap_or_else(|| {
            self.0.push((name.to_owned(), origin.clone(), new));
            self.0.len() - 1
        });
        &mut self.0[at].2
    }

    /// The mapping under a key, which is there from then on.
    pub(crate) fn map(&mut self, name: &str, origin: &Origin) -> &mut Map {
        let value = self.value(name, origin, Word::Map(Map::default()));
        if !matches!(value, Word::Map(_)) {
            *value = Word::Map(Map::default());
        }
        match value {
            Word::Map(map) => map,
            _ => unreachable!("it has just become one"),
        }
    }

    /// The list under a key, which is there from then on.
    pub(crate) fn list(&mut self, name: &str, origin: &Origin) -> Vec<Word> {
        self.value(name, origin, Word::List(Vec::new()));
        self.get_list(name)
    }

    pub(crate) fn get_map(&self, name: &str) -> Option<Map> {
        let mut all = self.0.iter();
        all.find_map(|(known, _, word)| match word {
            Word::Map(map) if known == name => Some(map.clone()),
            _ => None,
        })
    }

    pub(crate) fn get_list(&self, name: &str) -> Vec<Word> {
        let found = self.0.iter().find(|(known, ..)| known == name);
        match found {
            Some((_, _, Word::List(items))) => items.iter().map(|(_, word)| word.clone()).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, name: &str, origin: &Origin, word: Word) {
        match self.value(name, origin, Word::List(Vec::new())) {
            Word::List(items) => items.push((origin.clone(), word)),
            other => *other = Word::List(vec![(origin.clone(), word)]),
        }
    }

    pub(crate) fn first_name(&self) -> Option<&str> {
        self.0.first().map(|(name, ..)| name.as_str())
    }
}

impl Word {
    fn write(&self, origin: &Origin, out: &mut Rewrite) -> Part {
        match self {
            Self::At(origin, word) => word.write(origin, out),
            Self::Text(text) => out.text(origin.clone(), text.as_str()),
            Self::Plain(text) => out.plain(origin.clone(), text.as_str()),
            Self::List(items) => {
                let items: Vec<Part> = items.iter().map(|(at, item)| item.write(at, out)).collect();
                out.list(origin.clone(), items)
            }
            Self::Map(Map(entries)) => {
                let entries: Vec<(Part, Part)> = entries
                    .iter()
                    .map(|(name, at, value)| {
                        let key = out.text(at.clone(), name.as_str());
                        (key, value.write(at, out))
                    })
                    .collect();
                out.mapping(origin.clone(), entries)
            }
        }
    }
}
