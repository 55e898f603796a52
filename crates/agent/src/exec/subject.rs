//! Whom the work is about.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use nvmeroot_plan::{Controller, InterfaceName, Nqn, Port};

/// Whom a failure belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// An interface.
    Interface(InterfaceName),
    /// One setting of an interface.
    Setting(InterfaceName, String),
    /// A DHCP client on an interface.
    Dhcp(InterfaceName, &'static str),
    /// A controller of the plan, by its index.
    Controller(usize, String),
    /// A subsystem behind a portal.
    Target(Target),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "`{name}`"),
            Self::Setting(name, what) => write!(f, "`{name}` {what}"),
            Self::Dhcp(name, family) => write!(f, "`{name}` {family}"),
            Self::Controller(_, portal) => write!(f, "`{portal}`"),
            Self::Target(target) => write!(f, "`{}`", target.portal()),
        }
    }
}

/// A subsystem behind a portal: what one connect makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) traddr: IpAddr,
    pub(super) trsvcid: Port,
    pub(super) nqn: Nqn,
    pub(super) host_iface: Option<InterfaceName>,
}

impl Target {
    pub(super) fn portal(&self) -> String {
        SocketAddr::new(self.traddr, self.trsvcid.get()).to_string()
    }
}

/// A portal that is asked, and over which interface.
pub(super) type Portal = (SocketAddr, Option<InterfaceName>);

/// The portal that a controller of the plan names.
pub(super) fn portal_of(controller: &Controller) -> Portal {
    (
        SocketAddr::new(controller.traddr, controller.trsvcid.get()),
        controller.options.host_iface.clone(),
    )
}
