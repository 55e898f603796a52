//! One file of cloud-init.

use nvmeroot_plan::Warning;

use super::merge::network_of;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::{Document, KeyPath, KeyPaths, pyyaml};

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
        let origin = KeyPaths::new(document).origin(node);
        return Err(Diagnostic::new(origin, refusal.to_string()).into());
    }
    let warnings = match document.faults().next() {
        Some(_) => pyyaml::duplicates(document, &KeyPaths::new(document)),
        None => Vec::new(),
    };
    Ok((Some(network), warnings))
}
