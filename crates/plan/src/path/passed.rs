//! What leads to a controller too, and why it was not chosen.

use std::net::IpAddr;

use super::decide::{Because, Decision, Router};
use ipnet::IpNet;

use super::tables::{Entry, IPV4_LINK_LOCAL, IPV6_LINK_LOCAL, Kept, Said};
use crate::{Controller, Origin};

/// An entry that was not chosen.
pub(crate) struct Passed {
    pub(crate) entry: Entry,
    /// One clause.
    pub(crate) why: String,
}

/// What covers the controller and was not chosen, `most` at most, and how
/// many more there are.
pub(crate) fn passed_over(
    router: &Router<'_>,
    decision: &Decision,
    controller: &Controller,
    most: usize,
) -> (Vec<Passed>, usize) {
    let to = controller.traddr;
    let mut passed = Vec::new();
    let mut count = 0;
    let chosen = |entry: &Entry| {
        let mut leads = decision.leads.iter();
        leads.any(|way| way.because == Because::Entry(*entry))
    };
    let best = decision.leads.iter().find_map(|way| match way.because {
        Because::Entry(entry) => Some(entry),
        Because::Boot(_) | Because::Named => None,
    });
    let best = decision.refused.or(best);
    for (table, length, entries) in router.tables.all_covering(to) {
        count += entries.len();
        for entry in entries.iter().take(most + decision.leads.len()) {
            if chosen(entry) || passed.len() == most {
                continue;
            }
            passed.push(Passed {
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
                Kept::Member(master) => {
                    let master = &router.topology.interfaces[*master].name;
                    format!("is a member of `{master}`, which gets its packets")
                }
                Kept::NoGateway => "its gateway is on none of its networks".to_owned(),
            };
            passed.push(Passed { entry: *entry, why });
        }
    }
    let leads = decision.leads.iter();
    let taken = leads
        .filter(|way| matches!(way.because, Because::Entry(_)))
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
        return format!("says that it can't be reached (`{}`)", kind(entry));
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
        (None, _) => format!("is of type `{}`", kind(entry)),
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
            (Kept::NoGateway, Said::Route(place)) => {
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

fn kind(entry: Entry) -> String {
    format!("{:?}", entry.kind).to_lowercase()
}

impl Router<'_> {
    /// Where an entry is said.
    pub(crate) fn origin(&self, entry: Entry) -> &Origin {
        let says = &self.topology.interfaces[entry.by];
        match entry.said {
            Said::Address(place) => says.addresses[place]
                .origin
                .as_ref()
                .unwrap_or(&says.origin),
            Said::Route(place) => &says.routes[place].origin,
            Said::LinkLocal => &says.origin,
        }
    }

    fn length(&self, entry: Entry, to: IpAddr) -> u8 {
        let says = &self.topology.interfaces[entry.by];
        match entry.said {
            Said::Address(place) => says.addresses[place].address.prefix_len(),
            Said::Route(place) => says.routes[place].covers(to).unwrap_or(0),
            Said::LinkLocal => link_local(to).prefix_len(),
        }
    }

    /// An entry in a few words.
    pub(crate) fn shown(&self, entry: Entry) -> String {
        let says = &self.topology.interfaces[entry.by];
        match entry.said {
            Said::Address(place) => {
                let network = says.addresses[place].address.trunc();
                format!("{network} on the link")
            }
            Said::LinkLocal => "link-local, on the link".to_owned(),
            Said::Route(place) => {
                let route = &says.routes[place];
                match route.via {
                    Some(via) => format!("{} by {via}", route.to),
                    None => format!("{} on the link", route.to),
                }
            }
        }
    }
}
