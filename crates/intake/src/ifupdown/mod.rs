//! ifupdown's `/etc/network/interfaces` (interfaces(5)), with the options of Debian's
//! packages ifenslave, bridge-utils and vlan.
//!
//! ifupdown runs programs: what a `post-up` line does is known only where it adds a route,
//! a rule or an address by `ip`. Another is told where the path needs its interface.

mod address;
mod command;
mod file;
mod link;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{Fragment, Origin, Warning};

use self::file::{Item, Stanza};
use crate::IntakeError;
use crate::native::{Files, Network};

/// The file that everything begins with.
pub const INTERFACES: &str = "etc/network/interfaces";

/// Reads the file and those that it includes. The fragment holds no network configuration
/// where there is no interface but `lo`. The names of the files that were read come beside
/// it, with their texts.
///
/// # Errors
/// What the kernel or ifupdown would not take.
pub fn read(files: &dyn Files) -> Result<(Fragment, BTreeMap<String, String>), IntakeError> {
    let parsed = file::read(files, INTERFACES);
    let mut network = Network::default();
    network.warnings = parsed.warnings;
    let mut templates: BTreeMap<&str, &Stanza> = BTreeMap::new();
    let mut logical: BTreeSet<&str> = BTreeSet::new();
    for item in &parsed.items {
        match item {
            Item::Interface(stanza) => {
                templates.entry(&stanza.name).or_insert(stanza);
            }
            Item::Logical { name, origin } => {
                logical.insert(name);
                network.warnings.push(unfollowed(origin, name));
            }
        }
    }
    for item in &parsed.items {
        if let Item::Interface(stanza) = item
            && !logical.contains(stanza.name.as_str())
        {
            interface(&mut network, stanza, &templates);
        }
    }
    Ok((network.finish()?, parsed.texts))
}

fn unfollowed(origin: &Origin, name: &str) -> Warning {
    let message = format!(
        "which card gets the stanza `{name}` is not followed: `mapping` and `CARD={name}` are decided when ifup runs"
    );
    Warning::at(origin.clone(), message)
        .with_hint("give the interface that leads to the storage an `iface` line of its own name")
}

/// As deep as stanzas inherit.
const MOST_PARENTS: usize = 16;

/// The options of a stanza after those that it inherits, which count less.
fn options<'a>(
    stanza: &'a Stanza,
    templates: &BTreeMap<&str, &'a Stanza>,
) -> Vec<&'a file::OptionLine> {
    let mut chain = vec![stanza];
    while let Some(parent) = chain[chain.len() - 1].inherits.as_deref() {
        match templates.get(parent) {
            Some(parent) if chain.len() < MOST_PARENTS => chain.push(parent),
            _ => break,
        }
    }
    chain
        .into_iter()
        .rev()
        .flat_map(|one| &one.options)
        .collect()
}

fn interface(network: &mut Network, stanza: &Stanza, templates: &BTreeMap<&str, &Stanza>) {
    // An address beside the others has a name with a colon (`eth0:1`).
    let name = stanza.name.split(':').next().unwrap_or_default();
    if name == "lo" || stanza.method == "loopback" || name.is_empty() || name.starts_with('/') {
        return;
    }
    let options = options(stanza, templates);
    network.link(name, &stanza.origin);
    link::kind(network, name, &stanza.origin, &options);
    address::read(network.link(name, &stanza.origin), stanza, &options);
    for option in &options {
        if option.is_command() {
            command::read(network, name, option);
        }
    }
}
