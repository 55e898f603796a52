//! The network cards that the machine is known to have.

use nvmeroot_plan::{MacAddress, matches_glob};

/// A card of the machine that boots, where that is the one that runs this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Its own address (`ethtool -P`), else that which it has.
    pub mac: Option<MacAddress>,
    /// The name of its driver.
    pub driver: Option<String>,
}

/// Which cards something is for; all that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Shell patterns, one of which must fit; empty: any.
    pub(crate) names: Vec<String>,
    pub(crate) macs: Vec<MacAddress>,
    pub(crate) drivers: Vec<String>,
}

impl Wanted {
    pub(crate) fn fits(&self, card: &Card) -> bool {
        let has_mac = self.macs.is_empty() || card.mac.is_some_and(|mac| self.macs.contains(&mac));
        let driver = card.driver.as_deref().unwrap_or_default();
        self.has_name(&card.name) && has_mac && fits(&self.drivers, driver)
    }

    /// As far as names go.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        fits(&self.names, name)
    }

    /// The one name, where it is said.
    pub(crate) fn name(&self) -> Option<&str> {
        match self.names.as_slice() {
            [name] if !name.contains(['*', '?', '[', '!']) => Some(name),
            _ => None,
        }
    }
}

fn fits(globs: &[String], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| matches_glob(glob, text))
}
