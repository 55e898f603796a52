//! The network passes from the initramfs to the running system's manager.
//!
//! Until that takes over, nobody renews what routers announced, and root must not
//! go with an address or a route that runs out before the manager has heard the
//! next announcement. Where the running system has no manager that listens to
//! routers, the kernel goes on listening.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;

use nvmeroot_plan::{Interface, Manager};

use super::ifupdown;
use super::network::Network;
use super::profile;
use super::told::{self, New};
use crate::sys::kmsg::Level;
use crate::sys::netlink::{Link, Netlink, NetlinkError, NewRoute, protocol};
use crate::sys::paths::Paths;
use crate::task::Context;

/// Seconds that the route to a portal stays: a router's usual lifetime
/// (`AdvDefaultLifetime`, RFC 4861, section 6.2.1). It ends by itself, so
/// nothing stays beside the running system's routes for good.
const LIFETIME: u32 = 1800;

/// The metric of such a route; there is no other to the same single address.
const METRIC: u32 = 100;

/// The metric that systemd-networkd gives what routers announce where nothing
/// else is said (systemd.network(5), `[IPv6AcceptRA]`, `RouteMetric=`; that of a
/// router of medium preference), and the kernel a router's own route.
const ANNOUNCED: u32 = 1024;

/// Makes the interfaces' addresses last, and the routes to the connected portals
/// that routers brought.
pub(crate) fn hand_off(network: &Network, portals: &BTreeSet<IpAddr>) {
    network.restore();
    if let Err(e) = keep_all(network, portals) {
        let text = format!(
            "the network may not last until the running system takes over: {e}; check its addresses and routes there"
        );
        network.context.kmsg.say(Level::Warning, &text);
    }
}

fn keep_all(network: &Network, portals: &BTreeSet<IpAddr>) -> Result<(), NetlinkError> {
    let mut netlink = Netlink::open()?;
    let links = links(network, &mut netlink)?;
    addresses(&mut netlink, &links)?;
    routes(portals, &mut netlink)?;
    let managers = managers(&network.context.paths);
    // In doubt the kernel goes on listening beside a manager: without either what
    // routers announced runs out.
    if managers.iter().any(|one| one.listens_to_routers()) {
        take_over(network, &mut netlink, &links)?;
    }
    tell_of_new(network, &managers, &links);
    if managers.contains(&Manager::NetworkManager) {
        let is_known = |one: &&Interface| !network.context.only_at_boot.contains_key(&one.name);
        let known = links.iter().filter(|(one, _)| is_known(one));
        let known: Vec<_> = known.cloned().collect();
        tell_network_manager(network, &managers, &known);
    }
    if Manager::is_left_to_ifupdown(&managers) {
        tell_ifupdown(network, &links);
    }
    Ok(())
}

/// Who has the network in the root that is mounted.
fn managers(paths: &Paths) -> BTreeSet<Manager> {
    // A link into the root tree leads elsewhere from here, and counts as it is.
    let has = |file| {
        let mut roots = paths.new_roots.iter();
        Ok(roots.any(|root| root.join(file).symlink_metadata().is_ok()))
    };
    match Manager::of_tree(has) {
        Ok(found) => found,
        Err::<_, Infallible>(e) => match e {},
    }
}

/// Tells the managers of what the installed system says nothing of.
fn tell_of_new(network: &Network, managers: &BTreeSet<Manager>, links: &[(&Interface, Link)]) {
    let Context {
        plan,
        paths,
        kmsg,
        only_at_boot,
        ..
    } = &*network.context;
    let is_new = |one: &Interface| only_at_boot.contains_key(&one.name);
    let name_of = |id| {
        let mut links = links.iter();
        links
            .find(|(one, _)| one.id == id)
            .map(|(_, link)| link.name.as_str())
    };
    for (one, link) in links.iter().filter(|(one, _)| is_new(one)) {
        let all = &plan.network.interfaces;
        let mut new = New::of(one, link, all, |other| !is_new(other), paths);
        let known = only_at_boot.get(&one.name);
        new.installed = known.and_then(Option::as_ref).or(new.installed);
        let mut told = Ok(true);
        // Where no manager shows it is netplan that knows, and networkd mostly its renderer.
        if managers.is_empty() || managers.contains(&Manager::Networkd) {
            told = told::networkd::tell(paths, new).map(|()| true);
        }
        if managers.contains(&Manager::NetworkManager) {
            let parent = one.kind.parents().first().cloned().and_then(name_of);
            told = told.and_then(|_| told::network_manager::tell(paths, new, parent));
        }
        let text = match told {
            Ok(true) => continue,
            Ok(false) => format!(
                "NetworkManager is not told of `{}`: it may take it down; give it a profile for this link",
                link.name
            ),
            Err(e) => format!(
                "the running system can't be told of `{}`: {e}; its network manager may take it down",
                link.name
            ),
        };
        kmsg.say(Level::Warning, &text);
    }
}

