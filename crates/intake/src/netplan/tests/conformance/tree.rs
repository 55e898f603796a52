//! Inputs with one thing taken away or changed.

use crate::yaml::{KeyPath, Kind, Node};

/// A document's values without their places.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A text, or one of YAML's words for nothing.
    Scalar {
        text: String,
        nothing: bool,
    },
    List(Vec<Tree>),
    /// As declared: a key may be there twice.
    Map(Vec<(String, Tree)>),
}

/// From a value to a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// The entry of this number, and its key.
    Entry(usize, String),
    Item(usize),
}

impl Tree {
    /// `None` where a key is no text: no dialect takes that.
    pub(super) fn of(node: Node<'_>) -> Option<Self> {
        Some(match node.kind() {
            Kind::Scalar(scalar) => {
                let text = scalar.text().to_owned();
                let word = ["", "~", "null"].contains(&text.to_ascii_lowercase().as_str());
                let nothing = scalar.is_plain() && word;
                Self::Scalar { text, nothing }
            }
            Kind::Sequence(items) => Self::List(items.iter().map(Self::of).collect::<Option<_>>()?),
            Kind::Mapping(mapping) => {
                let entries = mapping.declared();
                let entries = entries.map(|entry| {
                    let key = entry.key.text()?.to_owned();
                    Some((key, Self::of(entry.value)?))
                });
                Self::Map(entries.collect::<Option<_>>()?)
            }
        })
    }

    /// What says something by itself: entries and items, but those that only
    /// hold others. An item that is a mapping counts beside its entries.
    pub(super) fn leaves(&self) -> Vec<Vec<Step>> {
        let mut found = Vec::new();
        self.gather(&mut Vec::new(), &mut found);
        found
    }

    fn gather(&self, path: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
        let mut visit = |step: Step, value: &Self, path: &mut Vec<Step>, own: bool| {
            path.push(step);
            if own || value.is_leaf() {
                found.push(path.clone());
            }
            value.gather(path, found);
            path.pop();
        };
        match self {
            Self::Scalar { .. } => {}
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    visit(Step::Item(at), item, path, true);
                }
            }
            Self::Map(entries) => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    visit(Step::Entry(at, key.clone()), value, path, false);
                }
            }
        }
    }

    fn is_leaf(&self) -> bool {
        match self {
            Self::Scalar { .. } => true,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// The part that a path leads to.
    pub(super) fn at(&self, path: &[Step]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match (self, first) {
            (Self::Map(entries), Step::Entry(at, _)) => entries.get(*at)?.1.at(rest),
            (Self::List(items), Step::Item(at)) => items.get(*at)?.at(rest),
            _ => None,
        }
    }

    fn at_mut(&mut self, path: &[Step]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match (self, first) {
            (Self::Map(entries), Step::Entry(at, _)) => entries.get_mut(*at)?.1.at_mut(rest),
            (Self::List(items), Step::Item(at)) => items.get_mut(*at)?.at_mut(rest),
            _ => None,
        }
    }

    /// The same without that part.
    pub(super) fn without(&self, path: &[Step]) -> Self {
        let mut tree = self.clone();
        if let Some((last, parent)) = path.split_last() {
            match (tree.at_mut(parent), last) {
                (Some(Self::Map(entries)), Step::Entry(at, _)) => drop(entries.remove(*at)),
                (Some(Self::List(items)), Step::Item(at)) => drop(items.remove(*at)),
                _ => unreachable!("the path is the tree's own"),
            }
        }
        tree
    }

    /// The same with another single value in that place.
    pub(super) fn with(&self, path: &[Step], value: &str) -> Self {
        let mut tree = self.clone();
        if let Some(slot) = tree.at_mut(path) {
            *slot = Self::Scalar {
                text: value.to_owned(),
                nothing: false,
            };
        }
        tree
    }

    /// The text of a document.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(0, &mut text);
        text.push('\n');
        text
    }

    /// Every part on a line of its own, so that none needs brackets.
    fn write(&self, indent: usize, text: &mut String) {
        let line = |text: &mut String| {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
        };
        match self {
            Self::Scalar { text: own, nothing } if *nothing => text.push_str(own),
            Self::Scalar { text: own, .. } => text.push_str(&quoted(own)),
            Self::List(items) if items.is_empty() => text.push_str("[]"),
            Self::Map(entries) if entries.is_empty() => text.push_str("{}"),
            Self::List(items) => {
                for item in items {
                    line(text);
                    text.push_str("- ");
                    item.write(indent + 2, text);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    line(text);
                    text.push_str(&quoted(key));
                    text.push_str(": ");
                    value.write(indent + 2, text);
                }
            }
        }
    }
}

/// JSON's quoted form is one of YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The path as messages write it.
pub(super) fn shown(path: &[Step]) -> String {
    fn extended(done: &KeyPath<'_>, rest: &[Step]) -> String {
        match rest.split_first() {
            None => done.to_string(),
            Some((Step::Entry(_, key), rest)) => extended(&done.key(key), rest),
            Some((Step::Item(at), rest)) => extended(&done.index(*at), rest),
        }
    }
    extended(&KeyPath::ROOT, path)
}

#[test]
fn a_text_is_written_taken_from_and_changed() {
    let text = "a: {b: [1, {c: d}], e: }\nf: []\ng: 'null'\n";
    let document = crate::yaml::parse("t", text).expect("a document");
    let tree = Tree::of(document.root()).expect("text keys");
    let again = tree.text();
    let document = crate::yaml::parse("t", &again).expect("a document");
    assert_eq!(Tree::of(document.root()).as_ref(), Some(&tree), "{again}");
    let leaves = tree.leaves();
    let paths: Vec<String> = leaves.iter().map(|path| shown(path)).collect();
    assert_eq!(paths, ["a.b[0]", "a.b[1]", "a.b[1].c", "a.e", "f", "g"]);
    let less = tree.without(&leaves[2]);
    assert_eq!(less.at(&leaves[1]), Some(&Tree::Map(Vec::new())));
    let text = tree.with(&leaves[2], "x: y").text();
    assert!(text.contains("\"c\": \"x: y\""), "{text}");
}
