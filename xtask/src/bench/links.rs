//! The agent against the scripts runtime where links stand on links, where
//! routers advertise the address, where a second table leads to the target.

use std::collections::BTreeMap;

use anyhow::Result;
use nvmeroot_lab::Lab;

use super::Section;
use super::goal::{Goal, Limit, goals_table, unmet};
use super::hosts::{self, Runtime};
use super::measure::{Boot, Host, listed, measure, median, shown, table};
use super::span::Span;

/// A scenario of the lab, and what is special about it.
struct Case {
    from: &'static str,
    title: &'static str,
}

const CASES: [Case; 9] = [
    Case {
        from: "agent-vlan",
        title: "a VLAN",
    },
    Case {
        from: "agent-bond-backup",
        title: "a bond, active-backup, one port dead, one card absent",
    },
    Case {
        from: "agent-bond-lacp",
        title: "a bond, 802.3ad",
    },
    Case {
        from: "agent-vlan-on-bond",
        title: "a VLAN on a bond",
    },
    Case {
        from: "agent-bridge",
        title: "a bridge, its port forwards after 8 s",
    },
    Case {
        from: "agent-advertised",
        title: "IPv6 by router advertisement alone",
    },
    Case {
        from: "agent-policy",
        title: "static IPv4, a rule and a second table",
    },
    Case {
        from: "agent-jumbo",
        title: "a VLAN with jumbo frames",
    },
    Case {
        from: "agent-files",
        title: "three netplan files",
    },
];

const SPANS: [Span; 3] = [Span::Work, Span::Held, Span::Initramfs];

/// By case (its place in [`CASES`]), runtime and span, in the order measured.
type All = BTreeMap<(usize, Runtime), Vec<[f64; SPANS.len()]>>;

fn cases(wanted: &str) -> impl Iterator<Item = (usize, &'static Case)> {
    let all = CASES.iter().enumerate();
    all.filter(move |(_, case)| case.title.contains(wanted))
}

fn run(lab: &Lab, pairs: usize, wanted: &str) -> Result<All> {
    let mut hosts = Vec::new();
    for (place, case) in cases(wanted) {
        for runtime in Runtime::BOTH {
            hosts.push(Host {
                key: (place, runtime),
                title: format!("{}, {}", case.title, runtime.name()),
                scenario: hosts::like(case.from, runtime)?,
            });
        }
    }
    let read = |(_, runtime), boot: Boot| {
        let mut values = [0.0; SPANS.len()];
        for (value, span) in values.iter_mut().zip(SPANS) {
            *value = span.of(&boot, runtime)?;
        }
        Ok(values)
    };
    let mut all = All::new();
    for (key, values) in measure(lab, pairs, &hosts, read)? {
        all.entry(key).or_default().push(values);
    }
    Ok(all)
}

/// Measures the cases whose titles contain `wanted`, and tells.
pub(super) fn section(lab: &Lab, pairs: usize, wanted: &str) -> Result<Section> {
    let all = run(lab, pairs, wanted)?;
    let values = |place, runtime, number: usize| -> Vec<f64> {
        let boots = all.get(&(place, runtime)).into_iter().flatten();
        boots.map(|values| values[number]).collect()
    };
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for (place, case) in cases(wanted) {
        for (number, span) in SPANS.into_iter().enumerate() {
            let scripts = values(place, Runtime::Scripts, number);
            let agent = values(place, Runtime::Agent, number);
            let (slow, fast) = (median(&scripts), median(&agent));
            rows.push(vec![
                case.title.to_owned(),
                span.title().to_owned(),
                shown(slow),
                shown(fast),
                shown(slow - fast),
                format!("{:.2}", slow / fast),
                listed(&scripts),
                listed(&agent),
            ]);
            if span == Span::Initramfs {
                goals.push(Goal {
                    what: format!("{}, {}: scripts / agent", case.title, span.title()),
                    limit: Limit::AtLeast(1.0),
                    measured: slow / fast,
                });
            }
        }
    }
    let header = [
        "the way to root",
        "seconds",
        "scripts",
        "agent",
        "saved",
        "scripts / agent",
        "scripts, all values",
        "agent, all values",
    ];
    let text = format!(
        "Medians of {pairs} pairs, which ran in turn:\n\n{}\n\n{}\n",
        table(&header, &rows),
        goals_table(&goals)
    );
    Ok(Section {
        name: "links",
        text,
        unmet: unmet(&goals),
    })
}
