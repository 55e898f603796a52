//! The network as the kernel has it, for a machine whose manager nobody reads: what
//! ip-address(8), ip-route(8) and ip-rule(8) print as JSON.

mod address;
mod link;
mod route;

use std::collections::BTreeMap;

use nvmeroot_plan::{Fragment, Origin, Warning};
use serde::Deserialize;

use self::address::ADDRESSES;
use self::link::Link;
use self::route::{ROUTES, RULES, Route, Rule};
use crate::IntakeError;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::native::Network;

/// What the commands print.
#[derive(Clone, Debug, Default)]
pub struct KernelState {
    /// `ip -details -json address`.
    pub addresses: Vec<u8>,
    /// `ip -details -json route show table all`, of each family.
    pub routes: Vec<Vec<u8>>,
    /// `ip -json rule`, of each family.
    pub rules: Vec<Vec<u8>>,
}

/// Reads the state: what was given by hand as it is, and who gave the rest is asked again.
///
/// # Errors
/// A text that is not what those commands print.
pub fn read(state: &KernelState) -> Result<Fragment, IntakeError> {
    let links: Vec<Link> = parsed(ADDRESSES, &state.addresses)?;
    let mut routes: Vec<Route> = Vec::new();
    for bytes in &state.routes {
        routes.extend(parsed::<Vec<Route>>(ROUTES, bytes)?);
    }
    let mut network = Network::default();
    for link in &links {
        link::add(&mut network, link);
    }
    for link in links.iter().filter(|link| link.link_type != "loopback") {
        let one = network.link(&link.ifname, &Origin::whole(ADDRESSES));
        address::add(one, &link.addr_info, &routes);
    }
    let mut of_table: BTreeMap<u32, String> = BTreeMap::new();
    for route in &routes {
        route.add(&mut network, &mut of_table);
    }
    for bytes in &state.rules {
        for rule in parsed::<Vec<Rule>>(RULES, bytes)? {
            rule.add(&mut network, &of_table);
        }
    }
    let mut fragment = network.finish()?;
    if fragment.interfaces.is_some() {
        let message = "nobody reads what configures the root tree's network, so the addresses and routes that this machine's kernel has now count";
        let warning = Warning::general(message)
            .with_hint("see that the running system brings root's interfaces up the same way");
        fragment.notices.push(warning);
    }
    Ok(fragment)
}

