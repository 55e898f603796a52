//! What is known of the links that the plan's interfaces are.

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{Interface, InterfaceName};

/// The links of the plan's interfaces, and how far they are.
#[derive(Debug, Default)]
pub(super) struct LinkTable {
    /// By index: one that is matched and not renamed has another name than the
    /// plan's.
    index: BTreeMap<InterfaceName, u32>,
    /// Those that others may be set on.
    prepared: BTreeSet<InterfaceName>,
    /// Bonds that have carrier and lose what they are given: they negotiate.
    negotiating: BTreeSet<InterfaceName>,
}

impl LinkTable {
    /// The interface is this link.
    pub(super) fn found(&mut self, interface: &InterfaceName, index: u32) {
        self.index.insert(interface.clone(), index);
    }

    /// The index of the interface's link.
    pub(super) fn of(&self, interface: &InterfaceName) -> Option<u32> {
        self.index.get(interface).copied()
    }

    /// Others may be set on the interface.
    pub(super) fn is_prepared(&mut self, interface: &InterfaceName) {
        self.prepared.insert(interface.clone());
    }

    /// The same when others may be set on it.
    pub(super) fn prepared(&self, interface: &InterfaceName) -> Option<u32> {
        self.of(interface)
            .filter(|_| self.prepared.contains(interface))
    }

    /// The bond negotiates with the other side, or has ended that.
    pub(super) fn set_negotiating(&mut self, bond: &InterfaceName, negotiates: bool) {
        if negotiates {
            self.negotiating.insert(bond.clone());
        } else {
            self.negotiating.remove(bond);
        }
    }

    /// The link is a bond that negotiates, or stands on one.
    pub(super) fn negotiates(&self, all: &[Interface], link: u32) -> bool {
        if self.negotiating.is_empty() {
            return false;
        }
        let these = self.index.iter().filter(|(_, index)| **index == link);
        let below = with_what_is_below(all, these.map(|(name, _)| name));
        below
            .into_iter()
            .any(|name| self.negotiating.contains(name))
    }
}

/// These interfaces, and all that they stand on or hold.
pub(crate) fn with_what_is_below<'a>(
    all: &'a [Interface],
    names: impl Iterator<Item = &'a InterfaceName>,
) -> BTreeSet<&'a InterfaceName> {
    let mut open: Vec<_> = names.collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            let parents = all
                .iter()
                .filter(|i| i.name == *name)
                .flat_map(|i| i.kind.parents());
            let names = parents.filter_map(|id| all.iter().find(|i| i.id == *id));
            open.extend(names.map(|i| &i.name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::{Bond, Bridge, LinkKind, Origin};

    fn interface(name: &str, kind: LinkKind) -> Interface {
        let id = name.parse().expect("an id");
        let name = name.parse().expect("a name");
        Interface::new(id, name, kind, Origin::whole("test"))
    }

    #[test]
    fn what_stands_on_a_bond_waits_with_it_and_its_members_do_not() {
        let bond = LinkKind::Bond {
            bond: Bond {
                members: vec!["ens3".parse().expect("an id")],
                ..Bond::default()
            },
        };
        let bridge = LinkKind::Bridge {
            bridge: Bridge {
                members: vec!["bond0".parse().expect("an id")],
                ..Bridge::default()
            },
        };
        let all = [
            interface("ens3", LinkKind::Ethernet),
            interface("bond0", bond),
            interface("br0", bridge),
            interface("ens4", LinkKind::Ethernet),
        ];
        let mut links = LinkTable::default();
        for (one, index) in all.iter().zip(1..) {
            links.found(&one.name, index);
        }
        let negotiates = |links: &LinkTable| [1, 2, 3, 4].map(|link| links.negotiates(&all, link));
        assert_eq!(negotiates(&links), [false; 4]);
        links.set_negotiating(&all[1].name, true);
        assert_eq!(negotiates(&links), [false, true, true, false]);
        links.set_negotiating(&all[1].name, false);
        assert_eq!(negotiates(&links), [false; 4]);
    }
}
