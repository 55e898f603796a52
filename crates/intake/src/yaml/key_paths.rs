use std::fmt;

use nvmeroot_plan::Origin;

use super::path::{KeyPath, Step, push_step};
use super::tree::{Document, KindData, Node, NodeId};

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

    /// Where the node was written, with its path.
    #[must_use]
    pub fn origin(&self, node: Node<'d>) -> Origin {
        node.origin(&KeyPath::ROOT).with_key(self.of(node))
    }

    /// The node's path, written as [`KeyPath`](super::KeyPath) writes it; a key has the path of
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
        for step in steps.into_iter().rev() {
            push_step(&mut path, step);
        }
        path
    }
}

impl fmt::Debug for KeyPaths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPaths of {:?}", self.document)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPaths;
    use crate::yaml::parse;

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
