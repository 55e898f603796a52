//! A mapping's entries, each held against its key.

use nvmeroot_plan::{InterfaceDiagnostic, Severity, Warning};

use crate::netplan::check::Check;
use crate::netplan::findings::Findings;
use crate::netplan::schema::{Key, SupportLevel, ValueType};
use crate::netplan::value::Value;
use crate::yaml::{KeyPath, Mapping, Node, Sequence};

/// Diagnostics on what is no interface.
pub(super) fn warn_all(diagnostics: Vec<InterfaceDiagnostic>, findings: &mut Findings<'_>) {
    for diagnostic in diagnostics {
        findings.warn(diagnostic.warning);
    }
}

/// What netplan would not understand.
pub(super) fn doubts(check: Check<'_, '_>) -> impl Iterator<Item = InterfaceDiagnostic> {
    let doubts = check.doubts.into_iter();
    doubts.map(|doubt| Severity::Doubt.diagnostic(doubt))
}

/// A warning about a node, which knows where it was written.
pub(super) fn at(node: Node<'_>, message: impl Into<String>) -> Warning {
    Warning::at(node.origin(&KeyPath::ROOT), message)
}

/// The members of a list that are mappings. Another is an error: `what` says what it
/// should be, and `expected` what such a mapping has.
pub(super) fn mappings<'d, T>(
    list: Node<'d>,
    what: &str,
    expected: &str,
    findings: &mut Findings<'d>,
    mut read: impl FnMut(Mapping<'d>, Node<'d>, &mut Findings<'d>) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for node in list.as_sequence().into_iter().flat_map(Sequence::iter) {
        match node.as_mapping() {
            Some(mapping) => found.extend(read(mapping, node, findings)),
            None => {
                let message = format!("this {what} is no mapping");
                findings.misfit(node, &KeyPath::ROOT, message, expected);
            }
        }
    }
    found
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
                        let note = Severity::Note.diagnostic(at(entry.key, message));
                        diagnostics.push(note);
                    }
                }
                None => check.unknown(entry.key, root, known.map(|key| key.name)),
            }
            diagnostics.extend(doubts(check));
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
