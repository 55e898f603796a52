//! `bond=NAME[:MEMBERS[:OPTIONS[:MTU]]]` (dracut's parse-bond.sh): options as the kernel's
//! bonding driver has them (Documentation/networking/bonding.rst).

use std::net::Ipv4Addr;
use std::str::FromStr;

use nvmeroot_plan::{
    ArpTargets, Bond, BondMode, BondParameters, LearnPacketInterval, LinkKind, Milliseconds, Mtu,
};

use super::Network;
use super::fields::fields;
use super::option::BootOption;

/// What dracut takes where nothing is said.
const NAME: &str = "bond0";
const MEMBERS: &str = "eth0,eth1";
const OPTIONS: &str = "mode=balance-rr";

impl Network<'_, '_> {
    pub(super) fn bond(&mut self, option: &BootOption) {
        let all = fields(&option.value);
        if all.len() > 4 {
            let why = "expected a name, members, options and an MTU: `bond=NAME:MEMBER,MEMBER:OPTION=VALUE:MTU`";
            return self.warn(option, why);
        }
        let field = |n: usize, usual: &'static str| match all.get(n).copied() {
            Some("") | None => usual,
            Some(text) => text,
        };
        let Some(name) = self.interface_name(option, field(0, NAME)) else {
            return;
        };
        let mut bond = Bond::default();
        let mut cards = Vec::new();
        for member in field(1, MEMBERS).split(',') {
            let Some(member) = self.interface_name(option, member) else {
                return;
            };
            // As a member it has no addresses.
            let Some(card) = self.known.named(&member, &option.place) else {
                return;
            };
            bond.members.push(card.id.clone());
            cards.push(card);
        }
        for card in cards {
            self.put(card);
        }
        for word in field(2, OPTIONS).split(',') {
            if let Err(why) = self.set(&mut bond, word) {
                self.warn(option, &why);
            }
        }
        let kind = LinkKind::Bond { bond };
        let Some(mut one) = self.known.made(name, kind, option.place.clone()) else {
            return;
        };
        let mtu = field(3, "");
        if !mtu.is_empty() {
            let mtu_of = |text: &str| Mtu::try_from(text.parse::<u64>().ok()?).ok();
            match mtu_of(mtu) {
                Some(mtu) => one.mtu = Some(mtu),
                None => self.warn(option, &format!("`{mtu}` is no MTU")),
            }
        }
        self.put(one);
    }

    fn set(&self, bond: &mut Bond, word: &str) -> Result<(), String> {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let misfit = || format!("`{word}` is no option of a bond, or has no such value");
        if key == "primary" {
            let name = value.parse().map_err(|_| misfit())?;
            let card = self.known.by_name(&name);
            bond.primary = Some(card.ok_or_else(misfit)?.id.clone());
            return Ok(());
        }
        parameter(&mut bond.parameters, key, value).ok_or_else(misfit)
    }
}

/// Sets one of the driver's options; `None`: it has none of that name, or not this value.
fn parameter(all: &mut BondParameters, key: &str, value: &str) -> Option<()> {
    match key {
        "mode" => all.mode = Some(word(BondMode::ALL, BondMode::number, value)?),
        "miimon" => all.mii_monitor_interval = Some(milliseconds(value)?),
        "updelay" => all.up_delay = Some(milliseconds(value)?),
        "downdelay" => all.down_delay = Some(milliseconds(value)?),
        "arp_interval" => all.arp_interval = Some(milliseconds(value)?),
        "arp_ip_target" => {
            // Semicolons: commas part the options.
            let targets = value.split([';', '+']).filter(|one| !one.is_empty());
            let targets: Option<Vec<Ipv4Addr>> = targets.map(|one| one.parse().ok()).collect();
            all.arp_ip_targets = ArpTargets::try_from(targets?).ok()?;
        }
        "min_links" => all.min_links = Some(value.parse().ok()?),
        "packets_per_slave" => all.packets_per_member = Some(value.parse().ok()?),
        "resend_igmp" => all.resend_igmp = Some(value.parse().ok()?),
        "num_grat_arp" | "num_unsol_na" => all.gratuitous_arp = Some(value.parse().ok()?),
        "all_slaves_active" => all.all_members_active = Some(value.parse::<u8>().ok()? != 0),
        "lp_interval" => {
            all.learn_packet_interval =
                Some(LearnPacketInterval::try_from(value.parse::<u64>().ok()?).ok()?);
        }
        _ => return chosen(all, key, value),
    }
    Some(())
}

/// The same of what is one of a few words, or its number.
fn chosen(all: &mut BondParameters, key: &str, value: &str) -> Option<()> {
    use nvmeroot_plan::{
        AdSelect, ArpAllTargets, ArpValidate, FailOverMac, LacpRate, PrimaryReselect,
        TransmitHashPolicy,
    };
    macro_rules! one_of {
        ($field:ident, $words:ty) => {
            all.$field = Some(word(<$words>::ALL, <$words>::number, value)?)
        };
    }
    match key {
        "lacp_rate" => one_of!(lacp_rate, LacpRate),
        "xmit_hash_policy" => one_of!(transmit_hash_policy, TransmitHashPolicy),
        "ad_select" => one_of!(ad_select, AdSelect),
        "arp_validate" => one_of!(arp_validate, ArpValidate),
        "arp_all_targets" => one_of!(arp_all_targets, ArpAllTargets),
        "fail_over_mac" => one_of!(fail_over_mac_policy, FailOverMac),
        "primary_reselect" => one_of!(primary_reselect_policy, PrimaryReselect),
        _ => return None,
    }
    Some(())
}

/// By its word, or by the kernel's number.
fn word<T: Copy + FromStr>(all: &[T], number: fn(T) -> u8, value: &str) -> Option<T> {
    let by_number = || {
        let wanted: u8 = value.parse().ok()?;
        all.iter().copied().find(|one| number(*one) == wanted)
    };
    value.parse().ok().or_else(by_number)
}

fn milliseconds(value: &str) -> Option<Milliseconds> {
    Milliseconds::try_from(value.parse::<u64>().ok()?).ok()
}
