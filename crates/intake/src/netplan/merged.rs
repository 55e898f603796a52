//! Several files as one: what each writes is held against the schema, then they
//! come over one another in netplan's order.

use nvmeroot_plan::Warning;

use super::check::{Check, shown};
use super::files::{Reader, Source};
use super::findings::{Findings, origin};
use super::schema::{self, NETWORK, SECTIONS};
use super::value::{Entry, Map, Value};
use crate::yaml::{Document, Fault, KeyPath, Node};

/// Characters that netplan takes for a pattern in an id.
const GLOB: [char; 4] = ['*', '[', ']', '?'];

/// What all files together say under `network`; `None` where none says
/// anything.
pub(super) fn merge<'d>(
    files: &[(&Source<'_>, &'d Document)],
    findings: &mut Findings<'d>,
) -> Option<Map<'d>> {
    let mut parts: Vec<(Reader, Map<'d>)> = Vec::new();
    for &(source, document) in files {
        note_file(source, document, findings);
        let root = Value::of(document.root());
        let (said, network) = match source.reader() {
            Reader::Netplan => (true, of_netplan(root, findings)),
            Reader::CloudInit => of_cloud_init(root, findings),
        };
        // cloud-init goes by the last of its files that says something.
        if said && source.reader() == Reader::CloudInit {
            parts.retain(|(reader, _)| *reader == Reader::Netplan);
        }
        if let Some(map) = network {
            parts.push((source.reader(), map));
        }
    }
    let mut parts = parts.into_iter().map(|(_, map)| map);
    let mut merged = parts.next()?;
    parts.for_each(|map| merged.merge(map));
    Some(merged)
}

fn note_file<'d>(source: &Source<'_>, document: &'d Document, findings: &mut Findings<'d>) {
    if source.is_ignored_by_netplan() {
        let whole = nvmeroot_plan::Origin::whole(document.name().clone());
        let message = "netplan reads only files whose name ends in `.yaml`, so the running \
                       system does without this one";
        findings.warn(Warning::at(whole, message).with_hint("rename it"));
    }
    for fault in document.faults() {
        if let Fault::DuplicateKey { first, again } = fault {
            let message = format!(
                "`{}` is here a second time, first in line {}; netplan reads both, one over the other",
                shown(again.text().unwrap_or_default()),
                first.position().line
            );
            let at = origin(again, &KeyPath::ROOT);
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
            let name = shown(entry.name());
            let at = origin(entry.key, &KeyPath::ROOT.key(entry.name()));
            let warning = Warning::at(at, format!("`{name}` does not stand under `network`"));
            findings.warn(warning.with_hint("put `network:` above it and indent the rest"));
        } else {
            let path = KeyPath::ROOT.key(entry.name());
            with_doubts(findings, |check| {
                check.unknown(entry.key, &path, ["network"]);
            });
        }
    }
    version_2(network, findings, |node, path, findings| {
        findings.error(node, path, "this version is not netplan's", |d| {
            d.expected("`2`")
        });
    })
}

/// Says also whether the file says anything of the network. Its other keys are
/// no business of the network's.
fn of_cloud_init<'d>(root: Value<'d>, findings: &mut Findings<'d>) -> (bool, Option<Map<'d>>) {
    let Some(map) = top(root, findings) else {
        return (false, None);
    };
    let (map, path) = match map.entry("network") {
        Some(entry) => match &entry.value {
            Value::Map(network) => (network.clone(), KeyPath::ROOT.key("network")),
            _ => {
                let path = KeyPath::ROOT.key("network");
                return (true, under_network(entry, &path, findings));
            }
        },
        // A network file of its own may leave the wrapper out.
        None if map.entry("version").is_some() => (map, KeyPath::ROOT),
        None => return (false, None),
    };
    if map.text("config") == Some("disabled") {
        return (true, None);
    }
    if map.text("version") == Some("1") {
        let version = map.entry("version").map_or(map.node, |entry| entry.key);
        let message = "version 1 of cloud-init's network configuration is not read yet, so \
                       nothing of it is in the plan";
        findings.warn(
            Warning::at(origin(version, &path.key("version")), message)
                .with_hint("write the network as netplan has it, with `version: 2`"),
        );
        return (true, None);
    }
    check_network(&map, &path, findings);
    let read = version_2(Some(map), findings, |node, path, findings| {
        findings.error(node, path, "this version is unknown", |d| d.expected("`2`"));
    });
    (true, read)
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
                check.entry(value, &schema::Shape::Map(&[]), entry.key, path);
            });
            None
        }
    }
}

fn version_2<'d>(
    network: Option<Map<'d>>,
    findings: &mut Findings<'d>,
    refuse: impl FnOnce(Node<'d>, &KeyPath<'_>, &mut Findings<'d>),
) -> Option<Map<'d>> {
    let network = network?;
    if let Some(Value::Scalar(version)) = network.get("version")
        && version.text().trim() != "2"
    {
        let path = KeyPath::ROOT.key("network");
        refuse(version.node(), &path.key("version"), findings);
    }
    Some(network)
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
                    check.entry(value, &schema::Shape::Map(&[]), entry.key, &path);
                }),
            }
        } else if let Some(key) = NETWORK.iter().find(|key| key.name == name) {
            with_doubts(findings, |check| {
                check.entry(&entry.value, &key.shape, entry.key, &path);
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
            let message = format!("`{}` can't be an interface's id", shown(id));
            findings.error(entry.key, &path, message, |d| d.expected(expected));
        }
        match &entry.value {
            Value::Map(map) => Check::new(findings).map(map, section.keys, &path),
            Value::Nothing(_) => {}
            value => {
                Check::new(findings).entry(value, &schema::Shape::Map(&[]), entry.key, &path);
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
