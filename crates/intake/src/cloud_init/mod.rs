//! cloud-init's network configuration, as the netplan file that cloud-init
//! writes of it in the running system, `etc/netplan/50-cloud-init.yaml`
//! (cloud-init 26.2: `cloudinit/net/network_state.py`, `cloudinit/net/netplan.py`,
//! `doc/rtd/reference/network-config-format-v1.rst`).
//!
//! Version 2 is netplan's own content, and cloud-init hands it on as PyYAML has
//! read it. Version 1, the list of `physical`, `bond` and so on that curtin and
//! MAAS write, is turned into netplan's words here as cloud-init does it. What
//! comes out is a YAML tree whose nodes point at the lines that the user wrote,
//! so that the `netplan` front-end reads, checks and lowers it like any other.
//!
//! What cloud-init drops on the way is a diagnostic on the interface that it stands
//! in. Routes alone are kept where cloud-init drops them, with a notice: they
//! may lead to the storage.

mod address;
mod device;
mod fields;
mod merge;
mod nameserver;
mod network;
mod parameters;
mod render;
mod route;
mod schema;
mod source;
mod subnet;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use nvmeroot_plan::{InterfaceDiagnostic, Warning};

pub(crate) use self::merge::network_of;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::netplan::findings::Findings;
use crate::yaml::{Document, KeyPath, Mapping, Node};

/// What cloud-init makes of its files.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    /// The file that it writes for netplan; `None`: it writes none.
    pub(crate) document: Option<Arc<Document>>,
    /// What of version 1 is not in the file, by the name of the interface.
    pub(crate) diagnostics: BTreeMap<String, Vec<InterfaceDiagnostic>>,
    /// What is said of no interface in particular.
    pub(crate) warnings: Vec<Warning>,
    /// What is wrong; then there is no document.
    pub(crate) faults: Diagnostics,
}

impl Rendered {
    fn fault(node: Node<'_>, path: &KeyPath<'_>, message: &str, expected: &str) -> Self {
        let fault = Diagnostic::new(node.origin(path), message).expected(expected);
        let mut rendered = Self::default();
        rendered.faults.shown.push(fault);
        rendered
    }
}

/// The files that say something of the network.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The system's own configuration, weakest first.
    system: Vec<Arc<Document>>,
    /// What counts where that says nothing.
    seeds: Vec<Arc<Document>>,
    warnings: Vec<Warning>,
    faults: Diagnostics,
}

impl Files {
    /// Adds a file, which comes over those before it.
    pub(crate) fn add(&mut self, document: &Document, is_seed: bool) {
        match source::read(document) {
            Ok((found, warnings)) => {
                self.warnings.extend(warnings);
                let files = if is_seed {
                    &mut self.seeds
                } else {
                    &mut self.system
                };
                files.extend(found.map(Arc::new));
            }
            Err(faults) => self.faults.shown.extend(faults.shown),
        }
    }

    /// Adds what [`network_of`] made.
    pub(crate) fn add_network(&mut self, document: Arc<Document>) {
        self.system.push(document);
    }

    /// What cloud-init writes of them.
    pub(crate) fn render(mut self) -> Rendered {
        if !self.faults.shown.is_empty() {
            return Rendered {
                faults: self.faults,
                ..Rendered::default()
            };
        }
        if self.system.is_empty() {
            // The first directory that has one.
            self.seeds.truncate(1);
            self.system = self.seeds;
        }
        let mut rendered = render(&self.system);
        rendered.warnings.splice(0..0, self.warnings);
        rendered
    }
}

fn render(files: &[Arc<Document>]) -> Rendered {
    let Some(merged) = merge::merged(files) else {
        return Rendered::default();
    };
    let path = KeyPath::ROOT.key("network");
    let network = merged.root().as_mapping();
    let Some(value) = network.and_then(|mapping| mapping.get("network")) else {
        return Rendered::default();
    };
    let Some(network) = value.as_mapping() else {
        if matches!(value.text(), Some("" | "null")) {
            return Rendered::default();
        }
        let message = "`network` is no mapping";
        return Rendered::fault(value, &path, message, "a mapping with `version`");
    };
    if network.get("config").and_then(Node::text) == Some("disabled") {
        return Rendered::default();
    }
    if merge::is_version_1(&[value]) {
        return version_1(&merged, value, network);
    }
    match network.get("version") {
        Some(node) if node.text().map(str::trim) != Some("2") => {
            let path = path.key("version");
            Rendered::fault(node, &path, "this version is unknown", "`1` or `2`")
        }
        _ => Rendered {
            document: Some(merged),
            ..Rendered::default()
        },
    }
}

fn version_1<'d>(document: &'d Document, node: Node<'d>, network: Mapping<'d>) -> Rendered {
    let mut findings = Findings::new([document]);
    let state = network::read(node, network, &mut findings);
    let diagnostics = state.diagnostics();
    let document = (!findings.has_errors()).then(|| Arc::new(render::render(&state)));
    match findings.finish() {
        Ok(warnings) => Rendered {
            document,
            diagnostics,
            warnings,
            faults: Diagnostics::default(),
        },
        Err(faults) => Rendered {
            faults,
            ..Rendered::default()
        },
    }
}
