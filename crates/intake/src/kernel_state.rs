//! The network as the kernel has it, for a machine whose manager nobody reads: what
//! ip-address(8), ip-route(8) and ip-rule(8) print as JSON.

mod route;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_plan::{Fragment, Origin, Warning};
use serde::Deserialize;
use serde_json::Value;

use self::route::{ROUTES, RULES, Route, Rule};
use crate::IntakeError;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::native::{Family, Network, bond, bridge, vlan_filtering};

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

const ADDRESSES: &str = "ip address";

#[derive(Debug, Deserialize)]
struct Link {
    ifname: String,
    #[serde(default)]
    mtu: u32,
    #[serde(default)]
    link_type: String,
    /// What it stands on.
    link: Option<String>,
    /// What holds it.
    master: Option<String>,
    linkinfo: Option<LinkInfo>,
    /// The bus of a card.
    parentbus: Option<String>,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Debug, Deserialize)]
struct LinkInfo {
    info_kind: Option<String>,
    #[serde(default)]
    info_data: Value,
    info_slave_kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Address {
    // Some kinds of links list an empty one.
    local: Option<IpAddr>,
    #[serde(default)]
    prefixlen: u8,
    scope: Option<String>,
    /// It has a lifetime: a lease or a router gave it.
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    temporary: bool,
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
        add_link(&mut network, link);
    }
    for link in &links {
        addresses(&mut network, link, &routes);
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

impl Link {
    fn kind(&self) -> Option<&str> {
        self.linkinfo.as_ref()?.info_kind.as_deref()
    }

    fn data(&self, key: &str) -> Option<String> {
        let value = self.linkinfo.as_ref()?.info_data.get(key)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(items) => {
                let items = items.iter().filter_map(Value::as_str);
                Some(items.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
            }
            _ => None,
        }
    }
}

fn add_link(network: &mut Network, link: &Link) {
    let origin = Origin::whole(ADDRESSES);
    let name = link.ifname.as_str();
    if link.link_type == "loopback" {
        return;
    }
    match (link.kind(), link.parentbus.is_some()) {
        (Some("vlan"), _) => {
            let lower = link.link.as_deref().unwrap_or_default();
            let id = link.data("id").unwrap_or_default();
            network.vlan(name, &id, lower, &origin);
        }
        (Some("bond"), _) => of_bond(network, link, &origin),
        (Some("bridge"), _) => {
            let one = network.link(name, &origin);
            let stp = link.data("stp_state").is_some_and(|state| state != "0");
            bridge(one, "stp", &stp.to_string(), &origin);
            if link.data("vlan_filtering").is_some_and(|on| on == "1") {
                vlan_filtering(one, &origin);
            }
        }
        (Some("vrf"), _) => {
            let one = network.link(name, &origin);
            one.become_a("vrfs");
            one.plain("table", &origin, link.data("table").unwrap_or_default());
        }
        (Some("dummy"), _) => network.link(name, &origin).become_a("dummy-devices"),
        (None, true) if link.link_type == "ether" => {
            network.link(name, &origin);
        }
        (kind, _) => {
            let kind = kind.unwrap_or(&link.link_type).to_owned();
            network.link(name, &origin).become_foreign(kind);
        }
    }
    if link.mtu != 1500
        && let Ok(mtu) = u16::try_from(link.mtu)
    {
        network.link(name, &origin).plain("mtu", &origin, mtu);
    }
    let held = link
        .linkinfo
        .as_ref()
        .and_then(|info| info.info_slave_kind.as_deref());
    if let (Some(master), Some(kind)) = (&link.master, held) {
        match kind {
            "bond" => network.hold(master, "bonds", name, &origin),
            "bridge" => network.hold(master, "bridges", name, &origin),
            "vrf" => network.hold(master, "vrfs", name, &origin),
            _ => {}
        }
    }
}

/// What the kernel has in any case is not said.
fn of_bond(network: &mut Network, link: &Link, origin: &Origin) {
    let one = network.link(&link.ifname, origin);
    one.become_a("bonds");
    let mode = link.data("mode").unwrap_or_default();
    bond(one, "mode", &mode, origin);
    let by_hash = matches!(mode.as_str(), "802.3ad" | "balance-xor" | "balance-tlb");
    let has_primary = matches!(
        mode.as_str(),
        "active-backup" | "balance-tlb" | "balance-alb"
    );
    let by_mode = [
        ("xmit_hash_policy", "xmit_hash_policy", by_hash),
        ("ad_lacp_rate", "lacp_rate", mode == "802.3ad"),
        ("primary", "primary", has_primary),
        ("fail_over_mac", "fail_over_mac", mode == "active-backup"),
        ("arp_ip_target", "arp_ip_target", true),
    ];
    for (key, name, _) in by_mode.iter().filter(|(.., counts)| *counts) {
        if let Some(value) = link.data(key) {
            bond(one, name, &value, origin);
        }
    }
    for name in [
        "miimon",
        "updelay",
        "downdelay",
        "arp_interval",
        "min_links",
    ] {
        if let Some(value) = link.data(name).filter(|value| value != "0") {
            bond(one, name, &value, origin);
        }
    }
}

fn addresses(network: &mut Network, link: &Link, routes: &[Route]) {
    let origin = Origin::whole(ADDRESSES);
    if link.link_type == "loopback" {
        return;
    }
    let one = network.link(&link.ifname, &origin);
    let own = || {
        routes
            .iter()
            .filter(|route| route.dev.as_deref() == Some(&link.ifname))
    };
    let (mut leased4, mut leased6) = (own().any(|r| r.is_from("dhcp")), false);
    for address in &link.addr_info {
        let Some(local) = address.local else {
            continue;
        };
        if address.scope.as_deref() != Some("global") || address.temporary {
            continue;
        }
        match (local, address.dynamic) {
            (IpAddr::V4(_), true) => leased4 = true,
            // A router gives a network, a lease an address.
            (IpAddr::V6(_), true) => leased6 |= address.prefixlen == 128,
            (_, false) => {
                if let Ok(address) = IpNet::new(local, address.prefixlen) {
                    one.address(&origin, address);
                }
            }
        }
    }
    if leased4 {
        let of_lease = own().filter(|route| route.is_from("dhcp"));
        let metric = of_lease.filter_map(|route| route.metric).min();
        let metric = metric.map(|metric| metric.to_string());
        one.dhcp(Family::V4, &origin, metric.as_deref());
    }
    if leased6 {
        one.dhcp(Family::V6, &origin, None);
    }
    if leased6 || own().any(|route| route.is_from("ra")) {
        one.plain("accept-ra", &origin, "true");
    }
}

#[cfg(test)]
mod tests {
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
