use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::tree::{FaultData, KindData, MappingData, NodeData, NodeId, Text, tag_of};
use super::{Document, MAX_DEPTH, MAX_NODES, Position, Style, YamlError};

/// More would tell the reader nothing.
const MAX_FAULTS: usize = 256;

/// Below this many entries, comparing each with each beats hashing.
const SMALL_MAPPING: usize = 12;

/// Everything counted here is bounded by `MAX_BYTES`.
pub(super) fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Makes a document of its parts, which come in the order of the text.
pub(super) struct Builder<'t> {
    text: &'t str,
    nodes: Vec<NodeData>,
    /// Open collections.
    frames: Vec<Frame>,
    /// Children of the open collections, innermost last.
    pending: Vec<NodeId>,
    root: Option<NodeId>,
    /// Nodes so far, aliases and merged entries counted at full size.
    expanded: u64,
    anchors: HashMap<usize, Anchored>,
    tags: Vec<(NodeId, Box<str>)>,
    faults: Vec<FaultData>,
}

struct Frame {
    node: NodeId,
    is_mapping: bool,
    first_pending: usize,
    anchor: usize,
    expanded_before: u64,
}

/// A finished node that aliases may name.
struct Anchored {
    node: NodeId,
    size: u64,
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            nodes: Vec::with_capacity(text.len() / 12),
            frames: Vec::new(),
            pending: Vec::new(),
            root: None,
            expanded: 0,
            anchors: HashMap::new(),
            tags: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// `anchor`: the number that aliases call the node by, 0 for none.
    pub(super) fn scalar(
        &mut self,
        at: Position,
        (anchor, tag): (usize, Option<Box<str>>),
        text: Cow<'_, str>,
        style: Style,
    ) -> Result<(), YamlError> {
        let text = self.store(text);
        let node = self.add(at, tag, KindData::Scalar { text, style })?;
        self.name_anchor(anchor, node, 1);
        self.place(node);
        Ok(())
    }

    pub(super) fn alias(&mut self, at: Position, anchor: usize) -> Result<(), YamlError> {
        let Some(&Anchored { node, size }) = self.anchors.get(&anchor) else {
            return Err(YamlError::AliasInItself { position: at });
        };
        self.spend(size, at, true)?;
        self.place(node);
        Ok(())
    }

