use std::fmt;
use std::sync::Arc;

use nvmeroot_plan::Origin;

use super::KeyPath;

/// A place in a text: 1-based line and column, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters (not bytes), from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place in the whole text, of a place in a part of it that is indented as far as
    /// `start`, where it begins.
    #[must_use]
    pub const fn in_text_from(self, start: Self) -> Self {
        Self {
            line: self.line.saturating_add(start.line.saturating_sub(1)),
            column: self.column.saturating_add(start.column.saturating_sub(1)),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One parsed document. It owns its text; nodes borrow from it.
pub struct Document {
    pub(super) name: Arc<str>,
    pub(super) text: Box<str>,
    pub(super) nodes: Vec<NodeData>,
    pub(super) root: NodeId,
    /// Explicit tags, in the nodes' order: they are rare.
    pub(super) tags: Vec<(NodeId, Box<str>)>,
    pub(super) faults: Vec<FaultData>,
    /// Where each node comes from, in a document that was made of others by
    /// [`Rewrite`](super::Rewrite); else empty.
    pub(super) origins: Vec<Origin>,
}

pub(super) type NodeId = u32;

pub(super) struct NodeData {
    pub(super) position: Position,
    pub(super) kind: KindData,
}

pub(super) enum KindData {
    Scalar { text: Text, style: Style },
    Sequence(Box<[NodeId]>),
    Mapping(Box<MappingData>),
}

pub(super) struct MappingData {
    pub(super) declared: Box<[(NodeId, NodeId)]>,
    /// Merge keys applied and duplicates dropped; `None` where that changes
    /// nothing, which is nearly everywhere.
    pub(super) effective: Option<Box<[(NodeId, NodeId)]>>,
}

/// Most scalars are a slice of the document's text, byte for byte.
pub(super) enum Text {
    Slice { start: u32, end: u32 },
    Owned(Box<str>),
}

/// The tag of a node.
pub(super) fn tag_of(tags: &[(NodeId, Box<str>)], node: NodeId) -> Option<&str> {
    let at = tags.binary_search_by_key(&node, |(id, _)| *id).ok()?;
    Some(&tags[at].1)
}

pub(super) enum FaultData {
    DuplicateKey { first: NodeId, again: NodeId },
    MergeValue { value: NodeId },
    CollectionKey { key: NodeId },
}

impl Document {
    /// What the text is called in messages: a path or the name of an embedded
    /// text.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same as a part of another text, in which it begins at `start`.
    pub(crate) fn in_text_from(mut self, start: Position) -> Self {
        for node in &mut self.nodes {
            node.position = node.position.in_text_from(start);
        }
        self
    }

    /// The document's value. An empty document is an empty plain scalar, which
    /// both dialects read as null.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.node(self.root)
    }

    /// Nodes with an explicit tag, in the text's order.
    pub fn tagged(&self) -> impl Iterator<Item = Node<'_>> {
        self.tags.iter().map(|&(id, _)| self.node(id))
    }

    /// What the parser lets pass and a dialect may refuse, in the text's order;
    /// at most a few hundred.
    pub fn faults(&self) -> impl Iterator<Item = Fault<'_>> {
        self.faults.iter().map(|fault| match *fault {
            FaultData::DuplicateKey { first, again } => Fault::DuplicateKey {
                first: self.node(first),
                again: self.node(again),
            },
            FaultData::MergeValue { value } => Fault::MergeValue {
                value: self.node(value),
            },
            FaultData::CollectionKey { key } => Fault::CollectionKey {
                key: self.node(key),
            },
        })
    }

    pub(super) fn node(&self, id: NodeId) -> Node<'_> {
        Node { document: self, id }
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("name", &self.name)
            .field("bytes", &self.text.len())
            .field("nodes", &self.nodes.len())
            .finish()
    }
}

/// What is legal YAML but means trouble.
#[derive(Clone, Copy, Debug)]
pub enum Fault<'d> {
    /// A mapping has a key twice; the last one counts.
    DuplicateKey {
        /// The first key.
        first: Node<'d>,
        /// The same key again.
        again: Node<'d>,
    },
    /// The value of a merge key `<<` is neither a mapping nor a list of
    /// mappings. PyYAML refuses this.
    MergeValue {
        /// The offending value.
        value: Node<'d>,
    },
    /// A mapping's key is itself a mapping or a list. PyYAML and netplan refuse
    /// this.
    CollectionKey {
        /// The offending key.
        key: Node<'d>,
    },
}

/// A value in a [`Document`].
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    pub(super) id: NodeId,
}