fn parsed<T: for<'d> Deserialize<'d> + Default>(
    name: &str,
    bytes: &[u8],
) -> Result<T, IntakeError> {
    // Of nothing the commands print nothing.
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("this is not what `{name}` prints as JSON: {error}");
        Diagnostics::from(Diagnostic::new(Origin::whole(name), message)).into()
    })
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::{Centiseconds, LinkKind};
    use proptest::prelude::*;

    use super::*;
    use crate::native::testing::{said, shown};

    fn state(addresses: &str, routes: &str, rules: &str) -> KernelState {
        KernelState {
            addresses: addresses.as_bytes().to_vec(),
            routes: vec![routes.as_bytes().to_vec(), Vec::new()],
            rules: vec![rules.as_bytes().to_vec()],
        }
    }

    fn fragment(addresses: &str, routes: &str, rules: &str) -> Fragment {
        read(&state(addresses, routes, rules)).expect("a network")
    }

    const CARD: &str = r#"{"ifname":"ens3","mtu":1500,"link_type":"ether","parentbus":"pci""#;

    /// As a machine of the lab printed it.
    #[test]
    fn what_was_set_by_hand_stays_as_it_is() {
        let addresses = include_str!("../tests/kernel_state/address.json");
        let routes = include_str!("../tests/kernel_state/route.json");
        let rules = include_str!("../tests/kernel_state/rule.json");
        let fragment = fragment(addresses, routes, rules);
        assert_eq!(
            shown(&fragment),
            ["ens3, 10.77.0.50/24, route 0.0.0.0/0 via 10.77.0.1"]
        );
        assert_eq!(said(&fragment), [""; 0]);
        assert_eq!(
            fragment.notices[0].message,
            "nobody reads what configures the root tree's network, so the addresses and routes that this machine's kernel has now count"
        );
    }

    #[test]
    fn what_was_leased_or_announced_is_asked_for_again() {
        let addresses = format!(
            r#"[{CARD},"addr_info":[
            {{"family":"inet","local":"10.0.0.7","prefixlen":24,"scope":"global","dynamic":true}},
            {{"family":"inet6","local":"fd00::7","prefixlen":128,"scope":"global","dynamic":true}},
            {{"family":"inet6","local":"fd00::8","prefixlen":64,"scope":"global","dynamic":true,"mngtmpaddr":true}},
            {{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}}]}}]"#
        );
        let routes = r#"[
            {"dst":"default","gateway":"10.0.0.1","dev":"ens3","protocol":"dhcp","metric":7,"flags":[]},
            {"dst":"default","gateway":"fe80::9","dev":"ens3","protocol":"ra","metric":100,"flags":[]}]"#;
        assert_eq!(
            shown(&fragment(&addresses, routes, "[]")),
            ["ens3, dhcp4 7, dhcp6, ra true"]
        );
    }

    #[test]
    fn virtual_links_are_what_they_stand_on() {
        let addresses = r#"[
          {"ifname":"ens3","mtu":9000,"link_type":"ether","parentbus":"pci","master":"bond0","linkinfo":{"info_slave_kind":"bond"}},
          {"ifname":"ens4","mtu":1500,"link_type":"ether","parentbus":"pci","master":"bond0","linkinfo":{"info_slave_kind":"bond"}},
          {"ifname":"bond0","mtu":1500,"link_type":"ether","linkinfo":{"info_kind":"bond","info_data":{"mode":"802.3ad","miimon":100,"ad_lacp_rate":"fast","updelay":0,"xmit_hash_policy":"layer3+4","num_peer_notif":1}}},
          {"ifname":"bond0.7","mtu":1500,"link":"bond0","link_type":"ether","linkinfo":{"info_kind":"vlan","info_data":{"protocol":"802.1Q","id":7}},
           "addr_info":[{"family":"inet","local":"10.0.0.5","prefixlen":24,"scope":"global"}]},
          {"ifname":"wg0","mtu":1420,"link_type":"none","linkinfo":{"info_kind":"wireguard"}}]"#;
        let fragment = fragment(addresses, "[]", "[]");
        assert_eq!(
            shown(&fragment),
            [
                "ens3, mtu 9000",
                "ens4",
                "bond0, bond 802.3ad of ens3+ens4",
                "bond0.7, vlan 7 on bond0, 10.0.0.5/24",
                "wg0, foreign wireguard",
            ]
        );
    }

    #[test]
    fn tables_and_rules_are_carried_over_and_what_cannot_be_is_told() {
        let addresses = format!(
            r#"[{CARD},"addr_info":[{{"family":"inet","local":"10.0.0.5","prefixlen":24,"scope":"global"}}]}}]"#
        );
        let routes = r#"[
            {"type":"unicast","dst":"default","gateway":"10.0.0.1","dev":"ens3","table":"7","protocol":"static","flags":["onlink"]},
            {"type":"unicast","dst":"10.9.0.0/16","via":{"family":"inet6","host":"fe80::1"},"dev":"ens3","flags":[]},
            {"dst":"10.8.0.0/16","nexthops":[{"gateway":"10.0.0.1","dev":"ens3"}],"flags":[]}]"#;
        let rules = r#"[{"priority":0,"src":"all","table":"local"},
            {"priority":5,"src":"10.0.0.5","table":"7","protocol":"static"},
            {"priority":6,"src":"all","iif":"ens3","table":"7"},
            {"priority":9,"src":"10.1.0.0","srclen":16,"table":"99"}]"#;
        let fragment = fragment(&addresses, routes, rules);
        assert_eq!(
            shown(&fragment),
            [
                "ens3, 10.0.0.5/24, route 0.0.0.0/0 via 10.0.0.1 table 7 onlink, rule from 10.0.0.5/32 table Some(7)"
            ]
        );
        assert_eq!(
            said(&fragment),
            [
                "doubt ip route: the route to `10.9.0.0/16` can't be carried over",
                "doubt ip route: a route over several interfaces can't be carried over",
                "doubt ip rule: the rule of priority 6 can't be carried over",
            ]
        );
        assert_eq!(
            fragment.warnings[0].message,
            "the rule of priority 9 is not carried over"
        );
    }

    #[test]
    fn what_is_said_of_a_link_is_carried_over_or_told_of() {
        let addresses = r#"[
          {"ifname":"ens3","mtu":1500,"link_type":"ether","parentbus":"pci","address":"52:54:00:00:00:09","permaddr":"52:54:00:00:00:01"},
          {"ifname":"ens4","mtu":1500,"link_type":"ether","parentbus":"pci","address":"52:54:00:00:00:02","permaddr":"52:54:00:00:00:03","master":"bond0","linkinfo":{"info_slave_kind":"bond"}},
          {"ifname":"bond0","mtu":1500,"link_type":"ether","linkinfo":{"info_kind":"bond","info_data":{"mode":"active-backup","primary_reselect":"failure","arp_validate":null,"resend_igmp":1,"tlb_dynamic_lb":0}}},
          {"ifname":"br0","mtu":1500,"link_type":"ether","linkinfo":{"info_kind":"bridge","info_data":{"stp_state":1,"forward_delay":450,"hello_time":200,"max_age":1999,"priority":4096}}},
          {"ifname":"v7","mtu":1500,"link":"ens3","link_type":"ether","linkinfo":{"info_kind":"vlan","info_data":{"protocol":"802.1ad","id":7,"flags":["REORDER_HDR","GVRP"],"egress_qos":[{"from":1,"to":2}]}}}]"#;
        let fragment = fragment(addresses, "[]", "[]");
        assert_eq!(
            shown(&fragment)[..2],
            ["ens3, mac 52:54:00:00:00:09", "ens4"]
        );
        assert_eq!(
            said(&fragment),
            [
                "note ip address: `tlb_dynamic_lb` is not carried out in the initramfs",
                "refusal ip address: the initramfs makes no VLAN but one of 802.1Q",
                "note ip address: `GVRP` is not carried out in the initramfs",
                "note ip address: `egress_qos` is not carried out in the initramfs",
            ]
        );
        let interfaces = fragment.interfaces.expect("interfaces");
        let bond = interfaces.iter().find_map(|one| match &one.kind {
            LinkKind::Bond { bond } => Some(bond.parameters.clone()),
            _ => None,
        });
        let reselect = bond.expect("a bond").primary_reselect_policy;
        assert_eq!(reselect, Some(nvmeroot_plan::PrimaryReselect::Failure));
        let bridge = interfaces.iter().find_map(|one| match &one.kind {
            LinkKind::Bridge { bridge } => Some(bridge.parameters),
            _ => None,
        });
        let bridge = bridge.expect("a bridge");
        let delay = bridge.forward_delay.map(Centiseconds::get);
        assert_eq!(
            (delay, bridge.hello_time, bridge.priority),
            (Some(450), None, Some(4096))
        );
        assert_eq!(bridge.max_age.map(Centiseconds::get), Some(1999));
    }

    #[test]
    fn what_is_said_of_an_address_is_carried_over_or_told_of() {
        let addresses = format!(
            r#"[{CARD},"addr_info":[
            {{"family":"inet","local":"10.0.1.9","prefixlen":24,"scope":"global","deprecated":true,"label":"ens3:1","broadcast":"10.0.1.255","valid_life_time":4294967295}},
            {{"family":"inet","local":"10.0.2.1","prefixlen":24,"scope":"link","label":"ens3"}},
            {{"family":"inet6","local":"fd00::5","prefixlen":64,"metric":7,"scope":"global","nodad":true,"noprefixroute":true}},
            {{"family":"inet","local":"10.0.0.9","address":"10.0.0.10","prefixlen":32,"scope":"global","label":"ens3"}}]}}]"#
        );
        let fragment = fragment(&addresses, "[]", "[]");
        assert_eq!(
            said(&fragment),
            [
                "note ip address: the address `10.0.2.1` of scope `link` is not carried over",
                "note ip address: `metric` of the address `fd00::5/64` is not carried over",
                "refusal ip address: the initramfs sets no address of a peer",
            ]
        );
        let one = &fragment.interfaces.expect("interfaces")[0];
        let label = Some("ens3:1".to_owned());
        let mut labelled = one.addresses.iter().filter(|one| one.label == label);
        assert!(labelled.next().expect("one with its label").deprecated);
    }

    #[test]
    fn another_text_is_refused_and_none_is_no_network() {
        let error = read(&state("[{]", "", "")).expect_err("no JSON");
        let shown = error.into_diagnostics().shown;
        assert!(
            shown[0]
                .message
                .starts_with("this is not what `ip address` prints as JSON"),
            "{}",
            shown[0].message
        );
        assert_eq!(fragment("", "", "").interfaces, None);
    }

    proptest! {
        #[test]
        fn any_json_is_read(name in "[a-z0-9.]{0,17}", kind in "(vlan|bond|bridge|vrf|tun)", dst in "(default|10\\.0\\.0\\.0/8|x)") {
            let addresses = format!(r#"[{{"ifname":"{name}","link":"{name}","master":"{name}","link_type":"ether","linkinfo":{{"info_kind":"{kind}","info_slave_kind":"{kind}"}}}}]"#);
            let routes = format!(r#"[{{"dst":"{dst}","dev":"{name}","flags":[]}}]"#);
            let _ = read(&state(&addresses, &routes, "[]"));
        }
    }
}
