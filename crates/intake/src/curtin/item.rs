//! An action as it stands in the configuration.

use nvmeroot_plan::Origin;

use super::value::is_null;
use crate::yaml::{KeyPath, Mapping, Node};

/// An action as it stands in the configuration.
#[derive(Clone, Copy)]
pub(super) struct Item<'d, 'p> {
    pub(super) node: Node<'d>,
    pub(super) mapping: Mapping<'d>,
    pub(super) path: &'p KeyPath<'p>,
}

impl<'d> Item<'d, '_> {
    /// Where it begins.
    pub(super) fn origin(&self) -> Origin {
        self.node.origin(self.path)
    }

    /// What it says under a key; null says nothing.
    pub(super) fn get(&self, key: &str) -> Option<Node<'d>> {
        self.mapping.get(key).filter(|node| !is_null(*node))
    }

    /// What is written under a key.
    pub(super) fn text(&self, key: &str) -> Option<&'d str> {
        self.mapping.get(key).and_then(Node::text)
    }

    /// A property in the mapping under a key.
    pub(super) fn property(&self, key: &str, property: &str) -> Option<Node<'d>> {
        self.mapping.get(key)?.as_mapping()?.get(property)
    }
}
