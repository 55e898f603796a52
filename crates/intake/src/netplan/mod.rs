//! netplan's YAML, and cloud-init's network file where it is the same
//! (version 2), as interfaces of a plan.
//!
//! Three stages. *As written*: each file is parsed into a tree with positions
//! and held against the schema, the tables of every key that netplan's YAML
//! reference knows. *Merged*: the files that count come over one another in
//! netplan's order; mappings recurse, lists append, all else is replaced, and
//! `null` takes back what was said. *Lowered*: each definition becomes an
//! [`Interface`](nvmeroot_plan::Interface); what the plan does not carry out of
//! it becomes one of its [`remarks`](nvmeroot_plan::Interface::remarks), to be
//! said where it matters.
//!
//! Every scalar is read as its text, as netplan does: an unquoted MAC address
//! is no number, and `y` is a boolean only where a boolean belongs.

mod check;
mod files;
mod findings;
mod lower;
mod merged;
mod read;
mod schema;
mod value;

#[cfg(test)]
mod tests;

use nvmeroot_plan::Fragment;

pub use self::files::Source;
use crate::IntakeError;
use crate::yaml;

/// Reads all network files of a system as netplan does: which of them count,
/// in which order, what they say together.
///
/// The fragment holds interfaces in the order in which they first come up, or
/// `None` where no file says anything under `network`.
///
/// # Errors
/// A file that is no YAML; or every wrong value, type and reference, each with
/// its place in its file. An unknown key is none, but a doubt among the
/// interface's remarks.
pub fn read(sources: &[Source<'_>]) -> Result<Fragment, IntakeError> {
    let order = files::in_order(sources);
    let mut documents = Vec::with_capacity(order.len());
    for &at in &order {
        let source = &sources[at];
        let document =
            yaml::parse(&source.name, source.text).map_err(|error| IntakeError::Yaml {
                file: source.name.as_str().into(),
                source: error,
            })?;
        documents.push(document);
    }
    let files: Vec<_> = order
        .iter()
        .map(|&at| &sources[at])
        .zip(&documents)
        .collect();
    let mut findings = findings::Findings::new(&documents);
    let network = merged::merge(&files, &mut findings);
    // Where values are wrong, what depends on them would only add noise.
    let interfaces = match network {
        Some(network) if !findings.has_errors() => Some(lower::lower(&network, &mut findings)),
        _ => None,
    };
    Ok(Fragment {
        warnings: findings.finish()?,
        interfaces,
        ..Fragment::default()
    })
}
