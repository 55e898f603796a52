//! systemd-networkd's own files (systemd.network(5), systemd.netdev(5)).

mod address;
mod device;
mod file;
mod fits;
mod network;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{Fragment, Warning};

use self::file::{File, Matched};
pub use self::fits::{Fit, network_fits};
use crate::IntakeError;
use crate::native::{Card, Files, Network};

/// Reads the files of networkd's own. `cards`: those that the machine is known to have; a
/// file that names its cards by anything but their names is for those of them that fit.
/// The texts of the files come beside the fragment.
///
/// # Errors
/// What the kernel would not take.
pub fn read(
    files: &dyn Files,
    cards: &[Card],
) -> Result<(Fragment, BTreeMap<String, String>), IntakeError> {
    let mut texts = BTreeMap::new();
    let devices = file::all(files, ".netdev", &mut texts);
    let networks = file::all(files, ".network", &mut texts);
    let mut network = Network::default();
    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    for one in &devices {
        if let Some((name, kind)) = device::read(&mut network, one) {
            kinds.insert(name, kind);
        }
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for one in &networks {
        match one.matched() {
            Matched::Never => {}
            Matched::Unknown(key, origin) => {
                let message = format!(
                    "which interfaces `{}` is for is not followed: `{key}` is not looked at",
                    one.path
                );
                let warning = Warning::at(origin, message).with_hint(
                    "name the interface that leads to the storage: `Name=` in `[Match]`",
                );
                network.warnings.push(warning);
            }
            Matched::These(wanted) => {
                for name in wanted.names_among(cards, &kinds) {
                    if taken.insert(name.clone()) {
                        network::read(&mut network, &name, one, &wanted);
                    }
                }
                let is_open = cards.is_empty() && wanted.is_for_unknown_cards();
                if is_open && taken.insert(one.stem().to_owned()) {
                    unknown_card(&mut network, one, &wanted);
                }
            }
        }
    }
    Ok((network.finish()?, texts))
}

/// A card of which only a pattern or an address is known.
fn unknown_card(network: &mut Network, file: &File, wanted: &file::Wanted) {
    let name = file.stem();
    network::read(network, name, file, wanted);
    let origin = file.origin();
    let words = network.link(name, &origin).words.map("match", &origin);
    match (wanted.card.macs.first(), wanted.card.names.first()) {
        (Some(mac), _) => words.text("macaddress", &origin, mac.to_string()),
        (None, Some(glob)) => words.text("name", &origin, glob),
        (None, None) => words.text("name", &origin, "*"),
    }
}
