//! Nodes of cloud-init's configuration as words of netplan's file.

use nvmeroot_plan::Origin;

use crate::native::Word;
use crate::yaml::{KeyPath, Node, Style, resolved};

/// Of a node in a document that knows its places.
pub(super) fn place(node: Node<'_>) -> Origin {
    node.origin(&KeyPath::ROOT)
}

/// A word that stands where the node does.
pub(super) fn placed(node: Node<'_>, word: Word) -> Word {
    Word::At(place(node), Box::new(word))
}

/// A value, or a list of them.
pub(super) fn copied(node: Node<'_>) -> Word {
    let word = match node.as_sequence() {
        Some(items) => list(items.iter()),
        None => single(node),
    };
    placed(node, word)
}

fn single(node: Node<'_>) -> Word {
    match resolved(node) {
        (text, Style::Plain) => Word::Plain(text.into_owned()),
        (text, _) => Word::Text(text.into_owned()),
    }
}

pub(super) fn list<'d>(nodes: impl Iterator<Item = Node<'d>>) -> Word {
    let items = nodes.map(|node| (place(node), single(node)));
    Word::List(items.collect())
}
