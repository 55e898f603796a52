use proptest::prelude::*;

use crate::yaml::pyyaml::{refusals, resolve};
use crate::yaml::{Kind, Node, Position, Style, parse, parse_json};

/// A value together with how it is written.
#[derive(Clone, Debug)]
enum Tree {
    Plain(String),
    Single(String),
    Double(String),
    List(Vec<Tree>),
    Mapping(Vec<(String, Tree)>),
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        "[a-zé0-9][a-zé0-9./_]{0,6}".prop_map(Tree::Plain),
        "[a-z é:#,\\[]{0,8}".prop_map(Tree::Single),
        "[a-z é:#,'{]{0,8}".prop_map(Tree::Double),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Tree::List),
            prop::collection::vec(("[a-zé]{1,5}", inner), 1..5).prop_map(Tree::Mapping),
        ]
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        "[a-z é:#\"\\\\/\t\n\u{1f600}]{0,8}".prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-zé\"]{0,5}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Writes a tree and notes, in document order, where each scalar begins and what
/// its text is.
struct Writer {
    text: String,
    scalars: Vec<(Position, String)>,
}

impl Writer {
    fn here(&self) -> Position {
        let line_start = self.text.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: self.text.matches('\n').count() as u32 + 1,
            column: self.text[line_start..].chars().count() as u32 + 1,
        }
    }

    fn scalar(&mut self, written: &str, text: &str) {
        self.scalars.push((self.here(), text.to_owned()));
        self.text.push_str(written);
    }

    fn flow(&mut self, tree: &Tree) {
        match tree {
            Tree::Plain(text) => self.scalar(text, text),
            Tree::Single(text) => self.scalar(&format!("'{text}'"), text),
            Tree::Double(text) => self.scalar(&format!("\"{text}\""), text),
            Tree::List(items) => {
                self.text.push('[');
                for item in items {
                    self.flow(item);
                    self.text.push_str(" , ");
                }
                self.text.push(']');
            }
            Tree::Mapping(entries) => {
                self.text.push('{');
                for (key, value) in entries {
                    self.scalar(key, key);
                    self.text.push_str(": ");
                    self.flow(value);
                    self.text.push_str(", ");
                }
                self.text.push('}');
            }
        }
    }

    /// The block form; the cursor stands after `- ` or `key:`.
    fn block(&mut self, tree: &Tree, indent: usize) {
        let lead = |writer: &mut Self| {
            writer.text.push('\n');
            writer.text.push_str(&" ".repeat(indent));
        };
        match tree {
            Tree::List(items) => {
                for item in items {
                    lead(self);
                    self.text.push_str("- ");
                    self.block(item, indent + 2);
                }
            }
            Tree::Mapping(entries) => {
                for (key, value) in entries {
                    lead(self);
                    self.scalar(key, key);
                    self.text.push_str(": ");
                    // Alternate, so that both forms are nested in each other.
                    if indent % 4 == 2 {
                        self.flow(value);
                    } else {
                        self.block(value, indent + 2);
                    }
                }
            }
            _ => self.flow(tree),
        }
    }
}

fn scalars(root: Node<'_>) -> Vec<(Position, String)> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match node.kind() {
            Kind::Scalar(scalar) => found.push((node.position(), scalar.text().to_owned())),
            Kind::Sequence(items) => {
                let items: Vec<_> = items.iter().collect();
                open.extend(items.into_iter().rev());
            }
            Kind::Mapping(mapping) => {
                for entry in mapping.declared().rev() {
                    open.push(entry.value);
                    open.push(entry.key);
                }
            }
        }
    }
    found
}

/// The character that a position points at.
fn char_at(text: &str, position: Position) -> Option<char> {
    text.split('\n')
        .nth(position.line as usize - 1)?
        .chars()
        .nth(position.column as usize - 1)
}

proptest! {
    #[test]
    fn every_scalar_is_where_it_was_written(tree in trees(), flow in any::<bool>()) {
        let mut writer = Writer { text: "# é\n".into(), scalars: Vec::new() };
        if flow {
            writer.flow(&tree);
        } else {
            writer.block(&tree, 0);
        }
        writer.text.push('\n');
        let document = parse("t", &writer.text).unwrap();
        prop_assert_eq!(scalars(document.root()), writer.scalars);
    }

    /// What both take, both read alike.
    #[test]
    fn json_is_the_same_by_both_readers(tree in json(), pretty in any::<bool>()) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&tree),
            false => serde_json::to_string(&tree),
        };
        let text = text.expect("a text");
        let by_json = parse_json("t", &text).expect("JSON");
        let by_yaml = parse("t", &text).expect("YAML");
        prop_assert_eq!(scalars(by_json.root()), scalars(by_yaml.root()));
    }

    #[test]
    fn arbitrary_json_like_text_never_panics(text in "([-0-9.e\\[\\]{},:\" \n\té]|\\\\|\\\\u|d800|true){0,60}") {
        let _ = parse_json("t", &text).map(|document| document.text().len());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse("t", &bytes).map(|document| document.text().len());
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(
        text in "([-?:,\\[\\]{}#&*!|>'\"%@ \n\t<a1.éx~=_]|\r\n|---|<<: |\\*a|&a |- |: ){0,80}"
    ) {
        let Ok(document) = parse("t", &text) else { return Ok(()) };
        for (node, _) in refusals(&document) {
            prop_assert!(node.position().line >= 1);
        }
        let mut open = vec![document.root()];
        while let Some(node) = open.pop() {
            match node.kind() {
                Kind::Scalar(scalar) => {
                    let _ = resolve(scalar);
                    // `-` and `'` and the rest point at themselves.
                    let first = char_at(&text, node.position());
                    match scalar.style() {
                        Style::Single => prop_assert_eq!(first, Some('\'')),
                        Style::Double => prop_assert_eq!(first, Some('"')),
                        Style::Plain if !scalar.text().is_empty() => {
                            prop_assert_eq!(first, scalar.text().chars().next());
                        }
                        _ => {}
                    }
                }
                Kind::Sequence(items) => open.extend(items.iter()),
                Kind::Mapping(mapping) => {
                    open.extend(mapping.declared().flat_map(|entry| [entry.key, entry.value]));
                }
            }
        }
    }
}
