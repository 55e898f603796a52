//! What portals offer and which others they refer to.
//!
//! Each portal is asked once, whatever leads there: several controllers of the
//! plan may name it, and discovery services may refer to one another in
//! circles.

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_record::Portal;

use crate::task::ControllerAddress;

/// Portals that referrals may add to the plan's.
pub(super) const MOST_REFERRALS: usize = 32;

/// Subsystems that are connected for one controller of the plan, its referrals
/// included. A log may have thousands of entries; a host that needs as many has
/// them in its plan.
pub(super) const MOST_OFFERS: usize = 512;

/// The portals that are asked, for which controllers, and what they offer.
#[derive(Debug, Default)]
pub(super) struct DiscoveryRegistry {
    asked: BTreeMap<Portal, Asked>,
    referrals: usize,
    /// Subsystems offered for each controller of the plan.
    offers: BTreeMap<usize, usize>,
}

#[derive(Debug, Default)]
struct Asked {
    controllers: BTreeSet<usize>,
    offered: BTreeSet<ControllerAddress>,
    refers_to: BTreeSet<Portal>,
}

/// What to do about a portal that was referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referral {
    /// Ask it; it is the n-th that the plan does not name.
    Ask(usize),
    /// It is being asked or was.
    Known,
    /// There are too many.
    TooMany,
}

impl DiscoveryRegistry {
    /// A controller of the plan names the portal. True if none did before:
    /// then the caller has to ask it.
    pub(super) fn name(&mut self, portal: &Portal, controller: usize) -> bool {
        let new = !self.asked.contains_key(portal);
        let asked = self.asked.entry(portal.clone()).or_default();
        asked.controllers.insert(controller);
        new
    }

    /// `from` refers to `to`: what `to` offers is offered by `from`, too.
    pub(super) fn refer(&mut self, from: &Portal, to: &Portal) -> Referral {
        let known = self.asked.contains_key(to);
        if !known && self.referrals >= MOST_REFERRALS {
            return Referral::TooMany;
        }
        if let Some(asked) = self.asked.get_mut(from) {
            asked.refers_to.insert(to.clone());
        }
        if known {
            return Referral::Known;
        }
        self.asked.insert(to.clone(), Asked::default());
        self.referrals += 1;
        Referral::Ask(self.referrals)
    }

    /// The portal, to which this controller of the plan led, offers a subsystem.
    /// False if it is one too many.
    pub(super) fn offers(
        &mut self,
        portal: &Portal,
        address: &ControllerAddress,
        controller: usize,
    ) -> bool {
        let offered = &mut self.asked.entry(portal.clone()).or_default().offered;
        let count = self.offers.entry(controller).or_default();
        if offered.contains(address) {
            return true;
        }
        if *count >= MOST_OFFERS {
            return false;
        }
        *count += 1;
        offered.insert(address.clone())
    }

    /// What each controller of the plan leads to, by itself and by referrals.
    pub(super) fn reached(&self) -> BTreeSet<(ControllerAddress, usize)> {
        let mut all = BTreeSet::new();
        for (start, asked) in &self.asked {
            for controller in &asked.controllers {
                let mut seen = BTreeSet::from([start]);
                let mut next = vec![start];
                while let Some(one) = next.pop().and_then(|portal| self.asked.get(portal)) {
                    all.extend(one.offered.iter().map(|t| (t.clone(), *controller)));
                    next.extend(one.refers_to.iter().filter(|to| seen.insert(*to)));
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn portal(last: u8) -> Portal {
        Portal {
            address: SocketAddr::from(([192, 0, 2, last], 8009)),
            host_iface: None,
            host_traddr: None,
        }
    }

    fn target(last: u8) -> ControllerAddress {
        ControllerAddress {
            portal: portal(last),
            nqn: "nqn.2024-01.a:b".parse().expect("an NQN"),
        }
    }

    #[test]
    fn each_portal_is_asked_once_and_circles_end() {
        let mut all = DiscoveryRegistry::default();
        assert!(all.name(&portal(1), 0));
        assert!(!all.name(&portal(1), 1), "the plan names it twice");
        assert!(all.name(&portal(2), 2));
        assert_eq!(all.refer(&portal(1), &portal(2)), Referral::Known);
        assert_eq!(all.refer(&portal(1), &portal(3)), Referral::Ask(1));
        assert_eq!(all.refer(&portal(3), &portal(1)), Referral::Known);
        assert_eq!(all.refer(&portal(2), &portal(3)), Referral::Known);
        all.offers(&portal(3), &target(9), 0);
        all.offers(&portal(2), &target(8), 0);
        let both = |target: ControllerAddress| [0, 1, 2].map(|index| (target.clone(), index));
        let wanted: Vec<_> = [both(target(8)), both(target(9))].concat();
        assert_eq!(
            all.reached().into_iter().collect::<Vec<_>>(),
            wanted,
            "whoever leads there gets all of it"
        );
    }

    #[test]
    fn referrals_have_a_bound() {
        let mut all = DiscoveryRegistry::default();
        all.name(&portal(0), 0);
        let asked = (1..200)
            .filter(|n| all.refer(&portal(n - 1), &portal(*n)) != Referral::TooMany)
            .count();
        assert_eq!(asked, MOST_REFERRALS);
    }

    #[test]
    fn what_one_controller_leads_to_is_bounded() {
        let mut all = DiscoveryRegistry::default();
        let mut offer = |from: u8, number: usize, controller| {
            let nqn = format!("nqn.2024-01.a:{number}");
            let one = ControllerAddress {
                nqn: nqn.parse().expect("an NQN"),
                ..target(9)
            };
            all.offers(&portal(from), &one, controller)
        };
        assert!((0..MOST_OFFERS).all(|number| offer(1, number, 0)));
        assert!(!offer(1, MOST_OFFERS, 0));
        assert!(!offer(2, MOST_OFFERS, 0), "a referral of the same");
        assert!(offer(1, 7, 0), "known already");
        assert!(offer(3, MOST_OFFERS, 1), "another controller of the plan");
    }
}
