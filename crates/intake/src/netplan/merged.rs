//! Several files as one: what each writes is held against the schema, then they
//! come over one another in netplan's order.

use nvmeroot_plan::Warning;

use super::check::Check;
use super::files::File;
use super::findings::Findings;
use super::schema::{self, NETWORK, SECTIONS};
use super::value::{Entry, Map, Value};
use crate::diagnostic::Excerpt;
use crate::yaml::{Fault, KeyPath};

/// Characters that netplan takes for a pattern in an id.
const GLOB: [char; 4] = ['*', '[', ']', '?'];

/// What all files together say under `network`; `None` where none says
/// anything.
pub(super) fn merge<'d>(files: &[File<'_, 'd>], findings: &mut Findings<'d>) -> Option<Map<'d>> {
    let mut merged: Option<Map<'d>> = None;
    for file in files {
        note_file(file, findings);
        let network = of_netplan(Value::of(file.document.root()), findings);
        match (&mut merged, network) {
            (Some(merged), Some(network)) => merged.merge(network),
            (None, network) => merged = network,
            (Some(_), None) => {}
        }
    }
    merged
}

fn note_file(file: &File<'_, '_>, findings: &mut Findings<'_>) {
    let document = file.document;
    if let Some(source) = file.source.filter(|one| one.is_ignored_by_netplan()) {
        let message = format!(
            "netplan reads only files whose name ends in `.yaml`, so the running system does without `{}`",
            source.shown_path()
        );
        findings.warn(Warning::at(source.origin(), message).with_hint("rename it"));
    }
    for fault in document.faults() {
        if let Fault::DuplicateKey { first, again } = fault {
            let message = format!(
                "`{}` is here a second time, first in line {}; netplan reads both, one over the other",
                Excerpt(again.text().unwrap_or_default()),
                first.position().line
            );
            let at = again.origin(&KeyPath::ROOT);
            findings.warn(Warning::at(at, message).with_hint("keep one of the two"));
        }
    }
}

fn of_netplan<'d>(root: Value<'d>, findings: &mut Findings<'d>) -> Option<Map<'d>> {
    let map = top(root, findings)?;
    let mut network = None;
    for entry in map.all() {
        if entry.name() == "network" {
            network = under_network(entry, &KeyPath::ROOT.key("network"), findings);
        } else if schema::section(entry.name()).is_some() && map.entry("network").is_none() {
            let name = Excerpt(entry.name());
            let at = entry.key.origin(&KeyPath::ROOT.key(entry.name()));
            let warning = Warning::at(at, format!("`{name}` does not stand under `network`"));
            findings.warn(warning.with_hint("put `network:` above it and indent the rest"));
        } else {
            let path = KeyPath::ROOT.key(entry.name());
            with_doubts(findings, |check| {
                check.unknown(entry.key, &path, ["network"]);
            });
        }
    }
    let network: Map<'d> = network?;
    if let Some(Value::Scalar(version)) = network.get("version")
        && version.text().trim() != "2"
    {
        let path = KeyPath::ROOT.key("network");
        let message = "this version is not netplan's";
        findings.misfit(version.node(), &path.key("version"), message, "`2`");
    }
    Some(network)
}

fn top<'d>(root: Value<'d>, findings: &mut Findings<'d>) -> Option<Map<'d>> {
    match root {
        Value::Nothing(_) => None,
        Value::Map(map) => Some(map),
        other => {
            findings.error(
                other.node(),
                &KeyPath::ROOT,
                "the file is no mapping",
                |d| d.expected("a mapping with the key `network`"),
            );
            None
        }
    }
}

fn under_network<'d>(
    entry: &Entry<'d>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) -> Option<Map<'d>> {
    match &entry.value {
        Value::Map(map) => {
            check_network(map, path, findings);
            Some(map.clone())
        }
        value => {
            with_doubts(findings, |check| {
                check.entry(value, &schema::ValueType::Map(&[]), entry.key, path);
            });
            None
        }
    }
}

/// Holds one file's `network` against the schema. Doubts about a definition
/// are left for later, when it is known what stands on it.
fn check_network<'d>(network: &Map<'d>, path: &KeyPath<'_>, findings: &mut Findings<'d>) {
    for entry in network.all() {
        let name = entry.name();
        let path = path.key(name);
        if let Some(section) = schema::section(name) {
            match &entry.value {
                Value::Map(definitions) => check_section(definitions, section, &path, findings),
                value => with_doubts(findings, |check| {
                    check.entry(value, &schema::ValueType::Map(&[]), entry.key, &path);
                }),
            }
        } else if let Some(key) = NETWORK.iter().find(|key| key.name == name) {
            with_doubts(findings, |check| {
                check.entry(&entry.value, &key.value_type, entry.key, &path);
            });
        } else {
            let names = NETWORK.iter().map(|key| key.name);
            let names = names.chain(SECTIONS.iter().map(|section| section.name));
            with_doubts(findings, |check| check.unknown(entry.key, &path, names));
        }
    }
}

fn check_section<'d>(
    definitions: &Map<'d>,
    section: &'static schema::Section,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) {
    for entry in definitions.all() {
        let id = entry.name();
        let path = path.key(id);
        if id == "renderer" {
            with_doubts(findings, |check| {
                check.entry(&entry.value, &schema::RENDERER, entry.key, &path);
            });
            continue;
        }
        if let Err(expected) = check_id(id) {
            let message = format!("`{}` can't be an interface's id", Excerpt(id));
            findings.misfit(entry.key, &path, message, expected);
        }
        match &entry.value {
            Value::Map(map) => Check::new(findings).map(map, section.keys, &path),
            Value::Nothing(_) => {}
            value => {
                Check::new(findings).entry(value, &schema::ValueType::Map(&[]), entry.key, &path);
            }
        }
    }
}

/// netplan: letters, digits and punctuation, and no pattern.
fn check_id(id: &str) -> Result<(), &'static str> {
    if id.is_empty()
        || !id
            .chars()
            .all(|c| c.is_alphanumeric() || c.is_ascii_punctuation())
    {
        Err("letters, digits and punctuation")
    } else if id.contains(GLOB) {
        Err("an id without patterns; those belong into its `match`")
    } else {
        Ok(())
    }
}

/// A check whose doubts are warnings, since they are about no interface.
fn with_doubts<'d>(findings: &mut Findings<'d>, run: impl FnOnce(&mut Check<'_, 'd>)) {
    let mut check = Check::new(findings);
    run(&mut check);
    for doubt in std::mem::take(&mut check.doubts) {
        findings.warn(doubt);
    }
}
