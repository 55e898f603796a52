//! NetworkManager's keyfiles (nm-settings-keyfile(5)).

use super::network::{Address, Network};
use crate::host_spec::TreeFile;

pub(super) fn files(network: &Network) -> Vec<TreeFile> {
    let mut connections = Vec::new();
    let ip = ip(network.address);
    let of = |name: &str| {
        if name == network.top() {
            ip.as_str()
        } else {
            NO_IP
        }
    };
    for card in network.cards {
        let more = match network.bond {
            Some(bond) => (format!("master={bond}\nslave-type=bond\n"), ""),
            None => (String::new(), of(card)),
        };
        connections.push((*card, "ethernet", more.0, more.1));
    }
    if let Some(bond) = network.bond {
        let settings = "\n[bond]\nmode=active-backup\nmiimon=100\n".to_owned();
        connections.push((bond, "bond", settings, of(bond)));
    }
    if let Some((vlan, id)) = network.vlan {
        let settings = format!("\n[vlan]\nid={id}\nparent={}\n", network.lower());
        connections.push((vlan, "vlan", settings, ip.as_str()));
    }
    let numbered = connections.into_iter().zip(1..);
    let files = numbered.map(|((name, kind, more, ip), number): (_, u8)| {
        // Only root may read them, or they are ignored.
        TreeFile::new(
            format!("etc/NetworkManager/system-connections/{name}.nmconnection"),
            0o600,
            format!(
                "[connection]\nid={name}\nuuid=6d1ab000-0000-4000-8000-0000000000{number:02x}\n\
                 type={kind}\ninterface-name={name}\n{more}{ip}"
            ),
        )
    });
    files.collect()
}

const NO_IP: &str = "\n[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=disabled\n";

fn ip(address: Address) -> String {
    let (four, six) = match address {
        Address::Static(address, router) => {
            let comma = if router.is_some() { "," } else { "" };
            let router = router.unwrap_or_default();
            (format!("manual\naddress1={address}{comma}{router}"), "auto")
        }
        Address::Dhcp4 => ("auto".to_owned(), "auto"),
        Address::Advertised => ("disabled".to_owned(), "auto"),
    };
    format!("\n[ipv4]\nmethod={four}\n\n[ipv6]\nmethod={six}\n")
}
