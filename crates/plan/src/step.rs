//! What a runtime does, action by action.

use serde::{Deserialize, Serialize};

use crate::{
    BondParameters, BridgeParameters, BridgePort, Controller, Dhcp4, Dhcp6, InterfaceAddress,
    InterfaceName, Ipv6Settings, MacAddress, Match, Mtu, Offloads, Origin, Route, Rule, VlanId,
};

/// One action of the plan, and what in the input it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// Where the input asks for it.
    pub origin: Origin,
}

/// What a step does.
///
/// Interfaces are named as in the plan. A card that [`Action::FindCard`] finds
/// may be called otherwise in the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Finds the card that an interface is; without this step it is the one
    /// with the interface's name.
    FindCard {
        /// The interface.
        interface: InterfaceName,
        /// Which card.
        card: Match,
    },
    /// Finds a card and gives it its name. It must be down (before Linux 6.3).
    Rename {
        /// The new name.
        interface: InterfaceName,
        /// Which card.
        card: Match,
    },
    /// Creates a virtual link, down.
    CreateLink {
        /// Its name.
        interface: InterfaceName,
        /// Its kind and parameters.
        link: NewLink,
    },
    /// Sets a link's MAC address, while it is down.
    SetMac {
        /// The interface.
        interface: InterfaceName,
        /// The address.
        mac: MacAddress,
    },
    /// Sets what a card does in the kernel's stead.
    SetOffloads {
        /// The interface.
        interface: InterfaceName,
        /// What.
        offloads: Offloads,
    },
    /// Sets a link's MTU.
    SetMtu {
        /// The interface.
        interface: InterfaceName,
        /// The MTU.
        mtu: Mtu,
    },
    /// Makes a link a member of a bond, bridge or VRF, while it is down: a
    /// bond takes no other, and a VRF drops the addresses of one that is up.
    SetMaster {
        /// The member.
        interface: InterfaceName,
        /// The bond, bridge or VRF.
        master: InterfaceName,
    },
    /// Sets what a member of a bridge is as its port.
    SetBridgePort {
        /// The member.
        interface: InterfaceName,
        /// What; at least one part of it is said.
        port: BridgePort,
    },
    /// Says which member a bond uses whenever it works.
    SetBondPrimary {
        /// The bond.
        interface: InterfaceName,
        /// The member.
        primary: InterfaceName,
    },
    /// Sets how a link comes by IPv6 addresses, before it is up.
    SetIpv6 {
        /// The interface.
        interface: InterfaceName,
        /// What; at least one part of it is said.
        settings: Ipv6Settings,
    },
    /// Adds an address.
    AddAddress {
        /// The interface.
        interface: InterfaceName,
        /// The address.
        #[serde(flatten)]
        address: InterfaceAddress,
    },
    /// Brings a link up and asks for a lease.
    Dhcp {
        /// The interface.
        interface: InterfaceName,
        /// The client that asks for IPv4.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dhcp4: Option<Dhcp4>,
        /// The client that asks for IPv6.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dhcp6: Option<Dhcp6>,
        /// The table that the routes of the answer go to; `None` is the main
        /// table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<u32>,
    },
    /// Brings a link up.
    LinkUp {
        /// The interface.
        interface: InterfaceName,
    },
    /// Takes an IPv4 link-local address (RFC 3927). The link is up.
    Ipv4LinkLocal {
        /// The interface.
        interface: InterfaceName,
    },
    /// Adds a routing rule.
    AddRule {
        /// The interface that it is defined with; the rule itself knows none.
        interface: InterfaceName,
        /// The rule.
        rule: Box<Rule>,
    },
    /// Adds a route.
    AddRoute {
        /// The interface that it belongs to. Where that is a VRF, the kernel
        /// finds the member by the gateway.
        interface: InterfaceName,
        /// The route.
        route: Box<Route>,
    },
    /// Connects a controller, or all that the portal's discovery log names.
    Connect {
        /// Index into the plan's controllers.
        controller: usize,
        /// The controller.
        #[serde(flatten)]
        portal: Portal,
    },
}

impl Action {
    /// The interface that is changed; `None` for [`Action::Connect`].
    pub fn interface(&self) -> Option<&InterfaceName> {
        match self {
            Self::FindCard { interface, .. }
            | Self::Rename { interface, .. }
            | Self::CreateLink { interface, .. }
            | Self::SetMac { interface, .. }
            | Self::SetOffloads { interface, .. }
            | Self::SetMtu { interface, .. }
            | Self::SetMaster { interface, .. }
            | Self::SetBridgePort { interface, .. }
            | Self::SetBondPrimary { interface, .. }
            | Self::SetIpv6 { interface, .. }
            | Self::AddAddress { interface, .. }
            | Self::Dhcp { interface, .. }
            | Self::LinkUp { interface }
            | Self::Ipv4LinkLocal { interface }
            | Self::AddRule { interface, .. }
            | Self::AddRoute { interface, .. } => Some(interface),
            Self::Connect { .. } => None,
        }
    }

    /// The other interface that it can't do without: a VLAN's parent, the
    /// master of a member, a bond's primary member.
    pub fn needs(&self) -> Option<&InterfaceName> {
        match self {
            Self::CreateLink {
                link: NewLink::Vlan { parent, .. },
                ..
            } => Some(parent),
            Self::SetMaster { master, .. } => Some(master),
            Self::SetBondPrimary { primary, .. } => Some(primary),
            _ => None,
        }
    }
}

/// A virtual link that is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum NewLink {
    /// An IEEE 802.1Q VLAN.
    Vlan {
        /// The VLAN id.
        id: VlanId,
        /// The interface that carries it.
        parent: InterfaceName,
    },
    /// A bond, with all its parameters: some can't be set any more once it
    /// has members.
    Bond(Box<BondParameters>),
    /// A bridge.
    Bridge(BridgeParameters),
    /// A VRF.
    Vrf {
        /// Its routing table.
        table: u32,
    },
    /// A dummy device.
    Dummy {},
}

/// What of a controller a step shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portal {
    /// The transport.
    pub transport: crate::Transport,
    /// The portal's address.
    pub traddr: std::net::IpAddr,
    /// The portal's port.
    pub trsvcid: crate::Port,
    /// The subsystem, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nqn: Option<crate::Nqn>,
}

impl From<&Controller> for Portal {
    fn from(c: &Controller) -> Self {
        Self {
            transport: c.transport,
            traddr: c.traddr,
            trsvcid: c.trsvcid,
            nqn: c.nqn.clone(),
        }
    }
}
