//! Whether another machine has an address.

use std::net::IpAddr;

use nvmeroot_record::{Failure, FailureKind};

use crate::sys::netlink::Netlink;
use crate::task::{Context, Ended, FailureScope, OpenStep};

/// Waits for the end of duplicate address detection (RFC 4862, section 5.4) of
/// `ours` on a link. Returns what is wrong where another machine has one.
pub(super) fn wait_for_dad(
    context: &Context,
    scope: &FailureScope,
    step: &OpenStep,
    netlink: &mut Netlink,
    link: u32,
    ours: impl Fn(IpAddr) -> bool,
) -> Result<Option<Failure>, Ended> {
    let waiting = || {
        let text = "duplicate address detection does not end";
        Failure::new(FailureKind::Network, text)
    };
    let duplicate = context.wait_for(scope, step, waiting, || {
        let addresses = netlink.addresses(link).ok()?;
        let mut ours = addresses.iter().filter(|a| ours(a.address));
        let over = ours.clone().all(|a| !a.tentative || a.duplicate);
        over.then(|| ours.find(|a| a.duplicate).map(|a| a.address))
    })?;
    Ok(duplicate.map(|address| {
        let text = format!("another machine in the network has `{address}`");
        Failure::new(FailureKind::AddressInUse, text)
    }))
}
