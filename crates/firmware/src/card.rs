//! A network card that is there.

use nvmeroot_plan::{CardFacts, InterfaceName, MacAddress};

/// A network card that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: InterfaceName,
    /// Its permanent MAC address.
    pub mac: MacAddress,
    /// The name of its driver.
    pub driver: Option<String>,
}

impl Card {
    /// What a plan may know it by.
    pub fn facts(&self) -> CardFacts<'_> {
        CardFacts {
            name: self.name.as_str(),
            mac: Some(self.mac),
            driver: self.driver.as_deref(),
        }
    }
}
