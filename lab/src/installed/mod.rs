//! What an installer leaves of a network, by who manages it.

mod ifupdown;
mod netplan;
mod network_manager;
mod networkd;

use crate::host_spec::{Manager, TreeFile};

/// A host's network: cards, perhaps a bond of all of them, perhaps a VLAN on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) cards: &'static [&'static str],
    /// An active-backup bond, watched by carrier.
    pub(crate) bond: Option<&'static str>,
    /// Its name and its number.
    pub(crate) vlan: Option<(&'static str, u16)>,
    /// What the topmost interface gets.
    pub(crate) address: Address,
}

/// How an interface gets its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// `10.77.0.50/24`, and the default route's router.
    Static(&'static str, Option<&'static str>),
    Dhcp4,
    /// By router advertisements.
    Advertised,
}

/// What an installer leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    /// What it told curtin, as it is said to netplan.
    pub(crate) told: String,
    /// `told` is there as netplan's file, too.
    pub(crate) has_netplan: bool,
    /// Files of the manager's own.
    pub(crate) files: Vec<TreeFile>,
}

impl Network {
    /// What stands on the cards.
    fn lower(&self) -> &'static str {
        self.bond.unwrap_or(self.cards[0])
    }

    /// The interface that has the address.
    pub(crate) fn top(&self) -> &'static str {
        self.vlan.map_or_else(|| self.lower(), |(name, _)| name)
    }

    pub(crate) fn installed(&self, manager: Manager) -> Installed {
        let files = match manager {
            Manager::NetplanNetworkd | Manager::NetplanNetworkManager => Vec::new(),
            Manager::NetworkManager => network_manager::files(self),
            Manager::Networkd => networkd::files(self),
            Manager::Ifupdown => ifupdown::files(self),
        };
        Installed {
            told: netplan::text(self, manager),
            has_netplan: files.is_empty(),
            files,
        }
    }
}

fn file(path: String, mode: u32, text: String) -> TreeFile {
    TreeFile { path, mode, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_BOND: Network = Network {
        cards: &["ens3", "ens4"],
        bond: Some("bond0"),
        vlan: Some(("bond0.7", 7)),
        address: Address::Static("10.77.0.50/24", Some("10.77.0.1")),
    };

    fn text(manager: Manager, path: &str) -> String {
        let files = ON_BOND.installed(manager).files;
        let file = files.into_iter().find(|file| file.path == path);
        file.map_or_else(String::new, |file| file.text)
    }

    #[test]
    fn netplan_is_told_the_whole_network() {
        let installed = ON_BOND.installed(Manager::NetplanNetworkManager);
        assert_eq!(
            installed.told,
            "\
network:
  version: 2
  renderer: NetworkManager
  ethernets:
    ens3: {}
    ens4: {}
  bonds:
    bond0: {interfaces: [ens3, ens4], parameters: {mode: active-backup, mii-monitor-interval: 100}}
  vlans:
    bond0.7: {id: 7, link: bond0, addresses: [10.77.0.50/24], routes: [{to: default, via: 10.77.0.1}]}
"
        );
        assert!(installed.has_netplan && installed.files.is_empty());
    }

    #[test]
    fn a_port_names_its_bond_and_the_vlan_has_the_address() {
        let dir = "etc/NetworkManager/system-connections";
        let port = text(Manager::NetworkManager, &format!("{dir}/ens4.nmconnection"));
        assert!(port.contains("master=bond0\nslave-type=bond\n"), "{port}");
        let vlan = text(
            Manager::NetworkManager,
            &format!("{dir}/bond0.7.nmconnection"),
        );
        assert!(vlan.contains("[vlan]\nid=7\nparent=bond0\n"), "{vlan}");
        assert!(
            vlan.contains("address1=10.77.0.50/24,10.77.0.1\n"),
            "{vlan}"
        );
        assert!(!ON_BOND.installed(Manager::NetworkManager).has_netplan);
    }

    #[test]
    fn networkd_has_devices_and_networks() {
        let bond = text(Manager::Networkd, "etc/systemd/network/20-bond0.network");
        assert!(bond.contains("VLAN=bond0.7\n"), "{bond}");
        let vlan = text(Manager::Networkd, "etc/systemd/network/20-bond0.7.netdev");
        assert!(vlan.contains("Kind=vlan\n[VLAN]\nId=7\n"), "{vlan}");
    }

    #[test]
    fn ifupdown_brings_the_lower_ones_up_first() {
        let text = text(Manager::Ifupdown, "etc/network/interfaces");
        let of = |line: &str| text.find(line).expect(line);
        assert!(of("auto bond0\n") < of("auto bond0.7\n"));
        assert!(text.contains("    bond-slaves ens3 ens4\n"), "{text}");
        assert!(text.contains("    vlan-raw-device bond0\n"), "{text}");
    }
}
