use std::fmt;

use super::Document;
use super::tree::{KindData, Node, NodeId};

/// The way from the document's root to a value, such as
/// `storage.config[3].tcp_port`.
///
/// Each step borrows the one before, so that walking down costs nothing; text is
/// made by `Display`, when there is something to report.
#[derive(Clone, Copy)]
pub struct KeyPath<'a> {
    parent: Option<&'a KeyPath<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> KeyPath<'a> {
    /// The document itself; displayed, it is the empty text.
    pub const ROOT: KeyPath<'static> = KeyPath {
        parent: None,
        step: Step::Root,
    };

    /// The value of the mapping's `key`.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The list's item, counted from 0.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// Whether this is the document itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(path) = at {
            steps.push(path.step);
            at = path.parent;
        }
        write_steps(f, steps.into_iter().rev())
    }
}

fn write_steps<'a>(f: &mut impl fmt::Write, steps: impl Iterator<Item = Step<'a>>) -> fmt::Result {
    let mut first = true;
    for step in steps {
        match step {
            Step::Root => continue,
            Step::Index(index) => write!(f, "[{index}]")?,
            Step::Key(key) if is_plain(key) => {
                if !first {
                    f.write_str(".")?;
                }
                f.write_str(key)?;
            }
            // Debug quoting keeps line breaks and escape sequences of a
            // hostile key out of the terminal.
            Step::Key(key) => write!(f, "[{key:?}]")?,
        }
        first = false;
    }
    Ok(())
}

/// The key paths of a document's nodes, for those who come to a node by another
/// way than from the root.
///
/// Making it takes time linear in the document. What is used through aliases
/// has the path of its anchor.
pub struct KeyPaths<'d> {
    document: &'d Document,
    /// Per node: the collection that it is in, and its key or place there.
    above: Vec<Option<(NodeId, Place)>>,
}

#[derive(Clone, Copy)]
enum Place {
    Key(NodeId),
    Index(usize),
}

impl<'d> KeyPaths<'d> {
    /// Of all nodes of the document.
    #[must_use]
    pub fn new(document: &'d Document) -> Self {
        let mut above = vec![None; document.nodes.len()];
        // Collections are numbered as they open. The one that a node was
        // written in is the last to open before it, and within that the
        // anchor comes before its aliases.
        for (id, node) in (0..).zip(&document.nodes) {
            let mut claim = |child: NodeId, place: Place| {
                let held = &mut above[child as usize];
                if id < child && held.is_none_or(|(holder, _)| holder != id) {
                    *held = Some((id, place));
                }
            };
            match &node.kind {
                KindData::Scalar { .. } => {}
                KindData::Sequence(items) => {
                    for (index, &item) in items.iter().enumerate() {
                        claim(item, Place::Index(index));
                    }
                }
                KindData::Mapping(mapping) => {
                    for &(key, value) in &mapping.declared {
                        claim(key, Place::Key(key));
                        claim(value, Place::Key(key));
                    }
                }
            }
        }
        Self { document, above }
    }

    /// The node's path, written as [`KeyPath`] writes it; a key has the path of
    /// its value.
    #[must_use]
    pub fn of(&self, node: Node<'d>) -> String {
        let mut steps = Vec::new();
        let mut at = node.id;
        while let Some((collection, place)) = self.above[at as usize] {
            steps.push(match place {
                Place::Key(key) => Step::Key(self.document.node(key).text().unwrap_or_default()),
                Place::Index(index) => Step::Index(index),
            });
            at = collection;
        }
        let mut path = String::new();
        // Writing to a String does not fail.
        let _ = write_steps(&mut path, steps.into_iter().rev());
        path
    }
}

impl fmt::Debug for KeyPaths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPaths of {:?}", self.document)
    }
}

impl fmt::Debug for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPath({self})")
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:/@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::{KeyPath, KeyPaths};
    use crate::yaml::parse;

    #[test]
    fn steps_are_joined_as_the_reader_would_write_them() {
        let storage = KeyPath::ROOT.key("storage");
        let config = storage.key("config");
        let item = config.index(3);
        assert_eq!(
            item.key("tcp_port").to_string(),
            "storage.config[3].tcp_port"
        );
        assert_eq!(KeyPath::ROOT.index(0).key("id").to_string(), "[0].id");
        assert_eq!(KeyPath::ROOT.to_string(), "");
    }

    #[test]
    fn odd_keys_are_quoted() {
        let path = KeyPath::ROOT.key("a\u{1b}[31m\n");
        assert_eq!(path.to_string(), r#"["a\u{1b}[31m\n"]"#);
        assert_eq!(KeyPath::ROOT.key("").to_string(), r#"[""]"#);
    }

    #[test]
    fn a_node_knows_its_path_without_its_way() {
        let text = "a: [x, {b.c: &n !t 1, 'd e': *n}]\nf: {g: !t 2, ? [k] : !t 3}\n!t h: *n\n";
        let document = parse("t", text).unwrap();
        let paths = KeyPaths::new(&document);
        let found: Vec<String> = document.tagged().map(|node| paths.of(node)).collect();
        assert_eq!(found, ["a[1].b.c", "f.g", "f[\"\"]", "h"]);
        assert_eq!(paths.of(document.root()), "");
    }
}
