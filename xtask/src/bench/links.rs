//! The agent against the scripts runtime where links stand on links, where
//! routers advertise the address, where a second table leads to the target.

use anyhow::Result;
use nvmeroot_lab::{Lab, Way};

use super::Section;
use super::compare::{Compared, Comparison};
use super::goal::Goal;
use super::hosts;
use super::span::Span;

/// A scenario of the lab, and what is special about it.
struct Case {
    from: &'static str,
    title: &'static str,
}

const CASES: [Case; 10] = [
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
        title: "a bond, 802.3ad, single ports pass too",
    },
    Case {
        from: "agent-bond-lacp-strict",
        title: "a bond, 802.3ad, nothing passes before both sides agree",
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

const SPANS: [Span; 4] = [Span::Work, Span::Held, Span::Initramfs, Span::Busy];

/// Measures the cases whose titles contain `wanted`, and tells.
pub(super) fn section(lab: &Lab, pairs: usize, wanted: &str) -> Result<Section> {
    let mut compared = Vec::new();
    for case in CASES.iter().filter(|case| case.title.contains(wanted)) {
        let host = |runtime| hosts::counted_like(case.from, runtime);
        compared.push(Compared::new(case.title, host)?);
    }
    let comparison = Comparison::run(lab, Way::EMULATED, pairs, &compared, &SPANS)?;
    let goal = |place| comparison.no_more_work(place);
    let goals: Vec<Goal> = (0..compared.len()).map(goal).collect();
    let told = comparison.told(pairs, "the way to root");
    Ok(Section::judged("links", &told, &goals))
}
