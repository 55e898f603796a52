//! netplan's YAML, that which cloud-init writes of its own configuration
//! included, as interfaces of a plan.
//!
//! Three stages. *As written*: each file is parsed into a tree with positions
//! and held against the schema, the tables of every key that netplan's YAML
//! reference knows. *Merged*: the files that count come over one another in
//! netplan's order; mappings recurse, lists append, all else is replaced, and
//! `null` takes back what was said. *Lowered*: each definition becomes an
//! [`Interface`](nvmeroot_plan::Interface); what the plan does not carry out of
//! it becomes one of its [`diagnostics`](nvmeroot_plan::Interface::diagnostics), to be
//! said where it matters.
//!
//! Every scalar is read as its text, as netplan does: an unquoted MAC address
//! is no number, and `y` is a boolean only where a boolean belongs.

pub(crate) mod check;
mod files;
pub(crate) mod findings;
mod lower;
mod merged;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod value;

#[cfg(test)]
mod tests;

use nvmeroot_plan::{Fragment, Warning};

use self::files::File;
pub use self::files::Source;
use crate::IntakeError;
use crate::cloud_init::{self, Rendered};
use crate::curtin;
use crate::diagnostic::Diagnostics;
use crate::yaml::{self, Document, Position};

/// Reads all network files of a system as netplan does: which of them count,
/// in which order, what they say together. Those of cloud-init stand for the
/// file that it writes of them all.
///
/// The fragment holds interfaces in the order in which they first come up, or
/// `None` where no file says anything under `network`.
///
/// # Errors
/// A file that is no YAML; or every wrong value, type and reference, each with
/// its place in its file. An unknown key is none, but a doubt among the
/// interface's diagnostics.
pub fn read(sources: &[Source<'_>]) -> Result<Fragment, IntakeError> {
    read_with(sources, None)
}

/// The same, where curtin's configuration has a `network` key of its own.
///
/// curtin writes its files first (`write_files`, when it has extracted the
/// root tree), then hands `network` to cloud-init in
/// `etc/cloud/cloud.cfg.d/50-curtin-networking.cfg` (curthooks). So a file of
/// that name is written over; any other counts beside it, as the running
/// system reads both.
///
/// # Errors
/// Those of [`read`].
pub fn read_with(
    sources: &[Source<'_>],
    curtin: Option<&curtin::Network>,
) -> Result<Fragment, IntakeError> {
    let cloud_init = rendered(sources, curtin)?;
    let of_netplan = files::of_netplan(sources);
    let mut documents = Vec::with_capacity(of_netplan.len());
    for &source in &of_netplan {
        documents.push(parse(source)?);
    }
    let mut warnings = cloud_init.warnings;
    let mut files: Vec<File<'_, '_>> = Vec::with_capacity(documents.len() + 1);
    for (source, document) in of_netplan.into_iter().zip(&documents) {
        if cloud_init.document.is_some() && source.is_cloud_inits() {
            warnings.push(hidden(source));
        } else {
            files.push(File::of(source, document));
        }
    }
    if let Some(document) = &cloud_init.document {
        let file = File::of_cloud_init(document);
        let at = files.partition_point(|before| before.name < file.name);
        files.insert(at, file);
    }
    let is_wrong = !cloud_init.faults.shown.is_empty();
    let (mut fragment, found) = together(&files, is_wrong);
    for interface in fragment.interfaces.iter_mut().flatten() {
        if let Some(diagnostics) = cloud_init.diagnostics.get(interface.id.as_str()) {
            interface.diagnostics.extend_from_slice(diagnostics);
        }
    }
    warnings.extend(with_faults(cloud_init.faults, found)?);
    fragment.warnings = warnings;
    Ok(fragment)
}

/// The interfaces of a document that was put together in netplan's words.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn lowered(document: &Document) -> Result<Fragment, IntakeError> {
    let (mut fragment, found) = together(&[File::of_words(document)], false);
    fragment.warnings = found?;
    Ok(fragment)
}

/// What the files say together, and the warnings or all faults. `is_wrong`: what comes
/// before them is; where values are wrong, what depends on them would only add noise.
fn together(
    files: &[File<'_, '_>],
    is_wrong: bool,
) -> (Fragment, Result<Vec<Warning>, Diagnostics>) {
    let mut findings = findings::Findings::new(files.iter().map(|file| file.document));
    let network = merged::merge(files, &mut findings);
    let mut fragment = Fragment::default();
    if let Some(network) = network.filter(|_| !is_wrong && !findings.has_errors()) {
        let (interfaces, notices) = lower::lower(&network, &mut findings);
        fragment.interfaces = Some(interfaces);
        fragment.notices = notices;
    }
    (fragment, findings.finish())
}

fn parse(source: &Source<'_>) -> Result<Document, IntakeError> {
    let own = || (source.name.as_str().into(), Position::START);
    let (file, start) = source.within.clone().unwrap_or_else(own);
    match yaml::parse(&file, source.text) {
        Ok(document) => Ok(document.in_text_from(start)),
        Err(source) => Err(IntakeError::Yaml {
            file,
            start,
            source,
        }),
    }
}

/// What cloud-init makes of its files and of curtin's key.
fn rendered(
    sources: &[Source<'_>],
    curtin: Option<&curtin::Network>,
) -> Result<Rendered, IntakeError> {
    let mut configuration = cloud_init::Files::default();
    let mut curtin = curtin.map(curtin::Network::document);
    for source in files::of_cloud_init(sources, curtin.is_some()) {
        if let Some(document) = curtin.filter(|_| source.is_after_curtins()) {
            configuration.add_network(document.clone());
            curtin = None;
        }
        configuration.add(&parse(source)?, source.is_seed());
    }
    if let Some(document) = curtin {
        configuration.add_network(document.clone());
    }
    Ok(configuration.render())
}

fn hidden(source: &Source<'_>) -> Warning {
    let message = format!(
        "cloud-init writes `{}` anew when the machine first boots, so what it says now does not count",
        source.shown_path()
    );
    Warning::at(source.origin(), message)
        .with_hint("give the file another name, or leave the network to cloud-init")
}

/// The warnings, or all faults.
fn with_faults(
    mut faults: Diagnostics,
    found: Result<Vec<Warning>, Diagnostics>,
) -> Result<Vec<Warning>, Diagnostics> {
    match found {
        Ok(warnings) if faults.shown.is_empty() => return Ok(warnings),
        Ok(warnings) => faults.warnings.extend(warnings),
        Err(more) => faults.append(more),
    }
    Err(faults)
}
