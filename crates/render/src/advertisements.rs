//! Which interfaces have to listen to routers.

use std::net::IpAddr;

use nvmeroot_plan::{BootPlan, Interface};

/// Only a router advertisement can say how to get to one of the controllers
/// that the interface leads to.
pub(crate) fn needs_advertisements(plan: &BootPlan, interface: &Interface) -> bool {
    let known = |to: IpAddr| {
        interface.addresses.iter().any(|a| a.address.contains(&to))
            || interface.routes.iter().any(|r| r.covers(to).is_some())
    };
    plan.paths
        .iter()
        .filter(|path| {
            path.interfaces
                .iter()
                .any(|l| l.interface == interface.name)
        })
        .filter_map(|path| plan.controllers.get(path.controller))
        .any(|controller| controller.traddr.is_ipv6() && !known(controller.traddr))
}
