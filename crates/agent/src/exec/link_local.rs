//! IPv4 link-local addresses.

use std::net::IpAddr;
use std::sync::Arc;

use super::context::Context;
use super::lease;
use super::ready::wait_for_carrier;
use super::subject::Subject;
use super::waiting::Ended;
use super::worker::Worker;
use crate::dhcp;
use crate::events::News;
use crate::fault::{Fault, Layer};
use crate::netlink::{Link, Netlink, NewAddress};
use crate::record::OpenStep;

/// The metric that systemd-networkd gives the route to 169.254.0.0/16: whatever
/// else leads there comes first.
const METRIC: u32 = 2048;

impl Worker<'_> {
    /// Takes an address of 169.254.0.0/16, beside all else: it takes four
    /// seconds to be sure that nobody has it.
    pub(super) fn link_local(&self, link: &Link) {
        let (link, name) = (link.clone(), self.interface.name.clone());
        self.context.spawn("link-local", move |context| {
            let subject = Subject::Setting(name, "IPv4 link-local address".to_owned());
            // How it ended is in the record and on the board of faults.
            let _ = take(context, &subject, &link);
        });
    }
}

fn take(context: &Arc<Context>, subject: &Subject, link: &Link) -> Result<(), Ended> {
    let step = context.recorder.step(&link.name, "link-local", "");
    let refused = |step: OpenStep, fault: Fault| {
        context.give_up(subject, step, fault);
        Ok(())
    };
    let mut netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(e) => return refused(step, e.fault()),
    };
    wait_for_carrier(context, subject, &step, &mut netlink, link)?;
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
    let (Some(mac), Ok(name)) = (mac, link.name.parse()) else {
        let text = format!("`{}` has no Ethernet address", link.name);
        return refused(step, Fault::new(Layer::Network, text));
    };
    let at = dhcp::Link {
        name,
        index: link.index,
        mac,
    };
    let address = match dhcp::find_link_local(&at, context.events.stop_fd()) {
        Ok(address) => address,
        Err(dhcp::DhcpError::Stopped) => return Err(Ended::Stopping),
        Err(e) => return refused(step, lease::fault(&e)),
    };
    step.detail(address.to_string());
    let new = NewAddress {
        metric: Some(METRIC),
        ..NewAddress::new(address.into(), 16)
    };
    context.retry(subject, &step, || {
        netlink.add_address(link, &new).map_err(|e| e.fault())
    })?;
    step.done();
    context.events.raise(News::Own);
    lease::announce(context, at, subject.clone(), address);
    Ok(())
}
