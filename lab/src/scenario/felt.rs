//! All trouble came and was felt. Else a scenario would pass because nothing went wrong.

use super::{End, Faults, Outcome, Scenario};
use crate::effect::Effect;
use crate::machine::Line;
use crate::report::Report;
use crate::target::COMMAND_FAILED;
use crate::trouble::{Trouble, What};

/// What arrived before the way to the drive was gone may still bring root, so many
/// seconds after.
const UNDER_WAY: f64 = 1.0;

/// Seconds that a round of the heartbeat may begin later than its pause says.
const LATE_ROUND: f64 = 2.0;

/// What was planned happened, touched what it should, and was in root's way.
pub(super) fn came(scenario: &Scenario, outcome: &Outcome, faults: &mut Faults) {
    // Chance may have had more in store for a root that never ran.
    let open = matches!(scenario.end, End::BootsOrGivesUp { .. }) && outcome.report.is_none();
    for ahead in outcome.ahead.iter().filter(|_| !open) {
        faults.add(format!("did not happen: {ahead}"));
    }
    let commands = |trouble: &Trouble| trouble.felt && matches!(trouble.what, What::Command(_));
    let failed = |line: &Line| line.text.contains(COMMAND_FAILED);
    if scenario.trouble.iter().any(commands) && outcome.target_console.iter().any(failed) {
        faults.add("a command failed in the target: its console says which (`target.txt`)");
    }
    for effect in &outcome.effects {
        for lack in effect.lacks() {
            faults.add(format!("without effect: {effect}: {lack}"));
        }
    }
    let cards = scenario.wiring.slots.len();
    for (from, to) in outcome
        .effects
        .iter()
        .filter_map(|effect| total(effect, &outcome.effects, cards))
    {
        not_meanwhile(scenario, outcome, from, to, faults);
        if let Some(report) = &outcome.report {
            stalled(scenario, outcome, report, from, to, faults);
        }
    }
    if let (End::Boots { after, .. }, Some(root)) = (&scenario.end, outcome.marks.root) {
        let after = after.as_secs_f64();
        faults.expect(root >= after, || {
            format!("root was there after {root:.1} s, and was not to be had before {after:.0} s")
        });
    }
}

/// From when to when nothing reached the drive, if that is so and ended.
fn total(effect: &Effect, all: &[Effect], cards: usize) -> Option<(f64, f64)> {
    let to = effect.to.filter(|_| effect.felt)?;
    let with = all
        .iter()
        .filter(|other| matches!(other.what, What::Cut(_)));
    let with = with.filter(|cut| cut.from <= effect.from && cut.to.is_none_or(|end| end >= to));
    let cut = matches!(effect.what, What::Cut(_)) && with.count() == cards;
    (cut || effect.is_total()).then_some((effect.from, to))
}

/// Root did not come while it could not be had.
fn not_meanwhile(scenario: &Scenario, outcome: &Outcome, from: f64, to: f64, faults: &mut Faults) {
    let is_remote = !scenario.wiring.local_root && !scenario.host.home;
    let marks = [
        ("mounted", outcome.marks.root),
        ("running", outcome.marks.marker),
    ];
    for (what, at) in marks {
        let at = at.filter(|at| is_remote && (from + UNDER_WAY..to).contains(at));
        if let Some(at) = at {
            faults.add(format!(
                "root was {what} at {at:.1} s, and from {from:.1} to {to:.1} s nothing led there"
            ));
        }
    }
}

/// A heart that beat meanwhile had to wait.
fn stalled(
    scenario: &Scenario,
    outcome: &Outcome,
    report: &Report,
    from: f64,
    to: f64,
    faults: &mut Faults,
) {
    let Some((heart, pause)) = report.heartbeat.as_ref().zip(scenario.pause()) else {
        return;
    };
    if outcome.marks.marker.is_none_or(|marker| marker > from) {
        return;
    }
    let least = to - from - pause - LATE_ROUND;
    faults.expect(heart.longest_stall >= least, || {
        format!(
            "the heartbeat never stalled longer than {:.1} s, and from {from:.1} to {to:.1} s nothing led to the drive",
            heart.longest_stall
        )
    });
}
