//! The kinds of network of the fault table.

use super::super::Scenario;
use super::super::links::{self, MODE, SWITCH, holds, two_cards};
use super::super::slim::{advertised, agent_dhcp4, agent_dhcp6, agent_ipv4};

/// Seconds of a lease that nobody has to renew.
const LASTING: u32 = 86_400;

/// How the host gets its address, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Network {
    Static,
    Dhcp4,
    Dhcp6,
    Advertised,
    Vlan,
    Bond,
}

impl Network {
    pub(crate) const ALL: &'static [Network] = &[
        Network::Static,
        Network::Dhcp4,
        Network::Dhcp6,
        Network::Advertised,
        Network::Vlan,
        Network::Bond,
    ];

    /// As in the names of scenarios.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Network::Static => "static",
            Network::Dhcp4 => "dhcp4",
            Network::Dhcp6 => "dhcp6",
            Network::Advertised => "ra",
            Network::Vlan => "vlan",
            Network::Bond => "bond",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Network::Static => "static address",
            Network::Dhcp4 => "DHCPv4",
            Network::Dhcp6 => "DHCPv6",
            Network::Advertised => "router advertisement",
            Network::Vlan => "VLAN",
            Network::Bond => "bond",
        }
    }

    /// The host's cards.
    pub(crate) fn cards(self) -> usize {
        match self {
            Network::Bond => 2,
            _ => 1,
        }
    }

    /// The same with addresses that last: in a root that only reports nobody renews
    /// a lease.
    pub(crate) fn lasting_scenario(self) -> Scenario {
        let mut scenario = self.scenario();
        let networks = scenario
            .target
            .iter_mut()
            .flat_map(|target| &mut target.networks);
        networks.for_each(|network| network.lease = LASTING);
        scenario
    }

    /// A host of this kind that nothing happens to.
    pub(crate) fn scenario(self) -> Scenario {
        match self {
            Network::Static => agent_ipv4(),
            Network::Dhcp4 => agent_dhcp4(),
            Network::Dhcp6 => agent_dhcp6(),
            Network::Advertised => advertised(),
            Network::Vlan => links::vlan(),
            Network::Bond => bond(),
        }
    }
}

/// Both ports of the bond are plugged in.
fn bond() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3: {}
    ens4: {}
  bonds:
    bond0:
      interfaces: [ens3, ens4]
      addresses: [10.77.0.50/24]
      parameters: {mode: active-backup, mii-monitor-interval: 100}
";
    Scenario {
        wiring: two_cards(),
        target: Some(links::target("br0", SWITCH, 2)),
        check: |outcome, faults| {
            holds(outcome, faults, "bond0", MODE, "active-backup");
        },
        ..links::scenario("agent-bond", "root over a bond", netplan)
    }
}