    /// Keeps a scalar's text, as a slice of the source where it is one.
    fn store(&self, text: Cow<'_, str>) -> Text {
        if let Cow::Borrowed(slice) = text {
            let start = (slice.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
            let end = start.wrapping_add(slice.len());
            let found = self.text.get(start..end);
            if found.is_some_and(|found| std::ptr::eq(found, slice)) {
                return Text::Slice {
                    start: narrow(start),
                    end: narrow(end),
                };
            }
        }
        Text::Owned(text.into())
    }

    fn add(
        &mut self,
        at: Position,
        tag: Option<Box<str>>,
        kind: KindData,
    ) -> Result<NodeId, YamlError> {
        self.spend(1, at, false)?;
        let id = narrow(self.nodes.len());
        self.tags.extend(tag.map(|tag| (id, tag)));
        self.nodes.push(NodeData { position: at, kind });
        Ok(id)
    }

    fn spend(&mut self, nodes: u64, at: Position, by_alias: bool) -> Result<(), YamlError> {
        self.expanded = self.expanded.saturating_add(nodes);
        if self.expanded > MAX_NODES {
            return Err(YamlError::TooManyNodes {
                position: at,
                by_alias,
            });
        }
        Ok(())
    }

    /// What follows up to its [`close`](Self::close) are a list's items, or a mapping's keys
    /// and values in turn.
    pub(super) fn open(
        &mut self,
        at: Position,
        (anchor, tag): (usize, Option<Box<str>>),
        is_mapping: bool,
    ) -> Result<(), YamlError> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(YamlError::TooDeep { position: at });
        }
        let expanded_before = self.expanded;
        // What it holds is known when it closes.
        let node = self.add(at, tag, KindData::Sequence(Box::default()))?;
        self.frames.push(Frame {
            node,
            is_mapping,
            first_pending: self.pending.len(),
            anchor,
            expanded_before,
        });
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), YamlError> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let children = &self.pending[frame.first_pending..];
        let kind = if frame.is_mapping {
            let declared = children.chunks_exact(2).map(|pair| (pair[0], pair[1]));
            let declared = declared.collect();
            KindData::Mapping(Box::new(self.mapping(declared)?))
        } else {
            KindData::Sequence(children.into())
        };
        self.pending.truncate(frame.first_pending);
        self.nodes[frame.node as usize].kind = kind;
        let size = self.expanded - frame.expanded_before;
        self.name_anchor(frame.anchor, frame.node, size);
        self.place(frame.node);
        Ok(())
    }

    fn name_anchor(&mut self, anchor: usize, node: NodeId, size: u64) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node, size });
        }
    }

    fn place(&mut self, node: NodeId) {
        if self.frames.is_empty() {
            self.root.get_or_insert(node);
        } else {
            self.pending.push(node);
        }
    }

    fn key_text(&self, key: NodeId) -> Option<&str> {
        match &self.nodes[key as usize].kind {
            KindData::Scalar { text, .. } => Some(text.get(self.text)),
            _ => None,
        }
    }

    fn is_merge_key(&self, key: NodeId) -> bool {
        let node = &self.nodes[key as usize];
        let plain = matches!(
            node.kind,
            KindData::Scalar {
                style: Style::Plain,
                ..
            }
        );
        plain && self.key_text(key) == Some("<<") && tag_of(&self.tags, key).is_none()
    }

    fn fault(&mut self, fault: FaultData) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    fn mapping(&mut self, declared: Box<[(NodeId, NodeId)]>) -> Result<MappingData, YamlError> {
        for &(key, _) in &declared {
            if self.key_text(key).is_none() {
                self.fault(FaultData::CollectionKey { key });
            }
        }
        let merges = declared.iter().any(|&(key, _)| self.is_merge_key(key));
        if !merges && !self.has_duplicate(&declared) {
            return Ok(MappingData {
                declared,
                effective: None,
            });
        }

        let mut merged = Vec::new();
        for &(key, value) in &declared {
            if self.is_merge_key(key) {
                self.merge(value, &mut merged)?;
            }
        }
        let own = declared
            .iter()
            .copied()
            .filter(|&(key, _)| !self.is_merge_key(key));
        let (effective, duplicates) = self.last_wins(merged, own);
        for fault in duplicates {
            self.fault(fault);
        }
        Ok(MappingData {
            declared,
            effective: Some(effective.into_boxed_slice()),
        })
    }

    fn has_duplicate(&self, pairs: &[(NodeId, NodeId)]) -> bool {
        let keys = || pairs.iter().filter_map(|&(key, _)| self.key_text(key));
        if pairs.len() <= SMALL_MAPPING {
            return keys()
                .enumerate()
                .any(|(at, key)| keys().take(at).any(|other| other == key));
        }
        let mut seen = HashSet::with_capacity(pairs.len());
        !keys().all(|key| seen.insert(key))
    }

    /// Appends what `<<: value` brings, later entries winning over earlier ones.
    fn merge(&mut self, value: NodeId, into: &mut Vec<(NodeId, NodeId)>) -> Result<(), YamlError> {
        let sources: Vec<NodeId> = match &self.nodes[value as usize].kind {
            KindData::Mapping(_) => vec![value],
            // The first mapping of a list wins, so it comes last.
            KindData::Sequence(items) => items.iter().rev().copied().collect(),
            KindData::Scalar { .. } => {
                self.fault(FaultData::MergeValue { value });
                return Ok(());
            }
        };
        for source in sources {
            let node = &self.nodes[source as usize];
            let KindData::Mapping(mapping) = &node.kind else {
                self.fault(FaultData::MergeValue { value: source });
                continue;
            };
            let pairs = mapping.effective.as_deref().unwrap_or(&mapping.declared);
            into.extend_from_slice(pairs);
            let (cost, at) = (2 * pairs.len() as u64, node.position);
            self.spend(cost, at, true)?;
        }
        Ok(())
    }

    /// Each key once, in the place where it first came up, with the value that
    /// came last; and the keys that `own` has twice.
    fn last_wins(
        &self,
        merged: Vec<(NodeId, NodeId)>,
        own: impl Iterator<Item = (NodeId, NodeId)>,
    ) -> (Vec<(NodeId, NodeId)>, Vec<FaultData>) {
        let mut result: Vec<(NodeId, NodeId)> = Vec::new();
        let mut faults = Vec::new();
        let mut places: HashMap<&str, (usize, bool)> = HashMap::new();
        let all = merged
            .into_iter()
            .map(|pair| (pair, false))
            .chain(own.map(|pair| (pair, true)));
        for (pair, is_own) in all {
            let Some(key) = self.key_text(pair.0) else {
                result.push(pair);
                continue;
            };
            match places.get_mut(key) {
                None => {
                    places.insert(key, (result.len(), is_own));
                    result.push(pair);
                }
                Some((place, was_own)) => {
                    if *was_own {
                        faults.push(FaultData::DuplicateKey {
                            first: result[*place].0,
                            again: pair.0,
                        });
                    }
                    *was_own = is_own;
                    result[*place] = pair;
                }
            }
        }
        (result, faults)
    }

    pub(super) fn finish(mut self, name: &str) -> Document {
        let root = self.root.unwrap_or_else(|| {
            let id = narrow(self.nodes.len());
            self.nodes.push(NodeData {
                position: Position::START,
                kind: KindData::Scalar {
                    text: Text::Slice { start: 0, end: 0 },
                    style: Style::Plain,
                },
            });
            id
        });
        Document {
            name: name.into(),
            text: self.text.into(),
            nodes: self.nodes,
            root,
            tags: self.tags,
            faults: self.faults,
            origins: Vec::new(),
        }
    }
}
