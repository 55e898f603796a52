//! What an installer leaves of a network, by who manages it.

mod ifupdown;
mod netplan;
mod network;
mod network_manager;
mod networkd;

use crate::host_spec::{Manager, TreeFile};

pub(crate) use network::{Address, Network};

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

impl Installed {
    /// What is left of that network for that manager.
    pub(crate) fn new(network: &Network, manager: Manager) -> Self {
        let files = match manager {
            Manager::NetplanNetworkd | Manager::NetplanNetworkManager => Vec::new(),
            Manager::NetworkManager => network_manager::files(network),
            Manager::Networkd => networkd::files(network),
            Manager::Ifupdown => ifupdown::files(network),
        };
        Installed {
            told: netplan::text(network, manager),
            has_netplan: files.is_empty(),
            files,
        }
    }
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
        let files = Installed::new(&ON_BOND, manager).files;
        let file = files.into_iter().find(|file| file.path == path);
        file.map_or_else(String::new, |file| file.text)
    }

    #[test]
    fn netplan_is_told_the_whole_network() {
        let installed = Installed::new(&ON_BOND, Manager::NetplanNetworkManager);
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
        assert!(!Installed::new(&ON_BOND, Manager::NetworkManager).has_netplan);
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
