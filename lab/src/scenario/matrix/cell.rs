//! The cells of the matrix, and those that nvmeroot does not carry yet.

use std::fmt;

use crate::host_spec::{Generator, Manager, Release};
use crate::installed::{Address, Network};

/// One value of each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Which Debian the host is.
    pub release: Release,
    /// What makes its initramfs.
    pub generator: Generator,
    /// What manages its network.
    pub manager: Manager,
    /// How it gets its address, and over what.
    pub network: Kind,
}

/// A kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A static IPv4 address and a default route.
    Static,
    /// DHCPv4.
    Dhcp4,
    /// IPv6 by router advertisements.
    Advertised,
    /// A VLAN on a bond of two cards, with a static address.
    VlanOnBond,
}

impl Kind {
    /// Each of them.
    pub const ALL: [Self; 4] = [
        Self::Static,
        Self::Dhcp4,
        Self::Advertised,
        Self::VlanOnBond,
    ];

    /// As in the names of scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dhcp4 => "dhcp4",
            Self::Advertised => "ra",
            Self::VlanOnBond => "vlan-on-bond",
        }
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dhcp4 => "DHCPv4",
            Self::Advertised => "IPv6 RA",
            Self::VlanOnBond => "VLAN on bond",
        }
    }

    pub(super) fn network(self) -> Network {
        let card = Network {
            cards: &["ens3"],
            bond: None,
            vlan: None,
            address: Address::Dhcp4,
        };
        match self {
            Self::Static => Network {
                address: Address::Static("10.77.0.50/24", Some("10.77.0.1")),
                ..card
            },
            Self::Dhcp4 => card,
            Self::Advertised => Network {
                address: Address::Advertised,
                ..card
            },
            Self::VlanOnBond => Network {
                cards: &["ens3", "ens4"],
                bond: Some("bond0"),
                vlan: Some(("bond0.7", 7)),
                address: Address::Static("10.77.0.50/24", None),
            },
        }
    }
}

impl Cell {
    /// Each of them.
    pub fn all() -> Vec<Cell> {
        let mut all = Vec::new();
        for manager in Manager::ALL {
            for generator in Generator::ALL {
                for release in Release::ALL {
                    all.extend(Kind::ALL.map(|network| Cell {
                        release,
                        generator,
                        manager,
                        network,
                    }));
                }
            }
        }
        all
    }

    /// The values of its axes, each a number of its own.
    pub(super) fn values(&self) -> [usize; 4] {
        let [releases, generators, managers] =
            [Release::ALL.len(), Generator::ALL.len(), Manager::ALL.len()];
        [
            self.release as usize,
            releases + self.generator as usize,
            releases + generators + self.manager as usize,
            releases + generators + managers + self.network as usize,
        ]
    }

    /// Those that share a tree.
    pub(super) fn tree(&self) -> (Release, Generator, Manager) {
        (self.release, self.generator, self.manager)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generator = match self.generator {
            Generator::InitramfsTools => "initramfs",
            Generator::Dracut => "dracut",
        };
        let (release, manager) = (self.release.suite(), self.manager.name());
        write!(f, "{release}-{generator}-{manager}-{}", self.network.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_value_has_a_number_of_its_own() {
        let cells = Cell::all();
        assert_eq!(cells.len(), 3 * 2 * 5 * 4);
        let values: BTreeSet<usize> = cells.iter().flat_map(Cell::values).collect();
        assert_eq!(values.len(), 3 + 2 + 5 + 4);
    }
}
