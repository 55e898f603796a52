//! `params` of bonds and bridges, under netplan's names (cloud-init
//! `NET_CONFIG_TO_V2`).

use std::collections::BTreeSet;

use nvmeroot_plan::Severity;

use super::fields::{Told, at, is_nothing};
use super::words::{copied, place, placed};
use crate::diagnostic::Excerpt;
use crate::native::{Map, Word};
use crate::yaml::{KeyPath, Mapping, Node};

/// One parameter.
#[derive(Debug)]
pub(super) struct Parameter<'d> {
    /// netplan's name.
    pub(super) name: &'static str,
    /// The key as written.
    pub(super) key: Node<'d>,
    pub(super) value: Word,
}

/// Below the prefix `bond-`, with dashes.
const BOND: &[(&str, Option<&str>)] = &[
    ("ad-select", Some("ad-select")),
    ("all-slaves-active", Some("all-slaves-active")),
    ("arp-all-targets", Some("arp-all-targets")),
    ("arp-interval", Some("arp-interval")),
    ("arp-ip-target", Some("arp-ip-targets")),
    ("arp-validate", Some("arp-validate")),
    ("downdelay", Some("down-delay")),
    ("fail-over-mac", Some("fail-over-mac-policy")),
    ("lacp-rate", Some("lacp-rate")),
    ("learn-packet-interval", Some("learn-packet-interval")),
    ("miimon", Some("mii-monitor-interval")),
    ("min-links", Some("min-links")),
    ("mode", Some("mode")),
    ("num-grat-arp", Some("gratuitous-arp")),
    ("packets-per-slave", Some("packets-per-slave")),
    ("primary", Some("primary")),
    ("primary-reselect", Some("primary-reselect-policy")),
    ("updelay", Some("up-delay")),
    ("xmit-hash-policy", Some("transmit-hash-policy")),
    ("active-slave", None),
    ("ad-actor-key", None),
    ("ad-actor-sys-prio", None),
    ("ad-actor-system", None),
    ("ad-aggregator", None),
    ("ad-num-ports", None),
    ("ad-partner-key", None),
    ("ad-partner-mac", None),
    ("ad-user-port-key", None),
    ("lp-interval", None),
    ("mii-status", None),
    ("num-unsol-na", None),
    ("peer-notif-delay", None),
    ("queue-id", None),
    ("resend-igmp", None),
    ("slaves", None),
    ("tlb-dynamic-lb", None),
    ("use-carrier", None),
];

const BRIDGE: &[(&str, Option<&str>)] = &[
    ("bridge_ageing", Some("ageing-time")),
    ("bridge_bridgeprio", Some("priority")),
    ("bridge_fd", Some("forward-delay")),
    ("bridge_hello", Some("hello-time")),
    ("bridge_maxage", Some("max-age")),
    ("bridge_pathcost", Some("path-cost")),
    ("bridge_portprio", Some("port-priority")),
    ("bridge_stp", Some("stp")),
    ("bridge_gcint", None),
    ("bridge_hw", None),
    ("bridge_maxwait", None),
    ("bridge_ports", None),
    ("bridge_waitport", None),
];

