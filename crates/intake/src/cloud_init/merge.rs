//! Several files of cloud-init as one: of a key that more than one file has,
//! the last file's value counts; only mappings merge (cloud-init
//! `util.read_conf_d`, `mergers/m_dict.py`).

use std::collections::BTreeMap;
use std::sync::Arc;

use nvmeroot_plan::Origin;

use crate::yaml::{Document, Entry, KeyPath, Kind, Mapping, Node, Part, Rewrite};

/// A document of nothing but the value under `network`, as cloud-init reads it
/// with PyYAML: merge keys applied, of a key that is there twice the last.
/// `path` is the value's.
pub(crate) fn network_of(key: Node<'_>, value: Node<'_>, path: &KeyPath<'_>) -> Document {
    document(key.origin(path), &[value], path, false)
}

/// `None` where no file says anything of the network.
pub(super) fn merged(files: &[Arc<Document>]) -> Option<Arc<Document>> {
    let entries: Vec<Entry<'_>> = files
        .iter()
        .rev()
        .filter_map(|file| file.root().as_mapping()?.entry("network"))
        .collect();
    let key = entries.first()?.key;
    let values: Vec<Node<'_>> = entries.iter().map(|entry| entry.value).collect();
    let is_version_1 = is_version_1(&values);
    if files.len() == 1 && !is_version_1 {
        return files.first().cloned();
    }
    // Where the files come from has been kept; the path is not asked for.
    let origin = key.origin(&KeyPath::ROOT);
    let path = &KeyPath::ROOT;
    Some(Arc::new(document(origin, &values, path, is_version_1)))
}

/// cloud-init does nothing without a version. What is meant shows all the same.
pub(super) fn is_version_1(values: &[Node<'_>]) -> bool {
    let mappings = || values.iter().filter_map(|value| value.as_mapping());
    let version = mappings().find_map(|mapping| mapping.get("version"));
    match version.and_then(Node::text) {
        Some(version) => version.trim() == "1",
        None => mappings().any(|mapping| mapping.get("config").is_some()),
    }
}

/// From the strongest to the weakest. In version 1 what is empty counts as not
/// there.
fn document(
    origin: Origin,
    values: &[Node<'_>],
    path: &KeyPath<'_>,
    is_version_1: bool,
) -> Document {
    let mut copy = Copy {
        rewrite: Rewrite::default(),
        is_version_1,
    };
    let value = copy.value(values, path);
    let name = copy.rewrite.text(origin.clone(), "network");
    let root = copy.rewrite.mapping(origin, [(name, value)]);
    copy.rewrite.finish(root)
}

struct Copy {
    rewrite: Rewrite,
    is_version_1: bool,
}

impl Copy {
    /// The depth of the recursion is bounded by the parser's
    /// [`MAX_DEPTH`](crate::yaml::MAX_DEPTH).
    fn value(&mut self, layers: &[Node<'_>], path: &KeyPath<'_>) -> Part {
        let node = layers[0];
        let origin = node.origin(path);
        let is_empty = match node.kind() {
            Kind::Mapping(mapping) => mapping.is_empty(),
            Kind::Sequence(items) => items.is_empty(),
            Kind::Scalar(scalar) => scalar.text().is_empty(),
        };
        if is_empty && self.is_version_1 {
            return self.rewrite.plain(origin, "null");
        }
        match node.kind() {
            Kind::Scalar(_) => self.rewrite.resolved(node, path),
            Kind::Sequence(items) => {
                let items: Vec<Part> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.value(&[item], &path.index(index)))
                    .collect();
                self.rewrite.list(origin, items)
            }
            Kind::Mapping(mapping) => {
                let mut entries = Vec::with_capacity(mapping.len());
                for (key, values) in union(mapping, &layers[1..]) {
                    let name = key.text().unwrap_or_default();
                    let path = path.key(name);
                    let key = self.rewrite.text(key.origin(&path), name);
                    entries.push((key, self.value(&values, &path)));
                }
                self.rewrite.mapping(origin, entries)
            }
        }
    }
}

/// Each key once, with its values from the strongest to the weakest.
fn union<'d>(mapping: Mapping<'d>, below: &[Node<'d>]) -> Vec<(Node<'d>, Vec<Node<'d>>)> {
    let own = mapping
        .entries()
        .map(|entry| (entry.key, vec![entry.value]));
    let mut union: Vec<_> = own.collect();
    if below.is_empty() {
        return union;
    }
    let names = union.iter().enumerate();
    let mut places: BTreeMap<&str, usize> = names
        .map(|(at, (key, _))| (key.text().unwrap_or_default(), at))
        .collect();
    for entry in below
        .iter()
        .filter_map(|n| n.as_mapping())
        .flat_map(Mapping::entries)
    {
        match places.get(entry.name()) {
            Some(&at) => union[at].1.push(entry.value),
            None => {
                places.insert(entry.name(), union.len());
                union.push((entry.key, vec![entry.value]));
            }
        }
    }
    union
}
