//! What is left behind when the program ends.
//!
//! The kernel goes on listening to routers till the running system's client
//! takes that over. From then on nobody renews what the kernel made of their
//! advertisements, and root must not go with an address or a route that runs
//! out before the client has heard the next one.

use std::net::IpAddr;

use nvmeroot_plan::{DhcpOverrides, Interface};

use super::context::Context;
use crate::dhcp;
use crate::kmsg::Level;
use crate::netlink::{Link, Netlink, NetlinkError, NewRoute, protocol, sysctl};

/// Seconds that the way to a portal stays: a router's usual word for itself
/// (`AdvDefaultLifetime`, RFC 4861, section 6.2.1). It ends by itself, so
/// nothing lies beside the running system's routes for good.
const WAY: u32 = 1800;

/// The metric of such a way; there is no other to the same single address.
const METRIC: u32 = 100;

/// The metric that systemd-networkd gives what routers announce where nothing
/// else is said (systemd.network(5), `[IPv6AcceptRA]`, `RouteMetric=`; that of a
/// router of medium preference), and the kernel a router's own route.
const ANNOUNCED: u32 = 1024;

/// Makes the interfaces' addresses last, and the ways that routers brought.
pub(super) fn keep(context: &Context) {
    if let Err(e) = ways(context).and_then(|()| interfaces(context)) {
        context.kmsg.say(Level::Warning, &e.to_string());
    }
}

/// The metric that the running system's client gives what routers announce on
/// this interface, where it is not its default: netplan says it for all dynamic
/// configuration of an interface at once (systemd.network(5), `[DHCP]`).
pub(super) fn announced_metric(interface: &Interface) -> Option<u32> {
    if !interface.dhcp4 && !interface.dhcp6 {
        return None;
    }
    let of = |overrides: &Option<DhcpOverrides>| overrides.as_ref()?.route_metric;
    let said = of(&interface.dhcp4_overrides).or_else(|| of(&interface.dhcp6_overrides));
    Some(said.unwrap_or(dhcp::DEFAULT_METRIC))
}

fn interfaces(context: &Context) -> Result<(), NetlinkError> {
    let mut netlink = Netlink::open()?;
    for interface in context.plan.storage_interfaces() {
        let Some(index) = context.link_of(&interface.name) else {
            continue;
        };
        let Some(link) = netlink.link(index)? else {
            continue;
        };
        // As long as the address is there, root's connections live. The running
        // system's client sets the same one again, with lifetimes of its own.
        for address in netlink.addresses(link.index)? {
            if address.runs_out() {
                netlink.make_permanent(&link, &address)?;
            }
        }
        networks(context, &mut netlink, interface, &link)?;
    }
    Ok(())
}

/// The running system's client knows the networks that routers announce by
/// another metric than the kernel: with its own it takes the route over, instead
/// of setting a second one beside it.
fn networks(
    context: &Context,
    netlink: &mut Netlink,
    interface: &Interface,
    link: &Link,
) -> Result<(), NetlinkError> {
    let announced = netlink.announced(link)?;
    if announced.is_empty() {
        return Ok(());
    }
    // Or the next advertisement would bring the kernel's route back.
    let said = sysctl::set_ipv6(&context.places, &link.name, "accept_ra_pinfo", "0");
    if let Err(e) = said {
        let text = format!("`{}`: can't set `accept_ra_pinfo` to 0: {e}", link.name);
        context.kmsg.say(Level::Debug, &text);
    }
    for one in announced {
        let (network, length) = one.network;
        let new = NewRoute {
            metric: Some(announced_metric(interface).unwrap_or(ANNOUNCED)),
            table: Some(one.table),
            protocol: protocol::RA,
            expires: Some(one.expires),
            ..NewRoute::to(Some((network.into(), length)), None)
        };
        netlink.add_route(link, &new)?;
        netlink.forget(&one)?;
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
