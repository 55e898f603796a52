//! What leads to a controller too, and why it was not chosen.

use std::net::IpAddr;

use super::decide::{Decision, EgressReason, Router};
use ipnet::IpNet;

use super::tables::{Entry, Excluded, IPV4_LINK_LOCAL, IPV6_LINK_LOCAL, RouteSource};
use crate::{Controller, Origin};

/// An entry that was not chosen.
pub(crate) struct RejectedRoute {
    pub(crate) entry: Entry,
    /// One clause.
    pub(crate) why: String,
}

/// What covers the controller and was not chosen, `most` at most, and how
/// many more there are.
pub(crate) fn rejected_routes(
    router: &Router<'_>,
    decision: &Decision,
    controller: &Controller,
    most: usize,
) -> (Vec<RejectedRoute>, usize) {
    let to = controller.traddr;
    let mut passed = Vec::new();
    let mut count = 0;
    let chosen = |entry: &Entry| {
        let mut leads = decision.leads.iter();
        leads.any(|way| way.because == EgressReason::Entry(*entry))
    };
    let best = decision.leads.iter().find_map(|way| match way.because {
        EgressReason::Entry(entry) => Some(entry),
        EgressReason::Boot(_) | EgressReason::Named => None,
    });
    let best = decision.refused.or(best);
    for (table, length, entries) in router.tables.all_covering(to) {
        count += entries.len();
        for entry in entries.iter().take(most + decision.leads.len()) {
            if chosen(entry) || passed.len() == most {
                continue;
            }
            passed.push(RejectedRoute {
                entry: *entry,
                why: lost(router, decision, controller, best, (table, length, *entry)),
            });
        }
    }
    for (_, entries) in router.tables.kept.covering(to) {
        count += entries.len();
        for (entry, kept) in entries.iter().take(most) {
            if passed.len() == most {
                break;
            }
            let why = match kept {
                Excluded::Member(master) => {
                    let master = &router.topology.interfaces[*master].name;
                    format!("is a member of `{master}`, which gets its packets")
                }
                Excluded::NoGateway => "its gateway is on none of its networks".to_owned(),
            };
            passed.push(RejectedRoute { entry: *entry, why });
        }
    }
    let leads = decision.leads.iter();
    let taken = leads
        .filter(|way| matches!(way.because, EgressReason::Entry(_)))
        .count();
    let more = count.saturating_sub(taken + passed.len());
    (passed, more)
}

/// Why an entry of a table was not chosen.
fn lost(
    router: &Router<'_>,
    decision: &Decision,
    controller: &Controller,
    best: Option<Entry>,
    (table, length, entry): (u32, u8, Entry),
) -> String {
    if super::tables::refuses(entry.kind) && decision.refused == Some(entry) {
        return format!("says that it can't be reached (`{}`)", entry.kind);
    }
    let Some((best, decided)) = best.zip(decision.table) else {
        return format!("is in table {table}, which nothing looks into for this connection");
    };
    if table != decided {
        return format!("is in table {table}; table {decided} decided");
    }
    let best_length = router.length(best, controller.traddr);
    if length < best_length {
        return format!("its prefix /{length} is shorter than /{best_length}");
    }
    if length == best_length && entry.metric > best.metric {
        return format!("its metric {} is more than {}", entry.metric, best.metric);
    }
    match (&controller.options.host_iface, best.at == entry.at) {
        (_, true) => "says the same of the same interface".to_owned(),
        (Some(name), _) => format!("the connection is bound to `{name}`"),
        (None, _) => format!("is of type `{}`", entry.kind),
    }
}

/// The first gateway to the controller that is in no network of its interface:
/// that interface, and the gateway.
pub(crate) fn gateway_off_link(
    router: &Router<'_>,
    controller: &Controller,
) -> Option<(usize, IpAddr)> {
    let kept = router.tables.kept.covering(controller.traddr);
    kept.flat_map(|(_, entries)| entries)
        .find_map(|(entry, kept)| match (kept, entry.said) {
            (Excluded::NoGateway, RouteSource::Route(place)) => {
                let via = router.topology.interfaces[entry.by].routes[place].via?;
                Some((entry.at, via))
            }
            _ => None,
        })
}

fn link_local(to: IpAddr) -> IpNet {
    match to {
        IpAddr::V4(_) => IPV4_LINK_LOCAL,
        IpAddr::V6(_) => IPV6_LINK_LOCAL,
    }
}

impl Router<'_> {
    /// Where an entry is said.
    pub(crate) fn origin(&self, entry: Entry) -> &Origin {
        let says = &self.topology.interfaces[entry.by];
        match entry.said {
            RouteSource::Address(place) => says.addresses[place]
                .origin
                .as_ref()
                .unwrap_or(&says.origin),
            RouteSource::Route(place) => &says.routes[place].origin,
            RouteSource::LinkLocal => &says.origin,
        }
    }

    fn length(&self, entry: Entry, to: IpAddr) -> u8 {
        let says = &self.topology.interfaces[entry.by];
        match entry.said {
            RouteSource::Address(place) => says.addresses[place].address.prefix_len(),
            RouteSource::Route(place) => says.routes[place].covers(to).unwrap_or(0),
            RouteSource::LinkLocal => link_local(to).prefix_len(),
        }
    }

    /// An entry in a few words.
    pub(crate) fn shown(&self, entry: Entry) -> String {
        let says = &self.topology.interfaces[entry.by];
        match entry.said {
            RouteSource::Address(place) => {
                let network = says.addresses[place].address.trunc();
                format!("{network} on the link")
            }
            RouteSource::LinkLocal => "link-local, on the link".to_owned(),
            RouteSource::Route(place) => {
                let route = &says.routes[place];
                match route.via {
                    Some(via) => format!("{} by {via}", route.to),
                    None => format!("{} on the link", route.to),
                }
            }
        }
    }
}
