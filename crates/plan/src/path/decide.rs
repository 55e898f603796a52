//! Which interfaces lead to one controller, as the kernel will see it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::rules::{Lookup, RuleKind, Rules};
use super::tables::{ADVERTISED, Dynamic, Entry, RouteSource, Tables, refuses, table_of};
use crate::topology::Topology;
use crate::{Controller, InterfaceName, LinkKind, Network, RouteType};

/// What decides over the way to each controller.
#[derive(Debug)]
pub(crate) struct Router<'a> {
    pub(crate) topology: &'a Topology<'a>,
    pub(super) tables: Tables,
    rules4: Rules<'a>,
    rules6: Rules<'a>,
    vrfs: Vec<usize>,
    by_name: BTreeMap<&'a InterfaceName, usize>,
}

/// The way to a controller.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// The interfaces, in bring-up order.
    pub(crate) leads: Vec<Egress>,
    /// The input's rule that decided: its interface's place, its own there.
    pub(crate) rule: Option<(usize, usize)>,
    /// The table that was decided by.
    pub(crate) table: Option<u32>,
    /// The VRF that the connection must be bound to.
    pub(crate) bind: Option<usize>,
    /// The address that it must come from.
    pub(crate) source: Option<IpAddr>,
    /// The route that says it can't be reached.
    pub(crate) refused: Option<Entry>,
}

/// An interface that leads to a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Egress {
    /// Place of the interface.
    pub(crate) at: usize,
    pub(crate) because: EgressReason,
}

/// Why it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EgressReason {
    /// This entry of a routing table is the best.
    Entry(Entry),
    /// What comes at boot may be better.
    Boot(&'static str),
    /// Nothing that is known leads there, but the controller asks for this
    /// interface.
    Named,
}

/// How a connection asks for its way.
#[derive(Clone, Copy, Debug)]
struct Question {
    to: IpAddr,
    tos: u8,
    source: Option<IpAddr>,
    /// Only over this interface.
    only: Option<usize>,
    /// Bound to something in this VRF.
    vrf: Option<usize>,
}

/// What the tables answer.
struct Answer {
    /// How many rules were asked before.
    turn: usize,
    rule: Option<(usize, usize)>,
    table: u32,
    length: u8,
    entries: Vec<Entry>,
}

impl Answer {
    /// Nothing that comes at boot into the same table is better.
    fn is_settled(&self) -> bool {
        self.length > 0
    }

    fn refusal(&self) -> Option<Entry> {
        self.entries.first().filter(|e| refuses(e.kind)).copied()
    }
}

impl<'a> Router<'a> {
    pub(crate) fn new(network: &'a Network, topology: &'a Topology<'a>) -> Self {
        let interfaces = network.interfaces.as_slice();
        let mut by_name = BTreeMap::new();
        for (at, one) in interfaces.iter().enumerate() {
            by_name.entry(&one.name).or_insert(at);
        }
        let is_vrf = |at: &usize| matches!(interfaces[*at].kind, LinkKind::Vrf { .. });
        Self {
            topology,
            tables: Tables::new(topology),
            rules4: Rules::new(interfaces, false),
            rules6: Rules::new(interfaces, true),
            vrfs: (0..interfaces.len()).filter(is_vrf).collect(),
            by_name,
        }
    }

