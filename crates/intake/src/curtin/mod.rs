//! curtin's configuration: its `storage` actions and the texts that it writes
//! into the root tree (curtin `doc/topics/storage.rst`, `curtin/block/schemas.py`,
//! `curtin/futil.py`).
//!
//! Only what decides how root is reached is looked at closely. Everything else
//! is curtin's own business and passes unseen, so that a configuration which
//! curtin accepts is accepted here.

mod action;
mod controller;
mod files;
mod item;
mod keys;
mod layer;
mod mount;
mod network;
mod other;
mod storage;
mod value;

use nvmeroot_plan::{Fragment, Warning};

pub use self::files::{EmbeddedText, TextKind};
pub use self::network::Network;

use crate::diagnostic::{Diagnostic, Report};
use crate::error::IntakeError;
use crate::yaml::{Document, KeyPath, KeyPaths, Mapping, parse, pyyaml};

/// What a curtin configuration says.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Its storage graph and the warnings; interfaces and host stay `None`.
    pub fragment: Fragment,
    /// The network configurations that it writes, in declared order.
    pub texts: Vec<EmbeddedText>,
    /// What it says under `network`, which curtin hands on to cloud-init.
    pub network: Option<Network>,
    /// What the user should know where it has no `storage` at all.
    pub without_storage: Option<Warning>,
}

/// Reads a curtin configuration. `name` is what messages call it.
///
/// Time is linear in the text's length.
///
/// # Errors
/// A text that is no YAML, and every value that cannot be meant: see
/// [`IntakeError::into_diagnostics`].
pub fn read(name: &str, bytes: impl AsRef<[u8]>) -> Result<Input, IntakeError> {
    if let Some(error) = other::fstab(name, bytes.as_ref()) {
        return Err(error.into());
    }
    let document = parse(name, bytes).map_err(IntakeError::of(name))?;
    let mut report = Report::default();
    faults(&mut report, &document);
    let mut input = Input::default();
    let root = root(&mut report, &document);
    let root = root.filter(|root| !other::is_refused(&mut report, &document, *root));
    if let Some(root) = root {
        input.fragment.storage = storage::read(&mut report, root);
        input.texts = files::read(&mut report, root, document.text());
        input.network = network::read(&mut report, root);
    }
    input.without_storage = other::without_storage(&document, root);
    input.fragment.warnings = report.finish()?;
    Ok(input)
}

/// What PyYAML would not have taken, and keys that are there twice.
fn faults(report: &mut Report, document: &Document) {
    let refusals = pyyaml::refusals(document);
    if refusals.is_empty() && document.faults().next().is_none() {
        return;
    }
    let paths = KeyPaths::new(document);
    for (node, refusal) in refusals {
        report.error(Diagnostic::new(paths.origin(node), refusal.to_string()));
    }
    for warning in pyyaml::duplicates(document, &paths) {
        report.warn(warning);
    }
}

fn root<'d>(report: &mut Report, document: &'d Document) -> Option<Mapping<'d>> {
    let root = document.root();
    if let Some(mapping) = root.as_mapping() {
        return Some(mapping);
    }
    if value::is_null(root) {
        return None;
    }
    let (path, what) = (&KeyPath::ROOT, "the configuration");
    let expected = "a mapping with `storage` and `write_files`";
    let is_archive = document.text().starts_with("#curtin-config-archive");
    let hint =
        is_archive.then_some("an archive of configurations is not read: pass the rendered one");
    value::misshapen(report, root, path, what, expected, hint);
    None
}

#[cfg(test)]
mod tests;
