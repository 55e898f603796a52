//! Bridges: switches in software.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Centiseconds, DefinitionId, PathCost, PortPriority};

/// A bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// How it works.
    #[serde(flatten)]
    pub parameters: BridgeParameters,
    /// The interfaces that it holds, by id, in declared order.
    pub members: Vec<DefinitionId>,
    /// Members' costs (`IFLA_BRPORT_COST`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub path_cost: BTreeMap<DefinitionId, PathCost>,
    /// Members' priorities (`IFLA_BRPORT_PRIORITY`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub port_priority: BTreeMap<DefinitionId, PortPriority>,
}

/// How a bridge works; what is `None` the kernel's default decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeParameters {
    /// How long an address is remembered, hundredths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ageing_time: Option<Centiseconds>,
    /// Priority of the bridge; the least is the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// How long a port listens and how long it learns before it forwards,
    /// hundredths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_delay: Option<Centiseconds>,
    /// Between two hello packets, hundredths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_time: Option<Centiseconds>,
    /// How long a hello packet counts, hundredths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Centiseconds>,
    /// The spanning tree protocol is on. The kernel's default is no,
    /// netplan's is yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stp: Option<bool>,
}

/// An interface as a port of a bridge; what is `None` the kernel's default
/// decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgePort {
    /// Cost (`IFLA_BRPORT_COST`); the bridge says it of its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_cost: Option<PathCost>,
    /// Priority (`IFLA_BRPORT_PRIORITY`); the bridge says it of its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<PortPriority>,
    /// Packets may leave by the port that they came in by
    /// (`IFLA_BRPORT_MODE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hairpin: Option<bool>,
    /// The bridge answers ARP and neighbour solicitations itself
    /// (`IFLA_BRPORT_NEIGH_SUPPRESS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neigh_suppress: Option<bool>,
    /// Addresses that are seen are remembered (`IFLA_BRPORT_LEARNING`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning: Option<bool>,
}

impl BridgePort {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
