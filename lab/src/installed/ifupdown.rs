//! `/etc/network/interfaces` (interfaces(5); the options of bonds are those of package
//! ifenslave, those of VLANs ifupdown's own).

use std::fmt::Write as _;

use super::network::{Address, Network};
use crate::host_spec::TreeFile;

pub(super) fn files(network: &Network) -> Vec<TreeFile> {
    let mut text =
        String::from("source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n");
    let mut add = |name: &str, options: &str| {
        let (how, more) = if name == network.top() {
            address(network.address)
        } else {
            ("inet manual", String::new())
        };
        // Writing to a String can't fail.
        let _ = write!(text, "\nauto {name}\niface {name} {how}\n{more}{options}");
    };
    match network.bond {
        // It brings its ports up itself.
        Some(bond) => {
            let options = format!(
                "    bond-slaves {}\n    bond-mode active-backup\n    bond-miimon 100\n",
                network.cards.join(" ")
            );
            add(bond, &options);
        }
        None => network.cards.iter().for_each(|card| add(card, "")),
    }
    if let Some((vlan, id)) = network.vlan {
        let lower = network.lower();
        add(
            vlan,
            &format!("    vlan-raw-device {lower}\n    vlan-id {id}\n"),
        );
    }
    vec![TreeFile::new("etc/network/interfaces", 0o644, text)]
}

fn address(address: Address) -> (&'static str, String) {
    match address {
        Address::Static(address, router) => {
            let router =
                router.map_or_else(String::new, |router| format!("    gateway {router}\n"));
            ("inet static", format!("    address {address}\n{router}"))
        }
        Address::Dhcp4 => ("inet dhcp", String::new()),
        Address::Advertised => ("inet6 auto", String::new()),
    }
}
