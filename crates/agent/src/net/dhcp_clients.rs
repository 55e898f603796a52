//! The DHCP clients: a thread each.

use std::sync::Arc;

use nvmeroot_plan::{Action, Dhcp4, Dhcp6, Interface, LinkKind, Step};
use nvmeroot_record::StepKind;

use super::ifupdown;
use super::lease::{self, Asks, Phase};
use super::link_readiness::wait_for_carrier;
use super::network::Network;
use crate::sys::netlink::{Link, Netlink, NetlinkError};
use crate::task::FailureScope;

impl Network {
    /// Starts the clients of an interface; `table` is where DHCPv4's routes go.
    pub(super) fn start_dhcp(
        self: &Arc<Self>,
        interface: &Interface,
        link: &Link,
        (dhcp4, dhcp6): (Option<&Dhcp4>, Option<&Dhcp6>),
        table: Option<u32>,
        phase: Phase,
    ) {
        let dhcp4 = dhcp4.map(|client| Asks::V4(client.clone(), table));
        let dhcp6 = dhcp6.map(|client| Asks::V6(client.clone()));
        for asks in dhcp4.into_iter().chain(dhcp6) {
            let (interface, link) = (interface.clone(), link.clone());
            self.spawn("dhcp", move |network| {
                if let Some(link) = link_for_dhcp(network, &interface, link) {
                    lease::run(network, &interface, link, &asks, phase);
                }
            });
        }
    }

    /// Goes on with the leases of the links that were left to us: in the running
    /// system, by the steps of the plan.
    ///
    /// # Errors
    /// When the kernel does not list the links.
    pub(crate) fn keep_leases(self: &Arc<Self>, steps: &[Step]) -> Result<(), NetlinkError> {
        self.find_links()?;
        let mut netlink = Netlink::open()?;
        for interface in self.context.plan.storage_interfaces() {
            let Some(index) = self.link_of(&interface.name) else {
                continue;
            };
            let Some(link) = netlink.link(index)? else {
                continue;
            };
            if !ifupdown::is_up(&self.context.paths, &link.name) {
                continue;
            }
            for step in steps {
                if let Action::Dhcp {
                    interface: name,
                    dhcp4,
                    dhcp6,
                    table,
                } = &step.action
                    && *name == interface.name
                {
                    let clients = (dhcp4.as_ref(), dhcp6.as_ref());
                    self.start_dhcp(interface, &link, clients, *table, Phase::RunningSystem);
                }
            }
        }
        Ok(())
    }
}

/// The link as its DHCP client is to know it: a bond or a bridge may take its
/// MAC address from its first member, and what stands on it follows.
fn link_for_dhcp(network: &Network, interface: &Interface, link: Link) -> Option<Link> {
    if interface.kind == LinkKind::Ethernet {
        return Some(link);
    }
    let scope = FailureScope::Interface(interface.name.clone());
    let context = &network.context;
    let step = context.recorder.step(&interface.name, StepKind::Lower, "");
    let mut netlink = Netlink::open().ok()?;
    wait_for_carrier(network, &scope, &step, &mut netlink, &link).ok()?;
    step.done();
    netlink.link(link.index).ok()?
}
