//! Interfaces of every kind.

use serde::{Deserialize, Serialize};

use crate::nvme::is_false;
use crate::string_enum::string_enum;
use crate::{
    Bond, Bridge, BridgePort, DefinitionId, Dhcp4, Dhcp6, InterfaceAddress, InterfaceDiagnostic,
    InterfaceName, Ipv6AddressGeneration, Ipv6Mtu, Ipv6Token, LinkLocal, MacAddress, Mtu, Offloads,
    Origin, Route, Rule, VlanId,
};

/// One interface: which card or virtual link it is, and what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The id under which netplan defines it; other definitions refer to it
    /// by this.
    pub id: DefinitionId,
    /// Its name in the running system, as far as the input says it: `set-name`
    /// if there is one, else the id.
    pub name: InterfaceName,
    /// Kind, with what only that kind has.
    #[serde(flatten)]
    pub kind: LinkKind,
    /// Which card it is; `None`: the one with that name.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// The card is renamed to [`Interface::name`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub set_name: bool,
    /// MAC address to set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// MTU to set, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Addresses, in declared order.
    #[serde(flatten, with = "crate::address::list")]
    pub addresses: Vec<InterfaceAddress>,
    /// DHCPv4 is asked for an address, by this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp4: Option<Dhcp4>,
    /// DHCPv6 is asked for an address, by this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp6: Option<Dhcp6>,
    /// Router advertisements are accepted; `None` leaves it to the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_ra: Option<bool>,
    /// The table that the running system puts the routes into which routers
    /// announce; `None` is the main table (254), or the VRF's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_table: Option<u32>,
    /// Metric of the routes that routers announce; `None`: the default of whoever
    /// sets them. The plan's rules have the last word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_metric: Option<u32>,
    /// IPv6's own MTU, bytes; at most [`Interface::mtu`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_mtu: Option<Ipv6Mtu>,
    /// Temporary IPv6 addresses are made and preferred.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ipv6_privacy: bool,
    /// What addresses from router advertisements are made of; `None` is
    /// networkd's default, [`Ipv6AddressGeneration::Eui64`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address_generation: Option<Ipv6AddressGeneration>,
    /// The lower half of addresses from router advertisements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address_token: Option<Ipv6Token>,
    /// Its link-local addresses. A member of a bond or a bridge has none,
    /// whatever is said here.
    #[serde(default, skip_serializing_if = "LinkLocal::is_default")]
    pub link_local: LinkLocal,
    /// The routing table of its networks, and of what DHCP and routers bring:
    /// that of the VRF which it is or which holds it; `None` is the main table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Routes, in declared order.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Routing rules, in declared order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Who brings it up; `None`: it comes up by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_mode: Option<ActivationMode>,
    /// What the card does in the kernel's stead.
    #[serde(default, skip_serializing_if = "Offloads::is_empty")]
    pub offloads: Offloads,
    /// What it is as a port of a bridge, as far as it says so itself: costs
    /// and priorities are the bridge's to say.
    #[serde(default, skip_serializing_if = "BridgePort::is_empty")]
    pub bridge_port: BridgePort,
    /// What the input says and nobody carries out; in a plan it is judged, and
    /// none is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<InterfaceDiagnostic>,
    /// Where it is defined.
    pub origin: Origin,
}

impl Interface {
    /// An interface with nothing said of it but its id.
    pub fn new(id: DefinitionId, name: InterfaceName, kind: LinkKind, origin: Origin) -> Self {
        Self {
            id,
            name,
            kind,
            matching: None,
            set_name: false,
            mac: None,
            mtu: None,
            addresses: Vec::new(),
            dhcp4: None,
            dhcp6: None,
            accept_ra: None,
            ra_table: None,
            ra_metric: None,
            ipv6_mtu: None,
            ipv6_privacy: false,
            ipv6_address_generation: None,
            ipv6_address_token: None,
            link_local: LinkLocal::default(),
            table: None,
            routes: Vec::new(),
            rules: Vec::new(),
            activation_mode: None,
            offloads: Offloads::default(),
            bridge_port: BridgePort::default(),
            diagnostics: Vec::new(),
            origin,
        }
    }
}

/// What kind of link an interface is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum LinkKind {
    /// A network card.
    Ethernet,
    /// An IEEE 802.1Q VLAN on another interface.
    Vlan {
        /// Its parameters.
        vlan: Vlan,
    },
    /// Several interfaces as one.
    Bond {
        /// Its parameters.
        bond: Bond,
    },
    /// A switch in software.
    Bridge {
        /// Its parameters.
        bridge: Bridge,
    },
    /// A routing domain of its own.
    Vrf {
        /// Its parameters.
        vrf: Vrf,
    },
    /// A link to nowhere that can carry addresses.
    Dummy(Dummy),
    /// A link of a kind that only the running system can bring up.
    Foreign {
        /// The source's own word for the kind (`wifis`, `tunnels`, …).
        section: String,
    },
}

impl LinkKind {
    /// The kernel module that makes such links; a card brings its own.
    pub fn module(&self) -> Option<&'static str> {
        match self {
            Self::Ethernet | Self::Foreign { .. } => None,
            Self::Vlan { .. } => Some("8021q"),
            Self::Bond { .. } => Some("bonding"),
            Self::Bridge { .. } => Some("bridge"),
            Self::Vrf { .. } => Some("vrf"),
            Self::Dummy(_) => Some("dummy"),
        }
    }

    /// The interfaces that it stands on or holds, by id.
    pub fn parents(&self) -> &[DefinitionId] {
        match self {
            Self::Ethernet | Self::Dummy(_) | Self::Foreign { .. } => &[],
            Self::Vlan { vlan } => std::slice::from_ref(&vlan.link),
            Self::Bond { bond } => &bond.members,
            Self::Bridge { bridge } => &bridge.members,
            Self::Vrf { vrf } => &vrf.members,
        }
    }
}

string_enum! {
    /// Who brings an interface up, where it does not come up by itself. The
    /// numbers mean nothing to the kernel.
    ActivationMode, "activation mode" {
        /// The administrator: the running system leaves it up or down, as it
        /// finds it.
        Manual = 0 "manual",
        /// Nobody: the running system takes it down.
        Off = 1 "off",
    }
}

/// Which card an interface is; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Shell pattern of the kernel's or udev's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The permanent MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macaddress: Option<MacAddress>,
    /// Shell patterns of the driver's name, any of which may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driver: Vec<String>,
}

/// A VLAN's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlan {
    /// The VLAN id.
    pub id: VlanId,
    /// The interface that carries it.
    pub link: DefinitionId,
}

/// A VRF's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vrf {
    /// Its routing table.
    pub table: u32,
    /// The interfaces that it holds, by id, in declared order.
    pub members: Vec<DefinitionId>,
}

/// A dummy device has no parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dummy {}
