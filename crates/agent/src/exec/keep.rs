//! What is left behind when the program ends.
//!
//! The kernel goes on listening to routers till the running system's client
//! takes that over. From then on nobody renews what the kernel made of their
//! advertisements, and root must not go with an address or a route that runs
//! out before the client has heard the next one.

use std::net::IpAddr;

use super::context::Context;
use crate::kmsg::Level;
use crate::netlink::{Netlink, NetlinkError, NewRoute, protocol};

/// Seconds that the way to a portal stays: a router's usual word for itself
/// (`AdvDefaultLifetime`, RFC 4861, section 6.2.1). It ends by itself, so
/// nothing lies beside the running system's routes for good.
const WAY: u32 = 1800;

/// The metric of such a way; there is no other to the same single address.
const METRIC: u32 = 100;

/// Makes the interfaces' addresses last, and the ways that routers brought.
pub(super) fn keep(context: &Context) {
    if let Err(e) = addresses(context).and_then(|()| ways(context)) {
        context.kmsg.say(Level::Warning, &e.to_string());
    }
}

/// As long as the address is there, root's connections live. The running
/// system's client sets the same one again, with lifetimes of its own.
fn addresses(context: &Context) -> Result<(), NetlinkError> {
    let mut netlink = Netlink::open()?;
    for interface in context.plan.storage_interfaces() {
        let Some(index) = context.link_of(&interface.name) else {
            continue;
        };
        let Some(link) = netlink.link(index)? else {
            continue;
        };
        for address in netlink.addresses(link.index)? {
            if address.runs_out() {
                netlink.make_permanent(&link, &address)?;
            }
        }
    }
    Ok(())
}

/// A default route that the kernel made must stay the kernel's, or its next
/// advertisement would set a second one beside it. So the portals get ways of
/// their own by the same router.
fn ways(context: &Context) -> Result<(), NetlinkError> {
    let mut netlink = Netlink::open()?;
    for portal in context.connected_portals() {
        let Some(way) = netlink.way(portal, None)? else {
            continue;
        };
        let (Some(IpAddr::V6(router)), protocol::RA) = (way.gateway, way.protocol) else {
            continue;
        };
        let Some(link) = netlink.link(way.link)? else {
            continue;
        };
        let new = NewRoute {
            metric: Some(METRIC),
            protocol: protocol::RA,
            expires: Some(WAY),
            ..NewRoute::to(Some((portal, 128)), Some(router.into()))
        };
        netlink.add_route(&link, &new)?;
    }
    Ok(())
}
