//! Which card is the one that the plan means.

use nvmeroot_plan::{Interface, Match};

use crate::glob;
use crate::netlink::Link;
use crate::places::Places;

/// What identifies a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The link.
    pub link: Link,
    /// The driver's name, as `/sys/class/net/NAME/device/driver` has it.
    pub driver: Option<String>,
}

impl Card {
    /// The card behind a link.
    pub fn of(link: Link, places: &Places) -> Self {
        let driver = places
            .sys
            .join("class/net")
            .join(&link.name)
            .join("device/driver");
        let driver = std::fs::read_link(driver)
            .ok()
            .and_then(|target| Some(target.file_name()?.to_string_lossy().into_owned()));
        Self { link, driver }
    }

    /// The card is the one that `interface` means: by all that its `match`
    /// says, else by its name. Where the card is renamed to the interface's
    /// name, it may have that name already: udev may have been first.
    pub fn is(&self, interface: &Interface) -> bool {
        match &interface.matching {
            Some(wanted) => {
                self.link.ethernet && !self.is_made() && self.matches(wanted, interface)
            }
            None => self.link.name == interface.name.as_str(),
        }
    }

    /// It stands on cards or holds some, and may have their MAC address.
    fn is_made(&self) -> bool {
        let kind = self.link.kind.as_deref();
        kind.is_some_and(|kind| {
            ["vlan", "bond", "bridge", "vrf", "dummy", "macvlan"].contains(&kind)
        })
    }

    fn matches(&self, wanted: &Match, interface: &Interface) -> bool {
        if wanted.name.is_none() && wanted.macaddress.is_none() && wanted.driver.is_empty() {
            return false;
        }
        let name = wanted.name.as_ref().is_none_or(|pattern| {
            glob::matches(pattern, &self.link.name)
                || interface.set_name && self.link.name == interface.name.as_str()
        });
        // A virtual link has no permanent address; netplan's generators fall
        // back to the present one, and so do we.
        let mac = wanted
            .macaddress
            .is_none_or(|mac| self.link.permanent_mac.or(self.link.mac) == Some(mac));
        let driver = wanted.driver.is_empty()
            || self.driver.as_ref().is_some_and(|driver| {
                wanted
                    .driver
                    .iter()
                    .any(|pattern| glob::matches(pattern, driver))
            });
        name && mac && driver
    }
}

/// The card that `interface` means, if it is there. Several may match (a
/// pattern); the one with the lowest index is as good as any, but one that
/// has the wanted name already comes first.
pub fn find(interface: &Interface, cards: impl Iterator<Item = Card>) -> Option<Card> {
    cards
        .filter(|card| card.is(interface))
        .min_by_key(|card| (card.link.name != interface.name.as_str(), card.link.index))
}

/// The card in words, for the report.
pub fn describe(interface: &Interface) -> String {
    let Some(wanted) = &interface.matching else {
        return format!("no network card is named `{}`", interface.name);
    };
    let mut words = Vec::new();
    if let Some(mac) = wanted.macaddress {
        words.push(format!("has the MAC address `{mac}`"));
    }
    if let Some(name) = &wanted.name {
        words.push(format!("is named `{name}`"));
    }
    if !wanted.driver.is_empty() {
        words.push(format!("has the driver `{}`", wanted.driver.join("` or `")));
    }
    format!("no network card {}", words.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::{LinkKind, MacAddress, Origin};

    fn card(index: u32, name: &str, last: u8, driver: &str) -> Card {
        Card {
            link: Link {
                index,
                name: name.to_owned(),
                mac: Some(MacAddress::new([2, 0, 0, 0, 0, 0xff])),
                permanent_mac: Some(MacAddress::new([2, 0, 0, 0, 0, last])),
                mtu: 1500,
                up: false,
                carrier: false,
                ethernet: true,
                kind: None,
                master: None,
                aggregated: false,
            },
            driver: Some(driver.to_owned()),
        }
    }

    fn interface(matching: Option<Match>, set_name: bool) -> Interface {
        let mut interface = Interface::new(
            "lan".parse().expect("an id"),
            "lan0".parse().expect("a name"),
            LinkKind::Ethernet,
            Origin::whole("test"),
        );
        interface.matching = matching;
        interface.set_name = set_name;
        interface
    }

    fn found(interface: &Interface) -> Option<u32> {
        let cards = [
            card(2, "eth0", 1, "virtio_net"),
            card(3, "eth1", 2, "e1000e"),
            card(4, "lan0", 3, "e1000e"),
        ];
        find(interface, cards.into_iter()).map(|c| c.link.index)
    }

    #[test]
    fn by_name_by_mac_by_driver_and_by_all_of_them() {
        assert_eq!(found(&interface(None, false)), Some(4));
        let by = |change: fn(&mut Match)| {
            let mut wanted = Match::default();
            change(&mut wanted);
            interface(Some(wanted), true)
        };
        let mac = |m: &mut Match| m.macaddress = Some(MacAddress::new([2, 0, 0, 0, 0, 2]));
        assert_eq!(found(&by(mac)), Some(3));
        assert_eq!(found(&by(|m| m.name = Some("eth*".to_owned()))), Some(4));
        assert_eq!(
            found(&by(
                |m| m.driver = vec!["ixgbe".to_owned(), "virtio*".to_owned()]
            )),
            Some(2)
        );
        assert_eq!(
            found(&by(|m| m.driver = vec!["e1000*".to_owned()])),
            Some(4)
        );
        let both = by(|m| {
            m.macaddress = Some(MacAddress::new([2, 0, 0, 0, 0, 2]));
            m.driver = vec!["virtio*".to_owned()];
        });
        assert_eq!(found(&both), None);
        assert_eq!(
            describe(&both),
            "no network card has the MAC address `02:00:00:00:00:02` and has the driver `virtio*`"
        );
        assert_eq!(found(&by(|_| {})), None, "an empty match means no card");
    }

    #[test]
    fn what_stands_on_a_card_is_not_the_card() {
        let wanted = Match {
            macaddress: Some(MacAddress::new([2, 0, 0, 0, 0, 1])),
            ..Match::default()
        };
        let interface = interface(Some(wanted), false);
        let mut vlan = card(5, "lan0", 1, "");
        vlan.link.kind = Some("vlan".to_owned());
        let cards = [vlan, card(9, "eth9", 1, "e1000e")];
        assert_eq!(
            find(&interface, cards.into_iter()).map(|c| c.link.index),
            Some(9)
        );
    }

    #[test]
    fn a_present_mac_that_is_not_the_permanent_one_does_not_count() {
        let present = Match {
            macaddress: Some(MacAddress::new([2, 0, 0, 0, 0, 0xff])),
            ..Match::default()
        };
        assert_eq!(found(&interface(Some(present), false)), None);
    }
}
