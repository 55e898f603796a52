//! One file of cloud-init.

use nvmeroot_plan::Warning;

use super::merge::network_of;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::pyyaml::{self, Excerpt};
use crate::yaml::{Document, Fault, KeyPath, KeyPaths};

/// What it says of the network, and warnings. Its other keys are no business
/// of the network's.
pub(super) fn read(document: &Document) -> Result<(Option<Document>, Vec<Warning>), Diagnostics> {
    let root = document.root();
    let Some(mapping) = root.as_mapping() else {
        if matches!(root.text(), Some("" | "~" | "null")) {
            return Ok((None, Vec::new()));
        }
        let origin = root.origin(&KeyPath::ROOT);
        let fault = Diagnostic::new(origin, "the file is no mapping");
        return Err(fault.expected("a mapping with the key `network`").into());
    };
    let path = KeyPath::ROOT.key("network");
    let network = match mapping.entry("network") {
        Some(entry) => network_of(entry.key, entry.value, &path),
        // A network file of its own may leave the wrapper out.
        None if mapping.get("version").is_some() => network_of(root, root, &KeyPath::ROOT),
        None => return Ok((None, Vec::new())),
    };
    if let Some((node, refusal)) = pyyaml::refusals(document).into_iter().next() {
        let path = KeyPaths::new(document).of(node);
        let origin = node.origin(&KeyPath::ROOT).with_key(path);
        return Err(Diagnostic::new(origin, refusal.to_string()).into());
    }
    Ok((Some(network), duplicates(document)))
}

fn duplicates(document: &Document) -> Vec<Warning> {
    let mut twice = document.faults().peekable();
    if twice.peek().is_none() {
        return Vec::new();
    }
    let paths = KeyPaths::new(document);
    twice
        .filter_map(|fault| match fault {
            Fault::DuplicateKey { first, again } => Some((first, again)),
            Fault::MergeValue { .. } | Fault::CollectionKey { .. } => None,
        })
        .map(|(first, again)| {
            let message = format!(
                "the key `{}` is here twice, first in line {}; the last one counts",
                Excerpt(again.text().unwrap_or_default()),
                first.position().line
            );
            let origin = again.origin(&KeyPath::ROOT).with_key(paths.of(again));
            Warning::at(origin, message).with_hint("keep one of the two")
        })
        .collect()
}
