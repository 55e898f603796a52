//! What is left behind when the program ends.
//!
//! Till the running system's client takes over, nobody renews what came of the
//! routers' advertisements, and root must not go with an address or a route that
//! runs out before the client has heard the next one. Where the running system
//! has no client that listens to routers, the kernel goes on doing it.

use std::net::IpAddr;

use nvmeroot_plan::{DhcpOverrides, Interface};

use super::client;
use super::context::Context;
use crate::dhcp;
use crate::kmsg::Level;
use crate::netlink::{Link, Netlink, NetlinkError, NewRoute, protocol};

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
    if let Err(e) = keep_all(context) {
        context.kmsg.say(Level::Warning, &e.to_string());
    }
}

fn keep_all(context: &Context) -> Result<(), NetlinkError> {
    let mut netlink = Netlink::open()?;
    let links = links(context, &mut netlink)?;
    addresses(&mut netlink, &links)?;
    ways(context, &mut netlink)?;
    if client::listens_to_routers(&context.places) {
        hand_over(context, &mut netlink, &links)?;
    }
    Ok(())
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

/// The storage's interfaces that are there.
fn links<'a>(
    context: &'a Context,
    netlink: &mut Netlink,
) -> Result<Vec<(&'a Interface, Link)>, NetlinkError> {
    let mut found = Vec::new();
    for interface in context.plan.storage_interfaces() {
        let Some(index) = context.link_of(&interface.name) else {
            continue;
        };
        found.extend(netlink.link(index)?.map(|link| (interface, link)));
    }
    Ok(found)
}

/// As long as an address is there, root's connections live. The running system's
/// client sets the same one again, with lifetimes of its own.
fn addresses(netlink: &mut Netlink, links: &[(&Interface, Link)]) -> Result<(), NetlinkError> {
    for (_, link) in links {
        for address in netlink.addresses(link.index)? {
            if address.runs_out() {
                netlink.make_permanent(link, &address)?;
            }
        }
    }
    Ok(())
}

/// Gives the portals that a router leads to ways of their own by the same router.
fn ways(context: &Context, netlink: &mut Netlink) -> Result<(), NetlinkError> {
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

/// The client knows what routers announce by other routes than the kernel, and
/// sets its own beside those, which nobody would take away when a router goes.
fn hand_over(
    context: &Context,
    netlink: &mut Netlink,
    links: &[(&Interface, Link)],
) -> Result<(), NetlinkError> {
    for (interface, link) in links {
        // The kernel's part in what the client does: the next advertisement would
        // bring its routes back.
        for key in ["accept_ra_pinfo", "accept_ra_defrtr"] {
            context.try_ipv6(link, key, "0");
        }
        for one in netlink.announced(link)? {
            // A network's metric is another for the client: with its own it takes
            // the route over. For its default routes it has no such sign (since
            // version 256 systemd-networkd gives them a nexthop).
            if one.router.is_none() {
                let new = NewRoute {
                    metric: Some(announced_metric(interface).unwrap_or(ANNOUNCED)),
                    table: Some(one.table),
                    protocol: protocol::RA,
                    expires: Some(one.expires),
                    ..NewRoute::to(Some((one.network.0.into(), one.network.1)), None)
                };
                netlink.add_route(link, &new)?;
            }
            netlink.forget(&one)?;
        }
    }
    Ok(())
}
