//! Interfaces of every kind.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::nvme::is_false;
use crate::{
    DefinitionId, InterfaceAddress, InterfaceName, MacAddress, Mtu, Origin, Remark, Route, Rule,
    VlanId,
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
    /// DHCPv4 is asked for an address.
    #[serde(default)]
    pub dhcp4: bool,
    /// DHCPv6 is asked for an address.
    #[serde(default)]
    pub dhcp6: bool,
    /// What of a DHCPv4 answer is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp4_overrides: Option<DhcpOverrides>,
    /// What of a DHCPv6 answer is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp6_overrides: Option<DhcpOverrides>,
    /// DHCPv4 identifies by MAC address, not by DUID.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dhcp_identifier_mac: bool,
    /// DHCPv6 identifies by MAC address (DUID-LL, RFC 8415 section 11.4) and
    /// this IAID; `None`: as systemd-networkd does by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp6_link_layer_iaid: Option<u32>,
    /// Router advertisements are accepted; `None` leaves it to the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_ra: Option<bool>,
    /// Routes, in declared order.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Routing rules, in declared order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Name servers and search domains.
    #[serde(default, skip_serializing_if = "Nameservers::is_empty")]
    pub nameservers: Nameservers,
    /// The running system need not wait for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// What the input itself says of `critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<bool>,
    /// What the input says and the plan does not carry out.
    #[serde(skip)]
    pub remarks: Vec<Remark>,
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
            dhcp4: false,
            dhcp6: false,
            dhcp4_overrides: None,
            dhcp6_overrides: None,
            dhcp_identifier_mac: false,
            dhcp6_link_layer_iaid: None,
            accept_ra: None,
            routes: Vec::new(),
            rules: Vec::new(),
            nameservers: Nameservers::default(),
            optional: false,
            critical: None,
            remarks: Vec::new(),
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

/// A bond's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    /// Mode, by the kernel's name (`active-backup`, `802.3ad`, …); `None` is
    /// `balance-rr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The interfaces that it holds, by id, in declared order.
    pub members: Vec<DefinitionId>,
}

/// A bridge's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// The interfaces that it holds, by id, in declared order.
    pub members: Vec<DefinitionId>,
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

/// Name servers and search domains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nameservers {
    /// Addresses, in declared order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Search domains, in declared order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
}

impl Nameservers {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.search.is_empty()
    }
}

/// What of a DHCP answer is used (netplan's `dhcp4-overrides`); `None` is
/// netplan's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DhcpOverrides {
    /// The answer's name servers are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_dns: Option<bool>,
    /// The answer's time servers are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_ntp: Option<bool>,
    /// The answer's host name is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_hostname: Option<bool>,
    /// The answer's MTU is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_mtu: Option<bool>,
    /// The answer's routes are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_routes: Option<bool>,
    /// The answer's domains are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_domains: Option<UseDomains>,
    /// The host name is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_hostname: Option<bool>,
    /// The host name that is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Metric of the answer's routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metric: Option<u32>,
}

/// How the domains of a DHCP answer are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UseDomains {
    /// For searching and routing.
    Yes,
    /// Not at all.
    No,
    /// For routing queries only.
    Route,
}
