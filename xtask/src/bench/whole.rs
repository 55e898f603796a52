//! The whole initramfs, and what of it is work: whether what the agent saves is
//! lost elsewhere.

use anyhow::Result;
use nvmeroot_lab::{Lab, Way};

use super::Section;
use super::compare::{Compared, Comparison};
use super::hosts::{self, Case};
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
    let cases = Case::titled(wanted);
    let compared = Compared::cases(&cases, hosts::counted_host)?;
    let comparison = Comparison::run(lab, Way::EMULATED, pairs, &compared, &SPANS)?;
    let mut goals = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let least = case.times_faster();
        goals.extend(least.map(|least| comparison.faster(place, Span::Work, least)));
        goals.push(comparison.no_more_work(place));
    }
    let told = comparison.told(pairs, "address");
    Ok(Section::judged("whole", &told, &goals))
}
