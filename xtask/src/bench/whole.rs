//! The whole initramfs, and what of it is work: whether what the agent saves is
//! lost elsewhere.

use anyhow::Result;
use nvmeroot_lab::Lab;

use super::Section;
use super::compare::{Compared, Comparison};
use super::goal::{Goal, Limit, goals_table, unmet};
use super::hosts::{self, Case, Runtime};
use super::span::Span;

const SPANS: [Span; 6] = [
    Span::Script,
    Span::Work,
    Span::Held,
    Span::Initramfs,
    Span::Busy,
    Span::Boot,
];

/// Measures the cases whose titles contain `wanted`, and tells.
pub(super) fn section(lab: &Lab, pairs: usize, wanted: &str) -> Result<Section> {
    let mut compared = Vec::new();
    for case in Case::ALL {
        if case.title().contains(wanted) {
            let [scripts, agent] = Runtime::BOTH.map(|runtime| hosts::counted_host(case, runtime));
            compared.push(Compared {
                title: case.title().to_owned(),
                scenarios: [scripts?, agent?],
            });
        }
    }
    let comparison = Comparison::run(lab, pairs, compared, &SPANS)?;
    let mut goals = Vec::new();
    for (place, title) in comparison.titles() {
        let held = comparison.saved(place, Span::Held);
        goals.push(Goal {
            what: format!(
                "{title}, seconds saved of {} / saved of {}",
                Span::Initramfs.title(),
                Span::Held.title()
            ),
            // A tenth is what differs from boot to boot.
            limit: Limit::AtLeast(0.9),
            measured: comparison.saved(place, Span::Initramfs) / held,
        });
        goals.push(Goal {
            what: format!("{title}, the processor's work: agent / scripts"),
            limit: Limit::AtMost(1.05),
            measured: 1.0 / comparison.ratio(place, Span::Busy),
        });
    }
    let text = format!(
        "Medians of {pairs} pairs, which ran in turn:\n\n{}\n\n{}\n",
        comparison.table("address"),
        goals_table(&goals)
    );
    Ok(Section {
        name: "whole",
        text,
        unmet: unmet(&goals),
    })
}
