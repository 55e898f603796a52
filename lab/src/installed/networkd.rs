//! systemd-networkd's own files (systemd.network(5), systemd.netdev(5)).

use super::network::{Address, Network};
use crate::host_spec::TreeFile;

pub(super) fn files(network: &Network) -> Vec<TreeFile> {
    let mut files = Vec::new();
    let mut add = |name: &str, end: &str, text: String| {
        let path = format!("etc/systemd/network/20-{name}.{end}");
        files.push(TreeFile::new(path, 0o644, text));
    };
    let vlan = network.vlan.map(|(name, _)| name);
    let above = |name: &str| match vlan {
        // Without an address of its own it asks for none.
        Some(vlan) if vlan != name => format!("VLAN={vlan}\nLinkLocalAddressing=no\n"),
        _ => address(network.address),
    };
    let of = |name: &str, text: &str| format!("[Match]\nName={name}\n\n[Network]\n{text}");
    for card in network.cards {
        let text = match network.bond {
            Some(bond) => format!("Bond={bond}\n"),
            None => above(card),
        };
        add(card, "network", of(card, &text));
    }
    if let Some(bond) = network.bond {
        let device = format!(
            "[NetDev]\nName={bond}\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n"
        );
        add(bond, "netdev", device);
        add(bond, "network", of(bond, &above(bond)));
    }
    if let Some((vlan, id)) = network.vlan {
        let device = format!("[NetDev]\nName={vlan}\nKind=vlan\n[VLAN]\nId={id}\n");
        add(vlan, "netdev", device);
        add(vlan, "network", of(vlan, &above(vlan)));
    }
    files
}

fn address(address: Address) -> String {
    match address {
        Address::Static(address, router) => {
            let router = router.map_or_else(String::new, |router| format!("Gateway={router}\n"));
            format!("Address={address}\n{router}")
        }
        Address::Dhcp4 => "DHCP=ipv4\n".to_owned(),
        Address::Advertised => "IPv6AcceptRA=yes\n".to_owned(),
    }
}
