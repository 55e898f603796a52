//! netplan's YAML.

use std::fmt::Write as _;

use super::network::{Address, Network};
use crate::host_spec::Manager;

/// `/etc/netplan/00-installer-config.yaml`.
pub(super) fn text(network: &Network, manager: Manager) -> String {
    let mut text = String::from("network:\n  version: 2\n");
    // Writing to a String can't fail.
    let t = &mut text;
    if manager == Manager::NetplanNetworkManager {
        t.push_str("  renderer: NetworkManager\n");
    }
    let address = address(network.address, manager);
    let of = |name: &str| {
        if name == network.top() {
            address.clone()
        } else {
            String::new()
        }
    };
    t.push_str("  ethernets:\n");
    for card in network.cards {
        let _ = writeln!(t, "    {card}: {{{}}}", of(card));
    }
    if let Some(bond) = network.bond {
        let (cards, more) = (network.cards.join(", "), of(bond));
        let comma = if more.is_empty() { "" } else { ", " };
        let _ = writeln!(
            t,
            "  bonds:\n    {bond}: {{interfaces: [{cards}], parameters: \
             {{mode: active-backup, mii-monitor-interval: 100}}{comma}{more}}}"
        );
    }
    if let Some((vlan, id)) = network.vlan {
        let link = network.lower();
        let _ = writeln!(
            t,
            "  vlans:\n    {vlan}: {{id: {id}, link: {link}, {address}}}"
        );
    }
    text
}

fn address(address: Address, manager: Manager) -> String {
    match address {
        Address::Static(address, None) => format!("addresses: [{address}]"),
        Address::Static(address, Some(router)) => {
            format!("addresses: [{address}], routes: [{{to: default, via: {router}}}]")
        }
        Address::Dhcp4 => "dhcp4: true".to_owned(),
        // NetworkManager listens to routers where netplan is told of DHCPv6 alone
        // (`write_nm_conf_access_point` in netplan's src/nm.c).
        Address::Advertised if manager == Manager::NetplanNetworkManager => {
            "dhcp6: true".to_owned()
        }
        Address::Advertised => "accept-ra: true".to_owned(),
    }
}
