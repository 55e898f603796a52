//! The network of the plan.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{DefinitionId, Interface, inserted};

/// All interfaces of the input, in bring-up order: parents before the
/// interfaces that stand on them, else in declared order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The interfaces.
    pub interfaces: Vec<Interface>,
}

impl Network {
    /// Puts interfaces into bring-up order. An interface whose parents are
    /// not among them, or stand on itself, keeps its declared place.
    pub fn in_bring_up_order(interfaces: Vec<Interface>) -> Self {
        let places = interfaces.iter().enumerate();
        let index: BTreeMap<DefinitionId, usize> =
            inserted(places.map(|(i, one)| (one.id.clone(), i)));
        let parents: Vec<Vec<usize>> = interfaces
            .iter()
            .map(|one| {
                one.kind
                    .parents()
                    .iter()
                    .filter_map(|p| index.get(p).copied())
                    .collect()
            })
            .collect();
        let mut order = Vec::with_capacity(interfaces.len());
        let mut seen = vec![false; interfaces.len()];
        for first in 0..interfaces.len() {
            // Depth first without recursion: chains are as long as the input.
            let mut stack = vec![(first, 0)];
            while let Some((at, next)) = stack.pop() {
                if next == 0 && std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                if let Some(&parent) = parents[at].get(next) {
                    stack.push((at, next + 1));
                    if !seen[parent] {
                        stack.push((parent, 0));
                    }
                } else {
                    order.push(at);
                }
            }
        }
        let mut slots: Vec<Option<Interface>> = interfaces.into_iter().map(Some).collect();
        Self {
            interfaces: order.into_iter().filter_map(|i| slots[i].take()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bond, LinkKind, Origin, Vlan, VlanId};

    fn interface(id: &str, kind: LinkKind) -> Interface {
        let name = id.parse().expect("a name");
        Interface::new(
            id.parse().expect("an id"),
            name,
            kind,
            Origin::whole("test"),
        )
    }

    fn ids(network: &Network) -> Vec<&str> {
        network.interfaces.iter().map(|i| i.id.as_str()).collect()
    }

    #[test]
    fn parents_come_first_and_the_rest_stays_in_file_order() {
        let vlan = Vlan {
            id: VlanId::try_from(7).expect("an id"),
            link: "bond0".parse().expect("an id"),
        };
        let members = vec!["e1".parse().expect("an id"), "e0".parse().expect("an id")];
        let network = Network::in_bring_up_order(vec![
            interface("z9", LinkKind::Ethernet),
            interface("v7", LinkKind::Vlan { vlan }),
            interface(
                "bond0",
                LinkKind::Bond {
                    bond: Bond {
                        members,
                        ..Bond::default()
                    },
                },
            ),
            interface("e0", LinkKind::Ethernet),
            interface("e1", LinkKind::Ethernet),
        ]);
        assert_eq!(ids(&network), ["z9", "e1", "e0", "bond0", "v7"]);
    }

    #[test]
    fn a_circle_of_parents_loses_nobody() {
        let on = |link: &str| LinkKind::Vlan {
            vlan: Vlan {
                id: VlanId::try_from(1).expect("an id"),
                link: link.parse().expect("an id"),
            },
        };
        let network = Network::in_bring_up_order(vec![
            interface("a", on("b")),
            interface("b", on("a")),
            interface("c", on("missing")),
        ]);
        assert_eq!(ids(&network), ["b", "a", "c"]);
    }
}
