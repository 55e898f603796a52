//! systemd-networkd's own files (systemd.network(5)), as far as it takes to know which
//! of them sets an interface up.

use nvmeroot_plan::{Interface, LinkKind, MacAddress, matches_glob};

use crate::native::ini::{self, Dialect};

/// Whether a `.network` file is for an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is not.
    No,
    /// That shows only in the machine that boots.
    Maybe,
    /// It is.
    Yes,
}

/// Whether the `[Match]` of a `.network` file's text fits the interface
/// (systemd.network(5), `[Match]`; a section without keys fits all).
pub fn network_fits(text: &str, interface: &Interface) -> Fit {
    let sections = ini::read("", text, Dialect::Systemd);
    let sections = sections.iter().filter(|section| section.name == "Match");
    let fits = sections
        .flat_map(|section| &section.entries)
        .map(|entry| entry_fits(&entry.key, &entry.value, interface));
    fits.min().unwrap_or(Fit::Yes)
}

fn entry_fits(key: &str, value: &str, interface: &Interface) -> Fit {
    match key {
        // Of a card that is found by something else nobody knows its name.
        "Name" if interface.matching.is_some() && !interface.set_name => {
            if value == "*" {
                Fit::Yes
            } else {
                Fit::Maybe
            }
        }
        "Name" => of(any(value, |glob| {
            matches_glob(glob, interface.name.as_str())
        })),
        "Type" | "Kind" => {
            let is_card = interface.kind == LinkKind::Ethernet;
            let word = match interface.kind.word() {
                Some(word) => word,
                None if is_card && key == "Type" => "ether",
                None => "",
            };
            of(any(value, |glob| matches_glob(glob, word)))
        }
        "MACAddress" | "PermanentMACAddress" => {
            let known = interface.matching.as_ref().and_then(|card| card.macaddress);
            match interface.mac.or(known) {
                Some(mac) => of(any(value, |text| text.parse::<MacAddress>() == Ok(mac))),
                None => Fit::Maybe,
            }
        }
        _ => Fit::Maybe,
    }
}

const fn of(fits: bool) -> Fit {
    if fits { Fit::Yes } else { Fit::No }
}

/// One of the words fits; with `!` before the first, none of them does.
fn any(value: &str, fits: impl Fn(&str) -> bool) -> bool {
    match value.strip_prefix('!') {
        Some(others) => !others.split_whitespace().any(fits),
        None => value.split_whitespace().any(fits),
    }
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::{Match, Origin, Vlan};
    use proptest::prelude::*;

    use super::*;

    fn card(name: &str) -> Interface {
        Interface::new(
            name.parse().expect("an id"),
            name.parse().expect("a name"),
            LinkKind::Ethernet,
            Origin::whole("network"),
        )
    }

    fn fits(of_match: &str) -> Fit {
        network_fits(
            &format!("[Match]\n{of_match}\n[Network]\nName=no\n"),
            &card("ens3"),
        )
    }

    #[test]
    fn names_are_globs_and_may_be_inverted() {
        assert_eq!(fits("Name=ens3"), Fit::Yes);
        assert_eq!(fits("Name = eth0 en*"), Fit::Yes);
        assert_eq!(fits("Name=eth*"), Fit::No);
        assert_eq!(fits("Name=!eth* wl*"), Fit::Yes);
        assert_eq!(fits("Name=!eth* en*"), Fit::No);
        assert_eq!(fits("#Name=eth0"), Fit::Yes);
        assert_eq!(network_fits("", &card("ens3")), Fit::Yes);
    }

    #[test]
    fn all_keys_count() {
        assert_eq!(fits("Name=ens3\nType=ether"), Fit::Yes);
        assert_eq!(fits("Name=ens3\nType=wlan"), Fit::No);
        assert_eq!(fits("Name=ens3\nKind=bond"), Fit::No);
        assert_eq!(fits("Name=ens3\nDriver=virtio_net"), Fit::Maybe);
        assert_eq!(fits("Name=eth0\nDriver=virtio_net"), Fit::No);
    }

    #[test]
    fn a_card_that_the_input_does_not_name_may_be_any() {
        let mut one = card("any");
        let mac: MacAddress = "52:54:00:00:00:01".parse().expect("an address");
        one.matching = Some(Match {
            macaddress: Some(mac),
            ..Match::default()
        });
        let by = |text: &str| network_fits(&format!("[Match]\n{text}\n"), &one);
        assert_eq!(by("Name=en*"), Fit::Maybe);
        assert_eq!(by("Name=*"), Fit::Yes);
        assert_eq!(by("MACAddress=52:54:00:00:00:01"), Fit::Yes);
        assert_eq!(by("MACAddress=52:54:00:00:00:02"), Fit::No);
        assert_eq!(fits("MACAddress=52:54:00:00:00:02"), Fit::Maybe);
    }

    #[test]
    fn a_virtual_link_is_known_by_its_kind() {
        let mut vlan = card("bond0.7");
        vlan.kind = LinkKind::Vlan {
            vlan: Vlan {
                id: 7.try_into().expect("an id"),
                link: "bond0".parse().expect("an id"),
            },
        };
        assert_eq!(network_fits("[Match]\nKind=vlan", &vlan), Fit::Yes);
        assert_eq!(network_fits("[Match]\nType=vlan", &vlan), Fit::Yes);
        assert_eq!(network_fits("[Match]\nType=ether", &vlan), Fit::No);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n|=|\\[Match\\])*") {
            network_fits(&text, &card("ens3"));
        }
    }
}
