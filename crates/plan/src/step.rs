//! The plan as ordered actions. The scripts runtime prints them, the agent
//! executes them: the two can't drift apart.

use serde::{Deserialize, Serialize};

use crate::{
    BootPlan, Controller, Interface, InterfaceAddress, InterfaceName, LinkKind, Mtu, Origin, Reach,
    Route,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Sets a link's MTU.
    SetMtu {
        /// The interface.
        interface: InterfaceName,
        /// The MTU.
        mtu: Mtu,
    },
    /// Adds an address.
    AddAddress {
        /// The interface.
        interface: InterfaceName,
        /// The address.
        #[serde(flatten, with = "crate::address::single")]
        address: InterfaceAddress,
    },
    /// Brings a link up and asks for a lease.
    Dhcp {
        /// The interface.
        interface: InterfaceName,
        /// The families that are asked for.
        family: DhcpFamily,
    },
    /// Brings a link up.
    LinkUp {
        /// The interface.
        interface: InterfaceName,
    },
    /// Adds a route.
    AddRoute {
        /// The interface that it belongs to.
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

/// The address families that DHCP is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DhcpFamily {
    /// DHCPv4.
    Ipv4,
    /// DHCPv6.
    Ipv6,
    /// Both.
    Both,
}

/// Which interfaces are brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every interface of the input, as the original does.
    Everything,
    /// Only those that lead to what must be there before init starts.
    Path,
}

/// Lays the plan out as steps: the network interface by interface in bring-up
/// order, then the controllers. Outside [`Reach::Initramfs`] there are none.
///
/// Within an interface: MTU, addresses, DHCP or link up, routes.
pub fn steps(plan: &BootPlan, scope: Scope) -> Vec<Step> {
    if plan.reach != Reach::Initramfs {
        return Vec::new();
    }
    let mut steps = Vec::new();
    match scope {
        Scope::Everything => plan
            .network
            .interfaces
            .iter()
            .for_each(|i| interface_steps(i, &mut steps)),
        Scope::Path => plan
            .storage_interfaces()
            .into_iter()
            .for_each(|i| interface_steps(i, &mut steps)),
    }
    for (controller, c) in plan.controllers.iter().enumerate() {
        let action = Action::Connect {
            controller,
            portal: c.into(),
        };
        steps.push(Step {
            action,
            origin: c.origin.clone(),
        });
    }
    steps
}

fn interface_steps(interface: &Interface, steps: &mut Vec<Step>) {
    // No step creates a link yet, and without its link no other step works.
    if interface.kind != LinkKind::Ethernet {
        return;
    }
    let name = &interface.name;
    let own = || interface.origin.clone();
    if let Some(mtu) = interface.mtu {
        steps.push(Step {
            action: Action::SetMtu {
                interface: name.clone(),
                mtu,
            },
            origin: own(),
        });
    }
    for address in &interface.addresses {
        let origin = address.origin.clone().unwrap_or_else(own);
        let action = Action::AddAddress {
            interface: name.clone(),
            address: address.clone(),
        };
        steps.push(Step { action, origin });
    }
    let family = match (interface.dhcp4, interface.dhcp6) {
        (true, true) => Some(DhcpFamily::Both),
        (true, false) => Some(DhcpFamily::Ipv4),
        (false, true) => Some(DhcpFamily::Ipv6),
        (false, false) => None,
    };
    let up = match family {
        Some(family) => Action::Dhcp {
            interface: name.clone(),
            family,
        },
        None => Action::LinkUp {
            interface: name.clone(),
        },
    };
    steps.push(Step {
        action: up,
        origin: own(),
    });
    for route in &interface.routes {
        let action = Action::AddRoute {
            interface: name.clone(),
            route: Box::new(route.clone()),
        };
        steps.push(Step {
            action,
            origin: route.origin.clone(),
        });
    }
}
