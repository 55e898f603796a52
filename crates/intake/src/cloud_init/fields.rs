//! A mapping's entries, each held against its key.

use nvmeroot_plan::{InterfaceDiagnostic, Severity, Warning};

use crate::netplan::check::Check;
use crate::netplan::findings::Findings;
use crate::netplan::schema::{Key, SupportLevel, ValueType};
use crate::netplan::value::Value;
use crate::yaml::{KeyPath, Mapping, Node};

/// Diagnostics on what is no interface.
pub(super) fn warn_all(diagnostics: Vec<InterfaceDiagnostic>, findings: &mut Findings<'_>) {
    for diagnostic in diagnostics {
        findings.warn(diagnostic.warning);
    }
}

/// A mapping's entries that say something, each held against its key.
#[derive(Debug)]
pub(super) struct Fields<'d> {
    entries: Vec<(&'d str, Node<'d>, Node<'d>)>,
}

impl<'d> Fields<'d> {
    pub(super) fn read(
        mapping: Mapping<'d>,
        keys: &[&'static [Key]],
        findings: &mut Findings<'d>,
        diagnostics: &mut Vec<InterfaceDiagnostic>,
    ) -> Self {
        let root = &KeyPath::ROOT;
        let mut entries = Vec::with_capacity(mapping.len());
        for entry in mapping.entries() {
            let name = entry.name();
            let known = keys.iter().flat_map(|group| group.iter());
            let mut check = Check::new(findings);
            match known.clone().find(|key| key.name == name) {
                _ if is_nothing(entry.value) => {}
                Some(key) => {
                    if !is_read_apart(&key.value_type, entry.value) {
                        check.entry(&Value::of(entry.value), &key.value_type, entry.key, root);
                    }
                    if let SupportLevel::Noted(why) = key.support {
                        let message = format!("`{name}` is left aside: {why}");
                        let warning = Warning::at(entry.key.origin(root), message);
                        diagnostics.push(Severity::Note.diagnostic(warning));
                    }
                }
                None => check.unknown(entry.key, root, known.map(|key| key.name)),
            }
            let doubts = check.doubts.into_iter();
            diagnostics.extend(doubts.map(|doubt| Severity::Doubt.diagnostic(doubt)));
            entries.push((name, entry.key, entry.value));
        }
        Self { entries }
    }

    /// The value of a key, if it says something.
    pub(super) fn value(&self, name: &str) -> Option<Node<'d>> {
        self.entry(name).map(|(_, value)| value)
    }

    /// A key and its value, if it says something.
    pub(super) fn entry(&self, name: &str) -> Option<(Node<'d>, Node<'d>)> {
        self.declared(name).filter(|(_, value)| !is_nothing(*value))
    }

    /// A key and its value, whatever that is.
    pub(super) fn declared(&self, name: &str) -> Option<(Node<'d>, Node<'d>)> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(key, ..)| *key == name);
        found.map(|&(_, key, value)| (key, value))
    }
}

/// Mappings of other keys: who reads them checks them.
fn is_read_apart(value_type: &ValueType, value: Node<'_>) -> bool {
    match value_type {
        ValueType::Map(_) => value.as_mapping().is_some(),
        ValueType::List(ValueType::Map(_)) => value.as_sequence().is_some(),
        _ => false,
    }
}

pub(super) fn is_nothing(node: Node<'_>) -> bool {
    matches!(Value::of(node), Value::Nothing(_))
}