fn tell_network_manager(
    network: &Network,
    managers: &BTreeSet<Manager>,
    links: &[(&Interface, Link)],
) {
    let Context { paths, kmsg, .. } = &*network.context;
    let text = match profile::tell(paths, links) {
        // Another manager may have them.
        Ok(unknown) if unknown.is_empty() || managers.len() > 1 => return,
        Ok(unknown) => format!(
            "NetworkManager has no profile with a UUID for `{}`: it renews no lease there; give the profile its `interface-name` and `uuid`",
            unknown.join("`, `")
        ),
        Err(e) => format!("NetworkManager can't be told what is up: {e}; it renews no lease"),
    };
    kmsg.say(Level::Warning, &text);
}

/// The storage's interfaces that are there.
fn links<'a>(
    network: &'a Network,
    netlink: &mut Netlink,
) -> Result<Vec<(&'a Interface, Link)>, NetlinkError> {
    let mut found = Vec::new();
    for interface in network.context.plan.storage_interfaces() {
        let Some(index) = network.link_of(&interface.name) else {
            continue;
        };
        found.extend(netlink.link(index)?.map(|link| (interface, link)));
    }
    Ok(found)
}

/// While an address is there, root's connections live. The running system's
/// manager sets the same one again, with lifetimes of its own.
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

/// Gives the portals that a router leads to routes of their own by the same router.
fn routes(portals: &BTreeSet<IpAddr>, netlink: &mut Netlink) -> Result<(), NetlinkError> {
    for &portal in portals {
        let Some(route) = netlink.route_to(portal, None)? else {
            continue;
        };
        let (Some(IpAddr::V6(router)), protocol::RA) = (route.gateway, route.protocol) else {
            continue;
        };
        let Some(link) = netlink.link(route.link)? else {
            continue;
        };
        let new = NewRoute {
            metric: Some(METRIC),
            protocol: protocol::RA,
            expires: Some(LIFETIME),
            ..NewRoute::to(Some((portal, 128)), Some(router.into()))
        };
        netlink.add_route(&link, &new)?;
    }
    Ok(())
}

/// ifupdown takes over nothing that somebody else has brought up: what it is told to be
/// up stays as it is, and the agent goes on with the leases.
fn tell_ifupdown(network: &Network, links: &[(&Interface, Link)]) {
    for (interface, link) in links {
        if network.prepared_link(&interface.name).is_none() {
            continue;
        }
        if let Err(e) = ifupdown::set_up(&network.context.paths, &link.name) {
            let text = format!(
                "can't tell ifupdown that `{}` is up: {e}; it will try to bring it up again",
                link.name
            );
            network.context.kmsg.say(Level::Warning, &text);
        }
    }
}

/// The manager knows what routers announce by other routes than the kernel, and
/// sets its own beside those, which nobody would remove when a router goes.
fn take_over(
    network: &Network,
    netlink: &mut Netlink,
    links: &[(&Interface, Link)],
) -> Result<(), NetlinkError> {
    for (interface, link) in links {
        // The kernel's part in what the manager does: the next advertisement would
        // bring its routes back.
        for key in ["accept_ra_pinfo", "accept_ra_defrtr"] {
            network.try_ipv6(link, key, "0");
        }
        for one in netlink.announced(link)? {
            // A network's metric is another for the manager: with its own it takes
            // the route over. Its default routes have no such sign (since
            // version 256 systemd-networkd gives them a nexthop).
            if one.router.is_none() {
                let new = NewRoute {
                    metric: Some(interface.ra_metric.unwrap_or(ANNOUNCED)),
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
