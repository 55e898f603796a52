//! Which interfaces lead to a controller.

use serde::{Deserialize, Serialize};

use crate::topology::Topology;
use crate::{Controller, InterfaceName, Network, Origin};

mod decide;
mod prefixes;
mod rejected;
mod rules;
mod tables;

pub(crate) use self::decide::{Egress, EgressReason, Router};
pub(crate) use self::rejected::{RejectedRoute, gateway_off_link, rejected_routes};
use self::tables::RouteSource;

/// The interfaces that lead to one controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerPath {
    /// Index into the plan's controllers.
    pub controller: usize,
    /// The interfaces, in bring-up order; empty where none leads there.
    pub interfaces: Vec<EgressInterface>,
}

/// Why an interface leads to a controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressInterface {
    /// The interface.
    pub interface: InterfaceName,
    /// One clause: the address, route or service that says so.
    pub why: String,
    /// Where it is said.
    pub origin: Origin,
}

/// Works out which interfaces lead to each controller, as the kernel will see
/// it: routing rules in their order, in each table the longest prefix among
/// the addresses' own networks and the routes, then the metric; all that are
/// equal lead there. Members of bonds and bridges don't, whatever addresses
/// they have.
///
/// Where only a default route or nothing covers the address, an interface that
/// is configured at boot (DHCP of the address's family, router advertisements)
/// may turn out to have the better route, and so leads there too.
///
/// Where the way is open only to connections that come from a certain address
/// or are bound to a VRF, the controller's options get that.
pub(crate) fn paths(controllers: &mut [Controller], network: &Network) -> Vec<ControllerPath> {
    let topology = Topology::new(network);
    let router = Router::new(network, &topology);
    let decided = controllers.iter_mut().enumerate();
    decided
        .map(|(controller, c)| {
            let decision = router.decide(c);
            if let Some(vrf) = decision.bind {
                c.options.host_iface = Some(topology.interfaces[vrf].name.clone());
            }
            c.options.host_traddr = c.options.host_traddr.or(decision.source);
            ControllerPath {
                controller,
                interfaces: decision
                    .leads
                    .iter()
                    .map(|w| egress_interface(&router, *w))
                    .collect(),
            }
        })
        .collect()
}

/// The input's rules without which the kernel would not find the way to one of
/// the controllers: place of the interface that says it, its own place there,
/// and the name of an interface that leads to the controller by it.
pub(crate) fn deciding_rules(
    controllers: &[Controller],
    network: &Network,
    topology: &Topology<'_>,
) -> std::collections::BTreeMap<(usize, usize), InterfaceName> {
    let mut found = std::collections::BTreeMap::new();
    if network.interfaces.iter().all(|one| one.rules.is_empty()) {
        return found;
    }
    let router = Router::new(network, topology);
    for controller in controllers {
        let decision = router.decide(controller);
        if let (Some(rule), Some(way)) = (decision.rule, decision.leads.first()) {
            let name = &topology.interfaces[way.at].name;
            found.entry(rule).or_insert_with(|| name.clone());
        }
    }
    found
}

fn egress_interface(router: &Router<'_>, way: Egress) -> EgressInterface {
    let (why, origin) = why(router, way);
    EgressInterface {
        interface: router.topology.interfaces[way.at].name.clone(),
        why,
        origin: origin.clone(),
    }
}

/// Why an interface leads to a controller, in one clause, and where that is
/// said.
pub(crate) fn why<'a>(router: &'a Router<'_>, way: Egress) -> (String, &'a Origin) {
    let interfaces = &router.topology.interfaces;
    let entry = match way.because {
        EgressReason::Boot(why) => return (why.to_owned(), &interfaces[way.at].origin),
        EgressReason::Named => {
            let why = "the controller's `host_iface` names it".to_owned();
            return (why, &interfaces[way.at].origin);
        }
        EgressReason::Entry(entry) => entry,
    };
    let says = &interfaces[entry.by];
    let why = match entry.said {
        RouteSource::Address(place) => {
            let address = says.addresses[place].address;
            format!("its address `{address}` is in the same network")
        }
        RouteSource::Route(place) => {
            let route = &says.routes[place];
            let by = route.via.map_or_else(String::new, |v| format!(" by `{v}`"));
            format!("its route to `{}`{by} covers the portal", route.to)
        }
        RouteSource::LinkLocal => "it has link-local addresses, and the portal's is one".to_owned(),
    };
    (why, router.origin(entry))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