pub(super) fn bond<'d>(params: Mapping<'d>, told: &mut Told<'_, 'd>) -> Vec<Parameter<'d>> {
    let mut found: Vec<Parameter<'d>> = Vec::new();
    for (key, value, name) in said(params) {
        let plain = name.replace('_', "-");
        let bare = plain.strip_prefix("bond-");
        let known = bare.and_then(|bare| BOND.iter().find(|(known, _)| *known == bare));
        let Some(&(_, netplan)) = known else {
            // Without its prefix nobody reads it.
            let bare = bare.unwrap_or(&plain);
            let meant: Vec<String> = BOND
                .iter()
                .map(|(known, _)| format!("bond-{known}"))
                .collect();
            let near = BOND
                .iter()
                .position(|(known, _)| *known == bare)
                .map(|at| meant[at].as_str())
                .or_else(|| {
                    told.findings
                        .nearest(name, meant.iter().map(String::as_str))
                });
            unknown(key, name, near, told);
            continue;
        };
        let Some(netplan) = netplan else {
            // `none`, since the list of members says it.
            if plain != "bond-slaves" {
                left(key, name, told);
            }
            continue;
        };
        let value = match (netplan, value.text()) {
            ("arp-ip-targets", Some(text)) => {
                let message =
                    "cloud-init writes this as `arp-ip-target`, which netplan does not know";
                let hint = "write version 2, where it is `arp-ip-targets`, a list";
                told.say(Severity::Notice, at(key, message).with_hint(hint));
                let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
                let targets = parts.map(|part| (place(value), Word::Text(part.to_owned())));
                placed(value, Word::List(targets.collect()))
            }
            _ if value.as_mapping().is_some() => {
                wrong(value, "a single value", told);
                continue;
            }
            _ => copied(value),
        };
        // With dashes and underscores, it may be there twice.
        found.retain(|parameter| parameter.name != netplan);
        found.push(Parameter {
            name: netplan,
            key,
            value,
        });
    }
    found
}

pub(super) fn bridge<'d>(params: Mapping<'d>, told: &mut Told<'_, 'd>) -> Vec<Parameter<'d>> {
    let mut found = Vec::new();
    for (key, value, name) in said(params) {
        let Some(&(_, netplan)) = BRIDGE.iter().find(|(known, _)| *known == name) else {
            let known = BRIDGE.iter().map(|(known, _)| *known);
            told.check(|check| check.unknown(key, &KeyPath::ROOT, known));
            continue;
        };
        let Some(netplan) = netplan else {
            left(key, name, told);
            continue;
        };
        let value = match netplan {
            "stp" => match value.text() {
                Some("on" | "1" | "true") => Some(placed(value, Word::Plain("true".to_owned()))),
                Some("off" | "0" | "false") => Some(placed(value, Word::Plain("false".to_owned()))),
                _ => {
                    wrong(value, "`on` or `off`", told);
                    None
                }
            },
            "path-cost" | "port-priority" => per_port(value, told),
            _ if value.text().is_none() => {
                wrong(value, "a single value", told);
                None
            }
            _ => Some(copied(value)),
        };
        found.extend(value.map(|value| Parameter {
            name: netplan,
            key,
            value,
        }));
    }
    found
}

fn said<'d>(params: Mapping<'d>) -> impl Iterator<Item = (Node<'d>, Node<'d>, &'d str)> {
    let entries = params.entries();
    let said = entries.filter(|entry| !is_nothing(entry.value));
    said.map(|entry| (entry.key, entry.value, entry.name()))
}

fn per_port<'d>(value: Node<'d>, told: &mut Told<'_, 'd>) -> Option<Word> {
    let expected = "a list of texts such as `eth0 50`: a port and its number";
    let Some(items) = value.as_sequence() else {
        wrong(value, expected, told);
        return None;
    };
    let mut ports = Map::default();
    let mut seen = BTreeSet::new();
    for item in items.iter() {
        let mut words = item.text().unwrap_or_default().split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(port), Some(number), None) => {
                if seen.insert(port) {
                    ports.add(port, place(item), Word::Plain(number.to_owned()));
                }
            }
            _ => wrong(item, expected, told),
        }
    }
    Some(placed(value, Word::Map(ports)))
}

fn wrong<'d>(node: Node<'d>, expected: &str, told: &mut Told<'_, 'd>) {
    let found = match node.text() {
        Some(text) => format!("this is `{}`", Excerpt(text)),
        None => "this is no single value".to_owned(),
    };
    told.misfit(node, found, expected);
}

fn unknown(key: Node<'_>, name: &str, near: Option<&str>, told: &mut Told<'_, '_>) {
    let message = format!("unknown key `{}`", Excerpt(name));
    let hint = near.map(|near| format!("did you mean `{near}`?"));
    told.say(Severity::Doubt, at(key, message).maybe_hint(hint));
}

fn left(key: Node<'_>, name: &str, told: &mut Told<'_, '_>) {
    let message = format!("`{name}` is left aside: cloud-init does not write it for netplan");
    told.say(Severity::Note, at(key, message));
}