    fn rules(&self, to: IpAddr) -> &Rules<'a> {
        match to {
            IpAddr::V4(_) => &self.rules4,
            IpAddr::V6(_) => &self.rules6,
        }
    }

    /// The way to a controller.
    ///
    /// An unbound socket is routed once, adopts that route's source, and is routed
    /// again (`ip_route_connect`). Where that leads nowhere
    /// but from an address that a rule names, the connection must come from
    /// that one; where only a VRF has the controller's network, it must be
    /// bound to the VRF.
    pub(crate) fn decide(&self, controller: &Controller) -> Decision {
        let options = &controller.options;
        let mut question = Question {
            to: controller.traddr,
            tos: options.tos.unwrap_or(0),
            source: options.host_traddr,
            only: None,
            vrf: None,
        };
        if let Some(name) = &options.host_iface {
            let Some(&at) = self.by_name.get(name) else {
                return Decision::default();
            };
            // Bound to the VRF itself, any of its members will do.
            let is_vrf = self.vrfs.binary_search(&at).is_ok();
            question.only = (!is_vrf).then_some(at);
            question.vrf = if is_vrf {
                Some(at)
            } else {
                self.topology.vrf(at)
            };
            let mut decision = self.ways(question).0;
            if decision.leads.is_empty() && decision.refused.is_none() {
                let because = EgressReason::Named;
                decision.leads.push(Egress { at, because });
            }
            return decision;
        }
        if matches!(question.to, IpAddr::V6(to) if to.is_unicast_link_local()) {
            // The kernel connects to none without an interface.
            return Decision::default();
        }
        let (unbound, settled) = self.ways(question);
        if settled {
            return unbound;
        }
        let bound = || {
            let bound = self.vrfs.iter().filter(|vrf| {
                let table = table_of(self.topology, **vrf);
                self.tables.may_lead(table, question.to)
            });
            let bound = bound.map(|vrf| {
                let vrf = Some(*vrf);
                let (decision, settled) = self.ways(Question { vrf, ..question });
                let in_vrf = decision.table == vrf.map(|at| table_of(self.topology, at));
                let bind = vrf.filter(|_| in_vrf && !decision.leads.is_empty());
                (Decision { bind, ..decision }, settled)
            });
            bound.filter(|(decision, _)| decision.bind.is_some())
        };
        if let Some((decision, _)) = bound().find(|(_, settled)| *settled) {
            return decision;
        }
        if !unbound.leads.is_empty() || unbound.refused.is_some() {
            return unbound;
        }
        if let Some(decision) = self.by_rule_of_source(question) {
            return decision;
        }
        if let Some((decision, _)) = bound().next() {
            return decision;
        }
        Decision {
            leads: self.unasked(question),
            ..unbound
        }
    }

    /// The leads, and whether nothing that comes at boot can change them.
    fn ways(&self, mut question: Question) -> (Decision, bool) {
        let mut answer = self.look_up(question);
        if question.source.is_none()
            && self.rules(question.to).by_source
            && let Some(source) = answer.as_ref().and_then(|a| self.source(a, question.to))
        {
            question.source = Some(source);
            answer = self.look_up(question);
        }
        let mut leads: Vec<Egress> = Vec::new();
        let refused = answer.as_ref().and_then(Answer::refusal);
        if let Some(answer) = answer.as_ref().filter(|_| refused.is_none()) {
            leads.extend(answer.entries.iter().map(|&entry| Egress {
                at: entry.at,
                because: EgressReason::Entry(entry),
            }));
        }
        let mut table = answer.as_ref().map(|a| a.table);
        let mut rule = answer.as_ref().and_then(|a| a.rule);
        for (dynamic, into) in self.coming(question, answer.as_ref()) {
            leads.push(Egress {
                at: dynamic.at,
                because: EgressReason::Boot(dynamic.why),
            });
            table = table.or(Some(dynamic.table));
            rule = rule.or(into);
        }
        // What is known comes before what may come.
        let mut sorted = BTreeMap::new();
        for way in leads {
            sorted.entry(way.at).or_insert(way);
        }
        let leads: Vec<Egress> = sorted.into_values().collect();
        let settled = answer.is_some_and(|a| a.is_settled() || a.rule.is_some());
        let decision = Decision {
            leads,
            rule,
            table,
            refused,
            ..Decision::default()
        };
        (decision, settled)
    }

    fn asked(&self, question: Question) -> Lookup {
        Lookup {
            to: question.to,
            source: question.source,
            vrf: question.vrf.map(|vrf| table_of(self.topology, vrf)),
            tos: question.tos,
        }
    }

    fn is_usable(question: Question, at: usize) -> bool {
        question.only.is_none_or(|only| only == at)
    }

    fn look_up(&self, question: Question) -> Option<Answer> {
        let rules = self.rules(question.to).asked(self.asked(question));
        let mut empty = std::collections::BTreeSet::new();
        for (turn, (look, table)) in rules.enumerate() {
            if empty.contains(&table) {
                continue;
            }
            let usable = |at| Self::is_usable(question, at);
            match self.tables.best(table, question.to, usable) {
                Some((length, entries)) if entries[0].kind != RouteType::Throw => {
                    return Some(Answer {
                        turn,
                        rule: said(look),
                        table,
                        length,
                        entries,
                    });
                }
                _ => {
                    empty.insert(table);
                }
            }
        }
        None
    }

    /// What may come at boot and be asked before an answer, or be better than
    /// it; each with the input's rule that would ask for it.
    fn coming(
        &self,
        question: Question,
        answer: Option<&Answer>,
    ) -> impl Iterator<Item = (Dynamic, Option<(usize, usize)>)> {
        let mut first: BTreeMap<u32, (usize, Option<(usize, usize)>)> = BTreeMap::new();
        let rules = self.rules(question.to).asked(self.asked(question));
        let until = match answer {
            Some(answer) if answer.is_settled() => answer.turn,
            Some(answer) => answer.turn + 1,
            None => usize::MAX,
        };
        for (turn, (look, table)) in rules.enumerate().take(until) {
            first.entry(table).or_insert((turn, said(look)));
        }
        let dynamic = match question.to {
            IpAddr::V4(_) => &self.tables.dynamic4,
            IpAddr::V6(_) => &self.tables.dynamic6,
        };
        dynamic.iter().filter_map(move |one| {
            let (_, rule) = first.get(&one.table)?;
            Self::is_usable(question, one.at).then_some((*one, *rule))
        })
    }

    /// The address that goes with an answer, as far as the input says it.
    fn source(&self, answer: &Answer, to: IpAddr) -> Option<IpAddr> {
        let entry = answer.entries.first().filter(|e| !refuses(e.kind))?;
        let says = &self.topology.interfaces[entry.by];
        let route = match entry.said {
            // From a link-local address that is not known before the boot.
            RouteSource::LinkLocal => return None,
            RouteSource::Address(_) => None,
            RouteSource::Route(place) => Some(&says.routes[place]),
        };
        if let Some(from) = route.and_then(|r| r.from) {
            return Some(from);
        }
        let next = route.and_then(|r| r.via).unwrap_or(to);
        let addresses = self.topology.interfaces[entry.at].addresses.iter();
        let mut of_family = addresses
            .map(|a| a.address)
            .filter(|a| a.addr().is_ipv4() == to.is_ipv4());
        let near = of_family.clone().find(|a| a.contains(&next));
        near.or_else(|| of_family.next()).map(|a| a.addr())
    }

    /// The way from an address that a rule names, where there is one.
    fn by_rule_of_source(&self, question: Question) -> Option<Decision> {
        if question.source.is_some() {
            return None;
        }
        let asked = self.asked(question);
        for rule in self.rules(question.to).by_source_alone(asked) {
            let (Some(from), Some(table)) = (rule.from, rule.table) else {
                continue;
            };
            let best = self.tables.best(table, question.to, |_| true);
            for entry in best.into_iter().flat_map(|(_, entries)| entries) {
                let mut own = self.topology.interfaces[entry.at].addresses.iter();
                let Some(source) = own.find(|a| from.contains(&a.address.addr())) else {
                    continue;
                };
                let source = Some(source.address.addr());
                let (decision, _) = self.ways(Question { source, ..question });
                if !decision.leads.is_empty() {
                    return Some(Decision { source, ..decision });
                }
            }
        }
        None
    }

    /// Where nothing is said: the interfaces that the kernel or networkd lets
    /// routers configure by default.
    fn unasked(&self, question: Question) -> Vec<Egress> {
        if question.to.is_ipv4() {
            return Vec::new();
        }
        let interfaces = self.topology.interfaces.iter().enumerate();
        interfaces
            .filter(|(at, one)| {
                one.accept_ra.is_none()
                    && self.topology.master(*at).is_none()
                    && self.topology.vrf(*at).is_none()
                    && !matches!(one.kind, LinkKind::Vrf { .. })
            })
            .map(|(at, _)| Egress {
                at,
                because: EgressReason::Boot(ADVERTISED),
            })
            .collect()
    }
}

/// The place of a rule that the input says.
fn said(look: RuleKind<'_>) -> Option<(usize, usize)> {
    match look {
        RuleKind::Configured { at, place, .. } => Some((at, place)),
        RuleKind::Local | RuleKind::Vrf | RuleKind::Main => None,
    }
}
