//! The cards, in which the firmware's tables, the command line and the installed interfaces
//! meet.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nvmeroot_firmware::{Card, NamedTable, named_cards};
use nvmeroot_plan::{Fragment, Interface, LinkKind, MacAddress, inserted};

use crate::net;
use crate::sys::netlink::{Link, Netlink};
use crate::sys::paths::Paths;

/// How long such a card is waited for. Slow drivers take a second or two.
const PATIENCE: Duration = if cfg!(test) {
    Duration::from_millis(50)
} else {
    Duration::from_secs(5)
};

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// The cards that are there. A table and `ifname=` know a card by its MAC address, and an
/// installed interface may know it by nothing but its driver or the name that udev gives it.
/// Where that may be one card, it is waited for until it has its name: else the boot would
/// take it for two, and the installed address would be set beside the table's.
pub(crate) fn cards(
    paths: &Paths,
    tables: &[NamedTable],
    line: &str,
    installed: &[Fragment],
) -> Vec<Card> {
    let doubt = Doubt::of(tables, line, installed);
    let until = Instant::now() + PATIENCE;
    loop {
        let cards = present(paths);
        if !doubt.lasts(&cards) || Instant::now() >= until {
            return cards.into_iter().map(|one| one.card).collect();
        }
        std::thread::sleep(LOOK);
    }
}

/// A card as the kernel has it.
struct Present {
    card: Card,
    /// udev has given it the name that it keeps.
    is_settled: bool,
}

fn present(paths: &Paths) -> Vec<Present> {
    let links = Netlink::open().and_then(|mut netlink| netlink.links());
    let links = links.unwrap_or_default().into_iter();
    let hardware = links.filter(|link| link.ethernet && link.kind.is_none());
    let card = |link: Link| {
        let record = format!("udev/data/n{}", link.index);
        let is_settled = paths.run_root.join(record).exists();
        let found = net::Card::of(link, paths);
        let card = Card {
            name: found.link.name.parse().ok()?,
            mac: found.facts().mac?,
            driver: found.driver,
        };
        Some(Present { card, is_settled })
    };
    hardware.filter_map(card).collect()
}

/// Cards by their MAC addresses, of which each may be an installed one.
#[derive(Debug)]
struct Doubt<'a> {
    macs: BTreeSet<MacAddress>,
    /// Those of which no MAC address is known.
    installed: Vec<&'a Interface>,
}

impl<'a> Doubt<'a> {
    fn of(tables: &[NamedTable], line: &str, installed: &'a [Fragment]) -> Self {
        let interfaces = installed.iter().flat_map(|one| &one.interfaces).flatten();
        let cards = interfaces.filter(|one| one.kind == LinkKind::Ethernet);
        let mac_of = |card: &Interface| card.matching.as_ref()?.macaddress;
        let (known, unknown): (Vec<_>, Vec<_>) = cards.partition(|card| mac_of(card).is_some());
        let hfis = tables.iter().flat_map(|one| &one.table.hfis);
        let hfis = hfis.map(|hfi| MacAddress::new(hfi.mac.0));
        let mut macs: BTreeSet<MacAddress> = inserted(hfis.chain(named_cards(line)));
        // No card has it, and no table means one by it.
        macs.remove(&MacAddress::new([0; 6]));
        for mac in known.into_iter().filter_map(mac_of) {
            macs.remove(&mac);
        }
        Doubt {
            macs,
            installed: unknown,
        }
    }

    /// One of the cards is still to come, or to get its name.
    fn lasts(&self, cards: &[Present]) -> bool {
        let is_known = |card: &Card| self.installed.iter().any(|one| one.means(card.facts()));
        let is_open = |wanted: &MacAddress| {
            let found = cards.iter().find(|one| one.card.mac == *wanted);
            found.is_none_or(|one| !one.is_settled && !is_known(&one.card))
        };
        !self.installed.is_empty() && self.macs.iter().any(is_open)
    }
}

#[cfg(test)]
mod tests {
    use nvmeroot_nbft::{Hfi, Host, Table};
    use nvmeroot_plan::{Match, Origin};

    use super::*;

    const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 1]);

    fn installed(all: &[(&str, Option<Match>)]) -> Vec<Fragment> {
        let card = |(name, matching): &(&str, Option<Match>)| Interface {
            matching: matching.clone(),
            ..Interface::new(
                name.parse().expect("an id"),
                name.parse().expect("a name"),
                LinkKind::Ethernet,
                Origin::whole("netplan"),
            )
        };
        vec![Fragment {
            interfaces: Some(all.iter().map(card).collect()),
            ..Fragment::default()
        }]
    }

    fn table(mac: [u8; 6]) -> NamedTable {
        let address = "192.0.2.2".parse().expect("an address");
        NamedTable {
            name: "NBFT".to_owned(),
            table: Table {
                hfis: vec![Hfi::new(1, mac, address, 24)],
                ..Table::new(Host::new("nqn.2024-01.example:host", [7; 16]))
            },
        }
    }

    fn present(name: &str, is_settled: bool) -> Present {
        let card = Card {
            name: name.parse().expect("a name"),
            mac: MAC,
            driver: Some("virtio_net".to_owned()),
        };
        Present { card, is_settled }
    }

    fn lasts(all: &[(&str, Option<Match>)], card: Option<Present>) -> bool {
        let (tables, installed) = ([table(MAC.octets())], installed(all));
        Doubt::of(&tables, "", &installed).lasts(card.as_slice())
    }

    #[test]
    fn a_card_is_waited_for_until_it_has_its_name() {
        let ens3 = [("ens3", None)];
        assert!(lasts(&ens3, None), "no driver yet");
        assert!(
            lasts(&ens3, Some(present("eth0", false))),
            "udev is to come"
        );
        assert!(!lasts(&ens3, Some(present("ens3", false))));
        assert!(!lasts(&ens3, Some(present("ens4", true))), "another one");
        assert!(!lasts(&[], None), "nobody asks for its name");
    }

    #[test]
    fn a_pattern_or_a_driver_may_mean_it_and_a_mac_address_says_so() {
        let by = |change: fn(&mut Match)| {
            let mut wanted = Match::default();
            change(&mut wanted);
            [("lan", Some(wanted))]
        };
        let name = by(|one| one.name = Some("en*".to_owned()));
        assert!(lasts(&name, Some(present("eth0", false))));
        assert!(!lasts(&name, Some(present("ens3", false))));
        let driver = by(|one| one.driver = vec!["virtio*".to_owned()]);
        assert!(lasts(&driver, None));
        assert!(!lasts(&driver, Some(present("eth0", false))));
        let mac = by(|one| one.macaddress = Some(MAC));
        assert!(!lasts(&mac, None));
    }

    #[test]
    fn ifname_s_card_is_waited_for_and_nobody_s_is_not() {
        let installed = installed(&[("ens3", None)]);
        let line = format!("quiet ifname=san0:{MAC}");
        assert!(Doubt::of(&[], &line, &installed).lasts(&[]));
        let doubt = Doubt::of(&[], &line, &installed);
        assert!(!doubt.lasts(&[present("ens3", false)]));
        for (tables, line) in [
            (vec![table([0; 6])], ""),
            (vec![], "ifname=san0:00:00:00:00:00:00"),
            (vec![], "ifname=san0"),
        ] {
            assert!(!Doubt::of(&tables, line, &installed).lasts(&[]), "{line}");
        }
    }
}
