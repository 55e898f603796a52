//! A mapping's entries, each held against its key.

use nvmeroot_plan::{InterfaceDiagnostic, Severity, Warning};

use crate::netplan::check::Check;
use crate::netplan::findings::Findings;
use crate::netplan::schema::{Key, SupportLevel, ValueType};
use crate::netplan::value::Value;
use crate::yaml::{KeyPath, Mapping, Node, Sequence};

/// What is found while an entry is read: errors, and what its interface is to bear.
pub(super) struct Told<'f, 'd> {
    pub(super) findings: &'f mut Findings<'d>,
    pub(super) diagnostics: Vec<InterfaceDiagnostic>,
}

impl<'f, 'd> Told<'f, 'd> {
    pub(super) fn new(findings: &'f mut Findings<'d>) -> Self {
        Self {
            findings,
            diagnostics: Vec::new(),
        }
    }

    /// Reports that something else was expected.
    pub(super) fn misfit(&mut self, node: Node<'d>, message: impl Into<String>, expected: &str) {
        let root = &KeyPath::ROOT;
        self.findings.misfit(node, root, message, expected);
    }

    pub(super) fn say(&mut self, severity: Severity, warning: Warning) {
        self.diagnostics.push(severity.diagnostic(warning));
    }

    /// Holds something against the schema; what netplan would not understand is a doubt.
    pub(super) fn check(&mut self, check: impl FnOnce(&mut Check<'_, 'd>)) {
        let mut checked = Check::new(self.findings);
        check(&mut checked);
        for doubt in checked.doubts {
            self.say(Severity::Doubt, doubt);
        }
    }

    /// It is no interface that could bear them.
    pub(super) fn warn_all(self) {
        warn_all(self.diagnostics, self.findings);
    }
}

/// Diagnostics on what is no interface.
pub(super) fn warn_all(diagnostics: Vec<InterfaceDiagnostic>, findings: &mut Findings<'_>) {
    for diagnostic in diagnostics {
        findings.warn(diagnostic.warning);
    }
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
    told: &mut Told<'_, 'd>,
    read: impl Fn(Mapping<'d>, Node<'d>, &mut Told<'_, 'd>) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for node in list.as_sequence().into_iter().flat_map(Sequence::iter) {
        match node.as_mapping() {
            Some(mapping) => found.extend(read(mapping, node, told)),
            None => told.misfit(node, format!("this {what} is no mapping"), expected),
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
        told: &mut Told<'_, 'd>,
    ) -> Self {
        let root = &KeyPath::ROOT;
        let mut entries = Vec::with_capacity(mapping.len());
        for entry in mapping.entries() {
            let name = entry.name();
            let known = keys.iter().flat_map(|group| group.iter());
            match known.clone().find(|key| key.name == name) {
                _ if is_nothing(entry.value) => {}
                Some(key) => {
                    if let SupportLevel::Noted(why) = key.support {
                        let message = format!("`{name}` is left aside: {why}");
                        told.say(Severity::Note, at(entry.key, message));
                    }
                    if !is_read_apart(&key.value_type, entry.value) {
                        let value = Value::of(entry.value);
                        told.check(|check| check.entry(&value, &key.value_type, entry.key, root));
                    }
                }
                None => {
                    let known = known.map(|key| key.name);
                    told.check(|check| check.unknown(entry.key, root, known));
                }
            }
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
