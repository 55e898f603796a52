//! Which card is the one that the plan means.

use nvmeroot_plan::{CardFacts, InterfaceName, Match};

use crate::sys::netlink::Link;
use crate::sys::paths::Paths;

/// What identifies a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// The link.
    pub(crate) link: Link,
    /// The driver's name, as `/sys/class/net/NAME/device/driver` has it.
    pub(crate) driver: Option<String>,
}

impl Card {
    /// The card behind a link.
    pub(crate) fn of(link: Link, paths: &Paths) -> Self {
        let driver = paths
            .sys
            .join("class/net")
            .join(&link.name)
            .join("device/driver");
        let driver = std::fs::read_link(driver)
            .ok()
            .and_then(|target| Some(target.file_name()?.to_string_lossy().into_owned()));
        Self { link, driver }
    }

    /// What a plan may know it by. A virtual link has no permanent address; netplan's
    /// generators fall back to the present one, and so do we.
    pub(crate) fn facts(&self) -> CardFacts<'_> {
        CardFacts {
            name: &self.link.name,
            mac: self.link.permanent_mac.or(self.link.mac),
            driver: self.driver.as_deref(),
        }
    }

    /// It stands on cards or holds some, and may have their MAC address.
    fn is_virtual(&self) -> bool {
        let kind = self.link.kind.as_deref();
        kind.is_some_and(|kind| {
            ["vlan", "bond", "bridge", "vrf", "dummy", "macvlan"].contains(&kind)
        })
    }
}

/// The card that an interface of the plan means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The interface's configured name.
    pub(super) name: &'a InterfaceName,
    /// What identifies the card; `None`: its name.
    pub(super) matching: Option<&'a Match>,
    /// The card is renamed to the configured name. It may have that name
    /// already: udev may have been first.
    pub(super) renamed: bool,
}

impl Wanted<'_> {
    /// The card, if it is there. Several may match a pattern; the one with the
    /// lowest index is as good as any, but one that has the wanted name already
    /// comes first.
    pub(super) fn find(&self, cards: impl Iterator<Item = Card>) -> Option<Card> {
        cards
            .filter(|card| self.is(card))
            .min_by_key(|card| (card.link.name != self.name.as_str(), card.link.index))
    }

    /// By all that its `match` says, else by its name.
    fn is(&self, card: &Card) -> bool {
        match self.matching {
            Some(wanted) => {
                let renamed = self.renamed.then_some(self.name);
                card.link.ethernet && !card.is_virtual() && wanted.fits(card.facts(), renamed)
            }
            None => card.link.name == self.name.as_str(),
        }
    }

    /// That it is not there, in words.
    pub(super) fn describe(&self) -> String {
        let Some(wanted) = self.matching else {
            return format!("no network card is named `{}`", self.name);
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::MacAddress;

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

    fn find(
        matching: Option<&Match>,
        renamed: bool,
        cards: impl Iterator<Item = Card>,
    ) -> Option<u32> {
        let wanted = Wanted {
            name: &"lan0".parse().expect("a name"),
            matching,
            renamed,
        };
        wanted.find(cards).map(|c| c.link.index)
    }

    fn found(matching: Option<&Match>, renamed: bool) -> Option<u32> {
        let cards = [
            card(2, "eth0", 1, "virtio_net"),
            card(3, "eth1", 2, "e1000e"),
            card(4, "lan0", 3, "e1000e"),
        ];
        find(matching, renamed, cards.into_iter())
    }

    #[test]
    fn by_name_by_mac_by_driver_and_by_all_of_them() {
        assert_eq!(found(None, false), Some(4));
        let by = |change: fn(&mut Match)| {
            let mut wanted = Match::default();
            change(&mut wanted);
            wanted
        };
        let mac = |m: &mut Match| m.macaddress = Some(MacAddress::new([2, 0, 0, 0, 0, 2]));
        assert_eq!(found(Some(&by(mac)), true), Some(3));
        assert_eq!(
            found(Some(&by(|m| m.name = Some("eth*".to_owned()))), true),
            Some(4)
        );
        assert_eq!(
            found(
                Some(&by(
                    |m| m.driver = vec!["ixgbe".to_owned(), "virtio*".to_owned()]
                )),
                true
            ),
            Some(2)
        );
        assert_eq!(
            found(Some(&by(|m| m.driver = vec!["e1000*".to_owned()])), true),
            Some(4)
        );
        let both = by(|m| {
            m.macaddress = Some(MacAddress::new([2, 0, 0, 0, 0, 2]));
            m.driver = vec!["virtio*".to_owned()];
        });
        assert_eq!(found(Some(&both), true), None);
        assert_eq!(
            Wanted {
                name: &"lan0".parse().expect("a name"),
                matching: Some(&both),
                renamed: true
            }
            .describe(),
            "no network card has the MAC address `02:00:00:00:00:02` and has the driver `virtio*`"
        );
        assert_eq!(
            found(Some(&by(|_| {})), true),
            None,
            "an empty match means no card"
        );
    }

    #[test]
    fn what_stands_on_a_card_is_not_the_card() {
        let wanted = Match {
            macaddress: Some(MacAddress::new([2, 0, 0, 0, 0, 1])),
            ..Match::default()
        };
        let mut vlan = card(5, "lan0", 1, "");
        vlan.link.kind = Some("vlan".to_owned());
        let cards = [vlan, card(9, "eth9", 1, "e1000e")];
        assert_eq!(find(Some(&wanted), false, cards.into_iter()), Some(9));
    }

    #[test]
    fn a_present_mac_that_is_not_the_permanent_one_does_not_count() {
        let present = Match {
            macaddress: Some(MacAddress::new([2, 0, 0, 0, 0, 0xff])),
            ..Match::default()
        };
        assert_eq!(found(Some(&present), false), None);
    }
}
