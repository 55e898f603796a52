//! IPv4 link-local addresses.

use std::net::IpAddr;
use std::sync::Arc;

use nvmeroot_plan::InterfaceName;
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::interface_task::InterfaceTask;
use super::link_readiness::wait_for_carrier;
use super::network::Network;
use super::{dhcp, lease};
use crate::sys::events::Change;
use crate::sys::netlink::{Link, Netlink, NewAddress};
use crate::task::{Ended, FailureScope, OpenStep};

/// The metric that systemd-networkd gives the route to 169.254.0.0/16: whatever
/// else leads there comes first.
const METRIC: u32 = 2048;

impl InterfaceTask<'_> {
    /// Takes an address of 169.254.0.0/16, beside all else: it takes four
    /// seconds to be sure that nobody has it.
    pub(super) fn link_local(&self, link: &Link) {
        let (link, name) = (link.clone(), self.interface.name.clone());
        self.network.spawn("link-local", move |network| {
            // How it ended is in the record and in the table of failures.
            let _ = take(network, &name, &link);
        });
    }
}

fn take(network: &Arc<Network>, name: &InterfaceName, link: &Link) -> Result<(), Ended> {
    let context = &network.context;
    let scope = &FailureScope::step(name, StepKind::LinkLocal);
    let step = context.recorder.step(name, StepKind::LinkLocal, "");
    let refused = |step: &OpenStep, failure: Failure| {
        context.give_up(scope, step, failure);
        Ok(())
    };
    let mut netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(e) => return refused(&step, e.failure()),
    };
    wait_for_carrier(network, scope, &step, &mut netlink, link)?;
    let own = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.is_link_local());
    let there = netlink.addresses(link.index).unwrap_or_default();
    if let Some(there) = there.iter().find(|a| own(a.address)) {
        step.detail(there.address.to_string());
        step.done();
        return Ok(());
    }
    // With carrier a bond has its members' address.
    let now = netlink.link(link.index).ok().flatten();
    let mac = now.and_then(|now| now.mac);
    let (Some(mac), Ok(link_name)) = (mac, link.name.parse()) else {
        let text = format!("`{}` has no Ethernet address", link.name);
        return refused(&step, Failure::new(FailureKind::Network, text));
    };
    let at = dhcp::Link {
        name: link_name,
        index: link.index,
        mac,
    };
    let address = match dhcp::find_link_local(&at, context.events.stop_fd()) {
        Ok(address) => address,
        Err(dhcp::DhcpError::Stopped) => return Err(Ended::Stopping),
        Err(e) => return refused(&step, lease::failure(&e)),
    };
    step.detail(address.to_string());
    let new = NewAddress {
        metric: Some(METRIC),
        ..NewAddress::new(address.into(), 16)
    };
    context.retry(scope, &step, || netlink.add_address(link, &new))?;
    step.done();
    context.events.raise(Change::Own);
    lease::announce(network, name, at, scope.clone(), address);
    Ok(())
}
