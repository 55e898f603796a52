//! What a step or a failure refers to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use nvmeroot_plan::{Controller, InterfaceName};
use serde::{Deserialize, Serialize};

/// What a step or a failure refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "kebab-case")]
pub enum Scope {
    /// An interface of the plan.
    Interface {
        /// Its configured name. What the kernel calls its link is in
        /// [`crate::BootRecord::interfaces`].
        subject: InterfaceName,
    },
    /// A portal.
    Portal(Portal),
}

/// A portal, and what connections to it are bound to. One address may be two
/// portals: in a VRF and outside of it, or from two addresses of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Portal {
    /// Its address and port.
    #[serde(rename = "subject")]
    pub address: SocketAddr,
    /// `host_iface` of the plan's controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_iface: Option<InterfaceName>,
    /// `host_traddr` of the plan's controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_traddr: Option<IpAddr>,
}

impl From<&Controller> for Portal {
    fn from(controller: &Controller) -> Self {
        Self {
            address: SocketAddr::new(controller.traddr, controller.trsvcid.get()),
            host_iface: controller.options.host_iface.clone(),
            host_traddr: controller.options.host_traddr,
        }
    }
}

impl From<&InterfaceName> for Scope {
    fn from(name: &InterfaceName) -> Self {
        Self::Interface {
            subject: name.clone(),
        }
    }
}

impl From<&Portal> for Scope {
    fn from(portal: &Portal) -> Self {
        Self::Portal(portal.clone())
    }
}

/// As in messages: the name, or the address.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { subject } => write!(f, "{subject}"),
            Self::Portal(portal) => write!(f, "{}", portal.address),
        }
    }
}