/// A node by its shape.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'d> {
    /// Text, number, boolean, null: a dialect decides.
    Scalar(Scalar<'d>),
    /// A list.
    Sequence(Sequence<'d>),
    /// A mapping.
    Mapping(Mapping<'d>),
}

impl<'d> Node<'d> {
    fn data(self) -> &'d NodeData {
        &self.document.nodes[self.id as usize]
    }

    /// Where the value's first character stands: the opening quote of a quoted
    /// scalar, the text of a block scalar, the first key of a block mapping.
    /// A value that is used through an alias stands where its anchor is.
    #[must_use]
    pub fn position(self) -> Position {
        self.data().position
    }

    /// Where the value was written. `path` is its key path, which a document
    /// that was made of others knows better.
    #[must_use]
    pub fn origin(self, path: &KeyPath<'_>) -> Origin {
        if let Some(origin) = self.document.origins.get(self.id as usize) {
            return origin.clone();
        }
        let at = self.position();
        let origin = Origin::at(self.document.name.clone(), at.line, at.column);
        if path.is_root() {
            origin
        } else {
            origin.with_key(path.to_text())
        }
    }

    /// The document that this is part of.
    #[must_use]
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// The explicit tag, resolved: `tag:yaml.org,2002:str` for `!!str`, `!x` for
    /// a local one, `!` for the bare non-specific tag.
    #[must_use]
    pub fn tag(self) -> Option<&'d str> {
        tag_of(&self.document.tags, self.id)
    }

    /// The node by its shape.
    #[must_use]
    pub fn kind(self) -> Kind<'d> {
        match &self.data().kind {
            KindData::Scalar { .. } => Kind::Scalar(Scalar { node: self }),
            KindData::Sequence(items) => Kind::Sequence(Sequence {
                document: self.document,
                items,
            }),
            KindData::Mapping(mapping) => Kind::Mapping(Mapping {
                document: self.document,
                data: mapping,
            }),
        }
    }

    /// The node as a scalar, if it is one.
    #[must_use]
    pub fn as_scalar(self) -> Option<Scalar<'d>> {
        match self.kind() {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The node as a list, if it is one.
    #[must_use]
    pub fn as_sequence(self) -> Option<Sequence<'d>> {
        match self.kind() {
            Kind::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The node as a mapping, if it is one.
    #[must_use]
    pub fn as_mapping(self) -> Option<Mapping<'d>> {
        match self.kind() {
            Kind::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The scalar's text, if the node is a scalar.
    #[must_use]
    pub fn text(self) -> Option<&'d str> {
        self.as_scalar().map(Scalar::text)
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.data().kind {
            KindData::Scalar { .. } => "scalar",
            KindData::Sequence(_) => "list",
            KindData::Mapping(_) => "mapping",
        };
        write!(f, "{shape} at {}", self.position())
    }
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: the only style whose meaning depends on the dialect.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A scalar.
#[derive(Clone, Copy, Debug)]
pub struct Scalar<'d> {
    node: Node<'d>,
}

impl<'d> Scalar<'d> {
    /// The text after quotes, escapes and folding are undone; nothing else is.
    #[must_use]
    pub fn text(self) -> &'d str {
        match &self.node.data().kind {
            KindData::Scalar { text, .. } => text.get(&self.node.document.text),
            _ => "",
        }
    }

    /// How it was written.
    #[must_use]
    pub fn style(self) -> Style {
        match self.node.data().kind {
            KindData::Scalar { style, .. } => style,
            _ => Style::Plain,
        }
    }

    /// Without quotes and without a tag.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.style() == Style::Plain && self.node.tag().is_none()
    }

    /// The node that this is.
    #[must_use]
    pub fn node(self) -> Node<'d> {
        self.node
    }
}

impl Text {
    pub(super) fn get<'t>(&'t self, source: &'t str) -> &'t str {
        match self {
            Self::Slice { start, end } => source
                .get(*start as usize..*end as usize)
                .unwrap_or_default(),
            Self::Owned(text) => text,
        }
    }
}

/// A list.
#[derive(Clone, Copy)]
pub struct Sequence<'d> {
    document: &'d Document,
    items: &'d [NodeId],
}

impl<'d> Sequence<'d> {
    /// The items, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Node<'d>> + Clone {
        self.items.iter().map(move |&id| self.document.node(id))
    }

    /// How many items there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.items.is_empty()
    }
}

impl fmt::Debug for Sequence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list of {}", self.items.len())
    }
}

/// A mapping.
#[derive(Clone, Copy)]
pub struct Mapping<'d> {
    document: &'d Document,
    data: &'d MappingData,
}

/// A key and its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'d> {
    /// The key; nearly always a scalar.
    pub key: Node<'d>,
    /// The value.
    pub value: Node<'d>,
}

impl<'d> Entry<'d> {
    /// The key's text; empty for a key that is a mapping or a list, which
    /// [`Document::faults`] reports.
    #[must_use]
    pub fn name(self) -> &'d str {
        self.key.text().unwrap_or_default()
    }
}

impl<'d> Mapping<'d> {
    /// The entries as they count: merge keys `<<` applied (an own entry wins over
    /// a merged one, an earlier merged mapping over a later), of a duplicate key
    /// the last value in the first one's place.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry<'d>> + DoubleEndedIterator + Clone {
        self.pairs(
            self.data
                .effective
                .as_deref()
                .unwrap_or(&self.data.declared),
        )
    }

    /// The entries as they are written, duplicates and `<<` included.
    pub fn declared(
        self,
    ) -> impl ExactSizeIterator<Item = Entry<'d>> + DoubleEndedIterator + Clone {
        self.pairs(&self.data.declared)
    }

    fn pairs(
        self,
        pairs: &'d [(NodeId, NodeId)],
    ) -> impl ExactSizeIterator<Item = Entry<'d>> + DoubleEndedIterator + Clone {
        let document = self.document;
        pairs.iter().map(move |&(key, value)| Entry {
            key: document.node(key),
            value: document.node(value),
        })
    }

    /// The entry whose key has this text. Linear in the mapping's size: walk
    /// [`Mapping::entries`] instead of asking for many keys of a large one.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'d>> {
        self.entries().find(|entry| entry.key.text() == Some(key))
    }

    /// The value whose key has this text; see [`Mapping::entry`].
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'d>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// How many entries count.
    #[must_use]
    pub fn len(self) -> usize {
        self.entries().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Mapping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mapping of {}", self.data.declared.len())
    }
}
