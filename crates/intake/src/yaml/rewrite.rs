//! Documents made of parts of others.

use std::borrow::Cow;
use std::fmt;

use nvmeroot_plan::Origin;

use super::pyyaml::{Integer, Value, resolve};
use super::tree::{KindData, MappingData, NodeData, NodeId, Text};
use super::{Document, KeyPath, Kind, Node, Position, Style};

/// Builds a [`Document`] node by node: what a program that reads one document
/// would write as another. Each node keeps the [`Origin`] of what it was made
/// of, so that whoever reads the result points at what the user wrote.
#[derive(Default)]
pub struct Rewrite {
    nodes: Vec<NodeData>,
    origins: Vec<Origin>,
}

/// A value in a [`Rewrite`].
#[derive(Clone, Copy, Debug)]
pub struct Part(NodeId);

impl Rewrite {
    /// A text, as if in quotes.
    pub fn text(&mut self, origin: Origin, text: impl Into<Box<str>>) -> Part {
        self.scalar(origin, text, Style::Single)
    }

    /// A value that a dialect resolves: a number, a boolean, `null`.
    pub fn plain(&mut self, origin: Origin, text: impl Into<Box<str>>) -> Part {
        self.scalar(origin, text, Style::Plain)
    }

    fn scalar(&mut self, origin: Origin, text: impl Into<Box<str>>, style: Style) -> Part {
        let text = Text::Owned(text.into());
        self.add(origin, KindData::Scalar { text, style })
    }

    /// A list.
    pub fn list(&mut self, origin: Origin, items: impl IntoIterator<Item = Part>) -> Part {
        let items = items.into_iter().map(|Part(id)| id).collect();
        self.add(origin, KindData::Sequence(items))
    }

    /// A mapping; no key comes twice.
    pub fn mapping(
        &mut self,
        origin: Origin,
        entries: impl IntoIterator<Item = (Part, Part)>,
    ) -> Part {
        let pairs = entries.into_iter().map(|(key, value)| (key.0, value.0));
        let mapping = MappingData {
            declared: pairs.collect(),
            effective: None,
        };
        self.add(origin, KindData::Mapping(Box::new(mapping)))
    }

    /// A scalar as [`resolved`] has it.
    pub fn resolved(&mut self, node: Node<'_>, path: &KeyPath<'_>) -> Part {
        let (text, style) = resolved(node);
        self.scalar(node.origin(path), text, style)
    }

    fn add(&mut self, origin: Origin, kind: KindData) -> Part {
        // As many as the parsed documents have at most, which fits.
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        self.nodes.push(NodeData {
            position: Position {
                line: origin.line,
                column: origin.column,
            },
            kind,
        });
        self.origins.push(origin);
        Part(id)
    }

    /// The document, whose value is `root`. It is called as the file that the
    /// root is from.
    #[must_use]
    pub fn finish(self, root: Part) -> Document {
        let named = self.origins.get(root.0 as usize);
        Document {
            name: named.map_or_else(|| "".into(), |origin| origin.file.clone()),
            text: Box::default(),
            nodes: self.nodes,
            root: root.0,
            tags: Vec::new(),
            faults: Vec::new(),
            origins: self.origins,
        }
    }
}

/// A scalar as a program writes it that has read it with PyYAML: what YAML 1.1 takes for a
/// number or a boolean has become one.
pub fn resolved(node: Node<'_>) -> (Cow<'_, str>, Style) {
    let Kind::Scalar(scalar) = node.kind() else {
        return ("null".into(), Style::Plain);
    };
    match resolve(scalar) {
        Ok(Value::Null) => ("null".into(), Style::Plain),
        Ok(Value::Boolean(value)) => (value.to_string().into(), Style::Plain),
        Ok(Value::Integer(Integer {
            value: Some(value), ..
        })) => (value.to_string().into(), Style::Plain),
        Ok(Value::Integer(_) | Value::Float(_) | Value::Timestamp(_)) => {
            (scalar.text().into(), Style::Plain)
        }
        Ok(Value::Text(_) | Value::Bytes(_)) | Err(_) => (scalar.text().into(), Style::Single),
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rewrite of {} nodes", self.nodes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn nodes_keep_the_place_that_they_come_from() {
        let source = parse("t.yaml", "a: 0x10\nb: 'no'\nc: off\n").unwrap();
        let mapping = source.root().as_mapping().unwrap();
        let mut rewrite = Rewrite::default();
        let entries: Vec<_> = mapping
            .entries()
            .map(|entry| {
                let path = KeyPath::ROOT.key(entry.name());
                let key = rewrite.text(entry.key.origin(&path), format!("{}{0}", entry.name()));
                (key, rewrite.resolved(entry.value, &path))
            })
            .collect();
        let root = rewrite.mapping(source.root().origin(&KeyPath::ROOT), entries);
        let made = rewrite.finish(root);
        let found: Vec<_> = made
            .root()
            .as_mapping()
            .unwrap()
            .entries()
            .map(|entry| {
                let plain = entry.value.as_scalar().unwrap().is_plain();
                let origin = entry.value.origin(&KeyPath::ROOT.key("elsewhere"));
                let text = entry.value.text().unwrap();
                format!("{} {text} {plain} {origin}", entry.name())
            })
            .collect();
        assert_eq!(
            found,
            [
                "aa 16 true t.yaml:1:4 `a`",
                "bb no false t.yaml:2:4 `b`",
                "cc false true t.yaml:3:4 `c`"
            ]
        );
        assert_eq!(&**made.name(), "t.yaml");
    }
}
