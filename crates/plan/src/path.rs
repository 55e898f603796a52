//! Which interfaces lead to a controller.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Controller, Interface, InterfaceName, Network, Origin};

/// The interfaces that lead to one controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerPath {
    /// Index into the plan's controllers.
    pub controller: usize,
    /// The interfaces, in bring-up order; empty where none leads there.
    pub interfaces: Vec<Lead>,
}

/// Why an interface leads to a controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The interface.
    pub interface: InterfaceName,
    /// One clause: the address, route or service that says so.
    pub why: String,
    /// Where it is said.
    pub origin: Origin,
}

/// How well something known at install time covers an address.
struct Cover<'a> {
    prefix: u8,
    metric: u32,
    why: String,
    origin: &'a Origin,
}

/// Works out which interfaces lead to each controller.
///
/// The longest prefix among the addresses' own networks and the routes of the
/// main table decides, then the metric, as in the kernel; all that are equal
/// lead there. Where only a default route or nothing covers the address, an
/// interface that is configured at boot (DHCP of the address's family, router
/// advertisements) may turn out to have the better route, and so leads there
/// too.
pub(crate) fn paths(controllers: &[Controller], network: &Network) -> Vec<ControllerPath> {
    controllers
        .iter()
        .enumerate()
        .map(|(controller, c)| ControllerPath {
            controller,
            interfaces: leads(c.traddr, c.options.host_iface.as_ref(), network),
        })
        .collect()
}

fn leads(to: IpAddr, only: Option<&InterfaceName>, network: &Network) -> Vec<Lead> {
    let candidates = || {
        network
            .interfaces
            .iter()
            .filter(|i| only.is_none_or(|n| *n == i.name))
    };
    let rank = |c: &Cover<'_>| (c.prefix, std::cmp::Reverse(c.metric));
    let best = candidates()
        .flat_map(|i| static_covers(i, to))
        .map(|c| rank(&c))
        .max();
    let settled = best.is_some_and(|(prefix, _)| prefix > 0);
    let unasked_ra = best.is_none() && !candidates().any(|i| dynamic(i, to).is_some());

    let mut leads = Vec::new();
    for interface in candidates() {
        let cover = static_covers(interface, to).find(|c| Some(rank(c)) == best);
        if let Some(cover) = cover {
            leads.push(Lead {
                interface: interface.name.clone(),
                why: cover.why,
                origin: cover.origin.clone(),
            });
        } else if !settled {
            let implicit = || {
                (unasked_ra && to.is_ipv6() && interface.accept_ra.is_none())
                    .then_some("router advertisements may bring a route")
            };
            if let Some(why) = dynamic(interface, to).or_else(implicit) {
                leads.push(Lead {
                    interface: interface.name.clone(),
                    why: why.to_owned(),
                    origin: interface.origin.clone(),
                });
            }
        }
    }
    leads
}

fn static_covers(interface: &Interface, to: IpAddr) -> impl Iterator<Item = Cover<'_>> {
    let addresses = interface
        .addresses
        .iter()
        .filter(move |a| a.address.contains(&to))
        .map(move |a| Cover {
            prefix: a.address.prefix_len(),
            metric: 0,
            why: format!("its address `{}` is in the same network", a.address),
            origin: a.origin.as_ref().unwrap_or(&interface.origin),
        });
    let routes = interface
        .routes
        .iter()
        .filter(|r| r.table.is_none_or(|t| t == 254))
        .filter(|r| r.kind == crate::RouteType::Unicast)
        .filter_map(move |r| {
            Some(Cover {
                prefix: r.covers(to)?,
                metric: r.metric.unwrap_or(0),
                why: match r.via {
                    Some(via) => format!("its route to `{}` by `{via}` covers the portal", r.to),
                    None => format!("its route to `{}` covers the portal", r.to),
                },
                origin: &r.origin,
            })
        });
    addresses.chain(routes)
}

fn dynamic(interface: &Interface, to: IpAddr) -> Option<&'static str> {
    match to {
        IpAddr::V4(_) if interface.dhcp4 => Some("DHCPv4 may bring a route"),
        IpAddr::V6(_) if interface.dhcp6 => {
            Some("DHCPv6 and router advertisements may bring a route")
        }
        IpAddr::V6(_) if interface.accept_ra == Some(true) => {
            Some("router advertisements may bring a route")
        }
        _ => None,
    }
}
