//! The cards, in which the firmware's tables and the installed interfaces meet.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nvmeroot_firmware::NamedTable;
use nvmeroot_plan::{Fragment, Interface, InterfaceName, LinkKind, MacAddress};

use crate::sys::netlink::{Link, Netlink};
use crate::sys::paths::Paths;

/// How long a table's card is waited for. Slow drivers take a second or two.
const PATIENCE: Duration = if cfg!(test) {
    Duration::from_millis(50)
} else {
    Duration::from_secs(5)
};

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// The cards that are there. A table knows a card by its MAC address, and an installed
/// interface may know it by nothing but the name that udev gives it. Where that may be one
/// card, it is waited for until it has its name: else the boot would take it for two, and
/// the installed address would be set beside the table's.
pub(crate) fn cards(
    paths: &Paths,
    tables: &[NamedTable],
    installed: &[Fragment],
) -> Vec<(InterfaceName, MacAddress)> {
    let doubt = Doubt::of(tables, installed);
    let until = Instant::now() + PATIENCE;
    loop {
        let cards = present(paths);
        if !doubt.lasts(&cards) || Instant::now() >= until {
            let named = cards.into_iter();
            return named
                .filter_map(|card| Some((card.name.parse().ok()?, card.mac)))
                .collect();
        }
        std::thread::sleep(LOOK);
    }
}

/// A card as the kernel has it.
struct Card {
    name: String,
    mac: MacAddress,
    /// udev has given it the name that it keeps.
    is_settled: bool,
}

fn present(paths: &Paths) -> Vec<Card> {
    let links = Netlink::open().and_then(|mut netlink| netlink.links());
    let links = links.unwrap_or_default().into_iter();
    let hardware = links.filter(|link| link.ethernet && link.kind.is_none());
    let card = |link: Link| {
        let record = format!("udev/data/n{}", link.index);
        Some(Card {
            mac: link.permanent_mac.or(link.mac)?,
            is_settled: paths.run_root.join(record).exists(),
            name: link.name,
        })
    };
    hardware.filter_map(card).collect()
}

/// Cards of tables, of which each may be an installed one.
#[derive(Debug)]
struct Doubt<'a> {
    macs: BTreeSet<MacAddress>,
    names: BTreeSet<&'a str>,
}

impl<'a> Doubt<'a> {
    fn of(tables: &[NamedTable], installed: &'a [Fragment]) -> Self {
        let interfaces = installed.iter().flat_map(|one| &one.interfaces).flatten();
        let cards: Vec<&Interface> = interfaces
            .filter(|one| one.kind == LinkKind::Ethernet)
            .collect();
        let hfis = tables.iter().flat_map(|one| &one.table.hfis);
        let mut macs: BTreeSet<MacAddress> = hfis.map(|hfi| MacAddress::new(hfi.mac.0)).collect();
        for card in &cards {
            let known = card.matching.as_ref().and_then(|one| one.macaddress);
            if let Some(known) = known {
                macs.remove(&known);
            }
        }
        let by_name = cards.into_iter().filter(|one| one.matching.is_none());
        Doubt {
            macs,
            names: by_name.map(|one| one.name.as_str()).collect(),
        }
    }

    /// A card of a table is still to come, or to get its name.
    fn lasts(&self, cards: &[Card]) -> bool {
        let is_open = |wanted: &MacAddress| {
            let found = cards.iter().find(|card| card.mac == *wanted);
            found.is_none_or(|card| !self.names.contains(card.name.as_str()) && !card.is_settled)
        };
        !self.names.is_empty() && self.macs.iter().any(is_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 1]);

    fn lasts(names: &[&str], card: Option<&str>, is_settled: bool) -> bool {
        let doubt = Doubt {
            macs: [MAC].into(),
            names: names.iter().copied().collect(),
        };
        let card = card.map(|name| Card {
            name: name.to_owned(),
            mac: MAC,
            is_settled,
        });
        doubt.lasts(card.as_slice())
    }

    #[test]
    fn a_card_is_waited_for_until_it_has_its_name() {
        assert!(lasts(&["ens3"], None, false), "no driver yet");
        assert!(lasts(&["ens3"], Some("eth0"), false), "udev comes later");
        assert!(!lasts(&["ens3"], Some("ens3"), false));
        assert!(!lasts(&["ens4"], Some("ens3"), true), "it is another one");
        assert!(!lasts(&[], None, false), "nobody asks for its name");
    }
}
