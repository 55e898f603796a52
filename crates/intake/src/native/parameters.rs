//! Parameters of bonds and bridges, from the kernel's names to netplan's.

use std::fmt::Display;
use std::net::Ipv4Addr;

use nvmeroot_plan::{
    AdSelect, ArpAllTargets, ArpValidate, BondMode, FailOverMac, LacpRate, Origin, PrimaryReselect,
    TransmitHashPolicy,
};

use super::{Link, Word};

/// The kernel's name of a bond's parameter (Documentation/networking/bonding.rst), which
/// ifenslave, NetworkManager and iproute2 use too, and netplan's. `None`: netplan has none,
/// and the kernel's default makes no difference to who reaches the storage.
const BOND: &[(&str, Option<&str>)] = &[
    ("mode", Some("mode")),
    ("miimon", Some("mii-monitor-interval")),
    ("updelay", Some("up-delay")),
    ("downdelay", Some("down-delay")),
    ("lacp_rate", Some("lacp-rate")),
    ("xmit_hash_policy", Some("transmit-hash-policy")),
    ("ad_select", Some("ad-select")),
    ("arp_interval", Some("arp-interval")),
    ("arp_ip_target", Some("arp-ip-targets")),
    ("arp_validate", Some("arp-validate")),
    ("arp_all_targets", Some("arp-all-targets")),
    ("fail_over_mac", Some("fail-over-mac-policy")),
    ("primary", Some("primary")),
    ("primary_reselect", Some("primary-reselect-policy")),
    ("min_links", Some("min-links")),
    ("num_grat_arp", Some("gratuitous-arp")),
    ("num_unsol_na", Some("gratuitous-arp")),
    ("packets_per_slave", Some("packets-per-member")),
    ("all_slaves_active", Some("all-members-active")),
    ("resend_igmp", Some("resend-igmp")),
    ("lp_interval", Some("learn-packet-interval")),
    ("use_carrier", None),
    ("tlb_dynamic_lb", None),
    ("active_slave", None),
    ("peer_notif_delay", None),
    ("missed_max", None),
    ("ad_actor_sys_prio", None),
    ("ad_actor_system", None),
    ("ad_user_port_key", None),
    ("queue_id", None),
    ("lacp_active", None),
];

/// Sets a parameter of a bond; the name is the kernel's, with either of its separators.
/// Says whether it is one.
pub(crate) fn bond(link: &mut Link, name: &str, value: &str, origin: &Origin) -> bool {
    let plain = name.replace('-', "_");
    let Some(&(_, netplan)) = BOND.iter().find(|(known, _)| *known == plain) else {
        return false;
    };
    let Some(netplan) = netplan else {
        link.not_carried_out(name, origin);
        return true;
    };
    let Some(words) = words(netplan, value) else {
        link.misfit(name, origin);
        return true;
    };
    link.become_a("bonds");
    let parameters = link.words.map("parameters", origin);
    match words.as_slice() {
        [one] if netplan != "arp-ip-targets" => {
            parameters.set(netplan, origin, Word::Plain(one.clone()));
        }
        _ => {
            for one in words {
                parameters.push(netplan, origin, Word::Text(one));
            }
        }
    }
    true
}

/// The value in netplan's words: one, or the members of a list; `None`: it is none.
fn words(netplan: &str, value: &str) -> Option<Vec<String>> {
    let one = match netplan {
        "arp-ip-targets" => {
            let targets = value.split([',', ' ']).filter(|one| !one.is_empty());
            let is_address = |one: &&str| one.parse::<Ipv4Addr>().is_ok();
            let targets: Vec<&str> = targets.collect();
            let all = targets.iter().all(is_address);
            return all.then(|| targets.into_iter().map(str::to_owned).collect());
        }
        "primary" => Some(value.to_owned()),
        "mode" => word(BondMode::ALL, value),
        "lacp-rate" => word(LacpRate::ALL, value),
        "transmit-hash-policy" => word(TransmitHashPolicy::ALL, value),
        "ad-select" => word(AdSelect::ALL, value),
        "arp-validate" => word(ArpValidate::ALL, value),
        "arp-all-targets" => word(ArpAllTargets::ALL, value),
        "fail-over-mac-policy" => word(FailOverMac::ALL, value),
        "primary-reselect-policy" => word(PrimaryReselect::ALL, value),
        "all-members-active" => match value {
            "1" | "dropped" => Some("true".to_owned()),
            "0" | "delivered" => Some("false".to_owned()),
            _ => None,
        },
        _ => value.parse::<u32>().ok().map(|number| number.to_string()),
    };
    one.map(|one| vec![one])
}

/// One of the kernel's words, or its place among them (`bond_opt_parse` in the kernel's
/// drivers/net/bonding/bond_options.c takes both).
fn word<T: Copy + Display>(all: &[T], value: &str) -> Option<String> {
    let by_number = value.parse::<usize>().ok().and_then(|at| all.get(at));
    let by_word = || all.iter().find(|word| word.to_string() == value);
    by_number.or_else(by_word).map(ToString::to_string)
}

/// Sets a parameter of a bridge, by netplan's name; times without a unit are in
/// seconds.
pub(crate) fn bridge(link: &mut Link, name: &str, value: &str, origin: &Origin) {
    link.become_a("bridges");
    let parameters = link.words.map("parameters", origin);
    parameters.set(name, origin, Word::Plain(value.to_owned()));
}

/// Sets what a bridge knows of one of its ports, by netplan's name; `key` is the source's.
pub(crate) fn bridge_port(
    bridge: &mut Link,
    name: &str,
    (port, key, value): (&str, &str, &str),
    origin: &Origin,
) {
    let most = if name == "port-priority" {
        63
    } else {
        u16::MAX
    };
    match value.parse::<u16>().ok().filter(|number| *number <= most) {
        Some(number) => {
            bridge.become_a("bridges");
            let parameters = bridge.words.map("parameters", origin);
            parameters.map(name, origin).plain(port, origin, number);
        }
        None => bridge.misfit(key, origin),
    }
}

/// A VLAN is told how its frames are marked.
pub(crate) fn vlan_protocol(link: &mut Link, protocol: &str, origin: &Origin) {
    if !protocol.eq_ignore_ascii_case("802.1q") {
        link.refuse(origin, "the initramfs makes no VLAN but one of 802.1Q");
    }
}

/// A bridge is told to tell VLANs apart.
pub(crate) fn vlan_filtering(link: &mut Link, origin: &Origin) {
    link.refuse(
        origin,
        "the initramfs makes no bridge that tells VLANs apart",
    );
}
