//! Which routing tables are looked up, in which order: the kernel's own rules
//! and the input's (`net/core/fib_rules.c`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::{Interface, LinkKind, MAIN_TABLE, Rule};

/// The kernel's priorities of its own rules (`net/ipv4/fib_rules.c`,
/// `drivers/net/vrf.c`). What the local table says concerns no other host.
const LOCAL_PRIORITY: u32 = 0;
const VRF_PRIORITY: u32 = 1000;
const MAIN_PRIORITY: u32 = 32766;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub(super) enum RuleKind<'a> {
    /// The local table, where a controller of another host never is.
    Local,
    /// The table of the VRF that the connection is bound to.
    Vrf,
    /// The main table, whoever asks.
    Main,
    /// A rule of the input.
    Configured {
        /// Place of the interface that says it.
        at: usize,
        /// Place in that interface's rules.
        place: usize,
        /// The rule.
        rule: &'a Rule,
    },
}

/// The rules of one address family, in the order in which they are asked.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    list: Vec<RuleKind<'a>>,
    /// Some rule asks for the source.
    pub(super) by_source: bool,
}

/// What a rule can ask of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookup {
    pub(super) to: IpAddr,
    pub(super) source: Option<IpAddr>,
    /// The table of the VRF that the connection is bound to.
    pub(super) vrf: Option<u32>,
    pub(super) tos: u8,
}

impl<'a> Rules<'a> {
    /// The rules of a family, as the kernel sorts them when it is told them
    /// in bring-up order.
    pub(super) fn new(interfaces: &'a [Interface], ipv6: bool) -> Self {
        let mut sorted: BTreeMap<(u32, usize), RuleKind<'a>> = BTreeMap::new();
        sorted.insert((LOCAL_PRIORITY, 0), RuleKind::Local);
        sorted.insert((MAIN_PRIORITY, 1), RuleKind::Main);
        let is_vrf = |one: &Interface| matches!(one.kind, LinkKind::Vrf { .. });
        if interfaces.iter().any(is_vrf) {
            sorted.insert((VRF_PRIORITY, 2), RuleKind::Vrf);
        }
        let mut by_source = false;
        for (at, one) in interfaces.iter().enumerate() {
            for (place, rule) in one.rules.iter().enumerate() {
                if rule.is_ipv6() != ipv6 {
                    continue;
                }
                by_source |= rule.from.is_some_and(|from| from.prefix_len() > 0);
                // Without a priority: one less than the second rule's.
                let second = sorted.keys().nth(1).map_or(0, |(priority, _)| *priority);
                let priority = rule.priority.unwrap_or_else(|| second.saturating_sub(1));
                // Of equal ones the newest comes last.
                let key = (priority, sorted.len());
                sorted.insert(key, RuleKind::Configured { at, place, rule });
            }
        }
        Self {
            list: sorted.into_values().collect(),
            by_source,
        }
    }

    /// The rules that apply to a connection, in order, with the table of each.
    pub(super) fn asked(&self, asked: Lookup) -> impl Iterator<Item = (RuleKind<'a>, u32)> {
        self.list.iter().filter_map(move |look| {
            let table = match look {
                RuleKind::Local => return None,
                RuleKind::Vrf => asked.vrf?,
                RuleKind::Main => MAIN_TABLE,
                RuleKind::Configured { rule, .. } => {
                    if !applies(rule, asked) {
                        return None;
                    }
                    rule.table.unwrap_or(MAIN_TABLE)
                }
            };
            Some((*look, table))
        })
    }

    /// The rules that would apply if the connection came from their source.
    pub(super) fn by_source_alone(&self, asked: Lookup) -> impl Iterator<Item = &'a Rule> {
        self.list.iter().filter_map(move |look| match look {
            RuleKind::Configured { rule, .. } => {
                let from = rule.from.filter(|from| from.prefix_len() > 0)?;
                let source = Some(from.addr());
                applies(rule, Lookup { source, ..asked }).then_some(*rule)
            }
            _ => None,
        })
    }
}

/// As `fib_rule_match`: a source that is not known yet is in no network but
/// the whole; the connections carry no mark.
fn applies(rule: &Rule, asked: Lookup) -> bool {
    let from = rule.from.is_none_or(|from| match asked.source {
        Some(source) => from.contains(&source),
        None => from.prefix_len() == 0,
    });
    let to = rule.to.is_none_or(|to| to.contains(&asked.to));
    let mark = rule.mark.unwrap_or(0) == 0;
    let tos = rule.type_of_service.unwrap_or(0);
    from && to && mark && (tos == 0 || tos == asked.tos)
}
