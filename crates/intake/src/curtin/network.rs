//! curtin's own `network` key, version 1 or 2 (curtin `doc/topics/networking.rst`,
//! `curtin/commands/net_meta.py`, `curtin/commands/apply_net.py`).
//!
//! curtin writes it as it is into the root tree, as cloud-init's configuration,
//! and cloud-init makes netplan's file of it when the machine first boots. Where
//! the tree has no cloud-init, curtin renders version 1 itself for ifupdown;
//! what is meant is the same.

use std::sync::Arc;

use nvmeroot_plan::Warning;

use super::value::{is_null, misshapen};
use crate::cloud_init::network_of;
use crate::diagnostic::Report;
use crate::yaml::{Document, KeyPath, Kind, Mapping};

/// The value under `network`, as curtin hands it to cloud-init.
#[derive(Clone, Debug)]
pub struct Network(Arc<Document>);

impl Network {
    pub(crate) fn document(&self) -> &Arc<Document> {
        &self.0
    }
}

pub(super) fn read(report: &mut Report, root: Mapping<'_>) -> Option<Network> {
    let path = KeyPath::ROOT.key("network");
    let entry = root.entry("network")?;
    if is_null(entry.value) {
        return None;
    }
    match entry.value.kind() {
        Kind::Mapping(mapping) if mapping.is_empty() => {
            let origin = entry.value.origin(&path);
            let warning = Warning::at(origin, "`network` is empty, and curtin refuses that");
            report.warn(warning.with_hint("remove it, or write `network: {config: disabled}`"));
            None
        }
        Kind::Mapping(_) => Some(Network(Arc::new(network_of(entry.key, entry.value, &path)))),
        Kind::Scalar(_) | Kind::Sequence(_) => {
            let expected = "a mapping with `version`";
            misshapen(report, entry.value, &path, "`network`", expected, None);
            None
        }
    }
}
